"""Training in steps, in a worker: a candidate goes on from where it stopped."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import process_routing

from sklearn_tuners._compat.sklearn import has_stopped_early, is_callback_attribute
from sklearn_tuners._compat.warnings import silenced
from sklearn_tuners._estimators import leaf_of, split_name
from sklearn_tuners._training.continuation import (
    EPOCHS,
    SAMPLES,
    WarmStart,
    check_epochs,
    rule_of,
)
from sklearn_tuners._training.libraries import Library, fit_towards, library_of
from sklearn_tuners._training.store import Chain, State, Store

__all__ = ["Training", "set_resource"]


@dataclass(frozen=True)
class _Data:
    """What ``fit`` is given: the rows, and its other arguments."""

    X: Any
    y: Any
    fit_params: dict[str, Any]

    def train(self, estimator: Any) -> None:
        target = () if self.y is None else (self.y,)
        estimator.fit(self.X, *target, **self.fit_params)


@dataclass(frozen=True, kw_only=True)
class Training:
    """How to train one candidate on one split up to its resource.

    Parameters
    ----------
    resource : str
        Full name of a parameter, `EPOCHS` or `SAMPLES`.
    chain : tuple of int
        The resource at the end of each step; several only if the estimator goes on.
    settings : dict
        Parameters to set in addition to those of the candidate.
    factors : dict
        Parameters to multiply, and their factors.
    classes : ndarray or None
        All labels, for ``partial_fit``.
    store : Store or None
        Where the states of earlier steps may be.
    key : str
        Key of the candidate and the split in the store.
    full : int
        The full resource, which no step follows; 0 if the chain ends there.
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
        """Make the next call of ``estimator.fit`` train as described here.

        The estimator stays the same object, so scorers and callbacks see nothing new.
        """
        _replace_fit(estimator, self.fit)

    def fit(
        self, estimator: Any, X: Any, y: Any = None, **fit_params: Any
    ) -> BaseEstimator:
        """Train an estimator, from a stored state or from the start."""
        estimator.set_params(**self.settings)
        if self.factors:
            given = estimator.get_params()
            scaled = {name: given[name] * f for name, f in self.factors.items()}
            estimator.set_params(**scaled)
        data = _Data(X, y, fit_params)
        if self.resource == SAMPLES:
            data.train(estimator)
            return estimator
        if self.resource == EPOCHS:  # the space may have swapped the last step
            check_epochs(estimator)
        self._make_steps(estimator, data)
        return estimator

    def _make_steps(self, estimator: Any, data: _Data) -> None:
        """Make the steps that the stored state has not made, and store the result."""
        state = self._stored()
        if state is None:
            state = State((), False, 0.0, None)
        else:
            _adopt(estimator, state.estimator)
        has_ended = state.has_ended
        steps = list(zip((0, *self.chain), self.chain, strict=False))
        start = time.perf_counter()
        for done, target in steps[len(state.chain) :]:
            if not has_ended:
                # A transformer may work in place, and the next step needs X unchanged.
                X = data.X if target == self.chain[-1] else copy.deepcopy(data.X)
                own = _Data(X, data.y, data.fit_params)
                has_ended = self._make_step(estimator, own, done, target)
        seconds = state.seconds + time.perf_counter() - start
        if self.store is not None and self.chain[-1] < self.full:
            kept = _without_callbacks(estimator)
            self.store.save(self.key, State(self.chain, has_ended, seconds, kept))

    def _stored(self) -> State | None:
        """Return the state that all steps but the last led to, if there is one."""
        if self.store is None or len(self.chain) == 1:
            return None
        return self.store.load(self.key, self.chain[:-1])

    def _make_step(self, estimator: Any, data: _Data, done: int, target: int) -> bool:
        """Train from `done` to `target`; return whether training ended by itself."""
        if self.resource == EPOCHS:
            _train_epochs(estimator, data, done, target, self.classes)
            return False
        with _hidden_limit(self.resource, is_meant=target < self.full):
            if done:
                return _train_further(estimator, data, self.resource, done, target)
            return _train_first(estimator, data, self.resource, target, self.full)


def set_resource(estimator: Any, resource: str, value: int) -> None:
    """Set the parameter that is the resource.

    Raises
    ------
    ValueError
        If the estimator has no such parameter, as when the space swaps a step.
    """
    try:
        estimator.set_params(**{resource: value})
    except (AttributeError, ValueError) as error:  # the first if it is "passthrough"
        raise ValueError(
            f"resource={resource!r} is not a parameter of {estimator!r}, a candidate "
            "in which the search space has replaced a step"
        ) from error


def _replace_fit(estimator: Any, function: Callable[..., Any]) -> None:
    """Make the next call of ``estimator.fit`` call ``function(estimator, ...)``.

    The function itself finds the method of the class again.
    """
    estimator.fit = partial(_call_once, estimator, function)


def _call_once(
    estimator: Any,
    function: Callable[..., Any],
    X: Any,
    y: Any = None,
    **fit_params: Any,
) -> Any:
    _restore_fit(estimator)
    return function(estimator, X, y, **fit_params)


def _restore_fit(estimator: Any) -> None:
    vars(estimator).pop("fit", None)


@contextmanager
def _replaced_fit(estimator: Any, function: Callable[..., Any]) -> Iterator[None]:
    """Do `_replace_fit`, and undo it even if ``fit`` was not called."""
    _replace_fit(estimator, function)
    try:
        yield
    finally:
        _restore_fit(estimator)


@contextmanager
def _hidden_limit(resource: str, *, is_meant: bool) -> Iterator[None]:
    """Hide the warning that ``max_iter`` was reached if a low limit is meant."""
    if not is_meant or split_name(resource)[1] != "max_iter":
        yield
        return
    with silenced(ConvergenceWarning):
        yield


# Attributes of a fitted estimator -----------------------------------------------------


def _without_callbacks(estimator: Any) -> Any:
    """Return a copy of an estimator that lacks its callbacks."""
    other = object.__new__(type(estimator))
    vars(other).update(_attributes(estimator))
    return other


def _adopt(estimator: Any, other: Any) -> None:
    """Give an estimator the attributes of another; it keeps its callbacks."""
    own = {k: v for k, v in vars(estimator).items() if is_callback_attribute(k)}
    vars(estimator).clear()
    vars(estimator).update(_attributes(other) | own)


def _attributes(estimator: Any) -> dict[str, Any]:
    """Return the attributes of an estimator that another may take over.

    Callbacks are left out. So are bound methods of the estimator, such as the one that
    HistGradientBoosting with a scorer keeps: it would still predict by the old model.
    """
    return {
        name: value
        for name, value in vars(estimator).items()
        if not is_callback_attribute(name)
        and getattr(value, "__self__", None) is not estimator
    }


# Epochs -------------------------------------------------------------------------------


def _train_epochs(
    estimator: Any, data: _Data, done: int, target: int, classes: Any
) -> None:
    """Train from epoch `done` to `target`, each a ``partial_fit`` on all rows.

    The transformers of a pipeline are fitted in the first epoch.
    """
    X, kwargs = data.X, dict(data.fit_params)
    while isinstance(estimator, Pipeline):
        for_head, for_last = _split_params(estimator, kwargs, is_fitted=bool(done))
        if len(estimator.steps) > 1:
            head = estimator[:-1]
            if done:
                X = head.transform(X, **for_head)
            else:
                X = head.fit_transform(X, data.y, **for_head)
            # With `memory`, the pipeline fits clones and puts them into its steps.
            estimator.steps[:-1] = head.steps
        estimator, kwargs = estimator.steps[-1][1], for_last
    if classes is not None:
        kwargs["classes"] = classes
    for _ in range(target - done):
        estimator.partial_fit(X, data.y, **kwargs)


def _split_params(
    pipeline: Pipeline, fit_params: dict[str, Any], *, is_fitted: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arguments of ``fit`` for all steps but the last, and for the last.

    With metadata routing, ``partial_fit`` gets what the last step requests for ``fit``.
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
    """Return the metadata that an estimator or one of its steps requests."""
    names = owner.get_metadata_routing().consumes(method, params.keys())
    return {name: params[name] for name in names}


# Parameters ---------------------------------------------------------------------------


def _train_first(
    estimator: Any, data: _Data, resource: str, target: int, full: int
) -> bool:
    """Fit up to `target`; return whether training ended by itself before."""
    set_resource(estimator, resource, target)
    leaf, is_last = leaf_of(estimator, resource)
    library = library_of(leaf)
    if is_last and target < full and library and library.chooses_rate(leaf):
        set_resource(estimator, resource, full)
        with _replaced_fit(leaf, partial(_fit_towards, target)):
            data.train(estimator)
    else:
        data.train(estimator)
    leaf, _ = leaf_of(estimator, resource)  # a wrapper may have cloned it
    rule = rule_of(leaf, resource)
    return isinstance(rule, WarmStart) and _has_ended(leaf, rule, target)


def _fit_towards(n: int, leaf: Any, X: Any, y: Any, /, **fit_params: Any) -> Any:
    return fit_towards(leaf, n, X, y, fit_params)


def _train_further(
    estimator: Any, data: _Data, resource: str, done: int, target: int
) -> bool:
    """Fit on from `done` to `target`; return whether training ended by itself."""
    leaf, _ = leaf_of(estimator, resource)
    rule = rule_of(leaf, resource)
    assert rule is not None
    with _frozen_transformers(estimator):
        if get_config()["enable_metadata_routing"] and isinstance(estimator, Pipeline):
            # The frozen transformers request less than the pipeline did.
            requested = _requested(estimator, "fit", data.fit_params)
            data = _Data(data.X, data.y, requested)
        if isinstance(rule, Library):
            with _replaced_fit(leaf, partial(_grow, rule, target - done)):
                data.train(estimator)
            return False
        n = target - done if rule.adds else target
        warm = leaf.warm_start
        leaf.set_params(**{"warm_start": True, rule.parameter: n})
        with silenced(UserWarning, "class_weight presets"):  # the data are the same
            data.train(estimator)
        leaf.set_params(**{"warm_start": warm, rule.parameter: target})
        return _has_ended(leaf, rule, n)


def _grow(
    library: Library, n: int, leaf: Any, X: Any, y: Any, /, **fit_params: Any
) -> Any:
    """Add `n` rounds to a booster."""
    _adopt(leaf, library.add_rounds(leaf, n, X, y, fit_params))
    return leaf


def _has_ended(leaf: Any, rule: WarmStart, n: int) -> bool:
    """Return whether the last fit, which could go to `n`, ended by itself."""
    reached = np.max(getattr(leaf, rule.reached, n)) if rule.reached else n
    return bool(reached < n) or has_stopped_early(leaf)


@contextmanager
def _frozen_transformers(estimator: Any) -> Iterator[None]:
    """Let all steps but the last only transform, in nested pipelines too."""
    changed: list[tuple[Any, list[Any]]] = []
    try:
        while isinstance(estimator, Pipeline):
            changed.append((estimator, estimator.steps))
            *head, last = estimator.steps
            frozen = [(name, _frozen(transformer)) for name, transformer in head]
            estimator.steps = [*frozen, last]
            estimator = last[1]
        yield
    finally:
        for pipeline, steps in changed:
            pipeline.steps = steps


def _frozen(transformer: Any) -> Any:
    if transformer in (None, "passthrough"):
        return transformer
    return FrozenEstimator(transformer)
