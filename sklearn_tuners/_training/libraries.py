"""What is known of the estimators of XGBoost, LightGBM and CatBoost.

One record per library. The libraries are optional and are not imported here: their
estimators are identified by the names of their classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import clone

from sklearn_tuners._estimators import names_of, short_name, unchanged_bases

__all__ = ["CATBOOST", "LIBRARIES", "Booster", "Library", "fit_towards", "library_of"]


class Value(Enum):
    """Values of a parameter with which tests show how a booster continues."""

    NUMBER = "any number"
    ANY = "any value"
    SHARE = "a share of rows or columns: exact if it is one, inexact below"


_Proven = Value | tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Booster:
    """How boosters of a library add rounds to a model.

    Attributes
    ----------
    parameter : str
        The number of rounds; in a further fit, the number that is added.
    argument : str
        Argument of ``fit`` that takes the model so far.
    model_of : callable
        Returns that model of a fitted estimator.
    classes : tuple of str
        The classes that can continue, by `short_name`.
    options : mapping of str to Value or tuple of str
        The parameters that may be given, with proven values. None is always proven. An
        estimator with another parameter or value starts anew.
    """

    parameter: str
    argument: str
    model_of: Callable[[Any], Any]
    classes: tuple[str, ...]
    options: Mapping[str, _Proven]

    def goes_on(self, estimator: Any, parameter: str) -> bool:
        """Return whether an estimator, as set, continues when a parameter grows."""
        names = {short_name(cls) for cls in unchanged_bases(estimator)}
        params = estimator.get_params(deep=False)
        # XGBoost's `get_params` draws an integer from a RandomState.
        is_seeded = not isinstance(estimator.random_state, np.random.RandomState)
        return (
            parameter == self.parameter
            and is_seeded
            and not names.isdisjoint(self.classes)
            and all(self._is_proven(name, value) for name, value in params.items())
        )

    def _is_proven(self, name: str, value: Any) -> bool:
        proven = self.options.get(name, ())
        if value is None or proven is Value.ANY:
            return True
        if isinstance(proven, Value):
            return isinstance(value, Real | np.bool_)
        return isinstance(value, str) and value in proven

    def is_exact(self, estimator: Any) -> bool:
        """Return whether continued training gives the same as a single fit."""
        return all(
            value is None or value == 1
            for name, value in estimator.get_params(deep=False).items()
            if self.options.get(name) is Value.SHARE
        )

    def add_rounds(
        self, fitted: Any, n: int, X: Any, y: Any, fit_params: dict[str, Any]
    ) -> Any:
        """Return a new estimator with the rounds of a fitted one and `n` more."""
        grown = clone(fitted).set_params(**{self.parameter: n})
        return grown.fit(X, y, **{self.argument: self.model_of(fitted)}, **fit_params)


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
        Names of the parameter that is the number of rounds; the first one is that of
        the registry of spaces.
    default_rounds : int
        Rounds of an estimator for which none are set.
    booster : Booster or None
        How training continues; None if it starts anew.
    averages : callable
        Whether an estimator averages its trees instead of boosting them.
    chooses_rate : callable
        Whether the learning rate of an estimator depends on its number of rounds.
    """

    base: str
    rounds: tuple[str, ...]
    default_rounds: int
    booster: Booster | None = None
    averages: Callable[[Any], bool] = _never
    chooses_rate: Callable[[Any], bool] = _never

    def suits(self, estimator: Any, parameter: str) -> bool:
        """Return whether a parameter is the natural resource of an estimator.

        A fit that may end early, or that averages trees, has none.
        """
        params = estimator.get_params(deep=False)
        ends_early = any(params.get(name) is not None for name in _ENDS_EARLY)
        return (
            parameter == self.rounds[0]
            and not ends_early
            and not self.averages(estimator)
        )


_ENDS_EARLY = (
    "early_stopping_rounds",
    "early_stopping_round",
    "od_type",
    "callbacks",
)
"""Parameters with which a fit may end before its number of rounds."""


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


def _all(kind: Value, names: Iterable[str]) -> dict[str, _Proven]:
    return dict.fromkeys(names, kind)


_XGBOOST_OPTIONS = {
    **_all(
        Value.NUMBER,
        (
            *("n_estimators", "learning_rate", "eta", "max_depth", "max_leaves"),
            *("max_bin", "gamma", "min_child_weight", "max_delta_step", "reg_alpha"),
            *("reg_lambda", "lambda", "scale_pos_weight", "base_score", "missing"),
            *("random_state", "seed", "num_parallel_tree", "enable_categorical"),
            *("max_cat_to_onehot", "max_cat_threshold", "n_jobs", "nthread"),
            *("verbosity", "validate_parameters"),
        ),
    ),
    **_all(Value.ANY, ("monotone_constraints", "eval_metric", "importance_type")),
    **_all(
        Value.SHARE,
        ("subsample", "colsample_bytree", "colsample_bylevel", "colsample_bynode"),
    ),
    "booster": ("gbtree",),
    "device": ("cpu",),
    "grow_policy": ("depthwise", "lossguide"),
    "tree_method": ("approx", "auto", "exact", "hist"),
    "objective": (
        *("binary:logistic", "multi:softmax", "multi:softprob", "count:poisson"),
        *("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror"),
        *("reg:gamma", "reg:tweedie"),
    ),
}
_LIGHTGBM_OPTIONS = {
    **_all(
        Value.NUMBER,
        (
            *("n_estimators", "learning_rate", "num_leaves", "max_depth", "max_bin"),
            *("min_child_samples", "min_data_in_leaf", "min_child_weight"),
            *("min_split_gain", "reg_alpha", "lambda_l1", "reg_lambda", "lambda_l2"),
            *("subsample_for_bin", "subsample_freq", "path_smooth", "max_delta_step"),
            *("is_unbalance", "scale_pos_weight", "random_state", "seed"),
            *("deterministic", "force_col_wise", "force_row_wise", "n_jobs"),
            *("num_threads", "verbose", "verbosity"),
        ),
    ),
    **_all(Value.ANY, ("class_weight", "importance_type", "metric")),
    **_all(Value.SHARE, ("subsample", "colsample_bytree")),
    "boosting_type": ("gbdt",),
    "objective": (
        *("binary", "multiclass", "multiclassova", "regression", "regression_l1"),
        *("huber", "poisson", "quantile", "gamma", "tweedie"),
    ),
}

_RANDOM_FORESTS = {"xgboost.sklearn.XGBRFClassifier", "xgboost.sklearn.XGBRFRegressor"}

_AVERAGES = {"rf", "random_forest"}
"""Boosting types of LightGBM that average their trees."""


def _averages_trees(estimator: Any) -> bool:
    params = estimator.get_params(deep=False)
    kinds = [params.get(name) for name in ("boosting_type", "boosting", "boost")]
    return any(isinstance(kind, str) and kind in _AVERAGES for kind in kinds)


_CATBOOST_CLASSES = {"catboost.CatBoostClassifier", "catboost.CatBoostRegressor"}


def _catboost_chooses_rate(estimator: Any) -> bool:
    """Return whether CatBoost is given no learning rate.

    False on a GPU, where no callback could end the training early, and for a class with
    a ``fit`` of its own, which may take no callbacks.
    """
    given = estimator.get_params(deep=False)
    names = {short_name(cls) for cls in unchanged_bases(estimator)}
    return (
        given.get("learning_rate", given.get("eta")) is None
        and given.get("task_type") != "GPU"
        and not names.isdisjoint(_CATBOOST_CLASSES)
    )


XGBOOST = Library(
    base="xgboost.sklearn.XGBModel",
    rounds=("n_estimators",),
    default_rounds=100,
    booster=Booster(
        parameter="n_estimators",
        argument="xgb_model",
        model_of=lambda fitted: fitted.get_booster(),
        classes=("xgboost.XGBClassifier", "xgboost.XGBRegressor"),
        options=_XGBOOST_OPTIONS,
    ),
    averages=lambda estimator: not _RANDOM_FORESTS.isdisjoint(names_of(estimator)),
)
LIGHTGBM = Library(
    base="lightgbm.sklearn.LGBMModel",
    rounds=(
        *("n_estimators", "num_iterations", "num_iteration", "n_iter", "max_iter"),
        *("num_tree", "num_trees", "num_round", "num_rounds", "nrounds"),
        "num_boost_round",
    ),
    default_rounds=100,
    booster=Booster(
        parameter="n_estimators",
        argument="init_model",
        model_of=lambda fitted: fitted.booster_,
        classes=("lightgbm.LGBMClassifier", "lightgbm.LGBMRegressor"),
        options=_LIGHTGBM_OPTIONS,
    ),
    averages=_averages_trees,
)
CATBOOST = Library(
    base="catboost.core.CatBoost",
    rounds=("iterations", "n_estimators", "num_boost_round", "num_trees"),
    default_rounds=1000,
    # It starts anew. CatBoost 1.2 hangs or crashes when a model with categorical or
    # text features continues, and a stored model of numbers continues differently from
    # one in the process that trained it (by .08 to .13 in a probability).
    booster=None,
    chooses_rate=_catboost_chooses_rate,
)
LIBRARIES = {library.base: library for library in (XGBOOST, LIGHTGBM, CATBOOST)}
"""By the base class. Names and defaults are those of the libraries' parameter pages
(XGBoost 3, LightGBM 4, CatBoost 1.2); an estimator shows them only if they are set."""


def library_of(estimator: Any) -> Library | None:
    """Return the record of the library that an estimator is a booster of, if any."""
    known = (LIBRARIES[name] for name in names_of(estimator) if name in LIBRARIES)
    return next(known, None)
