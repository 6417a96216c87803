"""What `HyperbandSearchCV` chooses by itself."""

import ast
import warnings

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_tuners import HyperbandSearchCV
from sklearn_tuners.spaces import default_space

X = np.random.default_rng(0).random((6000, 2))
y = (X[:, 0] > X[:, 1]).astype(int)
SPACES = {
    "C": loguniform(1e-3, 10),
    "max_depth": [1, 2, 3],
    "alpha": loguniform(1e-6, 1e-1),
}


@pytest.mark.parametrize(
    ("resource", "largest", "rungs"),
    [("n_epochs", 81, [9, 27, 81]), ("n_samples", "auto", [666, 2000, 6000])],
)
def test_by_itself_a_search_has_three_brackets_at_the_most(resource, largest, rungs):
    search = HyperbandSearchCV(
        SGDClassifier(),
        {"alpha": loguniform(1e-6, 1e-1)},
        resource=resource,
        max_resources=largest,
    )
    plan = search.plan(X, y)
    assert plan["bracket"].nunique() == 3
    assert plan.loc[plan["bracket"] == 0, "n_resources"].tolist() == rungs


@pytest.mark.parametrize(
    ("estimator", "data", "rungs"),
    [
        (LogisticRegression(), load_iris, [50, 150]),
        (RandomForestClassifier(n_estimators=25), load_iris, [8, 25]),
        (MLPClassifier(max_iter=25), load_iris, [8, 25]),
        (RandomForestClassifier(n_estimators=3), load_iris, [1, 3]),
        (RandomForestClassifier(n_estimators=30), load_iris, [10, 30]),
        (Ridge(), load_diabetes, [49, 147, 442]),
    ],
)
def test_two_rungs_are_better_than_what_is_sensible(estimator, data, rungs):
    name = next(name for name in estimator.get_params() if name in SPACES)
    search = HyperbandSearchCV(estimator, {name: SPACES[name]})
    plan = search.plan(*data(return_X_y=True))
    assert plan.loc[plan["bracket"] == 0, "n_resources"].tolist() == rungs


def test_a_single_rung_is_spoken_of():
    few, labels = X[:50], y[:50]  # 50 / 3 is less than the 20 that "smallest" is
    space = {"C": loguniform(1e-3, 10)}
    with pytest.warns(UserWarning, match="one candidate .*n_samples=50.*min_resources"):
        search = HyperbandSearchCV(LogisticRegression(), space).fit(few, labels)
    assert search.n_candidates_ == [1]
    with pytest.warns(UserWarning, match="every candidate with the full resource"):
        search.set_params(n_iter=3).fit(few, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search.set_params(min_resources=50).fit(few, labels)  # as was asked for
        search.set_params(min_resources="auto", cv=2).fit(few, labels)
    assert search.n_resources_ == [16, 50]


def test_more_brackets_can_be_had():
    search = HyperbandSearchCV(
        SGDClassifier(),
        {"alpha": loguniform(1e-6, 1e-1)},
        resource="n_epochs",
        min_resources=1,
        max_resources=81,
    )
    assert search.plan(X, y)["bracket"].nunique() == 5


@pytest.mark.parametrize(
    ("estimator", "resource", "name"),
    [
        (GradientBoostingClassifier(), "auto", "n_estimators"),
        (GradientBoostingClassifier(), "n_samples", None),
        (
            make_pipeline(StandardScaler(), GradientBoostingClassifier()),
            "gradientboostingclassifier__n_estimators",
            "gradientboostingclassifier__n_estimators",
        ),
    ],
)
def test_the_default_space_that_is_shown_is_the_one_that_is_searched(
    estimator, resource, name
):
    given = {"resource": resource, "max_resources": 9}
    search = HyperbandSearchCV(
        estimator, cv=2, brackets=1, n_iter=1, random_state=0, **given
    )
    shown = shown_space(search)
    assert shown.keys() == default_space(estimator).keys() - {name}
    if resource == "n_samples":
        search.set_params(max_resources=60, min_resources=60)
    search.fit(X[:90], y[:90])
    assert shown_space(search).keys() == shown.keys()


def shown_space(search):
    text = search.__repr__(N_CHAR_MAX=10**6)
    tree = ast.parse(text, mode="eval").body
    return {
        key.value: ast.unparse(value)
        for keyword in tree.keywords
        if keyword.arg == "param_distributions"
        for key, value in zip(keyword.value.keys, keyword.value.values, strict=True)
    }
