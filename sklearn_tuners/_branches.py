"""Branches: the dicts of a conditional search space."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sklearn_tuners._dimensions import Continuous, Dimension, Table
from sklearn_tuners._values import distinct

__all__ = ["Branch", "countable", "make_branches", "may_share_points"]

# A branch with at least this many points has a full share of random rows, a smaller one
# a share in proportion: about as many points are drawn before the surrogate takes over,
# and more draws from a branch than it has points would be repeats.
FULL_SHARE = 16
# Numbers of points above this are given as infinite. No search exhausts them, and a
# Python integer of any length is not a number to numpy.
MAX_SIZE = 2**62


@dataclass(frozen=True)
class Branch:
    """One dict of the search space.

    Parameters
    ----------
    dimensions : mapping of str to Dimension
        In the order of their names, those of one value included.
    columns : mapping of str to int
        Column of U of each parameter with more than one value.
    weight : float
        Share of random rows, relative to the other branches.
    """

    dimensions: Mapping[str, Dimension]
    columns: Mapping[str, int]
    weight: float

    @property
    def size(self) -> int | float:
        """Number of points as listed; inf above 2**62."""
        return countable(math.prod(d.size for d in self.dimensions.values()))

    @property
    def n_distinct(self) -> int | float:
        """Number of distinct points; inf above 2**62."""
        return countable(math.prod(d.n_distinct for d in self.dimensions.values()))


def make_branches(
    parsed: list[dict[str, Dimension]],
    shares: list[float | None],
    columns: list[Dimension],
) -> list[Branch]:
    """Assign columns and weights to the dicts of a space.

    Parameters
    ----------
    parsed : list of dict
        Dimension of each parameter.
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
    for dimensions, share in zip(parsed, shares, strict=True):
        numbered = {
            key: column_of[id(d)] for key, d in dimensions.items() if not d.is_constant
        }
        size = Branch(dimensions, numbered, 1.0).size
        weight = min(1.0, size / FULL_SHARE) if share is None else share
        branches.append(Branch(dimensions, numbered, weight))
    return branches


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

    Exact for lists, from the bounds for ranges.

    Parameters
    ----------
    a, b : Branch
        Two branches.

    Returns
    -------
    bool
    """
    return a.dimensions.keys() == b.dimensions.keys() and all(
        _may_share_values(dimension, b.dimensions[key])
        for key, dimension in a.dimensions.items()
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
