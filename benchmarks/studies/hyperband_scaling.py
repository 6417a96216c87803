"""Whether penalties of a mean loss should be scaled on rungs of fewer rows.

    python -m benchmarks.hyperband_scaling

The best alpha of Lasso, ElasticNet and SGD shrinks with the rows. On a rung of n_r of n
rows `HyperbandSearchCV` multiplies it by (n / n_r)^p. Here a grid of alphas is scored
on rungs with several p, and the regret of a rung's pick is how much less it scores with
all rows than the best of the grid does, as a percentage of the gap between the best and
the median of the grid. 0 is a perfect pick.
"""

from __future__ import annotations

import csv
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.linear_model import ElasticNet, Lasso, SGDClassifier, SGDRegressor
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks.data import load
from benchmarks.report import table
from sklearn_tuners._hyperband.resource import label_codes, nested_order, subset

RESULTS = Path(__file__).parent / "results" / "hyperband_scaling.csv"
POWERS = (0.0, 0.5, 0.75, 1.0)
SHARES = (Fraction(1, 9), Fraction(1, 3))
SEEDS = range(3)
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


def regrets(name: str, estimator: Any, scoring: str, expand: bool) -> list[dict]:
    """Return a line for each seed, rung and power."""
    X, y = load(name)
    X = X.to_numpy()
    if expand:
        X = make_pipeline(StandardScaler(), PolynomialFeatures(2)).fit_transform(X)
        X = X[:, X.std(axis=0) > 0]
    if not is_classifier(estimator):
        y = (y - y.mean()) / y.std()
    lines = []
    for seed in SEEDS:
        full = scores(estimator, scoring, X, y, Fraction(1), seed)[0.0]
        gap = full.max() - np.median(full)
        for share in SHARES:
            for p, found in scores(estimator, scoring, X, y, share, seed).items():
                lost = (full.max() - full[np.argmax(found)]) / gap
                lines.append(
                    {
                        "table": name,
                        "estimator": type(estimator).__name__,
                        "seed": seed,
                        "share": str(share),
                        "power": p,
                        "regret": f"{100 * lost:.3f}",
                    }
                )
    return lines


def main() -> None:
    """Measure, write the file and print the table."""
    lines: list[dict] = []
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in CASES:
            lines += regrets(*case)
            print(case[0], type(case[1]).__name__, flush=True)
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    show(lines)


def show(lines: list[dict]) -> None:
    """Print the mean regret by estimator and table, and by the rung."""
    cells = []
    for what in ("estimator", "table", "share"):
        for value in dict.fromkeys(line[what] for line in lines):
            row = [what, value]
            for p in POWERS:
                chosen = [
                    float(line["regret"])
                    for line in lines
                    if line[what] == value and line["power"] == p
                ]
                row.append(f"{np.mean(chosen):.1f}")
            cells.append(row)
    row = ["all", ""]
    for p in POWERS:
        chosen = [float(line["regret"]) for line in lines if line["power"] == p]
        row.append(f"{np.mean(chosen):.1f}")
    print(table(["by", "", *(f"p = {p:g}" for p in POWERS)], [*cells, row]))


if __name__ == "__main__":
    main()
