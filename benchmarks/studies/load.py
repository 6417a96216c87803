"""What a search costs at its limits: many trials, much data.

Linux only for the memory of worker processes. Run it from the root of the repository::

    python -m benchmarks.load trials                     10,000 trials, a grid
    python -m benchmarks.load trials --with bar          with a ProgressBar
    python -m benchmarks.load trials --with journal      with a journal
    python -m benchmarks.load trials --search random     RandomizedSearchCV, to compare
    python -m benchmarks.load ask                        one proposal after n scores
    python -m benchmarks.load memory --kind array        1 million rows, 2 processes
    python -m benchmarks.load memory --kind frame        the same as a data frame

Seconds are CPU seconds, which other programs do not change.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

os.environ.setdefault("OMP_NUM_THREADS", "1")

from scipy.stats import uniform
from sklearn.base import BaseEstimator
from sklearn.model_selection import RandomizedSearchCV

from benchmarks.report import table, versions
from sklearn_tuners import BayesSearchCV, Optimizer

N_ROWS, N_COLUMNS = 1_000_000, 20
MB = 1e6


class Trivial(BaseEstimator):
    """Nothing to fit; the score is a function of the parameters."""

    def __init__(self, a: float = 0, b: float = 0) -> None:
        self.a, self.b = a, b

    def fit(self, X: Any, y: Any = None) -> Trivial:
        """Do nothing."""
        return self

    def score(self, X: Any, y: Any = None) -> float:
        """Return the score of the parameters."""
        return -((self.a - 0.3) ** 2) - (self.b - 0.6) ** 2


# 10,000 trials ------------------------------------------------------------------------


class Milestones:
    """Notes the state of the process each `every` calls.

    Attributes
    ----------
    rows : list of tuple
        Calls so far, CPU seconds of the calling thread, of those in the calls
        themselves, and of other threads, resident megabytes.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self.n_calls = 0
        self.inside = 0.0
        self.rows: list[tuple[int, float, float, float, float]] = []
        self.note()

    def note(self) -> None:
        """Note the state now."""
        own = time.thread_time()
        others = time.process_time() - own
        self.rows.append((self.n_calls, own, self.inside, others, resident_mb()))
        print(*(f"{value:.1f}" for value in self.rows[-1]), file=sys.stderr)

    @contextmanager
    def watch(self, owner: type, name: str) -> Iterator[None]:
        """Count the calls of a method and time them."""
        method = getattr(owner, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            start = time.thread_time()
            try:
                return method(*args, **kwargs)
            finally:
                self.inside += time.thread_time() - start
                self.n_calls += 1
                if self.n_calls % self.every == 0:
                    self.note()

        with mock.patch.object(owner, name, watched):
            yield


def resident_mb() -> float:
    """Return the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


def run_trials(search: str, extra: str | None, n_trials: int, n_jobs: int) -> None:
    """Search a grid of `n_trials` points and print what each tenth of it cost."""
    side = round(n_trials**0.5)
    levels = np.linspace(0, 1, side).tolist()
    space = {"a": levels, "b": levels}
    if search == "random":
        tuner = RandomizedSearchCV(
            Trivial(), space, n_iter=side**2, refit=False, random_state=0
        )
    else:
        tuner = BayesSearchCV(
            Trivial(),
            space,
            n_iter=side**2,
            refit=False,
            random_state=0,
            n_jobs=n_jobs,
        )
    if extra == "bar":
        from sklearn.callback import ProgressBar

        tuner.set_callbacks(ProgressBar())
    with tempfile.TemporaryDirectory() as folder:
        if extra == "journal":
            tuner.set_params(journal=str(Path(folder) / "journal.sqlite"))
        X, y = np.zeros((50, 1)), np.zeros(50)
        milestones = Milestones(every=side**2 // 10)
        start = time.perf_counter()
        with redirect_stdout(io.StringIO()), milestones.watch(Optimizer, "ask"):
            tuner.fit(X, y)
        milestones.note()
    print(f"{search}, with {extra}: {side**2} trials x 5 splits, {n_jobs=}")
    print(f"{time.perf_counter() - start:.0f} s by the clock, load {load()}\n")
    print(milestone_table(milestones.rows))


def milestone_table(rows: list[tuple[int, float, float, float, float]]) -> str:
    """Return what was spent between the milestones."""
    header = ["after", "CPU s", "of which ask", "s of other threads", "resident MB"]
    lines = []
    for before, now in pairwise(rows):
        spent = [f"{b - a:.1f}" for a, b in zip(before[1:4], now[1:4], strict=True)]
        lines.append([f"{now[0]} trials", *spent, f"{now[4]:.0f}"])
    total = [f"{b - a:.1f}" for a, b in zip(rows[0][1:4], rows[-1][1:4], strict=True)]
    lines.append(["in all", *total, f"{rows[-1][4]:.0f}"])
    return table(header, lines)


# One proposal -------------------------------------------------------------------------


def run_ask(sizes: Iterable[int], n_dims: int) -> None:
    """Print what a proposal and its tell cost after n scores of random params."""
    names = [f"x{i}" for i in range(n_dims)]
    optimizer = Optimizer({name: uniform() for name in names}, random_state=0)
    rng = np.random.default_rng(0)

    def tell(x: Any) -> None:
        params = dict(zip(names, map(float, x), strict=True))
        optimizer.tell(params, -float(np.sum((np.asarray(x) - 0.3) ** 2)))

    rows = []
    for size in sizes:
        while optimizer.n_told < size:
            tell(rng.random(n_dims))
        seconds = []
        for _ in range(7):
            start = time.thread_time()
            params = optimizer.ask()
            assert params is not None
            tell(list(params.values()))
            seconds.append(time.thread_time() - start)
        rows.append([f"{size}", f"{np.median(seconds):.3f}", f"{max(seconds):.3f}"])
    print(table(["scores", "median s", "longest of 7"], rows))


# Memory -------------------------------------------------------------------------------


class Probe(BaseEstimator):
    """Holds its training rows for a moment, so that its memory can be looked at."""

    def __init__(self, a: float = 0) -> None:
        self.a = a

    def fit(self, X: Any, y: Any = None) -> Probe:
        """Wait."""
        time.sleep(0.3)
        return self

    def score(self, X: Any, y: Any = None) -> float:
        """Wait again."""
        time.sleep(0.1)
        return self.a


def parse_rollup(text: str) -> dict[str, float]:
    r"""Return megabytes by name from the text of ``/proc/<pid>/smaps_rollup``.

    Examples
    --------
    >>> parse_rollup("00-ff ---p 0 00:00 0 [rollup]\nPss:   2000 kB\n")
    {'Pss': 2.048}
    """
    lines = (line.split() for line in text.splitlines()[1:])
    return {words[0].rstrip(":"): int(words[1]) * 1024 / MB for words in lines}


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
    """Looks at the memory of the child processes all the time, as a context manager.

    Attributes
    ----------
    own : dict of int to float
        Largest memory of its own seen of each process, that is without mapped files.
    in_all : float
        Largest sum over the processes of their proportional share, each page that
        n processes map counting a n-th for each.
    """

    def __init__(self) -> None:
        self.own: dict[int, float] = {}
        self.in_all = 0.0
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
            memory = child_memory()
            self.in_all = max(self.in_all, sum(now["Pss"] for now in memory.values()))
            for pid, now in memory.items():
                self.own[pid] = max(self.own.get(pid, 0.0), now["Anonymous"])


def mapped_files() -> list[float]:
    """Return the megabytes of each file that joblib maps into its workers."""
    folders = [Path("/dev/shm"), Path(tempfile.gettempdir())]
    files = (
        file
        for folder in folders
        for file in folder.glob(f"joblib_memmapping_folder_{os.getpid()}_*/**/*.pkl")
    )
    return sorted((file.stat().st_size / MB for file in files), reverse=True)


def run_memory(kind: str, n_jobs: int) -> None:
    """Search on much data with processes and print the memory of the workers."""
    rng = np.random.default_rng(0)
    X: Any = rng.random((N_ROWS, N_COLUMNS))
    y = rng.random(N_ROWS)
    if kind == "frame":
        import pandas as pd

        X = pd.DataFrame(X, columns=[f"c{i}" for i in range(N_COLUMNS)])
    data_mb = (N_ROWS * N_COLUMNS + N_ROWS) * 8 / MB
    tuner = BayesSearchCV(
        Probe(),
        {"a": uniform()},
        n_iter=6,
        n_jobs=n_jobs,
        refit=False,
        random_state=0,
    )
    tuner.fit(X[:100], y[:100])
    before = child_memory()  # of the same processes: loky keeps them
    files: list[float] = []
    with MemorySampler() as sampler, watch_files(files):
        tuner.fit(X, y)

    print(f"{kind}, {N_ROWS} x {N_COLUMNS} and y: {data_mb:.0f} MB, load {load()}")
    print("Files mapped, MB:", ", ".join(f"{size:.1f}" for size in files))
    in_all = sampler.in_all - sum(memory["Pss"] for memory in before.values())
    print(f"Beyond the idle workers, shared pages once: {in_all:.0f} MB\n")
    rows = []
    for pid, memory in before.items():
        idle = memory["Anonymous"]
        own = sampler.own[pid] - idle
        rows.append([f"{pid}", f"{idle:.0f}", f"{own:.0f}", f"{own / data_mb:.2f}"])
    print(
        table(["process", "idle MB", "largest own MB beyond", "times the data"], rows)
    )


@contextmanager
def watch_files(files: list[float]) -> Iterator[None]:
    """Put the sizes of the mapped files into a list, as long as there are any."""
    ask = Optimizer.ask

    def noting(*args: Any, **kwargs: Any) -> Any:
        files[:] = mapped_files() or files
        return ask(*args, **kwargs)

    with mock.patch.object(Optimizer, "ask", noting):
        yield


def load() -> str:
    """Return the load average of the last minute."""
    return f"{os.getloadavg()[0]:.0f}"


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    trials = commands.add_parser("trials")
    trials.add_argument("--search", choices=["bayes", "random"], default="bayes")
    trials.add_argument("--with", choices=["bar", "journal"], dest="extra")
    trials.add_argument("--trials", type=int, default=10_000)
    trials.add_argument("--n-jobs", type=int, default=1)
    ask = commands.add_parser("ask")
    ask.add_argument("--dims", type=int, default=5)
    ask.add_argument("sizes", type=int, nargs="*")
    memory = commands.add_parser("memory")
    memory.add_argument("--kind", choices=["array", "frame"], default="array")
    memory.add_argument("--n-jobs", type=int, default=2)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    print(versions())
    if args.command == "trials":
        run_trials(args.search, args.extra, args.trials, args.n_jobs)
    elif args.command == "ask":
        run_ask(args.sizes or (200, 500, 1000, 2000, 5000, 10_000), args.dims)
    else:
        run_memory(args.kind, args.n_jobs)


if __name__ == "__main__":
    main()
