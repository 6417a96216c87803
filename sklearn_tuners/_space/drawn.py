"""Dimensions of objects that can only draw: those with just `rvs`."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from sklearn_tuners._space.dimensions import Table
from sklearn_tuners._space.values import distinct, is_number, to_float
from sklearn_tuners._typing import FloatArray, IntArray

__all__ = ["N_DRAWS", "N_OBJECTS", "Drawn", "DrawnNumbers", "label_of", "parse_draws"]

N_DRAWS = 2048
"""Draws from an object that gives numbers.

The standard error of a quantile's probability is at most 0.5 / sqrt(2048) = 1.1 %.
"""

N_OBJECTS = 256
"""Draws from an object that gives anything else, or takes long for a number.

Each distinct object is a feature of the surrogate. A search has too few evaluations to
tell more of them apart.
"""

_N_SIGNATURE = 64
"""Number of draws that identify an object: a quarter of `N_OBJECTS`."""


class Drawn(Table):
    """Values that an object with `rvs` drew. It may draw others, too.

    Parameters
    ----------
    source : object
        Has rvs(random_state=...).
    values : list
        Distinct ones, in the order of their coordinates.
    positions : array of shape (n,)
        Their coordinates.
    counts : array of shape (n,), int
        How often each was drawn.
    **kwargs
        As for `Table`.
    """

    def __init__(
        self,
        source: Any,
        values: list[Any],
        positions: FloatArray,
        counts: IntArray,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            values,
            positions,
            counts.astype(np.float64),
            size=math.inf,
            n_levels=math.inf,
            **kwargs,
        )
        self._source = source

    def signature(self) -> tuple[Any, ...]:
        """Return some draws with a seed of their own."""
        return ("drawn", list(islice(_draws(self._source, 0), _N_SIGNATURE)))


class DrawnNumbers(Drawn):
    """Distinct numbers that were drawn; any other number encodes as the nearest.

    Parameters
    ----------
    source : object
        Has rvs(random_state=...).
    values : list of numbers
        Strictly increasing.
    counts : array of shape (n,), int
        How often each was drawn.
    support : tuple of float
        Bounds of what may be drawn, if known.
    description : str
        The domain in words.

    Examples
    --------
    >>> counts = np.array([3, 1])
    >>> drawn = DrawnNumbers(None, [0.5, 2.0], counts, (0, np.inf), "a number")
    >>> drawn.decode(drawn.encode(99))
    2.0
    """

    def __init__(
        self,
        source: Any,
        values: list[Any],
        counts: IntArray,
        support: tuple[float, float],
        description: str,
    ) -> None:
        middles = (np.cumsum(counts) - counts / 2) / np.sum(counts)
        super().__init__(
            source,
            values,
            middles,
            counts,
            support=support,
            description=description,
            has_tails=True,
        )
        self._low, self._high = support
        self._numbers = np.array(values, dtype=np.float64)
        self._whole = all(isinstance(value, int) for value in values)

    def _find(self, value: object) -> int:
        x = to_float(value)
        inside = math.isfinite(x) and self._low <= x <= self._high
        if not inside or (self._whole and x % 1):
            raise self._not_inside(value)
        k = int(np.searchsorted(self._numbers, x))
        near = range(max(k - 1, 0), min(k + 1, self.n_coded))
        return min(near, key=lambda k: abs(float(self._numbers[k]) - x))


def parse_draws(
    source: Any,
    random_state: int,
    *,
    n_draws: int = N_DRAWS,
    support: tuple[float, float] = (-math.inf, math.inf),
) -> Drawn:
    """Make the dimension of the distinct values that an object with `rvs` draws.

    No other value is proposed. But the object may draw others, so if it draws numbers,
    any number that it may draw encodes as the nearest one.

    Parameters
    ----------
    source : object
        Object with ``rvs(random_state=...)``, one draw per call.
    random_state : int
        Seed of the draws.
    n_draws : int, default=2048
        Number of draws; `N_OBJECTS` if one of the first `N_OBJECTS` is no number.
    support : tuple of float, optional
        Bounds of the numbers that may be drawn, if known.

    Returns
    -------
    Drawn
        Dimension with infinite `size` and `n_levels`; categorical unless all are
        numbers.

    Raises
    ------
    TypeError, ValueError
        If drawing fails or gives numbers that are not finite.

    Examples
    --------
    >>> from scipy.stats import bernoulli
    >>> parse_draws(bernoulli(0.5), 0).values
    [0, 1]
    """
    draws: list[Any] = []
    try:
        for draw in islice(_draws(source, random_state), n_draws):
            draws.append(draw)
            if len(draws) == N_OBJECTS and not all(map(is_number, draws)):
                break
    except TypeError as error:
        raise TypeError(
            f"{label_of(source)} does not work ({error}); its rvs must take "
            "random_state="
        ) from error
    if not all(map(is_number, draws)):
        return _drawn_objects(source, draws[:N_OBJECTS])
    x = np.array([to_float(draw) for draw in draws])
    if not np.all(np.isfinite(x)):
        raise ValueError(f"{label_of(source)} draws numbers that are not finite")
    _, first, counts = np.unique(x, return_index=True, return_counts=True)
    values = [draws[i] for i in first]
    # scipy draws integers even if `loc` moves the support off them.
    support = min(support[0], float(x.min())), max(support[1], float(x.max()))
    whole = all(isinstance(value, int) for value in values)
    kind = "an integer" if whole else "a number"
    ends = f" from {support[0]:g} to {support[1]:g}" * (
        support != (-math.inf, math.inf)
    )
    description = f"{kind}{ends} (drawn by {label_of(source)})"
    return DrawnNumbers(source, values, counts, support, description)


def _drawn_objects(source: Any, draws: list[Any]) -> Drawn:
    levels, level_of = distinct(draws)
    n = len(levels)
    return Drawn(
        source,
        levels,
        (np.arange(n) + 0.5) / n,
        np.bincount(level_of),
        is_categorical=True,
        description=f"one of the {n} values drawn by {label_of(source)}: whether it "
        "may draw others is not known",
    )


def _draws(source: Any, seed: int) -> Iterator[Any]:
    """Draw without end."""
    rng = np.random.RandomState(seed)  # what scikit-learn hands to rvs
    while True:
        yield _plain(source.rvs(random_state=rng))


def _plain(value: Any) -> Any:
    """Turn numpy's numbers, and the 0-d arrays of some `rvs`, into Python's."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    return value.item() if isinstance(value, np.integer | np.floating) else value


def label_of(dist: Any) -> str:
    """Name an object that draws.

    Parameters
    ----------
    dist : object
        Any object.

    Returns
    -------
    str
        `norm(0, scale=2)` for a frozen distribution of scipy, else its repr.

    Examples
    --------
    >>> from scipy.stats import norm
    >>> label_of(norm(0, scale=2))
    'norm(0, scale=2)'
    """
    inner = getattr(dist, "dist", None)
    if inner is None or not hasattr(dist, "args") or not hasattr(dist, "kwds"):
        return reprlib.repr(dist)
    arguments = [repr(a) for a in dist.args]
    arguments += [f"{k}={v!r}" for k, v in dist.kwds.items()]
    return f"{getattr(inner, 'name', inner)}({', '.join(arguments)})"
