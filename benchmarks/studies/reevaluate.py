"""Does `reevaluate_top` choose better models? Scores on rows held out, small data.

    python -m benchmarks reevaluate run --repetitions 30
    python -m benchmarks reevaluate table

Of each data set few rows are drawn for the search and all others are held out. One
search of 40 candidates (5-fold) tells what each rule would have chosen: the best of the
first 30; the best of the first 30 + k, which costs as much as re-evaluating k; and the
best of the k best of the first 30 by the mean over old and fresh splits. The chosen
candidates are fitted to all rows of the search and scored on those held out.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score

from benchmarks.core.report import table as markdown
from benchmarks.core.statistics import mean_and_error
from benchmarks.core.store import Store
from benchmarks.tasks.small import TASKS
from sklearn_tuners import BayesSearchCV

KEYS = ("task", "repetition")
SMOKE = {"repetitions": 2, "task": "ridge"}
N_ITER, N_SPLITS, TOP = 30, 5, (3, 5, 10)
RULES = [f"{N_ITER + k} candidates" for k in TOP] + [f"reevaluate_top={k}" for k in TOP]
OPTIMISM = {
    "gap": "best mean score minus held out score",
    "estimate": "estimate of Tibshirani and Tibshirani",
    "fresh": "best mean score minus its mean on fresh splits",
}


def one_repetition(name: str, repetition: int) -> dict[str, Any]:
    """Return held out scores of the plain choice and of each rule, and the optimism."""
    task = TASKS[name]
    X, y, *test = task.draw(repetition)
    results = (
        BayesSearchCV(
            task.estimator,
            task.space,
            n_iter=N_ITER + max(TOP),
            n_initial_points=6,
            scoring=task.scoring,
            refit=False,
            random_state=repetition,
        )
        .fit(X, y)
        .cv_results_
    )
    params = results["params"]
    S = np.column_stack([results[f"split{k}_test_score"] for k in range(N_SPLITS)])
    means = S.mean(axis=1)
    best, *more = (int(np.argmax(means[: N_ITER + k])) for k in (0, *TOP))

    splitter = StratifiedKFold if is_classifier(task.estimator) else KFold
    cv = splitter(N_SPLITS, shuffle=True, random_state=repetition)
    top = np.argsort(-means[:N_ITER], kind="stable")[: max(TOP)]
    fresh = np.array(
        [
            cross_val_score(
                clone(task.estimator).set_params(**params[row]),
                X,
                y,
                cv=cv,
                scoring=task.scoring,
            )
            for row in top
        ]
    )
    both = np.hstack([S[top], fresh]).mean(axis=1)
    again = [int(top[np.argmax(both[:k])]) for k in TOP]

    chosen = [best, *more, *again]
    held_out = {row: task.held_out(params[row], X, y, *test) for row in set(chosen)}
    # Each fold plays the part of a sample that a candidate is selected from.
    estimate = (S[:N_ITER].max(axis=0) - S[best]).mean()
    found = {
        "plain": held_out[best],
        **{rule: held_out[row] for rule, row in zip(RULES, chosen[1:], strict=True)},
        "gap": means[best] - held_out[best],
        "estimate": max(float(estimate), 0.0),
        "fresh": means[best] - fresh[0].mean(),
    }
    return {k: f"{value:.6f}" for k, value in found.items()}


def run(store: Store, *, repetitions: int = 30, task: str = "") -> None:
    """Make the repetitions that are missing, of tasks with `task` in their name."""
    names = [name for name in TASKS if task in name]
    for key in store.missing(product(names, range(repetitions))):
        store.append(dict(zip(KEYS, key, strict=True)) | one_repetition(*key))
        print(*key, flush=True)


def table(store: Store) -> str:
    """Return differences of held out scores, how often there are any, and optimism."""
    names = store.values("task")
    scores = {name: _columns(store, name, ["plain", *RULES]) for name in names}
    changes = {name: own[:, 1:] - own[:, :1] for name, own in scores.items()}
    rows = [
        [name, f"{scores[name][:, 0].mean():.4f}", *map(mean_and_error, D.T)]
        for name, D in changes.items()
    ]
    rows.append(["all, in units of the spread over samples", "", *in_all(scores)])
    shares = [
        [n, *(f"{s:.0%}" for s in (D != 0).mean(axis=0))] for n, D in changes.items()
    ]
    optimism = [
        [name, *map(mean_and_error, _columns(store, name, list(OPTIMISM)).T)]
        for name in names
    ]
    return "\n\n".join(
        [
            f"Held out score: difference to the best of {N_ITER} candidates",
            markdown(["task", "plain score", *RULES], rows),
            "How often the held out score differs",
            markdown(["task", *RULES], shares),
            "How optimistic the best score is",
            markdown(["task", *OPTIMISM.values()], optimism),
        ]
    )


def in_all(scores: dict[str, np.ndarray]) -> list[str]:
    """Return the differences to the first column in units of its spread, over tasks."""
    relative = [(S[:, 1:] - S[:, :1]) / S[:, 0].std(ddof=1) for S in scores.values()]
    return [mean_and_error(column) for column in np.mean(relative, axis=0).T]


def _columns(store: Store, task: str, names: list[str]) -> np.ndarray:
    rows = store.where(task=task)
    return np.array([[float(row[name]) for name in names] for row in rows])
