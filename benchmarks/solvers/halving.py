"""scikit-learn's `HalvingRandomSearchCV`, from the resource that ours begins with."""

from __future__ import annotations

from contextlib import suppress

from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingRandomSearchCV, cross_val_score

from benchmarks.core.race import Race
from benchmarks.solvers.hyperband import rungs_of
from benchmarks.tasks.resources import Task

__all__ = ["race"]


def race(task: Task, seed: int, race: Race) -> None:
    """Repeat the search until the target or the budget is reached.

    It scores on folds of its own: what it would return at the end of a pass is scored
    again on the common ones, off the clock.
    """
    X, y = task.load()
    rungs, folds = race.pause(lambda: (rungs_of(task), task.folds(seed)))
    n = 0
    with suppress(KeyboardInterrupt):
        while True:
            made = HalvingRandomSearchCV(
                task.estimator(),
                task.space,
                resource=task.parameter,
                min_resources=rungs[0],
                max_resources=rungs[-1],
                scoring=race.scorer(task.scoring),
                cv=task.n_splits,
                # Not the draws of random search.
                random_state=1_000_000 + 1000 * seed + n,
                refit=False,
            ).fit(X, y)
            params = made.cv_results_["params"][made.best_index_]
            best = clone(task.estimator()).set_params(**params)
            if task.resource != "n_samples":
                best.set_params(**{task.parameter: rungs[-1]})
            scores = race.pause(
                lambda best=best: cross_val_score(
                    best, X, y, scoring=task.scoring, cv=folds
                )
            )
            race.note(scores.mean())
            race.check()
            n += 1
