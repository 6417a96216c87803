"""What does one proposal cost after n scores? CPU seconds of ask and tell.

    python -m benchmarks load_ask run
    python -m benchmarks load_ask table

The scores are those of random candidates, told before.
"""

from __future__ import annotations

import time

import numpy as np
from scipy.stats import uniform

from benchmarks.core.report import table as markdown
from benchmarks.core.store import Store
from benchmarks.tasks.estimators import NAMES, score_of
from sklearn_tuners import Optimizer

KEYS = ("dims", "scores")
SMOKE = {"sizes": (20, 40)}
N_TIMED = 7


def run(
    store: Store,
    *,
    sizes: tuple[int, ...] = (200, 500, 1000, 2000, 5000, 10_000),
    dims: int = 5,
) -> None:
    """Tell random candidates up to each size, and time the asks there."""
    names = NAMES[:dims]
    optimizer = Optimizer({name: uniform() for name in names}, random_state=0)
    rng = np.random.default_rng(0)
    for size in sizes:
        while optimizer.n_told < size:
            params = dict(zip(names, rng.random(dims).tolist(), strict=True))
            optimizer.tell(params, score_of(params))
        if (dims, size) in store:
            continue
        seconds = []
        for _ in range(N_TIMED):
            start = time.thread_time()
            params = optimizer.ask()
            optimizer.tell(params, score_of(params))
            seconds.append(time.thread_time() - start)
        row = {"dims": dims, "scores": size, "median": f"{np.median(seconds):.3f}"}
        store.append(row | {"longest": f"{max(seconds):.3f}"})


def table(store: Store) -> str:
    """Return a line for each number of scores."""
    lines = [
        [str(r["dims"]), str(r["scores"])]
        + [f"{float(r[column]):.3f}" for column in ("median", "longest")]
        for r in store.rows
    ]
    longest = f"longest of {N_TIMED}"
    return markdown(["parameters", "scores", "median s", longest], lines)
