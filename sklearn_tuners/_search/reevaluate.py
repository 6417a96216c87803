"""Scoring the best candidates again, on splits that had no part in choosing them.

The best mean score of many candidates is too high: it was selected for that. On fresh
splits the scores of the best few are unbiased, so the mean over old and fresh splits is
a better basis for choosing among them.
"""

from __future__ import annotations

import copy
import inspect
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from sklearn_tuners._compat.sklearn import MultimetricScorer
from sklearn_tuners._engine.trial import Proposal, Trial
from sklearn_tuners._search.problem import Searched
from sklearn_tuners._search.run import Runner
from sklearn_tuners._search.scores import split_scores
from sklearn_tuners._search.strategy import Strategy
from sklearn_tuners._typing import FloatArray, Split

__all__ = ["check_reevaluation", "choose", "reevaluate", "reseeded", "top_rows"]


class _Again(Strategy):
    """Evaluates given trials once more, in their order."""

    def __init__(
        self, searched: Searched, splits: list[Split], trials: Sequence[Trial]
    ) -> None:
        super().__init__(searched, splits, _Listed(trials), len(trials))

    def announcement(self) -> str:
        n_splits = len(self.splits)
        return (
            f"Fitting {n_splits} fresh folds for each of the {self.n_trials} best "
            f"candidates, totalling {n_splits * self.n_trials} fits"
        )


class _Listed:
    """A tuner that proposes what it was given."""

    exhausted = "n_iter"

    def __init__(self, trials: Sequence[Trial]) -> None:
        self.n_independent = self.n_initial_points = len(trials)
        self._left = [trial.point for trial in trials]

    def ask(self, pending: Sequence[Trial]) -> Proposal | None:
        return Proposal(self._left.pop(0)) if self._left else None

    def tell(self, trial: Trial, score: float) -> None:
        """Learn nothing."""

    def regret_bound(self) -> float:
        return math.inf


def reseeded(cv: Any, seed: int) -> Any:
    """Return a splitter like `cv` that draws other splits.

    Parameters
    ----------
    cv : splitter
        As from `sklearn.model_selection.check_cv`. The copy shuffles if it can.
    seed : int
        Becomes the seed of the copy, or the next number if it is the seed already.

    Returns
    -------
    splitter
        A copy.

    Raises
    ------
    ValueError
        If `cv` cannot draw other splits.

    Examples
    --------
    >>> from sklearn.model_selection import KFold
    >>> reseeded(KFold(3), seed=7)
    KFold(n_splits=3, random_state=7, shuffle=True)
    """
    # An attribute would not do: TimeSeriesSplit inherits one that it does not use.
    if "random_state" not in inspect.signature(type(cv)).parameters:
        raise ValueError(
            f"reevaluate_top needs fresh splits, and cv={cv!r} can draw no others: it "
            "has no random_state. Give an integer, a splitter that shuffles (such as "
            "StratifiedKFold or ShuffleSplit), or reevaluate_top=None."
        )
    other = copy.copy(cv)
    if hasattr(other, "shuffle"):
        other.shuffle = True
    other.random_state = seed if seed != cv.random_state else seed + 1
    return other


def top_rows(scores: Sequence[float] | FloatArray, k: int) -> list[int]:
    """Return the rows of the k best scores, the best first; ties in their order.

    Parameters
    ----------
    scores : sequence of float
        NaN scores are left out.
    k : int
        Largest number of rows.

    Returns
    -------
    list of int

    Examples
    --------
    >>> top_rows([0.8, float("nan"), 0.9, 0.9], 3)
    [2, 3, 0]
    """
    order = np.argsort(-np.asarray(scores, dtype=float), kind="stable")
    return [int(row) for row in order[:k] if not np.isnan(scores[row])]


def check_reevaluation(top: int | None, refit: Any, cv: Any, scorers: Any) -> None:
    """Raise ``ValueError`` if `reevaluate_top` can do nothing.

    Parameters
    ----------
    top : int or None
        Parameter `reevaluate_top` of the search.
    refit : bool, str or callable
        Parameter of the search.
    cv : splitter
        See `reseeded`.
    scorers : callable
        The scorer or scorers of the search.
    """
    if top is None:
        return
    reseeded(cv, seed=0)
    has_names = isinstance(scorers, MultimetricScorer)
    if callable(refit) or (has_names and refit is False):
        raise ValueError(
            f"reevaluate_top={top!r} chooses by the mean score, "
            f"which refit={refit!r} does not: give refit=True or the name of a "
            "metric, or reevaluate_top=None."
        )


def reevaluate(
    runner: Runner,
    searched: Searched,
    trials: Sequence[Trial],
    *,
    top: int,
    splits: list[Split],
) -> tuple[int, dict[str, Any]] | None:
    """Evaluate the best trials on fresh splits, and choose among them.

    Parameters
    ----------
    runner : Runner
        The runner that ran the trials.
    searched : Searched
        The space they are from.
    trials : sequence of Trial
        Complete trials, the rows of ``cv_results_``.
    top : int
        Number of trials to evaluate again.
    splits : list of (ndarray, ndarray)
        Fresh splits.

    Returns
    -------
    row, found
        See `choose`. None without trials; also None, with a warning, if time ran out or
        a callback asked to stop before all splits had run.
    """
    if not trials:
        return None
    metric = runner.metric
    means = [float(np.mean(split_scores(trial, metric))) for trial in trials]
    rows = top_rows(means, top)
    again = _Again(searched, splits, [trials[row] for row in rows])
    engine = runner.engine(again, name="reevaluate")
    engine.run()
    if len(engine.rows) < len(rows):
        warnings.warn(
            f"The re-evaluation of the {len(rows)} best candidates was stopped "
            f"({engine.stop_reason}) before it was done, so the best by the splits of "
            "the search is taken.",
            UserWarning,
            stacklevel=2,
        )
        return None
    old = [split_scores(trials[row], metric) for row in rows]
    return choose(rows, old, [split_scores(trial, metric) for trial in engine.rows])


def choose(
    rows: Sequence[int], old: Sequence[Sequence[float]], new: Sequence[Sequence[float]]
) -> tuple[int, dict[str, Any]]:
    """Choose among candidates by the mean over old and fresh splits.

    Parameters
    ----------
    rows : sequence of int of length k
        Rows of ``cv_results_``, the best by the old splits first.
    old, new : k sequences of float
        Scores on the splits of the search, and on the fresh ones.

    Returns
    -------
    row : int
        The row with the largest mean, the first of several. A row with a failed fit is
        chosen only if every row has one.
    found : dict of str to ndarray
        ``candidate``, ``split{i}_test_score`` of the fresh splits, ``mean_cv_score``,
        ``mean_fresh_score`` and ``mean_score`` (over all splits): the columns of a
        data frame.

    Examples
    --------
    >>> row, found = choose([4, 2], [[0.9, 0.8], [0.8, 0.8]], [[0.6, 0.7], [0.8, 0.9]])
    >>> row, found["mean_score"].round(3)
    (2, array([0.75 , 0.825]))
    """
    before, after = np.asarray(old, dtype=float), np.asarray(new, dtype=float)
    mean = np.concatenate([before, after], axis=1).mean(axis=1)
    found = {"candidate": np.asarray(rows)}
    found |= {f"split{i}_test_score": scores for i, scores in enumerate(after.T)}
    found |= {
        "mean_cv_score": before.mean(axis=1),
        "mean_fresh_score": after.mean(axis=1),
        "mean_score": mean,
    }
    return rows[top_rows(mean, 1)[0] if not np.isnan(mean).all() else 0], found
