"""The command line of the benchmarks.

python -m benchmarks                        lists the studies
python -m benchmarks STUDY                  the same as STUDY run
python -m benchmarks STUDY run|table|plot   see --help for the options
"""

from __future__ import annotations

import argparse
import ast
import sys
from pathlib import Path

from benchmarks.core import study


def overview() -> str:
    """Return every study with its question."""
    lines = [f"  {n:18s} {_question(n)}" for n in study.names()]
    return "\n".join([__doc__ or "", "Studies:", "", *lines])


def _question(name: str) -> str:
    """Return the first line of a study, which need not be imported for that."""
    source = (study.ROOT / "studies" / f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").splitlines()[0]


def main(arguments: list[str]) -> None:
    """Parse the command line and start a study."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(overview())
        return
    name, *rest = arguments
    if name not in study.names():
        sys.exit(f"there is no study {name!r}, only {', '.join(study.names())}")
    module = study.load(name)
    if not rest or (rest[0].startswith("--") and rest[0] != "--help"):
        rest = ["run", *rest]
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks {name}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for command, help_text in study.COMMANDS.items():
        if not hasattr(module, command):
            continue
        sub = commands.add_parser(command, help=help_text)
        default = study.RESULTS / f"{name}.csv"
        sub.add_argument("--file", type=Path, default=default, help="of the results")
        study.add_options(sub, getattr(module, command))
    options = vars(parser.parse_args(rest))
    study.start(name, options.pop("command"), options.pop("file"), options)


if __name__ == "__main__":
    main(sys.argv[1:])
