"""Round values: how finely a search distinguishes what it proposes.

The unit interval is divided into `N_CELLS` cells around the multiples of 0.001. Of the
values in a cell a search proposes one only, the shortest decimal. So a loguniform
parameter over six decades is proposed with two or three significant digits.

The differences that this leaves are far below what a surrogate can tell from some
hundred scores, and regret is the same (docs/measured/reproducible.md). They are far
above the rounding errors of linear algebra: computers whose errors differ propose the
same values.
"""

from __future__ import annotations

import math

__all__ = ["N_CELLS", "PLAUSIBLE", "cell_of", "shortest_decimal"]

N_CELLS = 1000
"""Cells of the unit interval: coordinates of proposals have three digits."""

PLAUSIBLE = 1e-3
"""Probability of each tail of a distribution in which nothing is proposed.

Of some hundred random draws none is likely to be there. It does not depend on the
number of trials, so that a search may be continued.
"""

_INSIDE = 0.5 - 1e-6
"""Half the width of a cell. Values on the edge of two cells belong to neither."""

_LEAST_EXPONENT = -300
"""Of a power of ten whose inverse is a finite double."""


def cell_of(u: float, first: float, last: float) -> tuple[float, float, float]:
    """Return the lower end, the middle and the upper end of a coordinate's cell.

    Parameters
    ----------
    u : float
        Coordinate.
    first, last : float
        Least and largest coordinate of proposals; they cut the cells.

    Returns
    -------
    tuple of float

    Examples
    --------
    >>> cell_of(0.2503, 0.0, 1.0)[1], cell_of(1e-9, 0.001, 0.999)[0]
    (0.25, 0.001)
    """
    k = round(min(max(u, first), last) * N_CELLS)
    low, high = (k - _INSIDE) / N_CELLS, (k + _INSIDE) / N_CELLS
    return max(low, first), min(max(k / N_CELLS, first), last), min(high, last)


def shortest_decimal(low: float, near: float, high: float) -> float:
    """Return the number in an interval that ends in the most zeros.

    Parameters
    ----------
    low, high : float
        Bounds, both included.
    near : float
        A number between them. Of several that end in the same place, the nearest to
        this one is returned; it is returned itself if the interval has no width.

    Returns
    -------
    float

    Examples
    --------
    >>> shortest_decimal(0.03151, 0.03162, 0.03173), shortest_decimal(-0.2, 0.1, 0.4)
    (0.0316, 0.0)
    """
    if not 0.0 < high - low < math.inf:
        return near
    largest = max(abs(low), abs(high))
    start, end = (math.floor(math.log10(size)) for size in (largest, high - low))
    # The last step but one fits for certain; rounding may spoil it.
    for exponent in range(start + 1, max(end - 3, _LEAST_EXPONENT), -1):
        if exponent < 0:
            per_unit = 10.0**-exponent
            first, middle, last = low * per_unit, near * per_unit, high * per_unit
        else:
            unit = 10.0**exponent
            first, middle, last = low / unit, near / unit, high / unit
        if math.ceil(first) > math.floor(last):
            continue
        multiple = min(max(round(middle), math.ceil(first)), math.floor(last))
        decimal = float(f"{multiple}e{exponent}")
        if low <= decimal <= high:
            return decimal
    return near
