"""Dimensions of lists of values.

Three or more numbers are ordered: by their logarithm if they span two decades, evenly
otherwise, and by rank where that would crowd them. All other values are categories.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sklearn_tuners._space.dimensions import Table
from sklearn_tuners._space.values import distinct, is_integral, to_float
from sklearn_tuners._typing import FloatArray

__all__ = ["LOG_RATIO", "list_dimension", "parse_choices", "parse_list"]

LOG_RATIO = 100
"""Ratio of the extremes from which positive numbers are ordered by their logarithm.

The ratio of ``[0.1, 1, 10]``, the shortest list of decades that has an order.
"""

_CROWD = 0.05
"""Share of the range in which half of the numbers are crowded.

In ``[0, 1, 10, 100, 1000]``, where the zero prevents a logarithm, they are within .01.
In ``[1, 2, 5, 10, 20, 50]``, the longest 1-2-5 series below `LOG_RATIO`, within .08.
"""

_MIN_GAP = 1e-9
"""Least distance of two numbers, as a share of the range.

Numbers closer than this differ by rounding errors, as 0.3 and 0.1 + 0.2 do.
"""


def parse_list(key: str, value: Any) -> Table:
    """Make the dimension of a sequence or array, or raise scikit-learn's own errors.

    Parameters
    ----------
    key : str
        The parameter, for error messages.
    value : object
        Whatever the user wrote.

    Returns
    -------
    Table

    Raises
    ------
    TypeError, ValueError
        Raised with texts that scikit-learn's tests match.
    """
    if isinstance(value, np.ndarray) and value.ndim > 1:
        raise ValueError(
            f"Parameter array for {key!r} should be one-dimensional, got: {value!r} "
            f"with shape {value.shape}"
        )
    is_array = isinstance(value, np.ndarray) and value.ndim == 1
    is_list = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    if not is_array and not is_list:
        raise TypeError(
            f"Parameter grid for parameter {key!r} needs to be a list or a numpy "
            f"array, but got {value!r} (of type {type(value).__name__}) instead. "
            "Single values need to be wrapped in a list with one element. Also "
            "accepted are a scipy distribution, any object with rvs, a dimension of "
            "scikit-optimize or Optuna and, except in param_grid, a tuple (low, high)."
        )
    if len(value) == 0:
        raise ValueError(
            f"Parameter grid for parameter {key!r} need to be a non-empty sequence, "
            f"got: {value!r}"
        )
    return list_dimension(list(value))


def parse_choices(choices: Sequence[Any], prior: Any) -> Table:
    """Make the dimension of choices.

    Parameters
    ----------
    choices : sequence
        The values.
    prior : array-like of shape (n_choices,), str or None
        Probabilities, as in scikit-optimize. Otherwise all are equally likely.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        If there is no choice, or the probabilities are invalid.
    """
    if len(choices) == 0:
        raise ValueError(f"there must be at least one choice, got {choices!r}")
    if prior is None or isinstance(prior, str):
        return list_dimension(list(choices))
    p = np.asarray(prior, dtype=np.float64)
    if p.shape != (len(choices),) or not (np.all(p >= 0) and 0 < p.sum() < math.inf):
        raise ValueError(
            f"the prior of {len(choices)} categories must have as many non-negative "
            f"numbers, not all of them zero, got {prior!r}"
        )
    possible = [choice for choice, weight in zip(choices, p, strict=True) if weight]
    return list_dimension(possible, p[p > 0].tolist())


def list_dimension(values: list[Any], weights: Sequence[float] | None = None) -> Table:
    """Make the dimension of a list; it holds the user's own objects.

    Parameters
    ----------
    values : list
        Not empty.
    weights : sequence of float, optional
        Probabilities. Default: each listed value is equally likely.

    Returns
    -------
    Table

    Examples
    --------
    >>> list_dimension([0.1, 1, 10, 100]).decode(0.35)
    1
    """
    levels, level_of = distinct(values)
    share = np.bincount(level_of, weights).astype(np.float64)
    positions = _numeric_positions(levels)
    if positions is None:
        n = len(levels)
        centres = (np.arange(n) + 0.5) / n
        return Table(levels, centres, share, listed=values, is_categorical=True)
    order = np.argsort(positions)
    ordered = [levels[k] for k in order]
    return Table(ordered, positions[order], share[order], listed=values)


def _numeric_positions(levels: list[Any]) -> FloatArray | None:
    """Return coordinates from 0 to 1 of numbers, None if the list is categorical.

    Two levels have no shape to learn. Values that compare equal and differ in type, 1
    and 1.0 as `max_features`, show that the numbers do not mean the same thing.
    """
    x = np.array([to_float(level) for level in levels])
    if len(x) < 3 or not np.all(np.isfinite(x)):
        return None
    if len(np.unique(x)) < len(x):
        return _ranks_of_integers(levels)
    # Halved or divided first, since the range of a list may overflow.
    is_log = np.min(x) > 0 and np.max(x) / LOG_RATIO >= np.min(x)
    t = np.log(x) if is_log else x / np.max(np.abs(x))
    t = (t - np.min(t)) / (np.max(t) - np.min(t))
    ranks = np.argsort(np.argsort(x)) / (len(x) - 1)
    return ranks if _is_crowded(np.sort(t)) else t


def _ranks_of_integers(levels: list[Any]) -> FloatArray | None:
    """Return ranks from 0 to 1 of integers that doubles do not tell apart."""
    if not all(map(is_integral, levels)):
        return None
    ordered = sorted({int(level) for level in levels})
    if len(ordered) < len(levels):
        return None
    rank = {value: i / (len(ordered) - 1) for i, value in enumerate(ordered)}
    return np.array([rank[int(level)] for level in levels])


def _is_crowded(t: FloatArray) -> bool:
    """Whether half of the levels are in a small part of the range, or two coincide."""
    half = math.ceil(len(t) / 2)
    spans = t[half - 1 :] - t[: len(t) - half + 1]
    return bool(np.min(spans) < _CROWD or np.min(np.diff(t)) < _MIN_GAP)
