"""`HyperbandSearchCV` from the call of `fit` to the refitted estimator."""

from __future__ import annotations

import pickle
import re
import time
import warnings
from collections import Counter
from functools import wraps
from typing import ClassVar

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import loguniform, randint, uniform
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_regressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import (
    make_classification,
    make_multilabel_classification,
    make_regression,
)
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Lasso, LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import (
    GroupKFold,
    HalvingRandomSearchCV,
    KFold,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
)
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)

from sklearn_tuners import HyperbandSearchCV

X, Y = make_classification(180, 5, n_informative=3, random_state=0)
T = make_regression(180, 5, noise=5.0, random_state=0)[1]
DEPTHS = {"max_depth": randint(1, 8), "min_samples_leaf": randint(1, 20)}
RATES = {"learning_rate": loguniform(1e-3, 1.0), "max_depth": randint(1, 4)}
ALPHAS = {"alpha": loguniform(1e-6, 1e-1)}


def forest_search(**changes):
    settings = {
        "resource": "n_estimators",
        "max_resources": 9,
        "min_resources": 1,
        "cv": 2,
        "sampler": "random",
        "random_state": 0,
    }
    return HyperbandSearchCV(
        RandomForestClassifier(random_state=0), DEPTHS, **(settings | changes)
    )


def epoch_search(**changes):
    settings = {
        "resource": "n_epochs",
        "max_resources": 9,
        "cv": 2,
        "sampler": "random",
        "random_state": 0,
    }
    estimator = changes.pop("estimator", SGDClassifier(random_state=0))
    space = changes.pop("space", ALPHAS)
    return HyperbandSearchCV(estimator, space, **(settings | changes))


MANY = {"column": randint(0, 5), "above": uniform(0, 1)}


def without_times(results):
    return {k: v for k, v in results.items() if not k.endswith("_time")}


def assert_same_results(one, other):
    one, other = without_times(one.cv_results_), without_times(other.cv_results_)
    assert one.keys() == other.keys()
    for name, column in one.items():
        if name == "params":
            assert column == other[name]
        elif name.startswith("param_"):
            assert list(column) == list(other[name])
        else:
            assert_array_equal(column, other[name], err_msg=name)


class Interruptible(SGDClassifier):
    """Ctrl-C is pressed at one of its epochs."""

    n_epochs: ClassVar[int] = 0
    interrupt_at: ClassVar[int | None] = None

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        type(self).n_epochs += 1
        if self.n_epochs == self.interrupt_at:
            raise KeyboardInterrupt
        return super().partial_fit(X, y, classes, sample_weight)


class Counting(ClassifierMixin, BaseEstimator):
    """Predicts whether a column is above a value; writes down what it is fitted to.

    `interrupt_at` are the numbers of the fits that Ctrl-C interrupts; on the class, so
    that a journal sees the same estimator.
    """

    fits: ClassVar[list] = []
    interrupt_at: ClassVar[tuple[int, ...]] = ()
    seconds: ClassVar[float] = 0.0

    def __init__(self, column=0, above=0.0, rounds=9, fails=False):
        self.column = column
        self.above = above
        self.rounds = rounds
        self.fails = fails

    def fit(self, X, y, sample_weight=None):
        self.fits.append(((self.column, self.above), self.rounds, len(X)))
        if len(self.fits) in self.interrupt_at:
            raise KeyboardInterrupt
        if self.fails:
            raise RuntimeError("fails")
        time.sleep(self.seconds)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        is_above = np.asarray(X)[:, self.column] > self.above
        return self.classes_[is_above.astype(int)]


@pytest.fixture(autouse=True)
def fresh_counts(monkeypatch):
    monkeypatch.setattr(Counting, "fits", [])
    monkeypatch.setattr(Counting, "interrupt_at", ())
    monkeypatch.setattr(Counting, "seconds", 0.0)


def counting_search(**changes):
    settings = {
        "resource": "rounds",
        "max_resources": 9,
        "cv": 2,
        "sampler": "random",
        "random_state": 0,
        "continuation": "never",
    }
    space = changes.pop("space", {"column": [0, 1, 2, 3, 4]})
    return HyperbandSearchCV(Counting(), space, **(settings | changes))


# The plan, and what becomes of it -----------------------------------------------------

KINDS = {
    "parameter": lambda: forest_search(),
    "epochs": lambda: epoch_search(sampler="bayes"),
    "samples": lambda: HyperbandSearchCV(
        DecisionTreeClassifier(random_state=0), DEPTHS, cv=2, random_state=0
    ),
    "auto": lambda: HyperbandSearchCV(
        GradientBoostingClassifier(random_state=0, n_estimators=30),
        RATES,
        cv=2,
        random_state=0,
    ),
    "pipeline": lambda: HyperbandSearchCV(
        make_pipeline(
            StandardScaler(), GradientBoostingClassifier(random_state=0, n_estimators=9)
        ),
        {f"gradientboostingclassifier__{name}": d for name, d in RATES.items()},
        resource="gradientboostingclassifier__n_estimators",
        min_resources=1,
        cv=2,
        random_state=0,
    ),
    "halving": lambda: forest_search(brackets=1),
    "float factor": lambda: forest_search(factor=2.5, max_resources=20),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_synchronous_run_does_what_was_planned(kind):
    search = KINDS[kind]()
    plan = search.plan(X, Y)
    assert list(plan) == ["bracket", "iter", "n_candidates", "n_resources", "cost"]
    assert not hasattr(search, "cv_results_")
    search.fit(X, Y)
    results = pd.DataFrame(search.cv_results_)
    rungs = results.groupby(["bracket", "iter"])["n_resources"].agg(["size", "unique"])
    planned = plan.set_index(["bracket", "iter"])
    assert rungs.index.tolist() == planned.index.tolist()
    assert rungs["size"].tolist() == planned["n_candidates"].tolist()
    assert [[r] for r in planned["n_resources"]] == rungs["unique"].tolist()
    # The fitted attributes say the same.
    assert search.n_candidates_ == plan["n_candidates"].tolist()
    assert search.n_resources_ == plan["n_resources"].tolist()
    assert [b["n_candidates"][0] for b in search.brackets_] == [
        group["n_candidates"].iloc[0] for _, group in plan.groupby("bracket")
    ]
    assert search.n_possible_iterations_ == len(set(search.n_resources_))
    assert search.min_resources_ == min(search.n_resources_)
    assert search.max_resources_ == max(search.n_resources_)
    assert search.stop_reason_ == "brackets"


@pytest.mark.parametrize("kind", KINDS)
def test_best_score_is_that_of_the_model_that_the_refit_makes(kind):
    search = KINDS[kind]().fit(X, Y)
    results = search.cv_results_
    full = results["n_resources"] == search.max_resources_
    best = search.best_index_
    assert full[best]
    assert results["rank_test_score"][best] == 1
    assert search.best_score_ == results["mean_test_score"][best]
    assert search.best_score_ == results["mean_test_score"][full].max()
    if search.resource_ in ("n_samples", "n_epochs"):
        assert search.resource_ not in search.best_params_
    else:
        assert search.best_params_[search.resource_] == search.max_resources_
        assert results["params"][best] == search.best_params_
    if search.resource_ == "n_epochs":
        model = epochs_by_hand(search, X, Y)
        assert_array_equal(model.coef_, search.best_estimator_.coef_)
        scores = [
            epochs_by_hand(search, X[train], Y[train]).score(X[test], Y[test])
            for train, test in StratifiedKFold(2).split(X, Y)
        ]
    else:
        model = clone(search.estimator).set_params(**search.best_params_)
        scores = cross_val_score(model, X, Y, cv=2)
        assert_array_equal(model.fit(X, Y).predict(X), search.predict(X))
    assert search.best_score_ == np.mean(scores)


def epochs_by_hand(search, X, y):
    model = clone(search.estimator).set_params(**search.best_params_)
    for _ in range(search.max_resources_):
        model.partial_fit(X, y, classes=np.unique(Y))
    return model


def test_ranks_put_the_full_resource_first():
    search = forest_search().fit(X, Y)
    frame = pd.DataFrame(search.cv_results_).sort_values("rank_test_score")
    assert frame["n_resources"].is_monotonic_decreasing
    for _, rows in frame.groupby("n_resources"):
        assert rows["mean_test_score"].is_monotonic_decreasing
    assert frame["mean_fit_time"].gt(0).all()


def test_fit_times_add_up_over_the_rungs():
    frame = pd.DataFrame(forest_search(brackets=1).fit(X, Y).cv_results_)
    key = frame["params"].map(lambda p: (p["max_depth"], p["min_samples_leaf"]))
    for _, rows in frame.groupby(key):
        assert rows.sort_values("iter")["mean_fit_time"].is_monotonic_increasing


def test_the_signature_of_halving_search_is_accepted():
    ours = HyperbandSearchCV(Ridge(), {"alpha": [1.0]}).get_params(deep=False)
    theirs = HalvingRandomSearchCV(Ridge(), {"alpha": [1.0]}).get_params(deep=False)
    shared = set(ours) & set(theirs)
    assert {"factor", "resource", "min_resources", "max_resources"} <= shared
    assert ours["factor"] == theirs["factor"]
    for value in ("smallest", "exhaust", 2):
        plan = forest_search(min_resources=value).plan(X, Y)
        assert plan["n_resources"].min() == (3 if value == 2 else 1)


def test_smallest_is_two_of_each_class_for_every_split():
    search = HyperbandSearchCV(
        DecisionTreeClassifier(), DEPTHS, resource="n_samples", min_resources="smallest"
    )
    assert search.plan(X, Y)["n_resources"].min() == 20  # 180 / 9, above 2 * 5 * 2
    assert search.set_params(cv=2, factor=2).plan(X, Y)["n_resources"].min() == 11


def test_passes_repeat_until_n_iter():
    search = forest_search(n_iter=20).fit(X, Y)
    results = search.cv_results_
    first = results["iter"] == 0
    assert np.count_nonzero(first) == 20
    assert [b["n_candidates"][0] for b in search.brackets_] == [9, 5, 3, 3]
    assert search.stop_reason_ == "n_iter"


def test_passes_repeat_while_max_time_allows():
    Counting.seconds = 0.002
    search = counting_search(max_time=4.0, space=MANY).fit(X, Y)
    assert search.stop_reason_ == "max_time"
    assert len(search.brackets_) > 3


def test_a_finite_space_runs_nothing_twice():
    for changes in ({}, {"n_iter": 50}, {"max_time": 60.0}, {"brackets": 1}):
        Counting.fits.clear()
        start = time.time()
        search = counting_search(**changes, refit=False).fit(X, Y)
        assert time.time() - start < 30
        runs = Counter(fit[:2] for fit in Counting.fits)
        assert set(runs.values()) == {2}  # the splits
        if changes.get("n_iter") or changes.get("max_time"):
            assert search.stop_reason_ == "space exhausted"
            assert sum(rounds == 9 for _, rounds in runs) == 5


def test_the_plan_of_a_finite_space_shrinks():
    search = counting_search()
    plan = search.plan(X, Y)
    search.fit(X, Y)
    assert search.n_candidates_ == plan["n_candidates"].tolist()
    assert plan["n_candidates"].iloc[0] == 5


# What is trained ----------------------------------------------------------------------


def bound(brackets):
    """1 - sum n_i (r_i - r_(i-1)) / sum n_i r_i."""
    stepwise = in_one_go = 0
    for candidates, resources in brackets:
        steps = np.diff([0, *resources])
        stepwise += np.dot(candidates, steps)
        in_one_go += np.dot(candidates, resources)
    return 1 - stepwise / in_one_go


def test_a_pass_at_81_saves_its_share_of_training():
    costs = {
        how: epoch_search(max_resources=81, min_resources=1, continuation=how)
        .plan(X, Y)["cost"]
        .sum()
        for how in ("auto", "never")
    }
    saved = 1 - costs["auto"] / costs["never"]
    assert_allclose(saved, 0.169, atol=5e-4)
    plan = forest_search(max_resources=81).plan(X, Y)
    brackets = [
        (rows["n_candidates"], rows["n_resources"])
        for _, rows in plan.groupby("bracket")
    ]
    assert_allclose(bound(brackets), saved)


def test_epochs_that_are_trained_are_those_of_the_plan(monkeypatch):
    monkeypatch.setattr("sklearn_tuners._training.store._WORTH", np.inf)
    counts = Counter()
    partial_fit = SGDClassifier.partial_fit

    def counted(self, *args, **kwargs):
        counts["epochs"] += 1
        return partial_fit(self, *args, **kwargs)

    monkeypatch.setattr(SGDClassifier, "partial_fit", counted)
    for how in ("auto", "never"):
        counts.clear()
        search = epoch_search(continuation=how, refit=False)
        cost = search.plan(X, Y)["cost"].sum()
        search.fit(X, Y)
        assert_allclose(counts["epochs"], cost * 9 * search.n_splits_)


@pytest.mark.parametrize("how", ["auto", "always", "never"])
def test_the_top_rung_of_what_does_not_continue_exactly(how):
    estimator = MLPClassifier((3,), random_state=0)
    search = epoch_search(
        estimator=estimator,
        resource="max_iter",
        min_resources=1,
        space={"learning_rate_init": loguniform(1e-3, 1)},
        continuation=how,
        brackets=1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.set_params(scoring="neg_log_loss").fit(X, Y)
        model = clone(estimator).set_params(**search.best_params_)
        scores = cross_val_score(model, X, Y, cv=2, scoring="neg_log_loss")
        in_one_go = scores.mean()
    assert (search.best_score_ == in_one_go) == (how != "always")


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_limits_of_iterations_are_spoken_of_at_the_full_resource_only(n_jobs):
    search = epoch_search(
        estimator=MLPClassifier((3,), random_state=0),
        resource="max_iter",
        min_resources=1,
        space={"learning_rate_init": loguniform(1e-3, 1)},
        n_jobs=n_jobs,
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        filters = list(warnings.filters)
        with joblib.parallel_config("threading"):
            search.fit(X, Y)
        assert warnings.filters == filters
    limits = {int(re.findall(r"\((\d+)\)", str(w.message))[0]) for w in caught}
    assert 9 in limits
    if n_jobs == 1:  # threads share their filters
        assert limits == {9}


def test_wrappers_that_clone_restart_with_one_warning():
    search = HyperbandSearchCV(
        TransformedTargetRegressor(GradientBoostingRegressor(random_state=0)),
        {f"regressor__{name}": d for name, d in RATES.items()},
        resource="regressor__n_estimators",
        max_resources=9,
        min_resources=1,
        cv=2,
        sampler="random",
        random_state=0,
    )
    with pytest.warns(
        UserWarning, match="TransformedTargetRegressor cannot continue"
    ) as w:
        search.fit(X, T)
    assert sum("cannot continue" in str(one.message) for one in w) == 1
    model = clone(search.estimator).set_params(**search.best_params_)
    assert search.best_score_ == cross_val_score(model, X, T, cv=2).mean()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search.set_params(continuation="never").fit(X, T)


def test_penalties_are_scaled_on_lower_rungs_and_shown_unscaled(monkeypatch):
    seen = []
    fit = Lasso.fit

    @wraps(fit)
    def noting(self, X, y, **kwargs):
        seen.append((len(X), self.alpha))
        return fit(self, X, y, **kwargs)

    monkeypatch.setattr(Lasso, "fit", noting)
    search = HyperbandSearchCV(
        Lasso(),
        {"alpha": loguniform(1e-2, 1)},
        min_resources=20,
        cv=2,
        brackets=1,
        sampler="random",
        random_state=0,
    ).fit(X, T)
    shown = {p["alpha"] for p in search.cv_results_["params"]}
    for n_rows, alpha in seen[:-1]:
        original = alpha / (90 / n_rows)
        assert min(abs(original - a) for a in shown) < 1e-12
    assert seen[-1] == (180, search.best_params_["alpha"])
    assert search.best_estimator_.alpha == search.best_params_["alpha"]
    assert {n for n, _ in seen} == {10, 30, 90, 180}


def test_options_that_depend_on_the_rows_are_decided_by_all_of_them(monkeypatch):
    monkeypatch.setattr("sklearn_tuners._training.settings._EARLY_STOPPING_ROWS", 100)
    seen = []
    fit = HistGradientBoostingClassifier.fit

    @wraps(fit)
    def noting(self, X, y, **kwargs):
        seen.append(self.early_stopping)
        return fit(self, X, y, **kwargs)

    monkeypatch.setattr(HistGradientBoostingClassifier, "fit", noting)
    HyperbandSearchCV(
        HistGradientBoostingClassifier(max_iter=2),
        {"learning_rate": [0.1, 0.3]},
        resource="n_samples",
        cv=2,
        sampler="random",
        random_state=0,
    ).fit(X, Y)
    assert seen[:-1] == [True] * (len(seen) - 1)
    assert seen[-1] == "auto"  # the refit has all rows


def test_rows_of_lower_rungs_are_latest_or_whole_groups():
    class Noting(DecisionTreeClassifier):
        rows: ClassVar[list] = []

        def fit(self, X, y, sample_weight=None, check_input=True):
            self.rows.append(X[:, 0].astype(int))
            return super().fit(X, y)

    numbered = np.column_stack([np.arange(180), X])
    settings = {"min_resources": 20, "sampler": "random", "random_state": 0}
    series = HyperbandSearchCV(
        Noting(), {"max_depth": [1, 2, 3]}, cv=TimeSeriesSplit(2), **settings
    ).fit(numbered, Y)
    for rows in Noting.rows[:-1]:
        assert rows[-1] in (59, 119)
        assert (np.diff(rows) == 1).all()
    assert {len(rows) for rows in Noting.rows[:-1]} >= {120, 40}
    assert series.n_splits_ == 2
    Noting.rows.clear()
    groups = np.arange(180) % 26  # of 6 or 7 rows
    sizes = np.bincount(groups)
    HyperbandSearchCV(
        Noting(), {"max_depth": [1, 2, 3]}, cv=GroupKFold(2), **settings
    ).fit(numbered, Y, groups=groups)
    assert min(map(len, Noting.rows)) <= 10 < max(map(len, Noting.rows))
    assert all(len(rows) == sizes[[*set(groups[rows])]].sum() for rows in Noting.rows)


# Selection ----------------------------------------------------------------------------


@pytest.mark.parametrize("by_group", [False, True])
def test_every_label_of_every_output_is_on_every_rung(by_group, monkeypatch):
    features, labels = make_multilabel_classification(600, 5, random_state=0)
    rare = np.zeros(600, dtype=int)
    rare[::75] = 1
    targets = np.c_[labels, rare, 2 * rare + labels[:, 0]]
    seen = []
    fit = DecisionTreeClassifier.fit

    def recorded(self, X, y, **kwargs):
        seen.append([set(column) for column in np.transpose(y)])
        return fit(self, X, y, **kwargs)

    monkeypatch.setattr(DecisionTreeClassifier, "fit", recorded)
    search = HyperbandSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [1, 2, 3]},
        cv=GroupKFold(2) if by_group else KFold(2),
        scoring=lambda model, X, y: np.mean(model.predict(X) == y),
        min_resources="smallest",
        sampler="random",
        random_state=0,
    )
    groups = {"groups": np.arange(600) // 25} if by_group else {}
    search.fit(features, targets, **groups)
    assert search.min_resources_ < 75
    everything = [set(column) for column in targets.T]
    assert len(seen) > 10
    assert all(labels == everything for labels in seen)


@pytest.mark.parametrize(
    "model",
    [
        HistGradientBoostingClassifier(max_iter=2, early_stopping=True),
        GradientBoostingClassifier(n_estimators=2, n_iter_no_change=2),
        SGDClassifier(early_stopping=True),
    ],
)
def test_early_stopping_can_split_a_rare_label_on_every_rung(model):
    rare = Y.copy()
    rare[::30] = 2  # four of 120 training rows
    rate = {"tol": loguniform(1e-5, 1e-3)}
    search = HyperbandSearchCV(
        clone(model).set_params(random_state=0),
        rate,
        resource="n_samples",
        min_resources=60,
        sampler="random",
        cv=3,
        random_state=0,
    ).fit(X, rare)
    assert search.n_resources_ == [60, 180, 180]
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_column_of_labels_with_groups():
    search = HyperbandSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [1, 2, 3]},
        cv=GroupKFold(2),
        resource="n_samples",
        sampler="random",
        random_state=0,
    )
    groups = np.arange(180) // 5
    flat = clone(search).fit(X, Y, groups=groups)
    assert_same_results(search.fit(X, Y[:, None], groups=groups), flat)


def test_a_callable_refit_sees_only_full_rows_and_its_index_is_mapped_back():
    seen = []

    def worst(results):
        seen.append(results)
        return int(np.argmin(results["mean_test_score"]))

    search = forest_search(refit=worst).fit(X, Y)
    (results,) = seen
    assert set(results["n_resources"]) == {9}
    assert len(results["params"]) == len(results["mean_test_score"])
    full = search.cv_results_["n_resources"] == 9
    scores = np.where(full, search.cv_results_["mean_test_score"], np.inf)
    assert scores[search.best_index_] == scores.min()
    assert full[search.best_index_]
    assert search.best_params_ == search.cv_results_["params"][search.best_index_]
    assert not hasattr(search, "best_score_")


@pytest.mark.parametrize("refit", ["accuracy", "neg_log_loss", False])
def test_several_metrics(refit):
    search = forest_search(scoring=["accuracy", "neg_log_loss"], refit=refit).fit(X, Y)
    results = search.cv_results_
    full = results["n_resources"] == 9
    for metric in ("accuracy", "neg_log_loss"):
        rank = results[f"rank_test_{metric}"]
        assert rank[full].max() <= rank[~full].min()
    if refit:
        assert results[f"rank_test_{refit}"][search.best_index_] == 1
        assert search.best_score_ == results[f"mean_test_{refit}"][full].max()
    else:
        assert not hasattr(search, "best_index_")


def test_rows_that_failed_are_last_and_not_promoted():
    space = [{"column": [0, 1, 2]}, {"column": [0, 1, 2], "fails": [True]}]
    with pytest.warns(FitFailedWarning, match="fits failed"):
        search = counting_search(space=space, n_iter=6).fit(X, Y)
    results = search.cv_results_
    failed = np.isnan(results["mean_test_score"])
    assert failed.any()
    rank = results["rank_test_score"]
    assert rank[failed].min() > rank[~failed].max()
    assert not results["iter"][failed].any()
    assert not search.best_params_.get("fails")


@pytest.mark.parametrize("other", [RandomForestClassifier(3), "passthrough"])
def test_a_candidate_without_the_resource_fails_and_says_so(other):
    mlp = MLPClassifier((2,), random_state=0)
    search = HyperbandSearchCV(
        Pipeline([("c", mlp)]),
        [{"c": [mlp], "c__alpha": [1e-4, 1e-2]}, {"c": [other]}],
        resource="c__max_iter",
        max_resources=9,
        min_resources=3,
        sampler="random",
        cv=2,
        random_state=0,
    )
    message = r"resource='c__max_iter' is not a parameter of Pipeline\(.*" + (
        other if isinstance(other, str) else "RandomForestClassifier"
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(X, Y)
    failures = [w for w in caught if w.category is FitFailedWarning]
    assert any(re.search(message, str(w.message)) for w in failures)
    results = search.cv_results_
    is_other = np.array([type(p["c"]) is not MLPClassifier for p in results["params"]])
    assert is_other.any()
    assert_array_equal(np.isnan(results["mean_test_score"]), is_other)
    assert results["n_resources"].max() == 9
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=message):
            search.set_params(error_score="raise").fit(X, Y)


def test_each_candidate_is_told_labels_in_its_own_way():
    features, labels = make_multilabel_classification(120, 5, random_state=0)
    mlp = MLPClassifier((2,), random_state=0)
    one_each = MultiOutputClassifier(SGDClassifier(random_state=0))
    for first, second in [(mlp, one_each), (one_each, mlp)]:
        search = HyperbandSearchCV(
            Pipeline([("c", first)]),
            {"c": [first, second]},
            resource="n_epochs",
            max_resources=3,
            min_resources=1,
            sampler="random",
            cv=2,
            random_state=0,
        ).fit(features, labels)
        kinds = {type(params["c"]) for params in search.cv_results_["params"]}
        assert len(kinds) == 2
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_errors_are_raised_if_asked_for():
    search = counting_search(space={"fails": [True]}, error_score="raise")
    with pytest.raises(RuntimeError, match="fails"):
        search.fit(X, Y)
    with pytest.raises(ValueError, match="fits failed"):
        search.set_params(error_score=np.nan).fit(X, Y)


def test_max_time_before_any_full_row_refits_the_best_of_the_highest_rung():
    Counting.seconds = 0.06
    search = counting_search(max_time=1.2, space=MANY)
    with pytest.warns(UserWarning, match=r"rounds=9: the best one with \d is chosen"):
        search.fit(X, Y)
    assert search.stop_reason_ == "max_time"
    assert search.cv_results_["n_resources"].max() < 9
    assert search.best_params_["rounds"] == 9
    assert search.best_estimator_.rounds == 9
    assert Counting.fits[-1][1:] == (9, 180)


@pytest.mark.parametrize(("interrupt_at", "reached"), [(3, 1), (21, 3)])
@pytest.mark.parametrize("refit", [True, False])
def test_an_interrupt_before_any_full_row_refits_the_best_one(
    interrupt_at, reached, refit
):
    Counting.interrupt_at = (interrupt_at,)
    search = counting_search(space=MANY, refit=refit)
    message = f"the best one with {reached} is chosen" + " and refitted" * refit
    with pytest.warns(UserWarning, match=message), pytest.raises(KeyboardInterrupt):
        search.fit(X, Y)
    results = search.cv_results_
    assert results["n_resources"].max() == reached
    assert results["n_resources"][search.best_index_] == reached
    assert search.best_params_["rounds"] == 9
    assert len(Counting.fits) == interrupt_at + refit
    if refit:
        assert Counting.fits[-1][1:] == (9, 180)
        model = Counting(**search.best_params_).fit(X, Y)
        assert_array_equal(search.predict(X), model.predict(X))
        assert search.score(X, Y) == model.score(X, Y)
    else:
        assert not hasattr(search, "best_estimator_")


def test_a_second_interrupt_ends_the_refit():
    Counting.interrupt_at = (21, 22)
    search = counting_search(space=MANY)
    with (
        pytest.warns(UserWarning, match="is chosen and refitted"),
        pytest.raises(KeyboardInterrupt),
    ):
        search.fit(X, Y)
    assert len(Counting.fits) == 22
    assert Counting.fits[-1][1:] == (9, 180)
    assert search.best_params_["rounds"] == 9
    assert not hasattr(search, "best_estimator_")


def test_an_interrupt_after_a_full_row_refits_nothing():
    Counting.interrupt_at = (27,)  # 2 x (9 + 3 + 1) fits are the first bracket
    search = counting_search(space=MANY)
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, Y)
    assert search.cv_results_["n_resources"][search.best_index_] == 9
    assert len(Counting.fits) == 27
    assert not hasattr(search, "best_estimator_")


def test_stop_rules_look_at_full_rows_only():
    search = forest_search(target_score=0.0).fit(X, Y)
    results = search.cv_results_
    assert search.stop_reason_ == "target_score"
    assert np.count_nonzero(results["n_resources"] == 9) == 1


# Bad combinations ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"min_resources": 10}, "min_resources=10 is more than max_resources=9"),
        ({"brackets": 9}, "brackets=9 is more than the 3"),
        ({"resource": "n_samples", "max_resources": 999}, "max_resources=999 is more"),
        (
            {"resource": "n_samples", "min_resources": 2, "max_resources": 100},
            "min_resources=2 makes a first rung of 3 rows, which is 1 .* split; 2 are",
        ),
        ({"param_distributions": {"depth": [1, 2]}}, "parameter 'depth', which cannot"),
        ({"resource": "max_depth"}, "resource='max_depth' is in the search space"),
        ({"resource": "criterion"}, "resource='criterion' must be"),
        ({"resource": "n_epochs"}, "resource='n_epochs' needs"),
        (
            {"resource": "max_leaf_nodes", "max_resources": "auto"},
            "max_resources='auto'",
        ),
        ({"factor": 1}, "'factor'"),
        ({"sampler": "grid"}, "'sampler'"),
        ({"continuation": True}, "'continuation'"),
        ({"brackets": 0}, "'brackets'"),
        ({"resource": None}, "'resource'"),
    ],
)
def test_bad_combinations_are_errors_that_name_the_parameter(changes, message):
    search = forest_search().set_params(**changes)
    with pytest.raises(ValueError, match=message):
        search.fit(X, Y)
    if "first rung" not in message:
        with pytest.raises(ValueError, match=message):
            search.plan(X, Y)


def test_the_least_that_the_error_names_is_enough():
    search = HyperbandSearchCV(
        DecisionTreeClassifier(),
        DEPTHS,
        min_resources=1,
        max_resources=100,
        cv=2,
        brackets=1,
        sampler="random",
        random_state=0,
    )
    with pytest.raises(ValueError, match="give at least 4"):
        search.fit(X, Y)
    search.set_params(min_resources=4, factor=5).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_naive_bayes_is_refused():
    search = HyperbandSearchCV(
        GaussianNB(), {"var_smoothing": loguniform(1e-9, 1)}, resource="n_epochs"
    )
    with pytest.raises(ValueError, match=r"changes the model of GaussianNB"):
        search.fit(X, Y)


def test_auto_takes_rows_where_the_parameter_or_its_owner_is_searched():
    pipeline = make_pipeline(StandardScaler(), RandomForestClassifier(random_state=0))
    name = "randomforestclassifier"
    spaces = [
        {f"{name}__n_estimators": randint(2, 9)},
        {name: [RandomForestClassifier(5), LogisticRegression()]},
    ]
    for space in spaces:
        search = HyperbandSearchCV(pipeline, space, cv=2, random_state=0).fit(X, Y)
        assert search.resource_ == "n_samples"
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()


# Seeds, workers, journal --------------------------------------------------------------


@pytest.mark.parametrize("sampler", ["random", "bayes"])
def test_the_same_seed_gives_the_same_results_whatever_the_timing(sampler):
    with joblib.parallel_config("threading"):
        one, other = (
            epoch_search(sampler=sampler, n_jobs=2, cv=3).fit(X, Y) for _ in range(2)
        )
    assert_same_results(one, other)
    assert one.best_params_ == other.best_params_


def test_random_candidates_are_the_same_for_any_number_of_workers():
    one = epoch_search().fit(X, Y)
    with joblib.parallel_config("threading"):
        two = epoch_search(n_jobs=2).fit(X, Y)

    def scores(search):
        results = search.cv_results_
        return {
            (params["alpha"], resource): score
            for params, resource, score in zip(
                results["params"],
                results["n_resources"],
                results["mean_test_score"],
                strict=True,
            )
        }

    shared = scores(one).keys() & scores(two).keys()
    assert len(shared) >= 20
    assert all(scores(one)[key] == scores(two)[key] for key in shared)


@pytest.mark.parametrize(
    ("sampler", "interrupt_at", "n_jobs"),
    [
        ("random", 1, 1),
        ("random", 7, 2),
        ("random", 25, 2),
        ("random", 40, 1),
        ("bayes", 7, 1),
        ("bayes", 25, 2),
    ],
)
def test_a_search_that_was_interrupted_resumes_to_the_same(
    tmp_path, sampler, interrupt_at, n_jobs
):
    def make(**changes):
        return counting_search(space=MANY, sampler=sampler, refit=False, **changes)

    expected = make().fit(X, Y)
    n_fits = len(Counting.fits)
    Counting.fits.clear()
    Counting.interrupt_at = (interrupt_at,)
    journal = tmp_path / "journal.sqlite"
    with warnings.catch_warnings(), pytest.raises(KeyboardInterrupt):
        warnings.simplefilter("ignore")
        make(journal=journal).fit(X, Y)
    Counting.interrupt_at = ()
    with joblib.parallel_config("threading"):
        resumed = make(journal=journal, n_jobs=n_jobs).fit(X, Y)
    assert len(Counting.fits) == n_fits + 1  # only the interrupted fit ran again
    assert_same_results(expected, resumed)


def test_a_resumed_candidate_that_continues_replays_its_steps(tmp_path, monkeypatch):
    """The states do not outlive the process; the outcome is the same."""

    def make(**changes):
        return epoch_search(estimator=Interruptible(random_state=0), **changes)

    expected = make().fit(X, Y)
    monkeypatch.setattr(Interruptible, "n_epochs", 0)
    monkeypatch.setattr(Interruptible, "interrupt_at", 27)
    with warnings.catch_warnings(), pytest.raises(KeyboardInterrupt):
        warnings.simplefilter("ignore")
        make(journal=tmp_path / "journal").fit(X, Y)
    resumed = make(journal=tmp_path / "journal").fit(X, Y)
    assert_same_results(expected, resumed)
    assert_array_equal(expected.best_estimator_.coef_, resumed.best_estimator_.coef_)


def test_a_journal_of_other_resources_is_refused(tmp_path):
    journal = tmp_path / "journal"
    counting_search(journal=journal).fit(X, Y)
    for changes in (
        {"max_resources": 27},
        {"factor": 2},
        {"brackets": 1},
        {"sampler": "bayes"},
        {"continuation": "auto"},
    ):
        with pytest.raises(ValueError, match="journal"):
            counting_search(journal=journal, **changes).fit(X, Y)


def test_a_larger_n_iter_extends_a_finished_search(tmp_path):
    short = counting_search(space=MANY, n_iter=6, journal=tmp_path / "j").fit(X, Y)
    n_fits = len(Counting.fits)
    longer = counting_search(space=MANY, n_iter=12, journal=tmp_path / "j").fit(X, Y)
    assert len(Counting.fits) > n_fits
    n_rows = len(short.cv_results_["params"])
    assert longer.cv_results_["params"][:n_rows] == short.cv_results_["params"]
    assert np.count_nonzero(longer.cv_results_["iter"] == 0) == 12


# An estimator like others -------------------------------------------------------------


# Over a list, and over a range; with the model the other tests do.
CHECKED = [
    HyperbandSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2, random_state=0),
    HyperbandSearchCV(
        make_pipeline(PCA(), LogisticRegression()),
        {"logisticregression__C": (0.1, 1.0)},
        brackets=1,
        sampler="random",
        cv=2,
        random_state=0,
    ),
]


def expected_failed_checks(search):
    """Return the checks that scikit-learn does not expect of its searches either."""
    if not is_regressor(search):
        return {}
    return {"check_supervised_y_2d": "a column y is a 2d target to Ridge: no warning"}


@pytest.mark.parametrize("space", [None, DEPTHS])
def test_a_plan_leaves_no_trace(space):
    def made():
        return HyperbandSearchCV(
            RandomForestClassifier(n_estimators=9, random_state=0),
            space,
            cv=KFold(2, shuffle=True, random_state=np.random.RandomState(0)),
            min_resources=3,
            brackets=1,
            sampler="random",
            random_state=np.random.RandomState(0),
        )

    planned, plain = made(), made()
    before = set(vars(planned))
    assert len(planned.plan(X, Y))
    assert set(vars(planned)) == before
    assert_same_results(planned.fit(X, Y), plain.fit(X, Y))


@pytest.mark.parametrize("n_iter", [1, 4, 9, 11, 17, 20, None])
def test_a_plan_ends_with_n_iter(n_iter):
    search = epoch_search(n_iter=n_iter)
    plan = search.plan(X, Y)
    begun = plan.loc[plan["iter"] == 0, "n_candidates"].sum()
    assert begun == min(n_iter or 17, 17)
    search.fit(X, Y)
    n = len(plan)
    assert search.n_candidates_[:n] == plan["n_candidates"].tolist()
    assert search.n_resources_[:n] == plan["n_resources"].tolist()
    assert (len(search.n_candidates_) > n) == (n_iter == 20)


def test_a_plan_does_not_use_up_a_generator_of_splits():
    search = forest_search(cv=StratifiedKFold(2).split(X, Y))
    expected = forest_search(cv=StratifiedKFold(2))
    for _ in range(2):
        pd.testing.assert_frame_equal(search.plan(X, Y), expected.plan(X, Y))
    assert_same_results(search.fit(X, Y), expected.fit(X, Y))


@parametrize_with_checks(CHECKED, expected_failed_checks=expected_failed_checks)
def test_estimator_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize("search", CHECKED[:1], ids=str)
@pytest.mark.parametrize(
    "check", [check_param_validation, check_dataframe_column_names_consistency]
)
def test_check_of_sklearns_own_estimators(search, check):
    check(type(search).__name__, search)


def test_clones_and_pickles():
    search = epoch_search()
    copy = pickle.loads(pickle.dumps(search.fit(X, Y)))
    assert_array_equal(copy.predict(X), search.predict(X))
    assert_same_results(copy, search)
    again = clone(search)
    assert not hasattr(again, "cv_results_")
    assert again.get_params().keys() == search.get_params().keys()


def test_unsupervised_regression_frames_and_weights():
    frame = pd.DataFrame(X, columns=list("abcde"))
    search = HyperbandSearchCV(
        Ridge(), {"alpha": loguniform(1e-3, 10)}, cv=2, brackets=1, random_state=0
    ).fit(frame, T, sample_weight=np.ones(180))
    assert list(search.feature_names_in_) == list("abcde")
    assert search.resource_ == "n_samples"
    from sklearn.mixture import GaussianMixture

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mixture = HyperbandSearchCV(
            GaussianMixture(random_state=0),
            {"n_components": randint(1, 5)},
            cv=2,
            brackets=1,
            random_state=0,
        ).fit(frame)
    assert np.isfinite(mixture.best_score_)
    assert mixture.resource_ == "n_samples"


def test_train_scores_and_verbosity(capsys):
    search = epoch_search(return_train_score=True, verbose=1).fit(X, Y)
    assert "9 x 1, 3 x 3, 1 x 9; 5 x 3" in capsys.readouterr().out
    assert np.isfinite(search.cv_results_["mean_train_score"]).all()


def test_what_is_announced_is_what_is_planned(capsys):
    counting_search(n_iter=2, space=MANY, min_resources=3, verbose=1).fit(X, Y)
    assert capsys.readouterr().out.splitlines()[0].endswith("rounds: 2 x 3, 1 x 9")
    counting_search(verbose=1).fit(X, Y)  # a space of five
    announced = capsys.readouterr().out.splitlines()[0]
    plan = counting_search().plan(X, Y)
    pairs = plan[["n_candidates", "n_resources"]].to_numpy().tolist()
    assert re.findall(r"\d+ x \d+", announced) == [f"{n} x {r}" for n, r in pairs]


def test_callbacks_see_every_evaluation():
    callback = pytest.importorskip("sklearn.callback", reason="since scikit-learn 1.9")
    pytest.importorskip("rich")
    for search in (epoch_search(), counting_search(n_iter=8), forest_search(n_jobs=2)):
        plain = clone(search).fit(X, Y)
        with joblib.parallel_config("threading"):
            search.set_callbacks(callback.ProgressBar())
            search.fit(X, Y)
        assert_same_results(plain, search)
        pickle.dumps(search.best_estimator_)
