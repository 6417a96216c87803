"""Small real data for any estimator, and how to make one of each class."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sklearn_tuners._registry import left_out

Data = tuple[Any, Any]


@cache
def data(kind: str) -> Data:
    """Features and target of 80 to 100 samples, shuffled."""
    X, y = MAKERS[kind]()
    order = np.random.RandomState(0).permutation(len(y))[:100]
    X = [X[i] for i in order] if isinstance(X, list) else X[order]
    return X, np.asarray(y)[order]


def _texts() -> Data:
    """Paragraphs of the descriptions of data sets, with the data set as the class."""
    names = ["breast_cancer", "diabetes", "digits", "iris", "wine"]
    pairs = [
        (paragraph, name)
        for name in names
        for paragraph in getattr(datasets, f"load_{name}")().DESCR.split("\n\n")
        if len(paragraph) > 40
    ]
    return [text for text, _ in pairs], [name for _, name in pairs]


def _word_counts() -> Data:
    texts, y = _texts()
    return [{word: 1 for word in text.split()} for text in texts], y


def _categories() -> Data:
    X, y = datasets.load_iris(return_X_y=True)
    return np.round(X).astype(int), y


def _missing() -> Data:
    X, y = datasets.load_iris(return_X_y=True)
    X = X.copy()
    X[np.random.RandomState(0).random_sample(X.shape) < 0.1] = np.nan
    return X, y


def _several_targets() -> Data:
    X, y = datasets.load_diabetes(return_X_y=True)
    return X[:, 2:], np.column_stack([y, X[:, 0], X[:, 1]])


def _binary() -> Data:
    return datasets.load_breast_cancer(return_X_y=True)


def _unbalanced() -> Data:
    X, y = datasets.load_wine(return_X_y=True)
    keep = np.concatenate([np.flatnonzero(y == k)[:n] for k, n in enumerate((59, 9))])
    return X[keep], y[keep]


def _positive() -> Data:
    X, y = datasets.load_diabetes(return_X_y=True)
    return X - X.min(axis=0), y


MAKERS: dict[str, Callable[[], Data]] = {
    "classes": lambda: datasets.load_iris(return_X_y=True),
    "unscaled": lambda: datasets.load_wine(return_X_y=True),
    "binary": _binary,
    "unbalanced": _unbalanced,
    "numbers": lambda: datasets.load_diabetes(return_X_y=True),
    "positive": _positive,
    "targets": _several_targets,
    "text": _texts,
    "dicts": _word_counts,
    "categories": _categories,
    "missing": _missing,
}

_KINDS = {
    **dict.fromkeys(["CountVectorizer", "TfidfVectorizer", "HashingVectorizer"], "text"),
    "FeatureHasher": "dicts",
    **dict.fromkeys(["SimpleImputer", "KNNImputer", "IterativeImputer"], "missing"),
    **dict.fromkeys(
        ["OneHotEncoder", "OrdinalEncoder", "TargetEncoder", "CategoricalNB"],
        "categories",
    ),
    **dict.fromkeys(
        ["MultiTaskLasso", "MultiTaskElasticNet", "CCA", "PLSCanonical", "PLSSVD"],
        "targets",
    ),
    "FixedThresholdClassifier": "binary",
}  # fmt: skip


def kinds_for(name: str) -> list[str]:
    """Kinds of data that a class is tried on."""
    short = name.rpartition(".")[2]
    if short in _KINDS:
        return [_KINDS[short]]
    if "Regressor" in short or short in REGRESSORS:
        return ["numbers"]
    return ["classes", "unscaled"] + (["unbalanced"] if short == "NuSVC" else [])


REGRESSORS = {
    "ARDRegression", "ElasticNet", "KernelRidge", "Lars", "Lasso", "LassoLars",
    "LinearSVR", "NuSVR", "OrthogonalMatchingPursuit", "PLSRegression", "Ridge", "SVR",
}  # fmt: skip

_ARGUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "RFE": lambda: {"estimator": DecisionTreeClassifier()},
    "SequentialFeatureSelector": lambda: {"estimator": DecisionTreeClassifier()},
    "SelectFromModel": lambda: {"estimator": LogisticRegression()},
    "OutputCodeClassifier": lambda: {"estimator": LogisticRegression()},
    "FixedThresholdClassifier": lambda: {"estimator": LogisticRegression()},
    "SelfTrainingClassifier": lambda: {"estimator": LogisticRegression()},
    "CalibratedClassifierCV": lambda: {"estimator": DecisionTreeClassifier()},
    "RegressorChain": lambda: {"estimator": Ridge()},
}


def make(name: str) -> Any:
    """Make an instance of a class of scikit-learn by its dotted name."""
    importlib.import_module("sklearn.experimental.enable_iterative_imputer")
    module, _, short = name.rpartition(".")
    estimator_class = getattr(importlib.import_module(module), short)
    estimator = estimator_class(**_ARGUMENTS.get(short, dict)())
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=0)
    return estimator
