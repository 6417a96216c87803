"""`BayesSearchCV` and its `Optimizer`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from benchmarks.core.race import Race
from benchmarks.tasks.functions import Choice, Number, Problem
from benchmarks.tasks.resources import Task
from sklearn_tuners import BayesSearchCV, Optimizer

__all__ = ["Tuner", "race", "search"]


class Tuner:
    """`Optimizer`; keyword arguments are passed on."""

    def __init__(self, problem: Problem, n_iter: int, seed: int, **kwargs: Any) -> None:
        space = [
            {name: self.dimension(dim) for name, dim in dims.items()}
            for dims in problem.space
        ]
        self.optimizer = Optimizer(
            space if len(space) > 1 else space[0],
            n_iter=n_iter,
            random_state=seed,
            **kwargs,
        )
        self.ask, self.tell = self.optimizer.ask, self.optimizer.tell

    @staticmethod
    def dimension(dim: Number | Choice) -> Any:
        """Express a dimension as scikit-optimize does."""
        if isinstance(dim, Choice):
            return list(dim.values)
        low, high = (int(v) if dim.integer else float(v) for v in (dim.low, dim.high))
        return (low, high, "log-uniform" if dim.log else "uniform")

    def start_from(
        self, params: Sequence[dict[str, Any]], scores: Sequence[float]
    ) -> None:
        """Take evaluations made elsewhere."""
        for own, score in zip(params, scores, strict=True):
            self.tell(own, score)


def search(estimator: Any, space: Any, n_iter: int, seed: Any, **kwargs: Any) -> Any:
    """Return `BayesSearchCV`."""
    return BayesSearchCV(estimator, space, n_iter=n_iter, random_state=seed, **kwargs)


def race(task: Task, seed: int, race: Race, n_iter: int = 60) -> None:
    """Run until the target, the budget or the last candidate."""
    made = BayesSearchCV(
        task.estimator(),
        task.space,
        n_iter=n_iter,
        scoring=race.scorer(task.scoring),
        cv=task.folds(seed),
        random_state=seed,
        refit=False,
        target_score=race.target,
    )
    with suppress(KeyboardInterrupt):
        made.fit(*task.load())
    # A search that was ended before any candidate was complete has no results.
    if hasattr(made, "cv_results_"):
        race.note_rows(made.cv_results_, task.n_splits)
