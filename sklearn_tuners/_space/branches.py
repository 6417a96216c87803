"""Branches: the dicts of a search space."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import product
from typing import Any, cast

import numpy as np

from sklearn_tuners._space.conditions import (
    Conditions,
    count,
    describe_condition,
    walk,
)
from sklearn_tuners._space.dimensions import (
    Continuous,
    Dimension,
    Discrete,
    NotInDomainError,
    Table,
)
from sklearn_tuners._space.values import distinct
from sklearn_tuners._typing import BoolArray, FloatArray, Params

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

INACTIVE = 0.5
"""Coordinate of an inactive parameter: any constant would do, this one is central."""

_FULL_SHARE = 16
"""Number of points from which a branch gets a full share of random rows.

A smaller branch has a share in proportion, as more random rows than points would repeat
some. Few spaces have more than 16 random rows before the surrogate takes over: their
number is n_dims + 1 by default, or twice the number of branches (see `Optimizer`).
"""

_MAX_SIZE = 2**62
"""Larger numbers of points are reported as infinite: they exceed numpy's integers."""

Gate = tuple[int, Discrete, BoolArray]
"""A column on which others depend, its dimension, and the columns that may be active.

The array has the shape (n_branches, n_levels, n_dims).
"""


class ParameterError(NotInDomainError):
    """Params are not in a branch, though `n_accepted` of their values are."""

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
    conditions : Conditions
        Conditions of the parameters that are not always active.
    weight : float
        Share of random rows, relative to the other branches.
    n_iter : int or None, default=None
        Number of evaluations, if the user gave one.
    """

    dimensions: Mapping[str, Dimension]
    columns: Mapping[str, int]
    conditions: Conditions
    weight: float
    n_iter: int | None = None

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
    def _sources(self) -> dict[str, BoolArray]:
        """Parameters on which others depend, each with some mask of its levels."""
        return {o: mask for own in self.conditions.values() for o, mask in own.items()}

    def _levels(self, keys: Collection[str]) -> dict[str, list[int]]:
        """Return the level of each value as listed."""
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
        if math.inf in sizes.values():  # every parameter is active at some point
            return math.inf
        return countable(
            count(cast(Mapping[str, int], sizes), weights, self.conditions)
        )

    def grid(self) -> Iterator[Params]:
        """Yield all points as often as they are listed, the last parameter fastest.

        Yields
        ------
        dict
        """
        listed = {key: list(d.levels()) for key, d in self.dimensions.items()}
        if not self.conditions:
            for values in product(*listed.values()):
                yield dict(zip(listed, values, strict=True))
            return
        of_sources = self._levels(self._sources)
        levels = {k: of_sources.get(k, range(len(own))) for k, own in listed.items()}
        for point in walk(levels, self.conditions):
            yield {key: listed[key][i] for key, i in point.items()}

    def inactive(self, row: Sequence[float]) -> set[str]:
        """Return the inactive parameters.

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
        """Return the parameters that are inactive where others have these levels."""
        return {
            key
            for key, condition in self.conditions.items()
            if not all(mask[levels[other]] for other, mask in condition.items())
        }

    def decode(self, u: FloatArray) -> Params:
        """Return the params of a snapped row of this branch.

        Parameters
        ----------
        u : array of shape (n_dims,)
            Snapped row.

        Returns
        -------
        dict
        """
        row = u.tolist()
        off = self.inactive(row) if self.conditions else ()
        return {
            key: dimension.decode(
                row[self.columns[key]] if key in self.columns else INACTIVE
            )
            for key, dimension in self.dimensions.items()
            if key not in off
        }

    def active_params(self, params: Mapping[str, Any]) -> Params:
        """Leave out inactive parameters.

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

    def where_active(self, key: str) -> Params:
        """Return values of other parameters with which one is active.

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
            for other, mask in self.conditions[key].items()
        }

    def has_names(self, names: Set[str]) -> bool:
        """Whether params may have exactly these names.

        Parameters
        ----------
        names : set of str
            Their keys.

        Returns
        -------
        bool
        """
        return names <= self.dimensions.keys() and (
            self.dimensions.keys() - names <= self.conditions.keys()
        )

    def encode(self, params: Mapping[str, Any], u: FloatArray) -> None:
        """Write the coordinates of params into a row.

        Parameters
        ----------
        params : dict
            Params with names that `has_names` accepts.
        u : array of shape (n_dims,)
            Row of this branch in which all parameters are inactive.

        Raises
        ------
        ParameterError
            If a value is outside its domain, an inactive parameter has one, or an
            active one has none.
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
        off = self.inactive(u.tolist()) if self.conditions else ()
        for key, condition in self.conditions.items():
            if (key in params) == (key in off):
                what = (
                    "a value, but is active only"
                    if key in off
                    else "no value, but is active"
                )
                raise ParameterError(
                    f"Parameter {key!r} has {what} where "
                    f"{describe_condition(condition, self.dimensions)}; "
                    f"got {dict(params)!r}",
                    n_accepted,
                )

    def signature(self) -> tuple[Any, ...]:
        """Return name, domain and condition of each parameter."""
        return tuple(
            (
                key,
                dimension.signature(),
                [(o, m.tolist()) for o, m in self.conditions.get(key, {}).items()],
            )
            for key, dimension in self.dimensions.items()
        )

    def describe(self) -> str:
        """Put the dict into words, with domains and conditions."""
        parts = []
        for key, dimension in self.dimensions.items():
            part = f"{key!r}: {dimension.describe()}"
            if key in self.conditions:
                condition = describe_condition(self.conditions[key], self.dimensions)
                part += f" where {condition}"
            parts.append(part)
        return "{" + ", ".join(parts) + "}"


def make_branches(
    parsed: list[tuple[dict[str, Dimension], Conditions]],
    numbers: list[int | None],
    columns: list[Dimension],
) -> list[Branch]:
    """Assign columns and weights to the dicts of a space.

    Parameters
    ----------
    parsed : list of (dict, Conditions)
        Dimension of each parameter, and the conditions.
    numbers : list of int or None
        Numbers of evaluations that the user gave. Relative to the largest one they are
        the weights.
    columns : list of Dimension
        All that vary, without the switch. The dicts hold the same objects.

    Returns
    -------
    list of Branch
    """
    first = int(len(parsed) > 1)
    column_of = {id(d): first + j for j, d in enumerate(columns)}
    most = max((n for n in numbers if n is not None), default=1)
    branches = []
    for (dimensions, conditions), n in zip(parsed, numbers, strict=True):
        numbered = {
            key: column_of[id(d)] for key, d in dimensions.items() if not d.is_constant
        }
        size = Branch(dimensions, numbered, conditions, 1.0).size
        weight = min(1.0, size / _FULL_SHARE) if n is None else n / most
        branches.append(Branch(dimensions, numbered, conditions, weight, n))
    return branches


def make_gates(
    branches: Sequence[Branch], dimensions: Sequence[Dimension]
) -> list[Gate]:
    """Turn the conditions of all branches into masks for matrices of rows.

    Parameters
    ----------
    branches : sequence of Branch
        All of the space.
    dimensions : sequence of Dimension
        One per column of U.

    Returns
    -------
    list of Gate
        One for each column on which others depend.
    """
    gates: dict[int, Gate] = {}
    for b, branch in enumerate(branches):
        for key in branch.conditions.keys() & branch.columns.keys():
            for other, mask in branch.conditions[key].items():
                j = branch.columns[other]
                is_open = np.ones((len(branches), len(mask), len(dimensions)), np.bool_)
                gate = gates.setdefault(j, (j, cast(Discrete, dimensions[j]), is_open))
                gate[2][b, :, branch.columns[key]] &= mask
    return [gates[j] for j in sorted(gates)]


def countable(size: int | float) -> int | float:
    """Return a number of points, or inf if it is above 2**62.

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
    return size if size <= _MAX_SIZE else math.inf


def may_share_points(a: Branch, b: Branch) -> bool:
    """Whether a point of `b` may be one of `a` too.

    Exact for lists; for ranges, their bounds decide. A parameter with a condition may
    be active or not.

    Parameters
    ----------
    a, b : Branch
        Two branches.

    Returns
    -------
    bool
    """
    one_only = a.dimensions.keys() ^ b.dimensions.keys()
    return one_only <= a.conditions.keys() | b.conditions.keys() and all(
        (key in a.conditions and key in b.conditions)
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
