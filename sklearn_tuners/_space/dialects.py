"""What users write for a search space, turned into dimensions.

A dialect is recognised by attributes, so no other package is imported. To add one, add
a pair to `_DIALECTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sklearn_tuners._space.dimensions import MAX_TABLE, Dimension
from sklearn_tuners._space.distributions import parse_distribution
from sklearn_tuners._space.drawn import parse_draws
from sklearn_tuners._space.lists import parse_choices, parse_list
from sklearn_tuners._space.ranges import (
    is_range_tuple,
    parse_long_range,
    parse_optuna_range,
    parse_range_tuple,
    parse_skopt_range,
)
from sklearn_tuners._space.values import is_integral, is_number

__all__ = ["Subspace", "parse_dimension", "parse_subspaces"]


class Subspace(NamedTuple):
    """A dict of a search space and its number of evaluations.

    Attributes
    ----------
    domains : mapping of str to object
        Domain of each parameter as the user wrote it.
    n_iter : int or None
        The n of a tuple (dict, n), as in scikit-optimize; None if there is none.
    """

    domains: Mapping[str, Any]
    n_iter: int | None


class _Dialect(NamedTuple):
    """One way to write a domain.

    Attributes
    ----------
    recognises : callable
        Whether a value is written in this dialect.
    parse : callable
        Dimension of such a value, from the value and the seed for draws.
    """

    recognises: Callable[[Any], bool]
    parse: Callable[[Any, int], Dimension]


def _has_range(value: Any) -> bool:
    return is_number(getattr(value, "low", None)) and is_number(
        getattr(value, "high", None)
    )


def _is_optuna_choice(value: Any) -> bool:
    return isinstance(getattr(value, "choices", None), list | tuple)


def _is_skopt_choice(value: Any) -> bool:
    categories = getattr(value, "categories", None)
    return isinstance(categories, list | tuple) and hasattr(value, "prior")


def _is_optuna_range(value: Any) -> bool:
    return _has_range(value) and isinstance(getattr(value, "log", None), bool)


def _is_skopt_range(value: Any) -> bool:
    return _has_range(value) and isinstance(getattr(value, "prior", None), str)


def _has_quantiles(value: Any) -> bool:
    return all(callable(getattr(value, name, None)) for name in ("cdf", "ppf"))


def _has_draws(value: Any) -> bool:
    return callable(getattr(value, "rvs", None))


def _is_long_range(value: Any) -> bool:
    return isinstance(value, range) and len(value) > MAX_TABLE


_RANGE_TUPLE = _Dialect(is_range_tuple, lambda value, _: parse_range_tuple(value))
"""A tuple (low, high) or (low, high, prior), as scikit-optimize reads it."""

_DIALECTS = (
    # Optuna's CategoricalDistribution, scikit-optimize's Categorical
    _Dialect(_is_optuna_choice, lambda value, _: parse_choices(value.choices, None)),
    _Dialect(
        _is_skopt_choice,
        lambda value, _: parse_choices(value.categories, value.prior),
    ),
    # Optuna's FloatDistribution and IntDistribution, scikit-optimize's Real and Integer
    _Dialect(_is_optuna_range, lambda value, _: parse_optuna_range(value)),
    _Dialect(_is_skopt_range, lambda value, _: parse_skopt_range(value)),
    # scipy's frozen distributions and look-alikes
    _Dialect(_has_quantiles, parse_distribution),
    # any other object with rvs
    _Dialect(_has_draws, parse_draws),
    _RANGE_TUPLE,
    _Dialect(_is_long_range, lambda value, _: parse_long_range(value)),
)
"""The dialects in the order in which they are tried; anything else is a list."""


def parse_subspaces(spec: Any, name: str) -> list[Subspace]:
    """Take a search space apart into its dicts.

    Parameters
    ----------
    spec : dict or list of dicts
        An element of the list may be a tuple (dict, n), as in scikit-optimize. An empty
        dict stands for the estimator unchanged.
    name : str
        Name of `spec` in error messages.

    Returns
    -------
    list of Subspace

    Raises
    ------
    TypeError, ValueError
        If `spec` is something else or an empty list.

    Examples
    --------
    >>> parse_subspaces([({"C": [1, 10]}, 20), {"C": [0]}], "param_distributions")[0]
    Subspace(domains={'C': [1, 10]}, n_iter=20)
    """
    if isinstance(spec, Mapping):
        spec = [spec]
    elif isinstance(spec, str | bytes) or not isinstance(spec, Sequence):
        raise TypeError(
            f"{name} should be a dict or a list of dicts, got: {spec!r} of type "
            f"{type(spec).__name__}"
        )
    pairs = [
        element if isinstance(element, tuple) and len(element) == 2 else (element, None)
        for element in spec
    ]
    for domains, n in pairs:
        if not isinstance(domains, Mapping):
            raise TypeError(
                f"{name} should be a dict or a list of dicts, got {domains!r} in it"
            )
        if n is not None and not (is_integral(n) and n > 0):
            raise ValueError(
                f"{name}: the n of a tuple (dict, n) must be a positive integer, "
                f"got {n!r}"
            )
        for key in domains:
            if not isinstance(key, str):
                raise TypeError(
                    f"{name}: names of parameters must be strings, got {key!r}"
                )
    if not pairs:
        raise ValueError(f"{name} must have at least one dict, got {spec!r}")
    return [Subspace(domains, None if n is None else int(n)) for domains, n in pairs]


def parse_dimension(
    key: str,
    value: Any,
    *,
    name: str = "param_distributions",
    tuples_as_ranges: bool = True,
    random_state: int = 0,
) -> Dimension:
    """Make the dimension of one parameter, whatever the dialect.

    Parameters
    ----------
    key : str
        The parameter, for error messages.
    value : object
        A list of values, a distribution, a range.
    name, tuples_as_ranges, random_state
        As for `Space.parse`.

    Returns
    -------
    Dimension

    Raises
    ------
    TypeError, ValueError
        If `value` is not understood; the message names `key`.

    Examples
    --------
    >>> parse_dimension("C", (1e-3, 1e3, "log-uniform")).decode(0.5)
    1.0
    """
    try:
        for dialect in _DIALECTS:
            if dialect is _RANGE_TUPLE and not tuples_as_ranges:
                continue
            if dialect.recognises(value):
                return dialect.parse(value, random_state)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"Parameter {key!r} of {name}: {error}") from error
    return parse_list(key, value)
