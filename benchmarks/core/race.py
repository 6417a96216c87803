"""A search against a target: which score it had after how many processor seconds.

Scorers write down every score with its second. Afterwards `cv_results_` says which of
them belong to candidates with the full resource.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer

__all__ = ["Race", "curve_of"]


class Race:
    """The clock of one search, and what it had reached when.

    Parameters
    ----------
    budget : float
        Processor seconds after which the search is ended.
    target : float
        Score at which the search may end.

    Attributes
    ----------
    curve : list of (float, float)
        Second and score of each candidate with the full resource that was the best yet.
    scores : list of (float, float)
        Second and value of every score.
    """

    def __init__(self, budget: float = math.inf, target: float = math.inf) -> None:
        self.budget, self.target = budget, target
        self.curve: list[tuple[float, float]] = []
        self.scores: list[tuple[float, float]] = []
        self._start = time.process_time()

    @property
    def seconds(self) -> float:
        """What the search has taken so far."""
        return time.process_time() - self._start

    @property
    def is_reached(self) -> bool:
        """Whether a candidate with the full resource has the target."""
        return bool(self.curve) and self.curve[-1][1] >= self.target

    def pause(self, call: Callable[[], Any]) -> Any:
        """Return what a call returns; its time does not count."""
        begin = time.process_time()
        result = call()
        self._start += time.process_time() - begin
        return result

    def check(self) -> None:
        """End the search as Ctrl-C does, if there is nothing more to see."""
        if self.is_reached or self.seconds >= self.budget:
            raise KeyboardInterrupt

    def scorer(self, scoring: str) -> Callable[[Any, Any, Any], float]:
        """Return a scorer that writes down its scores and ends a search out of time."""
        scorer = get_scorer(scoring)

        def score(estimator: Any, X: Any, y: Any) -> float:
            value = float(scorer(estimator, X, y))
            self.scores.append((self.seconds, value))
            self.check()
            return value

        return score

    def note(self, score: float, seconds: float | None = None) -> None:
        """Take note of a candidate with the full resource."""
        if not self.curve or score > self.curve[-1][1]:
            at = self.seconds if seconds is None else seconds
            self.curve.append((at, float(score)))

    def note_rows(self, results: dict[str, Any], n_splits: int) -> None:
        """Take note of the rows of `cv_results_` that have the full resource.

        Rows stand in the order in which they were scored. If the scores of a row are
        not the next ones, it was taken over from an earlier row, at no cost.
        """
        splits = np.transpose(
            [results[f"split{k}_test_score"] for k in range(n_splits)]
        )
        resources = np.asarray(results.get("n_resources", np.ones(len(splits))))
        seconds, n = 0.0, 0
        for own, mean, resource in zip(
            splits, results["mean_test_score"], resources, strict=True
        ):
            finite = own[np.isfinite(own)]
            following = self.scores[n : n + len(finite)]
            if len(finite) and [value for _, value in following] == list(finite):
                seconds, n = following[-1][0], n + len(finite)
            if resource == resources.max() and np.isfinite(mean):
                self.note(mean, seconds)


def curve_of(text: str) -> list[tuple[float, float]]:
    """Return the points (second, score) that a row of a file holds as text."""
    points = (point.split(":") for point in text.split())
    return [(float(second), float(score)) for second, score in points]
