"""Tests of the equality of values."""

import math
from collections import OrderedDict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.gaussian_process.kernels import RBF
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_tuners._space.values import (
    clip_integer,
    distinct,
    equivalent,
    key_of,
    same_value,
    shortened,
    to_float,
)


class Rude:
    """Compares with nothing."""

    __hash__ = None

    def __repr__(self):  # without an address, as it is part of the test's name
        return "Rude()"

    def __eq__(self, other):
        raise RuntimeError("do not compare me")


SVC_1 = SVC()
ARRAY = np.array([1, 2])
NAN = float("nan")

SAME = [
    (1, 1),
    (None, None),
    ("a", "a"),
    ((1, None), (1, None)),
    ([1, [2]], [1, [2]]),
    ({"a": 1, "b": [2]}, {"b": [2], "a": 1}),
    (np.float64(1), np.float64(1)),
    (ARRAY, ARRAY),
    ([ARRAY], [ARRAY]),
    (NAN, NAN),
    ((NAN,), (NAN,)),
    (SVC_1, SVC_1),
    (RBF(2.0), RBF(2.0)),
    (min, min),
    (SVC, SVC),
]
EQUIVALENT = [
    (1, 1.0),
    (1, np.int64(1)),
    (1.0, np.float64(1)),
    (True, np.bool_(True)),
    ("a", np.str_("a")),
    (NAN, float("nan")),
    (NAN, np.float64("nan")),
    (ARRAY, ARRAY.copy()),
    (SVC_1, SVC()),
    (make_pipeline(StandardScaler(), SVC()), make_pipeline(StandardScaler(), SVC())),
    ((1, 2), (1.0, 2)),
    ({"a": 1}, {"a": 1.0}),
    ({"a": ARRAY}, {"a": ARRAY.copy()}),
]
DIFFERENT = [
    (1, True),
    (1.0, True),
    (0, False),
    (0, None),
    (1, "1"),
    (1, 2),
    ((1, 2), [1, 2]),
    ((1, 2), (1, 2, 3)),
    ((1,), (True,)),
    ({"a": 1}, {"b": 1}),
    ({"a": 1}, {"a": 1, "b": 2}),
    (ARRAY, np.array([1, 3])),
    (ARRAY, ARRAY.astype(float)),
    (SVC_1, SVC(C=2)),
    (SVC, SVC_1),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]})),
    (Rude(), Rude()),
    (min, max),
]


@pytest.mark.parametrize(("a", "b"), SAME, ids=repr)
def test_same(a, b):
    assert same_value(a, b)
    assert equivalent(a, b)


@pytest.mark.parametrize(("a", "b"), EQUIVALENT, ids=repr)
def test_equivalent_is_wider(a, b):
    assert not same_value(a, b)
    assert not same_value(b, a)
    assert equivalent(a, b)
    assert equivalent(b, a)


@pytest.mark.parametrize(("a", "b"), DIFFERENT, ids=repr)
def test_different(a, b):
    assert not same_value(a, b)
    assert not equivalent(a, b)
    assert not equivalent(b, a)


objects = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats() | st.text(max_size=1),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.lists(inner, max_size=2).map(tuple)
        | st.dictionaries(st.text(max_size=1), inner, max_size=2)
    ),
    max_leaves=4,
)


def test_nans_are_one_value():
    levels, level_of = distinct([NAN, 1.0, np.float64(NAN), float("nan"), 1.0])
    assert levels[0] is NAN
    assert level_of.tolist() == [0, 1, 2, 0, 1]
    assert len(distinct(list(np.array([NAN, NAN, 1.0])))[0]) == 2


def test_arrays_are_not_compared_with_one_another():
    arrays = [np.arange(3) + i for i in range(20_000)]
    assert len(distinct(arrays)[0]) == len(arrays)
    assert distinct([ARRAY, ARRAY.copy(), ARRAY])[1].tolist() == [0, 1, 0]
    assert distinct([np.array(1), np.array(1)])[1].tolist() == [0, 0]


@given(st.lists(objects, max_size=8))
def test_distinct_finds_first_occurrences(values):
    def is_same(a, b):
        are_nan = all(isinstance(x, float) and math.isnan(x) for x in (a, b))
        return are_nan or same_value(a, b)

    levels, level_of = distinct(values)
    expected = []
    for value in values:
        if not any(is_same(level, value) for level in expected):
            expected.append(value)
    assert len(levels) == len(expected)
    assert all(a is b for a, b in zip(levels, expected, strict=True))
    for value, k in zip(values, level_of, strict=True):
        assert is_same(levels[k], value)


@given(objects, objects)
def test_the_same_have_one_key(a, b):
    if same_value(a, b):
        assert key_of(a) == key_of(b)


@pytest.mark.parametrize(("a", "b"), SAME)
def test_pairs_of_the_same_have_one_key(a, b):
    assert key_of(a) == key_of(b)


class Counted:
    """Counts how often any of them is compared."""

    n_compared = 0

    def __init__(self, i):
        self.i = i

    def __eq__(self, other):
        Counted.n_compared += 1
        return self.i == other.i

    def __hash__(self):
        return hash(self.i)


class Unhashable(Counted):
    __hash__ = None


@pytest.mark.parametrize(
    "make",
    [
        lambda i: [Counted(i)],
        lambda i: {"a": Counted(i)},
        lambda i: {"a": [Counted(i), 0]},
        lambda i: ({"a": {"b": [Counted(i)]}}, 0),
        lambda i: [[], [(Counted(i), [])]],
        lambda i: {Counted(i)},
        lambda i: [Counted(i), np.zeros(3)],
        lambda i: OrderedDict(a=Counted(i)),
    ],
)
def test_distinct_compares_as_often_as_there_are_values(make):
    values = [make(i) for i in range(2000)]
    Counted.n_compared = 0
    levels, _ = distinct([*values, *values])
    assert Counted.n_compared <= 4000
    assert all(a is b for a, b in zip(levels, values, strict=True))


def test_distinct_is_linear_in_objects_without_a_hash():
    values = [Unhashable(i) for i in range(2000)]
    Counted.n_compared = 0
    levels, level_of = distinct([*values, Unhashable(7)])
    assert Counted.n_compared <= 110 * len(values)
    assert len(levels) == 2000
    assert level_of[-1] == 7


def test_distinct_is_linear_in_numbers():
    levels, level_of = distinct([*range(100_000), *range(100_000)])
    assert len(levels) == 100_000
    assert level_of[100_007] == 7


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, 3.0),
        (np.float32(0.5), 0.5),
        (True, math.nan),
        (np.bool_(True), math.nan),
        ("3", math.nan),
        (None, math.nan),
        (10**400, math.nan),
        (math.inf, math.inf),
    ],
)
def test_to_float(value, expected):
    assert to_float(value) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, 3),
        (3.0, 3),
        (np.int64(3), 3),
        (99, 19),
        (10, 10),
        (9, 10),
        (4, None),
        (10.5, None),
        (True, None),
        ("10", None),
        (math.nan, None),
        (math.inf, None),
    ],
)
def test_clip_integer(value, expected):
    # 10 to 19 have a coordinate; the support is 5 and more, 3 for the first rows.
    low = 3 if expected == 3 else 5
    clipped = clip_integer(value, (low, math.inf), range(low if low == 3 else 10, 20))
    assert clipped == expected
    assert type(clipped) in (int, type(None))


def test_shortened():
    assert shortened(range(3)) == "[0, 1, 2]"
    assert shortened(range(10**9)) == "[0, 1, 2, 3, 4, 5, 6, 7, ...]"
    assert len(shortened(["x" * 1000] * 10)) < 900
