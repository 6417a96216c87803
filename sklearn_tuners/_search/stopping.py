"""When to stop, and how far proposals lag behind scores: pure functions.

Scores come in the order of the trials and may be NaN, for trials that
failed; those never count as an improvement.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

__all__ = ["default_lag", "fold_resolution", "has_stalled"]

_MAX_LAG = 12
"""Longest default lag of up to as many workers."""


def has_stalled(
    scores: Sequence[float], n_iter_no_change: int, tol: float = 0.0
) -> bool:
    """Whether the last scores brought no improvement.

    Parameters
    ----------
    scores : sequence of float
        Mean test scores.
    n_iter_no_change : int
        How many of the last ones have to be without an improvement.
    tol : float, default=0.0
        An improvement is larger than this, compared with the best score before.

    Returns
    -------
    bool
        False as long as there are no more than `n_iter_no_change` scores, or none that
        is a number.

    Examples
    --------
    >>> has_stalled([0.8, 0.9, 0.85, 0.9], n_iter_no_change=2)
    True
    >>> has_stalled([0.8, 0.9, 0.85, 0.91], n_iter_no_change=2)
    False
    """
    before = _best(scores[:-n_iter_no_change])
    return before > -math.inf and _best(scores[-n_iter_no_change:]) <= before + tol


def _best(scores: Sequence[float]) -> float:
    """Return the best score, minus infinity if there is none."""
    return max((score for score in scores if not math.isnan(score)), default=-math.inf)


def fold_resolution(split_scores: Sequence[float]) -> float:
    """Smallest difference in score that cross-validation can tell from noise.

    Parameters
    ----------
    split_scores : sequence of float of length n_splits
        Scores of one candidate on the splits.

    Returns
    -------
    float
        ``sqrt((1 / K + 1 / (K - 1)) s2)`` with the variance ``s2`` of the K scores,
        which accounts for the overlap of the training sets; 0 for one split.

    References
    ----------
    A. Makarova et al. (2022). Automatic termination for hyperparameter optimization.
    AutoML-Conf, Sec. 4; the factor is that of C. Nadeau and Y. Bengio (2003).
    Inference for the generalization error. Machine Learning 52.

    Examples
    --------
    >>> round(fold_resolution([0.90, 0.94, 0.92, 0.95, 0.89]), 4)
    0.0171
    """
    n_splits = len(split_scores)
    if n_splits < 2:
        return 0.0
    variance = float(np.var(split_scores, ddof=1))
    return math.sqrt((1 / n_splits + 1 / (n_splits - 1)) * variance)


def default_lag(n_workers: int, n_splits: int) -> int:
    """Trials whose scores a proposal does not wait for where timing must not matter.

    Parameters
    ----------
    n_workers : int
        Evaluations that run at the same time.
    n_splits : int
        Evaluations a trial.

    Returns
    -------
    int
        ``n**2 / K``, rounded up, and no more than the larger of n and 12, for n workers
        and K splits; 0 for one worker.

    Notes
    -----
    While one worker is busy with a straggler the other n - 1 have to be given work that
    does not depend on it, and the more evaluations run the longer the longest of them
    is. Regret at equal time changes little around its least value, so with five splits
    the formula takes the lag that keeps 90 % of up to 8 workers busy. Longer ones than
    its limit cost more, early in a search, than they win (`benchmarks/lag.py`,
    `docs/engine.md`).

    Examples
    --------
    >>> [default_lag(n_workers, n_splits=5) for n_workers in (1, 2, 4, 8, 16)]
    [0, 1, 4, 12, 16]
    """
    if n_workers == 1:
        return 0
    return min(max(n_workers, _MAX_LAG), -(-(n_workers**2) // n_splits))
