"""Which estimators can be trained in steps, and whether that equals a single fit.

The table `_RULES` states what was measured: tests show for each class that it calls
exact that a fit in steps equals a single fit, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object

from sklearn_tuners._compat.classes import PLAIN_FIT_TRANSFORM, PrivateClass
from sklearn_tuners._estimators import (
    last_step,
    leaf_of,
    names_of,
    parts_of,
    split_name,
)
from sklearn_tuners._training.libraries import Library, library_of

__all__ = [
    "EPOCHS",
    "SAMPLES",
    "WarmStart",
    "check_epochs",
    "continuation",
    "goes_on",
    "rule_of",
]

SAMPLES, EPOCHS = "n_samples", "n_epochs"
"""Resources that are no parameter of an estimator."""


@dataclass(frozen=True)
class WarmStart:
    """How estimators of a class go on with ``warm_start``.

    Attributes
    ----------
    parameter : str
        The resource.
    is_exact : callable
        Whether an estimator that goes on becomes what a single fit makes of it.
    reached : str
        Attribute that tells how far the last fit came; "" if it always makes all steps.
    adds : bool
        Whether the parameter counts the steps that a fit adds, as `reached` then does,
        and not those of all fits.
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


def _never(estimator: Any) -> bool:
    return False


_TREES = WarmStart("n_estimators", _is_seeded)
_ITERATIONS = WarmStart("max_iter", _never, "n_iter_", adds=True)

_RULES: dict[str, WarmStart] = {
    PrivateClass.FOREST: _TREES,
    PrivateClass.BAGGING: _TREES,
    PrivateClass.GRADIENT_BOOSTING: WarmStart(
        "n_estimators", _is_seeded_to_the_end, "n_estimators_"
    ),
    PrivateClass.HIST_GRADIENT_BOOSTING: WarmStart("max_iter", _is_seeded, "n_iter_"),
    PrivateClass.MLP: _ITERATIONS,
    PrivateClass.SGD: _ITERATIONS,
}
"""By a base of the class; the nearest base that is listed counts."""

_EARLY_STOPPING = ("early_stopping_rounds", "early_stopping_round", "od_type")
"""Parameters with which boosters may end a fit early. They keep no count of rounds
without improvement that a further fit could go on with."""
_IN_ONE_GO = {
    *(*_EARLY_STOPPING, "callbacks", "eval_set", "eval_X", "monitor"),
    *("xgb_model", "init_model", "init_score", "baseline"),
}
"""Arguments of ``fit`` that may end it early, or that take the place of the model so
far: with one of them every fit starts anew."""


def continuation(estimator: Any, resource: str, arguments: Iterable[str] = ()) -> str:
    """Return how an estimator can be trained in steps.

    Parameters
    ----------
    estimator : estimator
        With its parameters set.
    resource : str
        Full name of a parameter, `EPOCHS` or `SAMPLES`.
    arguments : iterable of str
        Names of the arguments of ``fit`` besides the data, with or without the prefix
        of a step.

    Returns
    -------
    {"exact", "inexact", "none"}
        Whether steps equal a single fit or not; "none" if each step starts anew.
    """
    if resource == SAMPLES:
        return "none"
    is_exact = _transforms_as_fitted(estimator)
    if resource != EPOCHS:  # the calls of `partial_fit` are the same in steps or not
        leaf, is_last = leaf_of(estimator, resource)
        rule = rule_of(leaf, resource)
        if rule is None or not is_last:
            return "none"
        if _IN_ONE_GO & _own_names(leaf, set(arguments)):
            return "none"
        is_exact &= rule.is_exact(leaf)
    return "exact" if is_exact else "inexact"


def _own_names(leaf: Any, arguments: Set[str]) -> set[str]:
    """Return the names that arguments of ``fit`` may have for a leaf."""
    names = {split_name(name)[1] for name in arguments}
    if arguments and get_config()["enable_metadata_routing"]:
        # A router, such as Bagging, requests nothing for itself.
        own = getattr(get_routing_for_object(leaf), "fit", None)
        requests = own.requests if own is not None else {}
        names |= {name for name, alias in requests.items() if alias in arguments}
    return names


def rule_of(leaf: Any, resource: str) -> WarmStart | Library | None:
    """Return how a leaf goes on by a parameter, None if it starts anew.

    A class with ``warm_start`` and ``max_iter`` that is not in the table goes on by the
    two, and is not exact.
    """
    _, parameter = split_name(resource)
    params = leaf.get_params(deep=False)
    stops = any(params.get(name) is not None for name in _EARLY_STOPPING)
    if stops or params.get("callbacks"):
        return None
    library = library_of(leaf)
    if library is not None:
        goes_on = parameter == library.parameter and not library.starts_anew(leaf)
        return library if goes_on else None
    names = names_of(leaf)
    if PrivateClass.BAGGING in names and params.get("oob_score"):
        return None  # refuses warm_start
    if params.get("solver") == "liblinear":
        return None  # ignores warm_start
    rule = next((_RULES[name] for name in names if name in _RULES), None)
    if rule is None and "warm_start" in params:
        rule = _ITERATIONS
    return rule if rule is not None and rule.parameter == parameter else None


def goes_on(leaf: Any, parameter: str) -> bool:
    """Return whether a class is known, by itself or a base, to go on by a parameter."""
    is_known = library_of(leaf) is not None or not _RULES.keys().isdisjoint(
        names_of(leaf)
    )
    return is_known and rule_of(leaf, parameter) is not None


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
        With its parameters set.
    searched : set of str
        Parameters that will have other values; those that they have are not checked.
    """
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


def _check_values(part: Any, prefix: str, searched: Set[str]) -> None:
    for base in names_of(part):
        for name, refused in _REFUSED_BY_PARTIAL_FIT.get(base, {}).items():
            given, full = getattr(part, name, None), prefix + name
            is_searched = full in searched or any(
                full.startswith(f"{s}__") for s in searched
            )
            if given == refused and not is_searched:
                raise ValueError(
                    f"resource='n_epochs' cannot be spent with {full}={given!r}: "
                    f"partial_fit of {type(part).__name__} refuses it"
                )


def _transforms_as_fitted(estimator: Any) -> bool:
    """Return whether ``transform`` repeats what ``fit_transform`` gave, bit for bit.

    It does if ``fit_transform`` is ``fit`` and then ``transform``. That of PCA, for
    example, is not, and differs in the last digits.
    """
    while isinstance(estimator, Pipeline):
        if not all(_repeats(step) for _, step in estimator.steps[:-1]):
            return False
        estimator = estimator.steps[-1][1]
    return True


def _repeats(transformer: Any) -> bool:
    """Return whether a transformer, with all in it, transforms as when fitted."""
    parts = [
        part
        for name in ("steps", "transformers", "transformer_list")
        for _, part, *_ in getattr(transformer, name, ())
    ]
    if parts:  # a ColumnTransformer has a `remainder` besides
        return all(map(_repeats, [*parts, getattr(transformer, "remainder", None)]))
    own = getattr(type(transformer), "fit_transform", None)
    return own is None or own.__module__ in PLAIN_FIT_TRANSFORM
