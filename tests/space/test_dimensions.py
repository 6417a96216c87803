"""Tests of single dimensions: codecs, their accuracy, closed forms."""

import copy
import math
import pickle
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_tuners._space.coordinates import (
    MARGIN,
)
from sklearn_tuners._space.dimensions import (
    MAX_INTEGERS,
    Interval,
    NotInDomainError,
    Progression,
    Table,
)

units = st.floats(0.0, 1.0)


def encode_decode(dimension, u):
    """Snapped coordinate, and what a round trip through the value makes of it."""
    snapped = float(dimension.snap(np.asarray(u)))
    return snapped, dimension.encode(dimension.decode(snapped))


# Intervals ----------------------------------------------------------------------------

bounds = st.tuples(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9)).map(
    lambda b: (b[0], b[0] + b[1])
)
log_bounds = st.tuples(st.floats(1e-12, 1e6), st.floats(1.01, 1e12)).map(
    lambda b: (b[0], b[0] * b[1])
)
intervals = st.one_of(
    bounds.map(lambda b: Interval(*b, log=False)),
    log_bounds.map(lambda b: Interval(*b, log=True)),
    bounds.map(lambda b: Interval(*b, log=False, is_open=True)),
)


@given(intervals, units)
def test_interval_round_trip_of_coordinates(interval, u):
    snapped, again = encode_decode(interval, u)
    assert again == snapped
    assert abs(snapped - u) <= max(1.1 * MARGIN, 2.0**interval.exponent / 2**44)


@given(intervals, units)
def test_interval_round_trip_of_values(interval, share):
    x = interval.low + share * (interval.high - interval.low)
    x = min(max(x, interval.low), interval.high)
    decoded = interval.decode(interval.encode(x))
    width = interval.high - interval.low
    assert interval.low <= decoded <= interval.high
    # Relative to what a double near the bounds can resolve, and to the margin.
    scale = abs(x) if interval.log else max(abs(x), width)
    assert abs(decoded - x) <= 1e-9 * scale


@pytest.mark.parametrize("log", [False, True])
def test_interval_bounds_are_exact(log):
    interval = Interval(0.1, 0.7, log=log)
    assert interval.decode(0.0) == 0.1
    assert interval.decode(1.0) == 0.7
    assert interval.encode(0.1) == 0.0
    assert interval.encode(0.7) == 1.0


@pytest.mark.parametrize("log", [False, True])
def test_an_open_interval_contains_its_bounds_and_does_not_propose_them(log):
    interval = Interval(0.1, 0.7, log=log, is_open=True)
    assert [interval.decode(interval.encode(x)) for x in (0.1, 0.7)] == [0.1, 0.7]
    low, high = (interval.decode(interval.rounded(u)) for u in (0.0, 1.0))
    assert interval.ppf(0.001) <= low < interval.ppf(0.0015)
    assert interval.ppf(0.9985) < high <= interval.ppf(0.999)


def test_interval_scales():
    assert Interval(0.0, 10.0, log=False).decode(0.25) == 2.5
    assert_allclose(Interval(1e-2, 1e2, log=True).decode(0.25), 0.1)
    assert type(Interval(0.0, 10.0, log=False).decode(0.25)) is float


@pytest.mark.parametrize("value", ["1", None, True, -0.1, 10.1, math.nan, 10**400, [1]])
def test_interval_rejects(value):
    with pytest.raises(NotInDomainError, match=r"accepted is a float from 0 to 10"):
        Interval(0.0, 10.0, log=False).encode(value)


@pytest.mark.parametrize("value", [3, 3.0, np.int64(3), np.float32(3)])
def test_interval_accepts_any_number(value):
    assert_allclose(Interval(0.0, 10.0, log=False).encode(value), 0.3)


# Progressions -------------------------------------------------------------------------


@st.composite
def progressions(draw):
    log = draw(st.booleans())
    small = st.integers(1, 10**6) if log else st.integers(-(10**9), 10**9)
    low = draw(small | st.integers(MAX_INTEGERS, 10**30))
    n = draw(st.integers(2, 20) | st.integers(2, 10**6) | st.integers(2, MAX_INTEGERS))
    step = draw(st.integers(1, 10)) if n < 10**9 else 1
    return Progression(low, step, n, log=log, log_prior=draw(st.booleans()))


@given(progressions(), st.data())
@example(Progression(1, 1, MAX_INTEGERS, log=True), None)
def test_progression_round_trip(progression, data):
    n = progression.n_coded
    k = np.array([0, 1, n // 3, n // 2, n - 2, n - 1])
    if data is not None:
        k = np.append(k, data.draw(st.integers(0, n - 1)))
    for value in (progression.value(int(i)) for i in k):
        assert progression.decode(progression.encode(value)) == value
    assert_array_equal(progression.level(progression._position(k)), k)


@given(progressions(), units)
def test_progression_snap(progression, u):
    snapped, again = encode_decode(progression, u)
    assert again == snapped
    for draw in (progression.snap, progression.quantile):
        assert progression.snap(draw(np.asarray(u))) == draw(np.asarray(u))


@pytest.mark.parametrize(("low", "step"), [(2**40, 1), (2**40 + 7, 2**41), (10**18, 3)])
def test_large_values_on_a_log_scale_are_spaced_as_their_logarithms(low, step):
    n = 10_001
    progression = Progression(low, step, n, log=True, log_prior=True)
    edge = max(Decimal(low) - Decimal(step) / 2, Decimal(low) / 2)
    end = low + (n - 1) * step + Decimal(step) / 2
    for k in (0, 1, 5, n // 2, n - 1):
        value = low + k * step
        assert progression.value(k) == value
        expected = (value / edge).ln() / (end / edge).ln()
        assert progression.encode(value) == pytest.approx(float(expected), rel=1e-9)


def test_progression_shares():
    q = (np.arange(1200) + 0.5) / 1200
    linear = Progression(3, 1, 4)
    assert_array_equal(
        np.unique(linear.level(linear.quantile(q)), return_counts=True)[1], [300] * 4
    )
    # Uniform over the values, though spaced by the logarithm.
    spaced = Progression(1, 1, 4, log=True)
    assert_array_equal(
        np.unique(spaced.level(spaced.quantile(q)), return_counts=True)[1], [300] * 4
    )
    # Log-uniform: the share of k is log((k + 1/2) / (k - 1/2)).
    prior = Progression(1, 1, 4, log=True, log_prior=True)
    edges = np.log(np.arange(0.5, 5))
    shares = np.diff(edges) / (edges[-1] - edges[0])
    counts = np.unique(prior.level(prior.quantile(q)), return_counts=True)[1]
    assert_allclose(counts / 1200, shares, atol=1e-3)


def test_progression_of_decimals_has_no_accumulated_error():
    tenths = Progression(Decimal("0"), Decimal("0.1"), 11)
    assert list(tenths.levels()) == [
        0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0,
    ]  # fmt: skip
    assert tenths.decode(tenths.encode(3 * 0.1)) == 0.3
    with pytest.raises(NotInDomainError, match=r"a float from 0 to 1.0 in steps of"):
        tenths.encode(0.31)


@pytest.mark.parametrize("value", [0, 22, 4, 7.5, "3", None, True, math.nan, 10**400])
def test_progression_rejects(value):
    with pytest.raises(NotInDomainError, match="an integer from 1 to 21 in steps of 2"):
        Progression(1, 2, 11).encode(value)


@pytest.mark.parametrize("value", [3, 3.0, np.int8(3), np.float64(3)])
def test_progression_accepts_whole_numbers(value):
    progression = Progression(1, 2, 11)
    decoded = progression.decode(progression.encode(value))
    assert decoded == 3
    assert type(decoded) is int


def test_progression_levels():
    assert list(Progression(1, 2, 3).levels()) == [1, 3, 5]
    assert list(Progression(1, 2, 3, descending=True).levels()) == [5, 3, 1]


@pytest.mark.parametrize("n", [MAX_INTEGERS + 1, 2**45 - 1, 2**53 + 1, 2**62, 10**30])
@pytest.mark.parametrize(("low", "step"), [(0, 1), (-7, 3)])
def test_neighbours_of_a_long_progression_share_coordinates(n, low, step):
    progression = Progression(low, step, n)
    last = low + (n - 1) * step
    for u in np.append(np.random.default_rng(0).random(200), [0.0, 1.0]):
        snapped, again = encode_decode(progression, u)
        assert again == snapped
        value = progression.decode(snapped)
        assert type(value) is int
        assert low <= value <= last
        assert (value - low) % step == 0
    assert progression.size == n
    assert progression.n_levels <= MAX_INTEGERS
    for value in (low, low + step * (n // 3), last):
        assert abs(progression.decode(progression.encode(value)) - value) <= (
            step * (n / MAX_INTEGERS + 1)
        )
    for value in (low - step, last + step):
        with pytest.raises(NotInDomainError, match=f"an integer from {low} to {last}"):
            progression.encode(value)
    assert next(progression.levels()) == low


def test_progression_that_is_too_long_for_a_log_scale():
    with pytest.raises(ValueError, match=r"at most 2\*\*40 on a log scale"):
        Progression(1, 1, MAX_INTEGERS + 1, log=True)


# Tables -------------------------------------------------------------------------------


def table(n, **kwargs):
    return Table(list(range(n)), np.arange(n) / (n - 1), np.ones(n), **kwargs)


def test_neighbours_of_an_ordinal_are_the_nearest():
    u = table(11).neighbours(0.2, 5)
    assert_allclose(sorted(u), [0.0, 0.1, 0.3, 0.4, 0.5])
    assert set(np.round(u[:2], 9)) == {0.1, 0.3}
    assert_allclose(table(11).neighbours(1.0, 3), [0.9, 0.8, 0.7])
    assert_allclose(sorted(table(3).neighbours(0.5, 16)), [0, 1])


def test_neighbours_of_a_categorical_are_all_others():
    categorical = table(11, is_categorical=True)
    assert_allclose(
        sorted(categorical.neighbours(0.2, 16)), np.delete(np.arange(11), 2) / 10
    )
    assert_allclose(categorical.neighbours(1.0, 3), [0.0, 0.1, 0.2])


def test_table_prefers_identity_then_type():
    one, true, real = 1, True, 1.0
    mixed = Table([one, true, real], np.array([0.0, 0.5, 1.0]), np.ones(3))
    assert [mixed.encode(v) for v in (1, True, 1.0)] == [0.0, 0.5, 1.0]
    with pytest.raises(NotInDomainError, match="may be any of"):
        mixed.encode(np.float64(1))


def test_table_rejects():
    with pytest.raises(
        NotInDomainError, match=r"got 5, accepted is one of \[0, 1, 2\]"
    ):
        table(3).encode(5)


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


@pytest.mark.parametrize(
    "make",
    [
        lambda i: Counted(i),
        lambda i: [Counted(i)],
        lambda i: {"a": [Counted(i)]},
    ],
)
def test_a_value_is_found_among_many_by_few_comparisons(make):
    n = 2000
    values = [make(i) for i in range(n)]
    many = Table(values, np.arange(n) / (n - 1), np.ones(n), is_categorical=True)
    for table in (many, pickle.loads(pickle.dumps(many)), copy.deepcopy(many)):
        table.encode(table.values[0])
        Counted.n_compared = 0
        for k in range(n):
            assert table.encode(make(k)) == table.encode(table.values[k]) == k / (n - 1)
        assert Counted.n_compared <= 3 * n


def test_a_value_that_changed_is_still_found():
    lists = [[0], [1], [2]]
    table = Table(lists, np.array([0.0, 0.5, 1.0]), np.ones(3), is_categorical=True)
    assert table.encode([1]) == 0.5
    lists[1].append(9)
    assert table.encode(lists[1]) == table.encode([1, 9]) == 0.5
    with pytest.raises(NotInDomainError):
        table.encode([1])


def test_infinite_table_has_no_levels():
    with pytest.raises(TypeError, match="cannot be enumerated"):
        table(3, size=math.inf).levels()
