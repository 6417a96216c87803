"""Observers of a run: the journal, callbacks, verbose lines."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn_tuners._compat.sklearn import Outcome
from sklearn_tuners._engine.trial import Trial

__all__ = ["Observer"]


class Observer:
    """Is notified of everything that happens in a run; does nothing by default.

    The engine calls its observers in their order, always in the thread that runs the
    search. An exception that an observer raises ends the run.
    """

    def began(self, trials: Sequence[Trial]) -> None:
        """Note that the run begins; `trials` are those of the run that it continues."""

    def proposed(self, trial: Trial) -> None:
        """Note a new trial."""

    def finished(self, trial: Trial, split: int, outcome: Outcome) -> None:
        """Note the outcome of a trial on one split."""

    def told(self, trial: Trial, score: float) -> None:
        """Note that a trial is complete and that the tuner knows its score."""

    def ended(self, reason: str) -> None:
        """Note that the run has ended without an exception, and why."""
