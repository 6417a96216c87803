"""Should rungs of fewer rows scale the penalty of a mean loss? Regret of their picks.

    python -m benchmarks hyperband_scaling run
    python -m benchmarks hyperband_scaling table

The best alpha of Lasso, ElasticNet and SGD shrinks with the rows. On a rung of n_r of n
rows `HyperbandSearchCV` multiplies it by (n / n_r)^p. Here a grid of alphas is scored
on rungs with several p, and the regret of a rung's pick is how much less it scores with
all rows than the best of the grid does, as a percentage of the gap between the best and
the median of the grid. 0 is a perfect pick.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.linear_model import ElasticNet, Lasso, SGDClassifier, SGDRegressor
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from benchmarks.core.report import table as markdown
from benchmarks.core.store import Store
from benchmarks.tasks.tables import load
from sklearn_tuners._hyperband.rows import label_codes, nested_order, subset

KEYS = ("table", "estimator", "seed", "share", "power")
SMOKE = {"seeds": 1, "tables": ("diabetes",), "estimators": ("Lasso",)}
POWERS = (0.0, 0.5, 0.75, 1.0)
SHARES = (Fraction(1, 9), Fraction(1, 3))
N_SPLITS = 3
ALPHAS = np.geomspace(1e-4, 1e0, 13)

LASSO = Lasso(max_iter=300, tol=1e-3)
ENET = ElasticNet(l1_ratio=0.5, max_iter=300, tol=1e-3)
SGD = SGDRegressor(max_iter=15, tol=None, random_state=0)
SGD_CLASSIFIER = SGDClassifier("log_loss", max_iter=15, tol=None, random_state=0)

CASES: list[tuple[str, Any, str, bool]] = [
    (name, estimator, "r2", expand)
    for estimator in (LASSO, ENET, SGD)
    for name, expand in [
        ("diabetes", True),
        ("hitters", True),
        ("college", True),
        ("meats", False),
        ("concrete", True),
    ]
] + [
    (name, SGD_CLASSIFIER, "neg_log_loss", False)
    for name in ("alzheimer", "attrition", "cells", "orange_juice")
]
"""Table, estimator, scorer, whether with the products of pairs of columns."""


def scores(
    estimator: Any, scoring: str, X: Any, y: Any, share: Fraction, seed: int
) -> dict[float, Any]:
    """Return the score of each alpha on a rung, by the power."""
    kind = StratifiedKFold if is_classifier(estimator) else KFold
    codes = label_codes(y) if is_classifier(estimator) else None
    scorer = get_scorer(scoring)
    powers = POWERS if share < 1 else POWERS[:1]
    found = {p: np.zeros(len(ALPHAS)) for p in powers}
    folds = kind(N_SPLITS, shuffle=True, random_state=seed).split(X, y)
    for train, test in folds:
        order = nested_order(train, codes, rng=np.random.default_rng(seed))
        rows = subset(order, share, None if codes is None else codes[order])
        scaler = StandardScaler().fit(X[rows])
        Z_rows, Z_test = scaler.transform(X[rows]), scaler.transform(X[test])
        # The unit of y is that of the rung, as a transformed target would have it.
        for p in powers:
            factor = (len(order) / len(rows)) ** p
            for i, alpha in enumerate(ALPHAS):
                model = clone(estimator).set_params(alpha=alpha * factor)
                model.fit(Z_rows, y[rows])
                found[p][i] += scorer(model, Z_test, y[test]) / N_SPLITS
    return found


def regrets(
    seed: int, name: str, estimator: Any, scoring: str, expand: bool
) -> list[dict[str, Any]]:
    """Return a row for each rung and power."""
    X, y = load(name)
    X = X.to_numpy()
    if expand:
        X = make_pipeline(StandardScaler(), PolynomialFeatures(2)).fit_transform(X)
        X = X[:, X.std(axis=0) > 0]
    if not is_classifier(estimator):
        y = (y - y.mean()) / y.std()
    full = scores(estimator, scoring, X, y, Fraction(1), seed)[0.0]
    gap = full.max() - np.median(full)
    return [
        {
            "table": name,
            "estimator": type(estimator).__name__,
            "seed": seed,
            "share": str(share),
            "power": p,
            "regret": f"{100 * (full.max() - full[np.argmax(found)]) / gap:.3f}",
        }
        for share in SHARES
        for p, found in scores(estimator, scoring, X, y, share, seed).items()
    ]


def run(
    store: Store,
    *,
    seeds: int = 3,
    tables: tuple[str, ...] = tuple(dict.fromkeys(case[0] for case in CASES)),
    estimators: tuple[str, ...] = tuple({type(case[1]).__name__ for case in CASES}),
) -> None:
    """Score every alpha on every rung, where the store has no row yet."""
    for case, seed in product(CASES, range(seeds)):
        key = case[0], type(case[1]).__name__
        if key[0] not in tables or key[1] not in estimators:
            continue
        if (*key, seed, str(SHARES[-1]), POWERS[-1]) not in store:
            for row in regrets(seed, *case):
                store.append(row)
            print(*key, seed, flush=True)


def table(store: Store) -> str:
    """Return the mean regret by estimator, table and rung."""
    groups: list[dict[str, Any]] = [
        {column: value}
        for column in ("estimator", "table", "share")
        for value in store.values(column)
    ]
    lines = []
    for group in [*groups, {}]:
        [(what, value)] = list(group.items()) or [("all", "")]
        rows = {p: store.where(**group, power=p) for p in POWERS}
        means = (np.mean([float(r["regret"]) for r in own]) for own in rows.values())
        lines.append([what, value, *(f"{mean:.1f}" for mean in means)])
    return markdown(["by", "", *(f"p = {p:g}" for p in POWERS)], lines)
