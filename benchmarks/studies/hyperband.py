"""Seconds until random search is reached: HyperbandSearchCV against other searches.

    python -m benchmarks hyperband run        a row a task, seed and search
    python -m benchmarks hyperband table
    python -m benchmarks hyperband plot       docs/measured/hyperband_anytime.png

The clock is the processor time of this process, which runs on one thread, so that other
work on the machine does not count. All that a search does counts: fits, scoring and
overhead. Every search of a task and seed is scored on the same folds. The time is taken
when a candidate with the full resource has at least the best score of
RandomizedSearchCV with 60 candidates; a search that is not there within that search's
own seconds is ended and counts as 1. Optuna is left out where it is not installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.core.clock import Stopwatch
from benchmarks.core.race import Race, curve_of
from benchmarks.core.report import table as markdown
from benchmarks.core.statistics import geometric_mean, ratio_and_error
from benchmarks.core.store import Store
from benchmarks.solvers import (
    bayes,
    halving,
    hyperband,
    is_installed,
    optuna_hyperband,
    random_search,
)
from benchmarks.tasks.resources import TASKS, Task
from sklearn_tuners import Optimizer

KEYS = ("task", "seed", "search")
RANDOM, OURS = "RandomizedSearchCV", "HyperbandSearchCV"
PICTURE = Path(__file__).parents[2] / "docs" / "measured" / "hyperband_anytime.png"
SMOKE = {"seeds": (0,), "tasks": ("svc-digits",), "searches": (OURS,), "n_random": 4}

Search = Callable[[Task, int, Race], None]
SEARCHES: dict[str, Search] = {
    RANDOM: random_search.race,
    "HalvingRandomSearchCV": halving.race,
    "BayesSearchCV": bayes.race,
    OURS: hyperband.race,
    "HyperbandSearchCV, random": partial(hyperband.race, sampler="random"),
    "Optuna, HyperbandPruner": optuna_hyperband.race,
}


def measure(
    task: Task, seed: int, name: str, search: Search, race: Race
) -> dict[str, Any]:
    """Run a search and return its row."""
    task.load()
    race = Race(race.budget, race.target)  # its clock begins now
    with Stopwatch().watch(Optimizer, "ask") as asking:
        search(task, seed, race)
    return {
        "task": task.name,
        "seed": seed,
        "search": name,
        "seconds": f"{race.seconds:.3f}",
        "reached": int(race.is_reached),
        "asking": f"{asking.process:.3f}",
        "curve": " ".join(f"{t:.3f}:{score:.6g}" for t, score in race.curve),
    }


def run(
    store: Store,
    *,
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4),
    tasks: tuple[str, ...] = tuple(TASKS),
    searches: tuple[str, ...] = tuple(SEARCHES),
    n_random: int = 60,
) -> None:
    """Run what the store does not hold."""
    chosen = {name: SEARCHES[name] for name in searches if name != RANDOM}
    if not is_installed("optuna"):
        chosen.pop("Optuna, HyperbandPruner", None)
    run_races(store, chosen, seeds, tasks, n_random)


def run_races(
    store: Store,
    searches: dict[str, Search],
    seeds: Sequence[int],
    tasks: Sequence[str],
    n_random: int = 60,
) -> None:
    """Run random search, and the others until they reach it."""
    random = partial(random_search.race, n_iter=n_random)
    for seed, name in product(seeds, tasks):
        race = Race()
        for label, search in {RANDOM: random, **searches}.items():
            key = (name, seed, label)
            if key not in store:
                row = measure(TASKS[name], seed, label, search, race)
                store.append(row)
                print(*key, row["seconds"], flush=True)
            if label == RANDOM:
                found = store.by_key()[key]
                best = curve_of(found["curve"])[-1][1]
                # Scores in the file have six digits.
                race = Race(float(found["seconds"]), best - 1e-6 * abs(best))


def shares(store: Store, search: str) -> dict[tuple[str, int], float]:
    """Return the seconds of a search relative to random search's, at most 1."""
    rows = store.by_key()
    found = {}
    for (task, seed, name), row in rows.items():
        if name != search or (task, seed, RANDOM) not in rows:
            continue
        whole = float(rows[task, seed, RANDOM]["seconds"])
        seconds = float(row["seconds"])
        if name == RANDOM:
            seconds = curve_of(row["curve"])[-1][0]
        is_there = name == RANDOM or int(row["reached"])
        found[task, seed] = min(seconds / whole, 1.0) if is_there else 1.0
    return found


def table(store: Store) -> str:
    """Return the shares by task, and HyperbandSearchCV compared with each search."""
    names = [name for name in SEARCHES if name in store.values("search")]
    of = {name: shares(store, name) for name in names}
    keys = [key for key in of[RANDOM] if key in of[OURS]]
    rows = store.by_key()
    lines = []
    for task in [name for name in TASKS if any(key[0] == name for key in keys)]:
        own = [key for key in keys if key[0] == task]
        seconds = np.median([float(rows[*key, RANDOM]["seconds"]) for key in own])
        cells = [_cell([of[n][key] for key in own if key in of[n]]) for n in names]
        lines.append([task, str(len(own)), f"{seconds:.1f}", *cells])
    total = [_cell([of[n][key] for key in keys if key in of[n]], 3) for n in names]
    lines.append(["all", str(len(keys)), "", *total])
    by_task = markdown(["task", "seeds", "random's seconds", *names], lines)
    lines = []
    for name, found in of.items():
        both = [key for key in keys if key in found]
        pair = [of[OURS][key] for key in both], [found[key] for key in both]
        ratio, error = ratio_and_error(*pair)
        lines.append([name, str(len(both)), f"{ratio:.2f}", f"x/ {error:.2f}"])
    header = ["HyperbandSearchCV to", "runs", "ratio", "error"]
    return f"{by_task}\n\n{markdown(header, lines)}"


def _cell(values: list[float], digits: int = 2) -> str:
    """Return a geometric mean, and how many of the runs did not get there."""
    if not values:
        return ""
    missed = sum(value >= 1.0 for value in values)
    share = f"{geometric_mean(values):.{digits}f}"
    return f"{share} ({missed}/{len(values)})" if missed else share


def plot(store: Store) -> None:
    """Draw the best score so far against the seconds, medians over the seeds."""
    import matplotlib.pyplot as plt

    names = [name for name in SEARCHES if name in store.values("search")]
    figure, axes = plt.subplots(3, 4, figsize=(13, 9), constrained_layout=True)
    grid = np.geomspace(0.01, 1.0, 100)
    for ax, task in zip(axes.flat, store.values("task"), strict=False):
        for colour, name in enumerate(names):
            curves = list(_scaled(store, task, name, grid))
            middle = np.median(np.where(np.isnan(curves), -np.inf, curves), axis=0)
            middle[~np.isfinite(middle)] = np.nan
            ax.plot(grid, middle, label=name, color=f"C{colour}", lw=1.4)
        ax.set(title=task, xscale="log", ylim=(-0.6, 0.2))
        ax.axhline(0.0, color="0.6", lw=0.6)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    figure.supxlabel("processor seconds, as a share of RandomizedSearchCV's")
    figure.supylabel("best full score: 0 is RandomizedSearchCV's, -1 its first one")
    figure.savefig(PICTURE, dpi=80)


def _scaled(store: Store, task: str, name: str, grid: Any) -> Iterator[Any]:
    """Yield the curve of each seed in units of what random search gained."""
    rows = store.by_key()
    for row in store.where(task=task, search=name):
        if not row["curve"]:
            continue
        reference = rows[task, row["seed"], RANDOM]
        scores = curve_of(reference["curve"])
        top, unit = scores[-1][1], (scores[-1][1] - scores[0][1]) or 1.0
        at, found = np.array(curve_of(row["curve"])).T
        seconds = grid * float(reference["seconds"])
        index = np.searchsorted(at, seconds, side="right") - 1
        best = np.where(index >= 0, found[np.maximum(index, 0)], np.nan)
        yield (best - top) / unit
