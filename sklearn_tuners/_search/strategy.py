"""What a search does differently from another: one object with working defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from sklearn_tuners._compat.sklearn import Outcome
from sklearn_tuners._engine.loop import Tuner
from sklearn_tuners._engine.trial import Trial
from sklearn_tuners._engine.workers import Workers
from sklearn_tuners._journal.journal import Identity
from sklearn_tuners._search.problem import Searched
from sklearn_tuners._training.steps import Training
from sklearn_tuners._typing import IntArray, Params, Split

__all__ = ["Job", "Strategy", "StrategyTuner"]


class StrategyTuner(Tuner, Protocol):
    """A tuner that a journal can rebuild, and that knows what may still be gained."""

    @property
    def n_initial_points(self) -> int:
        """Trials before the first one that depends on scores."""

    def regret_bound(self) -> float:
        """Return how much better than the best told trial any params could be."""


@dataclass(frozen=True)
class Job:
    """One evaluation: a candidate on a split.

    Attributes
    ----------
    params : dict
        Arguments of `set_params`.
    train, test : ndarray
        Row numbers.
    training : Training or None
        How to train; None calls ``fit`` alone.
    """

    params: Params
    train: IntArray
    test: IntArray
    training: Training | None = None


class Strategy:
    """What a search does differently from another.

    By default it evaluates every candidate of its tuner once, on all training rows of
    every split. A search overrides what differs.

    Parameters
    ----------
    searched : Searched
        The space.
    splits : list of (ndarray, ndarray)
        Row numbers to train and to test on.
    tuner : StrategyTuner
        Says which candidate comes next.
    n_trials : int
        Largest number of trials.
    """

    def __init__(
        self,
        searched: Searched,
        splits: list[Split],
        tuner: StrategyTuner,
        n_trials: int,
    ) -> None:
        self.searched = searched
        self.splits = splits
        self.tuner = tuner
        self.n_trials = n_trials

    # Before the run.

    def identity(self) -> Mapping[str, Identity]:
        """Return what must match a journal, in addition to data, space and scoring."""
        return {}

    def n_planned(self, n_workers: int) -> int | None:
        """Return the number of trials if it is known before the run, else None."""
        return self.n_trials

    def announcement(self) -> str:
        """Return the line that `verbose` prints when the run begins."""
        n_splits = len(self.splits)
        return (
            f"Fitting {n_splits} folds for each of {self.n_trials} candidates, "
            f"totalling {self.n_trials * n_splits} fits"
        )

    @contextmanager
    def running(self, workers: Workers) -> Iterator[None]:
        """Set up what the run needs, and clean up afterwards."""
        yield

    # During the run.

    def job(self, trial: Trial, split: int) -> Job:
        """Return one evaluation of a trial."""
        train, test = self.splits[split]
        return Job(trial.params, train, test)

    def note(self, trial: Trial) -> str | None:
        """Return what the journal keeps of the stage of a trial."""
        return None

    def restore(self, note: str | None) -> Any:
        """Return the stage that `note` was made from."""
        return None

    def counts(self, trial: Trial) -> bool:
        """Return whether the score of a trial counts for stopping the search."""
        return True

    # After the run.

    def rows(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return the trials that the results show: those of `n_iter` candidates.

        A journal may have more.
        """
        return list(trials)

    def shown_params(self, trial: Trial) -> Params:
        """Return the params of a trial as ``cv_results_`` shows them."""
        return trial.params

    def outcomes(self, trials: Sequence[Trial]) -> list[Outcome]:
        """Return the outcomes that the rows are made of, split after split."""
        return [outcome for trial in trials for outcome in trial.finished]

    def columns(
        self,
        trials: Sequence[Trial],
        results: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Return additional or replaced columns of ``cv_results_``."""
        return {}

    def attributes(self, trials: Sequence[Trial]) -> dict[str, Any]:
        """Return additional fitted attributes of the search."""
        return {}

    def best_row(
        self,
        results: Mapping[str, Any],
        metric: Any,
        select: Callable[[Mapping[str, Any]], int],
    ) -> int:
        """Return the row that `refit` selects.

        Parameters
        ----------
        results : dict
            ``cv_results_``.
        metric : str or bool
            The metric that `refit` names.
        select : callable
            ``select(results)`` selects from any ``cv_results_``.
        """
        return select(results)

    def warn_of_unfinished(
        self,
        trials: Sequence[Trial],
        results: Mapping[str, Any],
        row: int,
        metric: Any,
        *,
        has_journal: bool,
    ) -> None:
        """Warn if a search that ended early has left a better candidate behind.

        Parameters
        ----------
        trials : sequence of Trial
            Of each row.
        results : dict
            ``cv_results_``.
        row : int
            The row that was selected.
        metric : str or bool
            The metric that `refit` names.
        has_journal : bool
            Whether the search can go on from a journal.
        """

    def best_params(self, params: Params) -> Params:
        """Return the params of the best row as the refit sets them."""
        return params

    def is_refitted_anyway(
        self,
        results: Mapping[str, Any],
        row: int,
    ) -> bool:
        """Return whether the best row is refitted even after an interruption."""
        return False

    def fit_best(
        self, best: Any, X: Any, y: Any, fit_params: Mapping[str, Any]
    ) -> None:
        """Fit the estimator that has the best params on all data."""
        if y is None:
            best.fit(X, **fit_params)
        else:
            best.fit(X, y, **fit_params)
