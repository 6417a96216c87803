"""Tests of proposals in spaces with conditions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import stats

from sklearn_tuners import Optimizer, When
from sklearn_tuners._bayes.acquisition import first_active
from sklearn_tuners._space.space import Space
from sklearn_tuners.testing import _with_conditions as with_conditions
from sklearn_tuners.testing import search_spaces

SVC_SPACE = {
    "kernel": ["rbf", "poly", "linear"],
    "degree": When([2, 3, 4], {"kernel": ["poly"]}),
    "gamma": When(stats.loguniform(1e-4, 1), {"kernel": ["rbf", "poly"]}),
}


small = st.dictionaries(
    st.sampled_from("abcd"),
    st.lists(
        st.sampled_from([1, 2, 3, None, "x"]), min_size=1, max_size=3, unique=True
    ),
    min_size=2,
    max_size=3,
).flatmap(with_conditions)


@settings(max_examples=15)
@given(st.lists(small, min_size=1, max_size=2), st.integers(0, 9))
def test_a_finite_space_is_used_up_without_a_repeat(specs, seed):
    space = Space.parse(specs)
    for n_iter in (None, 7, 60):
        optimizer = Optimizer(space, n_iter=n_iter, random_state=seed)
        seen = set()
        while (params := optimizer.ask()) is not None:
            seen.add(space.key(space.encode(params)))
            optimizer.tell(params, len(repr(params)) % 5)
        assert len(seen) == space.n_distinct
        # What two dicts have in common counts twice.
        assert optimizer.n_told == space.size


@settings(max_examples=25)
@given(search_spaces(), st.integers(0, 9))
def test_proposals_are_inside_and_new_also_with_some_pending(spec, seed):
    space = Space.parse(spec)
    optimizer = Optimizer(space, n_iter=10, random_state=seed)
    keys, pending = [], []
    for i in range(min(10, space.n_distinct)):
        params = optimizer.ask(pending=pending)
        keys.append(space.key(space.encode(params)))
        pending.append(params)
        if i % 3:
            done = pending.pop(0)
            optimizer.tell(done, len(repr(done)) % 5)
    # (A distribution over all integers may have used up those that it ever draws.)
    if space.size == space.n_distinct and np.isfinite(space.size):
        assert len(set(keys)) == len(keys)


def five_by_three(n_values=10):
    """Five switches of three variants, each variant with two parameters of its own."""
    spec = {}
    for i in range(5):
        spec[f"z{i}"] = ["p", "q", "r"]
        for variant in "pqr":
            for k in range(2):
                spec[f"{variant}{i}{k}"] = When(range(n_values), {f"z{i}": [variant]})
    return spec


def test_first_active():
    U = np.array([[0.1, 0.5, 0.5], [0.2, 0.3, 0.5], [0.4, 0.6, 0.5]])
    active = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 0]], dtype=bool)
    assert_array_equal(first_active(U, active, 0.7), [0.1, 0.3, 0.7])


def test_reaches_the_top_of_a_conditional_function():
    """Best 1 at kind "b", x 0.8; the other kinds look better where x is not tuned."""

    def score(params):
        if params["kind"] == "b":
            return 1 - 2 * (params["x"] - 0.8) ** 2
        return 0.8 - 0.5 * abs(params["y"] - 0.2)

    space = {
        "kind": ["a", "b", "c"],
        "x": When((0.0, 1.0), {"kind": ["b"]}),
        "y": When((0.0, 1.0), {"kind": ["a", "c"]}),
    }
    best = []
    for seed in range(3):
        optimizer = Optimizer(space, n_iter=30, random_state=seed)
        for _ in range(30):
            params = optimizer.ask()
            optimizer.tell(params, score(params))
        best.append(optimizer.best_score_)
    assert np.median(best) > 0.95


def test_replaying_the_tells_gives_the_same_proposals():
    first = Optimizer(five_by_three(), n_iter=15, random_state=0)
    second = Optimizer(five_by_three(), n_iter=15, random_state=0)
    for i in range(15):
        params = first.ask()
        assert second.ask() == params
        assert second.space.n_dims == 35
        first.tell(params, i % 4)
        second.tell(params, i % 4)


def test_initial_params_leave_out_inactive_parameters():
    first = {"kernel": "linear"}
    optimizer = Optimizer(SVC_SPACE, n_iter=10, initial_params=first, random_state=0)
    assert optimizer.ask() == first
    with pytest.raises(ValueError, match=r"initial_params: .*'degree' has a value"):
        Optimizer(SVC_SPACE, initial_params={"kernel": "linear", "degree": 2})
