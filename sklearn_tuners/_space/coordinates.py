"""Coordinates of continuous values: how finely they are resolved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_tuners._typing import FloatArray

__all__ = ["MARGIN", "coordinate_resolution", "round_coordinate"]

MARGIN = 1e-12
"""Distance that coordinates of distributions keep from 0 and 1.

There, an unbounded distribution is infinite, and a bounded one has values, such as the
0 of ``uniform(0, 10)``, that it never draws.
"""

COORDINATE_BITS = 44
"""Significant bits of a snapped continuous coordinate.

They are 9 fewer than those of a double, which leaves room for the rounding errors of
cdf(ppf(u)), typically 1 to 8 units in the last place. A resolution of 6e-14 is still
finer than tuning can distinguish.
"""

_TAIL = 1e-4
"""Probability of each tail that may be cut off, and the largest error elsewhere.

Too small to matter in a search of a few hundred evaluations.
"""


def round_coordinate(
    u: ArrayLike,
    lowest: ArrayLike,
    highest: ArrayLike,
    exponent: ArrayLike,
) -> FloatArray:
    """Clip to [lowest, highest] and round to `COORDINATE_BITS` significant bits.

    Rounding makes the coordinates of equal values equal: cdf(ppf(u)) differs from u by
    rounding errors, but rounds to the same number. Idempotent.

    Parameters
    ----------
    u : array-like of shape (n,) or (n, d)
        Coordinates.
    lowest, highest : float or array-like of shape (d,)
        Smallest and largest value.
    exponent : int or array-like of shape (d,)
        Below 2**exponent the rounding is to multiples of
        2**(exponent - COORDINATE_BITS).

    Returns
    -------
    array of the shape of `u`

    Examples
    --------
    >>> float(round_coordinate(2.0, lowest=0.0, highest=0.75, exponent=0))
    0.75
    """
    clipped = np.minimum(np.maximum(u, lowest), highest)
    shift = np.maximum(np.frexp(clipped)[1], exponent) - COORDINATE_BITS
    return np.asarray(np.ldexp(np.rint(np.ldexp(clipped, -shift)), shift))


def coordinate_resolution(
    cdf: Callable[[Any], Any],
    ppf: Callable[[Any], Any],
    lowest: float = MARGIN,
    highest: float = 1.0 - MARGIN,
) -> tuple[float, float, int]:
    """Return arguments for `round_coordinate` that hide the error of cdf(ppf(u)).

    The error is measured. It is large where a value has fewer digits than its
    coordinate. If this is in the bulk (doubles from 1e6 to 1e6 + 1 are 1e-10 apart),
    the exponent makes the rounding coarse enough. If it is in a tail only (doubles next
    to the upper end of `beta(0.5, 0.5)` are 1e-8 apart in probability), a bound cuts
    that tail off.

    Parameters
    ----------
    cdf, ppf : callable
        Vectorised, inverse to each other.
    lowest, highest : float
        Bounds to begin with.

    Returns
    -------
    lowest, highest : float
    exponent : int

    Raises
    ------
    ValueError
        If the two are not inverse to each other, by more than 1e-4.
    """
    tail = 0.7 * 2.0 ** -np.arange(0.5, 40.0, 0.5)
    u = np.clip(np.concatenate([tail, 1.0 - tail]), lowest, highest)
    x = np.asarray(ppf(u), dtype=np.float64)
    error = np.where(np.isfinite(x), np.abs(cdf(x) - u), 1.0)
    in_bulk = np.minimum(u, 1.0 - u) > _TAIL
    if not np.max(error[in_bulk]) < _TAIL:  # also when NaN
        raise ValueError("its cdf and ppf are not inverse to each other")
    # A rounding step of twice the error would do at these points; a step of 16 times
    # the error leaves a margin for points between them.
    needed = np.frexp(16 * error)[1] + COORDINATE_BITS
    is_short = (error > 0) & (needed > np.frexp(u)[1])
    coarsest = np.max(needed, where=is_short & in_bulk, initial=0)
    is_cut = is_short & (needed > coarsest)
    finest = int(np.frexp(MARGIN)[1])
    exponent = int(np.max(needed, where=is_short & ~is_cut, initial=finest))
    step = 2.0 ** (exponent - COORDINATE_BITS)
    below, above = is_cut & (u < 0.5), is_cut & (u > 0.5)
    lowest = max(lowest, step, float(np.max(2 * u, where=below, initial=0.0)))
    highest = min(
        highest, 1 - step, 1 - float(np.max(2 - 2 * u, where=above, initial=0))
    )
    return lowest, highest, exponent
