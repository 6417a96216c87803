"""What wants to hear of a run: the journal, callbacks, verbose lines."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn_tuners._compat.sklearn import Outcome
from sklearn_tuners._engine.trial import Trial

__all__ = ["Observer"]


class Observer:
    """Hears of everything that happens in a run; does nothing unless overridden.

    The engine calls its observers in their order, always in the thread that runs the
    search. An exception that an observer raises ends the run.
    """

    def began(self, trials: Sequence[Trial]) -> None:
        """Hear that the run begins; `trials` are those of a run that it continues."""

    def proposed(self, trial: Trial) -> None:
        """Hear of a new trial."""

    def finished(self, trial: Trial, split: int, outcome: Outcome) -> None:
        """Hear of an outcome on one split of a trial."""

    def told(self, trial: Trial, score: float) -> None:
        """Hear that a trial is complete and its score known to the tuner."""

    def ended(self, reason: str) -> None:
        """Hear that the run has ended by itself, and why."""
