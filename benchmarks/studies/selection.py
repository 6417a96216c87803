"""What the rules for ``refit=`` choose, on small data.

Run it from the root of the repository::

    python -m benchmarks.selection --markdown docs/selection_measured.md

The tasks are those of `benchmarks.reevaluate`, which says how samples are drawn and
held out. One search of 30 candidates (5-fold) serves all rules. The estimator's default
is scored on the same splits, is a candidate for `KeepDefault`, and is what "worse than
the default" compares with on the held out samples.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import (
    ShuffleSplit,
    StratifiedShuffleSplit,
    check_cv,
    cross_val_score,
)

from benchmarks.reevaluate import TASKS, summary
from benchmarks.report import table, versions
from sklearn_tuners import (
    BayesSearchCV,
    BestScore,
    KeepDefault,
    OneStandardError,
    WithinPercent,
)
from sklearn_tuners._insight.complexity import complexity, positions
from sklearn_tuners.spaces import directions

FloatArray = NDArray[np.float64]

N_ITER = 30
RULES = ["BestScore", "OneStandardError", "WithinPercent 1", "KeepDefault"]


def with_default(results: dict[str, Any], scores: FloatArray) -> dict[str, Any]:
    """`cv_results_` with the default as first row, whose params are empty."""
    added = {"params": [{}, *results["params"]]}
    for k, score in enumerate([*scores, scores.mean()]):
        name = "mean_test_score" if k == len(scores) else f"split{k}_test_score"
        added[name] = np.concatenate([[score], results[name]])
    return added


def one_repetition(name: str, repetition: int) -> tuple[FloatArray, FloatArray]:
    """Held out scores and complexities of the choices, after those of plain argmax.

    The last score is that of the default.
    """
    load, n, estimator, space, scoring = TASKS[name]
    X, y = load(return_X_y=True)
    is_classifier = len(np.unique(y)) < 20
    split = StratifiedShuffleSplit if is_classifier else ShuffleSplit
    train, test = next(split(1, train_size=n, random_state=repetition).split(X, y))
    search = BayesSearchCV(
        estimator,
        space,
        n_iter=N_ITER,
        scoring=scoring,
        refit=False,
        random_state=repetition,
    ).fit(X[train], y[train])
    results = search.cv_results_
    cv = check_cv(5, y[train], classifier=is_classifier)
    own = cross_val_score(estimator, X[train], y[train], cv=cv, scoring=scoring)
    rows = [
        search.best_index_,
        BestScore(estimator)(results),
        OneStandardError(estimator)(results),
        WithinPercent(estimator, 1)(results),
        KeepDefault()(with_default(results, own)) - 1,  # -1 is the default
    ]
    P = positions(results["params"], directions(estimator))
    held_out = []
    for row in [*rows, -1]:
        params = results["params"][row] if row >= 0 else {}
        model = clone(estimator).set_params(**params).fit(X[train], y[train])
        held_out.append(float(search.scorer_(model, X[test], y[test])))
    return np.array(held_out), complexity(P)[rows[:-1]]


def page(scores: dict[str, FloatArray], ranks: dict[str, FloatArray]) -> str:
    """Everything as Markdown."""
    n = len(next(iter(scores.values())))
    rows, worse, simpler, standardised = [], [], [], []
    for name, held_out in scores.items():
        plain, default = held_out[:, 0], held_out[:, -1]
        D = held_out[:, 1:-1] - plain[:, None]
        standardised.append(D / plain.std(ddof=1))
        rows.append([name, f"{plain.mean():.4f}", *summary(D)])
        below = held_out[:, :-1] < default[:, None] - 1e-12
        worse.append([name, *(f"{share:.0%}" for share in below.mean(axis=0))])
        simpler.append([name, *(f"{r:.2f}" for r in ranks[name].mean(axis=0))])
    stacked = np.stack(standardised).mean(axis=0)
    rows.append(["all, in units of the spread over samples", "", *summary(stacked)])
    below = np.concatenate([s[:, :-1] < s[:, -1:] - 1e-12 for s in scores.values()])
    worse.append(["all", *(f"{share:.0%}" for share in below.mean(axis=0))])
    return "\n".join(
        [
            "# What the selection rules choose",
            "",
            "Written by `python -m benchmarks.selection --markdown "
            "docs/selection_measured.md`. What is compared is described in that "
            f"module. {n} repetitions each. {versions()}",
            "",
            "## Held out score: difference to the best mean score",
            "",
            table(["task", "plain score", *RULES], rows),
            "",
            "Positive is better. ± is one standard error over the repetitions.",
            "",
            "## How often the choice is worse than the default on the held out samples",
            "",
            table(["task", "plain", *RULES], worse),
            "",
            "## Complexity of the choice",
            "",
            "Mean rank among the candidates tried, 0 for the simplest and 1 for the "
            "most complex.",
            "",
            table(["task", "plain", *RULES[:-1]], simpler),
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=30)
    parser.add_argument("--task", help="only those whose name contains this")
    parser.add_argument("--markdown", type=Path, help="file to write")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    scores, ranks = {}, {}
    for name in TASKS:
        if arguments.task and arguments.task not in name:
            continue
        runs = [one_repetition(name, r) for r in range(arguments.repetitions)]
        scores[name] = np.stack([run[0] for run in runs])
        ranks[name] = np.array([run[1] for run in runs])
        print(name, file=sys.stderr, flush=True)
    text = page(scores, ranks)
    print(text)
    if arguments.markdown:
        arguments.markdown.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
