"""Tasks with a resource: real tables, estimators and what is searched.

The full resource of networks and forests is scikit-learn's default (200 iterations, 100
trees), that of boosting and SGD 81 or 243, else all rows. One evaluation with it, all
folds, takes 0.1 to 0.9 seconds of one core: enough for a fit to cost more than what is
around it, and little enough for many seeds. `n_rows` draws fewer rows for that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.stats import loguniform, randint, uniform
from sklearn.base import is_classifier
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmarks.tasks.tables import load

__all__ = ["TASKS", "EpochsClassifier", "Task"]


class EpochsClassifier(SGDClassifier):
    """`SGDClassifier` with a `fit` that calls `partial_fit` `max_iter` times.

    So the other searches train what `HyperbandSearchCV` trains with "n_epochs".
    """

    def fit(self, X: Any, y: Any) -> EpochsClassifier:
        """Train from the start."""
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)
        for _ in range(self.max_iter):
            self.partial_fit(X, y, classes=np.unique(y))
        return self


@dataclass(frozen=True)
class Task:
    """A search to run.

    Parameters
    ----------
    name : str
        Short and unique.
    data : str
        A table of `tables.csv`.
    estimator : callable
        Returns it, with the full resource.
    space : dict
        For all searches.
    resource : str
        As `HyperbandSearchCV` is told.
    full : int or None
        The full resource; None is all rows.
    scoring : str
        Name of a scorer.
    n_splits : int
        Folds.
    n_rows : int, default=None
        Rows to draw from the table.
    """

    name: str
    data: str
    estimator: Callable[[], Any]
    space: dict[str, Any]
    resource: str
    full: int | None
    scoring: str
    n_splits: int = 3
    n_rows: int | None = None

    @property
    def parameter(self) -> str:
        """The resource, for searches that know parameters of the estimator only."""
        if self.resource != "n_epochs":
            return self.resource
        return f"{self.estimator().steps[-1][0]}__max_iter"

    def load(self) -> tuple[Any, Any]:
        """Return X and y."""
        return _rows(self.data, self.n_rows)

    def folds(self, seed: int) -> list[tuple[Any, Any]]:
        """Return the frozen folds of a seed."""
        X, y = self.load()
        kind = StratifiedKFold if is_classifier(self.estimator()) else KFold
        return list(kind(self.n_splits, shuffle=True, random_state=seed).split(X, y))


@lru_cache(maxsize=2)
def _rows(name: str, n_rows: int | None) -> tuple[Any, Any]:
    X, y = load(name)
    X = X.to_numpy(dtype=float)
    if n_rows is not None:
        kept = np.random.default_rng(0).choice(len(X), n_rows, replace=False)
        X, y = X[kept], y[kept]
    return X, y


def _mlp_classifier() -> Any:
    return make_pipeline(
        StandardScaler(), MLPClassifier((32,), max_iter=200, tol=0.0, random_state=0)
    )


def _mlp_regressor() -> Any:
    return make_pipeline(
        StandardScaler(),
        MLPRegressor(
            hidden_layer_sizes=(32,),
            batch_size=64,
            max_iter=200,
            tol=0.0,
            random_state=0,
        ),
    )


def _sgd_epochs() -> Any:
    return make_pipeline(
        StandardScaler(), EpochsClassifier("log_loss", max_iter=81, random_state=0)
    )


def _sgd_iterations() -> Any:
    return make_pipeline(
        StandardScaler(),
        SGDClassifier("modified_huber", max_iter=243, tol=None, random_state=0),
    )


def _sgd_rows() -> Any:
    return make_pipeline(
        StandardScaler(),
        SGDRegressor(
            "huber", penalty="elasticnet", max_iter=5, tol=None, random_state=0
        ),
    )


_MLP = {"alpha": loguniform(1e-6, 1e1), "learning_rate_init": loguniform(1e-4, 1e-1)}
_SGD = {
    "alpha": loguniform(1e-7, 1e-1),
    "l1_ratio": uniform(0, 1),
    "penalty": ["l2", "elasticnet"],
    "learning_rate": ["optimal", "adaptive", "invscaling"],
    "eta0": loguniform(1e-4, 1e0),
}
_HGB = {
    "learning_rate": loguniform(0.01, 1.0),
    "max_leaf_nodes": randint(3, 32),
    "min_samples_leaf": randint(2, 60),
    "l2_regularization": loguniform(1e-4, 1e2),
    "max_features": uniform(0.2, 0.8),
}
_FOREST = {
    "max_features": uniform(0.05, 0.95),
    "min_samples_leaf": randint(1, 20),
    "max_depth": randint(3, 25),
}


def _of(step: str, space: dict[str, Any]) -> dict[str, Any]:
    return {f"{step}__{name}": values for name, values in space.items()}


TASKS = {
    task.name: task
    for task in [
        Task(
            "mlp-digits",
            "digits",
            _mlp_classifier,
            _of("mlpclassifier", _MLP | {"batch_size": randint(64, 257)}),
            "mlpclassifier__max_iter",
            200,
            "neg_log_loss",
            n_rows=1000,
        ),
        Task(
            "mlp-concrete",
            "concrete",
            _mlp_regressor,
            _of(
                "mlpregressor",
                _MLP
                | {
                    "activation": ["relu", "tanh"],
                    "hidden_layer_sizes": [(16,), (32,), (64,), (16, 16), (32, 32)],
                },
            ),
            "mlpregressor__max_iter",
            200,
            "r2",
        ),
        Task(
            "sgd-epochs-spam",
            "spam",
            _sgd_epochs,
            _of("epochsclassifier", _SGD),
            "n_epochs",
            81,
            "neg_log_loss",
        ),
        Task(
            "sgd-iter-credit",
            "credit",
            _sgd_iterations,
            _of("sgdclassifier", _SGD),
            "sgdclassifier__max_iter",
            243,
            "roc_auc",
        ),
        Task(
            "hgb-concrete",
            "concrete",
            lambda: HistGradientBoostingRegressor(
                max_iter=243, early_stopping=False, random_state=0
            ),
            _HGB,
            "max_iter",
            243,
            "r2",
        ),
        Task(
            "hgb-attrition",
            "attrition",
            lambda: HistGradientBoostingClassifier(
                max_iter=243, early_stopping=False, random_state=0
            ),
            _HGB | {"max_leaf_nodes": randint(2, 12)},
            "max_iter",
            243,
            "neg_log_loss",
            n_rows=1000,
        ),
        Task(
            "forest-juice",
            "orange_juice",
            lambda: RandomForestClassifier(n_estimators=100, random_state=0),
            _FOREST | {"criterion": ["gini", "entropy"]},
            "n_estimators",
            100,
            "neg_log_loss",
        ),
        Task(
            "trees-concrete",
            "concrete",
            lambda: ExtraTreesRegressor(n_estimators=100, random_state=0),
            _FOREST,
            "n_estimators",
            100,
            "r2",
        ),
        Task(
            "svc-digits",
            "digits",
            lambda: make_pipeline(StandardScaler(), SVC()),
            _of(
                "svc",
                {
                    "C": loguniform(1e-2, 1e4),
                    "gamma": loguniform(1e-5, 1e0),
                    "kernel": ["rbf", "poly", "sigmoid"],
                },
            ),
            "n_samples",
            None,
            "accuracy",
        ),
        Task(
            "logistic-flights",
            "flights",
            lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=15)),
            _of(
                "logisticregression",
                {"C": loguniform(1e-6, 1e3), "class_weight": [None, "balanced"]},
            ),
            "n_samples",
            None,
            "roc_auc",
            n_rows=50_000,
        ),
        Task(
            "sgd-earnings",
            "earnings",
            _sgd_rows,
            _of(
                "sgdregressor",
                {
                    "alpha": loguniform(1e-7, 1e-1),
                    "l1_ratio": uniform(0, 1),
                    "epsilon": loguniform(1e-2, 1e1),
                    "learning_rate": ["adaptive", "invscaling"],
                    "eta0": loguniform(1e-4, 1e-1),
                },
            ),
            "n_samples",
            None,
            "r2",
        ),
        Task(
            "hgb-diamonds",
            "diamonds",
            lambda: HistGradientBoostingRegressor(
                max_iter=30, early_stopping=False, random_state=0
            ),
            _HGB,
            "n_samples",
            None,
            "r2",
        ),
    ]
}
