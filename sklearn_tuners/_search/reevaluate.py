"""Scoring the best candidates again, on splits that had no part in their selection.

The best mean score of many is too high: it was selected for being so. On fresh splits
the scores of the few best are as good as they are, and the mean over old and fresh
splits is a better ground to choose among them.
"""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sklearn_tuners._compat.sklearn import CallbackTask, MultimetricScorer, Outcome
from sklearn_tuners._engine.loop import Engine, Proposal, Trial
from sklearn_tuners._engine.workers import Workers

__all__ = ["check_reevaluation", "choose", "reevaluate", "reseeded", "top_rows"]

Params = dict[str, Any]
FloatArray = NDArray[np.float64]


class _Run(Protocol):
    """The run of a search, as far as it is needed to run some params once more."""

    search: Any
    workers: Workers
    deadline: float | None
    rows: list[Trial]
    cv: Any
    draw: Callable[[Any], list[Any]]

    def submit(self, trial: Trial, split: int) -> None:
        """Hand one evaluation to the workers."""

    def finished(self, trial: Trial, split: int, outcome: Outcome) -> None:
        """Take note of a new outcome."""

    def failed(self, trial: Trial, split: int, reason: str) -> Outcome:
        """Return the outcome of an evaluation that cannot be run, or raise."""

    def score(self, trial: Trial) -> float:
        """Return the mean over the splits."""

    def split_scores(self, trial: Trial) -> list[float]:
        """Return the metric that the search follows, on each split."""


class _Fixed:
    """A tuner that proposes what it was given."""

    exhausted = "n_iter"

    def __init__(self, params: Sequence[Params]) -> None:
        self.n_independent = len(params)
        self._left = list(params)

    def ask(self, pending: Sequence[Trial]) -> Proposal | None:
        return Proposal(self._left.pop(0)) if self._left else None

    def tell(self, trial: Trial, score: float) -> None:
        pass


class _Hooks:
    """A run without the rules that stop a search."""

    def __init__(self, run: _Run) -> None:
        self.submit, self.finished = run.submit, run.finished
        self.failed, self.score = run.failed, run.score

    def proposed(self, trial: Trial) -> None:
        pass

    def stop_reason(self, trial: Trial, scores: Sequence[float]) -> str | None:
        return None


def reseeded(cv: Any, seed: int) -> Any:
    """Splitter like `cv` that draws other splits.

    Parameters
    ----------
    cv : splitter
        As from `sklearn.model_selection.check_cv`. One that can shuffle and does not is
        made to.
    seed : int
        Another seed than its own is made of it.

    Returns
    -------
    splitter
        A copy.

    Raises
    ------
    ValueError
        If its splits cannot be drawn anew.

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
    """Rows of the k best scores, best first; of equal ones the first first.

    Parameters
    ----------
    scores : sequence of float
        Those that are NaN are left out.
    k : int
        How many, at the most.

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


def check_reevaluation(search: Any, cv: Any, scorers: Any) -> None:
    """Raise ``ValueError`` if `reevaluate_top` of a search can do nothing.

    Parameters
    ----------
    search : estimator
        With `reevaluate_top`, which may be None, and `refit`.
    cv : splitter
        See `reseeded`.
    scorers : callable
        Its scorer or scorers.
    """
    if search.reevaluate_top is None:
        return
    reseeded(cv, seed=0)
    has_names = isinstance(scorers, MultimetricScorer)
    if callable(search.refit) or (has_names and search.refit is False):
        raise ValueError(
            f"reevaluate_top={search.reevaluate_top!r} chooses by the mean score, "
            f"which refit={search.refit!r} does not: give refit=True or the name of a "
            "metric, or reevaluate_top=None."
        )


def reevaluate(
    run: _Run, seed: int, root: CallbackTask
) -> tuple[int, dict[str, Any]] | None:
    """Evaluate the best candidates of a run on fresh splits, and choose among them.

    Parameters
    ----------
    run : _Run
        A run that is done, its workers still there. It is left as it is.
    seed : int
        Of the splits.
    root : CallbackTask
        The root of the task tree of the search.

    Returns
    -------
    row, found
        See `choose`. None without `reevaluate_top` or candidates, or, with a warning,
        if the time was up or a callback asked to stop before all splits had run.
    """
    search = run.search
    if search.reevaluate_top is None or not run.rows:
        return None
    again: Any = copy.copy(run)
    again.journal, again.splits = None, run.draw(reseeded(run.cv, seed))
    n_splits = len(again.splits)
    rows = top_rows([run.score(trial) for trial in run.rows], search.reevaluate_top)
    again.n_candidates = len(rows)
    if search.verbose > 0:
        print(  # noqa: T201 (as scikit-learn's searches do)
            f"Fitting {n_splits} fresh folds for each of the {len(rows)} best "
            f"candidates, totalling {n_splits * len(rows)} fits"
        )
    again.task = search._search_task(root, n_splits * len(rows), "reevaluate")
    again.task.call_on_fit_task_begin(estimator=search)
    engine = Engine(
        _Fixed([run.rows[row].params for row in rows]),
        run.workers,
        _Hooks(again),
        n_iter=len(rows),
        n_splits=n_splits,
        lag=None,
        deadline=run.deadline,
    )
    engine.run()
    again.task.call_on_fit_task_end(estimator=search)
    if len(engine.rows) < len(rows):
        warnings.warn(
            f"The re-evaluation of the {len(rows)} best candidates was stopped "
            f"({engine.stop_reason}) before it was done, so the best by the splits of "
            "the search is taken.",
            UserWarning,
            stacklevel=2,
        )
        return None
    old = [run.split_scores(run.rows[row]) for row in rows]
    return choose(rows, old, [run.split_scores(trial) for trial in engine.rows])


def choose(
    rows: Sequence[int], old: Sequence[Sequence[float]], new: Sequence[Sequence[float]]
) -> tuple[int, dict[str, Any]]:
    """Choose among candidates by the mean over old and fresh splits.

    Parameters
    ----------
    rows : sequence of int of length k
        Where they stand in ``cv_results_``; the best by the old splits first.
    old, new : k sequences of float
        Scores on the splits of the search, and on the fresh ones.

    Returns
    -------
    row : int
        The one with the largest mean; of equal ones the first. Those of which a fit
        failed are not chosen, unless all are such.
    found : dict of str to ndarray
        ``candidate``, ``split{i}_test_score`` of the fresh splits, ``mean_cv_score``,
        ``mean_fresh_score`` and ``mean_score`` (over all splits), as a data frame can
        be made of.

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
