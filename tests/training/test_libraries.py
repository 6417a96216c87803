"""The records of the booster libraries, against those that are installed."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier

from sklearn_tuners._training.libraries import (
    LIBRARIES,
    LIGHTGBM,
    XGBOOST,
    Value,
    library_of,
)
from sklearn_tuners._training.steps import Training

# A fit that falls back to one from the start would equal it trivially.
pytestmark = pytest.mark.filterwarnings("error:.*could not continue:UserWarning")

X, Y = make_classification(
    120, 6, n_informative=4, n_classes=3, n_clusters_per_class=1, random_state=0
)

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
    if library.booster is not None:
        fitted = cls(**quiet, **{library.booster.parameter: 4}).fit(X, Y)
        assert count(library.booster.add_rounds(fitted, 3, X, Y, {})) == 7


# Each option of the tables ------------------------------------------------------------

NUMBERS = {
    "n_estimators": 9,
    "max_depth": 3,
    "max_leaves": 5,
    "num_leaves": 5,
    "max_bin": 15,
    "scale_pos_weight": 2.0,
    "base_score": 0.3,
    "missing": 0.0,
    "random_state": 7,
    "seed": 7,
    "num_parallel_tree": 2,
    "min_child_samples": 5,
    "min_data_in_leaf": 5,
    "subsample_for_bin": 50,
    "n_jobs": 1,
    "nthread": 1,
    "num_threads": 1,
    "verbosity": 0,
    "verbose": -1,
    "max_cat_to_onehot": 1,
    "max_cat_threshold": 2,
    "min_child_weight": 2.0,
    "subsample_freq": 1,
}
SWITCHES = {
    *("enable_categorical", "validate_parameters", "is_unbalance", "deterministic"),
    *("force_col_wise", "force_row_wise"),
}
VALUES = {
    "monotone_constraints": (1, 0, 0, 0, 0, -1),
    "eval_metric": "error",
    "metric": "multi_error",
    "importance_type": "gain",
    "class_weight": {0: 2.0, 1: 1.0, 2: 0.5},
}
OF_TWO_CLASSES = {"scale_pos_weight", "is_unbalance", "eval_metric"}
REGRESSION = {
    *("count:poisson", "regression", "regression_l1", "huber", "poisson", "quantile"),
    *("gamma", "tweedie", "reg:squarederror", "reg:absoluteerror", "reg:gamma"),
    *("reg:pseudohubererror", "reg:tweedie"),
}


def options():
    for library in (XGBOOST, LIGHTGBM):
        for name, proven in library.booster.options.items():
            if proven is Value.ANY:
                yield library, name, VALUES[name]
            elif proven is Value.NUMBER:
                yield (
                    library,
                    name,
                    True if name in SWITCHES else NUMBERS.get(name, 0.5),
                )
            elif proven is Value.SHARE:
                yield library, name, 1.0
            else:
                for choice in proven:
                    yield library, name, choice


def in_steps_and_in_one_go(estimator, X, y, **fit_params):
    for chain in [(2, 5, 9), (9,)]:
        fitted = clone(estimator).set_params(n_estimators=9)
        training = Training(resource="n_estimators", chain=chain, full=100)
        yield training.fit(fitted, X.copy(), y, **fit_params)


def booster_for(library, target, **changes):
    package, prefix, quiet = {
        XGBOOST.base: ("xgboost", "XGB", {"n_jobs": 1}),
        LIGHTGBM.base: ("lightgbm", "LGBM", {"n_jobs": 1, "verbose": -1}),
    }[library.base]
    module = pytest.importorskip(package)
    kind = "Regressor" if target == "amounts" else "Classifier"
    return getattr(module, prefix + kind)(**(quiet | {"random_state": 0} | changes))


TARGETS = {
    "classes": Y,
    "two classes": (Y > 0).astype(int),
    "amounts": 1.0 + np.abs(X[:, 0]) + X[:, 1] ** 2,
}


@pytest.mark.parametrize(
    ("library", "name", "value"),
    list(options()),
    ids=lambda value: getattr(value, "base", str(value)).partition(".")[0],
)
def test_with_each_option_steps_equal_a_single_fit(library, name, value):
    target = "classes"
    if name == "objective" and value in REGRESSION:
        target = "amounts"
    if name in OF_TWO_CLASSES or value in ("binary", "binary:logistic"):
        target = "two classes"
    estimator = booster_for(library, target, **{name: value})
    assert library.booster.goes_on(estimator, "n_estimators")
    assert library.booster.is_exact(estimator)
    in_steps, in_one_go = in_steps_and_in_one_go(estimator, X, TARGETS[target])
    method = "predict" if target == "amounts" else "predict_proba"
    assert_array_equal(getattr(in_steps, method)(X), getattr(in_one_go, method)(X))


ROWS = pd.DataFrame(X).assign(kind=pd.Categorical(np.tile(list("abcdef"), 20)))
ROWS.iloc[::7, 0] = np.nan


@pytest.mark.parametrize("library", [XGBOOST, LIGHTGBM], ids=["xgboost", "lightgbm"])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("weights", [None, np.linspace(0.1, 2.0, len(Y))])
def test_categories_gaps_and_weights_are_no_exception(library, target, weights):
    changes = {"enable_categorical": True} if library is XGBOOST else {}
    estimator = booster_for(library, target, **changes)
    assert library.booster.goes_on(estimator, "n_estimators")
    given = {} if weights is None else {"sample_weight": weights}
    in_steps, in_one_go = in_steps_and_in_one_go(
        estimator, ROWS, TARGETS[target], **given
    )
    assert_array_equal(in_steps.predict(ROWS), in_one_go.predict(ROWS))


@pytest.mark.parametrize("library", [XGBOOST, LIGHTGBM], ids=["xgboost", "lightgbm"])
def test_a_subclass_with_a_fit_of_its_own_starts_anew(library):
    base = type(booster_for(library, "classes"))

    class Shuffles(base):
        def fit(self, X, y):
            order = np.random.default_rng(0).permutation(len(y))
            return super().fit(X[order], y[order])

    class Named(base):
        """The same under another name."""

    assert not library.booster.goes_on(Shuffles(), "n_estimators")
    assert library.booster.goes_on(Named(), "n_estimators")
