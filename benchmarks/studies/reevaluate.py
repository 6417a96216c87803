"""Whether `reevaluate_top` chooses better models, on small data.

Run it from the root of the repository::

    python -m benchmarks.reevaluate --markdown docs/reevaluate.md

Of each data set few samples are drawn for the search and all others are held out. One
search of 35 candidates (5-fold) tells what each rule would have chosen: the best of the
first 30; the best of the first 30 + k, which costs as much as re-evaluating k; and the
best of the k best of the first 30 by the mean over old and fresh splits. The chosen
candidates are fitted to all samples of the search and scored on those held out. What is
reported is the difference of held out scores to the first rule, with the standard error
over the repetitions, which draw other samples.
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
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    ShuffleSplit,
    StratifiedShuffleSplit,
    check_cv,
    cross_val_score,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from benchmarks.report import table, versions
from sklearn_tuners import BayesSearchCV
from sklearn_tuners._search.reevaluate import choose, reseeded, top_rows
from sklearn_tuners._split_scores import selection_bias, split_scores

FloatArray = NDArray[np.float64]

N_ITER = 30
TOP = (3, 5, 10)
RULES = [f"{N_ITER + k} candidates" for k in TOP] + [f"reevaluate_top={k}" for k in TOP]


def scaled(estimator: Any) -> Any:
    return make_pipeline(StandardScaler(), estimator)


TREE = {"max_depth": (1, 15), "min_samples_leaf": (1, 25)}
# Name: data, samples for the search, estimator, space, scoring.
TASKS: dict[str, tuple[Any, int, Any, Any, str]] = {
    "SVC, breast cancer": (
        load_breast_cancer,
        60,
        scaled(SVC()),
        {"svc__C": loguniform(1e-3, 1e3), "svc__gamma": loguniform(1e-4, 1e1)},
        "accuracy",
    ),
    "logistic regression, breast cancer": (
        load_breast_cancer,
        60,
        scaled(LogisticRegression(max_iter=500)),
        {"logisticregression__C": loguniform(1e-4, 1e4)},
        "neg_log_loss",
    ),
    "decision tree, breast cancer": (
        load_breast_cancer,
        80,
        DecisionTreeClassifier(random_state=0),
        TREE | {"ccp_alpha": loguniform(1e-4, 1e-1), "criterion": ["gini", "entropy"]},
        "roc_auc",
    ),
    "decision tree, digits": (
        load_digits,
        200,
        DecisionTreeClassifier(random_state=0),
        TREE | {"max_features": (0.1, 1.0)},
        "accuracy",
    ),
    "k neighbours, wine": (
        load_wine,
        60,
        scaled(KNeighborsClassifier()),
        {
            "kneighborsclassifier__n_neighbors": (1, 30),
            "kneighborsclassifier__p": (1.0, 4.0),
            "kneighborsclassifier__weights": ["uniform", "distance"],
        },
        "accuracy",
    ),
    "SVR, diabetes": (
        load_diabetes,
        80,
        scaled(SVR()),
        {
            "svr__C": loguniform(1e-1, 1e4),
            "svr__gamma": loguniform(1e-4, 1e0),
            "svr__epsilon": loguniform(1e-1, 1e2),
        },
        "r2",
    ),
    "ridge on squares, diabetes": (
        load_diabetes,
        80,
        make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge()),
        {"ridge__alpha": loguniform(1e-3, 1e5)},
        "r2",
    ),
    "decision tree, diabetes": (
        load_diabetes,
        100,
        DecisionTreeRegressor(random_state=0),
        TREE | {"ccp_alpha": loguniform(1e0, 1e3)},
        "r2",
    ),
}


def one_repetition(name: str, repetition: int) -> tuple[FloatArray, list[float]]:
    """Held out scores, and what explains them.

    Returns
    -------
    scores : array
        Held out, of the plain choice and of each of `RULES`.
    optimism : list of float
        Best mean score less the held out one; the estimate of that; the difference of
        fresh and old mean scores of the best.
    """
    load, n, estimator, space, scoring = TASKS[name]
    X, y = load(return_X_y=True)
    is_classifier = len(np.unique(y)) < 20
    split = StratifiedShuffleSplit if is_classifier else ShuffleSplit
    train, test = next(split(1, train_size=n, random_state=repetition).split(X, y))
    search = BayesSearchCV(
        estimator,
        space,
        n_iter=N_ITER + max(TOP),
        n_initial_points=6,
        scoring=scoring,
        refit=False,
        random_state=repetition,
    ).fit(X[train], y[train])
    params, S = search.cv_results_["params"], split_scores(search.cv_results_)
    means = S.mean(axis=1)
    first = [int(np.argmax(means[: N_ITER + k])) for k in (0, *TOP)]

    rows = top_rows(means[:N_ITER], max(TOP))
    cv = reseeded(check_cv(5, y[train], classifier=is_classifier), seed=repetition)
    fresh = [
        cross_val_score(
            clone(estimator).set_params(**params[row]),
            X[train],
            y[train],
            cv=cv,
            scoring=scoring,
        )
        for row in rows
    ]
    again = [choose(rows[:k], S[rows[:k]], fresh[:k])[0] for k in TOP]
    held_out: dict[int, float] = {}
    for row in {*first, *again}:
        model = clone(estimator).set_params(**params[row]).fit(X[train], y[train])
        held_out[row] = float(search.scorer_(model, X[test], y[test]))
    best = first[0]
    optimism = [
        means[best] - held_out[best],
        selection_bias(S[:N_ITER], best),
        means[best] - float(np.mean(fresh[0])),
    ]
    return np.array([held_out[row] for row in first + again]), optimism


def summary(differences: FloatArray) -> list[str]:
    """Mean with its standard error, of each column."""
    n = len(differences)
    mean, sd = differences.mean(axis=0), differences.std(axis=0, ddof=1)
    pairs = zip(mean, sd / np.sqrt(n), strict=True)
    return [f"{m:+.4f} ± {e:.4f}" for m, e in pairs]


def page(scores: dict[str, FloatArray], optimism: dict[str, FloatArray]) -> str:
    """Everything as Markdown."""
    n = len(next(iter(scores.values())))
    rows, standardised = [], []
    for name, held_out in scores.items():
        D = held_out[:, 1:] - held_out[:, :1]
        standardised.append(D / held_out[:, 0].std(ddof=1))
        rows.append([name, f"{held_out[:, 0].mean():.4f}", *summary(D)])
    stacked = np.stack(standardised).mean(axis=0)  # over tasks, one row a repetition
    rows.append(["all, in units of the spread over samples", "", *summary(stacked)])
    changed = [
        [name, *(f"{np.mean(D != 0):.0%}" for D in (h[:, 1:] - h[:, :1]).T)]
        for name, h in scores.items()
    ]
    biases = [[name, *summary(values)] for name, values in optimism.items()]
    return "\n".join(
        [
            "# Re-evaluating the best candidates",
            "",
            "Written by `python -m benchmarks.reevaluate --markdown "
            "docs/reevaluate.md`. What is compared is described in that module.",
            f"{n} repetitions each. {versions()}",
            "",
            f"## Held out score: difference to the best of {N_ITER} candidates",
            "",
            table(["task", "plain score", *RULES], rows),
            "",
            "Positive is better. ± is one standard error over the repetitions.",
            "",
            "## How often the held out score differs",
            "",
            table(["task", *RULES], changed),
            "",
            "## How optimistic the best score is",
            "",
            table(
                [
                    "task",
                    "best mean score less held out score",
                    "estimate of Tibshirani and Tibshirani",
                    "best mean score less its mean on fresh splits",
                ],
                biases,
            ),
            "",
            "The first includes that the models of the folds have a fifth less data, "
            "which works the other way; the other two are the part that is due to the "
            "selection.",
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=24)
    parser.add_argument("--task", help="only those whose name contains this")
    parser.add_argument("--markdown", type=Path, help="file to write")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    scores, optimism = {}, {}
    for name in TASKS:
        if arguments.task and arguments.task not in name:
            continue
        runs = [one_repetition(name, r) for r in range(arguments.repetitions)]
        scores[name] = np.stack([run[0] for run in runs])
        optimism[name] = np.array([run[1] for run in runs])
        print(name, file=sys.stderr, flush=True)
    text = page(scores, optimism)
    print(text)
    if arguments.markdown:
        arguments.markdown.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
