"""Whether a value is at the edge of its range, and which wider range to try."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_tuners._space.dimensions import Continuous, Dimension, Discrete, Interval
from sklearn_tuners._space.lists import LOG_RATIO
from sklearn_tuners._space.values import is_number

__all__ = ["Edge", "find_edge"]

_NEAR = 0.05
"""Share of the range, from an end, in which a value is at the edge (convention)."""

_COARSE = 20
"""Levels up to which only the first and the last are at the edge: 1 / _NEAR."""

_WIDEN = 0.5
"""A range is widened by this share of its width (convention)."""

_FACTOR = 10.0
"""On a log scale a range is widened at least by this factor (convention: a decade)."""


@dataclass(frozen=True)
class Edge:
    """A value at the edge of its range.

    Attributes
    ----------
    side : {"lower", "upper"}
        Which end of the range.
    wider : tuple of two floats or None
        The range to try; None if the estimator accepts nothing beyond the edge.
    is_log : bool
        Whether `wider` is on a log scale.
    """

    side: str
    wider: tuple[float, float] | None
    is_log: bool


def find_edge(
    dimension: Dimension, value: Any, limits: tuple[float, float]
) -> Edge | None:
    """Return the edge that a value is at, if any.

    Parameters
    ----------
    dimension : Dimension
        The range.
    value : object
        The best value.
    limits : tuple of float
        The smallest and the largest value that the estimator accepts.

    Returns
    -------
    Edge or None
        None if the value is inside, or if the range has no ends: categories, fewer than
        three values, an unbounded distribution.

    Examples
    --------
    >>> dimension = Interval(0.01, 1.0, log=True)
    >>> find_edge(dimension, 0.99, limits=(0.0, math.inf))
    Edge(side='upper', wider=(0.01, 10.0), is_log=True)
    >>> find_edge(dimension, 0.99, limits=(0.0, 1.0)).wider is None
    True
    >>> find_edge(dimension, 0.2, limits=(0.0, 1.0)) is None
    True
    """
    if dimension.is_categorical or not is_number(value):
        return None
    u = dimension.encode(value)
    low, high = dimension.decode(0.0), dimension.decode(1.0)
    if isinstance(dimension, Discrete):
        ends = _at_end(dimension, u)
    else:
        ends = (u < _NEAR, u > 1.0 - _NEAR)
    if isinstance(dimension, Continuous):
        low, high = dimension.low, dimension.high
    if not any(ends) or not all(is_number(end) for end in (low, high)):
        return None
    side = "upper" if ends[1] else "lower"
    if not math.isfinite(high if ends[1] else low):
        return None
    is_log = _is_log(dimension, float(low), float(high))
    is_whole = isinstance(low, int) and isinstance(high, int)
    wider = _widened(float(low), float(high), side, is_log, is_whole, limits)
    return Edge(side, wider, is_log)


def _at_end(dimension: Discrete, u: float) -> tuple[bool, bool]:
    """Whether a level is at the lower end, and whether at the upper end."""
    n = dimension.n_coded
    if n < 3:
        return False, False
    level = int(dimension.level(np.asarray(u)))
    if n <= _COARSE:
        return level == 0, level == n - 1
    return u < _NEAR or level == 0, u > 1.0 - _NEAR or level == n - 1


def _is_log(dimension: Dimension, low: float, high: float) -> bool:
    if isinstance(dimension, Interval):
        return dimension.log
    own = getattr(dimension, "log", None)
    if own is not None:
        return bool(own)
    return low > 0 and high / LOG_RATIO >= low


def _widened(
    low: float,
    high: float,
    side: str,
    is_log: bool,
    is_whole: bool,
    limits: tuple[float, float],
) -> tuple[float, float] | None:
    """Return a range that is wider on one side, or None if the limits allow none."""
    if not math.isfinite(low) or not math.isfinite(high):
        width = abs(low if math.isfinite(low) else high) or 1.0
    else:
        width = high - low
    if is_log:
        factor = max((high / low) ** _WIDEN, _FACTOR)
        new = high * factor if side == "upper" else low / factor
    else:
        new = high + _WIDEN * width if side == "upper" else low - _WIDEN * width
    new = min(max(new, limits[0]), limits[1])
    if is_whole:
        new = float(math.floor(new) if side == "lower" else math.ceil(new))
        new = max(new, 1.0) if is_log else new
    new = float(f"{new:.2g}") if limits[0] < new < limits[1] else new
    if side == "upper":
        return (low, new) if new > high * (1 + 1e-9) or new > high + 1e-9 else None
    return (new, high) if new < low - 1e-9 * abs(low) else None
