"""An estimator taken apart, and put under the names that `set_params` takes."""

from __future__ import annotations

import pytest
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_tuners._estimators import (
    last_step,
    leaf_of,
    names_of,
    nested,
    owner_of,
    parameters,
    parts_of,
)

FOREST = RandomForestClassifier()
NESTED = make_pipeline(StandardScaler(), make_pipeline(PCA(), FOREST))


def test_a_leaf_is_last_if_only_last_steps_lead_to_it():
    name = "pipeline__randomforestclassifier__n_estimators"
    assert leaf_of(NESTED, name) == (FOREST, True)
    assert leaf_of(NESTED, "pipeline__pca__whiten")[1] is False
    assert leaf_of(NESTED, "standardscaler__copy")[1] is False
    assert leaf_of(FOREST, "n_estimators") == (FOREST, True)
    wrapped = OneVsRestClassifier(FOREST)
    assert leaf_of(wrapped, "estimator__n_estimators") == (FOREST, False)


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("pipeline__randomforestclassifier__n_estimators", FOREST),
        ("memory", NESTED),
        ("nothing__C", None),
        ("standardscaler__copy__C", None),
    ],
)
def test_the_owner_of_a_name(name, owner):
    assert owner_of(NESTED, name) is owner


def test_the_last_step_of_nested_pipelines():
    assert last_step(NESTED) == ("pipeline__randomforestclassifier__", FOREST)
    assert last_step(make_pipeline(PCA(), "passthrough")) == (
        "passthrough__",
        "passthrough",
    )


def test_parts_at_any_depth():
    prefixes = {prefix: type(part).__name__ for prefix, part in parts_of(NESTED)}
    assert prefixes == {
        "": "Pipeline",
        "standardscaler__": "StandardScaler",
        "pipeline__": "Pipeline",
        "pipeline__pca__": "PCA",
        "pipeline__randomforestclassifier__": "RandomForestClassifier",
    }


def test_what_is_directly_inside():
    voting = VotingClassifier([("svc", SVC()), ("drop", "drop")])
    assert [name for name, _ in nested(voting)] == ["svc"]
    columns = make_column_transformer((PCA(), [0]), remainder=StandardScaler())
    assert {name for name, _ in nested(columns)} == {"pca", "remainder"}


@pytest.mark.parametrize(
    "estimator", [GridSearchCV(SVC(), {"C": [1]}), FrozenEstimator(SVC())]
)
def test_nothing_is_set_inside_of_searches_and_frozen_estimators(estimator):
    assert list(nested(estimator)) == []


def test_names_go_from_the_class_to_its_bases():
    class Mine(Ridge):
        pass

    names = names_of(Mine())
    assert names[0].endswith("Mine")
    assert names[1] == "sklearn.linear_model._ridge.Ridge"
    assert names[-1] == "builtins.object"


class WithKeywords(BaseEstimator):
    def __init__(self, depth=3, **kwargs):
        self.depth = depth
        self.kwargs = kwargs

    def get_params(self, deep=True):
        return {"depth": self.depth, "rate": 0.1, **self.kwargs}


def test_parameters_that_come_in_through_keywords_have_defaults():
    found = parameters(WithKeywords(depth=5, rate=0.5))
    assert found == {"depth": (5, 3), "rate": (0.5, 0.1)}
