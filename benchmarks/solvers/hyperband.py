"""`HyperbandSearchCV`, with passes that repeat until the race is over."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from benchmarks.core.race import Race
from benchmarks.tasks.resources import Task
from sklearn_tuners import HyperbandSearchCV

__all__ = ["make", "race", "rungs_of"]

FOREVER = 1e9


def make(task: Task, seed: int, **kwargs: Any) -> HyperbandSearchCV:
    """Return the search as a user would write it."""
    return HyperbandSearchCV(
        task.estimator(),
        task.space,
        resource=task.resource,
        max_resources=task.full or "auto",
        cv=task.folds(seed),
        random_state=seed,
        refit=False,
        max_time=FOREVER,
        **{"scoring": task.scoring, **kwargs},
    )


def rungs_of(task: Task) -> list[int]:
    """Return the resources of the rungs that the search chooses by itself."""
    plan = make(task, 0).plan(*task.load())
    return [int(r) for r in plan.loc[plan["bracket"] == 0, "n_resources"]]


def race(task: Task, seed: int, race: Race, **kwargs: Any) -> None:
    """Run until the target or the budget is reached."""
    given = {"scoring": race.scorer(task.scoring), "target_score": race.target}
    made = make(task, seed, **given, **kwargs)
    with suppress(KeyboardInterrupt):
        made.fit(*task.load())
    # A search that was ended before any candidate was complete has no results.
    if hasattr(made, "cv_results_"):
        race.note_rows(made.cv_results_, task.n_splits)
