"""Dicts of a search space that have numbers of evaluations of their own."""

from collections import Counter

import pytest
from sklearn.base import BaseEstimator

from sklearn_tuners import BayesSearchCV, HyperbandSearchCV, Optimizer
from sklearn_tuners._bayes.budgets import Budgets
from sklearn_tuners._space.space import Space

X = [[0.0]] * 40
A = {"kind": ["a"], "x": (0.0, 1.0)}
B = {"kind": ["b"], "x": (0.0, 1.0), "z": (0.0, 1.0)}
C = {"kind": ["c"], "x": [0.1, 0.2, 0.3]}
D = {"kind": ["d"], "x": [0.1, 0.2, 0.3], "z": [0.0, 1.0]}
BEST = {"a": 0.0, "b": 1.0, "c": 0.5, "d": 0.7}


class Rated(BaseEstimator):
    """Has a score that favours the kind "b"."""

    def __init__(self, kind="a", x=0.0, z=0.0, n_steps=9):
        self.kind = kind
        self.x = x
        self.z = z
        self.n_steps = n_steps

    def fit(self, X, y=None):
        return self

    def score(self, X, y=None):
        return BEST[self.kind] - (self.x - 0.4) ** 2 - (self.z - 0.6) ** 2


def bayes(space, n_iter, **params):
    search = BayesSearchCV(
        Rated(), space, n_iter=n_iter, cv=2, random_state=0, refit=False, **params
    )
    return search.fit(X).cv_results_["param_kind"]


def hyperband(space, n_iter, **params):
    search = HyperbandSearchCV(
        Rated(),
        space,
        n_iter=n_iter,
        resource="n_steps",
        min_resources=1,
        continuation="never",
        cv=2,
        random_state=0,
        refit=False,
        **params,
    )
    results = search.fit(X).cv_results_
    return results["param_kind"][results["iter"] == 0]


CASES = {
    "all have a number": ([(A, 24), (B, 6)], 30, {"a": 24, "b": 6}),
    "their sum replaces n_iter": ([(A, 3), (B, 9)], 50, {"a": 3, "b": 9}),
    "their sum may be more": ([(A, 8), (B, 6)], 2, {"a": 8, "b": 6}),
    "one has none": ([(A, 5), B], 20, {"a": 5, "b": 15}),
    "the only number is of the best one": ([A, (B, 4)], 16, {"a": 12, "b": 4}),
    "a finite dict": ([(B, 4), (C, 2)], 9, {"b": 4, "c": 2}),
    "a dict with fewer points": ([(B, 4), (C, 7)], 9, {"b": 4, "c": 3}),
    "a single dict": ([(B, 7)], 50, {"b": 7}),
}


@pytest.mark.parametrize("run", [bayes, hyperband])
@pytest.mark.parametrize("case", CASES)
def test_the_number_of_a_dict_is_that_of_its_evaluations(run, case):
    space, n_iter, expected = CASES[case]
    assert Counter(run(space, n_iter)) == expected


def test_random_candidates_have_the_numbers_too():
    kinds = hyperband([(A, 4), (B, 9)], None, sampler="random")
    assert Counter(kinds) == {"a": 4, "b": 9}


def test_several_workers_have_the_numbers_too():
    kinds = bayes([(A, 10), (B, 6)], 50, n_jobs=2)
    assert Counter(kinds) == {"a": 10, "b": 6}


def test_a_resumed_search_has_the_numbers_too(tmp_path):
    bayes([(A, 4), (B, 3)], 50, journal=tmp_path / "j")
    kinds = bayes([(A, 6), (B, 9)], 50, journal=tmp_path / "j")
    assert Counter(kinds) == {"a": 6, "b": 9}


@pytest.mark.parametrize("run", [bayes, hyperband])
@pytest.mark.parametrize("n_iter", [4, 5, 6])
def test_an_n_iter_that_leaves_nothing_to_others_is_an_error(run, n_iter):
    with pytest.raises(ValueError, match="Give n_iter=7 or more"):
        run([(A, 5), B, C], n_iter)


def test_plan_counts_the_numbers():
    search = HyperbandSearchCV(
        Rated(), [(A, 2), (B, 3)], resource="n_steps", min_resources=1, cv=2
    )
    plan = search.plan(X)
    assert plan.n_candidates[plan["iter"] == 0].sum() == 5


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        ([(A, 4), (B, 6)], {"a": 4, "b": 6}),
        ([(C, 8), (B, 6)], {"c": 3, "b": 6}),
        ([(C, 2), (D, 2)], {"c": 2, "d": 2}),
    ],
)
def test_an_optimizer_ends_when_the_numbers_are_reached(space, expected):
    optimizer = Optimizer(space, random_state=0)
    kinds = []
    while (params := optimizer.ask()) is not None:
        kinds.append(params["kind"])
        optimizer.tell(params, BEST[params["kind"]] - params["x"] ** 2)
    assert Counter(kinds) == expected


def test_a_plain_list_of_dicts_is_not_limited():
    space = Space.parse([A, B])
    budgets = Budgets(space, 3)
    branches = budgets.open_branches([bytes([i]) for i in range(9)])
    assert budgets.open_space(branches) is space
