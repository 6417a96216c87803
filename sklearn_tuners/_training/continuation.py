"""Who can be trained in steps, and whether that equals a fit in one go.

What the table `_RULES` says of an estimator was measured: ``tests`` show for each
"exact" one that a fit in steps equals a fit in one go, bit for bit.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Set
from typing import Any, NamedTuple

import numpy as np
from sklearn import get_config
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object

__all__ = [
    "EPOCHS",
    "SAMPLES",
    "Rule",
    "check_epochs",
    "continuation",
    "goes_on",
    "leaf_of",
    "names_of",
    "parts_of",
    "rule_of",
]

SAMPLES, EPOCHS = "n_samples", "n_epochs"
"""Resources that are no parameter of the estimator."""


class Rule(NamedTuple):
    """How estimators of a class are trained further.

    Attributes
    ----------
    parameter : str
        The resource.
    how : str
        "total": with ``warm_start``, the parameter is the total reached. "more": with
        ``warm_start``, the parameter is what is added. Otherwise the argument of
        ``fit`` that takes the model to start from; the parameter is what is added.
    exact : callable
        Whether the result is that of a single fit, of the estimator.
    reached : str
        Attribute that tells how far the last fit came, "" if always to the end.
        For "more" it counts from the last start.
    """

    parameter: str
    how: str
    exact: Callable[[Any], bool]
    reached: str = ""


def _is_seeded(estimator: Any) -> bool:
    """Whether the random numbers of a further fit follow from the seed alone."""
    return not isinstance(estimator.random_state, np.random.RandomState)


def _is_seeded_to_the_end(estimator: Any) -> bool:
    """Whether that holds, and no further fit counts stale rounds anew from 0."""
    return _is_seeded(estimator) and estimator.n_iter_no_change is None


def _never(estimator: Any) -> bool:
    return False


_HARMLESS = {
    *("verbose", "verbosity", "n_jobs", "num_threads", "num_thread", "nthread"),
    *("seed", "random_seed", "deterministic", "force_col_wise", "force_row_wise"),
    *("metric", "scale_pos_weight", "is_unbalance", "max_bin", "min_data_in_leaf"),
    *("eta", "lambda", "lambda_l1", "lambda_l2"),
}
"""Parameters of XGBoost and LightGBM that are not in their signatures, and with which a
fit in steps was found to be equal. Of the hundreds of others many draw at random, under
several names each."""


def _adds_trees(*drawn: str) -> Callable[[Any], bool]:
    """Whether a booster adds trees without change to the others, and from all data.

    That is where the parameters `drawn`, which draw rows or columns, are at 1 or None,
    and nothing is given that is not known.
    """

    def check(estimator: Any) -> bool:
        params = estimator.get_params(deep=False)
        kinds = {params.get("booster"), params.get("boosting_type")}
        return (
            params.keys() <= _HARMLESS | _signature(type(estimator))
            and kinds <= {None, "gbtree", "gbdt"}
            and all(params.get(name) in (None, 1, 1.0) for name in drawn)
            and _is_seeded(estimator)
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


_XGB = Rule(
    "n_estimators",
    "xgb_model",
    _adds_trees(
        "subsample", "colsample_bytree", "colsample_bylevel", "colsample_bynode"
    ),
)
_LGBM = Rule("n_estimators", "init_model", _adds_trees("subsample", "colsample_bytree"))
# CatBoost's model goes on exactly in the process that has trained it, but not once it
# has been pickled, as it has to be between two rungs.
_CATBOOST = Rule("iterations", "init_model", _never)
_FOREST = Rule("n_estimators", "total", _is_seeded)
_EPOCHS = Rule("max_iter", "more", _never, "n_iter_")

_BAGGING = "sklearn.ensemble._bagging.BaseBagging"

_RULES: dict[str, Rule] = {
    "sklearn.ensemble._forest.BaseForest": _FOREST,
    _BAGGING: _FOREST,
    "sklearn.ensemble._gb.BaseGradientBoosting": Rule(
        "n_estimators", "total", _is_seeded_to_the_end, "n_estimators_"
    ),
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting."
    "BaseHistGradientBoosting": Rule("max_iter", "total", _is_seeded, "n_iter_"),
    "sklearn.neural_network._multilayer_perceptron.BaseMultilayerPerceptron": _EPOCHS,
    "sklearn.linear_model._stochastic_gradient.BaseSGD": _EPOCHS,
    "xgboost.sklearn.XGBModel": _XGB,
    "lightgbm.sklearn.LGBMModel": _LGBM,
    "catboost.core.CatBoost": _CATBOOST,
}
"""By the class, or a base of it. The first match in the order of the bases counts."""

_NO_RULE = {"xgboost.sklearn.XGBRFClassifier", "xgboost.sklearn.XGBRFRegressor"}
_FOREST_KINDS = {"rf", "random_forest"}
"""Boosting types of LightGBM whose trees are averaged, so that none can be added."""
_EARLY_STOPPING = ("early_stopping_rounds", "early_stopping_round", "od_type")
"""Parameters of boosters whose fits may stop by themselves: they keep no count of the
rounds without improvement that a further fit could go on with."""
_IN_ONE_GO = {
    *(*_EARLY_STOPPING, "callbacks", "eval_set", "eval_X", "monitor"),
    *("xgb_model", "init_model", "init_score", "baseline"),
}
"""Arguments of ``fit`` that may end it, as parameters may, or that take the place of
the model so far: with one of them nothing is trained further."""


def continuation(estimator: Any, resource: str, arguments: Iterable[str] = ()) -> str:
    """Return how an estimator can be trained in steps.

    Parameters
    ----------
    estimator : estimator
        With its params set.
    resource : str
        Full name of the parameter, or `EPOCHS`.
    arguments : iterable of str
        Names of what ``fit`` is given besides the data, with prefixes of steps or not.

    Returns
    -------
    str
        "exact", "inexact", or "none" if each step has to start anew.
    """
    if resource == SAMPLES:
        return "none"
    leaf, is_last = leaf_of(estimator, resource)
    is_exact = _transforms_as_fitted(estimator)
    if resource != EPOCHS:  # there the calls are the same, in one go or not
        rule = rule_of(leaf, resource)
        if rule is None or not is_last:
            return "none"
        if _IN_ONE_GO & _own_names(leaf, set(arguments)):
            return "none"
        is_exact &= rule.exact(leaf)
    return "exact" if is_exact else "inexact"


def _own_names(leaf: Any, arguments: Set[str]) -> set[str]:
    """Return names that a leaf may know what ``fit`` is given by."""
    names = {name.rpartition("__")[2] for name in arguments}
    if arguments and get_config()["enable_metadata_routing"]:
        # A router, as of Bagging, asks for nothing of this kind.
        own = getattr(get_routing_for_object(leaf), "fit", None)
        requests = own.requests if own is not None else {}
        names |= {name for name, alias in requests.items() if alias in arguments}
    return names


def goes_on(leaf: Any, parameter: str) -> bool:
    """Return whether a class of estimators is known to train on by a parameter."""
    rule = rule_of(leaf, parameter)
    return rule is not None and any(name in _RULES for name in names_of(type(leaf)))


def leaf_of(estimator: Any, resource: str) -> tuple[Any, bool]:
    """Return who has the resource, and whether only last steps lead there.

    Parameters
    ----------
    estimator : estimator
        Perhaps a composition.
    resource : str
        Full name of the parameter, or `EPOCHS` for what a pipeline ends with.

    Returns
    -------
    leaf : estimator
        Whose parameter it is.
    is_last : bool
        Whether one fit of `estimator` fits that very object, after its transformers.
    """
    *path, _ = resource.split("__")
    is_last = True
    if resource == EPOCHS:
        while isinstance(estimator, Pipeline):
            estimator = estimator.steps[-1][1]
        return estimator, True
    for name in path:
        is_last &= isinstance(estimator, Pipeline) and name == estimator.steps[-1][0]
        estimator = estimator.get_params()[name]
    return estimator, is_last


def names_of(cls: type) -> list[str]:
    """Return the full names of a class and its bases, by which tables know them."""
    return [f"{base.__module__}.{base.__qualname__}" for base in cls.__mro__]


def rule_of(leaf: Any, resource: str) -> Rule | None:
    """Return the rule for a leaf, a general one where it has ``warm_start``."""
    parameter = resource.rpartition("__")[2]
    names = names_of(type(leaf))
    params = leaf.get_params(deep=False)
    stops = any(params.get(name) is not None for name in _EARLY_STOPPING)
    stops |= bool(params.get("callbacks"))
    kinds = {params.get(name) for name in ("boosting_type", "boosting", "boost")}
    if stops or _NO_RULE.intersection(names) or kinds & _FOREST_KINDS:
        return None
    if _BAGGING in names and params.get("oob_score"):
        return None  # refuses warm_start
    if params.get("solver") == "liblinear":
        return None  # ignores it
    rule = next((_RULES[name] for name in names if name in _RULES), None)
    if rule is None and "warm_start" in params and parameter == "max_iter":
        rule = _EPOCHS
    return rule if rule is not None and rule.parameter == parameter else None


_NAIVE_BAYES = "sklearn.naive_bayes."
_NO_EPOCHS: dict[str, dict[str, Any]] = {
    "sklearn.linear_model._stochastic_gradient.BaseSGD": {
        "class_weight": "balanced",
        "early_stopping": True,
    },
    "sklearn.neural_network._multilayer_perceptron.BaseMultilayerPerceptron": {
        "early_stopping": True
    },
}
"""Values of parameters with which ``partial_fit`` raises, by a base of the class."""


def check_epochs(estimator: Any, searched: Set[str] = frozenset()) -> None:
    """Raise ``ValueError`` if an estimator cannot be trained by epochs.

    Parameters
    ----------
    estimator : estimator
        With its params set.
    searched : set of str
        Parameters that will have other values, and are not looked at.
    """
    leaf, _ = leaf_of(estimator, EPOCHS)
    if not hasattr(leaf, "partial_fit"):
        raise ValueError(
            f"resource='n_epochs' needs an estimator with partial_fit, alone or as "
            f"the last step of a pipeline, got {type(leaf).__name__}"
        )
    # The prefix of the leaf, which a pipeline knows by the name of its last step.
    prefix = next(p for p, part in reversed(parts_of(estimator)) if part is leaf)
    for name, part in parts_of(leaf):
        _check_values(part, prefix + name, searched)
        if any(name.startswith(_NAIVE_BAYES) for name in names_of(type(part))):
            raise ValueError(
                f"resource='n_epochs' changes the model of {type(part).__name__}: it "
                "counts the rows of every epoch again. Use resource='n_samples'."
            )


def _check_values(part: Any, prefix: str, searched: Set[str]) -> None:
    for base in names_of(type(part)):
        for name, refused in _NO_EPOCHS.get(base, {}).items():
            given, full = getattr(part, name, None), prefix + name
            is_set = full in searched or any(
                full.startswith(f"{s}__") for s in searched
            )
            if given == refused and not is_set:
                raise ValueError(
                    f"resource='n_epochs' cannot be spent with {full}="
                    f"{given!r}: partial_fit of {type(part).__name__} refuses it"
                )


def parts_of(estimator: Any) -> list[tuple[str, Any]]:
    """Return an estimator and all estimators in it, each with its prefix."""
    found = [("", estimator)]
    found += [
        (f"{name}__", part)
        for name, part in estimator.get_params().items()
        if hasattr(part, "get_params") and not isinstance(part, type)
    ]
    return found


def _transforms_as_fitted(estimator: Any) -> bool:
    """Whether ``transform`` repeats what ``fit_transform`` gave, bit for bit.

    It does where ``fit_transform`` is ``fit`` and ``transform``; PCA, say, has another
    way whose last digits differ.
    """
    while isinstance(estimator, Pipeline):
        if not all(_repeats(step) for _, step in estimator.steps[:-1]):
            return False
        estimator = estimator.steps[-1][1]
    return True


def _repeats(transformer: Any) -> bool:
    """Whether a transformer, or all those in it, do as `_transforms_as_fitted` says."""
    parts = [
        part
        for name in ("steps", "transformers", "transformer_list")
        for _, part, *_ in getattr(transformer, name, ())
    ]
    if parts:  # `remainder` of a ColumnTransformer
        return all(map(_repeats, [*parts, getattr(transformer, "remainder", None)]))
    own = getattr(type(transformer), "fit_transform", None)
    return own is None or own.__module__ in (
        "sklearn.base",
        "sklearn.preprocessing._data",
    )
