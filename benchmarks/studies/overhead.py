"""What does the optimiser itself cost? Seconds on an estimator that costs nothing.

    pip install scikit-optimize optuna optuna-integration torch
    python -m benchmarks overhead run
    python -m benchmarks overhead table

Two questions, both in ten dimensions and on one thread. Peers that are not installed
are left out.

- How many seconds more than RandomizedSearchCV does a whole search of 50 candidates
  take?
- How many milliseconds is one ask and the tell that follows, with n observations?
  scikit-optimize fits its model in ``tell`` and the others in ``ask``, hence the sum.
  It is the mean over the next 5 % of n trials, as not every trial refits the model.

Every round runs all of them one after the other, so that a slow moment of the machine
does not fall on one; the figures are medians over the rounds, in processor seconds.
"""

from __future__ import annotations

import logging
import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import uniform

from benchmarks.core.clock import process_seconds
from benchmarks.core.report import table as markdown
from benchmarks.core.store import Store
from benchmarks.solvers import (
    bayes,
    is_installed,
    optuna_samplers,
    random_search,
    scikit_optimize,
)
from benchmarks.tasks.estimators import N_DIMS, NAMES, Free, bowl

KEYS = ("question", "n", "solver", "round")
SMOKE = {"rounds": 1, "sizes": (12,), "candidates": 8, "peers": False}
RANDOM, OURS = "RandomizedSearchCV", "sklearn_tuners"
SEARCH, ASK = "search", "ask"
LARGEST = {"scikit-optimize": 200, "Optuna GPSampler": 200}
"""Observations a peer is timed with at most, so that a run takes about ten minutes."""

# Of each solver: the modules it needs, its search, its tuner.
Solver = tuple[tuple[str, ...], Callable[..., Any], Callable[..., Any]]


def _optuna(sampler: str, *libraries: str) -> Solver:
    return (
        ("optuna", "optuna_integration", *libraries),
        partial(optuna_samplers.search, sampler=sampler),
        partial(optuna_samplers.Tuner, sampler=sampler),
    )


SOLVERS: dict[str, Solver] = {
    OURS: ((), bayes.search, bayes.Tuner),
    "scikit-optimize": (("skopt",), scikit_optimize.search, scikit_optimize.Tuner),
    "Optuna GPSampler": _optuna("GPSampler", "torch"),
    "Optuna TPESampler": _optuna("TPESampler"),
}


def search_seconds(search: Callable[..., Any], n_candidates: int, seed: int) -> float:
    """Return the seconds of a whole search."""
    made = search(Free(), {name: uniform() for name in NAMES}, n_candidates, seed)
    return process_seconds(lambda: made.fit(np.zeros((50, 1)), np.zeros(50)))


def ask_seconds(make: Callable[..., Any], n_told: int, seed: int) -> float:
    """Return the seconds of an ask and its tell after n observations."""
    problem, n_timed = bowl(), max(5, n_told // 20)
    rows = np.random.default_rng(seed).random((n_told, N_DIMS)).tolist()
    told = [dict(zip(NAMES, row, strict=True)) for row in rows]
    tuner = make(problem, n_told + n_timed + 1, seed)
    tuner.start_from(told, [problem.score(params) for params in told])

    def step() -> None:
        params = tuner.ask()
        tuner.tell(params, problem.score(params))

    step()  # the first fit, which a running search would have behind it
    return process_seconds(lambda: [step() for _ in range(n_timed)]) / n_timed


def run(
    store: Store,
    *,
    rounds: int = 3,
    sizes: tuple[int, ...] = (50, 200, 1000),
    candidates: int = 50,
    peers: bool = True,
) -> None:
    """Time whole searches and asks that have no row yet, round after round."""
    logging.disable(logging.WARNING)  # Optuna reports every trial
    chosen = {
        name: solver
        for name, solver in SOLVERS.items()
        if name == OURS or (peers and is_installed(*solver[0]))
    }
    for _, search, _ in chosen.values():
        search_seconds(search, 2, 0)  # loads the library
    searches = {RANDOM: random_search.search} | {n: s[1] for n, s in chosen.items()}
    for k in range(rounds):
        for name, search in searches.items():
            _keep(store, SEARCH, candidates, name, k, search, search_seconds)
        for n in sizes:
            for name, (*_, make) in chosen.items():
                if n <= LARGEST.get(name, n):
                    _keep(store, ASK, n, name, k, make, ask_seconds)


def _keep(store: Store, *key: Any) -> None:
    *key, make, measure = key
    if tuple(key) not in store:
        seconds = measure(make, key[1], key[3])
        store.append(dict(zip(KEYS, key, strict=True)) | {"seconds": f"{seconds:.5f}"})
        print(*key, f"{seconds:.4f}", flush=True)


def table(store: Store) -> str:
    """Return the table of whole searches and that of asks."""
    seconds: dict[Any, float] = {
        key: statistics.median(
            float(r["seconds"]) for r in store.rows if store.key(r)[:3] == key
        )
        for key in dict.fromkeys(store.key(row)[:3] for row in store.rows)
    }
    lines = []
    for n in sorted({n for question, n, _ in seconds if question == SEARCH}):
        base = seconds[SEARCH, n, RANDOM]
        ours = seconds[SEARCH, n, OURS] - base
        lines.append([RANDOM, f"{base:.2f}", "", ""])
        for name in [name for name in SOLVERS if (SEARCH, n, name) in seconds]:
            own = seconds[SEARCH, n, name]
            more = own - base
            lines.append([name, f"{own:.2f}", f"{more:.2f}", f"{more / ours:.1f}"])
    header = ["search", "seconds", "more than random", "ratio to ours"]
    searches = markdown(header, lines)
    sizes = sorted({n for question, n, _ in seconds if question == ASK})
    lines = []
    for name in [s for s in SOLVERS if any(key[0::2] == (ASK, s) for key in seconds)]:
        lines.append([name])
        for n in sizes:
            own = seconds.get((ASK, n, name), float("nan"))
            ratio = own / seconds[ASK, n, OURS]
            cells = [f"{1e3 * own:.1f}", f"{ratio:.1f}"]
            lines[-1] += cells if own == own else ["not run", ""]
    header = [cell for n in sizes for cell in (f"ms at n={n}", "ratio to ours")]
    return f"{searches}\n\n{markdown(['optimiser', *header], lines)}"
