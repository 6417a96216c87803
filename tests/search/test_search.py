"""BayesSearchCV on real estimators and data, where scikit-learn's tests do not reach.

That everything else is as in GridSearchCV is shown by test_sklearn_contract.py, which
runs scikit-learn's own tests.
"""

import pickle
import re
import warnings
from functools import partial
from unittest.mock import Mock, patch

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.stats import loguniform, randint, uniform
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.cluster import DBSCAN
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import NMF, PCA
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    RandomizedSearchCV,
    ShuffleSplit,
    cross_validate,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from sklearn_tuners import BayesSearchCV, HyperbandSearchCV
from sklearn_tuners._space.space import Space
from sklearn_tuners.testing import search_spaces

IRIS = load_iris(return_X_y=True)
C_AND_GAMMA = {"C": loguniform(1e-2, 1e3), "gamma": loguniform(1e-4, 1)}


def assert_same_results(ours, theirs):
    """Equality of two cv_results_ but for the times."""
    assert list(ours) == list(theirs)
    for key, expected in theirs.items():
        if key.endswith("_time"):
            assert ours[key].shape == expected.shape
        elif key == "params":
            assert ours[key] == expected
        else:
            assert ours[key].dtype == expected.dtype, key
            assert type(ours[key]) is type(expected), key
            np.testing.assert_array_equal(ours[key], expected)


GRIDS = {
    "lists": {"max_depth": [4, 1, 2], "criterion": ["gini", "entropy"]},
    "several dicts": [{"max_depth": [1, 2]}, {"min_samples_leaf": [9, 3, 1]}],
    "values listed twice": {"max_depth": [2, 2, 3]},
    "array and range": {"max_depth": np.array([3, 1]), "min_samples_leaf": range(1, 4)},
    "None and mixed": {"max_features": [None, "sqrt", 2, 0.5]},
    "tuples": {"max_depth": (3, 1)},
    "nothing to choose": {},
}


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS.keys())
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_small_grid_gives_the_result_of_grid_search(grid, n_jobs):
    tree = DecisionTreeClassifier(random_state=0)
    kwargs = {"return_train_score": True, "n_jobs": n_jobs}
    theirs = GridSearchCV(tree, param_grid=grid, **kwargs).fit(*IRIS)
    ours = BayesSearchCV(tree, param_grid=grid, **kwargs).fit(*IRIS)
    assert_same_results(ours.cv_results_, theirs.cv_results_)
    for name in ("best_index_", "best_params_", "best_score_", "n_splits_"):
        assert getattr(ours, name) == getattr(theirs, name)
    np.testing.assert_array_equal(ours.predict(IRIS[0]), theirs.predict(IRIS[0]))


def test_columns_of_a_larger_space_are_those_of_randomized_search():
    space = {"C": loguniform(1e-2, 1e2), "kernel": ["rbf", "linear"], "degree": [2, 3]}
    kwargs = {"n_iter": 8, "random_state": 0, "scoring": ["accuracy", "f1_macro"]}
    kwargs["refit"] = "accuracy"
    theirs = RandomizedSearchCV(SVC(), space, **kwargs).fit(*IRIS).cv_results_
    ours = BayesSearchCV(SVC(), space, **kwargs).fit(*IRIS).cv_results_
    assert list(ours) == list(theirs)
    for key in ours.keys() - {"params"}:
        assert type(ours[key]) is type(theirs[key])
        assert ours[key].dtype == theirs[key].dtype
        assert ours[key].shape == theirs[key].shape


@pytest.mark.parametrize("n_jobs", [1, 2, 3])
def test_a_seed_fixes_the_outcome(n_jobs):
    results = [
        BayesSearchCV(
            SVC(), C_AND_GAMMA, n_iter=12, cv=3, n_jobs=n_jobs, random_state=7
        )
        .fit(*IRIS)
        .cv_results_
        for _ in range(2)
    ]
    assert_same_results(*results)


def test_no_candidate_twice_and_n_iter_of_them():
    space = {"C": [0.1, 1, 10, 100], "kernel": ["rbf", "poly"], "degree": range(2, 5)}
    search = BayesSearchCV(SVC(), space, n_iter=20, random_state=0).fit(*IRIS)
    assert len({tuple(p.items()) for p in search.cv_results_["params"]}) == 20


def test_better_than_random_search_on_the_same_number_of_fits():
    X, y = (a[:220] for a in load_diabetes(return_X_y=True))
    model = make_pipeline(StandardScaler(), SVR())
    space = {
        "svr__C": loguniform(1e-3, 1e5),
        "svr__gamma": loguniform(1e-5, 1e1),
        "svr__epsilon": loguniform(1e-2, 1e2),
    }
    kwargs = {"n_iter": 30, "cv": 3}
    gain = [
        BayesSearchCV(model, space, random_state=seed, **kwargs).fit(X, y).best_score_
        - RandomizedSearchCV(model, space, random_state=seed, **kwargs)
        .fit(X, y)
        .best_score_
        for seed in range(5)
    ]
    assert np.mean(gain) > 0


# Values of every kind ----------------------------------------------------------------


class TakesAnything(BaseEstimator):
    """An estimator that has whatever parameters are set on it."""

    def __init__(self, **params):
        self.params = params

    def get_params(self, deep=True):
        return dict(self.params)

    def set_params(self, **params):
        self.params |= params
        return self

    def fit(self, X, y=None):
        return self

    def score(self, X, y=None):
        return len(repr(sorted(self.params))) % 7 / 7


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(space=search_spaces(), n_iter=st.integers(1, 12))
def test_as_many_rows_as_asked_for_or_as_there_are_and_all_distinct(space, n_iter):
    parsed = Space.parse(space)
    search = BayesSearchCV(
        TakesAnything(), space, n_iter=n_iter, cv=2, refit=False, random_state=0
    ).fit(IRIS[0][:6])
    rows = search.cv_results_["params"]
    assert len(rows) == min(n_iter, parsed.size)
    if parsed.size == parsed.n_distinct and np.isfinite(parsed.size):
        assert len({parsed.key(parsed.encode(params)) for params in rows}) == len(rows)


def test_a_whole_list_of_steps_as_a_value():
    steps = [[("pca", PCA()), ("svc", SVC())], [("pca", PCA(2)), ("tree", SVC())]]
    pipe = Pipeline([("clf", SVC())])
    space = {"steps": steps, "pca__n_components": [1, 2]}
    theirs = GridSearchCV(pipe, space).fit(*IRIS)
    ours = BayesSearchCV(pipe, space).fit(*IRIS)
    np.testing.assert_array_equal(
        ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"]
    )


def test_names_are_looked_up_without_going_through_all_combinations():
    looks = []

    class Counted(StandardScaler):
        def set_params(self, **params):
            looks.append(params)
            return super().set_params(**params)

    names = [f"s{i}" for i in range(9)]
    pipe = Pipeline([*((name, Counted()) for name in names), ("clf", SVC())])
    space = {name: [Counted(), Counted(with_mean=False)] for name in names}
    space |= {f"{name}__with_std": [True, False] for name in names}
    BayesSearchCV(pipe, space, n_iter=1, cv=2, refit=False).fit(*IRIS)
    assert len(looks) < 9 * 2 * 9 + 9 * 9


def test_objects_come_back_as_they_are():
    layers = [(10,), (20, 10), (5, 5, 5)]
    space = {
        "hidden_layer_sizes": layers,
        "early_stopping": [True, False],
        "max_iter": [5],
        "alpha": loguniform(1e-5, 1e-1),
        "batch_size": [16, "auto"],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = BayesSearchCV(MLPClassifier(), space, n_iter=8, cv=2).fit(*IRIS)
    for params in search.cv_results_["params"]:
        assert any(params["hidden_layer_sizes"] is layer for layer in layers)
        assert type(params["early_stopping"]) is bool
        assert params["batch_size"] in (16, "auto")
        assert type(params["alpha"]) is float
        assert type(params["max_iter"]) is int
        assert list(params) == sorted(space)


def test_estimators_as_values_with_parameters_of_their_own():
    svc, forest = SVC(), RandomForestClassifier(n_estimators=5)
    pipe = Pipeline([("reduce", PCA()), ("clf", DecisionTreeClassifier())])
    space = [
        {"reduce": ["passthrough", PCA(2)], "clf": [svc], "clf__C": loguniform(0.1, 9)},
        {"clf": [forest], "clf__max_depth": randint(1, 9), "reduce__whiten": [True]},
    ]
    search = BayesSearchCV(pipe, space, n_iter=14, random_state=0).fit(*IRIS)
    classifiers = [params["clf"] for params in search.cv_results_["params"]]
    assert {id(classifier) for classifier in classifiers} == {id(svc), id(forest)}
    assert len(classifiers) == 14
    assert not hasattr(svc, "classes_")  # a clone was fitted
    mask = search.cv_results_["param_clf__C"].mask
    assert [params["clf"] is forest for params in search.cv_results_["params"]] == list(
        mask
    )


def test_callables_and_strings_in_one_list():
    space = {"weights": ["uniform", np.exp, None], "n_neighbors": range(1, 30)}
    search = BayesSearchCV(KNeighborsClassifier(), space, n_iter=9).fit(*IRIS)
    kinds = {id(value) for value in space["weights"]}
    assert {id(params["weights"]) for params in search.cv_results_["params"]} <= kinds


def test_a_tuple_of_two_numbers_is_a_range_but_not_in_param_grid():
    ranged = BayesSearchCV(SVC(), {"C": (1, 1000, "log-uniform")}, n_iter=5).fit(*IRIS)
    assert all(type(p["C"]) is int for p in ranged.cv_results_["params"])
    listed = BayesSearchCV(SVC(), param_grid={"C": (1, 1000)}, n_iter=5).fit(*IRIS)
    assert [params["C"] for params in listed.cv_results_["params"]] == [1, 1000]


@pytest.mark.parametrize("Search", [BayesSearchCV, HyperbandSearchCV])
@pytest.mark.parametrize(
    "estimator",
    [IsolationForest(), DBSCAN(), NMF(), make_pipeline(StandardScaler(), NMF())],
    ids=str,
)
def test_an_estimator_without_score_needs_scoring(Search, estimator):
    message = (
        rf"{Search.__name__} was given no scoring \(scoring=None\), and "
        rf"{re.escape(repr(estimator))} has no score method .*: give scoring, the name"
    )
    with (
        patch.object(type(estimator), "fit", Mock()) as fit,
        pytest.raises(TypeError, match=message),
    ):
        Search(estimator).fit(*IRIS)
    assert not fit.called


def test_a_callable_scores_what_has_no_score():
    def share_inside(estimator, X, y=None):
        return np.mean(estimator.predict(X) == 1)

    search = BayesSearchCV(
        IsolationForest(n_estimators=5, random_state=0),
        n_iter=3,
        scoring=share_inside,
        random_state=0,
    )
    assert 0 < search.fit(IRIS[0]).best_score_ <= 1


def test_initial_params_come_first_verbatim_and_once():
    first = [{"C": 10, "gamma": 0.01}, {"C": 1.0, "gamma": 0.1}]
    search = BayesSearchCV(
        SVC(), C_AND_GAMMA, n_iter=6, initial_params=first, random_state=0
    ).fit(*IRIS)
    params = search.cv_results_["params"]
    assert params[:2] == first
    assert type(params[0]["C"]) is int
    assert len(params) == 6


@pytest.mark.parametrize("bad", [{"n_iter": 0}, {"cv": "x"}])
def test_a_parameter_that_is_refused_leaves_nothing_of_the_first_fit(bad):
    search = BayesSearchCV(SVC(), {"C": [1, 2]}).fit(*IRIS)
    with pytest.raises(ValueError, match=next(iter(bad))):
        search.set_params(**bad).fit(*IRIS)
    with pytest.raises(NotFittedError):
        search.predict(IRIS[0])


@pytest.mark.parametrize(
    ("initial", "message"),
    [
        ({"C": 1e9, "gamma": 0.1}, "C"),
        ({"C": 1.0}, "gamma"),
        ({"C": 1.0, "gamma": 0.1, "degree": 2}, "degree"),
    ],
)
def test_initial_params_outside_the_space(initial, message):
    search = BayesSearchCV(SVC(), C_AND_GAMMA, initial_params=initial)
    with pytest.raises(ValueError, match=message):
        search.fit(*IRIS)


# Failures ----------------------------------------------------------------------------


class FailsBelow(ClassifierMixin, BaseEstimator):
    """A classifier whose fit fails for small thresholds."""

    def __init__(self, threshold=0.0):
        self.threshold = threshold

    def fit(self, X, y):
        if self.threshold < 5:
            raise ArithmeticError("threshold too small")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[int(self.threshold) % 2])


def test_a_failing_candidate_costs_one_row():
    space = {"threshold": uniform(0, 20)}
    search = BayesSearchCV(FailsBelow(), space, n_iter=20, random_state=0)
    with (
        pytest.warns(FitFailedWarning, match="threshold too small"),
        pytest.warns(UserWarning, match="non-finite"),
    ):
        search.fit(*IRIS)
    failed = np.isnan(search.cv_results_["mean_test_score"])
    assert 0 < failed.sum() < 8
    assert len(failed) == 20
    assert search.cv_results_["rank_test_score"][failed].min() == 20 - failed.sum() + 1
    assert search.best_params_["threshold"] >= 5


def test_all_failing_raises():
    search = BayesSearchCV(FailsBelow(), {"threshold": uniform(0, 1)}, n_iter=6)
    with pytest.raises(ValueError, match="All the 30 fits failed"):
        search.fit(*IRIS)


def test_a_callable_of_several_metrics_whose_first_candidate_fails():
    """What the metrics are called is known from the second candidate on only."""

    def scoring(estimator, X, y):
        return {"accuracy": estimator.score(X, y), "one": 1.0}

    results = []
    for search in (GridSearchCV, BayesSearchCV):
        search = search(
            FailsBelow(),
            param_grid={"threshold": [0, 8, 9]},
            scoring=scoring,
            refit="accuracy",
        )
        with (
            pytest.warns(FitFailedWarning),
            pytest.warns(UserWarning, match="non-finite"),
        ):
            results.append(search.fit(*IRIS))
    grid, ours = results
    assert ours.multimetric_
    assert ours.best_params_ == grid.best_params_
    for key in ("mean_test_accuracy", "rank_test_accuracy", "mean_test_one"):
        np.testing.assert_array_equal(ours.cv_results_[key], grid.cv_results_[key])


def test_error_score_raise_raises():
    search = BayesSearchCV(
        FailsBelow(), {"threshold": [0, 9]}, n_iter=6, error_score="raise"
    )
    with pytest.raises(ArithmeticError, match="too small"):
        search.fit(*IRIS)


def test_a_finite_error_score_is_the_score():
    space = {"threshold": [0, 9]}
    search = BayesSearchCV(FailsBelow(), space, error_score=-1)
    with pytest.warns(FitFailedWarning):
        search.fit(*IRIS)
    assert search.cv_results_["mean_test_score"][0] == -1


@pytest.mark.parametrize("space", [C_AND_GAMMA, {"C": [1.0]}])
def test_constant_scores(space):
    search = BayesSearchCV(
        SVC(), space, n_iter=12, cv=2, scoring=lambda estimator, X, y: 0.5
    ).fit(*IRIS)
    assert search.best_index_ == 0


def test_a_second_fit_leaves_nothing_of_the_first():
    search = BayesSearchCV(SVC(), {"C": [1, 2]}).fit(*IRIS)
    search.set_params(error_score="raise", param_distributions={"C": [-1]})
    with pytest.raises(ValueError, match="C"):
        search.fit(*IRIS)
    with pytest.raises(NotFittedError):
        search.predict(IRIS[0])
    assert not [name for name in vars(search) if name.endswith("_")]


BAD_INPUT = [
    ({"param_distributions": {"c": [1, 2]}}, "'c'.*Did you mean 'C'"),
    ({"param_distributions": {"C": []}}, "C.*empty|empty.*C"),
    ({"param_distributions": {"C": (3.0, 1.0)}}, "C"),
    ({"param_distributions": {"C": (0, 1, "log-uniform")}}, "C.*log|log.*C"),
    ({"param_distributions": {"C": (float("nan"), 1.0)}}, "C"),
    ({"param_distributions": []}, "param_distributions"),
    ({"param_grid": []}, "param_grid"),
    ({"param_grid": {"C": [1]}, "param_distributions": {"C": [1]}}, "not both"),
    ({"param_distributions": {"C": [1]}, "n_iter": 0}, "n_iter"),
    ({"param_distributions": {"C": [1]}, "n_initial_points": 0}, "n_initial_points"),
    ({"param_distributions": {"C": [1]}, "scoring": "acuracy"}, "scoring"),
    (
        {"param_distributions": {"C": [1]}, "scoring": lambda e, X, y: "high"},
        "scoring must return a number",
    ),
    ({"param_distributions": {"C": [1]}, "n_jobs": 0}, "n_jobs"),
]


@pytest.mark.parametrize(("kwargs", "message"), BAD_INPUT)
@pytest.mark.parametrize("error_score", [np.nan, -1.0, "raise"])
def test_bad_input_names_the_parameter(kwargs, message, error_score):
    search = BayesSearchCV(SVC(), error_score=error_score, **kwargs)
    with pytest.raises(ValueError, match=message):
        search.fit(*IRIS)


def test_a_parameter_that_only_some_of_the_estimators_have():
    pipe = Pipeline([("clf", SVC())])
    space = {"clf": [SVC(), RandomForestClassifier()], "clf__C": [1, 2]}
    with pytest.raises(ValueError, match=r"'clf__C'.*RandomForestClassifier"):
        BayesSearchCV(pipe, space, error_score=0).fit(*IRIS)


def test_data_of_different_length():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        BayesSearchCV(SVC(), {"C": [1]}).fit(IRIS[0], IRIS[1][:-1])


# Semantics beyond scikit-learn's own tests --------------------------------------------


def test_a_shuffled_cv_without_a_seed_is_drawn_once():
    class SplitRecorder(ClassifierMixin, BaseEstimator):
        def __init__(self, a=0):
            self.a = a

        def fit(self, X, y):
            self.score_ = float(np.sum(X[:, 0]))
            return self

        def predict(self, X):
            return np.zeros(len(X))

        def score(self, X, y=None):
            return self.score_

    search = BayesSearchCV(
        SplitRecorder(), {"a": uniform()}, n_iter=6, cv=ShuffleSplit(3)
    ).fit(*IRIS)
    for split in range(3):
        assert np.ptp(search.cv_results_[f"split{split}_test_score"]) == 0


def test_the_surrogate_follows_the_refit_metric():
    def scores(estimator, X, y):
        return {"up": np.log10(estimator.C), "down": -np.log10(estimator.C)}

    for metric, best in (("up", 1e3), ("down", 1e-2)):
        search = BayesSearchCV(
            SVC(),
            {"C": loguniform(1e-2, 1e3)},
            n_iter=15,
            cv=2,
            scoring=scores,
            refit=metric,
            random_state=0,
        ).fit(*IRIS)
        assert np.log10(search.best_params_["C"]) == pytest.approx(np.log10(best))
    search.set_params(refit=False).fit(*IRIS)  # follows "up", the first
    best_up = search.cv_results_["mean_test_up"].max()
    assert best_up == pytest.approx(3)
    assert not hasattr(search, "best_params_")


def test_a_callable_refit_gets_the_results():
    search = BayesSearchCV(
        SVC(), C_AND_GAMMA, n_iter=8, refit=lambda results: len(results["params"]) - 1
    ).fit(*IRIS)
    assert search.best_index_ == 7
    assert search.best_params_ == search.cv_results_["params"][7]
    assert not hasattr(search, "best_score_")


@pytest.mark.parametrize(
    "make",
    [
        np.asarray,
        partial(pd.DataFrame, columns=list("abcd")),
        partial(pl.DataFrame, schema=list("abcd")),
        sparse.csr_array,
    ],
)
def test_containers_of_data(make):
    X, y = IRIS
    search = BayesSearchCV(SVC(), C_AND_GAMMA, n_iter=5, cv=2, n_jobs=2, random_state=0)
    search.fit(make(X), y)
    assert search.predict(make(X)).shape == y.shape
    assert search.n_features_in_ == 4
    assert hasattr(search, "feature_names_in_") == hasattr(make(X), "columns")


def test_a_precomputed_kernel():
    X, y = IRIS
    plain = BayesSearchCV(SVC(kernel="linear"), {"C": [0.1, 1, 10]}).fit(X, y)
    kernel = BayesSearchCV(SVC(kernel="precomputed"), {"C": [0.1, 1, 10]}).fit(
        X @ X.T, y
    )
    np.testing.assert_allclose(
        kernel.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"]
    )


def test_nested_in_cross_validate_and_in_itself():
    inner = BayesSearchCV(SVC(), {"C": loguniform(0.1, 10)}, n_iter=5, cv=2)
    scores = cross_validate(inner, *IRIS, cv=KFold(3, shuffle=True, random_state=0))
    assert scores["test_score"].min() > 0.8
    outer = BayesSearchCV(inner, {"estimator__kernel": ["linear", "rbf"]}, cv=2)
    assert outer.fit(*IRIS).score(*IRIS) > 0.9


def test_pickle_joblib_clone_and_tags(tmp_path):
    search = BayesSearchCV(SVC(), C_AND_GAMMA, n_iter=5, cv=2)
    assert is_classifier(search)
    assert not is_classifier(BayesSearchCV(Ridge(), {"alpha": [1]}))
    copy = clone(search)
    assert copy.get_params(deep=False).keys() == search.get_params(deep=False).keys()
    search.fit(*IRIS)
    joblib.dump(search, tmp_path / "search")
    for loaded in (
        pickle.loads(pickle.dumps(search)),
        joblib.load(tmp_path / "search"),
    ):
        np.testing.assert_array_equal(loaded.predict(IRIS[0]), search.predict(IRIS[0]))
        assert loaded.best_params_ == search.best_params_
    assert "BayesSearchCV" in search._repr_html_()


def test_verbose_announces_the_fits(capsys):
    BayesSearchCV(SVC(), C_AND_GAMMA, n_iter=3, cv=2, verbose=10).fit(*IRIS)
    out = capsys.readouterr().out
    assert "Fitting 2 folds for each of 3 candidates, totalling 6 fits" in out
    assert out.count("END") == 6
    assert "3/3" in out


def test_sample_weight_and_groups_reach_their_consumers():
    X, y = load_diabetes(return_X_y=True)
    weights = np.r_[np.ones(200), np.zeros(len(y) - 200)]
    search = BayesSearchCV(Ridge(), {"alpha": [0.1, 1]}, cv=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(X, y, sample_weight=weights)
    expected = Ridge(**search.best_params_).fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(search.best_estimator_.coef_, expected.coef_)


def test_positional_and_keyword_calls_of_the_peers():
    grid = {"C": [1, 2]}
    for search in (
        BayesSearchCV(SVC(), grid),
        BayesSearchCV(estimator=SVC(), param_grid=grid),
        BayesSearchCV(SVC(), param_distributions=grid, n_iter=2),
        BayesSearchCV(SVC(), grid, pre_dispatch="n_jobs"),
    ):
        assert len(search.fit(*IRIS).cv_results_["params"]) == 2
