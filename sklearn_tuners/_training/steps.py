"""Training in steps, in a worker: a candidate continues from where it stopped."""

from __future__ import annotations

import copy
import inspect
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import process_routing

from sklearn_tuners._compat.sklearn import has_stopped_early, is_callback_attribute
from sklearn_tuners._compat.warnings import silenced
from sklearn_tuners._estimators import leaf_of, split_name
from sklearn_tuners._training.continuation import (
    EPOCHS,
    SAMPLES,
    Registered,
    WarmStart,
    adopt_registered,
    check_epochs,
    registered,
    way_of,
)
from sklearn_tuners._training.guard import FitTimeoutError
from sklearn_tuners._training.libraries import Booster, fit_towards, library_of
from sklearn_tuners._training.store import Chain, State, Store

__all__ = ["Training", "set_resource"]


@dataclass(frozen=True)
class _Data:
    """The arguments of ``fit``."""

    X: Any
    y: Any
    fit_params: dict[str, Any]

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The rows, with a target only if there is one."""
        return (self.X,) if self.y is None else (self.X, self.y)

    def train(self, estimator: Any) -> None:
        estimator.fit(*self.arguments, **self.fit_params)


@dataclass(frozen=True, kw_only=True)
class Training:
    """How to train one candidate on one split up to its resource.

    Parameters
    ----------
    resource : str
        Full name of a parameter, `EPOCHS` or `SAMPLES`.
    chain : tuple of int
        The resource at the end of each step; several only if the estimator can
        continue.
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
        The full resource, after which no state is stored; 0 if the chain ends there.
    registered : dict
        Rules that users registered in the process of the search.
    """

    resource: str
    chain: Chain
    settings: dict[str, Any] = field(default_factory=dict)
    factors: dict[str, float] = field(default_factory=dict)
    classes: Any = None
    store: Store | None = None
    key: str = ""
    full: int = 0
    registered: Registered = field(default_factory=registered)

    def take_over(self, estimator: BaseEstimator) -> None:
        """Make the next call of ``estimator.fit`` train as described here.

        The estimator stays the same object, so scorers and callbacks see nothing new.
        """
        _replace_fit(estimator, self.fit)

    def fit(
        self, estimator: Any, X: Any, y: Any = None, **fit_params: Any
    ) -> BaseEstimator:
        """Train an estimator, from a stored state or from the start."""
        adopt_registered(self.registered)
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
        if len(self.chain) == 1:
            self._make_steps(estimator, data)
            return estimator
        untrained = clone(estimator)
        try:
            self._make_steps(estimator, data)
        except FitTimeoutError:
            raise
        except Exception as error:  # perhaps raised only because training continues
            self._warn_once(estimator, error)
            _adopt(estimator, untrained)
            replace(self, chain=self.chain[-1:])._make_steps(estimator, data)
        return estimator

    def _warn_once(self, estimator: Any, error: Exception) -> None:
        """Warn that an estimator could not continue, once per store."""
        if self.store is None or self.store.is_first("fallback"):
            warnings.warn(
                f"{type(estimator).__name__} could not continue from where it stopped "
                f"with a larger {self.resource!r}, and was trained from the start: "
                f"{type(error).__name__}: {error}. continuation='never' trains "
                "every candidate from the start.",
                UserWarning,
                stacklevel=2,
            )

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
        if self.store is not None and self._may_go_on(estimator):
            kept = _without_callbacks(estimator)
            self.store.save(self.key, State(self.chain, has_ended, seconds, kept))

    def _may_go_on(self, estimator: Any) -> bool:
        """Return whether a later step may start from a trained estimator."""
        if self.chain[-1] >= self.full:
            return False
        if self.resource == EPOCHS:
            return True
        leaf, is_last = leaf_of(estimator, self.resource)
        return is_last and way_of(leaf, self.resource) is not None

    def _stored(self) -> State | None:
        """Return the state that all steps but the last led to, if there is one."""
        if self.store is None or len(self.chain) == 1:
            return None
        return self.store.load(self.key, self.chain[:-1])

    def _make_step(self, estimator: Any, data: _Data, done: int, target: int) -> bool:
        """Train from `done` to `target`; return whether training stopped early."""
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

    Inside the function, ``fit`` is the method of the class again.
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
    """Hide the warning that ``max_iter`` was reached if a low limit is intended."""
    if not is_meant or split_name(resource)[1] != "max_iter":
        yield
        return
    with silenced(ConvergenceWarning):
        yield


# Attributes of a fitted estimator -----------------------------------------------------


def _without_callbacks(estimator: Any) -> Any:
    """Return a copy of an estimator without its callbacks."""
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


# Pipelines ----------------------------------------------------------------------------


def _at_last_step(estimator: Any, data: _Data, *, is_fitted: bool) -> tuple[Any, _Data]:
    """Return the last step of a pipeline, and what its ``fit`` is given there.

    The transformers before it are fitted first, or only transform if they are fitted
    already. Nothing more is asked of them than in ``fit`` and ``predict``.
    """
    while isinstance(estimator, Pipeline):
        X, (name, last) = data.X, estimator.steps[-1]
        if len(estimator.steps) > 1:
            head = estimator[:-1]
            params = _for_head(head, name, data.fit_params, is_fitted=is_fitted)
            if is_fitted:
                X = _transform(head, X, params)
            else:
                X = head.fit_transform(X, data.y, **params)
                # With `memory`, the pipeline fits clones and puts them into its steps.
                estimator.steps[:-1] = head.steps
        data = _Data(X, data.y, _for_last(estimator, name, data.fit_params))
        estimator = last
    return estimator, data


def _transform(head: Pipeline, X: Any, params: dict[str, Any]) -> Any:
    """Transform by all steps of a pipeline, each as `Pipeline.transform` does.

    That method itself would check whether the last step is fitted, which ``predict``
    of the whole pipeline does not ask of a transformer.
    """
    is_routed = get_config()["enable_metadata_routing"]
    routed = process_routing(head, "transform", **params) if is_routed else None
    for name, transformer in head.steps:
        if transformer is not None and transformer != "passthrough":
            own = routed[name].transform if routed else {}
            X = transformer.transform(X, **own)
    return X


def _for_head(
    head: Pipeline, last: str, fit_params: dict[str, Any], *, is_fitted: bool
) -> dict[str, Any]:
    """Return the arguments of ``fit`` for all steps but the last."""
    if get_config()["enable_metadata_routing"]:
        method = "transform" if is_fitted else "fit_transform"
        return _requested(head, method, fit_params)
    if is_fitted:
        return {}
    return {k: v for k, v in fit_params.items() if not k.startswith(f"{last}__")}


def _for_last(
    pipeline: Pipeline, last: str, fit_params: dict[str, Any]
) -> dict[str, Any]:
    """Return the arguments of ``fit`` for the last step, also of its ``partial_fit``.

    With metadata routing, those are what it requests for ``fit``.
    """
    if get_config()["enable_metadata_routing"]:
        return dict(process_routing(pipeline, "fit", **fit_params)[last].fit)
    prefix = f"{last}__"
    return {
        k.removeprefix(prefix): v for k, v in fit_params.items() if k.startswith(prefix)
    }


def _requested(owner: Any, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata that an estimator or one of its steps requests."""
    names = owner.get_metadata_routing().consumes(method, params.keys())
    return {name: params[name] for name in names}


# Epochs -------------------------------------------------------------------------------


def _train_epochs(
    estimator: Any, data: _Data, done: int, target: int, classes: Any
) -> None:
    """Train from epoch `done` to `target`, each a ``partial_fit`` on all rows.

    The transformers of a pipeline are fitted before the first epoch.
    """
    leaf, data = _at_last_step(estimator, data, is_fitted=bool(done))
    kwargs = dict(data.fit_params)
    if classes is not None and _takes(leaf.partial_fit, "classes"):
        kwargs["classes"] = classes
    for _ in range(target - done):
        leaf.partial_fit(*data.arguments, **kwargs)


def _takes(function: Callable[..., Any], name: str) -> bool:
    """Return whether a function has a parameter, or takes any."""
    known = inspect.signature(function).parameters.values()
    return any(p.name == name or p.kind is p.VAR_KEYWORD for p in known)


# Parameters ---------------------------------------------------------------------------


def _train_first(
    estimator: Any, data: _Data, resource: str, target: int, full: int
) -> bool:
    """Fit up to `target`; return whether training stopped before."""
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
    way = way_of(leaf, resource)
    return isinstance(way, WarmStart) and _has_ended(leaf, way, target)


def _fit_towards(n: int, leaf: Any, X: Any, y: Any, /, **fit_params: Any) -> Any:
    return fit_towards(leaf, n, X, y, fit_params)


def _train_further(
    estimator: Any, data: _Data, resource: str, done: int, target: int
) -> bool:
    """Continue from `done` to `target`; return whether training stopped early."""
    leaf, _ = leaf_of(estimator, resource)
    way = way_of(leaf, resource)
    assert way is not None
    leaf, data = _at_last_step(estimator, data, is_fitted=True)
    if isinstance(way, Booster):
        grown = way.add_rounds(leaf, target - done, data.X, data.y, data.fit_params)
        _adopt(leaf, grown)
        return False
    n = target - done if way.adds else target
    warm = leaf.warm_start
    leaf.set_params(**{"warm_start": True, way.parameter: n})
    with silenced(UserWarning, "class_weight presets"):  # the data are the same
        data.train(leaf)
    leaf.set_params(**{"warm_start": warm, way.parameter: target})
    return _has_ended(leaf, way, n)


def _has_ended(leaf: Any, way: WarmStart, n: int) -> bool:
    """Return whether the last fit, of at most `n` steps, stopped early."""
    reached = np.max(getattr(leaf, way.reached, n)) if way.reached else n
    return bool(reached < n) or has_stopped_early(leaf)
