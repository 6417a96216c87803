"""Every verdict on data made to have a fault, and on data made not to."""

import math
import zlib

import numpy as np
import pytest
from scipy.stats import loguniform, randint, uniform
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_iris, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    StratifiedShuffleSplit,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sklearn_tuners import (
    BayesSearchCV,
    HyperbandSearchCV,
    KeepDefault,
    OneStandardError,
    When,
    WithinPercent,
    diagnose,
)

IRIS = load_iris(return_X_y=True)


class Made(BaseEstimator):
    """Scores a function of its parameters plus noise of the fold and of both."""

    def __init__(self, a=0.0, b=0.0, c=0.0, kind="x", peak=0.3, noise=0.01):
        self.a, self.b, self.c, self.kind = a, b, c, kind
        self.peak, self.noise = peak, noise

    def fit(self, X, y=None):
        return self

    def score(self, X, y=None):
        fold = int(X[0, 0])
        text = repr((self.a, self.b, self.c, self.kind))
        key = [fold, zlib.crc32(text.encode())]
        own = np.random.default_rng(key).normal() * self.noise
        truth = 1 - (self.a - self.peak) ** 2 - 0.3 * (self.kind == "z")
        return truth + 0.1 * fold % 0.3 + own


X_MADE = np.repeat(np.arange(5), 10)[:, None].astype(float)


def made(space, n_iter=25, search=RandomizedSearchCV, refit=True, **params):
    """A search of `Made`; all samples of a fold are equal."""
    estimator = Made(**params)
    tuner = search(estimator, space, n_iter=n_iter, refit=refit, random_state=0)
    return tuner.fit(X_MADE)


def sine(n=200, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-3, 3, size=(n, 1))
    return X, np.sin(3 * X[:, 0]) + 0.1 * rng.normal(size=n)


# Fit ----------------------------------------------------------------------------------


def noisy_data(n):
    return make_classification(
        n, n_features=20, n_informative=3, flip_y=0.2, class_sep=1.5, random_state=0
    )


def test_overfitting():
    tree = DecisionTreeClassifier(random_state=0)
    space = {"max_depth": [6, 10, 20], "min_samples_leaf": [1, 2]}
    search = GridSearchCV(tree, space, return_train_score=True).fit(*noisy_data(120))
    found = diagnose(search)["fit"]
    assert found.verdict == "overfitting"
    assert found.is_problem
    assert "lower max_depth (now" in found.advice
    assert "raise min_samples_leaf (now" in found.advice
    assert found.low < found.estimate < found.high


def test_no_overfitting_on_the_same_data():
    tree = DecisionTreeClassifier(random_state=0, max_depth=3)
    space = {"min_samples_leaf": [30, 50]}
    X, y = noisy_data(800)
    search = GridSearchCV(tree, space, return_train_score=True).fit(X, y)
    assert diagnose(search)["fit"].verdict == "fine"


def test_overfitting_by_a_loss_of_unknown_scale():
    X, y = sine(80)
    y = 1000 * y + np.random.default_rng(0).normal(size=80) * 800
    verdicts = []
    for leaves in ([1, 2], [12, 15]):
        search = GridSearchCV(
            DecisionTreeRegressor(random_state=0),
            {"min_samples_leaf": leaves},
            scoring="neg_root_mean_squared_error",
            return_train_score=True,
        ).fit(X, y)
        verdicts.append(diagnose(search)["fit"].verdict)
    assert verdicts == ["overfitting", "fine"]


def test_high_bias():
    search = GridSearchCV(Ridge(), {"alpha": [1, 10, 100]}, return_train_score=True)
    found = diagnose(search.fit(*sine()))["fit"]
    assert found.verdict == "high bias"
    assert "lower alpha" in found.advice


def test_no_high_bias_on_the_same_data():
    tree = DecisionTreeRegressor(random_state=0)
    space = {"min_samples_leaf": [3, 5]}
    search = GridSearchCV(tree, space, return_train_score=True).fit(*sine(600))
    assert diagnose(search)["fit"].verdict == "fine"


@pytest.mark.parametrize("return_train_score", [True, False])
@pytest.mark.parametrize(
    ("n", "verdict"), [(60, "high variance over folds"), (2000, "fine")]
)
def test_high_variance_over_folds(n, verdict, return_train_score):
    X, y = make_classification(2000, flip_y=0.2, class_sep=1.5, random_state=1)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression(C=0.01)),
        {"logisticregression__C": [0.001, 0.01]},
        return_train_score=return_train_score,
        cv=10,
    ).fit(X[:n], y[:n])
    found = diagnose(search)["fit"]
    if n == 2000 and not return_train_score:
        verdict = "unknown"
        assert "return_train_score=True" in found.advice
    assert found.verdict == verdict


def test_with_nothing_tuned_that_regularises_it_is_proposed():
    tree = DecisionTreeClassifier(random_state=0)
    space = {"criterion": ["gini", "entropy"]}
    search = GridSearchCV(tree, space, return_train_score=True).fit(*noisy_data(120))
    found = diagnose(search)["fit"]
    assert found.verdict == "overfitting"
    assert found.advice.startswith("tune parameters that regularise: ")
    found = diagnose(search, directions={"criterion": ["entropy", "gini"]})["fit"]
    assert "criterion" in found.advice
    assert "towards 'entropy'" in found.advice
    assert diagnose(search, directions={})["fit"].advice == "use a simpler model"


# Optimism and ties --------------------------------------------------------------------


def test_optimism_of_many_candidates_on_noise():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 30)), np.tile([0, 1], 50)
    tree = DecisionTreeClassifier(max_features=1, max_depth=2)
    search = GridSearchCV(tree, {"random_state": range(60)}).fit(X, y)
    found = diagnose(search)["optimism"]
    assert found.verdict == "large"
    assert found.is_problem
    # The truth is 0.5, and the corrected score is nearer to it.
    best = search.best_score_
    assert best > 0.55
    assert abs(best - found.estimate - 0.5) < abs(best - 0.5)


def test_no_optimism_where_candidates_differ():
    search = GridSearchCV(SVC(), {"C": [1e-3, 1e-2, 1, 10]}).fit(*IRIS)
    assert diagnose(search)["optimism"].verdict == "small"


def test_optimism_is_unknown_with_one_split():
    cv = StratifiedShuffleSplit(1, test_size=0.3, random_state=0)
    search = GridSearchCV(SVC(), {"C": [1, 10, 100]}, cv=cv).fit(*IRIS)
    diagnosis = diagnose(search)
    for check in ("optimism", "ties"):
        assert diagnosis[check].verdict == "unknown"


@pytest.mark.parametrize("rule", [WithinPercent, OneStandardError, KeepDefault])
@pytest.mark.filterwarnings("ignore:.*so the best score decides")
def test_no_selection_rule_is_advised_if_the_search_has_one(rule):
    search = made({"c": uniform(0, 1)}, noise=0.05, refit=rule(Made()))
    found = diagnose(search)["ties"]
    assert found.verdict == "many"
    assert found.advice == ""


def test_ties():
    search = made({"c": uniform(0, 1)}, noise=0.05)
    found = diagnose(search)["ties"]
    assert found.verdict == "many"
    assert "refit=WithinPercent(estimator)" in found.advice
    assert found.estimate > 12
    search = made({"a": uniform(0, 5)}, noise=0.001)
    found = diagnose(search)["ties"]
    assert found.verdict == "few"
    assert found.estimate < 5


# Budget -------------------------------------------------------------------------------


def test_more_iterations_may_pay_when_stopped_early():
    search = made({"a": uniform(2, 8), "b": uniform(0, 1)}, n_iter=8, noise=0.001)
    found = diagnose(search)["budget"]
    assert found.verdict == "more may pay"
    assert found.is_problem
    assert found.advice == "raise n_iter"


def test_what_ended_the_search_is_to_be_changed():
    search = made({"a": uniform(2, 8), "b": uniform(0, 1)}, n_iter=8, noise=0.001)
    for reason, advice in [
        ("max_time", "raise max_time"),
        ("stopping", "set stopping=None"),
        ("callback", ""),
    ]:
        search.stop_reason_ = reason
        assert diagnose(search)["budget"].advice == advice


def test_a_grid_with_failed_candidates_is_exhausted():
    search = GridSearchCV(SVC(), {"C": [-1.0, 0.1, 1.0, 2.0, 5.0, 10.0, 100.0]})
    with pytest.warns(Warning, match="fits failed"):
        search.fit(*IRIS)
    assert diagnose(search)["budget"].verdict == "space exhausted"


def test_more_iterations_hardly_pay_at_the_peak():
    search = made({"a": uniform(0, 1)}, 30, BayesSearchCV, noise=0.001)
    found = diagnose(search)["budget"]
    assert found.verdict == "more will hardly pay"
    assert found.estimate < 0.05


def test_more_iterations_are_impossible():
    search = GridSearchCV(SVC(), {"C": [1, 2, 5, 9]}).fit(*IRIS)
    assert diagnose(search)["budget"].verdict == "space exhausted"


def test_scores_that_tie_with_the_best_do_not_hide_the_bound():
    X, y = load_breast_cancer(return_X_y=True)
    search = BayesSearchCV(
        make_pipeline(StandardScaler(), SVC()),
        {"svc__C": loguniform(1e-3, 1e3), "svc__gamma": loguniform(1e-4, 1e1)},
        n_iter=25,
        random_state=0,
    ).fit(X, y)
    assert math.isfinite(diagnose(search)["budget"].estimate)


# Edges --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("space", "verdict"),
    [
        (uniform(0, 1), "inside"),
        (uniform(0.6, 1), "at the lower edge"),
        (uniform(-2, 1.5), "at the upper edge"),
    ],
)
@pytest.mark.parametrize("search", [RandomizedSearchCV, BayesSearchCV])
def test_edges(space, verdict, search):
    found = diagnose(made({"a": space, "b": uniform(0, 1)}, 30, search))["edge", "a"]
    assert found.verdict == verdict
    assert found.is_problem == (verdict != "inside")
    assert found.advice.startswith("try ") == found.is_problem


def test_edge_of_a_real_search_and_none_in_a_wider_range():
    X, y = load_breast_cancer(return_X_y=True)
    svc = make_pipeline(StandardScaler(), SVC())
    for high, verdict in ((0.1, "at the upper edge"), (1e4, "inside")):
        space = {"svc__C": loguniform(1e-3, high)}
        search = BayesSearchCV(svc, space, n_iter=15, random_state=0).fit(X, y)
        found = diagnose(search)["edge", "svc__C"]
        assert found.verdict == verdict
        if found.is_problem:
            assert found.advice == "try 0.001 to 1 on a log scale"


def test_a_parameter_that_does_not_matter_is_flat_at_its_edge():
    search = made({"a": uniform(0, 1), "c": [0.0, 1.0, 2.0, 3.0]}, 30, noise=0.02)
    best = search.best_params_["c"]
    if 0.0 < best < 3.0:
        row = int(
            np.flatnonzero([p["c"] == 3 for p in search.cv_results_["params"]])[0]
        )
        search.best_index_ = row
    assert diagnose(search)["edge", "c"].verdict == "flat"


@pytest.mark.parametrize(
    ("grid", "verdict"),
    [([0.0, 0.1, 0.2], "at the upper edge"), ([0.7, 0.8, 0.9], "at the lower edge")],
)
def test_three_levels_have_an_edge(grid, verdict):
    space = {"a": grid, "b": [0.0, 0.5, 1.0]}
    search = GridSearchCV(Made(peak=0.45), space).fit(X_MADE)
    found = diagnose(search)["edge", "a"]
    assert found.verdict == verdict
    assert found.estimate > 0.8


def test_a_wider_range_that_the_data_may_not_allow_says_so():
    search = GridSearchCV(KMeans(n_init=1, random_state=0), {"n_clusters": [2, 3, 4]})
    found = diagnose(search.fit(IRIS[0]))["edge", "n_clusters"]
    assert found.verdict == "at the upper edge"
    assert found.advice.endswith("if the size of the data allows it")


def test_a_parameter_that_is_the_resource_is_not_searched():
    X, y = IRIS
    search = HyperbandSearchCV(
        RandomForestClassifier(n_estimators=30, random_state=0),
        {"max_depth": randint(1, 5), "min_samples_leaf": randint(1, 30)},
        min_resources=10,
        n_iter=30,
        random_state=0,
    ).fit(X, y)
    found = diagnose(search)
    assert found["budget"].verdict != "unknown"
    assert {f.parameter for f in found if f.check == "importance"} == {
        "max_depth",
        "min_samples_leaf",
    }


def test_optimism_and_ties_are_of_the_best_score_whatever_refit_chose():
    X, y = load_breast_cancer(return_X_y=True)
    tree = DecisionTreeClassifier(random_state=0)
    grid = {"min_samples_leaf": [5, 10, 100, 280]}
    plain, other = (
        diagnose(GridSearchCV(tree, grid, refit=refit).fit(X, y))
        for refit in (True, lambda results: 3)
    )
    for check in ("optimism", "ties"):
        assert plain[check].verdict == other[check].verdict
        assert plain[check].estimate == other[check].estimate
    assert "refit chose a candidate with" in other["optimism"].text
    assert "refit chose a candidate with" not in plain["optimism"].text


def test_a_metric_under_a_name_of_the_users_own():
    X, y = load_breast_cancer(return_X_y=True)
    tree = DecisionTreeClassifier(random_state=0)
    search = GridSearchCV(
        tree,
        {"max_depth": [2, 5]},
        scoring={"own": "accuracy"},
        refit="own",
        return_train_score=True,
    )
    assert diagnose(search.fit(X, y))["fit"].verdict == "fine"


def test_at_its_limit():
    X = np.random.default_rng(0).uniform(size=(300, 1))
    y = np.floor(40 * X[:, 0]) % 2
    space = {"n_neighbors": [1, 4, 8, 16]}
    search = GridSearchCV(KNeighborsClassifier(), space).fit(X, y)
    found = diagnose(search)["edge", "n_neighbors"]
    assert found.verdict == "at its limit"
    assert not found.is_problem


# Importance ---------------------------------------------------------------------------


def test_importance():
    space = {"a": uniform(0, 2), "b": uniform(0, 1), "kind": ["x", "y", "z"]}
    diagnosis = diagnose(made(space, n_iter=40, noise=0.02))
    assert diagnosis["importance", "a"].verdict == "matters"
    assert diagnosis["importance", "b"].verdict == "no sign that it matters"
    a, b = diagnosis["importance", "a"], diagnosis["importance", "b"]
    assert 0 <= b.low <= b.estimate <= b.high < a.low <= a.estimate <= a.high <= 1


def test_importance_has_the_shares_of_the_truth():
    # Over a in (0, 2) the variance of (a - 0.3)^2 is 0.8007...; that of the kind's
    # 0.3 is 0.02.
    rng = np.random.default_rng(0)
    a, z = rng.uniform(0, 2, 100_000), rng.integers(3, size=100_000) == 2
    own, other = np.var((a - 0.3) ** 2), np.var(0.3 * z)
    space = {"a": uniform(0, 2), "kind": ["x", "y", "z"]}
    diagnosis = diagnose(made(space, n_iter=60, noise=1e-3))
    found = diagnosis["importance", "a"].estimate
    assert found == pytest.approx(own / (own + other), abs=0.1)


def test_of_noise_no_parameter_matters():
    space = {"b": uniform(0, 1), "c": uniform(0, 1)}
    diagnosis = diagnose(made(space, n_iter=40, noise=0.1))
    for name in ("b", "c"):
        assert diagnosis["importance", name].verdict in (
            "no sign that it matters",
            "unclear",
        )


def test_few_candidates_say_little():
    diagnosis = diagnose(made({"a": uniform(0, 1), "b": uniform(0, 1)}, n_iter=3))
    assert diagnosis["importance", "a"].verdict == "unknown"
    assert diagnosis["budget"].verdict == "unknown"
    space = {"a": uniform(0, 1), "b": uniform(0, 1)}
    found = diagnose(made(space, n_iter=6, noise=0.1))["importance", "b"]
    assert found.verdict != "matters"


# Kinds of searches --------------------------------------------------------------------


def test_conditional_spaces():
    X, y = load_breast_cancer(return_X_y=True)
    pipe = Pipeline([("scale", StandardScaler()), ("clf", SVC())])
    space = [
        {"clf": [SVC()], "clf__C": loguniform(1e-2, 1e3)},
        {"clf": [KNeighborsClassifier()], "clf__n_neighbors": (1, 30)},
    ]
    search = BayesSearchCV(pipe, space, n_iter=16, random_state=0).fit(X, y)
    diagnosis = diagnose(search)
    own = set(search.best_params_) - {"clf"}
    assert {f.parameter for f in diagnosis if f.check == "edge"} == own
    names = {f.parameter for f in diagnosis if f.check == "importance"}
    assert names == {"(which dict)", "clf__C", "clf__n_neighbors"}


def test_conditional_parameters():
    space = {
        "C": loguniform(1e-2, 1e2),
        "kernel": ["linear", "poly"],
        "degree": When([2, 3, 4], {"kernel": ["poly"]}),
    }
    search = BayesSearchCV(SVC(), space, n_iter=14, random_state=0).fit(*IRIS)
    diagnosis = diagnose(search)
    edges = {f.parameter for f in diagnosis if f.check == "edge"}
    assert edges == set(search.best_params_) - {"kernel"}


def test_several_metrics_and_selection_rules():
    X, y = load_breast_cancer(return_X_y=True)
    tree = DecisionTreeClassifier(random_state=0)
    space = {"max_depth": [1, 3, 5, 8], "min_samples_leaf": [1, 10]}
    search = GridSearchCV(
        tree, space, scoring=["accuracy", "roc_auc"], refit="roc_auc"
    ).fit(X, y)
    assert " roc_auc 0." in diagnose(search).title
    assert " accuracy 0." in diagnose(search, metric="accuracy").title
    rule = OneStandardError(tree, metric="roc_auc")
    search = GridSearchCV(tree, space, scoring=["accuracy", "roc_auc"], refit=rule)
    diagnosis = diagnose(search.fit(X, y))
    assert " roc_auc 0." in diagnosis.title
    chosen = search.cv_results_["mean_test_roc_auc"][search.best_index_]
    assert f"{chosen:.4g}" in diagnosis.title


def test_a_search_without_refit_and_with_failed_candidates():
    search = GridSearchCV(SVC(), {"C": [-1.0, 1.0, 10.0, 100.0]}, refit=False)
    with pytest.warns(Warning, match="fits failed"):
        search.fit(*IRIS)
    diagnosis = diagnose(search)
    assert ": 3 candidates" in diagnosis.title
    assert diagnosis["edge", "C"].verdict in ("inside", "flat", "at the upper edge")


def test_a_space_that_is_not_understood():
    search = GridSearchCV(SVC(), {"C": [1.0, 2.0]}).fit(*IRIS)
    search.param_grid = {"C": [5.0]}
    diagnosis = diagnose(search)
    assert diagnosis["budget"].verdict == "unknown"
    assert {f.check for f in diagnosis} == {"fit", "optimism", "ties", "budget"}


def test_a_default_space():
    X, y = load_breast_cancer(return_X_y=True)
    tree = DecisionTreeClassifier(random_state=0)
    search = BayesSearchCV(tree, n_iter=12, random_state=0).fit(X[:200], y[:200])
    diagnosis = diagnose(search)
    names = {f.parameter for f in diagnosis if f.check == "importance"}
    assert names == set(search.best_params_)
    assert search.cv_results_["params"][0]["ccp_alpha"] == 0.0  # outside its range
    assert diagnosis["budget"].verdict != "unknown"


class Normal:
    """Draws numbers, and has nothing but `rvs`."""

    def rvs(self, random_state=None):
        return float(np.exp(random_state.normal()))


class Words:
    """Draws one of many words, and has nothing but `rvs`."""

    def rvs(self, random_state=None):
        return "".join(random_state.choice(list("xyz"), size=12))


@pytest.mark.parametrize("search", [RandomizedSearchCV, BayesSearchCV])
def test_distributions_known_by_draws(search):
    tuner = search(SVC(), {"C": Normal()}, n_iter=12, random_state=0)
    diagnosis = diagnose(tuner.fit(*IRIS))
    assert ("edge", "C") in {(f.check, f.parameter) for f in diagnosis}


@pytest.mark.parametrize("search", [RandomizedSearchCV, BayesSearchCV])
def test_the_space_is_kept_if_other_words_are_drawn_for_it(search):
    space = {"a": uniform(0, 2), "kind": Words()}
    diagnosis = diagnose(made(space, 25, search, noise=0.02))
    assert diagnosis["budget"].verdict != "unknown"
    assert diagnosis["edge", "a"].verdict == "inside"
    assert diagnosis["importance", "a"].verdict == "matters"
    assert diagnosis["importance", "kind"].verdict != "matters"


def test_an_ensemble_in_processes_is_only_read():
    forest = RandomForestClassifier(n_estimators=5, random_state=0)
    search = BayesSearchCV(forest, {"max_depth": (1, 9)}, n_iter=6, random_state=0)
    search.fit(*IRIS)
    before = search.cv_results_["mean_test_score"].copy()
    first, second = diagnose(search), diagnose(search)
    assert repr(first) == repr(second)
    np.testing.assert_array_equal(before, search.cv_results_["mean_test_score"])


# The object ---------------------------------------------------------------------------


def test_what_it_looks_like():
    search = BayesSearchCV(SVC(), {"C": loguniform(1e-3, 1e-1)}, n_iter=8)
    diagnosis = diagnose(search.fit(*IRIS))
    text = repr(diagnosis)
    assert text.startswith("Diagnosis of BayesSearchCV(SVC): 8 candidates, 5 splits")
    assert all(len(line) <= 79 for line in text.splitlines()[1:])
    for check in ("fit", "optimism", "ties", "budget", "edge C", "importance C"):
        assert f" {check}: " in text
    frame = diagnosis.to_frame()
    assert len(frame) == len(list(diagnosis))
    assert list(frame.columns[:4]) == ["check", "parameter", "verdict", "is_problem"]
    assert diagnosis.problems == [f for f in diagnosis if f.is_problem]


def test_a_search_must_be_fitted():
    with pytest.raises(ValueError, match=r"GridSearchCV has no cv_results_"):
        diagnose(GridSearchCV(SVC(), {"C": [1]}))


def test_candidates_must_be_scored():
    search = GridSearchCV(SVC(), {"C": [1.0, 2.0]}).fit(*IRIS)
    for k in range(5):
        search.cv_results_[f"split{k}_test_score"][:] = np.nan
    with pytest.raises(ValueError, match="No candidate was scored on all splits"):
        diagnose(search)
