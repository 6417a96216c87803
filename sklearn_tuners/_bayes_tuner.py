"""An `Optimizer` as the engine's tuner: every trial is a full evaluation."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn_tuners._bayes.optimizer import Optimizer
from sklearn_tuners._engine.loop import Proposal, Trial

__all__ = ["OptimizerTuner"]


class OptimizerTuner:
    """Proposes what an optimiser proposes.

    Parameters
    ----------
    optimizer : Optimizer
        Nothing told yet.
    """

    exhausted = "space exhausted"

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.n_independent = optimizer.n_independent
        self.n_initial_points = optimizer.n_initial_points

    def ask(self, pending: Sequence[Trial]) -> Proposal | None:
        """Return params to try, or None if every point has been asked for."""
        params = self.optimizer.ask(pending=[trial.params for trial in pending])
        return None if params is None else Proposal(params)

    def tell(self, trial: Trial, score: float) -> None:
        """Report the score of a trial."""
        self.optimizer.tell(trial.params, score)

    def regret_bound(self) -> float:
        """Return how much better than the best told trial any params could be."""
        return self.optimizer.regret_bound()
