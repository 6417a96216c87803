"""What continuation saves, against the bound of arithmetic.

    python -m benchmarks.hyperband_saved

A whole pass at R = 81 and factor 3 is run twice with the same candidates: promoted ones
trained from the start, and trained on. The bound is what training on would save if it
cost nothing else: 1 - sum n_i (r_i - r_(i-1)) / sum n_i r_i over all rungs. Units are
rounds, trees or epochs that were really trained; seconds are processor seconds of one
thread in fits, with what storing and loading of states takes. The fixed cost is what a
fit takes before its first unit, from fits of 1 and 81 units, as a share of the latter.
It is paid on every rung, by those trained on as well, and the mean fit of a pass has 9
units only; the last column is what arithmetic allows with it, the fixed cost added to
each fit on both sides.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
from scipy.stats import loguniform, randint, uniform
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import SGDRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks.data import load
from benchmarks.report import table
from sklearn_tuners import HyperbandSearchCV, _continuation

FULL = 81
N_FITS = 3

CASES: dict[str, tuple[Any, dict[str, Any], str, int]] = {
    "HistGradientBoosting": (
        HistGradientBoostingRegressor(
            max_iter=FULL, max_leaf_nodes=15, early_stopping=False, random_state=0
        ),
        {"learning_rate": loguniform(0.01, 1.0)},
        "max_iter",
        8000,
    ),
    "RandomForest": (
        RandomForestRegressor(n_estimators=FULL, max_samples=0.5, random_state=0),
        {"max_features": uniform(0.1, 0.3), "min_samples_leaf": randint(5, 20)},
        "n_estimators",
        4000,
    ),
    "SGD, n_epochs": (
        make_pipeline(StandardScaler(), SGDRegressor(random_state=0)),
        {"sgdregressor__alpha": loguniform(1e-7, 1e-3)},
        "n_epochs",
        30000,
    ),
    "SGD alone, n_epochs": (
        SGDRegressor(learning_rate="adaptive", eta0=1e-9, random_state=0),
        {"alpha": loguniform(1e-7, 1e-3)},
        "n_epochs",
        30000,
    ),
    "MLP, n_epochs": (
        make_pipeline(
            StandardScaler(),
            MLPRegressor(hidden_layer_sizes=(16,), batch_size=256, random_state=0),
        ),
        {"mlpregressor__alpha": loguniform(1e-7, 1e-1)},
        "n_epochs",
        8000,
    ),
}
"""Estimator, space, resource, rows."""


class Meter:
    """Units trained and seconds of all fits of a search."""

    def __init__(self) -> None:
        self.units, self.seconds = 0, 0.0

    def step(self, original: Callable[..., bool]) -> Callable[..., bool]:
        """Return a step of training that is counted."""

        def counted(*args: Any) -> bool:
            *_, done, target = args
            self.units += target - done
            return original(*args)

        return counted

    def fit(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return a fit that is timed."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = time.process_time()
            try:
                return original(*args, **kwargs)
            finally:
                self.seconds += time.process_time() - start

        return timed


def bound(search: HyperbandSearchCV, fixed: float = 0.0) -> float:
    """Return what training on would save if only `fixed` units came on top of a fit."""
    whole = added = fixed * sum(search.n_candidates_)
    for bracket in search.brackets_:
        before = 0
        for n, r in zip(bracket["n_candidates"], bracket["n_resources"], strict=True):
            whole, added, before = whole + n * r, added + n * (r - before), r
    return 1.0 - added / whole


def spend(case: str, rule: str) -> tuple[Meter, HyperbandSearchCV]:
    """Run a pass; return what it took."""
    estimator, space, resource, n_rows = CASES[case]
    X, y, folds = data(n_rows)
    meter = Meter()
    search = HyperbandSearchCV(
        estimator,
        space,
        resource=resource,
        min_resources=1,
        max_resources=FULL,
        sampler="random",
        continuation=rule,
        cv=folds,
        random_state=0,
        refit=False,
    )
    patches = [
        mock.patch.object(_continuation, name, meter.step(getattr(_continuation, name)))
        for name in ("_train_epochs", "_train_further")
    ]
    fit = meter.fit(_continuation.Training.fit)
    patches.append(mock.patch.object(_continuation.Training, "fit", fit))
    with patches[0], patches[1], patches[2]:
        search.fit(X, y)
    return meter, search


def data(n_rows: int) -> tuple[Any, Any, list[Any]]:
    """Return rows of the diamonds table and one split of them."""
    X, y = load("diamonds")
    order = np.random.default_rng(0).permutation(len(X))[: n_rows + 1000]
    X, y = X.to_numpy()[order], np.log(y[order])
    rows = np.arange(len(X))
    return X, y, [(rows[1000:], rows[:1000])]


def fixed_share(case: str) -> float:
    """Return the share of a whole fit that passes before its first unit."""
    estimator, _, resource, n_rows = CASES[case]
    X, y, [(train, _)] = data(n_rows)
    seconds = {}
    for units in (1, FULL):
        times = []
        for _ in range(N_FITS):
            training = _continuation.Training(resource=resource, chain=(units,))
            fresh = clone(estimator)
            start = time.process_time()
            training.fit(fresh, X[train], y[train])
            times.append(time.process_time() - start)
        seconds[units] = statistics.median(times)
    slope = (seconds[FULL] - seconds[1]) / (FULL - 1)
    return max(seconds[1] - slope, 0.0) / seconds[FULL]


def main() -> None:
    """Print the table."""
    lines = []
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in CASES:
            anew, search = spend(case, "never")
            on, _ = spend(case, "auto")
            limit = bound(search)
            units = 1.0 - on.units / anew.units
            seconds = 1.0 - on.seconds / anew.seconds
            share = fixed_share(case)
            real = bound(search, share / (1.0 - share) * FULL)
            lines.append(
                [
                    case,
                    f"{CASES[case][3]:,}",
                    f"{share:.1%}",
                    f"{limit:.1%}",
                    f"{units:.1%}",
                    f"{units / limit:.0%}",
                    f"{anew.seconds:.1f}",
                    f"{on.seconds:.1f}",
                    f"{seconds:.1%}",
                    f"{seconds / limit:.0%}",
                    f"{real:.1%}",
                ]
            )
            print(*lines[-1], flush=True)
    header = ["estimator", "rows", "fixed cost", "bound", "units saved", "of the bound"]
    header += ["s anew", "s continued", "seconds saved", "of the bound"]
    header += ["bound with fixed cost"]
    print(table(header, lines))


if __name__ == "__main__":
    main()
