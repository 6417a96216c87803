"""`HyperbandSearchCV` against other searches: seconds until random search is reached.

    python -m benchmarks.hyperband run --seeds 0 1        a line per task, seed, search
    python -m benchmarks.hyperband table                  what docs/ shows of them
    python -m benchmarks.hyperband curves                 docs/hyperband_anytime.png

The clock is the processor time of this process, which runs on one thread, so that other
work on the machine does not count. All that a search does counts: fits, scoring and
overhead. Every search of a task and seed is scored on the same folds. The time is taken
when a row of the full resource has at least the best score of RandomizedSearchCV with
60 candidates; a search that is not there within that search's own seconds is ended and
counts as 1. HalvingRandomSearchCV scores on folds of its own: what it would return at
the end of a pass is scored again on the common ones, off the clock.

Optuna is left out where it is not installed. What is in the file is not run again.
"""

from __future__ import annotations

import argparse
import csv
import math
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    cross_val_score,
)
from threadpoolctl import threadpool_limits

from benchmarks.hyperband_tasks import TASKS, Task
from benchmarks.report import table, versions
from sklearn_tuners import BayesSearchCV, HyperbandSearchCV
from sklearn_tuners._hyperband.strategy import HyperbandRun
from sklearn_tuners._search.run import Run

RESULTS = Path(__file__).parent / "results" / "hyperband.csv"
PICTURE = Path(__file__).parents[1] / "docs" / "hyperband_anytime.png"
N_RANDOM = 60
RANDOM = "RandomizedSearchCV"
HALVING = "HalvingRandomSearchCV"
FOREVER = 1e9


class OutOfTimeError(BaseException):
    """No search swallows it, as it is no `Exception`."""


class Clock:
    """Processor seconds, less what is off the clock, and what was scored when.

    Parameters
    ----------
    budget : float
        Seconds after which a search is to end.
    target : float
        Score after which a search is to end.
    """

    def __init__(self, budget: float = math.inf, target: float = math.inf) -> None:
        self.budget, self.target = budget, target
        self.curve: list[tuple[float, float]] = []
        self.asking = 0.0
        self._start = time.process_time()

    @property
    def seconds(self) -> float:
        """What the search has taken so far."""
        return time.process_time() - self._start

    def pause(self, function: Callable[[], Any]) -> Any:
        """Return what a function returns; its time does not count."""
        begin = time.process_time()
        result = function()
        self._start += time.process_time() - begin
        return result

    def asked(self, ask: Callable[..., Any]) -> Callable[..., Any]:
        """Return a tuner's `ask` whose seconds are added up in `asking`."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = time.process_time()
            try:
                return ask(*args, **kwargs)
            finally:
                self.asking += time.process_time() - start

        return timed

    def note(self, score: float) -> None:
        """Take note of a row with the full resource."""
        if not self.curve or score > self.curve[-1][1]:
            self.curve.append((self.seconds, score))

    def check(self) -> None:
        """Raise if there is nothing more to see."""
        if self.is_reached or self.seconds >= self.budget:
            raise OutOfTimeError

    @property
    def is_reached(self) -> bool:
        """Whether a row has the target."""
        return bool(self.curve) and self.curve[-1][1] >= self.target


class Watched:
    """A scorer that tells the clock of every score."""

    def __init__(self, scoring: str, seen: Callable[[float], None]) -> None:
        self.scorer, self.seen = get_scorer(scoring), seen

    def __call__(self, estimator: Any, X: Any, y: Any) -> float:
        """Return the score."""
        score = float(self.scorer(estimator, X, y))
        self.seen(score)
        return score


def run_random(task: Task, seed: int, clock: Clock, n_iter: int = N_RANDOM) -> None:
    """Run the search that the others are measured by."""
    scores: list[float] = []

    def seen(score: float) -> None:
        scores.append(score)
        if len(scores) == task.n_splits:
            clock.note(float(np.mean(scores)))
            scores.clear()

    RandomizedSearchCV(
        task.estimator(),
        task.space,
        n_iter=n_iter,
        scoring=Watched(task.scoring, seen),
        cv=task.folds(seed),
        random_state=seed,
        refit=False,
        error_score="raise",
    ).fit(*task.load())


def rungs_of(task: Task) -> list[int]:
    """Return the resources of the rungs that HyperbandSearchCV chooses."""
    X, y = task.load()
    plan = hyperband(task, 0).plan(X, y)
    return [int(r) for r in plan.loc[plan["bracket"] == 0, "n_resources"]]


def run_halving(task: Task, seed: int, clock: Clock) -> None:
    """Run scikit-learn's search from the resource that ours begins with."""
    X, y = task.load()
    rungs, folds = clock.pause(lambda: (rungs_of(task), task.folds(seed)))
    n = 0
    while True:
        search = HalvingRandomSearchCV(
            task.estimator(),
            task.space,
            resource=task.parameter,
            min_resources=rungs[0],
            max_resources=rungs[-1],
            scoring=Watched(task.scoring, lambda _: clock.check()),
            cv=task.n_splits,
            random_state=1_000_000 + 1000 * seed + n,  # not the draws of the above
            refit=False,
        ).fit(X, y)
        row = search.best_index_
        best = clone(task.estimator()).set_params(**search.cv_results_["params"][row])
        if task.resource != "n_samples":
            best.set_params(**{task.parameter: rungs[-1]})
        clock.note(
            clock.pause(
                lambda best=best: cross_val_score(
                    best, X, y, scoring=task.scoring, cv=folds
                ).mean()
            )
        )
        clock.check()
        n += 1


def _watch(base: type[Run], clock: Clock, is_full: Callable[[Any], bool]) -> Any:
    """Return a class of runs that tells the clock of every row."""

    class WatchedRun(base):
        def _make_tuner(self, n_initial_points: Any) -> Any:
            tuner = super()._make_tuner(n_initial_points)
            tuner.ask = clock.asked(tuner.ask)
            return tuner

        def stop_reason(self, trial: Any, scores: Any) -> str | None:
            if is_full(trial):
                clock.note(scores[-1])
            clock.check()
            return super().stop_reason(trial, scores)

    return WatchedRun


def run_bayes(task: Task, seed: int, clock: Clock) -> None:
    """Run the search that gives everything to everyone."""

    class Search(BayesSearchCV):
        def _make_run(self, **kwargs: Any) -> Run:
            return _watch(Run, clock, lambda trial: True)(self, **kwargs)

    Search(
        task.estimator(),
        task.space,
        n_iter=N_RANDOM,
        scoring=task.scoring,
        cv=task.folds(seed),
        random_state=seed,
        refit=False,
    ).fit(*task.load())


def hyperband(task: Task, seed: int, **kwargs: Any) -> HyperbandSearchCV:
    """Return the search as a user would write it, with passes that repeat."""
    return HyperbandSearchCV(
        task.estimator(),
        task.space,
        resource=task.resource,
        max_resources=task.full or "auto",
        scoring=task.scoring,
        cv=task.folds(seed),
        random_state=seed,
        refit=False,
        max_time=FOREVER,
        **kwargs,
    )


def run_hyperband(task: Task, seed: int, clock: Clock, **kwargs: Any) -> None:
    """Run the search that this is about."""
    search = hyperband(task, seed, **kwargs)
    kind = _watch(
        HyperbandRun, clock, lambda t: t.stage.resource == search.max_resources_
    )

    def make_run(**kwargs: Any) -> HyperbandRun:
        run = kind(search, **kwargs)
        search.resource_ = run.schedule.resource
        search.max_resources_ = run.schedule.rungs[-1]
        return run

    search._make_run = make_run
    search.fit(*task.load())


Search = Callable[[Task, int, Clock], None]
SEARCHES: dict[str, Search] = {
    RANDOM: run_random,
    HALVING: run_halving,
    "BayesSearchCV": run_bayes,
    "HyperbandSearchCV": run_hyperband,
    "HyperbandSearchCV, random": lambda task, seed, clock: run_hyperband(
        task, seed, clock, sampler="random"
    ),
}
try:
    from benchmarks.hyperband_optuna import run_optuna
except ImportError:
    pass
else:
    SEARCHES["Optuna, HyperbandPruner"] = run_optuna


def measure(
    task: Task, seed: int, name: str, search: Search, budget: float, target: float
) -> dict[str, Any]:
    """Return the line of a search."""
    clock = Clock(budget, target)
    with threadpool_limits(1), warnings.catch_warnings(), suppress(OutOfTimeError):
        warnings.simplefilter("ignore")
        search(task, seed, clock)
    return {
        "task": task.name,
        "seed": seed,
        "search": name,
        "seconds": f"{clock.seconds:.3f}",
        "reached": int(clock.is_reached),
        "asking": f"{clock.asking:.3f}",
        "curve": " ".join(f"{t:.3f}:{score:.6g}" for t, score in clock.curve),
    }


def read(path: Path) -> dict[tuple[str, int, str], dict[str, Any]]:
    """Return the lines of a file by task, seed and search."""
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {
            (row["task"], int(row["seed"]), row["search"]): row
            for row in csv.DictReader(file)
        }


def curve_of(row: dict[str, Any]) -> list[tuple[float, float]]:
    """Return the (seconds, score) at which a search improved."""
    points = (point.split(":") for point in row["curve"].split())
    return [(float(t), float(score)) for t, score in points]


def run(
    path: Path,
    seeds: list[int],
    tasks: list[str],
    searches: list[str],
    of: dict[str, Search] = SEARCHES,
) -> None:
    """Run what is not in the file."""
    known = read(path)
    for seed in seeds:
        for name in tasks:
            task = TASKS[name]
            budget = target = math.inf
            for search in [RANDOM, *searches]:
                key = (name, seed, search)
                if key not in known:
                    task.load()
                    row = measure(task, seed, search, of[search], budget, target)
                    known[key] = row
                    append(path, row)
                    print(*[row[k] for k in row if k != "curve"], flush=True)
                if search == RANDOM:
                    budget = float(known[key]["seconds"])
                    # Scores in the file have six digits.
                    best = curve_of(known[key])[-1][1]
                    target = best - 1e-6 * abs(best)


def append(path: Path, row: dict[str, Any]) -> None:
    """Write a line at the end of a file."""
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(row)


# ------------------------------------------------------------------------- the tables


def shares(
    rows: dict[tuple[str, int, str], dict[str, Any]], search: str
) -> dict[tuple[str, int], float]:
    """Return the seconds of a search relative to random search's, 1 at the most."""
    found = {}
    for (task, seed, name), row in rows.items():
        if name != search or (task, seed, RANDOM) not in rows:
            continue
        whole = float(rows[task, seed, RANDOM]["seconds"])
        seconds = float(row["seconds"])
        if name == RANDOM:
            seconds = curve_of(row)[-1][0]
        found[task, seed] = (
            min(seconds / whole, 1.0) if name == RANDOM or int(row["reached"]) else 1.0
        )
    return found


def mean(values: Any) -> float:
    """Return the geometric mean."""
    return statistics.geometric_mean(list(values))


def show_table(path: Path) -> str:
    """Return the table of the documentation."""
    rows = read(path)
    present = {name for *_, name in rows}
    names = [name for name in SEARCHES if name in present]
    of = {name: shares(rows, name) for name in names}
    keys = [key for key in of[RANDOM] if key in of["HyperbandSearchCV"]]
    lines = []
    for task in [name for name in TASKS if any(key[0] == name for key in keys)]:
        runs = [key for key in keys if key[0] == task]
        seconds = np.median([float(rows[*key, RANDOM]["seconds"]) for key in runs])
        cells = [
            _cell([of[name][key] for key in runs if key in of[name]]) for name in names
        ]
        lines.append([task, str(len(runs)), f"{seconds:.1f}", *cells])
    total = [
        _cell([of[name][key] for key in keys if key in of[name]], 3) for name in names
    ]
    lines.append(["all", str(len(keys)), "", *total])
    header = ["task", "seeds", "random's seconds", *names]
    return f"{table(header, lines)}\n\n{versions('optuna')}\n\n{_compared(of, keys)}"


def _cell(values: list[float], digits: int = 2) -> str:
    """Return a geometric mean, and of how many runs how many did not get there."""
    if not values:
        return ""
    missed = sum(value >= 1.0 for value in values)
    return f"{mean(values):.{digits}f}" + (
        f" ({missed}/{len(values)})" if missed else ""
    )


def _compared(of: dict[str, dict[Any, float]], keys: list[Any]) -> str:
    """Compare HyperbandSearchCV with each, run by run, with standard errors."""
    lines = []
    for name, found in of.items():
        both = [key for key in keys if key in found]
        logs = [math.log(of["HyperbandSearchCV"][key] / found[key]) for key in both]
        error = math.exp(np.std(logs) / math.sqrt(len(logs)))
        ratio = math.exp(np.mean(logs))
        lines.append([name, str(len(both)), f"{ratio:.2f}", f"x/ {error:.2f}"])
    return table(["HyperbandSearchCV to", "runs", "ratio", "error"], lines)


# ------------------------------------------------------------------------ the picture


def steps(curve: list[tuple[float, float]], grid: Any) -> Any:
    """Return the best score at each time of a grid, NaN before the first."""
    times, scores = np.array(curve).reshape(-1, 2).T
    index = np.searchsorted(times, grid, side="right") - 1
    return np.where(index >= 0, scores[np.maximum(index, 0)], np.nan)


def show_curves(path: Path, picture: Path) -> None:
    """Draw the best score so far against the seconds, medians over the seeds."""
    import matplotlib.pyplot as plt

    rows = read(path)
    present = {name for *_, name in rows}
    names = [name for name in SEARCHES if name in present]
    tasks = [
        name for name in TASKS if any((t, n) == (name, HALVING) for t, _, n in rows)
    ]
    n_columns = 4
    figure, axes = plt.subplots(
        math.ceil(len(tasks) / n_columns),
        n_columns,
        figsize=(13, 9),
        constrained_layout=True,
    )
    grid = np.geomspace(0.01, 1.0, 100)
    for ax, task in zip(axes.flat, tasks, strict=False):
        for colour, name in enumerate(names):
            curves = list(_scaled(rows, task, name, grid))
            if not curves:
                continue
            stack = np.where(np.isnan(curves), -np.inf, curves)
            middle = np.median(stack, axis=0)
            middle[~np.isfinite(middle)] = np.nan
            ax.plot(grid, middle, label=name, color=f"C{colour}", lw=1.4)
        ax.set(title=task, xscale="log", ylim=(-0.6, 0.2))
        ax.axhline(0.0, color="0.6", lw=0.6)
    for ax in axes.flat[len(tasks) :]:
        ax.axis("off")
    found = [ax.get_legend_handles_labels() for ax in axes.flat]
    handles, labels = max(found, key=lambda pair: len(pair[1]))
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    figure.supxlabel("processor seconds, as a share of RandomizedSearchCV's")
    figure.supylabel("best full score: 0 is RandomizedSearchCV's, -1 its first one")
    figure.savefig(picture, dpi=80)


def _scaled(rows: Any, task: str, name: str, grid: Any) -> Iterator[Any]:
    """Yield the curve of each seed in units of what random search gained."""
    for (a, seed, b), row in rows.items():
        if (a, b) != (task, name) or not row["curve"]:
            continue
        reference = rows[task, seed, RANDOM]
        whole, scores = float(reference["seconds"]), curve_of(reference)
        top, first = scores[-1][1], scores[0][1]
        unit = (top - first) or 1.0
        yield (steps(curve_of(row), grid * whole) - top) / unit


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["run", "table", "curves"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--tasks", nargs="+", default=list(TASKS))
    parser.add_argument("--searches", nargs="*", default=list(SEARCHES)[1:])
    parser.add_argument("--file", type=Path, default=RESULTS)
    given = parser.parse_args()
    if given.command == "run":
        run(given.file, given.seeds, given.tasks, given.searches)
    elif given.command == "table":
        print(show_table(given.file))
    else:
        show_curves(given.file, PICTURE)


if __name__ == "__main__":
    main()
