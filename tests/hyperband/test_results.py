"""``cv_results_`` of candidates with different resources."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_tuners._hyperband.results import (
    cumulative_times,
    ranks,
    rows_to_choose_from,
    take_rows,
)

ROWS = st.lists(
    st.tuples(
        st.sampled_from([0.1, 0.5, 0.9, np.nan, np.inf, -np.inf]),
        st.sampled_from([1, 3, 9]),
    ),
    min_size=1,
    max_size=12,
)


def columns(rows):
    scores, resources = zip(*rows, strict=True)
    return np.array(scores), np.array(resources)


@given(ROWS)
def test_more_resource_ranks_first_then_the_score_and_what_failed_last(rows):
    scores, resources = columns(rows)
    rank = ranks(scores, resources)
    assert rank.dtype == np.int32
    # A row's rank is one more than the number of rows before it.
    keys = [(0, -r, -s) if np.isfinite(s) else (1, 0, 0.0) for s, r in rows]
    assert rank.tolist() == [1 + sum(other < key for other in keys) for key in keys]


@given(ROWS)
def test_rank_one_is_among_the_rows_to_choose_from(rows):
    scores, resources = columns(rows)
    chosen = rows_to_choose_from(scores, resources)
    assert len(set(resources[chosen])) == 1
    if np.isfinite(scores).any():
        assert np.argmin(ranks(scores, resources)) in chosen
        assert resources[chosen[0]] == resources[np.isfinite(scores)].max()


def test_the_largest_resource_that_only_failed_is_not_chosen_from():
    scores, resources = np.array([0.9, 0.1, np.nan]), np.array([1, 3, 9])
    assert_array_equal(rows_to_choose_from(scores, resources), [1])
    assert_array_equal(rows_to_choose_from(np.full(3, np.nan), resources), [2])


def test_times_add_up_over_the_rungs_of_a_candidate():
    times = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0], [8.0, 80.0]])
    found = cumulative_times([0, 1, 0, 0], [1, 1, 9, 3], times)
    assert_allclose(found, [[1, 10], [2, 20], [13, 130], [9, 90]])


def test_a_row_that_was_reused_costs_nothing():
    times = np.array([[1.0], [1.0], [4.0], [4.0]])
    found = cumulative_times([0, 0, 0, 0], [1, 1, 3, 3], times)
    assert_allclose(found.ravel(), [1, 1, 5, 5])


def test_no_rows():
    assert cumulative_times([], [], np.empty((0, 3))).shape == (0, 3)


def test_take_rows_of_all_kinds_of_columns():
    masked = np.ma.MaskedArray([1.0, 2.0, 3.0], mask=[True, False, False])
    taken = take_rows(
        {
            "params": [{"a": 1}, {"a": 2}, {"a": 3}],
            "x": np.arange(3),
            "param_a": masked,
        },
        np.array([0, 2]),
    )
    assert taken["params"] == [{"a": 1}, {"a": 3}]
    assert_array_equal(taken["x"], [0, 2])
    assert taken["param_a"].mask.tolist() == [True, False]


@pytest.mark.parametrize("n", [1, 5])
def test_equal_rows_share_a_rank(n):
    assert ranks(np.full(n, 0.5), np.full(n, 3)).tolist() == [1] * n
