"""Random search: the yardstick."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.model_selection import RandomizedSearchCV

from benchmarks.core.race import Race
from benchmarks.tasks.functions import Problem
from benchmarks.tasks.resources import Task

__all__ = ["Tuner", "race", "search"]


class Tuner:
    """Uniform draws on the scale of each parameter."""

    def __init__(self, problem: Problem, n_iter: int, seed: int) -> None:
        self.problem, self.rng = problem, np.random.default_rng(seed)

    def ask(self) -> dict[str, Any]:
        """Draw."""
        return self.problem.sample(self.rng)

    def tell(self, params: dict[str, Any], score: float) -> None:
        """Learn nothing."""


def search(estimator: Any, space: Any, n_iter: int, seed: int, **kwargs: Any) -> Any:
    """Return `RandomizedSearchCV`."""
    return RandomizedSearchCV(
        estimator, space, n_iter=n_iter, random_state=seed, **kwargs
    )


def race(task: Task, seed: int, race: Race, n_iter: int = 60) -> None:
    """Run all candidates."""
    made = RandomizedSearchCV(
        task.estimator(),
        task.space,
        n_iter=n_iter,
        scoring=race.scorer(task.scoring),
        cv=task.folds(seed),
        random_state=seed,
        refit=False,
        error_score="raise",
    ).fit(*task.load())
    race.note_rows(made.cv_results_, task.n_splits)
