"""Tests of lists of values and of choices."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.svm import SVC

from sklearn_tuners._space.dialects import parse_dimension
from sklearn_tuners._space.dimensions import Table


class Categorical:
    def __init__(self, categories, prior=None):
        self.categories, self.prior = categories, prior

    def rvs(self, n_samples=1, random_state=None):
        raise AssertionError("a dimension is not drawn from")


class CategoricalDistribution:
    def __init__(self, choices):
        self.choices = choices


def levels_of(value, **kwargs):
    return list(parse_dimension("a", value, **kwargs).levels())


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 3],
        ["a", None, 3, (1, 2)],
        (1, 2, 3),
        ("a", "b"),
        (True, False),
        (1, "sqrt"),
        (1, 2, None),
        (1, 2, 3, 4),
        (0.5, 1.0, "sqrt"),
        (1, 2, "log2", 10),
        (1, 2, "uniform", 1),
        (1, 2, "uniform", 2.0),
        (1, 2, "uniform", None),
        (None, 1),
        range(5),
        range(5, 0, -2),
        [[1], {"a": 1}, SVC()],
        [5, 1, 3, 1],
    ],
    ids=str,
)
def test_lists_of_values(values):
    own = list(values)
    assert all(a is b for a, b in zip(levels_of(values), own, strict=True))


@pytest.mark.parametrize("value", [(1, 2), (1, 2, "uniform"), (0.1, 1)])
def test_tuples_of_a_grid_are_lists(value):
    assert levels_of(value, tuples_as_ranges=False) == list(value)


@pytest.mark.parametrize(
    "array",
    [np.array([3, 1, 2]), np.logspace(-2, 2, 5), np.array(["a", "b"]), np.arange(2)],
    ids=str,
)
def test_arrays_give_what_iterating_them_gives(array):
    dimension = parse_dimension("a", array)
    expected = list(array)
    for value, own in zip(dimension.levels(), expected, strict=True):
        assert value == own
        assert type(value) is type(own)
        assert type(dimension.decode(dimension.encode(value))) is type(own)


@pytest.mark.parametrize(
    ("values", "positions"),
    [
        # linear: less than two decades
        ([0, 1, 2], [0, 0.5, 1]),
        ([1, 2, 5], [0, 0.25, 1]),
        ([-1, 0.5, 1], [0, 0.75, 1]),
        ([10, 20, 50, 110], [0, 0.1, 0.4, 1]),
        ([1, 2, 5, 11, 51], [0, 0.02, 0.08, 0.2, 1]),
        # logarithmic: two decades and more
        ([1, 10, 100], [0, 0.5, 1]),
        ([0.001, 1, 1000], [0, 0.5, 1]),
        ([1e-300, 1e300, 1], [0, 1, 0.5]),
        # in any order
        ([100, 1, 10], [1, 0, 0.5]),
        # ranks: crowded otherwise
        ([0, 0.001, 0.01, 0.1, 1], [0, 0.25, 0.5, 0.75, 1]),
        ([0, 1, 10, 100, 1000], [0, 0.25, 0.5, 0.75, 1]),
        ([0, 1, 1.001, 50], [0, 1 / 3, 2 / 3, 1]),
        ([-1e308, 0, 1e308], [0, 0.5, 1]),
        (np.array([1.0, 2.0, 3.0], dtype=np.float32), [0, 0.5, 1]),
        # ranks: integers that doubles do not tell apart
        ([10**18, 10**18 + 2, 10**18 + 1], [0, 1, 0.5]),
        (range(10**18, 10**18 + 3), [0, 0.5, 1]),
        ([1, 10**18, 10**18 + 1], [0, 0.5, 1]),
    ],
    ids=str,
)
def test_numeric_lists_are_ordinal(values, positions):
    dimension = parse_dimension("a", values)
    assert not dimension.is_categorical
    assert_allclose([dimension.encode(v) for v in values], positions, atol=1e-9)


@pytest.mark.parametrize(
    "values",
    [
        [1, 2],
        [True, False],
        [None, 3, 10],
        ["a", "b", "c"],
        [1, 1.0, 2, 3],
        [10**18, np.int64(10**18), 1],
        [10**18, 10**18 + 1, 2.5],
        [0, 1, True],
        [0.0, 1.0, math.inf],
        [0.0, 1.0, math.nan],
        [1, 2, 10**400],
        [1, 2, 1, 2],
    ],
    ids=str,
)
def test_other_lists_are_categorical(values):
    dimension = parse_dimension("a", values)
    assert dimension.is_categorical
    for value in values:
        assert dimension.decode(dimension.encode(value)) is value


def test_numbers_of_a_list_are_equally_likely_whatever_their_scale():
    dimension = parse_dimension("a", [1, 10, 100, 1000])
    u = dimension.quantile((np.arange(100) + 0.5) / 100)
    assert np.unique(u, return_counts=True)[1].tolist() == [25] * 4


@pytest.mark.parametrize("kind", [Categorical, CategoricalDistribution])
def test_choices_are_lists(kind):
    svc = SVC()
    assert levels_of(kind(("a", None, svc))) == ["a", None, svc]
    assert not parse_dimension("a", kind((1, 10, 100))).is_categorical


def test_probabilities_of_categories():
    dimension = parse_dimension("a", Categorical(("a", "b", "c"), [0.2, 0.0, 0.8]))
    u = dimension.quantile((np.arange(100) + 0.5) / 100).tolist()
    drawn = [dimension.decode(v) for v in u]
    assert (drawn.count("a"), drawn.count("c")) == (20, 80)
    assert dimension.size == 2


def test_long_lists_are_described_by_their_beginning():
    table = parse_dimension("a", ["x"] * 100)
    assert isinstance(table, Table)
    assert table.describe() == "one of ['x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', ...]"


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (CategoricalDistribution(()), ValueError, r"at least one choice, got \(\)"),
        (Categorical((1, 2), [1]), ValueError, r"the prior of 2 categories.*got \[1\]"),
        (Categorical((1, 2), [0, 0]), ValueError, "not all of them zero"),
        (Categorical((1, 2), [-1, 2]), ValueError, "non-negative"),
    ],
    ids=lambda value: repr(value)[:40] if not isinstance(value, type) else "",
)
def test_errors(value, error, message):
    with pytest.raises(error, match=message) as caught:
        parse_dimension("a", value)
    assert "'a'" in str(caught.value)
