"""Searches without a space: the default one, from the estimator as it is."""

from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.multioutput import MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from sklearn_tuners import (
    BayesSearchCV,
    HyperbandSearchCV,
    KeepDefault,
    OneStandardError,
    default_space,
    diagnose,
)
from sklearn_tuners._defaults.default_space import find_default_space

IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)


def test_a_search_without_a_space_has_the_default_one() -> None:
    X, y = IRIS
    pipe = make_pipeline(StandardScaler(), KNeighborsClassifier())
    search = BayesSearchCV(pipe, n_iter=4, cv=StratifiedKFold(2), random_state=0)
    name = "kneighborsclassifier__n_neighbors"
    assert f"'{name}': (1, 50, 'log-uniform')" in repr(search)
    search.fit(X, y)
    space = default_space(pipe, X, y, n_train=75)
    assert search.param_distributions_ == space
    assert f"'{name}': (1, 37, 'log-uniform')" in repr(search)
    first = search.cv_results_["params"][0]
    assert first[name] == 5  # the estimator as it is
    assert search.get_params()["param_distributions"] is None
    assert clone(search).fit(X, y).best_params_ == search.best_params_


def test_the_space_that_was_given_is_kept() -> None:
    grid = {"var_smoothing": [1e-9, 1e-3]}
    search = BayesSearchCV(GaussianNB(), param_grid=grid, cv=2).fit(*IRIS)
    assert search.param_distributions_ is grid
    assert "(0.0" not in repr(search)


@pytest.mark.parametrize("estimator", [LinearRegression(), SVC(kernel=lambda a, b: 0)])
def test_repr_of_what_has_no_space(estimator: Any) -> None:
    assert "BayesSearchCV" in repr(BayesSearchCV(estimator))
    assert repr(BayesSearchCV(None)) == "BayesSearchCV(estimator=None)"


def test_no_default_space_is_an_error() -> None:
    message = (
        r"has no default search space for LinearRegression\(\): no parameter that is "
        "worth tuning has its default value. Give param_distributions"
    )
    with pytest.raises(ValueError, match=message):
        BayesSearchCV(LinearRegression()).fit(*DIABETES)


class Survival(RegressorMixin, BaseEstimator):
    """Like an estimator of a package that the registry does not know."""

    def fit(self, X: Any, y: Any) -> "Survival":
        return self


@pytest.mark.parametrize(
    "estimator",
    [
        Survival(),
        make_pipeline(StandardScaler(), Survival()),
        MultiOutputRegressor(Survival()),
    ],
)
def test_a_class_that_is_not_known_can_be_registered(estimator: Any) -> None:
    message = "registry does not know Survival. Give .* sklearn_tuners.register_space"
    with pytest.raises(ValueError, match=message):
        BayesSearchCV(estimator).fit(*DIABETES)


def test_an_estimator_without_score_has_a_space() -> None:
    assert default_space(IsolationForest(), IRIS[0])


def test_splits_may_be_masks() -> None:
    y = IRIS[1]
    train = np.arange(len(y)) % 3 > 0
    search = BayesSearchCV(
        KNeighborsClassifier(weights="distance", p=1),
        cv=[(train, ~train)],
        n_iter=2,
        random_state=0,
    )
    search.fit(*IRIS)
    assert search.param_distributions_["n_neighbors"][:2] == (1, 50)


def test_a_space_with_a_fixed_parameter_is_searched() -> None:
    fixed = {"penalty": "elasticnet"}
    space = default_space(SGDClassifier(), *IRIS, fixed=fixed)
    search = BayesSearchCV(SGDClassifier(), space, n_iter=5, cv=2, random_state=0)
    params = search.fit(*IRIS).cv_results_["params"]
    assert all(point["penalty"] == "elasticnet" for point in params)
    assert len({point["l1_ratio"] for point in params}) > 1


def test_own_parameters_are_those_that_count() -> None:
    assert find_default_space(SVC(), *IRIS).own == {"C": 1.0, "gamma": "scale"}
    assert find_default_space(SGDClassifier(), *IRIS).own == {
        "alpha": 1e-4,
        "penalty": "l2",
        "average": False,
    }
    assert find_default_space(SVC(kernel="poly", C=3), *IRIS).own == {
        "degree": 3,
        "coef0": 0.0,
    }


SEARCHES = [
    partial(BayesSearchCV, n_iter=7),
    partial(HyperbandSearchCV, n_iter=7),
    partial(HyperbandSearchCV, n_iter=7, resource="n_samples", sampler="random"),
]


@pytest.mark.parametrize("make", SEARCHES)
@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(n_estimators=6, max_leaf_nodes=20, random_state=0),
        DecisionTreeClassifier(random_state=0),
        HistGradientBoostingClassifier(max_iter=5, random_state=0),
        LogisticRegression(max_iter=1000),
        SVC(),
        SVC(kernel="poly", C=3),
        make_pipeline(StandardScaler(), PCA(), GaussianNB()),
        make_pipeline(TruncatedSVD(), SelectKBest(k=1), SVC(gamma=0.1)),
    ],
    ids=str,
)
def test_the_first_candidate_is_the_estimator_as_it_is(
    estimator: Any, make: Any
) -> None:
    search = make(estimator, cv=StratifiedKFold(2, shuffle=True, random_state=0))
    search.set_params(random_state=0).fit(*IRIS)
    results = search.cv_results_
    # Without the resource, which differs from rung to rung.
    own = results["params"][0].keys() - {getattr(search, "resource_", None)}
    first = clone(estimator).set_params(**{n: results["params"][0][n] for n in own})
    assert repr(first.get_params()) == repr(estimator.get_params())
    assert isinstance(search.param_distributions_, dict)
    tried = [repr(params) for params in results["params"]]
    if isinstance(search, BayesSearchCV):
        assert len({*tried}) == len(tried) == 7


OWN_IS_OUTSIDE = {
    "estimator": RandomForestClassifier(n_estimators=4, random_state=0),
    "cv": StratifiedKFold(3),
    "random_state": 0,
}
"""The first candidate is outside the ranges: it has ``max_features="sqrt"``."""


def test_a_search_of_one_candidate_is_the_default() -> None:
    search = BayesSearchCV(**OWN_IS_OUTSIDE, n_iter=1).fit(*IRIS)
    assert search.best_params_ == {
        "max_features": "sqrt",
        "max_samples": None,
        "min_samples_leaf": 1,
    }
    assert search.cv_results_["param_max_features"].tolist() == ["sqrt"]
    expected = cross_val_score(search.estimator, *IRIS, cv=search.cv)
    assert search.best_score_ == pytest.approx(expected.mean())


def test_initial_params_go_before_the_default() -> None:
    given = {"max_features": 0.7, "max_samples": 0.5, "min_samples_leaf": 2}
    search = BayesSearchCV(**OWN_IS_OUTSIDE, n_iter=5, initial_params=given)
    tried = search.fit(*IRIS).cv_results_["params"]
    assert tried[0] == given
    assert [params["max_features"] for params in tried].count("sqrt") == 1


@pytest.mark.parametrize("make", [BayesSearchCV, HyperbandSearchCV])
def test_the_default_comes_back_from_a_journal(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make(**OWN_IS_OUTSIDE, n_iter=6).fit(*IRIS).cv_results_
    search = make(**OWN_IS_OUTSIDE, n_iter=6, journal=tmp_path / "journal", refit=False)
    search.fit(*IRIS)
    monkeypatch.setattr(RandomForestClassifier, "fit", Mock(side_effect=ValueError))
    again = clone(search).fit(*IRIS).cv_results_  # nothing is fitted once more
    for results in (search.cv_results_, again):
        assert results["params"] == whole["params"]
        scores = results["mean_test_score"]
        assert scores.tolist() == whole["mean_test_score"].tolist()


def test_rules_compare_the_default_with_the_others() -> None:
    default = {"max_features": "sqrt", "max_samples": None, "min_samples_leaf": 1}
    forest = OWN_IS_OUTSIDE["estimator"]
    search = BayesSearchCV(**OWN_IS_OUTSIDE, n_iter=6, refit=KeepDefault(forest))
    assert search.fit(*IRIS).best_params_ == default
    search.set_params(refit=OneStandardError(forest)).fit(*IRIS)
    assert search.best_params_["min_samples_leaf"] > 1
    verdicts = {(f.check, f.parameter): f for f in diagnose(search)}
    assert ("edge", "min_samples_leaf") in verdicts
    assert ("importance", "max_features") in verdicts


def test_a_default_that_is_invalid_costs_one_row() -> None:
    X, y = IRIS
    few = np.r_[0:3, 50:53]  # three in a training set
    search = BayesSearchCV(
        KNeighborsClassifier(), n_iter=5, cv=StratifiedKFold(2), random_state=0
    )
    with pytest.warns(UserWarning, match="n_neighbors = 5, n_samples_fit = 3"):
        search.fit(X[few], y[few])
    assert search.cv_results_["params"][0]["n_neighbors"] == 5
    failed = np.isnan(search.cv_results_["mean_test_score"])
    assert failed.tolist() == [True] + [False] * (len(failed) - 1)
