"""What listens to a run: verbose lines, the journal, scikit-learn's callbacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sklearn_tuners._compat.sklearn import (
    CallbackTask,
    Outcome,
    check_refit_metric,
    forget_subtask,
)
from sklearn_tuners._engine.observer import Observer
from sklearn_tuners._engine.trial import Trial
from sklearn_tuners._journal.journal import Journal
from sklearn_tuners._journal.records import point_to_record

__all__ = ["Announcer", "CallbackTasks", "JournalWriter", "MetricCheck"]


class Announcer(Observer):
    """Prints what a run is going to do, as scikit-learn's searches do.

    Parameters
    ----------
    text : str
        The line to print.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def began(self, trials: Sequence[Trial]) -> None:
        """Print the line, and how much is already in the journal."""
        print(self.text)  # noqa: T201 (as scikit-learn's searches do)
        if trials:
            n_done = sum(len(trial.finished) for trial in trials)
            print(f"{n_done} of them are in the journal")  # noqa: T201


class JournalWriter(Observer):
    """Writes trials and outcomes to a journal at once.

    Parameters
    ----------
    journal : Journal
        A confirmed journal.
    note : callable
        ``note(trial)`` returns what to keep of the stage of a trial, or None.
    """

    def __init__(self, journal: Journal, note: Callable[[Trial], str | None]) -> None:
        self.journal = journal
        self.note = note

    def proposed(self, trial: Trial) -> None:
        """Write a new trial."""
        record = point_to_record(trial.point)
        self.journal.add_trial(trial.number, **record, note=self.note(trial))

    def finished(self, trial: Trial, split: int, outcome: Outcome) -> None:
        """Write an outcome."""
        self.journal.add_outcome(trial.number, split, outcome)


class CallbackTasks(Observer):
    """Keeps the part of scikit-learn's task tree that belongs to a run.

    Parameters
    ----------
    task : CallbackTask
        The task of the run; each evaluation is a subtask of it.
    search : estimator
        What the hooks of callbacks receive.
    n_splits : int
        Evaluations per trial.
    """

    def __init__(self, task: CallbackTask, search: Any, n_splits: int) -> None:
        self.task = task
        self._search = search
        self._n_splits = n_splits

    def began(self, trials: Sequence[Trial]) -> None:
        """Call the hooks for the beginning of the run."""
        self.task.call_on_fit_task_begin(estimator=self._search)

    def leaf(self, trial: Trial, split: int) -> CallbackTask:
        """Return a new subtask for one evaluation."""
        task_id = self._task_id(trial, split)
        forget_subtask(self.task, task_id)  # left over if its worker died
        return self.task.subcontext(
            task_name="candidate-split-evaluation", task_id=task_id
        )

    def finished(self, trial: Trial, split: int, outcome: Outcome) -> None:
        """Drop the subtask: otherwise the tree would keep growing."""
        forget_subtask(self.task, self._task_id(trial, split))

    def ended(self, reason: str) -> None:
        """Call the hooks for the end of the run."""
        self.task.call_on_fit_task_end(estimator=self._search)

    def _task_id(self, trial: Trial, split: int) -> int:
        return trial.number * self._n_splits + split


class MetricCheck(Observer):
    """Raises as soon as a callable scorer returns metrics that `refit` cannot name.

    Parameters
    ----------
    refit : bool, str or callable
        Parameter of the search.
    """

    def __init__(self, refit: Any) -> None:
        self.refit = refit

    def finished(self, trial: Trial, split: int, outcome: Outcome) -> None:
        """Check the names of the scores, if they have names."""
        if isinstance(outcome["test_scores"], dict):
            check_refit_metric(self.refit, outcome["test_scores"])
