"""Selection rules, which choose the candidate to refit."""

import pickle

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from sklearn_tuners import (
    BayesSearchCV,
    BestScore,
    KeepDefault,
    OneStandardError,
    WithinPercent,
)
from sklearn_tuners._split_scores import followed_metric

IRIS = load_iris(return_X_y=True)
RULES = [
    OneStandardError(SVC()),
    WithinPercent(SVC(), loss=3),
    BestScore(SVC()),
    KeepDefault(SVC()),
]


def results(params, scores, metric="score", **more):
    """`cv_results_` of split scores."""
    S = np.asarray(scores, dtype=float)
    columns = {f"split{k}_test_{metric}": S[:, k] for k in range(S.shape[1])}
    mean = S.mean(axis=1)
    rank = (-np.nan_to_num(mean, nan=-np.inf)).argsort().argsort() + 1
    names = {f"mean_test_{metric}": mean, f"rank_test_{metric}": rank}
    return {"params": params, **columns, **names, **more}


def c(*values):
    return [{"C": value} for value in values]


LOW = {"C": "low"}

# The rules ----------------------------------------------------------------------------


def test_one_standard_error_is_that_of_the_paired_differences():
    # Behind the best by 0.02 +- 0.04 and by 0.02 +- 0: the scores themselves, with
    # standard deviations of 0.2, would tell neither from it.
    easy = np.array([0.9, 0.5, 0.7, 0.8, 0.4])
    noisy = easy - 0.02 + 0.04 * np.array([1, -1, 1, -1, 0])
    table = results(c(100, 10, 1), [easy, noisy, easy - 0.02])
    assert OneStandardError(SVC(), directions=LOW)(table) == 1
    assert BestScore(SVC(), directions=LOW)(table) == 0


def test_the_standard_error_depends_on_the_share_of_the_test_set():
    best = np.full(10, 0.9)
    other = best - 0.02 + 0.05 * np.tile([1, -1], 5)
    table = results(c(10, 1), [best, other])
    # 0.0527 * sqrt(1 / 10 + 1 / 9) = 0.024, and with a share of 0.01 it is 0.0175.
    assert OneStandardError(SVC(), directions=LOW)(table) == 1
    assert OneStandardError(SVC(), directions=LOW, test_share=0.01)(table) == 0


def test_within_percent_of_scores_of_either_sign():
    rule = WithinPercent(SVC(), loss=10, directions=LOW)
    assert rule(results(c(3, 2, 1), [[1.0], [0.91], [0.89]])) == 1
    assert rule(results(c(3, 2, 1), [[-1.0], [-1.09], [-1.11]])) == 1
    assert WithinPercent(SVC(), 0, directions=LOW)(results(c(2, 1), [[1], [1]])) == 1


def test_ties_go_to_the_simpler():
    table = results(c(100, 1, 10), [[0.9, 1.0], [0.8, 0.8], [1.0, 0.9]])
    assert BestScore(SVC(), directions=LOW)(table) == 2
    assert BestScore(SVC(), directions={"C": "high"})(table) == 0


def test_of_equally_simple_ones_the_better_then_the_clearly_cheaper():
    tried = [{"C": 1, "p": p} for p in "abcd"] + [{"C": 2, "p": "a"}]
    scores = [[0.80], [0.81], [0.81], [0.81], [0.815]]
    rule = WithinPercent(SVC(), loss=5, directions=LOW)
    assert rule(results(tried, scores)) == 1
    times = np.array([0.01, 1.0, 0.9, 0.2, 1.0])
    assert rule(results(tried, scores, mean_fit_time=times)) == 3
    # Times differ from run to run, and the choice should not.
    times[3] = 0.6
    assert rule(results(tried, scores, mean_fit_time=times)) == 1


def test_a_candidate_is_not_taken_if_another_is_simpler_and_better():
    # Candidate 1 is noisy enough to be within an error of the best. Candidate 2 is
    # simpler and better than it, but surely worse than the best: neither is taken.
    best = np.full(5, 0.90)
    noisy = 0.85 + 0.2 * np.array([1, -1, 1, -1, 0])
    surely = np.full(5, 0.89)
    table = results(c(100, 10, 1), [best, noisy, surely])
    assert OneStandardError(SVC(), directions=LOW)(table) == 0
    assert (
        OneStandardError(SVC(), directions=LOW)(
            results(c(100, 10, 50), [best, noisy, surely])
        )
        == 1
    )


def test_several_parameters_by_their_mean_rank():
    tried = [
        {"C": 100, "gamma": 1.0},  # the best
        {"C": 1, "gamma": 1e-1},  # ranks 0 and 1/2
        {"C": 10, "gamma": 1e-1},  # ranks 1/2 and 1/2
        {"C": 100, "gamma": 1e-3},  # ranks 1 and 0
    ]
    rule = WithinPercent(SVC(), 50, directions={"C": "low", "gamma": "low"})
    assert rule(results(tried, [[1.0], [0.8], [0.9], [0.8]])) == 1


def test_only_the_branch_of_the_best_is_considered():
    tried = [{"C": 1, "gamma": 1}, {"C": 10}, {"C": 2}]
    rule = WithinPercent(SVC(), 50, directions=LOW)
    assert rule(results(tried, [[0.9], [1.0], [0.9]])) == 2
    steps = [{"clf": SVC(), "clf__C": 10}, {"clf": LogisticRegression(), "clf__C": 1}]
    rule = WithinPercent(Pipeline([("clf", SVC())]), 50, directions={"clf__C": "low"})
    assert rule(results(steps, [[1.0], [0.9]])) == 0


def test_directions_are_those_of_the_estimator_with_the_steps_of_the_candidate():
    pipe = Pipeline([("clf", SVC())])
    tried = [{"clf": KNeighborsClassifier(), "clf__n_neighbors": n} for n in (1, 10, 5)]
    table = results(tried, [[0.9], [0.9], [0.9]])
    assert WithinPercent(pipe)(table) == 1


def test_failed_candidates_are_not_chosen():
    table = results(c(10, 1, 2), [[0.9, 0.9], [np.nan, 0.99], [0.9, 0.9]])
    for rule in (BestScore(SVC(), directions=LOW), OneStandardError(SVC())):
        assert rule(table) == 2
    table = results(c(1, 2), [[np.nan], [np.nan]])
    assert OneStandardError(SVC())(table) == 0


def test_only_candidates_with_the_full_resource_are_compared():
    table = results(c(10, 1, 5), [[0.9], [0.9], [0.9]], n_resources=[27, 9, 27])
    assert BestScore(SVC(), directions=LOW)(table) == 2


def test_without_a_direction_the_best_is_taken_with_a_warning():
    tried = [{"shrinking": True}, {"shrinking": False}]
    with pytest.warns(UserWarning, match="shrinking.*directions="):
        assert OneStandardError(SVC(), directions={})(results(tried, [[0.9], [1]])) == 1


# The default --------------------------------------------------------------------------


def test_the_default_is_kept_unless_the_evidence_is_an_error():
    default = np.array([0.9, 0.5, 0.7, 0.8, 0.4])
    wobble = 0.04 * np.array([1, -1, 1, -1, 0])  # an error of 0.0268
    for gain, chosen in ((0.02, 0), (0.03, 1)):
        table = results(c(1.0, 7.0), [default, default + gain + wobble])
        assert KeepDefault(SVC())(table) == chosen
        assert KeepDefault()(table) == chosen


def test_the_default_is_found_wherever_it_stands():
    table = results(c(7.0, 3, 1 + 1e-13), [[0.9, 0.8], [0.8, 0.8], [0.85, 0.85]])
    assert KeepDefault(SVC())(table) == 2
    assert KeepDefault(SVC(C=3))(table) == 1
    assert KeepDefault(SVC(C=7))(table) == 0


def test_without_an_estimator_the_default_is_the_first_row_and_no_other():
    table = results(c(7.0, 3, 7), [[np.nan, 0.9], [0.8, 0.8], [0.9, 0.7]])
    assert KeepDefault()(table) == 2  # the same parameters again
    table = results(c(7.0, 3, 5), [[np.nan, 0.9], [0.8, 0.8], [0.9, 0.7]])
    with pytest.warns(UserWarning, match="has the parameters of the first row"):
        assert KeepDefault()(table) == 1


def test_a_default_that_was_not_tried_is_a_warning():
    table = results(c(7.0, 3), [[0.9, 0.8], [0.8, 0.8]])
    with pytest.warns(UserWarning, match=r"has the parameters of SVC\(\)"):
        assert KeepDefault(SVC())(table) == 0


# In searches --------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_selection_rules_work_in_every_search(rule):
    space = {"C": [0.01, 0.1, 1.0, 10.0, 100.0]}
    grid = GridSearchCV(SVC(), space, refit=rule).fit(*IRIS)
    drawn = RandomizedSearchCV(SVC(), space, n_iter=5, refit=rule).fit(*IRIS)
    ours = BayesSearchCV(SVC(), space, n_iter=5, refit=rule).fit(*IRIS)
    assert grid.best_params_ == drawn.best_params_ == ours.best_params_
    assert not hasattr(grid, "best_score_")
    assert ours.best_score_ == ours.cv_results_["mean_test_score"][ours.best_index_]
    assert ours.predict(IRIS[0][:3]).shape == (3,)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_selection_rules_are_pickled_cloned_and_shown(rule):
    table = results(c(100.0, 1.0, 10.0), [[0.9, 1.0], [0.8, 0.8], [1.0, 0.9]])
    copies = [pickle.loads(pickle.dumps(rule)), clone(rule)]
    copies.append(clone(GridSearchCV(SVC(), {}, refit=rule)).refit)
    for copy in copies:
        assert copy is not rule
        assert copy(table) == rule(table)
    assert "SVC()" in repr(rule)


def test_selection_rules_work_in_processes():
    search = BayesSearchCV(
        SVC(), {"C": loguniform(1e-2, 1e2)}, n_iter=6, n_jobs=2, random_state=0
    )
    search.set_params(refit=OneStandardError(SVC())).fit(*IRIS)
    assert search.best_score_ > 0.9


def test_the_search_follows_the_metric_of_the_rule():
    X, y = make_classification(120, weights=[0.8], flip_y=0.2, random_state=0)
    scoring = ["accuracy", "recall"]
    searches = [
        BayesSearchCV(
            DecisionTreeClassifier(random_state=0),
            {"max_depth": (1, 30), "min_samples_leaf": (1, 40)},
            n_iter=12,
            scoring=scoring,
            random_state=0,
            refit=refit,
        ).fit(X, y)
        for refit in ("recall", BestScore(DecisionTreeClassifier(), metric="recall"))
    ]
    a, b = (search.cv_results_["params"] for search in searches)
    assert a == b
    assert searches[0].best_score_ == searches[1].best_score_


def test_a_selection_rule_must_know_which_metric():
    search = BayesSearchCV(
        SVC(), {"C": [1, 2]}, scoring=["accuracy", "f1"], refit=BestScore(SVC())
    )
    with pytest.raises(ValueError, match="give one of"):
        search.fit(*load_breast_cancer(return_X_y=True))


def test_ordinary_callables_have_no_best_score():
    search = BayesSearchCV(SVC(), {"C": [1, 2]}, refit=lambda _: 1).fit(*IRIS)
    assert search.best_index_ == 1
    assert not hasattr(search, "best_score_")


def test_one_standard_error_ends_simpler_than_the_best():
    X, y = make_classification(
        150, n_features=20, n_informative=4, flip_y=0.2, random_state=1
    )
    tree = DecisionTreeClassifier(random_state=0)
    space = {"max_depth": [1, 2, 3, 4, 6, 8, None], "min_samples_leaf": [1, 5, 20]}
    best = GridSearchCV(tree, space).fit(X, y)
    simple = GridSearchCV(tree, space, refit=OneStandardError(tree)).fit(X, y)
    leaves = best.best_estimator_.get_n_leaves(), simple.best_estimator_.get_n_leaves()
    assert leaves[1] < leaves[0]


def test_selection_rules_in_a_default_space():
    pipe = Pipeline([("scale", StandardScaler()), ("clf", SVC())])
    searches = [
        BayesSearchCV(pipe, n_iter=8, random_state=0, refit=rule).fit(*IRIS)
        for rule in (True, OneStandardError(pipe), KeepDefault())
    ]
    plain, simple, default = searches
    assert simple.best_score_ <= plain.best_score_
    first = default.cv_results_["mean_test_score"][0]
    assert default.best_score_ in (first, plain.best_score_)


# Errors -------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [-1, np.nan, "2", None])
def test_a_loss_must_be_a_number(loss):
    with pytest.raises(ValueError, match=f"loss={loss!r}: give the percentage"):
        WithinPercent(SVC(), loss=loss)


@pytest.mark.parametrize("share", [0, 1, "x"])
@pytest.mark.parametrize("rule", [OneStandardError, KeepDefault])
def test_a_share_is_between_0_and_1(rule, share):
    with pytest.raises(ValueError, match=f"test_share={share!r}"):
        rule(SVC(), test_share=share)


def test_a_direction_is_low_or_high():
    with pytest.raises(ValueError, match=r"directions\['C'\]='up': give 'low'"):
        BestScore(SVC(), directions={"C": "up"})
    BestScore(SVC(), directions={"kernel": ["linear", "rbf"]})


def test_selection_rules_in_a_pipeline():
    pipe = Pipeline([("scale", StandardScaler()), ("clf", SVC())])
    rule = OneStandardError(pipe)
    search = GridSearchCV(pipe, {"clf__C": [0.1, 1, 10, 100]}, refit=rule).fit(*IRIS)
    plain = GridSearchCV(pipe, {"clf__C": [0.1, 1, 10, 100]}).fit(*IRIS)
    assert search.best_params_["clf__C"] <= plain.best_params_["clf__C"]


def test_the_metric_that_a_rule_names_is_followed():
    assert followed_metric(KeepDefault(metric="f1")) == "f1"
    assert followed_metric(KeepDefault()) is None
    assert followed_metric("f1") == "f1"
    assert followed_metric(lambda results: 0) is None
