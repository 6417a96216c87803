"""Which estimators can be trained in steps, and whether that equals a single fit.

The tables here state what was measured: tests show for each class and option that is
called exact that steps equal a single fit, bit for bit. A class that overrides anything
of a listed one is not that class. What is not listed starts anew, unless a user has
registered it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object

from sklearn_tuners._compat.classes import PLAIN_FIT_TRANSFORM, PrivateClass
from sklearn_tuners._estimators import (
    is_plain_pipeline,
    last_step,
    leaf_of,
    names_of,
    parts_of,
    short_name,
    split_name,
    unchanged_bases,
)
from sklearn_tuners._training.libraries import Booster, library_of

__all__ = [
    "EPOCHS",
    "SAMPLES",
    "Registered",
    "WarmStart",
    "adopt_registered",
    "check_epochs",
    "continuation",
    "register_continuation",
    "registered",
    "suits",
    "way_of",
]

SAMPLES, EPOCHS = "n_samples", "n_epochs"
"""Resources that are not parameters of an estimator."""


@dataclass(frozen=True)
class WarmStart:
    """How estimators of a class continue with ``warm_start``.

    Attributes
    ----------
    parameter : str
        The resource.
    is_exact : callable
        Whether continued training gives the same estimator as a single fit.
    reached : str
        Attribute with the number of steps of the last fit; "" if it always makes all
        steps.
    adds : bool
        Whether the parameter, like `reached`, counts the steps of one fit and not of
        all fits.
    """

    parameter: str
    is_exact: Callable[[Any], bool]
    reached: str = ""
    adds: bool = False


def _is_seeded(estimator: Any) -> bool:
    """Return whether the random numbers of a further fit follow from the seed alone."""
    return not isinstance(estimator.random_state, np.random.RandomState)


def _is_seeded_to_the_end(estimator: Any) -> bool:
    """Return whether, in addition, no further fit resets a count of stale rounds."""
    return _is_seeded(estimator) and estimator.n_iter_no_change is None


def _always(estimator: Any) -> bool:
    return True


def _never(estimator: Any) -> bool:
    return False


_TREES = WarmStart("n_estimators", _is_seeded)
_BOOSTING = WarmStart("n_estimators", _is_seeded_to_the_end, "n_estimators_")
_HIST_BOOSTING = WarmStart("max_iter", _is_seeded, "n_iter_")
_ITERATIONS = WarmStart("max_iter", _never, "n_iter_", adds=True)

_WAYS = {
    "sklearn.RandomForestClassifier": _TREES,
    "sklearn.RandomForestRegressor": _TREES,
    "sklearn.ExtraTreesClassifier": _TREES,
    "sklearn.ExtraTreesRegressor": _TREES,
    "sklearn.BaggingClassifier": _TREES,
    "sklearn.BaggingRegressor": _TREES,
    "sklearn.IsolationForest": _TREES,
    "sklearn.GradientBoostingClassifier": _BOOSTING,
    "sklearn.GradientBoostingRegressor": _BOOSTING,
    "sklearn.HistGradientBoostingClassifier": _HIST_BOOSTING,
    "sklearn.HistGradientBoostingRegressor": _HIST_BOOSTING,
    "sklearn.MLPClassifier": _ITERATIONS,
    "sklearn.MLPRegressor": _ITERATIONS,
    "sklearn.SGDClassifier": _ITERATIONS,
    "sklearn.SGDRegressor": _ITERATIONS,
    "sklearn.SGDOneClassSVM": _ITERATIONS,
    "sklearn.Perceptron": _ITERATIONS,
}
"""By `short_name`. Other classes of scikit-learn with ``warm_start`` and ``max_iter``
continue in the same way, but ``max_iter`` is not their automatic resource."""

_EXACT_BY_EPOCHS = {
    "sklearn.SGDClassifier",
    "sklearn.SGDRegressor",
    "sklearn.SGDOneClassSVM",
    "sklearn.Perceptron",
    "sklearn.MLPClassifier",
    "sklearn.MLPRegressor",
    "sklearn.MiniBatchKMeans",
}
"""Classes for which ``partial_fit`` continues from a stored state as from one in
memory."""
_WRAPPERS_BY_EPOCHS = {
    "sklearn.MultiOutputClassifier",
    "sklearn.MultiOutputRegressor",
    "sklearn.OneVsRestClassifier",
}
"""Classes for which that holds if it does for their ``estimator``."""

_PROVEN_ARGUMENTS = {"sample_weight"}
"""Arguments of ``fit`` with which estimators can continue. Others may end a fit early,
as a monitor or an evaluation set does, or replace the model so far, as
``init_score``."""

Registered = dict[tuple[str, str], WarmStart]
"""Rules registered by users, by the full name of a class and the resource."""

_registered: Registered = {}


def register_continuation(estimator_class: type, resource: str) -> None:
    """Declare that training an estimator in steps equals a single fit.

    `HyperbandSearchCV` then continues the training of promoted candidates of the class
    from where they stopped, up to the full resource. Otherwise only classes continue
    for which tests of this package show that this is so; the others start each rung
    anew, or are trained anew with the full resource.

    Parameters
    ----------
    estimator_class : type
        The class. Subclasses that override none of its methods are included.
    resource : str
        ``"n_epochs"``: a copy that was pickled between two calls of ``partial_fit``
        continues as if it had not been. Or the name of a parameter: with
        ``warm_start=True``, a further ``fit`` with a larger value of it, on the same
        data, gives the same as a single fit with that value.

    Raises
    ------
    ValueError
        If the class has no ``partial_fit``, or lacks the parameter or ``warm_start``.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn_tuners import register_continuation
    >>> class Mine(RandomForestClassifier):
    ...     def fit(self, X, y):
    ...         return super().fit(X, y)
    >>> register_continuation(Mine, "n_estimators")
    """
    name = estimator_class.__name__
    if resource == EPOCHS:
        if not hasattr(estimator_class, "partial_fit"):
            raise ValueError(f"{name} has no partial_fit, which n_epochs needs")
    else:
        known = estimator_class._get_param_names()  # type: ignore[attr-defined]
        missing = [p for p in (resource, "warm_start") if p not in known]
        if missing:
            raise ValueError(f"{name} has no parameter {missing[0]!r}")
    _registered[_key(estimator_class, resource)] = WarmStart(resource, _always)


def registered() -> Registered:
    """Return what users have registered in this process."""
    return dict(_registered)


def adopt_registered(found: Registered) -> None:
    """Take over what users have registered in another process."""
    _registered.update(found)


def _key(cls: type, resource: str) -> tuple[str, str]:
    return f"{cls.__module__}.{cls.__qualname__}", resource


def continuation(estimator: Any, resource: str, arguments: Iterable[str] = ()) -> str:
    """Return how an estimator can be trained in steps.

    Parameters
    ----------
    estimator : estimator
        Estimator with its parameters set.
    resource : str
        Full name of a parameter, `EPOCHS` or `SAMPLES`.
    arguments : iterable of str
        Names of the arguments of ``fit`` other than the data, with the prefix of a step
        if they are for one.

    Returns
    -------
    {"exact", "inexact", "none"}
        Whether steps equal a single fit or not; "none" if each step starts anew.
    """
    if resource == SAMPLES:
        return "none"
    if resource == EPOCHS:
        is_exact = _is_exact_by_epochs(last_step(estimator)[1])
    else:
        leaf, is_last = leaf_of(estimator, resource)
        way = way_of(leaf, resource)
        own = _own_names(leaf, split_name(resource)[0], set(arguments))
        if way is None or not is_last or not own <= _PROVEN_ARGUMENTS:
            return "none"
        is_exact = way.is_exact(leaf)
    return "exact" if is_exact and _transforms_as_fitted(estimator) else "inexact"


def _is_exact_by_epochs(leaf: Any) -> bool:
    classes = unchanged_bases(leaf)
    if any(_key(cls, EPOCHS) in _registered for cls in classes):
        return True
    names = {short_name(cls) for cls in classes}
    if names & _WRAPPERS_BY_EPOCHS:
        return _is_exact_by_epochs(leaf.estimator)
    return bool(names & _EXACT_BY_EPOCHS)


def _own_names(leaf: Any, path: str, arguments: Set[str]) -> set[str]:
    """Return the names of the arguments of ``fit`` that a leaf gets."""
    if get_config()["enable_metadata_routing"]:
        own = getattr(get_routing_for_object(leaf), "fit", None)
        if own is None or not hasattr(own, "requests"):
            return set(arguments)  # a router, such as Bagging: any may be for it
        return {
            name
            for name, alias in own.requests.items()
            if (alias if isinstance(alias, str) else name) in arguments
        }
    prefix = f"{path}__" if path else ""
    return {split_name(n)[1] for n in arguments if n.startswith(prefix)}


def way_of(leaf: Any, resource: str) -> WarmStart | Booster | None:
    """Return how a leaf continues when a parameter grows, or None if it starts anew."""
    classes = unchanged_bases(leaf)
    parameter = split_name(resource)[1]
    own = (_registered.get(_key(cls, parameter)) for cls in classes)
    way = next((found for found in own if found), None)
    return way or _known_way(leaf, parameter, classes)


def suits(leaf: Any, parameter: str) -> bool:
    """Return whether a parameter is the natural resource of an estimator.

    It is if the class or one of its bases is known to continue when that parameter
    grows, and the estimator is not set so that a fit may end early or cannot be
    extended.
    """
    names = {short_name(cls) for cls in type(leaf).__mro__}
    library = library_of(leaf)
    if library is not None:
        return library.suits(leaf, parameter)
    ways = [_WAYS[name] for name in names & _WAYS.keys()]
    return any(way.parameter == parameter for way in ways) and _has_warm_start(leaf)


def _known_way(
    leaf: Any, parameter: str, classes: list[type]
) -> WarmStart | Booster | None:
    library = library_of(leaf)
    if library is not None:
        booster = library.booster
        return booster if booster and booster.goes_on(leaf, parameter) else None
    if not _has_warm_start(leaf):
        return None
    names = [short_name(cls) for cls in classes if _is_iterative(cls)]
    way = next((_WAYS[name] for name in names if name in _WAYS), None)
    if way is None and names:
        way = _ITERATIONS
    return way if way is not None and way.parameter == parameter else None


def _is_iterative(cls: type) -> bool:
    """Return whether a class is one of scikit-learn's with ``warm_start``."""
    return (
        cls.__module__.partition(".")[0] == "sklearn"
        and "warm_start" in inspect.signature(cls.__init__).parameters  # type: ignore[misc]
    )


def _has_warm_start(leaf: Any) -> bool:
    """Return whether an estimator of scikit-learn obeys ``warm_start`` as it is set."""
    params = leaf.get_params(deep=False)
    solver = params.get("solver")
    return (
        "warm_start" in params
        # Bagging refuses the two together.
        and not (PrivateClass.BAGGING in names_of(leaf) and params.get("oob_score"))
        and not (isinstance(solver, str) and solver == "liblinear")  # ignores it
    )


_REFUSED_BY_PARTIAL_FIT: dict[str, dict[str, Any]] = {
    PrivateClass.SGD: {"class_weight": "balanced", "early_stopping": True},
    PrivateClass.MLP: {"early_stopping": True},
}
"""Values of parameters with which ``partial_fit`` raises, by a base of the class."""


def check_epochs(estimator: Any, searched: Set[str] = frozenset()) -> None:
    """Raise ``ValueError`` if an estimator cannot be trained by epochs.

    Parameters
    ----------
    estimator : estimator
        Estimator with its parameters set.
    searched : set of str
        Parameters whose current values are not checked, because the search replaces
        them.
    """
    _check_pipelines(estimator)
    prefix, leaf = last_step(estimator)
    if not hasattr(leaf, "partial_fit"):
        raise ValueError(
            f"resource='n_epochs' needs an estimator with partial_fit, alone or as "
            f"the last step of a pipeline, got {type(leaf).__name__}"
        )
    for name, part in parts_of(leaf):
        _check_values(part, prefix + name, searched)
        if PrivateClass.NAIVE_BAYES in names_of(part):
            raise ValueError(
                f"resource='n_epochs' changes the model of {type(part).__name__}: it "
                "counts the rows of every epoch again. Use resource='n_samples'."
            )


def _check_pipelines(estimator: Any) -> None:
    """Raise ``ValueError`` if a pipeline cannot be taken apart."""
    while isinstance(estimator, Pipeline):
        steps = [
            name for name, step in estimator.steps if hasattr(step, "fit_resample")
        ]
        if not is_plain_pipeline(estimator) or steps:
            cls = type(estimator)
            rows = f" Its step {steps[0]!r} resamples the rows." if steps else ""
            raise ValueError(
                "resource='n_epochs' fits the transformers of a pipeline apart from "
                f"its last step, which it trains by partial_fit: {cls.__module__}."
                f"{cls.__qualname__}, as it is set, has a fit of its own, which would "
                f"be left out.{rows} Use resource='n_samples', or an integer parameter "
                "of the last step."
            )
        estimator = estimator.steps[-1][1]


def _check_values(part: Any, prefix: str, searched: Set[str]) -> None:
    for base in names_of(part):
        for name, refused in _REFUSED_BY_PARTIAL_FIT.get(base, {}).items():
            given, full = getattr(part, name, None), prefix + name
            is_searched = full in searched or any(
                full.startswith(f"{s}__") for s in searched
            )
            is_refused = isinstance(given, str | bool | np.bool_) and given == refused
            if is_refused and not is_searched:
                raise ValueError(
                    f"resource='n_epochs' cannot be spent with {full}={given!r}: "
                    f"partial_fit of {type(part).__name__} refuses it"
                )


def _transforms_as_fitted(estimator: Any) -> bool:
    """Return whether ``transform`` repeats what ``fit_transform`` gave, bit for bit.

    It does if ``fit_transform`` is ``fit`` followed by ``transform``. That of PCA, for
    example, is not, and differs in the last digits.
    """
    while isinstance(estimator, Pipeline):
        if not all(_repeats(step) for _, step in estimator.steps[:-1]):
            return False
        estimator = estimator.steps[-1][1]
    return True


def _repeats(transformer: Any) -> bool:
    """Return whether a transformer and everything in it transforms as during fit."""
    parts = _transformers_in(transformer)
    if parts:
        return all(map(_repeats, parts))
    own = getattr(type(transformer), "fit_transform", None)
    return own is None or getattr(own, "__module__", None) in PLAIN_FIT_TRANSFORM


def _transformers_in(transformer: Any) -> list[Any]:
    """Return the transformers in a composition of scikit-learn, [] for all others."""
    classes = unchanged_bases(transformer)
    if Pipeline in classes:
        return [step for _, step in transformer.steps]
    if FeatureUnion in classes:
        return [part for _, part in transformer.transformer_list]
    if ColumnTransformer in classes:
        parts = [part for _, part, _ in transformer.transformers]
        return [*parts, transformer.remainder]
    return []
