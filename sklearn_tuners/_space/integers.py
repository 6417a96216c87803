"""Dimensions of discrete distributions.

The coordinate of a level is the cumulative probability at the middle of its step,
(cdf(k - 1) + cdf(k)) / 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_tuners._space.coordinates import MARGIN
from sklearn_tuners._space.decimals import PLAUSIBLE
from sklearn_tuners._space.dimensions import (
    MAX_INTEGERS,
    MAX_TABLE,
    Dimension,
    Discrete,
    Progression,
    Table,
)
from sklearn_tuners._space.drawn import label_of
from sklearn_tuners._space.lists import list_dimension
from sklearn_tuners._space.values import clip_integer
from sklearn_tuners._typing import FloatArray, IntArray

__all__ = ["MAX_SUMMED", "WideIntegers", "is_discrete", "parse_discrete"]

MAX_SUMMED = 2**17
"""Levels of a bounded distribution up to which its mass is evaluated at each of them.

This takes 0.02 s (a binomial). With more, scipy's quantile function is used, which may
take time linear in the value.
"""

_MIN_SHARE = 1e-9
"""Least share of the coordinate of a level, so that those of neighbours differ.

All levels of the largest table together take 4e-6 in this way.
"""


class WideIntegers(Discrete):
    """Integers of a distribution with too many levels for a table.

    The cumulative probability is interpolated linearly between some thousand knots.
    That is monotone, vectorised (scipy's own discrete `ppf` is a slow search) and, as
    the slope is never zero, invertible at every level.

    Parameters
    ----------
    knots : array of shape (m,), int
        Strictly increasing values, less than `MAX_INTEGERS` apart.
    probabilities : array of shape (m,)
        Cumulative probability at the middle of each knot's step.
    support : tuple of float
        Bounds of the distribution. An integer inside, but beyond the knots, encodes as
        the last knot.
    label : str
        Name of the distribution.
    """

    def __init__(
        self,
        knots: IntArray,
        probabilities: FloatArray,
        *,
        support: tuple[float, float],
        label: str,
    ) -> None:
        self._low = int(knots[0])
        self.n_coded = int(knots[-1]) - self._low + 1
        self.n_levels = self.n_coded
        self.size = self.n_coded if math.isfinite(support[1] - support[0]) else math.inf
        self._knots = knots.astype(np.float64)
        # A hundredth of the coordinate is shared equally by all integers. So each of
        # 2**40 integers gets at least 1e-14, a hundred times the spacing of u.
        u = 0.99 * probabilities + 0.01 * (knots - knots[0]) / (self.n_coded - 1)
        self._positions = (u - u[0]) / (u[-1] - u[0])
        tails = np.interp([PLAUSIBLE, 1 - PLAUSIBLE], probabilities, self._positions)
        self._first, self._last = tails.tolist()
        self._support = support
        self._label = label

    def level(self, u: FloatArray) -> IntArray:
        """Return the index of the nearest integer."""
        value = np.rint(np.interp(u, self._positions, self._knots))
        return value.astype(np.int64) - self._low

    def inside(self, u: FloatArray) -> FloatArray:
        return self.snap(np.clip(u, self._first, self._last))

    def rounded(self, u: float) -> float:
        """Return the coordinate of a short integer."""
        u = float(self.inside(np.asarray(u)))
        return self.rounded_level(u, self._first, self._last)

    def _position(self, k: IntArray) -> FloatArray:
        return np.asarray(np.interp(k + self._low, self._knots, self._positions))

    def value(self, k: int) -> int:
        return self._low + k

    def _find(self, value: object) -> int:
        ends = (self._low, self._low + self.n_coded - 1)
        whole = clip_integer(value, self._support, ends)
        if whole is None:
            raise self._not_inside(value)
        return whole - self._low

    def levels(self) -> Iterator[int]:
        """Return the integers in order."""
        if math.isinf(self.size):
            return super().levels()
        return iter(range(self._low, self._low + self.n_coded))

    def same_domain(self, other: Dimension) -> bool:
        """Whether the knots agree."""
        return (
            isinstance(other, WideIntegers)
            and self._support == other._support
            and np.array_equal(self._knots, other._knots)
            and np.array_equal(self._positions, other._positions)
        )

    def describe(self) -> str:
        """Name the support and the distribution."""
        return _integers_of(self._support, self._label)


def is_discrete(dist: Any) -> bool:
    """Whether a distribution is discrete.

    Parameters
    ----------
    dist : object
        Has `cdf` and `ppf`.

    Returns
    -------
    bool
        True if it has a `pmf`, or has neither `pmf` nor `pdf` and quantiles of an
        integer type.
    """
    if hasattr(dist, "pmf") or hasattr(dist, "pdf"):
        return hasattr(dist, "pmf")
    quantiles = np.asarray(dist.ppf(np.linspace(0.1, 0.9, 9)))
    return quantiles.dtype.kind in "iu"


def parse_discrete(dist: Any, low: float, high: float) -> Dimension | None:
    """Make the dimension of a discrete distribution.

    Parameters
    ----------
    dist : object
        One that `is_discrete`.
    low, high : float
        Support; may be infinite.

    Returns
    -------
    Dimension or None
        None if the distribution is better represented by draws: its tail is too heavy
        to sum or its levels are not integers.

    Raises
    ------
    ValueError
        If no level is possible.
    """
    own = getattr(dist, "xk", getattr(getattr(dist, "dist", None), "xk", None))
    if own is not None:  # rv_discrete(values=...), perhaps frozen with a loc
        levels = np.sort(np.asarray(own)) + (low - np.min(own))
        return _table(dist, levels, (low, high))
    if math.isfinite(low) and low % 1:  # `loc` is not a whole number
        return None
    if getattr(getattr(dist, "dist", dist), "name", None) == "randint":
        first, last = map(int, dist.support())  # exact, beyond 2**53 too
        n = last - first + 1
        return Progression(first, 1, n) if n > 1 else list_dimension([first])
    if high - low < MAX_TABLE:
        return _table(dist, np.arange(int(low), int(high) + 1), (low, high))
    if high - low < MAX_SUMMED:
        return _summed(dist, (low, high))
    try:
        return _unbounded(dist, (low, high))
    except RuntimeError:  # scipy's search for a quantile gives up
        return None


def _unbounded(dist: Any, support: tuple[float, float]) -> Dimension | None:
    """Make the dimension of the levels between the tails.

    None if there are too many levels or the tails are too heavy.
    """
    bulk = _bulk(dist, *support)
    if bulk is None or bulk[1] - bulk[0] >= MAX_INTEGERS:
        return None
    first, last = bulk
    if last - first < MAX_TABLE:
        return _table(dist, np.arange(first, last + 1), support)
    tails = 10.0 ** -np.arange(4.0, 12.0, 0.25)
    q = np.concatenate([tails, np.linspace(0, 1, 1025)[1:-1], 1 - tails])
    inner = np.asarray(dist.ppf(q), dtype=np.float64)
    knots = np.unique(np.clip(np.append(inner, [first, last]), first, last))
    middle = (dist.cdf(knots - 1) + dist.cdf(knots)) / 2
    return WideIntegers(
        knots.astype(np.int64), middle, support=support, label=label_of(dist)
    )


def _mass(dist: Any, levels: NDArray[Any]) -> FloatArray:
    """Return the probabilities of levels, normalised."""
    if hasattr(dist, "pmf"):
        mass = np.asarray(dist.pmf(levels), dtype=np.float64)
    else:
        mass = np.asarray(dist.cdf(levels) - dist.cdf(levels - 1), dtype=np.float64)
    if not np.sum(mass) > 0:  # also when NaN
        raise ValueError(
            f"{label_of(dist)} has invalid arguments: no value is possible"
        )
    return mass / np.sum(mass)


def _table(dist: Any, levels: NDArray[Any], support: tuple[float, float]) -> Dimension:
    """Make the dimension of the levels that are possible."""
    mass = _mass(dist, levels)
    levels, mass = levels[mass > 0], mass[mass > 0]
    share = np.maximum(mass, _MIN_SHARE)
    upper = np.cumsum(share)
    whole = bool(np.all(levels == np.rint(levels)))
    return Table(
        [int(k) if whole else float(k) for k in levels],
        (upper - share / 2) / upper[-1],
        mass,
        size=len(levels) if math.isfinite(support[1] - support[0]) else math.inf,
        support=support if whole else None,
        has_tails=True,
        description=_integers_of(support, label_of(dist)) if whole else "",
    )


def _summed(dist: Any, support: tuple[float, float]) -> Dimension:
    """Make the dimension of many levels, without tails of less than `MARGIN`."""
    levels = np.arange(int(support[0]), int(support[1]) + 1)
    mass = _mass(dist, levels)
    upper = np.cumsum(mass)
    keep = (upper > MARGIN) & (upper - mass < 1 - MARGIN)
    levels, middle = levels[keep], (upper - mass / 2)[keep]
    if len(levels) <= MAX_TABLE:
        return _table(dist, levels, support)
    knots = np.searchsorted(middle, np.linspace(middle[0], middle[-1], 1025))
    knots = np.unique(np.append(knots, [0, len(levels) - 1]))
    return WideIntegers(
        levels[knots], middle[knots], support=support, label=label_of(dist)
    )


def _bulk(dist: Any, low: float, high: float) -> tuple[int, int] | None:
    """Return the first and last level between tails of less than `MARGIN`.

    The upper end is approached by halving the tail. If it grows by a power, as in
    `zipf`, where scipy sums the mass term by term, the search ends where the tail is
    below one in a million, or returns None if it is not reached.
    """
    first = int(max(dist.ppf(MARGIN), low))
    steps = [0]
    for bits in range(1, 41):
        step = int(min(dist.ppf(1 - 0.5**bits), high)) - first
        # An exponential tail at most doubles its quantile when its bits double.
        if bits > 1 and step >= MAX_TABLE and step > 8 * max(steps[bits // 2], 1):
            return (first, first + steps[-1]) if bits > 20 else None
        steps.append(step)
    return first, first + steps[-1]


def _integers_of(support: tuple[float, float], label: str) -> str:
    return f"an integer from {support[0]:g} to {support[1]:g} ({label})"
