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
        """The run begins; `trials` come from an earlier run that it continues."""

    def proposed(self, trial: Trial) -> None:
        """A new trial was proposed."""

    def finished(self, trial: Trial, split: int, outcome: Outcome) -> None:
        """One split of a trial has an outcome."""

    def told(self, trial: Trial, score: float) -> None:
        """A trial is complete and the tuner knows its score."""

    def ended(self, reason: str) -> None:
        """The run has ended by itself, for the reason given."""
