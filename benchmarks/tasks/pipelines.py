"""Pipelines on the data that ship with scikit-learn, each with a grid and with ranges.

Grids are written as people write them: steps of a decade or half a decade, a geometric
series, a few even steps, around scikit-learn's defaults. The distributions have the
range of the grid, so that neither side knows more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import loguniform, randint, uniform
from sklearn.base import is_classifier
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import ElasticNet, LogisticRegression, Ridge
from sklearn.model_selection import (
    KFold,
    ParameterGrid,
    StratifiedKFold,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler
from sklearn.svm import SVC, SVR

__all__ = ["HEADLINE", "N_SPLITS", "PROBLEMS", "Problem"]

HEADLINE = "diabetes: StandardScaler, PCA, Nystroem, Ridge"
"""Named before it was run as the problem that stands for all."""

N_SPLITS, TRAIN_SHARE = 5, 0.7


@dataclass(frozen=True)
class Problem:
    """One pipeline on one data set, with the two ways to write its search space."""

    name: str
    load: Callable[..., Any]
    estimator: Any
    grid: dict[str, Any]
    distributions: dict[str, Any]
    max_train: int | None = None
    scoring: str | None = None

    @property
    def grid_size(self) -> int:
        """Number of candidates GridSearchCV evaluates."""
        return len(ParameterGrid(self.grid))

    @property
    def metric(self) -> str:
        """What the scores are; larger is better."""
        if self.scoring == "neg_log_loss":
            return "-log-loss"
        return "accuracy" if is_classifier(self.estimator) else "R2"

    def partition(self, seed: int) -> tuple[Any, Any, Any, Any, Any]:
        """Return X_train, X_test, y_train, y_test and the splits of one seed."""
        X, y = self.load(return_X_y=True)
        classifies = is_classifier(self.estimator)
        n_train = min(self.max_train or len(y), int(TRAIN_SHARE * len(y)))
        parts = train_test_split(
            X,
            y,
            train_size=n_train,
            stratify=y if classifies else None,
            random_state=seed,
        )
        splitter = StratifiedKFold if classifies else KFold
        return *parts, splitter(N_SPLITS, shuffle=True, random_state=seed)


_ALL = [
    Problem(
        name="breast_cancer: StandardScaler, Nystroem, LogisticRegression",
        load=load_breast_cancer,
        estimator=make_pipeline(
            StandardScaler(), Nystroem(random_state=0), LogisticRegression(max_iter=500)
        ),
        grid={
            "nystroem__gamma": np.logspace(-4, 0, 9),
            "nystroem__n_components": [20, 40, 80],
            "logisticregression__C": np.logspace(-2, 4, 13),
        },
        distributions={
            "nystroem__gamma": loguniform(1e-4, 1e0),
            "nystroem__n_components": randint(20, 81),
            "logisticregression__C": loguniform(1e-2, 1e4),
        },
        scoring="neg_log_loss",
    ),
    Problem(
        name="breast_cancer: StandardScaler, SVC",
        load=load_breast_cancer,
        estimator=make_pipeline(StandardScaler(), SVC()),
        grid={
            "svc__C": np.logspace(-3, 3, 13),
            "svc__gamma": np.logspace(-5, 1, 13),
        },
        distributions={
            "svc__C": loguniform(1e-3, 1e3),
            "svc__gamma": loguniform(1e-5, 1e1),
        },
    ),
    Problem(
        name="digits: StandardScaler, PCA, SVC",
        load=load_digits,
        estimator=make_pipeline(StandardScaler(), PCA(random_state=0), SVC()),
        grid={
            "pca__n_components": [10, 20, 30, 40, 50],
            "svc__C": np.logspace(-1, 3, 5),
            "svc__gamma": np.logspace(-4, 0, 9),
        },
        distributions={
            "pca__n_components": randint(10, 51),
            "svc__C": loguniform(1e-1, 1e3),
            "svc__gamma": loguniform(1e-4, 1e0),
        },
        max_train=500,
    ),
    Problem(
        name="diabetes: StandardScaler, SVR",
        load=load_diabetes,
        estimator=make_pipeline(StandardScaler(), SVR()),
        grid={
            "svr__C": np.logspace(-1, 3, 9),
            "svr__gamma": np.logspace(-4, 0, 9),
            "svr__epsilon": [1, 3, 10, 30],
        },
        distributions={
            "svr__C": loguniform(1e-1, 1e3),
            "svr__gamma": loguniform(1e-4, 1e0),
            "svr__epsilon": loguniform(1, 30),
        },
    ),
    Problem(
        name="diabetes: HistGradientBoostingRegressor",
        load=load_diabetes,
        estimator=HistGradientBoostingRegressor(max_iter=30, random_state=0),
        grid={
            "learning_rate": [0.02, 0.05, 0.15, 0.5],
            "max_leaf_nodes": [3, 7, 15, 31],
            "min_samples_leaf": [5, 10, 20, 40],
            "l2_regularization": [0.01, 1.0, 100.0],
        },
        distributions={
            "learning_rate": loguniform(0.02, 0.5),
            "max_leaf_nodes": randint(3, 32),
            "min_samples_leaf": randint(5, 41),
            "l2_regularization": loguniform(0.01, 100.0),
        },
    ),
    # The next three were written down before any of them was run: four parameters with
    # three to five values each, as grids of pipelines usually have, and metrics that
    # do not count rows. Ranges are centred near scikit-learn's defaults.
    Problem(
        name="diabetes: StandardScaler, PCA, Nystroem, Ridge",
        load=load_diabetes,
        estimator=make_pipeline(
            StandardScaler(), PCA(random_state=0), Nystroem(random_state=0), Ridge()
        ),
        grid={
            "pca__n_components": [2, 4, 6, 8, 10],
            "nystroem__gamma": np.logspace(-4, 0, 5),
            "nystroem__n_components": [25, 50, 100, 200],
            "ridge__alpha": np.logspace(-3, 1, 5),
        },
        distributions={
            "pca__n_components": randint(2, 11),
            "nystroem__gamma": loguniform(1e-4, 1e0),
            "nystroem__n_components": randint(25, 201),
            "ridge__alpha": loguniform(1e-3, 1e1),
        },
    ),
    Problem(
        name="diabetes: SplineTransformer, StandardScaler, ElasticNet",
        load=load_diabetes,
        estimator=make_pipeline(
            SplineTransformer(), StandardScaler(), ElasticNet(max_iter=5000)
        ),
        grid={
            "splinetransformer__n_knots": [3, 5, 8, 12],
            "splinetransformer__degree": [1, 2, 3],
            "elasticnet__alpha": np.logspace(-2, 2, 5),
            "elasticnet__l1_ratio": [0.1, 0.3, 0.5, 0.7, 0.9],
        },
        distributions={
            "splinetransformer__n_knots": randint(3, 13),
            "splinetransformer__degree": randint(1, 4),
            "elasticnet__alpha": loguniform(1e-2, 1e2),
            "elasticnet__l1_ratio": uniform(0.1, 0.8),
        },
    ),
    Problem(
        name="breast_cancer: RandomForestClassifier",
        load=load_breast_cancer,
        estimator=RandomForestClassifier(n_estimators=30, random_state=0),
        grid={
            "max_features": [0.1, 0.2, 0.4, 0.8],
            "max_depth": [2, 4, 8, 16],
            "min_samples_leaf": [1, 2, 4, 8],
            "max_samples": [0.25, 0.5, 1.0],
        },
        distributions={
            "max_features": loguniform(0.1, 0.8),
            "max_depth": randint(2, 17),
            "min_samples_leaf": randint(1, 9),
            "max_samples": uniform(0.25, 0.75),
        },
        scoring="neg_log_loss",
    ),
]

PROBLEMS = {problem.name: problem for problem in _ALL}
