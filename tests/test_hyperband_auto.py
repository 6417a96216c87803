"""What `HyperbandSearchCV` chooses by itself."""

import ast

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_tuners import HyperbandSearchCV
from sklearn_tuners.spaces import default_space

X = np.random.default_rng(0).random((6000, 2))
y = (X[:, 0] > X[:, 1]).astype(int)


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
