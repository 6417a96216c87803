"""What is known of the estimators of XGBoost, LightGBM and CatBoost.

One record a library. The libraries are optional and are not imported here: their
estimators are known by the name of a base class.
"""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from sklearn_tuners._estimators import names_of

__all__ = ["CATBOOST", "LIBRARIES", "Library", "fit_towards", "library_of"]


def _never(estimator: Any) -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Library:
    """What is known of the boosters of a library.

    Attributes
    ----------
    base : str
        Full name of the base class of its estimators.
    rounds : tuple of str
        Names of the parameter that is the number of rounds. Training goes on only by
        the first one, which is also that of the registry of spaces.
    default_rounds : int
        Rounds of an estimator that is given none.
    model_argument : str
        Argument of ``fit`` that takes the model to add rounds to.
    model_of : callable
        Returns that model of a fitted estimator.
    is_exact : callable
        Whether an estimator that goes on becomes what a single fit makes of it.
    starts_anew : callable
        Whether no rounds can be added to an estimator as it is set.
    chooses_rate : callable
        Whether the learning rate of an estimator depends on its number of rounds.
    """

    base: str
    rounds: tuple[str, ...]
    default_rounds: int
    model_argument: str
    model_of: Callable[[Any], Any]
    is_exact: Callable[[Any], bool] = _never
    starts_anew: Callable[[Any], bool] = _never
    chooses_rate: Callable[[Any], bool] = _never

    @property
    def parameter(self) -> str:
        """The number of rounds, by the name that training goes on by."""
        return self.rounds[0]

    def add_rounds(
        self, fitted: Any, n: int, X: Any, y: Any, fit_params: dict[str, Any]
    ) -> Any:
        """Return a new estimator with the rounds of a fitted one and `n` more."""
        # A new one, because a fitted estimator of CatBoost refuses other parameters.
        grown = clone(fitted).set_params(**{self.parameter: n})
        if self.chooses_rate(fitted):  # `n` are only some of all rounds
            grown.set_params(learning_rate=fitted.learning_rate_)
        model = {self.model_argument: self.model_of(fitted)}
        return grown.fit(X, y, **model, **fit_params)


def fit_towards(
    estimator: Any, n: int, X: Any, y: Any, fit_params: dict[str, Any]
) -> Any:
    """Fit CatBoost for its number of rounds, but stop after `n` of them.

    So it learns at the rate that it chooses for all of its rounds.
    """
    callbacks = [*(fit_params.get("callbacks") or ()), _StopAfter(n)]
    return estimator.fit(X, y, **(fit_params | {"callbacks": callbacks}))


@dataclass(frozen=True)
class _StopAfter:
    """A callback of CatBoost that ends training after `n` rounds."""

    n: int

    def after_iteration(self, info: Any) -> bool:
        return bool(info.iteration < self.n)


_HARMLESS = {
    *("verbose", "verbosity", "n_jobs", "num_threads", "num_thread", "nthread"),
    *("seed", "random_seed", "deterministic", "force_col_wise", "force_row_wise"),
    *("metric", "scale_pos_weight", "is_unbalance", "max_bin", "min_data_in_leaf"),
    *("eta", "lambda", "lambda_l1", "lambda_l2"),
}
"""Parameters of XGBoost and LightGBM outside of their signatures with which training in
steps equals a single fit (`test_with_these_parameters_boosters_go_on_exactly`). Many of
the hundreds of others draw at random, under several names each."""


def _adds_trees(*drawn: str) -> Callable[[Any], bool]:
    """Return whether a booster grows each tree from all data, the others unchanged.

    It does if the parameters `drawn`, shares of rows or columns, are 1 or None, and no
    parameter is given that is not known.
    """

    def check(estimator: Any) -> bool:
        params = estimator.get_params(deep=False)
        kinds = {params.get("booster"), params.get("boosting_type")}
        return (
            params.keys() <= _HARMLESS | _signature(type(estimator))
            and kinds <= {None, "gbtree", "gbdt"}
            and all(params.get(name) in (None, 1, 1.0) for name in drawn)
            and not isinstance(estimator.random_state, np.random.RandomState)
        )

    return check


def _signature(cls: type) -> set[str]:
    """Return the parameters that a class, or a base of it, has by name."""
    return {
        name
        for base in cls.__mro__
        if "__init__" in vars(base)
        for name in inspect.signature(vars(base)["__init__"]).parameters
    }


_RANDOM_FORESTS = {"xgboost.sklearn.XGBRFClassifier", "xgboost.sklearn.XGBRFRegressor"}

_AVERAGES = {"rf", "random_forest"}
"""Boosting types of LightGBM that average their trees: none can be added."""


def _averages_trees(estimator: Any) -> bool:
    params = estimator.get_params(deep=False)
    names = ("boosting_type", "boosting", "boost")
    return not _AVERAGES.isdisjoint(params.get(name) for name in names)


def _catboost_chooses_rate(estimator: Any) -> bool:
    """Return whether CatBoost is given no learning rate.

    False on a GPU, where no callback could end the training early.
    """
    given = estimator.get_params(deep=False)
    return (
        given.get("learning_rate", given.get("eta")) is None
        and given.get("task_type") != "GPU"
    )


XGBOOST = Library(
    base="xgboost.sklearn.XGBModel",
    rounds=("n_estimators",),
    default_rounds=100,
    model_argument="xgb_model",
    model_of=lambda fitted: fitted.get_booster(),
    is_exact=_adds_trees(
        "subsample", "colsample_bytree", "colsample_bylevel", "colsample_bynode"
    ),
    starts_anew=lambda estimator: not _RANDOM_FORESTS.isdisjoint(names_of(estimator)),
)
LIGHTGBM = Library(
    base="lightgbm.sklearn.LGBMModel",
    rounds=(
        *("n_estimators", "num_iterations", "num_iteration", "n_iter", "max_iter"),
        *("num_tree", "num_trees", "num_round", "num_rounds", "nrounds"),
        "num_boost_round",
    ),
    default_rounds=100,
    model_argument="init_model",
    model_of=lambda fitted: fitted.booster_,
    is_exact=_adds_trees("subsample", "colsample_bytree"),
    starts_anew=_averages_trees,
)
CATBOOST = Library(
    base="catboost.core.CatBoost",
    rounds=("iterations", "n_estimators", "num_boost_round", "num_trees"),
    default_rounds=1000,
    model_argument="init_model",
    # A pickled copy. A model out of the store goes on otherwise than one in the process
    # that trained it, so steps are exact in neither case and must agree in both.
    model_of=lambda fitted: pickle.loads(pickle.dumps(fitted)),
    chooses_rate=_catboost_chooses_rate,
)
LIBRARIES = {library.base: library for library in (XGBOOST, LIGHTGBM, CATBOOST)}
"""By the base class. Names and defaults are those of the libraries' parameter pages
(XGBoost 3, LightGBM 4, CatBoost 1.2); an estimator does not show them unless given."""


def library_of(estimator: Any) -> Library | None:
    """Return the record of the library that an estimator is a booster of, if any."""
    known = (LIBRARIES[name] for name in names_of(estimator) if name in LIBRARIES)
    return next(known, None)
