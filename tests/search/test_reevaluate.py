"""Scoring the best candidates again on fresh splits."""

import numpy as np
import pytest
from scipy.stats import loguniform, uniform
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_iris, make_classification
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneOut,
    PredefinedSplit,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    check_cv,
    cross_val_score,
)
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from sklearn_tuners import BayesSearchCV, OneStandardError
from sklearn_tuners._search.reevaluate import choose, reseeded, top_rows

IRIS = load_iris(return_X_y=True)
C = {"C": loguniform(1e-3, 1e3)}


def search_with(**params):
    params = {"n_iter": 8, "reevaluate_top": 3, "random_state": 0, **params}
    return BayesSearchCV(params.pop("estimator", SVC()), C, **params)


class Lucky(BaseEstimator):
    """Scores `truth`, and 1 more on the test sets of unshuffled folds if `lucky`."""

    def __init__(self, truth=0.0, lucky=False):
        self.truth, self.lucky = truth, lucky

    def fit(self, X, y=None):
        return self

    def score(self, X, y=None):
        unshuffled = (np.diff(X[:, 0]) == 1).all()
        return self.truth + (self.lucky and unshuffled)


# The choice ---------------------------------------------------------------------------


def test_luck_on_the_splits_of_the_search_is_found_out():
    X = np.arange(60.0)[:, None]
    space = [
        {"truth": [0.5, 0.6], "lucky": [False]},
        {"truth": [-0.3], "lucky": [True]},
    ]
    plain = BayesSearchCV(Lucky(), space, n_iter=9).fit(X)
    again = BayesSearchCV(Lucky(), space, n_iter=9, reevaluate_top=3).fit(X)
    assert plain.best_params_["lucky"]
    assert again.best_params_ == {"lucky": False, "truth": 0.6}
    assert again.best_index_ == 1
    assert again.best_score_ == again.cv_results_["mean_test_score"][1]
    assert again.best_estimator_.truth == 0.6
    for name, column in plain.cv_results_.items():
        if not name.endswith("time"):
            np.testing.assert_array_equal(column, again.cv_results_[name])


def test_what_was_found_is_kept():
    search = search_with().fit(*IRIS)
    found = search.reevaluation_
    scores = search.cv_results_["mean_test_score"]
    rows = found["candidate"]
    assert len(rows) == 3
    assert set(scores[rows]) == set(np.sort(scores)[-3:])
    np.testing.assert_allclose(found["mean_cv_score"], scores[rows])
    fresh = np.stack([found[f"split{i}_test_score"] for i in range(5)])
    np.testing.assert_allclose(found["mean_fresh_score"], fresh.mean(axis=0))
    both = (found["mean_cv_score"] + found["mean_fresh_score"]) / 2
    np.testing.assert_allclose(found["mean_score"], both)
    assert search.best_index_ == rows[both.argmax()]
    assert search.best_params_ == search.cv_results_["params"][search.best_index_]


def test_fresh_splits_are_of_the_same_kind():
    search = search_with(cv=4).fit(*IRIS)
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max)
    cv = StratifiedKFold(4, shuffle=True, random_state=seed)
    row = search.reevaluation_["candidate"][0]
    estimator = SVC(**search.cv_results_["params"][row])
    expected = cross_val_score(estimator, *IRIS, cv=cv)
    found = [search.reevaluation_[f"split{i}_test_score"][0] for i in range(4)]
    np.testing.assert_allclose(found, expected)


def test_the_choice_is_reproducible_and_the_same_in_processes():
    tree = DecisionTreeClassifier(random_state=0)
    X, y = make_classification(80, flip_y=0.3, random_state=0)
    runs = [
        BayesSearchCV(
            tree,
            {"max_depth": (1, 20), "min_samples_leaf": (1, 30)},
            n_iter=6,
            initial_params=None,
            n_initial_points=6,
            reevaluate_top=3,
            n_jobs=n_jobs,
            random_state=3,
        ).fit(X, y)
        for n_jobs in (1, 1, 2)
    ]
    for run in runs[1:]:
        for name, column in runs[0].reevaluation_.items():
            np.testing.assert_array_equal(column, run.reevaluation_[name])
        assert run.best_index_ == runs[0].best_index_


def test_fewer_candidates_than_asked_for():
    search = BayesSearchCV(SVC(), {"C": [1, 2]}, reevaluate_top=9).fit(*IRIS)
    assert sorted(search.reevaluation_["candidate"]) == [0, 1]


def test_without_it_nothing_changes():
    search = search_with(reevaluate_top=None).fit(*IRIS)
    assert not hasattr(search, "reevaluation_")
    assert clone(search_with()).reevaluate_top == 3


def test_several_metrics():
    X, y = make_classification(80, flip_y=0.3, random_state=0)
    search = search_with(scoring=["accuracy", "f1"], refit="f1").fit(X, y)
    rows = search.reevaluation_["candidate"]
    f1 = search.cv_results_["mean_test_f1"]
    np.testing.assert_allclose(search.reevaluation_["mean_cv_score"], f1[rows])
    assert search.best_score_ == f1[search.best_index_]


def test_metadata_is_split_with_the_data():
    groups = np.repeat(np.arange(30), 5)
    search = search_with(cv=GroupKFold(5)).fit(*IRIS, groups=groups)
    assert len(search.reevaluation_["mean_score"]) == 3
    weights = np.ones(150)
    search = search_with(cv=3).fit(*IRIS, sample_weight=weights)
    assert len(search.reevaluation_["mean_score"]) == 3


def test_a_search_without_refit():
    search = search_with(refit=False).fit(*IRIS)
    assert search.best_index_ in search.reevaluation_["candidate"]


def test_stopping_rules_are_for_the_search():
    search = search_with(target_score=0.1, n_iter=20).fit(*IRIS)
    assert search.stop_reason_ == "target_score"
    search = search_with(n_iter_no_change=1, n_iter=20).fit(*IRIS)
    assert len(search.reevaluation_["candidate"]) == min(
        3, len(search.cv_results_["params"])
    )


def test_a_resumed_search_chooses_the_same(tmp_path):
    one = search_with(journal=tmp_path / "a.sqlite").fit(*IRIS)
    two = search_with(journal=tmp_path / "a.sqlite").fit(*IRIS)
    for name, column in one.reevaluation_.items():
        np.testing.assert_array_equal(column, two.reevaluation_[name])


def test_when_the_time_is_up_the_plain_choice_is_taken():
    class Clock(SVC):
        n_fits = 0

        def fit(self, X, y):
            Clock.n_fits += 1
            if Clock.n_fits == 2 * 5 + 3:  # the last time it is looked at was before
                import time

                time.sleep(2.5)
            return super().fit(X, y)

    search = BayesSearchCV(
        Clock(), {"C": [1, 100]}, n_iter=2, max_time=2.0, reevaluate_top=2, refit=False
    )
    with pytest.warns(UserWarning, match=r"stopped \(max_time\) before it was done"):
        search.fit(*IRIS)
    assert not hasattr(search, "reevaluation_")
    assert search.best_index_ == np.argmax(search.cv_results_["mean_test_score"])


def test_callbacks_see_a_phase_of_its_own():
    pytest.importorskip("sklearn.callback")
    seen = []

    class Recorder:
        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            seen.append(context.task_name)

        def on_fit_task_end(self, estimator, context):
            return False

    search = search_with(n_iter=4, cv=3)
    search.set_callbacks(Recorder())
    search.fit(*IRIS)
    assert [name for name in seen if "split" not in name][-3:] == [
        "search",
        "reevaluate",
        "refit-with-best-params",
    ]


# Splitters and arithmetic -------------------------------------------------------------


@pytest.mark.parametrize(
    "cv",
    [
        None,
        3,
        KFold(3),
        StratifiedKFold(3, shuffle=True, random_state=5),
        ShuffleSplit(3, test_size=0.3, random_state=5),
        RepeatedStratifiedKFold(n_splits=2, n_repeats=2, random_state=5),
    ],
)
def test_reseeded_splitters_draw_other_splits(cv):
    X, y = IRIS
    cv = check_cv(cv, y, classifier=True)
    before = vars(cv).copy()
    old = list(cv.split(X, y))
    for seed in (5, 11):
        new = list(reseeded(cv, seed).split(X, y))
        again = list(reseeded(cv, seed).split(X, y))
        assert len(new) == len(old)
        for (_, a), (_, b), (_, c) in zip(old, new, again, strict=True):
            assert len(a) == len(b)
            assert not np.array_equal(a, b)
            np.testing.assert_array_equal(b, c)
    assert vars(cv) == before


@pytest.mark.parametrize(
    "cv",
    [
        TimeSeriesSplit(3),
        LeaveOneOut(),
        PredefinedSplit(np.arange(150) % 3),
        [(np.arange(75), np.arange(75, 150))],
    ],
)
def test_splits_that_cannot_be_drawn_anew_are_an_error_before_the_search(cv):
    search = search_with(cv=cv)
    with pytest.raises(ValueError, match="reevaluate_top needs fresh splits, and cv="):
        search.fit(*IRIS)
    assert not hasattr(search, "cv_results_")


@pytest.mark.parametrize(
    ("refit", "scoring"),
    [(OneStandardError(SVC()), None), (lambda _: 0, None), (False, ["accuracy"])],
)
def test_there_is_one_choice(refit, scoring):
    with pytest.raises(ValueError, match="reevaluate_top=3 chooses by the mean score"):
        search_with(refit=refit, scoring=scoring).fit(*IRIS)


@pytest.mark.parametrize("k", [1, 0, 2.5, "all"])
def test_at_least_two(k):
    with pytest.raises(ValueError, match="'reevaluate_top' parameter"):
        search_with(reevaluate_top=k).fit(*IRIS)


def test_failed_candidates():
    assert top_rows([np.nan, 0.5, 0.7, np.nan], 3) == [2, 1]
    row, _ = choose([7, 8], [[1.0], [0.5]], [[np.nan], [0.5]])
    assert row == 8
    row, _ = choose([7, 8], [[1.0], [0.5]], [[np.nan], [np.nan]])
    assert row == 7


def test_regression():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 5))
    y = X[:, 0] + rng.normal(size=40)
    search = BayesSearchCV(
        Ridge(), {"alpha": uniform(0, 50)}, n_iter=6, reevaluate_top=2, random_state=1
    ).fit(X, y)
    assert search.best_index_ in search.reevaluation_["candidate"]
