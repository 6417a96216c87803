"""What do the rules for `refit=` choose? Scores on rows held out, small data.

    python -m benchmarks selection run --repetitions 20
    python -m benchmarks selection table

Tasks and samples are those of `benchmarks reevaluate`. One search of 30 candidates
(5-fold) serves all rules. The estimator's default is scored on the same splits, is a
candidate for `KeepDefault`, and is what "worse than the default" compares with on the
rows held out.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from sklearn.model_selection import cross_val_score

from benchmarks.core.report import table as markdown
from benchmarks.core.statistics import TIE, mean_and_error
from benchmarks.core.store import Store
from benchmarks.studies.reevaluate import in_all
from benchmarks.tasks.small import TASKS
from sklearn_tuners import (
    BayesSearchCV,
    BestScore,
    KeepDefault,
    OneStandardError,
    WithinPercent,
)
from sklearn_tuners._insight.complexity import complexity, positions
from sklearn_tuners.spaces import directions

KEYS = ("task", "repetition")
SMOKE = {"repetitions": 2, "task": "ridge"}
N_ITER = 30
RULES = ["BestScore", "OneStandardError", "WithinPercent 1", "KeepDefault"]
COMPARED = ["plain", *RULES[:-1]]  # the default has no place among the candidates


def with_default(results: dict[str, Any], scores: np.ndarray) -> dict[str, Any]:
    """`cv_results_` with the default as its first row, under empty params."""
    added = {"params": [{}, *results["params"]]}
    for k, score in enumerate([*scores, scores.mean()]):
        name = "mean_test_score" if k == len(scores) else f"split{k}_test_score"
        added[name] = np.concatenate([[score], results[name]])
    return added


def one_repetition(name: str, repetition: int) -> dict[str, Any]:
    """Return held out scores of the choices and of the default, and complexities."""
    task = TASKS[name]
    estimator = task.estimator
    X, y, *test = task.draw(repetition)
    search = BayesSearchCV(
        estimator,
        task.space,
        n_iter=N_ITER,
        scoring=task.scoring,
        refit=False,
        random_state=repetition,
    ).fit(X, y)
    results = search.cv_results_
    own = cross_val_score(estimator, X, y, cv=5, scoring=task.scoring)
    rows = {
        "plain": search.best_index_,
        "BestScore": BestScore(estimator)(results),
        "OneStandardError": OneStandardError(estimator)(results),
        "WithinPercent 1": WithinPercent(estimator, 1)(results),
        "KeepDefault": KeepDefault()(with_default(results, own)) - 1,
        "default": -1,
    }
    ranks = complexity(positions(results["params"], directions(estimator)))
    params = [*results["params"], {}]
    held_out = {r: task.held_out(params[r], X, y, *test) for r in set(rows.values())}
    return {
        **{name: f"{held_out[row]:.6f}" for name, row in rows.items()},
        **{f"complexity of {name}": f"{ranks[rows[name]]:.4f}" for name in COMPARED},
    }


def run(store: Store, *, repetitions: int = 20, task: str = "") -> None:
    """Make the repetitions that are missing, of tasks with `task` in their name."""
    names = [name for name in TASKS if task in name]
    for key in store.missing(product(names, range(repetitions))):
        store.append(dict(zip(KEYS, key, strict=True)) | one_repetition(*key))
        print(*key, flush=True)


def table(store: Store) -> str:
    """Return differences of scores, how often a choice is worse, and complexities."""
    columns = ["plain", *RULES, "default"]
    scores = {
        name: np.array([[float(r[c]) for c in columns] for r in store.where(task=name)])
        for name in store.values("task")
    }
    rows, worse, simpler = [], [], []
    for name, S in scores.items():
        D = S[:, 1:-1] - S[:, :1]
        rows.append([name, f"{S[:, 0].mean():.4f}", *map(mean_and_error, D.T)])
        worse.append([name, *_worse(S)])
        own = [
            [float(r[f"complexity of {c}"]) for c in COMPARED]
            for r in store.where(task=name)
        ]
        simpler.append([name, *(f"{rank:.2f}" for rank in np.mean(own, axis=0))])
    compared = {name: S[:, :-1] for name, S in scores.items()}
    rows.append(["all, in units of the spread over samples", "", *in_all(compared)])
    worse.append(["all", *_worse(np.concatenate(list(scores.values())))])
    return "\n\n".join(
        [
            "Held out score: difference to the best mean score",
            markdown(["task", "plain score", *RULES], rows),
            "How often the choice is worse than the default on the rows held out",
            markdown(["task", "plain", *RULES], worse),
            "Complexity of the choice: mean rank, 0 for the simplest candidate",
            markdown(["task", *COMPARED], simpler),
        ]
    )


def _worse(S: np.ndarray) -> list[str]:
    """Return how often each choice is worse than the default, the last column."""
    return [f"{share:.0%}" for share in (S[:, :-1] < S[:, -1:] - TIE).mean(axis=0)]
