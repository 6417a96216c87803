"""Conditions: parameters of one dict that are active only for some values of others.

Notation
--------
condition
    For each parameter that one parameter depends on, a mask of the levels for which the
    condition holds. Conditions are *flat*: if c depends on b and b on a, the condition
    of c has both a and b. So a parameter is active if and only if all its masks hold,
    whatever coordinates inactive parameters have.
conditions
    Conditions of one dict, sources first. A parameter that is always active has none.
source
    A parameter on which others depend.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, cast

import numpy as np

from sklearn_tuners._space.dimensions import (
    MAX_TABLE,
    Dimension,
    Discrete,
    NotInDomainError,
)
from sklearn_tuners._space.values import equivalent, shortened
from sklearn_tuners._typing import BoolArray

__all__ = [
    "Conditions",
    "When",
    "count",
    "describe_condition",
    "parse_conditions",
    "walk",
]

Condition = Mapping[str, BoolArray]
Conditions = Mapping[str, Condition]


@dataclass(frozen=True, eq=False, repr=False)
class When:
    """A parameter that is active only for some values of other parameters.

    In a search space it replaces a parameter's domain. Where the condition does not
    hold, the candidate does not have the parameter: it is not set on the estimator, and
    its entry in ``cv_results_`` is masked.

    Parameters
    ----------
    domain : list, distribution, range, ...
        The domain, in any of the forms that a search space takes.
    condition : dict of str to list
        Names of other parameters of the same dict, which must be discrete, to the list
        of their values for which this one is active. Values are compared like listed
        ones: by identity, else by equality and type. With several names, all of them
        must hold. A condition on an inactive parameter never holds.

    Raises
    ------
    TypeError, ValueError
        If `condition` is not such a dict, or `domain` is conditional itself.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> space = {
    ...     "kernel": ["rbf", "poly"],
    ...     "C": loguniform(1e-3, 1e3),
    ...     "degree": When([2, 3, 4], {"kernel": ["poly"]}),
    ... }
    >>> space["degree"]
    When([2, 3, 4], {'kernel': ['poly']})
    """

    domain: Any
    condition: Mapping[str, Sequence[Any]]

    def __post_init__(self) -> None:
        if isinstance(self.domain, When):
            raise TypeError(
                "When: the domain must not be a When itself: list all conditions in "
                f"one dict; got {self.domain!r}"
            )
        if not isinstance(self.condition, Mapping):
            raise TypeError(
                "When: the condition must be a dict from the name of a parameter to a "
                f"list of its values, got {self.condition!r}"
            )
        if not self.condition:
            raise ValueError("When: the condition must name at least one parameter")
        for name, values in self.condition.items():
            if not isinstance(name, str):
                raise TypeError(
                    f"When: names of parameters must be strings, got {name!r}"
                )
            is_list = isinstance(values, Sequence) and not isinstance(values, str)
            if not is_list and not (isinstance(values, np.ndarray) and values.ndim):
                raise TypeError(
                    f"When: the values of {name!r} must be a list, got {values!r}; a "
                    "single value is a list with one element"
                )
            if len(values) == 0:
                raise ValueError(f"When: the list of values of {name!r} is empty")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, When):
            return NotImplemented
        return equivalent(
            [self.domain, dict(self.condition)], [other.domain, dict(other.condition)]
        )

    __hash__ = None  # type: ignore[assignment]  # a list or dict has no hash either

    def __repr__(self) -> str:
        return f"When({self.domain!r}, {dict(self.condition)!r})"


def parse_conditions(
    written: Mapping[str, Mapping[str, Sequence[Any]]],
    dimensions: Mapping[str, Dimension],
    name: str,
) -> Conditions:
    """Check the conditions of one dict and flatten them.

    Parameters
    ----------
    written : dict
        Condition of each parameter that has one, as the user wrote it.
    dimensions : dict
        Dimensions of all parameters of the dict.
    name : str
        Name of the search space in error messages.

    Returns
    -------
    Conditions

    Raises
    ------
    ValueError
        If a condition names an unknown, a continuous or the same parameter, or a value
        that is not in its domain; if conditions are circular or contradict each other.

    Examples
    --------
    >>> from sklearn_tuners._space.lists import list_dimension
    >>> two = list_dimension(["x", "y"])
    >>> dimensions = {"a": two, "b": two}
    >>> parse_conditions({"b": {"a": ["y"]}}, dimensions, "space")["b"]["a"]
    array([False,  True])
    """
    own = {
        key: {
            other: _mask(f"Parameter {key!r} of {name}", key, other, values, dimensions)
            for other, values in sorted(condition.items())
        }
        for key, condition in written.items()
    }
    try:
        order = [*TopologicalSorter(own).static_order()]
    except CycleError as error:
        circle = " on ".join(repr(key) for key in reversed(error.args[1]))
        raise ValueError(f"{name}: conditions are circular: {circle}") from None
    flat: dict[str, Condition] = {}
    for key in order:
        condition = _merged(own.get(key, {}), flat)
        for other, mask in condition.items():
            if not mask.any():
                raise ValueError(
                    f"Parameter {key!r} of {name} is never active: its condition and "
                    f"those that this depends on ask for different values of {other!r}"
                )
        # A condition that always holds is dropped.
        condition = {other: m for other, m in condition.items() if not m.all()}
        if condition:
            flat[key] = condition
    return flat


def _merged(condition: Condition, flat: Conditions) -> Condition:
    """Join a condition with those of its sources."""
    merged = dict(condition)
    for other in condition:
        for source, mask in flat.get(other, {}).items():
            merged[source] = merged[source] & mask if source in merged else mask
    return dict(sorted(merged.items()))


def _mask(
    what: str,
    key: str,
    other: str,
    values: Sequence[Any],
    dimensions: Mapping[str, Dimension],
) -> BoolArray:
    """Mark the levels of `other` that are among the values of a condition."""
    if other == key:
        raise ValueError(f"{what}: its condition is on itself")
    if other not in dimensions:
        close = difflib.get_close_matches(other, [k for k in dimensions if k != key], 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"{what}: its condition is on {other!r}, which is not in the same dict"
            f"{hint}"
        )
    dimension = dimensions[other]
    if not isinstance(dimension, Discrete) or dimension.n_levels > MAX_TABLE:
        raise ValueError(
            f"{what}: its condition is on {other!r}, {dimension.describe()}; it can "
            f"only be on a parameter of at most {MAX_TABLE} listed values"
        )
    mask = np.zeros(dimension.n_coded, dtype=np.bool_)
    for value in values:
        try:
            u = dimension.encode(value)
        except NotInDomainError as error:
            raise ValueError(
                f"{what}: its condition lists a value that {other!r} does not have: "
                f"{error}"
            ) from error
        mask[dimension.level(np.asarray(u))] = True
    return mask


def describe_condition(
    condition: Condition, dimensions: Mapping[str, Dimension]
) -> str:
    """Put a condition into words.

    Parameters
    ----------
    condition : Condition
        Condition of one parameter.
    dimensions : dict
        Dimensions of all parameters of the same dict.

    Returns
    -------
    str
    """
    return " and ".join(
        f"{other!r} is in {shortened(_values(dimensions[other], mask))}"
        for other, mask in condition.items()
    )


def _values(dimension: Dimension, mask: BoolArray) -> list[Any]:
    return [cast(Discrete, dimension).value(k) for k in np.flatnonzero(mask).tolist()]


def count(
    sizes: Mapping[str, int],
    weights: Mapping[str, Sequence[int]],
    conditions: Conditions,
) -> int:
    """Count the combinations of active parameters.

    A source that is always active is chosen. Its levels fall into classes by what they
    activate, and each class leaves a smaller problem. Parameters that no condition
    links to it are counted apart, as a factor. So the cost grows with the number of
    conditions, not of combinations.

    Parameters
    ----------
    sizes : dict of str to int
        Number of values of each parameter.
    weights : dict of str to sequence of int
        Number of values of each level, for sources.
    conditions : Conditions
        When the parameters are active.

    Returns
    -------
    int

    Examples
    --------
    >>> conditions = {"b": {"a": np.array([False, True])}}
    >>> count({"a": 2, "b": 10, "c": 3}, {"a": [1, 1]}, conditions)
    33
    """
    if not conditions:
        return math.prod(sizes.values())
    source = next(o for own in conditions.values() for o in own if o not in conditions)
    linked = _linked(source, conditions)
    apart = count(
        {key: n for key, n in sizes.items() if key not in linked},
        weights,
        {key: own for key, own in conditions.items() if key not in linked},
    )
    within = {key: own for key, own in conditions.items() if key in linked}
    always = np.ones(len(weights[source]), dtype=np.bool_)
    on = np.array([own.get(source, always) for own in within.values()])
    classes, class_of = np.unique(on, axis=1, return_inverse=True)
    total = 0
    for c, held in enumerate(classes.T):
        n = sum(
            weights[source][k] for k in np.flatnonzero(class_of.ravel() == c).tolist()
        )
        left = {
            key: {other: mask for other, mask in own.items() if other != source}
            for (key, own), holds in zip(within.items(), held, strict=True)
            if holds
        }
        active = linked - within.keys() - {source} | left.keys()
        total += n * count(
            {key: sizes[key] for key in active},
            weights,
            {key: own for key, own in left.items() if own},
        )
    return apart * total


def _linked(start: str, conditions: Conditions) -> set[str]:
    """Return the parameters that conditions link to one, in either direction."""
    links = [{key, *own} for key, own in conditions.items()]
    found, n_found = {start}, 0
    while len(found) > n_found:
        n_found = len(found)
        found = found.union(*(link for link in links if link & found))
    return found


def walk(
    levels: Mapping[str, Sequence[int]], conditions: Conditions
) -> Iterator[dict[str, int]]:
    """Yield all combinations of active parameters, in the order of their product.

    Of combinations that differ only in inactive parameters, the first is yielded,
    without these parameters.

    Parameters
    ----------
    levels : dict of str to sequence of int
        Level of each value of each parameter; the last parameter varies fastest.
    conditions : Conditions
        When the parameters are active.

    Yields
    ------
    dict of str to int
        Index of the value of each active parameter.

    Examples
    --------
    >>> conditions = {"a": {"b": np.array([False, True])}}
    >>> list(walk({"a": [0, 1], "b": [0, 1]}, conditions))
    [{'b': 0}, {'a': 0, 'b': 1}, {'a': 1, 'b': 1}]
    """
    # Sets of levels as the bits of an integer.
    bits = {
        key: {
            other: sum(1 << k for k in np.flatnonzero(mask).tolist())
            for other, mask in own.items()
        }
        for key, own in conditions.items()
    }
    everything = {other: -1 for own in bits.values() for other in own}
    return _walk(list(levels), {}, everything, levels, bits)


def _walk(
    keys: list[str],
    chosen: dict[str, int],
    possible: Mapping[str, int],
    levels: Mapping[str, Sequence[int]],
    conditions: Mapping[str, Mapping[str, int]],
) -> Iterator[dict[str, int]]:
    """Continue with `keys`; `possible` are the levels that the choices so far allow.

    An inactive parameter has its first value. So one with another value is active, and
    its condition restricts its sources, even those still to be chosen.
    """
    if not keys:
        yield {
            key: i
            for key, i in chosen.items()
            if all(possible[o] & own for o, own in conditions.get(key, {}).items())
        }
        return
    key, *rest = keys
    condition = conditions.get(key, {})
    narrowed = {other: possible[other] & own for other, own in condition.items()}
    can_be_active = all(narrowed.values())
    for i, level in enumerate(levels[key]):
        if i > 0 and not can_be_active:
            return
        bound = {**possible, **narrowed} if i > 0 else possible
        if key in bound:
            if not bound[key] >> level & 1:
                continue
            bound = {**bound, key: 1 << level}
        yield from _walk(rest, {**chosen, key: i}, bound, levels, conditions)
