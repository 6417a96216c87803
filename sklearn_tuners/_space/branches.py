"""Branches: the dicts of a conditional search space."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import product
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from sklearn_tuners._space.conditions import Rules, count, describe_rule, walk
from sklearn_tuners._space.dimensions import (
    Continuous,
    Dimension,
    Discrete,
    FloatArray,
    NotInDomainError,
    Table,
)
from sklearn_tuners._space.values import distinct

__all__ = [
    "INACTIVE",
    "Branch",
    "Gate",
    "ParameterError",
    "countable",
    "make_branches",
    "make_gates",
    "may_share_points",
]

# Coordinate of a parameter that does not count.
INACTIVE = 0.5
# A branch with at least this many points has a full share of random rows, a smaller one
# a share in proportion: about as many points are drawn before the surrogate takes over,
# and more draws from a branch than it has points would be repeats.
FULL_SHARE = 16
# Numbers of points above this are given as infinite. No search exhausts them, and a
# Python integer of any length is not a number to numpy.
MAX_SIZE = 2**62


# Column that others depend on, its dimension, and the columns that may be active, of
# shape (n_branches, n_levels, n_dims).
Gate = tuple[int, Discrete, npt.NDArray[np.bool_]]


class ParameterError(NotInDomainError):
    """Params that are not in a branch, after `n_accepted` values that were."""

    def __init__(self, message: str, n_accepted: int) -> None:
        super().__init__(message)
        self.n_accepted = n_accepted


@dataclass(frozen=True)
class Branch:
    """One dict of the search space.

    Parameters
    ----------
    dimensions : mapping of str to Dimension
        In the order of their names, those of one value included.
    columns : mapping of str to int
        Column of U of each parameter with more than one value.
    rules : Rules
        When the parameters count that have a condition.
    weight : float
        Share of random rows, relative to the other branches.
    """

    dimensions: Mapping[str, Dimension]
    columns: Mapping[str, int]
    rules: Rules
    weight: float

    @property
    def size(self) -> int | float:
        """Number of points as listed; inf above 2**62."""
        sizes = {key: d.size for key, d in self.dimensions.items()}
        levels = self._levels([] if math.inf in sizes.values() else self._sources)
        return self._count(
            sizes, {key: np.bincount(of).tolist() for key, of in levels.items()}
        )

    @property
    def n_distinct(self) -> int | float:
        """Number of distinct points; inf above 2**62."""
        sizes = {key: d.n_distinct for key, d in self.dimensions.items()}
        return self._count(
            sizes, {key: [1] * len(mask) for key, mask in self._sources.items()}
        )

    @property
    def _sources(self) -> dict[str, npt.NDArray[np.bool_]]:
        """Parameters that others depend on, each with some mask of its levels."""
        return {other: m for rule in self.rules.values() for other, m in rule.items()}

    def _levels(self, keys: Collection[str]) -> dict[str, list[int]]:
        """Level of each value as listed."""
        return {
            key: [self._level(key, d.encode(value)) for value in d.levels()]
            for key, d in self.dimensions.items()
            if key in keys
        }

    def _level(self, key: str, u: float) -> int:
        return int(cast(Discrete, self.dimensions[key]).level(np.asarray(u)))

    def _count(
        self, sizes: Mapping[str, int | float], weights: Mapping[str, list[int]]
    ) -> int | float:
        if math.inf in sizes.values():  # every parameter counts at some point
            return math.inf
        return countable(count(cast(Mapping[str, int], sizes), weights, self.rules))

    def grid(self) -> Iterator[dict[str, Any]]:
        """All points, the last parameter varying fastest, as often as they are listed.

        Yields
        ------
        dict
        """
        listed = {key: list(d.levels()) for key, d in self.dimensions.items()}
        if not self.rules:
            for values in product(*listed.values()):
                yield dict(zip(listed, values, strict=True))
            return
        of_sources = self._levels(self._sources)
        levels = {k: of_sources.get(k, range(len(own))) for k, own in listed.items()}
        for point in walk(levels, self.rules):
            yield {key: listed[key][i] for key, i in point.items()}

    def inactive(self, row: Sequence[float]) -> set[str]:
        """Parameters that do not count.

        Parameters
        ----------
        row : sequence of float, length n_dims
            A snapped row of this branch.

        Returns
        -------
        set of str
        """
        return self._off(
            {key: self._level(key, row[self.columns[key]]) for key in self._sources}
        )

    def _off(self, levels: Mapping[str, int]) -> set[str]:
        """Parameters that do not count where others have these levels."""
        return {
            key
            for key, rule in self.rules.items()
            if not all(mask[levels[other]] for other, mask in rule.items())
        }

    def decode(self, u: FloatArray) -> dict[str, Any]:
        """Params of a snapped row of this branch.

        Parameters
        ----------
        u : array of shape (n_dims,)
            Snapped row.

        Returns
        -------
        dict
        """
        row = u.tolist()
        off = self.inactive(row) if self.rules else ()
        return {
            key: dimension.decode(
                row[self.columns[key]] if key in self.columns else INACTIVE
            )
            for key, dimension in self.dimensions.items()
            if key not in off
        }

    def active_params(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Leave out what does not count.

        Parameters
        ----------
        params : dict
            A value inside the domain for every parameter.

        Returns
        -------
        dict
        """
        held = {
            key: self._level(key, self.dimensions[key].encode(params[key]))
            for key in self._sources
        }
        off = self._off(held)
        return {key: value for key, value in params.items() if key not in off}

    def where_active(self, key: str) -> dict[str, Any]:
        """Values of others with which a parameter counts.

        Parameters
        ----------
        key : str
            A parameter with a condition.

        Returns
        -------
        dict
        """
        return {
            other: cast(Discrete, self.dimensions[other]).value(int(np.argmax(mask)))
            for other, mask in self.rules[key].items()
        }

    def has_names(self, names: Set[str]) -> bool:
        """Whether params may have just these names.

        Parameters
        ----------
        names : set of str
            Their keys.

        Returns
        -------
        bool
        """
        return names <= self.dimensions.keys() and (
            self.dimensions.keys() - names <= self.rules.keys()
        )

    def encode(self, params: Mapping[str, Any], u: FloatArray) -> None:
        """Write the coordinates of params into a row.

        Parameters
        ----------
        params : dict
            With names that `has_names` accepts.
        u : array of shape (n_dims,)
            Row of this branch, with all of its parameters inactive.

        Raises
        ------
        ParameterError
            If a value is outside its domain, or there is one for a parameter that does
            not count, or none for one that does.
        """
        n_accepted = 0
        for key, dimension in self.dimensions.items():
            if key not in params:
                continue
            try:
                coordinate = dimension.encode(params[key])
            except NotInDomainError as error:
                raise ParameterError(
                    f"Parameter {key!r} is outside the space: {error}", n_accepted
                ) from error
            if key in self.columns:
                u[self.columns[key]] = coordinate
            n_accepted += 1
        off = self.inactive(u.tolist()) if self.rules else ()
        for key, rule in self.rules.items():
            if (key in params) == (key in off):
                what = (
                    "a value, but counts only" if key in off else "no value, but counts"
                )
                raise ParameterError(
                    f"Parameter {key!r} has {what} where "
                    f"{describe_rule(rule, self.dimensions)}; got {dict(params)!r}",
                    n_accepted,
                )

    def signature(self) -> tuple[Any, ...]:
        """Return name, domain and condition of each parameter."""
        return tuple(
            (
                key,
                dimension.signature(),
                [(o, mask.tolist()) for o, mask in self.rules.get(key, {}).items()],
            )
            for key, dimension in self.dimensions.items()
        )

    def describe(self) -> str:
        """Give the dict, with domains and conditions in words."""
        parts = []
        for key, dimension in self.dimensions.items():
            part = f"{key!r}: {dimension.describe()}"
            if key in self.rules:
                part += f" where {describe_rule(self.rules[key], self.dimensions)}"
            parts.append(part)
        return "{" + ", ".join(parts) + "}"


def make_branches(
    parsed: list[tuple[dict[str, Dimension], Rules]],
    shares: list[float | None],
    columns: list[Dimension],
) -> list[Branch]:
    """Assign columns and weights to the dicts of a space.

    Parameters
    ----------
    parsed : list of (dict, Rules)
        Dimension of each parameter, and when those with a condition count.
    shares : list of float or None
        Weights that the user gave.
    columns : list of Dimension
        All that vary, without the switch; the dicts hold the same objects.

    Returns
    -------
    list of Branch
    """
    first = int(len(parsed) > 1)
    column_of = {id(d): first + j for j, d in enumerate(columns)}
    branches = []
    for (dimensions, rules), share in zip(parsed, shares, strict=True):
        numbered = {
            key: column_of[id(d)] for key, d in dimensions.items() if not d.is_constant
        }
        size = Branch(dimensions, numbered, rules, 1.0).size
        weight = min(1.0, size / FULL_SHARE) if share is None else share
        branches.append(Branch(dimensions, numbered, rules, weight))
    return branches


def make_gates(
    branches: Sequence[Branch], dimensions: Sequence[Dimension]
) -> list[Gate]:
    """Turn the rules of all branches into what a whole matrix of rows needs.

    Parameters
    ----------
    branches : sequence of Branch
        All of the space.
    dimensions : sequence of Dimension
        One per column of U.

    Returns
    -------
    list of Gate
        One for each column that others depend on.
    """
    gates: dict[int, Gate] = {}
    for b, branch in enumerate(branches):
        for key in branch.rules.keys() & branch.columns.keys():
            for other, mask in branch.rules[key].items():
                j = branch.columns[other]
                is_open = np.ones((len(branches), len(mask), len(dimensions)), np.bool_)
                gate = gates.setdefault(j, (j, cast(Discrete, dimensions[j]), is_open))
                gate[2][b, :, branch.columns[key]] &= mask
    return [gates[j] for j in sorted(gates)]


def countable(size: int | float) -> int | float:
    """Give a number of points, or inf above `MAX_SIZE`.

    Parameters
    ----------
    size : int or float
        Number of points.

    Returns
    -------
    int or float

    Examples
    --------
    >>> countable(10**6), countable(10**60)
    (1000000, inf)
    """
    return size if size <= MAX_SIZE else math.inf


def may_share_points(a: Branch, b: Branch) -> bool:
    """Whether a point of `b` may be one of `a` too.

    Exact for lists, from the bounds for ranges. Conditions are not looked at: what has
    one may count or not.

    Parameters
    ----------
    a, b : Branch
        Two branches.

    Returns
    -------
    bool
    """
    one_only = a.dimensions.keys() ^ b.dimensions.keys()
    return one_only <= a.rules.keys() | b.rules.keys() and all(
        (key in a.rules and key in b.rules)
        or _may_share_values(dimension, b.dimensions[key])
        for key, dimension in a.dimensions.items()
        if key in b.dimensions
    )


def _may_share_values(a: Dimension, b: Dimension) -> bool:
    if a is b:
        return True
    if isinstance(a, Continuous) and isinstance(b, Continuous):
        return max(a.low, b.low) <= min(a.high, b.high)
    if isinstance(a, Continuous):
        return _may_share_values(b, a)
    if isinstance(a, Table) and isinstance(b, Table):
        return len(distinct([*a.values, *b.values])[0]) < a.n_coded + b.n_coded
    if isinstance(a, Table) and isinstance(b, Continuous):
        return any(type(v) is float and b.low <= v <= b.high for v in a.values)
    # Integers and floats are different values.
    return type(a.decode(0.5)) is type(b.decode(0.5))
