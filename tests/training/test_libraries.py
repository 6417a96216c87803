"""The records of the booster libraries, against those that are installed."""

from __future__ import annotations

from importlib import import_module

import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier

from sklearn_tuners._training.libraries import LIBRARIES, library_of

X, Y = make_classification(60, random_state=0)

CLASSES = [
    ("xgboost", "XGBClassifier"),
    ("xgboost", "XGBRegressor"),
    ("xgboost", "XGBRanker"),
    ("xgboost", "XGBRFClassifier"),
    ("lightgbm", "LGBMClassifier"),
    ("lightgbm", "LGBMRegressor"),
    ("lightgbm", "LGBMRanker"),
    ("catboost", "CatBoostClassifier"),
    ("catboost", "CatBoostRegressor"),
    ("catboost", "CatBoostRanker"),
]


@pytest.mark.parametrize("base", LIBRARIES)
def test_the_base_class_exists(base):
    module, _, name = base.rpartition(".")
    pytest.importorskip(module.partition(".")[0])
    assert isinstance(getattr(import_module(module), name), type)


@pytest.mark.parametrize(("package", "name"), CLASSES)
def test_boosters_are_known_by_their_base(package, name):
    estimator = getattr(pytest.importorskip(package), name)()
    library = library_of(estimator)
    assert library is not None
    assert library.base.startswith(f"{package}.")


def test_other_boosters_are_of_no_library():
    assert library_of(GradientBoostingClassifier()) is None


@pytest.mark.parametrize(
    ("package", "name", "quiet", "count"),
    [
        (
            "xgboost",
            "XGBClassifier",
            {"n_jobs": 1},
            lambda e: e.get_booster().num_boosted_rounds(),
        ),
        (
            "lightgbm",
            "LGBMClassifier",
            {"verbose": -1, "n_jobs": 1},
            lambda e: e.booster_.current_iteration(),
        ),
        (
            "catboost",
            "CatBoostClassifier",
            {"verbose": 0, "allow_writing_files": False, "thread_count": 1},
            lambda e: e.tree_count_,
        ),
    ],
)
def test_rounds_are_counted_under_every_name(package, name, quiet, count):
    cls = getattr(pytest.importorskip(package), name)
    library = library_of(cls())
    for parameter in library.rounds:
        assert count(cls(**quiet, **{parameter: 7}).fit(X, Y)) == 7
    assert count(cls(**quiet).fit(X, Y)) == library.default_rounds
    grown = library.add_rounds(
        cls(**quiet, **{library.parameter: 4}).fit(X, Y), 3, X, Y, {}
    )
    assert count(grown) == 7
