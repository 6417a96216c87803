"""Training in steps, in a worker: a candidate goes on from where it stopped.

What the table `_RULES` says of an estimator was measured: ``tests`` show for each
"exact" one that a fit in steps equals a fit in one go, bit for bit.
"""

from __future__ import annotations

import copy
import pickle
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from sklearn_tuners._compat import is_callback_attribute
from sklearn_tuners._states import State, Store

__all__ = [
    "EPOCHS",
    "SAMPLES",
    "Training",
    "continuation",
    "goes_on",
    "leaf_of",
]

SAMPLES, EPOCHS = "n_samples", "n_epochs"
"""Resources that are no parameter of the estimator."""

Chain = tuple[int, ...]


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


def _full_rows(*names: str) -> Callable[[Any], bool]:
    """Whether trees are added without change to the others, and all rows are used.

    That is where parameters that draw rows or columns are at 1 or None.
    """

    def check(estimator: Any) -> bool:
        params = estimator.get_params(deep=False)
        drawn = [params.get(name) for name in names]
        kinds = {params.get("booster"), params.get("boosting_type")}
        return kinds <= {None, "gbtree", "gbdt"} and all(
            value in (None, 1, 1.0) for value in drawn
        )

    return check


_XGB = Rule(
    "n_estimators",
    "xgb_model",
    _full_rows(
        "subsample", "colsample_bytree", "colsample_bylevel", "colsample_bynode"
    ),
)
_LGBM = Rule(
    "n_estimators",
    "init_model",
    _full_rows(
        "subsample",
        "bagging_fraction",
        "colsample_bytree",
        "feature_fraction",
        "feature_fraction_bynode",
    ),
)
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
_EARLY_STOPPING = ("early_stopping_rounds", "early_stopping_round", "od_type")
"""Parameters of boosters whose fits may stop by themselves: they keep no count of the
rounds without improvement that a further fit could go on with."""


def continuation(estimator: Any, resource: str) -> str:
    """Return how an estimator can be trained in steps.

    Parameters
    ----------
    estimator : estimator
        With its params set.
    resource : str
        Full name of the parameter, or `EPOCHS`.

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
        rule = _rule(leaf, resource)
        if rule is None or not is_last:
            return "none"
        is_exact &= rule.exact(leaf)
    return "exact" if is_exact else "inexact"


def goes_on(leaf: Any, parameter: str) -> bool:
    """Return whether a class of estimators is known to train on by a parameter."""
    rule = _rule(leaf, parameter)
    return rule is not None and any(name in _RULES for name in _names(type(leaf)))


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


def _names(cls: type) -> list[str]:
    return [f"{base.__module__}.{base.__qualname__}" for base in cls.__mro__]


def _rule(leaf: Any, resource: str) -> Rule | None:
    """Return the rule for a leaf, a general one where it has ``warm_start``."""
    parameter = resource.rpartition("__")[2]
    names = _names(type(leaf))
    params = leaf.get_params(deep=False)
    stops = any(params.get(name) is not None for name in _EARLY_STOPPING)
    if stops or _NO_RULE.intersection(names) or params.get("boosting_type") == "rf":
        return None
    if _BAGGING in names and params.get("oob_score"):
        return None  # refuses warm_start
    rule = next((_RULES[name] for name in names if name in _RULES), None)
    if rule is None and "warm_start" in params and parameter == "max_iter":
        rule = _EPOCHS
    return rule if rule is not None and rule.parameter == parameter else None


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
    if parts:
        return all(map(_repeats, parts))
    own = getattr(type(transformer), "fit_transform", None)
    return own is None or own.__module__ in (
        "sklearn.base",
        "sklearn.preprocessing._data",
    )


@dataclass(frozen=True, kw_only=True)
class Training:
    """How to train one candidate on one split up to its resource.

    Parameters
    ----------
    resource : str
        Full name of a parameter, `EPOCHS` or `SAMPLES`.
    chain : tuple of int
        Resources of the steps; more than one only where the estimator goes on.
    settings : dict
        Params to set besides the candidate's.
    factors : dict
        Params to multiply, and by what.
    classes : ndarray or None
        Labels that ``partial_fit`` is to be told of.
    store : Store or None
        Where the states of earlier steps may be.
    key : str
        Of the candidate and the split.
    full : int
        The full resource, at which no step will follow; 0 if the chain ends there.
    """

    resource: str
    chain: Chain
    settings: dict[str, Any] = field(default_factory=dict)
    factors: dict[str, float] = field(default_factory=dict)
    classes: Any = None
    store: Store | None = None
    key: str = ""
    full: int = 0

    def take_over(self, estimator: BaseEstimator) -> None:
        """Have the next call of ``estimator.fit`` train as described here.

        The estimator stays what it is, so that scorers and callbacks see nothing new.
        """
        estimator.fit = partial(self.fit, estimator)

    def fit(
        self, estimator: Any, X: Any, y: Any = None, **fit_params: Any
    ) -> BaseEstimator:
        """Train an estimator, on from what is stored or from the start."""
        vars(estimator).pop("fit", None)
        estimator.set_params(**self.settings)
        if self.factors:
            given = estimator.get_params()
            scaled = {name: given[name] * f for name, f in self.factors.items()}
            estimator.set_params(**scaled)
        if self.resource == SAMPLES:
            _fit(estimator, X, y, fit_params)
            return estimator
        step = _train_epochs if self.resource == EPOCHS else _train_further
        n_done, has_ended, seconds = 0, False, 0.0
        state = self._stored()
        if state is not None:
            n_done, has_ended, seconds = len(state.chain), *state[1:3]
            _adopt(estimator, state.estimator)
        steps = zip((0, *self.chain), self.chain, strict=False)
        start = time.perf_counter()
        for done, target in list(steps)[n_done:]:
            if not has_ended:
                # A transformer may work in place, and the next step needs X as it was.
                own = X if target == self.chain[-1] else copy.deepcopy(X)
                with _limit_is_meant(self, target):
                    has_ended = step(estimator, own, y, fit_params, self, done, target)
        seconds += time.perf_counter() - start
        if self.store is not None and self.chain[-1] < self.full:
            kept = _without_callbacks(estimator)
            self.store.save(self.key, State(self.chain, has_ended, seconds, kept))
        return estimator

    def _stored(self) -> State | None:
        if self.store is None or len(self.chain) == 1:
            return None
        return self.store.load(self.key, self.chain[:-1])


@contextmanager
def _limit_is_meant(training: Training, target: int) -> Iterator[None]:
    """Silence what says that a limit of iterations was reached, below the full one."""
    parameter = training.resource.rpartition("__")[2]
    if parameter != "max_iter" or target >= training.full:
        yield
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _fit(estimator: Any, X: Any, y: Any, fit_params: dict[str, Any]) -> None:
    if y is None:
        estimator.fit(X, **fit_params)
    else:
        estimator.fit(X, y, **fit_params)


def _without_callbacks(estimator: Any) -> Any:
    """Return an estimator that has the attributes of another, but for its callbacks."""
    other = object.__new__(type(estimator))
    vars(other).update(
        {k: v for k, v in vars(estimator).items() if not is_callback_attribute(k)}
    )
    return other


def _adopt(estimator: Any, other: Any) -> None:
    """Give an estimator the attributes of another; it keeps its callbacks."""
    own = {k: v for k, v in vars(estimator).items() if is_callback_attribute(k)}
    vars(estimator).clear()
    vars(estimator).update(vars(other) | own)


def _train_epochs(
    estimator: Any,
    X: Any,
    y: Any,
    fit_params: dict[str, Any],
    training: Training,
    done: int,
    target: int,
) -> bool:
    """Train by ``partial_fit``, each epoch on all rows; return False.

    The transformers before it are fitted with the first epoch.
    """
    kwargs = dict(fit_params)
    while isinstance(estimator, Pipeline):
        *head, (last, leaf) = estimator.steps
        own = {k for k in kwargs if k.startswith(f"{last}__")}
        others = {k: v for k, v in kwargs.items() if k not in own}
        kwargs = {k.removeprefix(f"{last}__"): kwargs[k] for k in own}
        if head:
            head_pipeline = estimator[:-1]
            X = (
                head_pipeline.transform(X)
                if done
                else head_pipeline.fit_transform(X, y, **others)
            )
            # With `memory` others have been fitted in the place of the transformers.
            estimator.steps[:-1] = head_pipeline.steps
        estimator = leaf
    if training.classes is not None:
        kwargs["classes"] = training.classes
    for _ in range(target - done):
        estimator.partial_fit(X, y, **kwargs)
    return False


def _train_further(
    estimator: Any,
    X: Any,
    y: Any,
    fit_params: dict[str, Any],
    training: Training,
    done: int,
    target: int,
) -> bool:
    """Fit on from `done` to `target`; return whether training has ended by itself."""
    leaf, is_last = leaf_of(estimator, training.resource)
    rule = _rule(leaf, training.resource)
    if not done:
        n = target
        if is_last and target < training.full and _chooses_rate(leaf):
            n, leaf.fit = training.full, partial(_fit_towards, leaf, target)
        estimator.set_params(**{training.resource: n})
        _fit(estimator, X, y, fit_params)
        leaf, _ = leaf_of(estimator, training.resource)  # a wrapper may have cloned it
        return rule is not None and _reached(leaf, rule, target) < target
    assert rule is not None
    with _frozen_transformers(estimator):
        if rule.how not in ("total", "more"):
            leaf.fit = partial(_fit_from, leaf, rule, target - done)
            _fit(estimator, X, y, fit_params)
            return False
        warm = leaf.warm_start
        n = target if rule.how == "total" else target - done
        leaf.set_params(**{"warm_start": True, rule.parameter: n})
        with warnings.catch_warnings():  # the data are the same
            warnings.filterwarnings("ignore", "class_weight presets", UserWarning)
            _fit(estimator, X, y, fit_params)
        leaf.set_params(**{"warm_start": warm, rule.parameter: target})
        return _reached(leaf, rule, n) < n


def _reached(leaf: Any, rule: Rule, n: int) -> int:
    """Return how far the last fit came, `n` where it does not say."""
    return int(np.max(getattr(leaf, rule.reached, n))) if rule.reached else n


def _fit_from(
    leaf: Any, rule: Rule, n: int, X: Any, y: Any = None, **fit_params: Any
) -> Any:
    """Add `n` trees to the model that a leaf has; it takes its place."""
    vars(leaf).pop("fit")
    if hasattr(leaf, "get_booster"):
        model = leaf.get_booster()
    elif hasattr(leaf, "booster_"):
        model = leaf.booster_
    else:  # CatBoost: as out of the store, so that a replay gives the same
        model = pickle.loads(pickle.dumps(leaf))
    # A new estimator, as CatBoost's cannot be changed once it is fitted.
    grown = clone(leaf).set_params(**{rule.parameter: n})
    if _chooses_rate(leaf):  # by the number of iterations, and these are only some
        grown.set_params(learning_rate=leaf.learning_rate_)
    grown.fit(X, y, **{rule.how: model}, **fit_params)
    _adopt(leaf, grown)
    return leaf


def _chooses_rate(leaf: Any) -> bool:
    """Whether a leaf is CatBoost's and left its learning rate to depend on iterations.

    Not on a GPU, where no callback could end the training early.
    """
    given = leaf.get_params(deep=False)
    return (
        "catboost.core.CatBoost" in _names(type(leaf))
        and given.get("learning_rate", given.get("eta")) is None
        and given.get("task_type") != "GPU"
    )


def _fit_towards(
    leaf: Any, target: int, X: Any, y: Any = None, **fit_params: Any
) -> Any:
    """Fit CatBoost, set to the full resource, only up to `target`.

    So the learning rate is the one that it chooses for the full resource.
    """
    vars(leaf).pop("fit")
    callbacks = [*(fit_params.pop("callbacks", None) or ()), _StopAfter(target)]
    return leaf.fit(X, y, callbacks=callbacks, **fit_params)


@dataclass(frozen=True)
class _StopAfter:
    """A callback of CatBoost."""

    n: int

    def after_iteration(self, info: Any) -> bool:
        return bool(info.iteration < self.n)


@contextmanager
def _frozen_transformers(estimator: Any) -> Iterator[None]:
    """Have all steps but the last only transform, in the pipelines on the way."""
    changed: list[tuple[Any, list[Any]]] = []
    try:
        while isinstance(estimator, Pipeline):
            changed.append((estimator, estimator.steps))
            *head, last = estimator.steps
            estimator.steps = [
                (name, _frozen(transformer)) for name, transformer in head
            ] + [last]
            estimator = last[1]
        yield
    finally:
        for pipeline, steps in changed:
            pipeline.steps = steps


def _frozen(transformer: Any) -> Any:
    if transformer in (None, "passthrough"):
        return transformer
    return FrozenEstimator(transformer)
