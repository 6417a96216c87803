"""How much memory do workers take? A million rows, two processes.

    python -m benchmarks load_memory run --kind array
    python -m benchmarks load_memory run --kind frame
    python -m benchmarks load_memory table

1,000,000 rows x 20 columns and y, loky with 2 workers, 5 splits. A worker's own memory
is what it does not share with any other process: without mapped files. Linux only.
"""

from __future__ import annotations

import os
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import uniform

from benchmarks.core.clock import Stopwatch
from benchmarks.core.report import table as markdown
from benchmarks.core.store import Store
from benchmarks.tasks.estimators import Probe
from sklearn_tuners import BayesSearchCV, Optimizer

KEYS = ("kind", "rows")
SMOKE = {"rows": 20_000, "candidates": 2}
N_COLUMNS, N_WORKERS = 20, 2


def parse_rollup(text: str) -> dict[str, float]:
    r"""Return megabytes by name from the text of ``/proc/<pid>/smaps_rollup``.

    Examples
    --------
    >>> parse_rollup("00-ff ---p 0 00:00 0 [rollup]\nPss:   2000 kB\n")
    {'Pss': 2.048}
    """
    lines = (line.split() for line in text.splitlines()[1:])
    return {words[0].rstrip(":"): int(words[1]) * 1024 / 1e6 for words in lines}


def children() -> list[int]:
    """Return the process ids of the children of this process."""
    tasks = Path("/proc/self/task").iterdir()
    return [int(pid) for t in tasks for pid in (t / "children").read_text().split()]


def child_memory() -> dict[int, dict[str, float]]:
    """Return the memory of each child process, in megabytes by name."""
    memory = {}
    for pid in children():
        # Reading that of a process that is about to end fails or gives nothing.
        with suppress(OSError):
            if text := Path(f"/proc/{pid}/smaps_rollup").read_text():
                memory[pid] = parse_rollup(text)
    return memory


class MemorySampler:
    """Looks at the memory of the child processes, again and again, in a thread.

    Attributes
    ----------
    own : dict of int to float
        Largest memory of its own seen of each process, that is without mapped files.
    """

    def __init__(self) -> None:
        self.own: dict[int, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> MemorySampler:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            for pid, now in child_memory().items():
                self.own[pid] = max(self.own.get(pid, 0.0), now["Anonymous"])


def mapped_files() -> list[float]:
    """Return the megabytes of each file that joblib maps into its workers."""
    folders = [Path("/dev/shm"), Path(tempfile.gettempdir())]
    files = (
        file
        for folder in folders
        for file in folder.glob(f"joblib_memmapping_folder_{os.getpid()}_*/**/*.pkl")
    )
    return sorted((file.stat().st_size / 1e6 for file in files), reverse=True)


def run(
    store: Store, *, kind: str = "array", rows: int = 1_000_000, candidates: int = 6
) -> None:
    """Search on much data with processes and note the memory of the workers."""
    if (kind, rows) in store:
        return
    rng = np.random.default_rng(0)
    X: Any = rng.random((rows, N_COLUMNS))
    y = rng.random(rows)
    if kind == "frame":
        X = pd.DataFrame(X, columns=[f"c{i}" for i in range(N_COLUMNS)])
    data_mb = (X.size + y.size) * 8 / 1e6
    search = BayesSearchCV(
        Probe(),
        {"a": uniform()},
        n_iter=candidates,
        n_jobs=N_WORKERS,
        refit=False,
        random_state=0,
    )
    search.fit(X[:100], y[:100])
    idle = child_memory()  # of the same processes: loky keeps them
    files: list[float] = []

    def look() -> None:
        files[:] = mapped_files() or files

    with MemorySampler() as sampler, Stopwatch().watch(Optimizer, "ask", look):
        search.fit(X, y)
    own = [
        sampler.own[pid] - memory["Anonymous"]
        for pid, memory in idle.items()
        if pid in sampler.own
    ]
    row = {"kind": kind, "rows": rows, "data_mb": f"{data_mb:.1f}"}
    row["mapped_mb"] = " ".join(f"{size:.1f}" for size in files)
    store.append(row | {"own_mb": f"{max(own):.1f}"})


def table(store: Store) -> str:
    """Return the largest memory of a worker's own, beyond that of an idle one."""
    lines = [
        [
            str(r["kind"]),
            str(r["rows"]),
            str(r["data_mb"]),
            str(r["mapped_mb"]),
            str(r["own_mb"]),
            f"{float(r['own_mb']) / float(r['data_mb']):.2f}",
        ]
        for r in store.rows
    ]
    header = ["X", "rows", "MB of data", "MB of files mapped", "own MB of a worker"]
    return markdown([*header, "times the data"], lines)
