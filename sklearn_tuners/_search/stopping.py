"""When a search stops, and how far its proposals lag behind the scores.

Scores come in the order of the trials. Those of failed trials are NaN and never count
as an improvement.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from sklearn_tuners._engine.trial import Trial
from sklearn_tuners._split_scores import standard_error

__all__ = ["EARLY_ENDS", "Stopping", "default_lag", "has_stalled"]

EARLY_ENDS = {"max_time", "callback", "n_iter_no_change", "stopping"}
"""Reasons to stop that may leave a good candidate half trained. So may "target_score",
but then the user has what was asked for."""

_MAX_LAG = 12
"""Longest default lag for up to 12 workers: a longer one costs more regret early in a
search than it saves in waiting (docs/measured/engine.md)."""

_MIN_TRIALS = 20
"""Trials before `stopping="auto"` may end a search, as in Makarova et al. (2022)."""

_N_BELOW = 3
"""Trials in a row for which the bound must hold: one fit of the surrogate can be
overconfident (convention)."""


class Stopping:
    """Says after each trial whether the search ends.

    Parameters
    ----------
    target_score : float or None
        End when a trial has at least this score.
    n_iter_no_change : int or None
        End when that many trials in a row have brought no improvement.
    tol : float
        An improvement is larger than this.
    when_resolved : bool
        End when what may still be gained is less than what the splits can tell from
        noise.
    regret_bound : callable
        Returns how much better than the best told trial any params could be.
    split_scores : callable
        ``split_scores(trial)`` returns its scores on the splits.
    counts : callable
        ``counts(trial)`` returns whether its score counts; other trials are ignored.

    References
    ----------
    A. Makarova et al. (2022). Automatic termination for hyperparameter optimization.
    AutoML-Conf.
    """

    def __init__(
        self,
        *,
        target_score: float | None,
        n_iter_no_change: int | None,
        tol: float,
        when_resolved: bool,
        regret_bound: Callable[[], float],
        split_scores: Callable[[Trial], Sequence[float]],
        counts: Callable[[Trial], bool],
    ) -> None:
        self.target_score = target_score
        self.n_iter_no_change, self.tol = n_iter_no_change, tol
        self.when_resolved = when_resolved
        self.regret_bound = regret_bound
        self.split_scores = split_scores
        self.counts = counts
        self._scores: list[float] = []
        self._incumbent: Trial | None = None
        self._best_score = -math.inf
        self._n_below = 0

    def __call__(self, trial: Trial, score: float) -> str | None:
        """Return the name of the first parameter that ends the search, or None.

        Parameters
        ----------
        trial : Trial
            The trial just told.
        score : float
            Score of the trial.
        """
        if not self.counts(trial):
            return None
        self._scores.append(score)
        if self.target_score is not None and score >= self.target_score:
            return "target_score"
        patience = self.n_iter_no_change
        if patience is not None and has_stalled(self._scores, patience, self.tol):
            return "n_iter_no_change"
        if self.when_resolved and self._is_resolved(trial, score):
            return "stopping"
        return None

    def _is_resolved(self, trial: Trial, score: float) -> bool:
        """Return whether what may be gained has been below the noise for a while."""
        if score > self._best_score:
            self._best_score, self._incumbent = score, trial
        if len(self._scores) < _MIN_TRIALS or self._incumbent is None:
            return False
        scores = np.asarray(self.split_scores(self._incumbent))
        noise = float(standard_error(scores))
        self._n_below = self._n_below + 1 if self.regret_bound() < noise else 0
        return self._n_below >= _N_BELOW


def has_stalled(
    scores: Sequence[float], n_iter_no_change: int, tol: float = 0.0
) -> bool:
    """Return whether the last scores brought no improvement.

    Parameters
    ----------
    scores : sequence of float
        Mean test scores.
    n_iter_no_change : int
        Number of latest scores to check for an improvement.
    tol : float, default=0.0
        An improvement is larger than this, compared with the best score before.

    Returns
    -------
    bool
        False while there are no more than `n_iter_no_change` scores, or none of those
        before is a number.

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


def default_lag(n_workers: int, n_splits: int) -> int:
    """Return how many of the latest scores a proposal ignores.

    So its result does not depend on timing.

    Parameters
    ----------
    n_workers : int
        Evaluations that run at the same time.
    n_splits : int
        Evaluations per trial.

    Returns
    -------
    int
        For n workers and K splits ``n**2 / K``, rounded up, but at most the larger of n
        and 12; 0 for one worker.

    Notes
    -----
    While one worker is busy with a long evaluation, the other n - 1 need work that does
    not depend on it; and the more evaluations run, the longer the longest of them
    takes. Regret at equal time changes little around the best lag. With five splits
    the formula takes the lag that keeps 90 % of up to 8 workers busy
    (docs/measured/engine.md).

    Examples
    --------
    >>> [default_lag(n_workers, n_splits=5) for n_workers in (1, 2, 4, 8, 16)]
    [0, 1, 4, 12, 16]
    """
    if n_workers == 1:
        return 0
    return min(max(n_workers, _MAX_LAG), -(-(n_workers**2) // n_splits))
