"""Real tuning problems: grids of cross-validation scores of scikit-learn models.

A grid is computed once (`compute`, into a folder of temporary files or the one that
``SKLEARN_TUNERS_CACHE`` names) and interpolated linearly in the unit cube between the
values of its numeric parameters. A search then costs nothing, and what it finds is
measured exactly.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import RegularGridInterpolator
from sklearn import (
    datasets,
    ensemble,
    linear_model,
    neighbors,
    neural_network,
    svm,
)
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import shuffle

from benchmarks.tasks.functions import Choice, Dimension, Number, Problem, make_problem

__all__ = ["Grid", "compute", "grids", "real"]

CACHE = Path(
    os.environ.get("SKLEARN_TUNERS_CACHE")
    or Path(tempfile.gettempdir()) / "sklearn_tuners_grids"
)


@dataclass(frozen=True)
class Grid:
    """A grid of cross-validation scores; numeric axes have `levels` values."""

    name: str
    estimator: Callable[[], Any]
    data: Callable[[], tuple[Any, Any]]
    space: dict[str, Dimension]
    levels: dict[str, int]
    scoring: str
    cv: int = 5

    def axes(self) -> list[list[Any]]:
        """Values of each parameter."""
        return [
            list(dim.values)
            if isinstance(dim, Choice)
            else _distinct(dim, self.levels[name])
            for name, dim in self.space.items()
        ]

    def problem(self) -> Problem:
        """Score by interpolation in the computed grid."""
        table = np.load(CACHE / f"{self.name}.npy")
        lookup = _Lookup(self.space, self.axes(), table)
        return make_problem(self.name, self.space, lookup, float(table.max()))


def _distinct(dim: Number, n: int) -> list[float]:
    return sorted({dim.from_unit(u) for u in np.linspace(0, 1, n)})


@dataclass
class _Lookup:
    space: dict[str, Dimension]
    axes: list[list[Any]]
    table: np.ndarray
    _interpolate: RegularGridInterpolator = field(init=False)

    def __post_init__(self) -> None:
        positions = [
            np.arange(len(axis), dtype=float)
            if isinstance(dim, Choice)
            else np.array([dim.to_unit(value) for value in axis])
            for dim, axis in zip(self.space.values(), self.axes, strict=True)
        ]
        self._interpolate = RegularGridInterpolator(positions, self.table)

    def __call__(self, params: Mapping[str, Any]) -> float:
        point = [
            float(dim.values.index(params[name]))
            if isinstance(dim, Choice)
            else min(max(dim.to_unit(params[name]), 0.0), 1.0)
            for name, dim in self.space.items()
        ]
        return float(self._interpolate([point])[0])


def _data(loader: str, n: int | None = None) -> tuple[Any, Any]:
    X, y = getattr(datasets, loader)(return_X_y=True)
    return shuffle(X, y, random_state=0, n_samples=n)


def _scaled(estimator: Any) -> Any:
    return make_pipeline(StandardScaler(), estimator)


def _make(kind: str) -> Any:
    return {
        "svc": lambda: svm.SVC(max_iter=20000),
        "svc-scaled": lambda: _scaled(svm.SVC(max_iter=20000)),
        "svr": lambda: _scaled(svm.SVR(max_iter=20000)),
        "logistic": lambda: _scaled(
            linear_model.LogisticRegression(solver="saga", max_iter=60, tol=1e-3)
        ),
        "enet": lambda: linear_model.ElasticNet(max_iter=500),
        "knn": lambda: neighbors.KNeighborsClassifier(),
        "forest": lambda: ensemble.RandomForestClassifier(
            n_estimators=25, random_state=0
        ),
        "boosting": lambda: ensemble.HistGradientBoostingClassifier(
            random_state=0, early_stopping=False
        ),
        "boosting-r": lambda: ensemble.GradientBoostingRegressor(random_state=0),
        "mlp": lambda: _scaled(
            neural_network.MLPClassifier(max_iter=15, random_state=0, batch_size=64)
        ),
    }[kind]()


def _svm_space(prefix: str = "") -> dict[str, Dimension]:
    return {
        f"{prefix}C": Number(1e-3, 1e4, log=True),
        f"{prefix}gamma": Number(1e-6, 1e1, log=True),
    }


def _grid(
    name: str,
    kind: str,
    data: tuple[str, int | None],
    scoring: str,
    dims: dict[str, tuple[Dimension, int]],
    cv: int = 5,
) -> Grid:
    return Grid(
        name,
        partial(_make, kind),
        partial(_data, *data),
        {key: dim for key, (dim, _) in dims.items()},
        {key: n for key, (_, n) in dims.items()},
        scoring,
        cv,
    )


def grids() -> list[Grid]:
    """All real problems."""
    log, whole = partial(Number, log=True), partial(Number, integer=True)
    log_whole = partial(Number, log=True, integer=True)
    svm = {key: (dim, 22) for key, dim in _svm_space().items()}
    return [
        _grid("svc-digits", "svc", ("load_digits", 400), "accuracy", svm, 3),
        _grid("svc-breast", "svc", ("load_breast_cancer", None), "accuracy", svm, 3),
        _grid(
            "svc-wine",
            "svc-scaled",
            ("load_wine", None),
            "accuracy",
            {f"svc__{key}": value for key, value in svm.items()},
        ),
        _grid(
            "svr-diabetes",
            "svr",
            ("load_diabetes", None),
            "r2",
            {
                "svr__C": (log(1e-2, 1e4), 11),
                "svr__gamma": (log(1e-5, 1e1), 11),
                "svr__epsilon": (log(1e-2, 1e2), 7),
            },
            3,
        ),
        _grid(
            "logistic-digits",
            "logistic",
            ("load_digits", 300),
            "neg_log_loss",
            {
                "logisticregression__C": (log(1e-4, 1e4), 17),
                "logisticregression__l1_ratio": (Number(0, 1), 6),
            },
            3,
        ),
        _grid(
            "enet-diabetes",
            "enet",
            ("load_diabetes", None),
            "r2",
            {"alpha": (log(1e-5, 1e2), 29), "l1_ratio": (Number(0, 1), 13)},
        ),
        _grid(
            "knn-digits",
            "knn",
            ("load_digits", 600),
            "accuracy",
            {
                "n_neighbors": (log_whole(1, 60), 14),
                "weights": (Choice(("uniform", "distance")), 2),
                "metric": (
                    Choice(("euclidean", "manhattan", "chebyshev", "canberra")),
                    4,
                ),
            },
        ),
        _grid(
            "forest-wine",
            "forest",
            ("load_wine", None),
            "neg_log_loss",
            {
                "max_features": (Number(0.05, 1.0), 5),
                "min_samples_leaf": (log_whole(1, 40), 7),
                "max_depth": (log_whole(1, 20), 5),
                "criterion": (Choice(("gini", "entropy")), 2),
                "bootstrap": (Choice((True, False)), 2),
            },
            3,
        ),
        _grid(
            "boosting-breast",
            "boosting",
            ("load_breast_cancer", 400),
            "neg_log_loss",
            {
                "learning_rate": (log(1e-3, 1.0), 7),
                "max_iter": (log_whole(5, 80), 4),
                "max_leaf_nodes": (log_whole(2, 32), 4),
                "l2_regularization": (log(1e-6, 1e2), 4),
                "min_samples_leaf": (log_whole(2, 60), 4),
            },
            2,
        ),
        _grid(
            "boosting-diabetes",
            "boosting-r",
            ("load_diabetes", None),
            "r2",
            {
                "learning_rate": (log(1e-3, 1.0), 8),
                "n_estimators": (log_whole(8, 128), 5),
                "max_depth": (whole(1, 6), 6),
                "subsample": (Number(0.3, 1.0), 4),
            },
            2,
        ),
        _grid(
            "mlp-digits",
            "mlp",
            ("load_digits", 400),
            "neg_log_loss",
            {
                "mlpclassifier__alpha": (log(1e-6, 1e1), 5),
                "mlpclassifier__learning_rate_init": (log(1e-4, 1.0), 9),
                "mlpclassifier__hidden_layer_sizes": (
                    Choice(((16,), (64,), (32, 32))),
                    3,
                ),
                "mlpclassifier__activation": (Choice(("relu", "tanh", "logistic")), 3),
            },
            2,
        ),
    ]


def compute(grid: Grid) -> np.ndarray:
    """Cross-validate every point of a grid and keep the table in `CACHE`."""
    path = CACHE / f"{grid.name}.npy"
    if path.exists():
        return np.asarray(np.load(path))
    X, y = grid.data()
    base, axes = grid.estimator(), grid.axes()
    scores = []
    for values in itertools.product(*axes):
        model = clone(base).set_params(**dict(zip(grid.space, values, strict=True)))
        found = cross_val_score(model, X, y, cv=grid.cv, scoring=grid.scoring)
        scores.append(found.mean())
    table = np.array(scores).reshape([len(axis) for axis in axes])
    # A diverged fit scores NaN or far below zero: it counts as the worst decent one.
    floor = np.nanquantile(table, 0.02)
    table = np.where(np.isfinite(table), np.maximum(table, floor), floor)
    CACHE.mkdir(parents=True, exist_ok=True)
    np.save(path, table)
    return table


def real() -> list[Problem]:
    """Real problems that have a computed grid."""
    return [g.problem() for g in grids() if (CACHE / f"{g.name}.npy").exists()]
