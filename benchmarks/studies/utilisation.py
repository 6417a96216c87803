"""How much of the workers' time does a search use? Estimators that sleep.

    python -m benchmarks utilisation run --search free --workers 16
    python -m benchmarks utilisation run --search seeded --workers 8
    python -m benchmarks utilisation run --search skopt --workers 16
    python -m benchmarks utilisation table

160 candidates on 5 splits with lognormal durations (sigma 1), and threads as
workers. "free" has ``random_state=None``; "seeded" an int, so that a proposal does not
know the last few scores (`benchmarks lag`). scikit-optimize proposes `n_points` =
`--workers` candidates at a time and waits for all of them.

The figures count from the call of `fit` until the last evaluation begins. From then on
workers run out of work whatever the scheduler does; to the end an ideal one, which
never waits, uses on the same durations what stands under "ideal". Besides waiting for
scores, workers idle while the calling thread chooses. That time is given too, by the
clock and as CPU time, and what would have been used without it, on the same durations.
"""

from __future__ import annotations

import os
import statistics
import time
from contextlib import ExitStack
from typing import Any

import numpy as np
from joblib import parallel_config

from benchmarks.core.clock import Stopwatch
from benchmarks.core.report import table as markdown
from benchmarks.core.store import Store
from benchmarks.solvers import bayes, scikit_optimize
from benchmarks.tasks.estimators import NAMES, Naps, Sleeper
from benchmarks.tasks.virtual import (
    N_TRIALS,
    batch_schedule,
    draw_durations,
    list_schedule,
    replay,
    utilisation,
)
from sklearn_tuners import Optimizer
from sklearn_tuners._search.stopping import default_lag

KEYS = ("search", "workers", "seed")
SMOKE = {"workers": 2, "seeds": 1, "n_trials": 6, "mean": 0.01}
SPACE = dict.fromkeys(NAMES[:4], (0.0, 1.0))


def make(search: str, n_workers: int, n_trials: int, seed: int) -> tuple[Any, Any]:
    """Return an unfitted search, and the methods in which it chooses."""
    given = {"n_jobs": n_workers, "refit": False}
    if search == "skopt":
        import skopt

        made = scikit_optimize.search(
            Sleeper(), SPACE, n_trials, seed, n_points=n_workers, **given
        )
        return made, [(skopt.Optimizer, "ask"), (skopt.Optimizer, "tell")]
    random_state = seed if search == "seeded" else None
    made = bayes.search(Sleeper(), SPACE, n_trials, random_state, **given)
    return made, [(Optimizer, "ask")]


def measure(
    search: str, n_workers: int, seed: int, n_trials: int, mean: float
) -> dict[str, Any]:
    """Make one run and return what is measured."""
    naps = Sleeper.naps = Naps(draw_durations(seed, mean, n_trials=n_trials))
    made, deciders = make(search, n_workers, n_trials, seed)
    choosing = [Stopwatch() for _ in deciders]
    with parallel_config("threading"), ExitStack() as stack:
        for watch, decider in zip(choosing, deciders, strict=True):
            stack.enter_context(watch.watch(*decider))
        start = time.perf_counter()
        made.fit(np.zeros((20, 1)), np.zeros(20))
    intervals = np.array(sorted(naps.intervals))
    slept = intervals[:, 1] - intervals[:, 0]
    ideal = list_schedule(slept.tolist(), n_workers)
    values = {
        "until_last_begins": utilisation(intervals, n_workers, start),
        "without_choosing": without_choosing(search, n_workers, seed, n_trials),
        "until_end": slept.sum() / (n_workers * (intervals[:, 1].max() - start)),
        "ideal_until_end": slept.sum() / (n_workers * ideal[:, 1].max()),
        "mean_duration": mean,
        "ms_wall": 1e3 * sum(watch.wall for watch in choosing) / n_trials,
        "ms_cpu": 1e3 * sum(watch.thread for watch in choosing) / n_trials,
        "load": os.getloadavg()[0],
    }
    key = {"search": search, "workers": n_workers, "seed": seed}
    return key | {name: f"{value:.4f}" for name, value in values.items()}


def without_choosing(search: str, n_workers: int, seed: int, n_trials: int) -> float:
    """Share used until the last evaluation begins in virtual time, same durations."""
    durations = draw_durations(seed, n_trials=n_trials)
    if search == "skopt":
        return utilisation(batch_schedule(durations, n_workers), n_workers)
    run = replay(
        [{}] * n_trials,
        durations,
        n_workers=n_workers,
        lag=default_lag(n_workers, durations.shape[1]) if search == "seeded" else None,
        n_independent=Optimizer(SPACE, n_iter=n_trials).n_independent,
    )
    return utilisation(np.array(run.intervals), n_workers)


def run(
    store: Store,
    *,
    search: str = "free",
    workers: int = 16,
    seeds: int = 3,
    n_trials: int = N_TRIALS,
    mean: float | None = None,
) -> None:
    """Make the runs that are missing. The more workers, the longer the fits by default.

    An ideal run takes 100 s, with 2 workers 200 s.
    """
    mean = mean or max(0.5, workers / 8)
    for seed in range(seeds):
        if (search, workers, seed) not in store:
            store.append(measure(search, workers, seed, n_trials, mean))


def table(store: Store) -> str:
    """Return medians over the seeds."""
    columns = {
        "mean_duration": ("mean s of a fit", ".1f"),
        "until_last_begins": ("used until last begins", ".3f"),
        "without_choosing": ("if choosing took no time", ".3f"),
        "until_end": ("used until end", ".3f"),
        "ideal_until_end": ("ideal until end", ".3f"),
        "ms_wall": ("ms to choose", ".0f"),
        "ms_cpu": ("CPU ms", ".0f"),
        "load": ("load", ".0f"),
    }
    groups = dict.fromkeys((r["search"], r["workers"]) for r in store.rows)
    lines = []
    for search, n_workers in sorted(groups):
        own = store.where(search=search, workers=n_workers)
        medians = [
            f"{statistics.median(float(row[name]) for row in own):{form}}"
            for name, (_, form) in columns.items()
        ]
        lines.append([search, str(n_workers), *medians, str(len(own))])
    header = [title for title, _ in columns.values()]
    return markdown(["search", "workers", *header, "runs"], lines)
