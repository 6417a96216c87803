"""``cv_results_`` of candidates with different resources; pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from sklearn_tuners._typing import FloatArray, IntArray

__all__ = ["cumulative_times", "ranks", "rows_to_choose_from", "take_rows"]


def cumulative_times(
    candidates: Sequence[int], resources: Sequence[int], times: FloatArray
) -> FloatArray:
    """Return what was spent on each candidate up to each of its rows.

    Parameters
    ----------
    candidates, resources : sequence of n ints
        Candidate and resource of each row.
    times : ndarray of shape (n, n_splits)
        Time of the row itself. If a candidate has several rows at one resource, only
        the first of them ran.

    Returns
    -------
    ndarray of shape (n, n_splits)

    Examples
    --------
    >>> cumulative_times([0, 1, 0], [1, 1, 3], np.array([[1.0], [2.0], [4.0]]))
    array([[1.],
           [2.],
           [5.]])
    """
    spent: dict[int, dict[int, FloatArray]] = {}
    for candidate, resource, own in zip(candidates, resources, times, strict=True):
        spent.setdefault(candidate, {}).setdefault(resource, own)
    return np.array(
        [
            sum(
                (own for r, own in spent[candidate].items() if r <= resource),
                np.zeros(times.shape[1]),
            )
            for candidate, resource in zip(candidates, resources, strict=True)
        ]
    ).reshape(times.shape)


def ranks(scores: FloatArray, resources: IntArray) -> NDArray[np.int32]:
    """Rank rows by resource, then by score; rows without a score are last.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Larger is better.
    resources : ndarray of shape (n,)
        Resource of each row.

    Returns
    -------
    ndarray of shape (n,)
        Starts at 1; equal rows share the smallest rank.

    Examples
    --------
    >>> ranks(np.array([0.9, 0.7, np.nan, 0.7]), np.array([1, 3, 3, 3]))
    array([3, 1, 4, 1], dtype=int32)
    """
    is_finite = np.isfinite(scores)
    keys = np.stack(
        [
            ~is_finite,
            np.where(is_finite, -resources, 0),
            np.where(is_finite, -scores, 0.0),
        ],
        axis=1,
    )
    _, order = np.unique(keys, axis=0, return_inverse=True)
    return np.asarray(rankdata(order.ravel(), method="min"), dtype=np.int32)


def rows_to_choose_from(scores: FloatArray, resources: IntArray) -> IntArray:
    """Return the rows of the largest resource that has a finite score.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Score of each row.
    resources : ndarray of shape (n,)
        Resource of each row.

    Returns
    -------
    ndarray
        All rows of the largest resource if none has a score.
    """
    is_finite = np.isfinite(scores)
    reached = resources[is_finite] if is_finite.any() else resources
    return np.flatnonzero(resources == reached.max())


def take_rows(results: Mapping[str, Any], rows: IntArray) -> dict[str, Any]:
    """Return ``cv_results_`` with some of its rows only."""
    return {
        name: [column[row] for row in rows]
        if isinstance(column, list)
        else column[rows]
        for name, column in results.items()
    }
