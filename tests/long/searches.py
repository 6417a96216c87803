"""Searches of every kind, run with the package that is imported, written as JSON.

``same_proposals.py`` runs this file once for each checkout. It uses public names only,
so that it runs with any layout of the package::

    python tests/long/searches.py out.json [WORD ...]
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from joblib import parallel_config
from scipy import stats
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

import sklearn_tuners
from sklearn_tuners import (
    BayesSearchCV,
    HyperbandSearchCV,
    OneStandardError,
    Optimizer,
    When,
)

# Stand-ins for the dimensions of other packages, known by class name and attributes.


@dataclass
class Real:
    """The attributes of ``skopt.space.Real``."""

    low: float
    high: float
    prior: str = "uniform"
    base: int = 10


@dataclass
class Integer(Real):
    """The attributes of ``skopt.space.Integer``."""


@dataclass
class Categorical:
    """The attributes of ``skopt.space.Categorical``."""

    categories: list[Any]
    prior: list[float] | None = None


@dataclass
class FloatDistribution:
    """The attributes of ``optuna.distributions.FloatDistribution``."""

    low: float
    high: float
    log: bool = False
    step: float | None = None


@dataclass
class IntDistribution:
    """The attributes of ``optuna.distributions.IntDistribution``."""

    low: int
    high: int
    log: bool = False
    step: int = 1


@dataclass
class CategoricalDistribution:
    """The attributes of ``optuna.distributions.CategoricalDistribution``."""

    choices: list[Any]


class Draws:
    """Known by its draws alone."""

    def __init__(self, draw: Callable[[np.random.RandomState], Any]) -> None:
        self.draw = draw

    def rvs(self, random_state: np.random.RandomState) -> Any:
        """Return one draw."""
        return self.draw(random_state)


class Formula(RegressorMixin, BaseEstimator):
    """Scores by a formula of its parameters; fails where `b` is large."""

    def __init__(
        self, a: Any = 0.5, b: Any = 1.0, c: Any = "p", d: Any = None, size: int = 1
    ) -> None:
        self.a = a
        self.b = b
        self.c = c
        self.d = d
        self.size = size

    def fit(self, X: Any, y: Any = None) -> Formula:
        """Keep the mean of the rows."""
        if self.b > 800:
            raise ValueError("b is too large")
        self.mean_ = float(X[:, 0].mean())
        return self

    def predict(self, X: Any) -> Any:
        """Predict zeros."""
        return np.zeros(len(X))

    def score(self, X: Any, y: Any = None) -> float:
        """Return the formula, with a part that depends on the split."""
        bonus = {"p": 0.0, "q": 0.1, None: -0.1}[self.c]
        depth = 0.0 if self.d is None else 0.01 * self.d
        loss = (self.a - 0.3) ** 2 + np.log10(self.b) ** 2 / 9
        return float(bonus + depth - loss - 0.1 / self.size + self.mean_ / 1e3)


IRIS = load_iris(return_X_y=True)
CANCER = load_breast_cancer(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
DIGITS = tuple(a[:400] for a in load_digits(return_X_y=True))
ROWS = np.arange(60.0).reshape(-1, 2), np.zeros(30)
FORMULA = {"a": stats.uniform(0, 1), "b": stats.loguniform(1e-3, 1e3), "c": ["p", "q"]}

SEARCHES: dict[str, Callable[[], Any]] = {}


def search(make: Callable[[], Any]) -> Callable[[], Any]:
    """Enter a function that returns a fitted search; its docstring names it."""
    assert make.__doc__
    SEARCHES[make.__doc__.rstrip(".")] = make
    return make


@search
def grid() -> Any:
    """Bayes: a grid, all of it."""
    space = {"C": [0.1, 1, 10], "kernel": ["linear", "rbf"], "shrinking": (True, False)}
    return BayesSearchCV(SVC(), param_grid=space, cv=3).fit(*IRIS)


@search
def lists() -> Any:
    """Bayes: part of a grid of lists."""
    space = {
        "svc__C": np.logspace(-3, 3, 13),
        "svc__gamma": list(np.logspace(-5, 1, 13)),
        "scaler": [StandardScaler(), MinMaxScaler(), "passthrough"],
    }
    pipeline = Pipeline([("scaler", StandardScaler()), ("svc", SVC())])
    return BayesSearchCV(pipeline, space, n_iter=24, cv=3, random_state=1).fit(*IRIS)


@search
def scipy_distributions() -> Any:
    """Bayes: scipy distributions, failing fits, shuffled folds."""
    space = {
        "a": stats.norm(0.4, 0.2),
        "b": stats.loguniform(1e-3, 1e4),
        "c": ["p", "q", None],
        "d": stats.randint(0, 9),
        "size": stats.poisson(20, loc=1),
    }
    return BayesSearchCV(
        Formula(), space, n_iter=30, cv=KFold(4, shuffle=True, random_state=3),
        random_state=2,
    ).fit(*ROWS)  # fmt: skip


@search
def tuples() -> Any:
    """Bayes: tuples, several metrics, train scores."""
    space = {
        "C": (1e-3, 1e3, "log-uniform"),
        "gamma": (1e-4, 10.0, "log-uniform"),
        "degree": (1, 5),
        "kernel": ("rbf", "poly", "linear"),
    }
    return BayesSearchCV(
        SVC(), space, n_iter=25, cv=3, random_state=3, refit="f1_macro",
        scoring=["accuracy", "f1_macro"], return_train_score=True,
    ).fit(*IRIS)  # fmt: skip


@search
def list_of_dicts() -> Any:
    """Bayes: a list of dicts, of two models."""
    space = [
        {"model": [SVC()], "model__C": stats.loguniform(1e-3, 1e3)},
        {
            "model": [SVC(kernel="poly")],
            "model__C": stats.loguniform(1e-3, 1e3),
            "model__degree": [2, 3, 4],
        },
        {
            "model": [DecisionTreeClassifier(random_state=0)],
            "model__max_depth": stats.randint(1, 12),
            "model__min_samples_split": stats.uniform(0.01, 0.5),
        },
    ]
    pipeline = Pipeline([("scaler", StandardScaler()), ("model", SVC())])
    return BayesSearchCV(pipeline, space, n_iter=30, cv=3, random_state=4).fit(*IRIS)


@search
def other_packages() -> Any:
    """Bayes: dimensions of scikit-optimize and Optuna in one space."""
    space = {
        "a": Real(0.0, 1.0),
        "b": FloatDistribution(1e-3, 1e3, log=True),
        "c": Categorical(["p", "q", None], prior=[0.5, 0.3, 0.2]),
        "d": IntDistribution(0, 8, step=2),
        "size": Integer(1, 500, prior="log-uniform"),
    }
    return BayesSearchCV(Formula(), space, n_iter=30, cv=3, random_state=5).fit(*ROWS)


@search
def conditions() -> Any:
    """Bayes: parameters that count for some values of others."""
    space = {
        "kernel": ["linear", "poly", "rbf"],
        "C": stats.loguniform(1e-3, 1e3),
        "gamma": When(stats.loguniform(1e-5, 10), {"kernel": ["poly", "rbf"]}),
        "degree": When([2, 3, 4], {"kernel": ["poly"]}),
    }
    return BayesSearchCV(SVC(), space, n_iter=30, cv=3, random_state=6).fit(*IRIS)


@search
def only_draws() -> Any:
    """Bayes: objects that have only rvs, of floats, integers and strings."""
    space = {
        "a": Draws(lambda rng: rng.beta(2, 3)),
        "c": Draws(lambda rng: ["p", "q", None][rng.randint(3)]),
        "d": Draws(lambda rng: int(rng.geometric(0.2))),
        "b": stats.loguniform(1e-3, 1e3),
    }
    return BayesSearchCV(Formula(), space, n_iter=25, cv=3, random_state=7).fit(*ROWS)


@search
def initial_params() -> Any:
    """Bayes: initial_params, a RandomState, a rule for refit, stopping."""
    pipeline = make_pipeline(StandardScaler(), PCA(), Ridge())
    return BayesSearchCV(
        pipeline,
        {
            "pca__n_components": stats.randint(1, 11),
            "ridge__alpha": stats.loguniform(1e-4, 1e4),
        },
        n_iter=40, cv=ShuffleSplit(4, random_state=0), stopping="auto",
        initial_params=[{"pca__n_components": 3, "ridge__alpha": 1.0}],
        refit=OneStandardError(pipeline), random_state=np.random.RandomState(8),
    ).fit(*DIABETES)  # fmt: skip


@search
def two_workers() -> Any:
    """Bayes: two workers and a seed."""
    return BayesSearchCV(
        make_pipeline(StandardScaler(), SVR()),
        {
            "svr__C": stats.loguniform(1e-2, 1e4),
            "svr__gamma": stats.loguniform(1e-5, 1),
            "svr__epsilon": stats.loguniform(1e-2, 10),
        },
        n_iter=30, cv=4, n_jobs=2, random_state=9,
    ).fit(*DIABETES)  # fmt: skip


@search
def journal() -> Any:
    """Bayes: a journal, begun with one worker, gone on with two."""
    with tempfile.TemporaryDirectory() as folder:
        settings: dict[str, Any] = {
            "estimator": Formula(),
            "param_distributions": {**FORMULA, "d": Draws(lambda rng: rng.randint(9))},
            "cv": 3,
            "random_state": 10,
            "journal": Path(folder) / "journal.sqlite",
        }
        BayesSearchCV(**settings, n_iter=10).fit(*ROWS)
        return BayesSearchCV(**settings, n_iter=24, n_jobs=2).fit(*ROWS)


@search
def reevaluate_top() -> Any:
    """Bayes: the best candidates again on fresh splits."""
    return BayesSearchCV(
        LogisticRegression(max_iter=200), {"C": stats.loguniform(1e-4, 1e2)},
        n_iter=15, cv=StratifiedKFold(3, shuffle=True, random_state=0),
        reevaluate_top=4, random_state=11,
    ).fit(*IRIS)  # fmt: skip


@search
def default_svc() -> Any:
    """Bayes: the default space of SVC."""
    return BayesSearchCV(SVC(), n_iter=20, cv=3, random_state=12).fit(*IRIS)


@search
def default_forest() -> Any:
    """Bayes: the default space of a forest."""
    forest = RandomForestClassifier(10, random_state=0)
    return BayesSearchCV(forest, n_iter=15, cv=3, random_state=13).fit(*CANCER)


@search
def default_boosting() -> Any:
    """Bayes: the default space of gradient boosting, with groups and a journal."""
    with tempfile.TemporaryDirectory() as folder:
        return BayesSearchCV(
            HistGradientBoostingRegressor(max_iter=10, random_state=0),
            n_iter=12, cv=GroupKFold(3), random_state=14,
            journal=Path(folder) / "journal.sqlite",
        ).fit(*DIABETES, groups=np.arange(442) // 5)  # fmt: skip


@search
def default_pipeline() -> Any:
    """Bayes: the default space of a pipeline."""
    pipeline = make_pipeline(StandardScaler(), PCA(), SVC())
    return BayesSearchCV(pipeline, n_iter=20, cv=3, random_state=15).fit(*DIGITS)


@search
def hyperband_rows() -> Any:
    """Hyperband: rows, two workers."""
    return HyperbandSearchCV(
        make_pipeline(StandardScaler(), SVC()),
        {
            "svc__C": stats.loguniform(1e-3, 1e3),
            "svc__gamma": stats.loguniform(1e-5, 10),
        },
        resource="n_samples", cv=3, n_jobs=2, random_state=16,
    ).fit(*CANCER)  # fmt: skip


@search
def hyperband_trees() -> Any:
    """Hyperband: trees, the default space, a journal that is resumed."""
    with tempfile.TemporaryDirectory() as folder:
        settings: dict[str, Any] = {
            "estimator": RandomForestClassifier(27, random_state=0),
            "resource": "n_estimators",
            "cv": 3,
            "random_state": 17,
            "journal": Path(folder) / "journal.sqlite",
        }
        HyperbandSearchCV(**settings, n_iter=6).fit(*IRIS)
        return HyperbandSearchCV(**settings, n_iter=16).fit(*IRIS)


@search
def hyperband_epochs() -> Any:
    """Hyperband: epochs of a linear model, plain."""
    return HyperbandSearchCV(
        SGDClassifier(random_state=0, max_iter=27),
        {
            "alpha": stats.loguniform(1e-6, 1),
            "penalty": ["l2", "l1", "elasticnet"],
            "l1_ratio": When(stats.uniform(0, 1), {"penalty": ["elasticnet"]}),
        },
        resource="n_epochs", sampler="random", cv=3, random_state=18,
    ).fit(*IRIS)  # fmt: skip


@search
def hyperband_network() -> Any:
    """Hyperband: epochs of a network."""
    return HyperbandSearchCV(
        MLPClassifier((10,), random_state=0, max_iter=9),
        {
            "alpha": stats.loguniform(1e-6, 1),
            "learning_rate_init": stats.loguniform(1e-4, 1e-1),
        },
        resource="n_epochs", cv=3, random_state=19, continuation="always",
    ).fit(*DIGITS)  # fmt: skip


@search
def hyperband_rounds() -> Any:
    """Hyperband: rounds of boosting, default space, rows kept from the last split."""
    return HyperbandSearchCV(
        make_pipeline(
            StandardScaler(), HistGradientBoostingRegressor(max_iter=9, random_state=0)
        ),
        cv=TimeSeriesSplit(3), n_iter=12, random_state=21,
    ).fit(*DIABETES)  # fmt: skip


@search
def hyperband_grid() -> Any:
    """Hyperband: rows of whole groups, a grid that runs out."""
    grid = {"C": [0.01, 0.1, 1, 10], "gamma": [0.01, 0.1, 1.0], "kernel": ["rbf"]}
    return HyperbandSearchCV(
        SVC(), param_grid=grid, resource="n_samples", min_resources="exhaust",
        n_iter=30, cv=GroupKFold(3), random_state=22,
    ).fit(*IRIS, groups=np.tile(np.arange(30), 5))  # fmt: skip


@search
def threads() -> Any:
    """Bayes: two threads, other people's objects among the listed values."""
    space = {"func": [np.log1p, np.sqrt, None], "inverse_func": [None]}
    with parallel_config(backend="threading", n_jobs=2):
        return BayesSearchCV(
            Pipeline([("f", FunctionTransformer()), ("svc", SVC())]),
            [
                {f"f__{name}": values for name, values in space.items()}
                | {"svc__C": (1e-2, 1e3, "log-uniform")},
                {"f": ["passthrough"], "svc__C": [1, 10, 100]},
            ],
            n_iter=24, cv=3, random_state=23,
        ).fit(*IRIS)  # fmt: skip


@search
def ask_and_tell() -> Any:
    """Optimizer: ask and tell, with what is pending."""
    optimizer = Optimizer(FORMULA, random_state=24)
    params, scores = [], []
    for number in range(20):
        pending = [optimizer.ask()] if number % 3 == 0 else []
        params.append(optimizer.ask(pending=pending))
        point = params[-1]
        scores.append(-((point["a"] - 0.3) ** 2) - np.log10(point["b"]) ** 2 / 9)
        optimizer.tell(point, scores[-1])
    best = int(np.argmax(scores))
    return SimpleNamespace(
        cv_results_={"params": params, "mean_test_score": np.array(scores)},
        best_index_=best,
        best_params_=params[best],
    )


@search
def hyperband_formula() -> Any:
    """Hyperband: a parameter of the user's own, one bracket, initial_params."""
    return HyperbandSearchCV(
        Formula(), FORMULA, resource="size", max_resources=81, min_resources=3,
        brackets=1, n_iter=40, cv=3, random_state=np.random.RandomState(20),
        initial_params=[{"a": 0.3, "b": 1.0, "c": "p"}],
    ).fit(*ROWS)  # fmt: skip


def exact(value: Any) -> Any:
    """Return a value as JSON that tells any two different ones apart."""
    if isinstance(value, dict):
        return {str(key): exact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(exact, value)]
    if isinstance(value, np.ma.MaskedArray | np.ndarray):
        return [str(value.dtype), *map(exact, value.tolist())]
    if isinstance(value, BaseEstimator):
        return {type(value).__name__: exact(value.get_params(deep=False))}
    return f"{type(value).__name__} {value!r}"


def is_kept(column: str) -> bool:
    """Whether a column of `cv_results_` is compared: neither times nor params twice."""
    scores = "mean_test_", "mean_train_", "split"
    return column in {"params", "iter", "n_resources", "bracket"} or column.startswith(
        scores
    )


def summary(make: Callable[[], Any]) -> dict[str, Any]:
    """Run one search and return what is compared of it."""
    try:
        done = make()
    except Exception:
        return {"error": traceback.format_exc()}
    results = {k: v for k, v in done.cv_results_.items() if is_kept(k)}
    rows = [
        {column: exact(values[row]) for column, values in sorted(results.items())}
        for row in range(len(results["params"]))
    ]
    attributes = "best_index_", "best_params_", "best_score_", "n_splits_"
    best = {name: exact(getattr(done, name, "absent")) for name in attributes}
    return {"rows": rows, "best": best}


def dump(path: str, words: list[str]) -> None:
    """Run the searches with the package that is imported and write them as JSON."""
    found = {"package": str(Path(sklearn_tuners.__file__).parents[1])}
    for name in chosen(words):
        begin = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = summary(SEARCHES[name])
        found[name] = {**result, "seconds": time.perf_counter() - begin}
    Path(path).write_text(json.dumps(found), encoding="utf-8")


def chosen(words: list[str]) -> list[str]:
    """Return the names that hold one of the words, or all."""
    return [
        name
        for name in SEARCHES
        if not words or any(word.lower() in name.lower() for word in words)
    ]


if __name__ == "__main__":
    dump(sys.argv[1], sys.argv[2:])
