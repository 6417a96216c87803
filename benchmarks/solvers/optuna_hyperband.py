"""Optuna with its Hyperband pruner.

The objective trains in the steps of the rungs, as its documentation does: on from where
a fold stopped where scikit-learn's ``warm_start`` or ``partial_fit`` can, except that
the full resource of an MLP or SGD is trained in one go, which gives the model that a
refit would make.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split

from benchmarks.core.race import Race
from benchmarks.solvers.hyperband import rungs_of
from benchmarks.tasks.resources import Task

__all__ = ["race"]


def race(task: Task, seed: int, race: Race) -> None:
    """Run a study until the target or the budget is reached."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rungs = race.pause(lambda: rungs_of(task))
    folds = task.folds(seed)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.HyperbandPruner(
            min_resource=rungs[0], max_resource=rungs[-1], reduction_factor=3
        ),
    )

    def objective(trial: Any) -> float:
        params = {name: _suggest(trial, name, of) for name, of in task.space.items()}
        models: list[Any] = [None] * len(folds)
        score = -np.inf
        for rung in rungs:
            score = _score(task, params, models, rungs, rung, folds)
            race.check()
            if rung < rungs[-1]:
                trial.report(score, rung)
                if trial.should_prune():
                    raise optuna.TrialPruned
        race.note(score)
        race.check()
        return score

    with suppress(KeyboardInterrupt):
        study.optimize(objective)


def _suggest(trial: Any, name: str, values: Any) -> Any:
    """Return a value of a parameter, from its list or scipy distribution."""
    if isinstance(values, list):
        return values[trial.suggest_categorical(name, list(range(len(values))))]
    low, high = values.support()
    if values.dist.name == "randint":
        return trial.suggest_int(name, int(low), int(high))
    is_log = values.dist.name in ("loguniform", "reciprocal")
    return trial.suggest_float(name, float(low), float(high), log=is_log)


def _score(
    task: Task, params: Any, models: list[Any], rungs: list[int], rung: int, folds: Any
) -> float:
    """Train each fold up to a rung; return the mean score."""
    X, y = task.load()
    scorer = get_scorer(task.scoring)
    scores = []
    for k, (train, test) in enumerate(folds):
        if task.resource == "n_samples":
            models[k] = task.estimator().set_params(**params)
            if rung < rungs[-1]:
                train, _ = train_test_split(
                    train,
                    train_size=rung / rungs[-1],
                    stratify=y[train] if is_classifier(models[k]) else None,
                    random_state=0,
                )
            models[k].fit(X[train], y[train])
        else:
            models[k] = _train(task, params, models[k], rungs, rung, X[train], y[train])
        scores.append(float(scorer(models[k], X[test], y[test])))
    return float(np.mean(scores))


def _train(
    task: Task, params: Any, model: Any, rungs: list[int], rung: int, X: Any, y: Any
) -> Any:
    """Return a model that has a rung's resource, on from the last rung's if it can."""
    head, _, name = task.parameter.rpartition("__")
    is_inexact = name == "max_iter" and bool(head) and task.resource != "n_epochs"
    fresh = task.estimator().set_params(**params, **{task.parameter: rung})
    if model is None or (is_inexact and rung == rungs[-1]):
        if task.resource != "n_epochs":
            fresh.set_params(**{f"{head}__warm_start" if head else "warm_start": True})
        return fresh.fit(X, y)
    before = rungs[rungs.index(rung) - 1]
    if not head:
        model.set_params(**{name: rung})
        return model.fit(X, y)
    leaf, X = model.steps[-1][1], model[:-1].transform(X)
    if task.resource == "n_epochs":
        for _ in range(rung - before):
            leaf.partial_fit(X, y, classes=np.unique(y))
        return model
    leaf.set_params(max_iter=rung - before).fit(X, y)
    return model
