"""One parameter's domain, and its coordinate in the unit interval.

Notation
--------
u
    Coordinate in [0, 1], a float or an array of them. What the surrogate sees.
q
    Uniform random number in [0, 1]; `quantile` turns it into a coordinate.
k
    Index of a level (a value of a discrete domain), ascending in u.

A dimension is *snapped* when its u is the coordinate of a value that `decode` can
return. Always `encode(decode(u)) == snap(u)`, bit for bit, so equal values have equal
coordinates and a row of coordinates can serve as a key.

A dimension is *rounded* when, beyond that, its value is one that a search proposes:
short, and not in a tail of a distribution, see `decimals`. Values that a user gives are
snapped but never rounded.

Nothing here parses what users write (see `dialects`), and nothing here knows that there
are several parameters (see `space`).
"""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np

from sklearn_tuners._space.coordinates import (
    COORDINATE_BITS,
    coordinate_resolution,
    round_coordinate,
)
from sklearn_tuners._space.decimals import (
    N_CELLS,
    PLAUSIBLE,
    cell_of,
    shortest_decimal,
)
from sklearn_tuners._space.values import (
    clip_integer,
    equivalent,
    key_of,
    same_value,
    shortened,
    to_float,
)
from sklearn_tuners._typing import FloatArray, IntArray

__all__ = [
    "MAX_INTEGERS",
    "MAX_TABLE",
    "Continuous",
    "Dimension",
    "Discrete",
    "Interval",
    "NotInDomainError",
    "Progression",
    "Table",
]

MAX_TABLE = 4096
"""Number of levels up to which a range or distribution stores them one by one.

They take 2 ms and 0.2 MB.
"""

MAX_INTEGERS = 2**40
"""Number of values up to which each has its own coordinate; with more, neighbours
share one.

On a log scale, 2**40 values are 3e-14 apart at the upper end.
"""

_COARSE = 0.01
"""Distance of snapped coordinates, in cells, from which they are proposed unrounded."""

_PROBES = np.linspace(0.0, 1.0, 65)
"""Probabilities at which the quantiles of two distributions are compared."""


class NotInDomainError(ValueError):
    """A dimension does not contain the value to be encoded."""


class Dimension(ABC):
    """A domain with a coordinate. `u` and `q` may be floats or arrays of any length.

    Attributes
    ----------
    size : int or float
        Number of values as listed; duplicates count twice; inf if not countable.
    n_levels : float
        Distinct values that the coordinate can represent; inf for continuous domains
        and for those that can only be drawn.
    is_categorical : bool
        Whether the coordinate has no order.
    is_constant : bool
        Whether there is only one value, so that no coordinate is needed.
    """

    size: int | float
    n_levels: float
    is_categorical: bool = False
    is_constant: bool = False

    @property
    def n_distinct(self) -> int | float:
        """Distinct values; inf if not countable."""
        return math.inf if math.isinf(self.size) else int(self.n_levels)

    @abstractmethod
    def snap(self, u: FloatArray) -> FloatArray:
        """Return the coordinates of the nearest values; idempotent."""

    @abstractmethod
    def quantile(self, q: FloatArray) -> FloatArray:
        """Return snapped coordinates, distributed as the domain if q is uniform."""

    @abstractmethod
    def decode(self, u: float) -> Any:
        """Return the value at a snapped coordinate."""

    @abstractmethod
    def encode(self, value: object) -> float:
        """Return the snapped coordinate of a value, or raise `NotInDomainError`."""

    def neighbours(self, u: float, n: int) -> FloatArray:
        """Return up to `n` other coordinates near a snapped one; none if continuous."""
        return np.empty(0)

    def inside(self, u: FloatArray) -> FloatArray:
        """Return the nearest snapped coordinates outside the tails; idempotent."""
        return self.snap(u)

    def rounded(self, u: float) -> float:
        """Return the coordinate of the value that is proposed for a snapped one."""
        return float(self.inside(np.asarray(u)))

    def levels(self) -> Iterator[Any]:
        """Return all values in the order of listing; only if `size` is finite."""
        raise TypeError(f"{self.describe()} cannot be enumerated")

    @abstractmethod
    def same_domain(self, other: Dimension) -> bool:
        """Whether the two have the same values at the same coordinates."""

    def signature(self) -> tuple[Any, ...]:
        """Return a description of the domain that does not depend on the seed.

        It is made of plain values and of the user's own objects. A distribution is
        described by quantiles: scipy's objects hold a random state.
        """
        return ("quantiles", [self.decode(u) for u in self.quantile(_PROBES).tolist()])

    @abstractmethod
    def describe(self) -> str:
        """Put the domain into words, for error messages and `repr`."""

    def _not_inside(self, value: object) -> NotInDomainError:
        return NotInDomainError(f"got {value!r}, accepted is {self.describe()}")


class Continuous(Dimension):
    """Continuous domain, u = cdf(value).

    Subclasses define `cdf` and `ppf`, and set `low` and `high`, the support, which may
    be infinite, and `lowest`, `highest` and `exponent`, see `round_coordinate`.
    Proposals are between the coordinates `first` and `last`.
    """

    size = math.inf
    n_levels = math.inf
    low: float
    high: float
    lowest: float
    highest: float
    exponent: int
    first: float
    last: float

    @abstractmethod
    def cdf(self, x: Any) -> Any:
        """Return the coordinate of a value, vectorised."""

    @abstractmethod
    def ppf(self, u: Any) -> Any:
        """Return the value of a coordinate, vectorised."""

    def snap(self, u: FloatArray) -> FloatArray:
        """Clip, then round to what survives a round trip through the value."""
        return round_coordinate(u, self.lowest, self.highest, self.exponent)

    def quantile(self, q: FloatArray) -> FloatArray:
        """Snap: u is the cumulative probability already."""
        return self.snap(q)

    def decode(self, u: float) -> float:
        """Return the shortest decimal that encodes as `u`, inside the support."""
        sixteenth = self._step(u) / 16
        # The cell, give or take what errors of the cdf make of it.
        for width in (9 * sixteenth, 7 * sixteenth):
            low, near, high = self._values([u - width, u, u + width])
            value = shortest_decimal(low, near, high)
            if self.encode(value) == u:
                return value
        return near

    def signature(self) -> tuple[Any, ...]:
        """Return quantiles, with all their digits."""
        u = self.quantile(_PROBES).tolist()
        return ("quantiles", [self._values([q])[0] for q in u])

    def _step(self, u: float) -> float:
        """Return the distance of snapped coordinates around `u`."""
        return math.ldexp(1.0, max(math.frexp(u)[1], self.exponent) - COORDINATE_BITS)

    def _values(self, u: Sequence[float]) -> list[float]:
        """Return quantiles, Python floats inside the support."""
        values = self.ppf(np.clip(u, 0.0, 1.0)).tolist()
        return [min(max(value, self.low), self.high) for value in values]

    def inside(self, u: FloatArray) -> FloatArray:
        return self.snap(np.clip(u, self.first, self.last))

    def rounded(self, u: float) -> float:
        u = float(self.inside(np.asarray(u)))
        if self._step(u) > _COARSE / N_CELLS:
            return u
        return self.encode(
            shortest_decimal(*self._values(cell_of(u, self.first, self.last)))
        )

    def encode(self, value: object) -> float:
        """Return the cumulative probability, rounded as by `snap`."""
        x = to_float(value)
        if not self.low <= x <= self.high:  # also when NaN: not a number
            raise self._not_inside(value)
        return float(self.snap(np.asarray(self.cdf(x), dtype=np.float64)))


class Interval(Continuous):
    """Uniform or log-uniform domain from `low` to `high` in closed form.

    Parameters
    ----------
    low, high : float
        Finite bounds, decoded exactly, at u = 0 and u = 1.
    log : bool
        Whether u is uniform in the logarithm.
    is_open : bool, default=False
        Whether the bounds are not proposed, as of a distribution that never draws them.

    Examples
    --------
    >>> Interval(1.0, 3.0, log=False).decode(0.5)
    2.0
    """

    def __init__(
        self, low: float, high: float, *, log: bool, is_open: bool = False
    ) -> None:
        self.low, self.high, self.log = low, high, log
        self._start = math.log(low) if log else low
        self._width = (math.log(high) if log else high) - self._start
        # Rounding errors are the same everywhere: no tail has to be cut off.
        _, _, self.exponent = coordinate_resolution(self.cdf, self.ppf)
        self.lowest, self.highest = 0.0, 1.0
        tail = PLAUSIBLE if is_open else 0.0
        self.first, self.last = tail, 1.0 - tail

    def cdf(self, x: Any) -> Any:
        return ((np.log(x) if self.log else x) - self._start) / self._width

    def ppf(self, u: Any) -> Any:
        x = self._start + u * self._width
        return np.exp(x) if self.log else x

    def decode(self, u: float) -> float:
        """Return the value at `u`; at 0 and 1 the bounds, free of rounding errors."""
        if u in (0.0, 1.0):
            return self.high if u else self.low
        return super().decode(u)

    def rounded(self, u: float) -> float:
        """Return the coordinate of a short value; in the last cells, of the bound."""
        middle = cell_of(u, self.first, self.last)[1]
        return middle if middle in (0.0, 1.0) else super().rounded(u)

    def signature(self) -> tuple[Any, ...]:
        """Return bounds, scale and where proposals begin."""
        return ("interval", self.low, self.high, self.log, self.first)

    def same_domain(self, other: Dimension) -> bool:
        """Whether bounds, scale and where proposals begin agree."""
        return isinstance(other, Interval) and vars(self) == vars(other)

    def describe(self) -> str:
        """Name the bounds and the scale."""
        return f"a float from {self.low:g} to {self.high:g}" + " (log scale)" * self.log


class Discrete(Dimension):
    """Domain of levels k = 0, 1, ..., n_coded - 1, each with its own coordinate."""

    n_coded: int

    @abstractmethod
    def level(self, u: FloatArray) -> IntArray:
        """Return the index of the level nearest to a coordinate."""

    @abstractmethod
    def _position(self, k: IntArray) -> FloatArray:
        """Return the coordinates of levels, ascending in k."""

    @abstractmethod
    def value(self, k: int) -> Any:
        """Return the value of a level."""

    @abstractmethod
    def _find(self, value: object) -> int:
        """Return the level of a value, or raise `NotInDomainError`."""

    def snap(self, u: FloatArray) -> FloatArray:
        """Return the coordinate of the nearest level."""
        return self._position(self.level(u))

    def quantile(self, q: FloatArray) -> FloatArray:
        """Snap: here the coordinate is the cumulative probability."""
        return self.snap(q)

    def decode(self, u: float) -> Any:
        """Return the value of the nearest level."""
        return self.value(int(self.level(np.asarray(u))))

    def encode(self, value: object) -> float:
        """Return the coordinate of the value's level."""
        return float(self._position(np.asarray(self._find(value))))

    def rounded_level(self, u: float, first: float, last: float) -> float:
        """Return the coordinate of the shortest of the numbers in a cell.

        Parameters
        ----------
        u : float
            A snapped coordinate.
        first, last : float
            As of `cell_of`.

        Returns
        -------
        float
            The coordinate itself if its cell has no other level.
        """
        cell = np.array(cell_of(u, first, last))
        low, near, high = self.level(cell).tolist()
        low += bool(self._position(np.asarray(low)) < cell[0])
        high -= bool(self._position(np.asarray(high)) > cell[2])
        if low >= high:
            return u
        near = min(max(near, low), high)
        ends = (float(self.value(k)) for k in (low, near, high))
        value = shortest_decimal(*ends)
        try:
            return self.encode(int(value) if value.is_integer() else value)
        except NotInDomainError:  # not a whole number of steps
            return float(self._position(np.asarray(near)))

    def neighbours(self, u: float, n: int) -> FloatArray:
        """Return the nearest levels; without order, those that follow cyclically."""
        k = int(self.level(np.asarray(u)))
        if self.is_categorical:
            near = (k + 1 + np.arange(min(n, self.n_coded - 1))) % self.n_coded
            return self._position(near)
        near = np.arange(max(0, k - n), min(self.n_coded, k + n + 1))
        positions = self._position(near[near != k])
        return positions[np.argsort(np.abs(positions - u), kind="stable")[:n]]


class Table(Discrete):
    """Domain whose levels are stored one by one.

    Parameters
    ----------
    values : sequence
        One object per level, in the order of their coordinates.
    positions : array of shape (n,)
        Strictly increasing coordinates in [0, 1].
    weights : array of shape (n,)
        Positive; `quantile` returns levels in these proportions.
    listed : sequence, optional
        What `levels` returns. Default: `values`.
    is_categorical : bool, default=False
        Whether the order has no meaning.
    size : int or float, optional
        Default: the length of what is listed.
    n_levels : float, optional
        Default: the number of levels.
    support : tuple of float, optional
        Given if the values are integers of a distribution: its bounds. An integer
        inside the support, but beyond the levels, encodes as the last level.
    description : str, optional
        The domain in words. Default: the list.
    has_tails : bool, default=False
        Whether levels in the tails, of the least and the largest quantiles, are not
        proposed.
    """

    def __init__(
        self,
        values: Sequence[Any],
        positions: FloatArray,
        weights: FloatArray,
        *,
        listed: Sequence[Any] | None = None,
        is_categorical: bool = False,
        size: int | float | None = None,
        n_levels: float | None = None,
        support: tuple[float, float] | None = None,
        description: str = "",
        has_tails: bool = False,
    ) -> None:
        self.values = values
        self.is_categorical = is_categorical
        self.is_constant = len(values) == 1
        self.n_coded = len(values)
        self.n_levels = len(values) if n_levels is None else n_levels
        self._listed = values if listed is None else listed
        self.size = len(self._listed) if size is None else size
        self._positions = positions
        self._edges = (positions[1:] + positions[:-1]) / 2
        self._cumulative = np.cumsum(weights / np.sum(weights))[:-1]
        self._support = support
        self._description = description
        self._first, self._last = 0, self.n_coded - 1
        if has_tails:
            tails = np.array([PLAUSIBLE, 1.0 - PLAUSIBLE])
            found = np.searchsorted(self._cumulative, tails, side="right")
            self._first, self._last = found.tolist()

    def inside(self, u: FloatArray) -> FloatArray:
        return self._position(np.clip(self.level(u), self._first, self._last))

    def level(self, u: FloatArray) -> IntArray:
        """Return the index of the nearest position."""
        return np.searchsorted(self._edges, u, side="right")

    def quantile(self, q: FloatArray) -> FloatArray:
        """Return coordinates of levels, in proportion to their weights."""
        return self._positions[np.searchsorted(self._cumulative, q, side="right")]

    def _position(self, k: IntArray) -> FloatArray:
        return self._positions[k]

    def value(self, k: int) -> Any:
        return self.values[k]

    def _find(self, value: object) -> int:
        if self._support is not None:
            whole = clip_integer(value, self._support, self.values)
            value = value if whole is None else whole
        candidates = self._levels_of_key.get(key_of(value), [])
        for same in (operator.is_, same_value):
            for k in candidates:
                if same(self.values[k], value):
                    return k
        found = [k for k, own in enumerate(self.values) if equivalent(own, value)]
        if len(found) > 1:
            raise NotInDomainError(
                f"got {value!r}, which may be any of "
                f"{[self.values[k] for k in found]}: give the object itself"
            )
        if not found:
            raise self._not_inside(value)
        return found[0]

    @cached_property
    def _levels_of_key(self) -> dict[Hashable, list[int]]:
        levels: dict[Hashable, list[int]] = {}
        for k, own in enumerate(self.values):
            levels.setdefault(key_of(own), []).append(k)
        return levels

    def __getstate__(self) -> dict[str, Any]:
        # Keys of another process are different.
        return {k: v for k, v in vars(self).items() if k != "_levels_of_key"}

    def levels(self) -> Iterator[Any]:
        """Return the values in the order of listing, repeated as listed."""
        if math.isinf(self.size):
            return super().levels()
        return iter(self._listed)

    def signature(self) -> tuple[Any, ...]:
        """Return the values as listed and levels at quantiles; else quantiles."""
        if math.isinf(self.size):
            return super().signature()
        levels = self.level(self.quantile(_PROBES)).tolist()
        return ("listed", list(self._listed), levels)

    def same_domain(self, other: Dimension) -> bool:
        """Whether values, coordinates and weights agree."""
        return (
            isinstance(other, Table)
            and self.size == other.size
            and self.n_levels == other.n_levels
            and self._support == other._support
            and same_value(list(self._listed), list(other._listed))
            and same_value(list(self.values), list(other.values))
            and np.array_equal(self._positions, other._positions)
            and np.array_equal(self._cumulative, other._cumulative)
        )

    def describe(self) -> str:
        """Return the description, or name the values."""
        return self._description or f"one of {shortened(self._listed)}"


class Progression(Discrete):
    """Arithmetic progression low, low + step, ... that is never materialised.

    Parameters
    ----------
    low, step : int or Decimal
        `step` positive. Decimals give floats free of accumulated error: the third of
        0, 0.1, 0.2, 0.3 is 0.3 and not 0.30000000000000004.
    n : int
        Number of values. If it is more than `MAX_INTEGERS`, neighbours share a
        coordinate, which decodes to the middle one of them.
    log : bool, default=False
        Whether the coordinate is logarithmic; needs low > 0, n <= `MAX_INTEGERS`.
    log_prior : bool, default=False
        Whether `quantile` is log-uniform too, and not uniform over the values.
    descending : bool, default=False
        Whether `levels` starts at the top.

    Examples
    --------
    >>> dimension = Progression(1, 1, 10**9, log=True)
    >>> dimension.decode(dimension.encode(123456789))
    123456789
    """

    def __init__(
        self,
        low: int | Decimal,
        step: int | Decimal,
        n: int,
        *,
        log: bool = False,
        log_prior: bool = False,
        descending: bool = False,
    ) -> None:
        if log and n > MAX_INTEGERS:
            raise ValueError(
                f"has {n} values, accepted are at most 2**40 on a log scale"
            )
        self._low, self._step = low, step
        self._shared = -(-n // MAX_INTEGERS)  # values per coordinate, rounded up
        self.n_coded = -(-n // self._shared)
        self.n_levels = self.n_coded
        self.size = n
        self.log, self._log_prior, self._descending = log, log_prior, descending
        self._kind: type[int] | type[float] = int if isinstance(step, int) else float
        first, gap = float(low), float(step)
        # Cells reach half a step beyond the first and the last value, so that these
        # have their full share, as in Optuna's IntDistribution(log=True). The lower
        # edge must stay positive.
        edge = max(first - gap / 2, first / 2)
        # The logarithm of large values does not resolve their steps. That of their
        # ratio to the edge does.
        self._is_relative = log and low >= MAX_INTEGERS
        self._offset = min(0.5, first / gap / 2) if self._is_relative else 0.0
        self._ratio = gap / edge if self._is_relative else 0.0
        self._start = math.log(edge) if log else 0.0
        last = first + gap * (n - 1)
        if self._is_relative:
            self._width = math.log1p((n - 0.5 + self._offset) * self._ratio)
        elif log:
            self._width = math.log(last + gap / 2) - self._start
        else:
            self._width = float(self.n_coded)

    def level(self, u: FloatArray) -> IntArray:
        """Return the index of the value in whose cell the coordinate lies."""
        if self._is_relative:
            k = np.rint(np.expm1(u * self._width) / self._ratio - self._offset)
        elif self.log:
            x = np.exp(self._start + u * self._width)
            k = np.rint((x - float(self._low)) / float(self._step))
        else:
            k = np.floor(u * self._width)
        return np.minimum(np.maximum(k, 0), self.n_coded - 1).astype(np.int64)

    def _position(self, k: IntArray) -> FloatArray:
        if self._is_relative:
            return np.asarray(np.log1p((k + self._offset) * self._ratio) / self._width)
        if self.log:
            x = float(self._low) + float(self._step) * k
            return np.asarray((np.log(x) - self._start) / self._width)
        return np.asarray((k + 0.5) / self._width)

    def rounded(self, u: float) -> float:
        """Return the coordinate of a short value; in the last cells, of the bound."""
        middle = cell_of(u, 0.0, 1.0)[1]
        if middle in (0.0, 1.0):
            return float(self.snap(np.asarray(middle)))
        return self.rounded_level(u, 0.0, 1.0)

    def quantile(self, q: FloatArray) -> FloatArray:
        """Return values that are equally likely, or log-uniform."""
        if self.log and not self._log_prior:
            k = np.minimum(np.floor(q * self.n_coded), self.n_coded - 1)
            return self._position(k.astype(np.int64))
        return self.snap(q)

    def value(self, k: int) -> int | float:
        middle = k * self._shared + self._shared // 2
        return self._term(min(middle, int(self.size) - 1))

    def _term(self, i: int) -> int | float:
        return self._kind(self._low + i * self._step)

    def _find(self, value: Any) -> int:
        x = to_float(value)
        if not math.isfinite(x):
            raise self._not_inside(value)
        # Integers are compared exactly. Floats with a step are seldom written exactly:
        # 3 * 0.1 is not 0.3.
        if self._kind is int:
            i = int((int(value) - self._low) // self._step)
            is_term = value == self._term(i)
        else:
            step = float(self._step)
            i = round((x - float(self._low)) / step)
            is_term = math.isclose(x, self._term(i), abs_tol=1e-9 * step)
        if not is_term or not 0 <= i < self.size:
            raise self._not_inside(value)
        return i // self._shared

    def levels(self) -> Iterator[int | float]:
        """Return the values in order."""
        order = range(int(self.size))
        return map(self._term, reversed(order) if self._descending else order)

    def signature(self) -> tuple[Any, ...]:
        """Return all constructor arguments."""
        scale = self.log, self._log_prior, self._descending
        return ("progression", self._low, self._step, self.size, *scale)

    def same_domain(self, other: Dimension) -> bool:
        """Whether all constructor arguments agree."""
        return isinstance(other, Progression) and vars(self) == vars(other)

    def describe(self) -> str:
        """Name the ends, the step and the scale."""
        kind = "an integer" if self._kind is int else "a float"
        last = self._low + (int(self.size) - 1) * self._step
        step = f" in steps of {self._step}" if self._step != 1 else ""
        return f"{kind} from {self._low} to {last}{step}" + " (log scale)" * self.log
