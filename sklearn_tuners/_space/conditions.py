"""Parameters of one dict that count only for some values of others.

Notation
--------
rule
    Of one parameter: for each other one that it depends on, a mask of that one's levels
    for which it counts. Rules are *flat*: if c depends on b and b on a, the rule of c
    has both a and b. So a parameter is active if and only if all masks of its rule
    hold, whatever coordinates the inactive ones among the others have.
rules
    The rules of one dict; those on which others depend come first. A parameter that
    always counts has none.
"""

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from sklearn_tuners._space.dimensions import (
    MAX_TABLE,
    Dimension,
    Discrete,
    NotInDomainError,
)
from sklearn_tuners._space.values import equivalent, shortened

__all__ = ["Rules", "When", "count", "describe_rule", "parse_rules", "walk"]

BoolArray = npt.NDArray[np.bool_]
Rule = Mapping[str, BoolArray]
Rules = Mapping[str, Rule]


@dataclass(frozen=True, eq=False, repr=False)
class When:
    """A parameter that counts only for some values of other parameters.

    Stands in a search space in the place of a parameter's domain. Where the condition
    does not hold the parameter is left out of the candidate: it is not set on the
    estimator, and its entry in ``cv_results_`` is masked.

    Parameters
    ----------
    domain : list, distribution, range, ...
        The domain, in any of the forms that a search space takes.
    condition : dict of str to list
        Names of other parameters of the same dict to the list of their values for
        which this one counts. Values are told apart as listed ones are: by identity,
        else by equality and type. With several names, all of them must hold; where
        another parameter does not count itself, its condition does not hold. The
        others must be discrete.

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
                "When: the domain must not be a When itself, list all conditions in "
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


def parse_rules(
    conditions: Mapping[str, Mapping[str, Sequence[Any]]],
    dimensions: Mapping[str, Dimension],
    name: str,
) -> Rules:
    """Check the conditions of one dict and flatten them.

    Parameters
    ----------
    conditions : dict
        Condition of each parameter that has one.
    dimensions : dict
        Of all parameters of the dict.
    name : str
        What error messages call the search space.

    Returns
    -------
    Rules

    Raises
    ------
    ValueError
        If a condition names an unknown, a continuous or the same parameter, or a value
        that is not in its domain; if conditions are circular or contradict each other.

    Examples
    --------
    >>> from sklearn_tuners._space.lists import list_dimension
    >>> two = list_dimension(["x", "y"])
    >>> rules = parse_rules({"b": {"a": ["y"]}}, {"a": two, "b": two}, "space")
    >>> rules["b"]["a"]
    array([False,  True])
    """
    own = {
        key: {
            other: _mask(f"Parameter {key!r} of {name}", key, other, values, dimensions)
            for other, values in sorted(condition.items())
        }
        for key, condition in conditions.items()
    }
    try:
        order = [*TopologicalSorter(own).static_order()]
    except CycleError as error:
        circle = " on ".join(repr(key) for key in reversed(error.args[1]))
        raise ValueError(f"{name}: conditions are circular: {circle}") from None
    flat: dict[str, Rule] = {}
    for key in order:
        rule = _merged(own.get(key, {}), flat)
        for other, mask in rule.items():
            if not mask.any():
                raise ValueError(
                    f"Parameter {key!r} of {name} never counts: its condition and "
                    f"those that this depends on ask for different values of {other!r}"
                )
        # What always holds is no condition.
        rule = {other: mask for other, mask in rule.items() if not mask.all()}
        if rule:
            flat[key] = rule
    return flat


def _merged(rule: Rule, flat: Rules) -> Rule:
    """Join a rule with those of the parameters that it is on."""
    merged = dict(rule)
    for other in rule:
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
    """Which levels of `other` are among the values that a condition lists."""
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
            f"only be on a parameter of listed values, {MAX_TABLE} at most"
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


def describe_rule(rule: Rule, dimensions: Mapping[str, Dimension]) -> str:
    """Give a rule in words.

    Parameters
    ----------
    rule : Rule
        Of one parameter.
    dimensions : dict
        Of the dict that it is from.

    Returns
    -------
    str
    """
    return " and ".join(
        f"{other!r} is in {shortened(_values(dimensions[other], mask))}"
        for other, mask in rule.items()
    )


def _values(dimension: Dimension, mask: BoolArray) -> list[Any]:
    return [cast(Discrete, dimension).value(k) for k in np.flatnonzero(mask).tolist()]


# Counting and enumerating -------------------------------------------------------------


def count(
    sizes: Mapping[str, int], weights: Mapping[str, Sequence[int]], rules: Rules
) -> int:
    """Count the combinations of active parameters.

    One parameter is chosen that others depend on and that always counts. Its levels
    fall into classes, by what they switch on; each leaves a smaller problem. What is
    not linked to it by conditions is counted apart, as a factor: so the cost is about
    the number of conditions, not of combinations.

    Parameters
    ----------
    sizes : dict of str to int
        Number of values of each parameter.
    weights : dict of str to sequence of int
        Number of values of each level, for parameters that others depend on.
    rules : Rules
        When they count.

    Returns
    -------
    int

    Examples
    --------
    >>> rules = {"b": {"a": np.array([False, True])}}
    >>> count({"a": 2, "b": 10, "c": 3}, {"a": [1, 1]}, rules)
    33
    """
    if not rules:
        return math.prod(sizes.values())
    switch = next(o for rule in rules.values() for o in rule if o not in rules)
    linked = _linked(switch, rules)
    apart = count(
        {key: n for key, n in sizes.items() if key not in linked},
        weights,
        {key: rule for key, rule in rules.items() if key not in linked},
    )
    own = {key: rule for key, rule in rules.items() if key in linked}
    always = np.ones(len(weights[switch]), dtype=np.bool_)
    on = np.array([rule.get(switch, always) for rule in own.values()])
    classes, class_of = np.unique(on, axis=1, return_inverse=True)
    total = 0
    for c, held in enumerate(classes.T):
        n = sum(
            weights[switch][k] for k in np.flatnonzero(class_of.ravel() == c).tolist()
        )
        left = {
            key: {other: mask for other, mask in rule.items() if other != switch}
            for (key, rule), holds in zip(own.items(), held, strict=True)
            if holds
        }
        total += n * count(
            {key: sizes[key] for key in linked - own.keys() - {switch} | left.keys()},
            weights,
            {key: rule for key, rule in left.items() if rule},
        )
    return apart * total


def _linked(start: str, rules: Rules) -> set[str]:
    """Parameters that conditions link to one, in whichever direction."""
    links = [{key, *rule} for key, rule in rules.items()]
    found, n_found = {start}, 0
    while len(found) > n_found:
        n_found = len(found)
        found = found.union(*(link for link in links if link & found))
    return found


def walk(levels: Mapping[str, Sequence[int]], rules: Rules) -> Iterator[dict[str, int]]:
    """All combinations of active parameters, in the order of their product.

    Of the combinations in a product that differ in inactive parameters only, this gives
    the first, without them.

    Parameters
    ----------
    levels : dict of str to sequence of int
        Level of each value of each parameter; the last parameter varies fastest.
    rules : Rules
        When they count.

    Yields
    ------
    dict of str to int
        Index of the value of each active parameter.

    Examples
    --------
    >>> rules = {"a": {"b": np.array([False, True])}}
    >>> list(walk({"a": [0, 1], "b": [0, 1]}, rules))
    [{'b': 0}, {'a': 0, 'b': 1}, {'a': 1, 'b': 1}]
    """
    # Sets of levels as the bits of an integer.
    bits = {
        key: {
            other: sum(1 << k for k in np.flatnonzero(mask).tolist())
            for other, mask in rule.items()
        }
        for key, rule in rules.items()
    }
    everything = {other: -1 for rule in bits.values() for other in rule}
    return _walk(list(levels), {}, everything, levels, bits)


def _walk(
    keys: list[str],
    chosen: dict[str, int],
    possible: Mapping[str, int],
    levels: Mapping[str, Sequence[int]],
    rules: Mapping[str, Mapping[str, int]],
) -> Iterator[dict[str, int]]:
    """Continue with `keys`; `possible` are the levels that what is chosen allows.

    A parameter that is inactive has its first value, so that one with another value
    must be active: then the parameters it depends on, perhaps still to be chosen, are
    bound by its rule.
    """
    if not keys:
        yield {
            key: i
            for key, i in chosen.items()
            if all(possible[other] & own for other, own in rules.get(key, {}).items())
        }
        return
    key, *rest = keys
    rule = rules.get(key, {})
    narrowed = {other: possible[other] & own for other, own in rule.items()}
    can_be_active = all(narrowed.values())
    for i, level in enumerate(levels[key]):
        if i > 0 and not can_be_active:
            return
        bound = {**possible, **narrowed} if i > 0 else possible
        if key in bound:
            if not bound[key] >> level & 1:
                continue
            bound = {**bound, key: 1 << level}
        yield from _walk(rest, {**chosen, key: i}, bound, levels, rules)
