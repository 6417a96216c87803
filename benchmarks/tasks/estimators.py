"""Estimators that fit nothing: what a search costs is its own time.

Their score is a smooth function of ten parameters in [0, 1].
"""

from __future__ import annotations

import threading
import time
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from benchmarks.tasks.functions import Number, Problem, make_problem

__all__ = ["NAMES", "Free", "Naps", "Probe", "Sleeper", "bowl", "score_of"]

N_DIMS = 10
NAMES = [f"x{i}" for i in range(N_DIMS)]


def score_of(params: dict[str, float]) -> float:
    """Score params; the maximum is off the centre of the cube."""
    x = np.array([params[name] for name in NAMES if name in params])
    return -float(np.sum((x - np.linspace(0.2, 0.8, len(x))) ** 2))


def bowl() -> Problem:
    """Return the ten parameters and their score as a problem."""
    return make_problem("bowl", dict.fromkeys(NAMES, Number(0, 1)), score_of, 0.0)


class Free(BaseEstimator):
    """Its fit does nothing."""

    def __init__(
        self, x0=0, x1=0, x2=0, x3=0, x4=0, x5=0, x6=0, x7=0, x8=0, x9=0
    ) -> None:
        self.x0, self.x1, self.x2, self.x3, self.x4 = x0, x1, x2, x3, x4
        self.x5, self.x6, self.x7, self.x8, self.x9 = x5, x6, x7, x8, x9

    def fit(self, X: Any, y: Any = None) -> Free:
        """Do nothing."""
        return self

    def score(self, X: Any, y: Any = None) -> float:
        """Return the score of the parameters, whatever the data."""
        return score_of(self.get_params())


class Naps:
    """Deals out durations in the order in which evaluations begin.

    Attributes
    ----------
    intervals : list of (float, float)
        Begin and end of each nap.
    """

    def __init__(self, durations: Any) -> None:
        self._durations = iter(durations.ravel().tolist())
        self._lock = threading.Lock()
        self.intervals: list[tuple[float, float]] = []

    def take(self) -> None:
        """Sleep for the next duration."""
        with self._lock:
            duration = next(self._durations)
        begin = time.perf_counter()
        time.sleep(duration)
        self.intervals.append((begin, time.perf_counter()))


class Sleeper(Free):
    """Takes a nap in `fit`."""

    naps: ClassVar[Naps]

    def fit(self, X: Any, y: Any = None) -> Sleeper:
        """Sleep."""
        self.naps.take()
        return self


class Probe(BaseEstimator):
    """Holds its training rows for a moment, so that its memory can be looked at."""

    def __init__(self, a: float = 0) -> None:
        self.a = a

    def fit(self, X: Any, y: Any = None) -> Probe:
        """Wait."""
        time.sleep(0.3)
        return self

    def score(self, X: Any, y: Any = None) -> float:
        """Wait again."""
        time.sleep(0.1)
        return self.a
