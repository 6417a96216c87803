"""What does training on save? Seconds of a pass, against the bound of arithmetic.

    python -m benchmarks hyperband_saved run
    python -m benchmarks hyperband_saved table

A whole pass at R = 81 and factor 3 is run twice with the same random candidates:
promoted ones trained from the start (`continuation="never"`), and trained on. The bound
is what training on would save if it cost nothing else, over all rungs:
1 - sum n_i (r_i - r_(i-1)) / sum n_i r_i. Seconds are processor seconds of the search,
on one thread. The fixed cost is what a fit takes before its first unit, from fits of 1
and 81 units, as a share of the latter. It is paid on every rung, also where training
goes on, and the mean fit of a pass has 9 units only; the last column is what arithmetic
allows with it.
"""

from __future__ import annotations

import statistics
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import loguniform, randint, uniform
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import SGDRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.core.clock import process_seconds
from benchmarks.core.report import table as markdown
from benchmarks.core.store import Store
from benchmarks.tasks.tables import load
from sklearn_tuners import HyperbandSearchCV

KEYS = ("estimator", "full")
SMOKE = {"estimators": ("HistGradientBoosting",), "full": 9, "diabetes": True}
FULL, N_FITS, N_TEST = 81, 3, 1000

CASES: dict[str, tuple[Any, dict[str, Any], str, int]] = {
    "HistGradientBoosting": (
        HistGradientBoostingRegressor(
            max_leaf_nodes=15, early_stopping=False, random_state=0
        ),
        {"learning_rate": loguniform(0.01, 1.0)},
        "max_iter",
        8000,
    ),
    "RandomForest": (
        RandomForestRegressor(max_samples=0.5, random_state=0),
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


def bound(search: HyperbandSearchCV, fixed: float = 0.0) -> float:
    """Return what training on would save if only `fixed` units came on top of a fit."""
    whole = added = fixed * sum(search.n_candidates_)
    for bracket in search.brackets_:
        before = 0
        for n, r in zip(bracket["n_candidates"], bracket["n_resources"], strict=True):
            whole, added, before = whole + n * r, added + n * (r - before), r
    return 1.0 - added / whole


def data(n_rows: int, diabetes: bool) -> tuple[Any, Any, Any]:
    """Return rows of the diamonds table, or of diabetes, and one split of them."""
    if diabetes:
        X, y = load_diabetes(return_X_y=True)
        return X, y, [(np.arange(300), np.arange(300, len(X)))]
    X, y = load("diamonds")
    order = np.random.default_rng(0).permutation(len(X))[: n_rows + N_TEST]
    X, y = X.to_numpy()[order], np.log(y[order])
    rows = np.arange(len(X))
    return X, y, [(rows[N_TEST:], rows[:N_TEST])]


def fixed_share(case: str, full: int, X: Any, y: Any) -> float:
    """Return the share of a whole fit that passes before its first unit."""
    estimator, _, resource, _ = CASES[case]

    def fit(units: int) -> None:
        fresh = clone(estimator)
        if resource != "n_epochs":
            fresh.set_params(**{resource: units}).fit(X, y)
            return
        *steps, leaf = [step for _, step in getattr(fresh, "steps", [("", fresh)])]
        rows = X
        for step in steps:
            rows = step.fit_transform(rows)
        for _ in range(units):
            leaf.partial_fit(rows, y)

    seconds = {
        units: statistics.median(
            process_seconds(partial(fit, units)) for _ in range(N_FITS)
        )
        for units in (1, full)
    }
    slope = (seconds[full] - seconds[1]) / (full - 1)
    return max(seconds[1] - slope, 0.0) / seconds[full]


def run(
    store: Store,
    *,
    estimators: tuple[str, ...] = tuple(CASES),
    full: int = FULL,
    diabetes: bool = False,
) -> None:
    """Run both passes of the estimators that have no row yet."""
    for case in estimators:
        if (case, full) in store:
            continue
        estimator, space, resource, n_rows = CASES[case]
        X, y, folds = data(n_rows, diabetes)
        row: dict[str, Any] = {
            "estimator": case,
            "full": full,
            "rows": len(folds[0][0]),
        }
        for rule in ("never", "auto"):
            search = HyperbandSearchCV(
                estimator,
                space,
                resource=resource,
                min_resources=1,
                max_resources=full,
                sampler="random",
                continuation=rule,
                cv=folds,
                random_state=0,
                refit=False,
            )
            row[rule] = f"{process_seconds(partial(search.fit, X, y)):.3f}"
        share = fixed_share(case, full, X[folds[0][0]], y[folds[0][0]])
        row |= {"fixed": f"{share:.4f}", "bound": f"{bound(search):.4f}"}
        real = bound(search, share / (1.0 - share) * full)
        store.append(row | {"bound_with_fixed": f"{real:.4f}"})
        print(*row.values(), flush=True)


def table(store: Store) -> str:
    """Return what was saved, and the bounds."""
    lines = []
    for row in store.rows:
        anew, on = float(row["never"]), float(row["auto"])
        saved, limit = 1.0 - on / anew, float(row["bound"])
        cells = [f"{float(row['fixed']):.1%}", f"{limit:.1%}", f"{anew:.1f}"]
        cells += [f"{on:.1f}", f"{saved:.1%}", f"{saved / limit:.0%}"]
        with_fixed = f"{float(row['bound_with_fixed']):.1%}"
        lines.append([row["estimator"], f"{row['rows']:,}", *cells, with_fixed])
    header = ["estimator", "rows", "fixed cost", "bound", "s anew", "s continued"]
    header += ["seconds saved", "of the bound", "bound with fixed cost"]
    return markdown(header, lines)
