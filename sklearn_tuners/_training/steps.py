"""Training in steps, in a worker: a candidate goes on from where it stopped."""

from __future__ import annotations

import copy
import pickle
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import process_routing

from sklearn_tuners._compat.sklearn import has_stopped_early, is_callback_attribute
from sklearn_tuners._training.continuation import (
    EPOCHS,
    SAMPLES,
    Rule,
    check_epochs,
    leaf_of,
    names_of,
    rule_of,
)
from sklearn_tuners._training.store import State, Store

__all__ = ["Training", "set_resource"]

Chain = tuple[int, ...]


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
        if self.resource == EPOCHS:  # a step of the space may be the last one now
            check_epochs(estimator)
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


def set_resource(estimator: Any, resource: str, value: int) -> None:
    """Set the parameter that is the resource.

    Raises
    ------
    ValueError
        If there is none, as in a candidate for which the space swaps a step.
    """
    try:
        estimator.set_params(**{resource: value})
    except (AttributeError, ValueError) as error:  # the first if it is "passthrough"
        raise ValueError(
            f"resource={resource!r} is not a parameter of {estimator!r}, which the "
            "search space makes a candidate"
        ) from error


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
    vars(other).update(_attributes(estimator))
    return other


def _adopt(estimator: Any, other: Any) -> None:
    """Give an estimator the attributes of another; it keeps its callbacks."""
    own = {k: v for k, v in vars(estimator).items() if is_callback_attribute(k)}
    vars(estimator).clear()
    vars(estimator).update(_attributes(other) | own)


def _attributes(estimator: Any) -> dict[str, Any]:
    """Return the attributes of an estimator that another may have in its place.

    Not its callbacks; nor its own methods, one of which HistGradientBoosting with a
    scorer leaves among them: there it would predict for the other what this one does.
    """
    return {
        name: value
        for name, value in vars(estimator).items()
        if not is_callback_attribute(name)
        and getattr(value, "__self__", None) is not estimator
    }


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
        for_head, for_last = _split_params(estimator, kwargs, bool(done))
        if len(estimator.steps) > 1:
            head = estimator[:-1]
            if done:
                X = head.transform(X, **for_head)
            else:
                X = head.fit_transform(X, y, **for_head)
            # With `memory` others have been fitted in the place of the transformers.
            estimator.steps[:-1] = head.steps
        estimator, kwargs = estimator.steps[-1][1], for_last
    if training.classes is not None:
        kwargs["classes"] = training.classes
    for _ in range(target - done):
        estimator.partial_fit(X, y, **kwargs)
    return False


def _split_params(
    pipeline: Pipeline, fit_params: dict[str, Any], is_fitted: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters of ``fit`` for all steps but the last, and for that one.

    With metadata routing it gets by ``partial_fit`` what it has requested for ``fit``.
    """
    last = pipeline.steps[-1][0]
    if get_config()["enable_metadata_routing"]:
        for_last = process_routing(pipeline, "fit", **fit_params)[last].fit
        method = "transform" if is_fitted else "fit_transform"
        return _requested(pipeline[:-1], method, fit_params), dict(for_last)
    prefix = f"{last}__"
    own = {k for k in fit_params if k.startswith(prefix)}
    others = {} if is_fitted else {k: fit_params[k] for k in fit_params.keys() - own}
    return others, {k.removeprefix(prefix): fit_params[k] for k in own}


def _requested(owner: Any, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata that an estimator, or some step of it, has requested."""
    names = owner.get_metadata_routing().consumes(method, params.keys())
    return {name: params[name] for name in names}


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
    if not done:
        set_resource(estimator, training.resource, target)
    leaf, is_last = leaf_of(estimator, training.resource)
    rule = rule_of(leaf, training.resource)
    if not done:
        if is_last and target < training.full and _chooses_rate(leaf):
            set_resource(estimator, training.resource, training.full)
            leaf.fit = partial(_fit_towards, leaf, target)
        _fit(estimator, X, y, fit_params)
        leaf, _ = leaf_of(estimator, training.resource)  # a wrapper may have cloned it
        return rule is not None and _has_ended(leaf, rule, target)
    assert rule is not None
    with _frozen_transformers(estimator):
        if get_config()["enable_metadata_routing"] and isinstance(estimator, Pipeline):
            # The frozen transformers ask for less than the pipeline did.
            fit_params = _requested(estimator, "fit", fit_params)
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
        return _has_ended(leaf, rule, n)


def _has_ended(leaf: Any, rule: Rule, n: int) -> bool:
    """Return whether the last fit, which could go to `n`, has ended by itself."""
    reached = np.max(getattr(leaf, rule.reached, n)) if rule.reached else n
    return bool(reached < n) or has_stopped_early(leaf)


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
        "catboost.core.CatBoost" in names_of(type(leaf))
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
