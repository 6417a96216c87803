"""The 30 (estimator, data set) pairs that default search spaces are measured on.

Chosen and committed before the first search ran, and not changed since: `pairs.csv`
has the pairs, `ESTIMATORS` says what the names of estimators mean. Every estimator has
its own default parameters, except for `random_state`, for the loss that makes
`SGDClassifier` a model of probabilities, and for the calibration that makes `SVC` one.
Distances, kernels, penalties and neural networks get scaled features, as is usual.
Large tables are cut to `rows` rows, so that 30 pairs take about an hour.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LogisticRegression,
    Ridge,
    SGDClassifier,
)
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from benchmarks.tasks import tables


def scaled(*steps: Any) -> Any:
    """Return a pipeline that scales first."""
    return make_pipeline(StandardScaler(), *steps)


ESTIMATORS: dict[str, Callable[[], Any]] = {
    "logistic": lambda: scaled(LogisticRegression()),
    "pca_logistic": lambda: scaled(PCA(random_state=0), LogisticRegression()),
    "sgd": lambda: scaled(SGDClassifier(loss="log_loss", random_state=0)),
    "calibrated_svc": lambda: scaled(CalibratedClassifierCV(SVC())),
    "knn_classifier": lambda: scaled(KNeighborsClassifier()),
    "tree_classifier": lambda: DecisionTreeClassifier(random_state=0),
    "forest_classifier": lambda: RandomForestClassifier(random_state=0),
    "extra_trees_classifier": lambda: ExtraTreesClassifier(random_state=0),
    "gradient_boosting_classifier": lambda: GradientBoostingClassifier(random_state=0),
    "hist_boosting_classifier": lambda: HistGradientBoostingClassifier(random_state=0),
    "adaboost": lambda: AdaBoostClassifier(random_state=0),
    "mlp_classifier": lambda: scaled(MLPClassifier(random_state=0)),
    "gaussian_nb": lambda: GaussianNB(),
    "lda": lambda: LinearDiscriminantAnalysis(),
    "qda": lambda: QuadraticDiscriminantAnalysis(),
    "ridge": lambda: scaled(Ridge()),
    "lasso": lambda: scaled(Lasso()),
    "elastic_net": lambda: scaled(ElasticNet()),
    "svr": lambda: scaled(SVR()),
    "knn_regressor": lambda: scaled(KNeighborsRegressor()),
    "tree_regressor": lambda: DecisionTreeRegressor(random_state=0),
    "forest_regressor": lambda: RandomForestRegressor(random_state=0),
    "hist_boosting_regressor": lambda: HistGradientBoostingRegressor(random_state=0),
    "mlp_regressor": lambda: TransformedTargetRegressor(
        scaled(MLPRegressor(random_state=0)), transformer=StandardScaler()
    ),
}


@dataclass(frozen=True)
class Pair:
    """An estimator by its name in `ESTIMATORS`, a table by its name in `tables`."""

    number: int
    estimator: str
    data: str
    rows: int | None

    @property
    def scoring(self) -> str:
        """Log-loss for classifiers, R2 for regressors; larger is better."""
        task = tables.TABLES[self.data]["task"]
        return "neg_log_loss" if task == "classification" else "r2"

    def make(self) -> Any:
        """Return the estimator with its own parameters."""
        return ESTIMATORS[self.estimator]()

    def load(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return X and y, shuffled once and cut to `rows` (stratified by class)."""
        X, y = tables.load(self.data)
        X = X.to_numpy()
        stratify = y if self.scoring == "neg_log_loss" else None
        if self.rows is None or self.rows >= len(y):
            order = np.random.default_rng(0).permutation(len(y))
            return X[order], y[order]
        X, _, y, _ = train_test_split(
            X, y, train_size=self.rows, stratify=stratify, random_state=0
        )
        return X, y


with (Path(__file__).parent / "pairs.csv").open(newline="") as file:
    PAIRS = [
        Pair(int(r["pair"]), r["estimator"], r["data"], int(r["rows"] or 0) or None)
        for r in csv.DictReader(file)
    ]
