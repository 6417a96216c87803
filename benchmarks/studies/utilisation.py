"""How much of the workers' time a search uses, on estimators that sleep.

160 candidates on 5 splits whose durations are lognormal (sigma 1), with threads as
workers. Run it from the root of the repository, one row a run::

    pip install scikit-optimize
    python -m benchmarks.utilisation run --workers 16 --runs 3 --out utilisation.csv
    python -m benchmarks.utilisation run --workers 8 --lag 4 --out utilisation.csv
    python -m benchmarks.utilisation run --workers 16 --skopt --out utilisation.csv
    python -m benchmarks.utilisation table utilisation.csv

Without `--lag` the search runs freely (``random_state=None``); with it the seed is an
int and a proposal knows all scores but those of the last so many candidates.
scikit-optimize proposes `n_points` = `--workers` candidates at a time and waits for all
of them.

The figures count from the call of `fit` until the last evaluation begins. From then on
workers run out of work whatever the scheduler does, so that until the end an ideal one,
which never waits and has nothing to decide, does not use all of their time either; on
the same durations it uses what stands under "ideal". As the workers only sleep, what
keeps them from it besides waiting for scores is the time that the calling thread takes
to choose. That time is given too, by the clock and as CPU time, which other programs do
not change; and what would have been used without it, on the same durations, by the
engine in virtual time or by scikit-optimize's barrier alone.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import threading
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import numpy as np

os.environ.setdefault("OMP_NUM_THREADS", "1")

from joblib import parallel_config
from sklearn.base import BaseEstimator

from benchmarks.report import table
from benchmarks.virtual import (
    N_TRIALS,
    FloatArray,
    Replay,
    batch_schedule,
    draw_durations,
    list_schedule,
    run_virtually,
    utilisation,
)
from sklearn_tuners import BayesSearchCV, Optimizer

NAMES = ("x0", "x1", "x2", "x3")


def mean_duration(n_workers: int) -> float:
    """Mean seconds of an evaluation: an ideal run takes 100 s, with 2 workers 200 s.

    The more workers, the more candidates are chosen a second.
    """
    return max(0.5, n_workers / 8)


class Clock:
    """Deals out the durations in the order in which evaluations begin."""

    def __init__(self, durations: FloatArray) -> None:
        self._durations = iter(durations.ravel().tolist())
        self._lock = threading.Lock()
        self.intervals: list[tuple[float, float]] = []

    def sleep(self) -> None:
        """Sleep for the next duration and write down from when to when."""
        with self._lock:
            duration = next(self._durations)
        begin = time.perf_counter()
        time.sleep(duration)
        self.intervals.append((begin, time.perf_counter()))


class Sleeper(BaseEstimator):
    """Sleeps in `fit`; the score is a smooth function of the parameters."""

    clock: ClassVar[Clock]

    def __init__(
        self, x0: float = 0, x1: float = 0, x2: float = 0, x3: float = 0
    ) -> None:
        self.x0, self.x1, self.x2, self.x3 = x0, x1, x2, x3

    def fit(self, X: Any, y: Any = None) -> Sleeper:
        """Sleep."""
        self.clock.sleep()
        return self

    def score(self, X: Any, y: Any = None) -> float:
        """Return the score of the parameters."""
        x = np.array([getattr(self, name) for name in NAMES])
        return -float(np.sum((x - np.linspace(0.2, 0.8, len(NAMES))) ** 2))


class Stopwatch:
    """Wraps a method and adds up the time spent in it."""

    def __init__(self, method: Any) -> None:
        self.method = method
        self.wall = self.cpu = 0.0

    def __get__(self, instance: Any, owner: type) -> Any:
        """Bind to an instance, as a function does."""
        return lambda *args, **kwargs: self(instance, *args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call and time."""
        wall, cpu = time.perf_counter(), time.thread_time()
        try:
            return self.method(*args, **kwargs)
        finally:
            self.wall += time.perf_counter() - wall
            self.cpu += time.thread_time() - cpu


def our_search(n_workers: int, lag: int | None, seed: int) -> Any:
    return BayesSearchCV(
        Sleeper(),
        dict.fromkeys(NAMES, (0.0, 1.0)),
        n_iter=N_TRIALS,
        n_jobs=n_workers,
        refit=False,
        random_state=None if lag is None else seed,
    )


def skopt_search(n_workers: int, seed: int) -> Any:
    import skopt

    return skopt.BayesSearchCV(
        Sleeper(),
        dict.fromkeys(NAMES, (0.0, 1.0)),
        n_iter=N_TRIALS,
        n_jobs=n_workers,
        n_points=n_workers,
        refit=False,
        random_state=seed,
    )


def fixed_lag(lag: int | None) -> AbstractContextManager[object]:
    """Have searches use a lag that is not the default one."""
    if lag is None:
        return nullcontext()
    return mock.patch("sklearn_tuners._search.run.default_lag", return_value=lag)


def deciders(is_skopt: bool) -> list[tuple[type, str]]:
    """Return the methods in which the optimiser spends its time."""
    if is_skopt:
        import skopt

        return [(skopt.Optimizer, "ask"), (skopt.Optimizer, "tell")]
    return [(Optimizer, "ask")]


def run(n_workers: int, lag: int | None, is_skopt: bool, seed: int) -> dict[str, Any]:
    """Make one run and return what is measured."""
    mean = mean_duration(n_workers)
    clock = Sleeper.clock = Clock(draw_durations(seed, mean))
    search = (
        skopt_search(n_workers, seed) if is_skopt else our_search(n_workers, lag, seed)
    )
    watches = []
    with parallel_config("threading"), fixed_lag(lag):
        for owner, name in deciders(is_skopt):
            watches.append(Stopwatch(getattr(owner, name)))
            setattr(owner, name, watches[-1])
        try:
            start = time.perf_counter()
            search.fit(np.zeros((20, 1)), np.zeros(20))
        finally:
            for (owner, name), watch in zip(deciders(is_skopt), watches, strict=True):
                setattr(owner, name, watch.method)
    intervals = np.array(sorted(clock.intervals))
    slept = intervals[:, 1] - intervals[:, 0]
    ideal = list_schedule(slept.tolist(), n_workers)
    return {
        "until_last_begins": utilisation(intervals, n_workers, start),
        "until_end": slept.sum() / (n_workers * (intervals[:, 1].max() - start)),
        "ideal_until_end": slept.sum() / (n_workers * ideal[:, 1].max()),
        "mean_duration": mean,
        "choosing_wall": sum(watch.wall for watch in watches),
        "choosing_cpu": sum(watch.cpu for watch in watches),
        "load": os.getloadavg()[0],
    }


def run_all(args: argparse.Namespace) -> None:
    """Make the runs that the command line asks for and append them to the file."""
    name = "scikit-optimize" if args.skopt else "sklearn_tuners"
    for seed in range(args.first_seed, args.first_seed + args.runs):
        row = {
            "tuner": name,
            "workers": args.workers,
            "lag": "" if args.lag is None else args.lag,
            "seed": seed,
            **run(args.workers, args.lag, args.skopt, seed),
        }
        with args.out.open("a", newline="") as file:
            writer = csv.DictWriter(file, list(row))
            if not file.tell():
                writer.writeheader()
            writer.writerow(row)


def used_without_choosing(row: dict[str, str]) -> float:
    """Share used until the last evaluation begins in virtual time, same durations."""
    n_workers, lag = int(row["workers"]), row["lag"]
    durations = draw_durations(int(row["seed"]))
    if row["tuner"] != "sklearn_tuners":
        return utilisation(batch_schedule(durations, n_workers), n_workers)
    space = dict.fromkeys(NAMES, (0.0, 1.0))
    n_independent = Optimizer(space, n_iter=N_TRIALS).n_independent
    tuner = Replay([{}] * N_TRIALS, n_independent)
    lag_or_none = int(lag) if lag else None
    return run_virtually(
        tuner, durations, n_workers=n_workers, lag=lag_or_none
    ).utilisation


def rows_of(path: Path) -> Iterator[list[str]]:
    """Yield the rows of the table: medians over the runs."""
    groups = defaultdict(list)
    with path.open() as file:
        for row in csv.DictReader(file):
            groups[row["tuner"], int(row["workers"]), row["lag"]].append(row)

    def median(runs: list[dict[str, str]], name: str) -> float:
        return statistics.median(float(run[name]) for run in runs)

    def order(key: tuple[str, int, str]) -> tuple[Any, ...]:
        tuner, n_workers, lag = key
        return tuner != "sklearn_tuners", lag != "", n_workers, int(lag or 0)

    for key in sorted(groups, key=order):
        (tuner, n_workers, lag), runs = key, groups[key]
        kind = f"lag {lag}" if lag else "free"
        virtual = statistics.median(map(used_without_choosing, runs))
        yield [
            kind if tuner == "sklearn_tuners" else tuner,
            f"{n_workers}",
            f"{median(runs, 'mean_duration'):.1f}",
            f"{median(runs, 'until_last_begins'):.3f}",
            f"{virtual:.3f}",
            f"{median(runs, 'until_end'):.3f}",
            f"{median(runs, 'ideal_until_end'):.3f}",
            f"{1e3 * median(runs, 'choosing_wall') / N_TRIALS:.0f}",
            f"{1e3 * median(runs, 'choosing_cpu') / N_TRIALS:.0f}",
            f"{len(runs)}",
            f"{median(runs, 'load'):.0f}",
        ]


HEADER = [
    "search",
    "workers",
    "mean s of a fit",
    "used until last begins",
    "had choosing taken no time",
    "used until end",
    "ideal until end",
    "ms to choose",
    "CPU ms",
    "runs",
    "load",
]


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run")
    runner.add_argument("--workers", type=int, required=True)
    runner.add_argument("--lag", type=int)
    runner.add_argument("--skopt", action="store_true")
    runner.add_argument("--runs", type=int, default=1)
    runner.add_argument("--first-seed", type=int, default=0)
    runner.add_argument("--out", type=Path, required=True)
    reader = commands.add_parser("table")
    reader.add_argument("file", type=Path)
    args = parser.parse_args()
    if args.command == "table":
        print(table(HEADER, list(rows_of(args.file))))
        return
    warnings.simplefilter("ignore")
    run_all(args)


if __name__ == "__main__":
    main()
