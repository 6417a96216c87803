"""Which rows a rung has."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.linear_model import Ridge
from sklearn.svm import SVC

from sklearn_tuners._hyperband.rows import (
    first_rows,
    label_codes,
    least_samples,
    n_rows_with_all_labels,
    nested_order,
    smallest_samples,
    stratifies,
    subset,
)

SHARES = [Fraction(1, 27), Fraction(1, 9), Fraction(1, 3), Fraction(2, 3), Fraction(1)]
LABELS = st.lists(st.integers(0, 3), min_size=2, max_size=60)


def rng():
    return np.random.default_rng(0)


def has_two_of_each(labels, everything):
    """Whether each label is there twice, or once where there is only one."""
    counts = Counter(labels.tolist())
    return all(counts[v] >= min(n, 2) for v, n in Counter(everything.tolist()).items())


def subsets(train, y, **kwargs):
    """Rows of each rung, from the smallest share on."""
    codes = None if y is None else label_codes(y)
    order = nested_order(train, codes, rng=rng(), **kwargs)
    return [subset(order, s, None if y is None else codes[order]) for s in SHARES]


@given(LABELS, st.sampled_from(["plain", "labels", "series"]))
def test_a_larger_subset_contains_the_smaller_one(labels, kind):
    y = np.array(labels)
    n = len(y)
    train = np.arange(n)[::2] if n > 3 else np.arange(n)
    found = subsets(train, y if kind == "labels" else None, is_series=kind == "series")
    for small, large in pairwise(found):
        assert set(small) <= set(large)
    assert_array_equal(found[-1], np.sort(train))
    for rows, share in zip(found, SHARES, strict=True):
        assert (np.diff(rows) > 0).all()
        assert len(rows) >= max(1, int(len(train) * share))
        if kind == "labels":
            assert has_two_of_each(y[rows], y[train])
        else:
            assert len(rows) == max(1, int(len(train) * share))


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=2, max_size=60
    ),
    is_labelled=st.booleans(),
    shares=st.lists(st.fractions(0, 1), min_size=2, max_size=5).map(sorted),
)
def test_subsets_with_groups_are_nested_and_of_whole_groups(rows, is_labelled, shares):
    y, groups = np.array(rows).T
    train = np.arange(len(y))[:: 2 if len(y) > 3 else 1]
    codes = label_codes(y) if is_labelled else None
    order = nested_order(train, codes, groups=groups, rng=rng())
    labels = codes[order] if is_labelled else None
    found = [subset(order, share, labels, groups[order]) for share in shares]
    for small, large in pairwise(found):
        assert set(small) <= set(large)
    sizes = {g: np.count_nonzero(groups[train] == g) for g in set(groups[train])}
    for chosen, share in zip(found, shares, strict=True):
        taken = set(groups[chosen])
        assert len(chosen) == sum(sizes[g] for g in taken) > 0
        # One group less would be too few: none at all, or without some label.
        if len(chosen) > len(train) * share:
            last = groups[[row for row in order if row in set(chosen)][-1]]
            rest = chosen[groups[chosen] != last]
            is_short = is_labelled and not has_two_of_each(y[rest], y[train])
            assert not len(rest) or is_short
        # One more would be too many.
        following = [groups[row] for row in order if groups[row] not in taken]
        if following:
            assert len(chosen) + sizes[following[0]] > len(train) * share
        if is_labelled:
            assert has_two_of_each(y[chosen], y[train])


def test_labels_are_in_proportion():
    y = np.repeat([0, 1, 2], [60, 30, 10])
    order = nested_order(np.arange(100), label_codes(y), rng=rng())
    for share in (Fraction(1, 5), Fraction(1, 2), Fraction(3, 4)):
        rows = subset(order, share, label_codes(y)[order])
        counts = np.bincount(y[rows])
        assert len(rows) == 100 * share
        assert_allclose(counts, np.array([60, 30, 10]) * float(share), atol=1.5)


@pytest.mark.parametrize("rare", [[17], [17, 600], [17, 600, 900]])
def test_a_rare_label_is_twice_in_every_subset_if_it_can_be(rare):
    y = np.zeros(1000, dtype=int)
    y[rare] = 1
    order = nested_order(np.arange(1000), label_codes(y), rng=rng())
    rows = subset(order, Fraction(4, 1000), label_codes(y)[order])
    assert len(rows) == 4
    assert len({*rows} & {*rare}) == min(len(rare), 2)


def test_the_order_is_random_but_follows_the_generator():
    train = np.arange(50)
    first = nested_order(train, None, rng=rng())
    assert_array_equal(first, nested_order(train, None, rng=rng()))
    assert (first != train).any()
    other = nested_order(train, None, rng=np.random.default_rng(1))
    assert (first != other).any()


def test_the_latest_rows_of_a_series():
    train = np.arange(30)
    order = nested_order(train, None, is_series=True, rng=rng())
    assert_array_equal(subset(order, Fraction(1, 3), None), np.arange(20, 30))


def test_a_series_with_labels_reaches_back_until_all_are_there():
    y = np.zeros(30, dtype=int)
    y[5] = 1
    order = nested_order(np.arange(30), label_codes(y), is_series=True, rng=rng())
    assert_array_equal(
        subset(order, Fraction(1, 3), label_codes(y)[order]), np.arange(5, 30)
    )


def test_groups_come_one_after_the_other():
    groups = np.tile(np.arange(6), 10)
    order = nested_order(np.arange(60), None, groups=groups, rng=rng())
    changes = np.count_nonzero(np.diff(groups[order]))
    assert changes == 5
    for share in (Fraction(1, 6), Fraction(1, 2)):
        rows = subset(order, share, None)
        assert len(set(groups[rows])) == 6 * share


def test_the_first_groups_show_every_label():
    groups = np.repeat(np.arange(10), 10)
    y = np.zeros(100, dtype=int)
    y[groups == 7] = 1
    y[groups == 3] = 2
    order = nested_order(np.arange(100), label_codes(y), groups=groups, rng=rng())
    assert {3, 7} <= set(groups[order[:30]])
    assert set(y[subset(order, Fraction(3, 10), label_codes(y)[order])]) == {0, 1, 2}


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 2), st.booleans(), st.sampled_from("ab")),
        min_size=1,
        max_size=40,
    ),
    groups=st.none() | st.integers(1, 5),
)
def test_every_label_of_every_column_is_in_every_subset(rows, groups):
    n = len(rows)
    codes = label_codes(np.array(rows, dtype=object))
    assert [len(set(c)) for c in codes.T] == [
        len(set(c)) for c in zip(*rows, strict=True)
    ]
    assert set(codes.ravel()) == set(range(len(set(codes.ravel()))))
    groups = None if groups is None else np.arange(n) % groups
    order = nested_order(np.arange(n), codes, groups=groups, rng=rng())
    assert sorted(order) == list(range(n))
    for share in SHARES:
        of_rows = None if groups is None else groups[order]
        chosen = subset(order, share, codes[order], of_rows)
        assert has_two_of_each(codes[chosen].ravel(), codes.ravel())
    if groups is None:
        n_first = len(subset(order, Fraction(1, 100), codes[order]))
        assert (
            n_first
            == len(first_rows(codes[order]))
            <= 2 * n_rows_with_all_labels(np.array(rows, dtype=object))
        )


def test_labels_of_a_sparse_target():
    y = np.array([[0, 1], [1, 1], [0, 0]])
    assert_array_equal(label_codes(csr_array(y)), label_codes(y))


def test_least_samples_are_enough_for_the_classes():
    y = np.repeat([0, 1, 2], 100)
    assert least_samples(SVC(), y, n_splits=5) == 60
    assert least_samples(SVC(), y, n_splits=20) == 120
    assert least_samples(Ridge(), y, n_splits=5) == 40
    assert least_samples(SVC(), y[:, None], n_splits=5) == 60
    assert least_samples(SVC(), np.c_[y, y > 0], n_splits=5) == 80
    assert smallest_samples(SVC(), y, n_splits=5) == 30
    assert smallest_samples(SVC(), np.c_[y, y > 0], n_splits=5) == 40
    assert smallest_samples(Ridge(), y, n_splits=5) == 10


def test_only_classifications_are_stratified():
    assert stratifies(SVC(), [0, 1, 1])
    assert not stratifies(Ridge(), [0, 1, 1])
    assert stratifies(SVC(), np.array([[0], [1]]))
    assert stratifies(SVC(), np.array([[0, 1], [1, 1]]))
    assert stratifies(SVC(), csr_array([[0, 1], [1, 1]]))
    assert stratifies(SVC(), np.array([[0, 1], [2, 1]]))
    assert not stratifies(SVC(), None)
