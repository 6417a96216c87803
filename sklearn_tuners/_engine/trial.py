"""A trial: a point of the search space and its outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sklearn_tuners._compat.sklearn import Outcome
from sklearn_tuners._space.point import Point
from sklearn_tuners._typing import Params

__all__ = ["Proposal", "Trial"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a tuner proposes to try.

    Attributes
    ----------
    point : Point
        A point, with the params that are set on the estimator.
    stage : object
        What the tuner stores with the trial.
    outcomes : sequence of dict or None
        Outcomes of an earlier trial of the same kind, which are not run again.
    """

    point: Point
    stage: Any = None
    outcomes: Sequence[Outcome] | None = None


@dataclass(slots=True, eq=False)
class Trial:
    """A point and its outcome on every split.

    Attributes
    ----------
    number : int
        Position in the order of proposal.
    point : Point
        A point, with the params that are set on the estimator.
    outcomes : list of dict or None
        What `fit_and_score` returned for each split; None until that split has run.
    stage : object
        What the tuner stored with the trial.
    """

    number: int
    point: Point
    outcomes: list[Outcome | None] = field(repr=False)
    stage: Any = None

    @property
    def params(self) -> Params:
        """The parameters to set on the estimator."""
        return self.point.params

    @property
    def is_complete(self) -> bool:
        """Whether every split has run."""
        return None not in self.outcomes

    @property
    def finished(self) -> list[Outcome]:
        """The outcomes so far."""
        return [outcome for outcome in self.outcomes if outcome is not None]
