"""Which resource suits an estimator, and which ones are refused."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import pytest
from sklearn.base import BaseEstimator
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import Ridge, SGDClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_tuners import HyperbandSearchCV
from sklearn_tuners._hyperband.resource import (
    auto_resource,
    check_resource,
    full_value,
    least_sensible,
    synonyms,
)


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (HistGradientBoostingClassifier(), ("max_iter", 10)),
        (RandomForestClassifier(), ("n_estimators", 10)),
        (MLPClassifier(), ("max_iter", 10)),
        (SGDClassifier(), ("max_iter", 5)),
        (SVC(), ("n_samples", 1)),
        (Ridge(), ("n_samples", 1)),
        (
            make_pipeline(StandardScaler(), make_pipeline(RandomForestClassifier())),
            ("pipeline__randomforestclassifier__n_estimators", 10),
        ),
        (make_pipeline(StandardScaler(), "passthrough"), ("n_samples", 1)),
        (make_pipeline(RandomForestClassifier(), "passthrough"), ("n_samples", 1)),
        (make_pipeline(RandomForestClassifier(), None), ("n_samples", 1)),
    ],
)
def test_auto_picks_what_suits_the_estimator(estimator, expected):
    assert auto_resource(estimator) == expected
    assert least_sensible(estimator, expected[0]) == expected[1]


def test_auto_knows_a_subclass():
    class Mine(RandomForestClassifier):
        pass

    assert auto_resource(Mine()) == ("n_estimators", 10)


@pytest.mark.parametrize(
    ("estimator", "resource", "expected"),
    [
        (RandomForestClassifier(n_estimators=50), "n_estimators", 50),
        (RandomForestClassifier(max_depth=None), "max_depth", None),
        (SGDClassifier(max_iter=70), "n_epochs", 70),
        (make_pipeline(StandardScaler(), SGDClassifier(max_iter=7)), "n_epochs", 7),
        (
            make_pipeline(RandomForestClassifier(n_estimators=9)),
            "randomforestclassifier__n_estimators",
            9,
        ),
    ],
)
def test_the_full_value_is_the_one_of_the_estimator(estimator, resource, expected):
    assert full_value(estimator, resource) == expected


# Bad combinations ---------------------------------------------------------------------


class PartialFitOnly(BaseEstimator):
    def partial_fit(self, X, y=None):
        return self


class NoConstraints(BaseEstimator):
    def __init__(
        self,
        rounds=None,
        rate=0.5,
        kind: str | None = None,
        share: float | None = None,
        depth: int | float | None = None,
        is_quick=False,
        n_bins="auto",
        steps: Integral = 5,
        anything: Any = 5,
        weights: list[float] | None = None,
    ):
        self.steps = steps
        self.anything = anything
        self.weights = weights
        self.rounds = rounds
        self.rate = rate
        self.kind = kind
        self.share = share
        self.depth = depth
        self.is_quick = is_quick
        self.n_bins = n_bins


@pytest.mark.parametrize(
    ("estimator", "resource", "searched", "message"),
    [
        (SVC(), "n_epochs", set(), "resource='n_epochs' needs .* partial_fit.* SVC"),
        (GaussianNB(), "n_epochs", set(), "resource='n_epochs' changes .*GaussianNB"),
        (
            make_pipeline(StandardScaler(), MultinomialNB()),
            "n_epochs",
            set(),
            "changes the model of MultinomialNB",
        ),
        (SVC(), "max_itre", set(), "resource='max_itre' .* did you mean 'max_iter'"),
        (SVC(), "n_sample", set(), "did you mean 'n_samples'"),
        (
            RandomForestClassifier(),
            "n_estimators",
            {"n_estimators"},
            "resource='n_estimators' is in the search space too",
        ),
        (SVC(), "C", set(), "resource='C' must be a parameter that takes integers"),
        (
            RandomForestClassifier(),
            "bootstrap",
            set(),
            "resource='bootstrap' must be .* integers",
        ),
        (
            RandomForestClassifier(),
            "criterion",
            set(),
            "resource='criterion' must be .* integers",
        ),
        (
            make_pipeline(StandardScaler(), SVC()),
            "svc__kernel",
            set(),
            "resource='svc__kernel' must be",
        ),
        (
            make_pipeline(StandardScaler(), "passthrough"),
            "passthrough",
            set(),
            "resource='passthrough' must be",
        ),
        (make_pipeline(SVC(), "passthrough"), "passthrough__C", set(), "is not a para"),
        *[
            (NoConstraints(**given), name, set(), f"resource='{name}' must be")
            for given, name in [
                ({}, "rate"),
                ({"rate": 1}, "rate"),
                ({}, "kind"),
                ({}, "share"),
                ({}, "weights"),
                ({}, "is_quick"),
                ({}, "n_bins"),
                ({"rounds": 10.0}, "rounds"),
                ({"rounds": True}, "rounds"),
            ]
        ],
    ],
)
def test_bad_combinations_name_the_parameter(estimator, resource, searched, message):
    with pytest.raises(ValueError, match=message):
        check_resource(estimator, resource, searched)


@pytest.mark.parametrize(
    ("estimator", "resource"),
    [
        (SVC(), "n_samples"),
        (SVC(), "max_iter"),
        (RandomForestClassifier(max_depth=None), "max_depth"),
        (RandomForestClassifier(n_estimators=10.0), "n_estimators"),
        (SGDClassifier(), "n_epochs"),
        (PartialFitOnly(), "n_epochs"),
        (NoConstraints(), "rounds"),
        (NoConstraints(), "depth"),
        (NoConstraints(), "steps"),
        (NoConstraints(), "anything"),
        (NoConstraints(n_bins=8), "n_bins"),
        (
            MultiOutputRegressor(HistGradientBoostingRegressor()),
            "estimator__max_iter",
        ),
    ],
)
def test_good_ones_are_judged_by_the_constraints_not_by_the_value(estimator, resource):
    check_resource(estimator, resource, {"C"})


@pytest.mark.parametrize(
    ("package", "name", "given", "resource", "full"),
    [
        ("xgboost", "XGBClassifier", {}, "n_estimators", 100),
        ("xgboost", "XGBRegressor", {"n_estimators": 30}, "n_estimators", 30),
        ("lightgbm", "LGBMClassifier", {}, "n_estimators", 100),
        ("lightgbm", "LGBMRegressor", {"num_iterations": 30}, "num_iterations", 30),
        ("catboost", "CatBoostClassifier", {}, "iterations", 1000),
        ("catboost", "CatBoostRegressor", {"iterations": 30}, "iterations", 30),
        ("catboost", "CatBoostClassifier", {"num_trees": 30}, "num_trees", 30),
    ],
)
@pytest.mark.parametrize("is_step", [False, True])
def test_rounds_of_boosting_libraries(package, name, given, resource, full, is_step):
    estimator = getattr(pytest.importorskip(package), name)(**given)
    prefix = ""
    if is_step:
        estimator = make_pipeline(StandardScaler(), estimator)
        prefix = f"{name.lower()}__"
    found, least = auto_resource(estimator)
    assert found == prefix + resource
    assert least == least_sensible(estimator, found) > 1
    assert full_value(estimator, found) == full
    check_resource(estimator, found, {"C"})
    assert found in synonyms(estimator, found)
    for other in synonyms(estimator, found):
        with pytest.raises(ValueError, match="is in the search space too"):
            check_resource(estimator, found, {other})
        if given and other != found:
            with pytest.raises(ValueError, match=f"is another name of '{resource}'"):
                check_resource(estimator, other, set())


@pytest.mark.parametrize(
    ("package", "name", "resource"),
    [
        ("xgboost", "XGBClassifier", "learning_rate"),
        ("xgboost", "XGBClassifier", "booster"),
        ("lightgbm", "LGBMClassifier", "subsample"),
        ("lightgbm", "LGBMClassifier", "boosting_type"),
        ("catboost", "CatBoostClassifier", "learning_rate"),
        ("catboost", "CatBoostRegressor", "l2_leaf_reg"),
        ("catboost", "CatBoostRegressor", "eta"),
        ("catboost", "CatBoostClassifier", "loss_function"),
        ("catboost", "CatBoostClassifier", "verbose"),
        ("xgboost", "XGBClassifier", "callbacks"),
    ],
)
def test_what_libraries_take_no_integer_for(package, name, resource):
    estimator = getattr(pytest.importorskip(package), name)()
    with pytest.raises(ValueError, match=f"resource='{resource}' must be .* integers"):
        check_resource(estimator, resource, set())


def test_xgboost_makes_its_own_number_of_rounds_unless_it_is_searched():
    xgboost = pytest.importorskip("xgboost")
    X, y = load_breast_cancer(return_X_y=True)
    model = xgboost.XGBClassifier(n_jobs=1, max_depth=1)
    space = {"min_child_weight": [1.0, 2.0]}
    search = HyperbandSearchCV(model, space, cv=2, brackets=1).fit(X, y)
    assert search.n_resources_ == [11, 33, 100]
    assert search.best_estimator_.get_booster().num_boosted_rounds() == 100
    plan = HyperbandSearchCV(model, {"n_estimators": [1, 2]}).plan(X, y)
    assert plan["n_resources"].max() == len(y)
