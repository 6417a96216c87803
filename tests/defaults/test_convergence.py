"""Fits over a default space converge, on real tables with standardised features."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sklearn import datasets
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler
from sklearn.utils import all_estimators
from threadpoolctl import threadpool_limits

from sklearn_tuners._defaults.registry import rows_of
from sklearn_tuners._space.space import Space
from sklearn_tuners.spaces import default_space

# Their iterations are a budget, after which a fit is good enough.
BUDGETS = {
    "HistGradientBoostingClassifier", "HistGradientBoostingRegressor",
    "IterativeImputer", "MLPClassifier", "MLPRegressor", "SGDClassifier",
    "SGDOneClassSVM", "SGDRegressor", "SelfTrainingClassifier",
}  # fmt: skip
# Cycles between solutions, however many iterations it is given.
NEVER = {"FastICA"}
# Take minutes here, and warn of nothing in scikit-learn.
SLOW = {
    "DictionaryLearning", "LatentDirichletAllocation", "MeanShift",
    "MiniBatchDictionaryLearning", "MiniBatchSparsePCA",
    "NeighborhoodComponentsAnalysis", "SparsePCA", "TSNE",
}  # fmt: skip
N_POINTS = 12


def iterative() -> Iterator[Any]:
    """Yield the estimators with `max_iter` that have a default space."""
    for name, estimator_class in all_estimators():
        names = estimator_class._get_param_names()
        if "max_iter" not in names or name in BUDGETS | NEVER | SLOW:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # deprecated classes
            estimator = estimator_class()
        if estimator.max_iter in (None, -1):
            continue  # no limit
        if "random_state" in names:
            estimator.set_params(random_state=0)
        if any(row.kind for row in rows_of(estimator)):
            yield estimator


def tables(estimator: Any) -> list[tuple[Any, Any]]:
    """Four tables of 150 to 569 rows."""
    X_digits, digits = (part[:400] for part in datasets.load_digits(return_X_y=True))
    found = [datasets.load_breast_cancer(return_X_y=True)]
    found.append(datasets.load_wine(return_X_y=True))
    if is_classifier(estimator):
        found += [(X_digits, digits), datasets.load_iris(return_X_y=True)]
    else:
        found = [(X[:, 1:], X[:, 0]) for X, _ in found]  # the first column is positive
        found += [(X_digits, digits + 1.0), datasets.load_diabetes(return_X_y=True)]
    if type(estimator).__name__.startswith(("MultiTask", "CCA", "PLSCanonical")):
        found = [(X[:, 1:], np.column_stack([y, X[:, 0]])) for X, y in found]
    if type(estimator).__name__ in ("MiniBatchNMF", "NMF"):
        return [(X - X.min(axis=0), y) for X, y in found]
    if type(estimator).__name__ == "GraphicalLasso":
        del found[2]  # it has constant columns
    return [(StandardScaler().fit_transform(X), y) for X, y in found]


def has_converged(estimator: Any, X: Any, y: Any) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            estimator.fit(X, y)
        except ConvergenceWarning:
            return False
        except FloatingPointError:
            return True  # a collinear table, which is no matter of iterations
    return True


@pytest.mark.slow
@pytest.mark.parametrize("estimator", list(iterative()), ids=lambda e: type(e).__name__)
def test_at_most_5_percent_of_fits_do_not_converge(estimator: Any) -> None:
    rng, converged = np.random.default_rng(0), []
    with threadpool_limits(1):
        for X, y in tables(estimator):
            space = Space.parse(default_space(estimator, X, y))
            for row in space.quantile(rng.random((N_POINTS, space.n_dims))):
                candidate = clone(estimator).set_params(**space.decode(row))
                converged.append(has_converged(candidate, X, y))
    assert np.mean(converged) >= 0.95
