"""What is spent on a candidate: rows, epochs, or an integer parameter."""

from __future__ import annotations

import difflib
import re
from numbers import Integral
from typing import Any

from sklearn.base import clone

from sklearn_tuners._compat.sklearn import takes_integers
from sklearn_tuners._defaults.lookup import resources
from sklearn_tuners._defaults.registry import rows_of
from sklearn_tuners._estimators import (
    annotation,
    is_estimator,
    last_step,
    leaf_of,
    owner_of,
    parameters,
    split_name,
)
from sklearn_tuners._training.continuation import (
    EPOCHS,
    SAMPLES,
    check_epochs,
    suits,
)
from sklearn_tuners._training.libraries import CATBOOST, Library, library_of

__all__ = [
    "auto_resource",
    "check_resource",
    "full_value",
    "least_sensible",
    "synonyms",
]

_NO_INTEGERS = {
    *("float", "str", "bool", "list", "List", "tuple", "Tuple", "dict", "Dict"),
    *("Sequence", "Mapping", "Callable"),
}
"""Words in the annotations of parameters that take no integer."""


def _library_with(part: Any, parameter: str) -> Library | None:
    """Return the library of a booster if a parameter is its number of rounds."""
    library = library_of(part)
    return library if library and parameter in library.rounds else None


def synonyms(estimator: Any, resource: str) -> list[str]:
    """Return all full names of a resource.

    Parameters
    ----------
    estimator : estimator
        Estimator of the search.
    resource : str
        Full name of a parameter, or "n_samples" or "n_epochs".

    Returns
    -------
    list of str
        One name, or several for the rounds of some boosters.
    """
    path, own = split_name(resource)
    library = _library_with(owner_of(estimator, resource), own)
    names = library.rounds if library else (own,)
    return [f"{path}__{name}" if path else name for name in names]


def _name_given(leaf: Any, parameter: str) -> str:
    """Return the synonym of a parameter that has a value, else its own name."""
    library = _library_with(leaf, parameter)
    if library is None:
        return parameter
    given = leaf.get_params(deep=False)
    first, *others = library.rounds
    names = [name for name in (*others, first) if given.get(name) is not None]
    return names[0] if names else parameter


def auto_resource(estimator: Any) -> tuple[str, int]:
    """Return the resource that suits an estimator, and its smallest sensible value.

    Parameters
    ----------
    estimator : estimator
        Of a pipeline, only the last step is considered.

    Returns
    -------
    resource : str
        Full name of a parameter, or ``"n_samples"``.
    least : int
        1 if it depends on the data.

    Examples
    --------
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> auto_resource(HistGradientBoostingClassifier())
    ('max_iter', 10)
    >>> auto_resource(LogisticRegression())
    ('n_samples', 1)
    """
    prefix, leaf = last_step(estimator)
    own = parameters(leaf) if is_estimator(leaf) else {}
    for name, least in resources(estimator).items():
        parameter = name.removeprefix(prefix)
        if name.startswith(prefix) and parameter in own and suits(leaf, parameter):
            return prefix + _name_given(leaf, parameter), least
    return SAMPLES, 1


def least_sensible(estimator: Any, resource: str) -> int:
    """Return the smallest sensible value of a resource, 1 if it is not known."""
    known = resources(estimator)
    return next((known[n] for n in synonyms(estimator, resource) if n in known), 1)


def full_value(estimator: Any, resource: str) -> int | None:
    """Return the value that a resource has on the estimator, None if it is no number.

    For `EPOCHS` it is ``max_iter``, if the estimator has that.
    """
    estimator = clone(estimator)
    if resource == EPOCHS:
        leaf, parameter = last_step(estimator)[1], "max_iter"
    else:
        leaf, parameter = leaf_of(estimator, resource)[0], split_name(resource)[1]
    value = leaf.get_params(deep=False).get(parameter)
    if value is None and resource != EPOCHS:
        library = _library_with(leaf, parameter)
        value = library.default_rounds if library else None
    is_number = isinstance(value, Integral) and not isinstance(value, bool)
    return int(value) if is_number and value > 0 else None


def check_resource(estimator: Any, resource: str, searched: set[str]) -> None:
    """Raise ``ValueError`` if a resource cannot be spent on an estimator.

    Parameters
    ----------
    estimator : estimator
        Estimator of the search.
    resource : str
        As given by the user; not "auto".
    searched : set of str
        Parameters of the search space.
    """
    if resource == SAMPLES:
        return
    if resource == EPOCHS:
        check_epochs(estimator, searched)
        return
    _check_name(estimator, resource)
    for name in synonyms(estimator, resource):
        if name in searched:
            same = "" if name == resource else f" as {name!r}"
            raise ValueError(
                f"resource={resource!r} is in the search space too{same}: the search "
                "increases it itself, so take it out of the space"
            )
    leaf = owner_of(estimator, resource)
    if not _may_be_integer(leaf, split_name(resource)[1]):
        raise ValueError(
            f"resource={resource!r} must be a parameter that takes integers, such as a "
            f"number of trees or iterations; {type(leaf).__name__} takes no integer "
            "there"
        )


def _check_name(estimator: Any, resource: str) -> None:
    """Raise ``ValueError`` if a parameter does not exist, or is given as a synonym."""
    leaf, own = owner_of(estimator, resource), split_name(resource)[1]
    given = own if leaf is None else _name_given(leaf, own)
    if given != own:
        raise ValueError(
            f"resource={resource!r} is another name of {given!r}, which "
            f"{type(leaf).__name__} has: use that name as the resource"
        )
    values = estimator.get_params()
    if resource not in values and (leaf is None or own not in parameters(leaf)):
        known = [SAMPLES, EPOCHS, *values]
        close = difflib.get_close_matches(resource, known, 1)
        raise ValueError(
            f"resource={resource!r} is not a parameter of "
            f"{type(estimator).__name__}, nor 'auto', 'n_samples' or 'n_epochs'"
            + (f"; did you mean {close[0]!r}?" if close else "")
        )


def _may_be_integer(leaf: Any, parameter: str) -> bool:
    """Return whether a parameter may be any integer of a range.

    If the class states no constraints, the registry, the value, the default and the
    annotation decide.
    """
    stated = takes_integers(leaf, parameter)
    if stated is not None:
        return stated
    kinds = {row.kind for row in rows_of(leaf) if row.parameter == parameter}
    if kinds & {"float", "choice", "int"}:
        return "int" in kinds
    # A name that is no parameter is a step, which takes no integer: hence the "".
    value, default = parameters(leaf).get(parameter, ("", None))
    if isinstance(value, float | str | bool) or isinstance(default, float | bool):
        return False
    words = set(re.findall(r"\w+", annotation(type(leaf), parameter)))
    if not words and library_of(leaf) is CATBOOST:  #  none of its many is annotated
        return parameter in CATBOOST.rounds
    return "int" in words or not words & _NO_INTEGERS
