"""Compare what two checkouts of this package propose, bit for bit.

::

    git worktree add ../base COMMIT
    python tests/long/same_proposals.py --base ../base --head .

Each checkout runs the searches of ``searches.py`` with the same libraries and one BLAS
thread. The script prints a line for each search and exits with status 1 if any of them
raises, or differs in its params, its scores or its choice.

``--only WORD`` keeps the searches with that word in their names.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SEARCHES = Path(__file__).with_name("searches.py")

# BLAS reads these when numpy is imported.
THREADS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BLIS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}


def run(checkout: Path, words: list[str]) -> dict[str, Any]:
    """Run the searches in a process that imports the package of a checkout."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [sys.executable, str(SEARCHES), str(out), *words]
        # Workers import the package too, by the same path.
        environment = {**os.environ, **THREADS, "PYTHONPATH": str(checkout)}
        subprocess.run(command, check=True, env=environment, cwd=folder)
        found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    if Path(found.pop("package")) != checkout:
        raise SystemExit(f"no package in {checkout}: another one was imported")
    return found


def difference(base: dict[str, Any], head: dict[str, Any]) -> str | None:
    """Return the first difference of two summaries, or None."""
    for side, found in {"base": base, "head": head}.items():
        if "error" in found:
            return f"{side} raised\n{found['error']}"
    for number, (old, new) in enumerate(zip(base["rows"], head["rows"], strict=False)):
        for column in {**old, **new}:
            if old.get(column) != new.get(column):
                return f"row {number}: {column}: {old.get(column)} -> {new.get(column)}"
    if len(base["rows"]) != len(head["rows"]):
        return f"{len(base['rows'])} rows -> {len(head['rows'])} rows"
    for attribute in base["best"]:
        if base["best"][attribute] != head["best"][attribute]:
            return (
                f"{attribute}: {base['best'][attribute]} -> {head['best'][attribute]}"
            )
    return None


def main() -> int:
    """Compare two checkouts and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=Path, required=True, help="to compare with")
    parser.add_argument("--head", type=Path, default=Path(), help="default: this one")
    parser.add_argument("--only", action="append", default=[], metavar="WORD")
    arguments = parser.parse_args()
    base = run(arguments.base.resolve(), arguments.only)
    head = run(arguments.head.resolve(), arguments.only)
    n_different = 0
    for name in base:
        found = difference(base[name], head[name])
        n_different += found is not None
        rows = len(base[name].get("rows", ()))
        print(
            f"{'same     ' if found is None else 'DIFFERENT'} {name} ({rows} rows,"
            f" {base[name]['seconds']:.1f} s -> {head[name]['seconds']:.1f} s)"
            + (f"\n          {found}" if found else "")
        )
    print(f"{len(base) - n_different} of {len(base)} searches are the same")
    return int(n_different > 0)


if __name__ == "__main__":
    sys.exit(main())
