"""What depends on the number of rows: penalties, "auto" options, labels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LassoLars,
    LassoLarsIC,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
    SGDClassifier,
    SGDOneClassSVM,
)
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_tuners._training.settings import (
    labels_of,
    resolved_settings,
    scale_factors,
)


def test_labels_are_for_classifiers():
    assert labels_of(SGDClassifier(), [2, 1, 2]).tolist() == [1, 2]
    assert labels_of(Ridge(), [2, 1, 2]) is None
    assert labels_of(SGDClassifier(), None) is None
    outputs = np.array([[0, 5], [1, 6], [0, 7]])
    pipeline = make_pipeline(StandardScaler(), MultiOutputClassifier(SGDClassifier()))
    assert [a.tolist() for a in labels_of(pipeline, outputs)] == [[0, 1], [5, 6, 7]]
    sparse = csr_array([[0, 1], [1, 1], [0, 1]])
    assert [a.tolist() for a in labels_of(pipeline, sparse)] == [[0, 1], [1]]
    indicator = np.array([[0, 1, 1], [1, 0, 0]])
    assert labels_of(MLPClassifier(), indicator).tolist() == [0, 1, 2]


@pytest.mark.parametrize("n_samples", [9_999, 10_000, 10_001])
def test_auto_early_stopping_is_decided_by_all_rows(n_samples):
    rows = np.random.default_rng(0).integers(0, 3, size=(n_samples, 1))
    model = HistGradientBoostingRegressor(max_iter=1).fit(rows, rows.ravel())
    expected = model.do_early_stopping_
    found = resolved_settings(
        make_pipeline(StandardScaler(), HistGradientBoostingRegressor()), n_samples
    )
    assert found == {"histgradientboostingregressor__early_stopping": expected}


def test_what_was_chosen_is_left_alone():
    assert (
        resolved_settings(HistGradientBoostingClassifier(early_stopping=True), 100)
        == {}
    )
    assert resolved_settings(MLPClassifier(), 100) == {}


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (Lasso(), {"alpha": 4.0}),
        (ElasticNet(), {"alpha": 4.0}),
        (LassoLars(), {"alpha": 4.0}),
        (LassoLarsIC(), {}),  # has no alpha, though it is a LassoLars
        (QuantileRegressor(), {"alpha": 4.0}),
        (PoissonRegressor(), {"alpha": 4.0}),
        (SGDClassifier(), {"alpha": 4.0}),
        (
            make_pipeline(StandardScaler(), SGDClassifier()),
            {"sgdclassifier__alpha": 4.0},
        ),
        (MultiOutputRegressor(Lasso()), {"estimator__alpha": 4.0}),
        (Ridge(), {}),
        (LogisticRegression(), {}),
        (SVC(), {}),
        (RandomForestClassifier(), {}),
        (SGDOneClassSVM(), {}),  # has no alpha, though it is one of SGD's
    ],
)
def test_penalties_of_a_mean_grow_on_a_part_of_the_rows(estimator, expected):
    found = scale_factors(estimator, 4.0)
    assert found == expected
    assert scale_factors(estimator, 1.0) == {}
    given_ = clone(estimator).get_params()
    assert all(given_[name] == estimator.get_params()[name] for name in found)


@pytest.mark.parametrize(
    ("estimator", "is_mean"),
    [
        (Lasso(alpha=0.1), True),
        (ElasticNet(alpha=0.1), True),
        (LassoLars(alpha=0.1), True),
        (QuantileRegressor(alpha=0.05), True),
        (PoissonRegressor(alpha=0.1, tol=1e-9), True),
        (Ridge(alpha=10.0), False),
    ],
)
def test_losses_are_a_mean_if_rows_that_come_twice_change_nothing(estimator, is_mean):
    X, y = make_regression(60, 4, noise=1.0, random_state=0)
    y = np.exp(y / 100)
    once = clone(estimator).fit(X, y).coef_
    twice = clone(estimator).fit(np.vstack([X, X]), np.hstack([y, y])).coef_
    assert np.allclose(once, twice, rtol=1e-3) == is_mean
    assert bool(scale_factors(estimator, 2.0)) == is_mean
