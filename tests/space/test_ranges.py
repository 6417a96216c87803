"""Tests of ranges in every dialect."""

import math

import numpy as np
import pytest

from sklearn_tuners._space.dialects import parse_dimension
from sklearn_tuners._space.dimensions import Interval, Progression


# Look-alikes of the dimensions of other packages, by class names and attributes.
class Real:
    def __init__(self, low, high, prior="uniform", base=10):
        self.low, self.high, self.prior, self.base = low, high, prior, base

    def rvs(self, n_samples=1, random_state=None):
        raise AssertionError("a dimension is not drawn from")


class Integer(Real):
    pass


class FloatDistribution:
    def __init__(self, low, high, log=False, step=None):
        self.low, self.high, self.log, self.step = low, high, log, step


class IntDistribution:
    def __init__(self, low, high, log=False, step=1):
        self.low, self.high, self.log, self.step = low, high, log, step


class IntUniformDistribution(IntDistribution):
    """Optuna's deprecated classes derive from the present ones."""


class UnnamedRange:
    """Neither package's class name: the type of the bounds tells."""

    def __init__(self, low, high):
        self.low, self.high, self.prior = low, high, "uniform"


def levels_of(value, **kwargs):
    return list(parse_dimension("a", value, **kwargs).levels())


def test_long_ranges_are_not_materialised():
    dimension = parse_dimension("a", range(0, 10**12, 5))
    assert dimension.size == 2 * 10**11
    assert dimension.decode(dimension.encode(123_456_785)) == 123_456_785
    assert not dimension.log
    assert parse_dimension("a", range(1, 10**12)).log
    backwards = parse_dimension("a", range(10**6, 0, -1))
    assert next(backwards.levels()) == 10**6


@pytest.mark.parametrize("values", [range(2**45), range(1, 2**45, 3)], ids=str)
def test_very_long_ranges(values):
    dimension = parse_dimension("a", values)
    assert dimension.size == len(values)
    for u in dimension.quantile(np.linspace(0, 1, 50)).tolist():
        assert dimension.decode(u) in values
        assert dimension.encode(dimension.decode(u)) == u


@pytest.mark.parametrize(
    ("value", "low", "high", "log"),
    [
        ((1, 10), 1, 10, False),
        ((np.int64(1), 10), 1, 10, False),
        ((-3, 3, "uniform"), -3, 3, False),
        ((1, 1000, "log-uniform"), 1, 1000, True),
        ((1, 1000, "log-uniform", 2), 1, 1000, True),
        (Integer(1, 10), 1, 10, False),
        (Integer(1, 10, "log-uniform"), 1, 10, True),
        (IntDistribution(1, 10), 1, 10, False),
        (IntDistribution(1, 10, log=True), 1, 10, True),
        (IntUniformDistribution(1, 10), 1, 10, False),
        (UnnamedRange(1, 10), 1, 10, False),
    ],
)
def test_integer_ranges(value, low, high, log):
    dimension = parse_dimension("a", value)
    assert isinstance(dimension, Progression)
    assert dimension.log is log
    values = list(dimension.levels())
    assert values == list(range(low, high + 1))
    assert all(type(v) is int for v in values)


@pytest.mark.parametrize(
    ("value", "low", "high", "log"),
    [
        ((0.0, 10), 0, 10, False),
        ((1, 10.0), 1, 10, False),
        ((np.float32(0.5), 10), 0.5, 10, False),
        ((1e-3, 1e3, "log-uniform"), 1e-3, 1e3, True),
        ((1e-3, 1e3, "log-uniform", 10), 1e-3, 1e3, True),
        (Real(1, 10), 1, 10, False),
        (Real(1, 10, "log-uniform"), 1, 10, True),
        (FloatDistribution(0, 1), 0, 1, False),
        (FloatDistribution(0.1, 1, log=True), 0.1, 1, True),
        (UnnamedRange(1, 10.0), 1, 10, False),
    ],
)
def test_float_ranges(value, low, high, log):
    dimension = parse_dimension("a", value)
    assert isinstance(dimension, Interval)
    assert (dimension.low, dimension.high, dimension.log) == (low, high, log)
    # Both bounds are included.
    assert [dimension.decode(u) for u in (0.0, 1.0)] == [low, high]
    assert type(dimension.decode(0.0)) is float


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ((10**18, 10**18 + 5), 10**18, 10**18 + 5),
        ((10**18, 10**18 + 5, "log-uniform"), 10**18, 10**18 + 5),
        ((-(10**18) - 5, -(10**18)), -(10**18) - 5, -(10**18)),
        ((2 * 10**10, 2 * 10**10 + 1), 2 * 10**10, 2 * 10**10 + 1),
        ((10**30, 10**30 + 3), 10**30, 10**30 + 3),
        ((np.int64(2**62), np.int64(2**62 + 9)), 2**62, 2**62 + 9),
        ((np.uint64(2**63), np.uint64(2**63 + 9)), 2**63, 2**63 + 9),
        ((np.int8(-100), np.int8(100)), -100, 100),
        (Integer(10**12, 10**12 + 9), 10**12, 10**12 + 9),
        (Integer(10**15, 10**15 + 9, "log-uniform"), 10**15, 10**15 + 9),
        (IntDistribution(10**12, 10**12 + 9), 10**12, 10**12 + 9),
        (IntDistribution(10**17, 10**17 + 9, log=True), 10**17, 10**17 + 9),
    ],
)
def test_large_integers_are_exact(value, low, high):
    dimension = parse_dimension("a", value)
    values = list(range(low, high + 1))
    assert list(dimension.levels()) == values
    assert [dimension.decode(dimension.encode(v)) for v in values] == values
    drawn = dimension.quantile(np.linspace(0, 1, 1000)).tolist()
    assert {dimension.decode(u) for u in drawn} == set(values)


def test_steps_of_large_integers_are_exact():
    value = IntDistribution(10**18, 10**18 + 10, step=5)
    assert levels_of(value) == [10**18, 10**18 + 5, 10**18 + 10]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (IntDistribution(1, 10, step=3), [1, 4, 7, 10]),
        (IntDistribution(1, 9, step=3), [1, 4, 7]),
        (IntDistribution(1, 3, step=3), [1]),
        (FloatDistribution(0, 1, step=0.25), [0, 0.25, 0.5, 0.75, 1]),
        (FloatDistribution(0.1, 0.7, step=0.2), [0.1, 0.3, 0.5, 0.7]),
        (FloatDistribution(-0.3, 0, step=0.1), [-0.3, -0.2, -0.1, 0]),
        (IntDistribution(5, 5), [5]),
        (FloatDistribution(0.5, 0.5), [0.5]),
    ],
)
def test_stepped_ranges(value, expected):
    assert levels_of(value) == expected


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ((3, 1), ValueError, "low must be less than high, got low=3, high=1"),
        ((1, 1), ValueError, "low must be less than high, got low=1, high=1"),
        ((1e9, 1e9 + 1e-6), ValueError, "low must be less than high"),
        ((10**18, 10**18), ValueError, "low must be less than high"),
        ((10**18 + 1, 10**18), ValueError, "low must be less than high"),
        ((1e18, 10**18 + 5), ValueError, "low must be less than high"),
        (Real(10**18, 10**18 + 5), ValueError, "low must be less than high"),
        (Real(3, 1), ValueError, "low must be less than high, got low=3, high=1"),
        (IntDistribution(3, 1), ValueError, "low must be less than high"),
        (FloatDistribution(3, 1, step=0.5), ValueError, "low must be less than high"),
        ((0, 1, "log-uniform"), ValueError, "a log scale needs low > 0, got low=0"),
        ((-1.0, 1, "log-uniform"), ValueError, "needs low > 0, got low=-1.0"),
        (FloatDistribution(0, 1, log=True), ValueError, "needs low > 0, got low=0"),
        ((math.nan, 1), ValueError, "low and high must be finite, got low=nan, high=1"),
        ((0, math.inf), ValueError, "low and high must be finite, got low=0, high=inf"),
        ((0, 10**400), ValueError, "low and high must be finite"),
        ((-1e308, 1e308), ValueError, "low and high must be finite"),
        (FloatDistribution(math.inf, math.inf), ValueError, "must be finite"),
        ((1, 10, "loguniform"), ValueError, "unknown prior 'loguniform', accepted are"),
        ((1, 10, "log_uniform", 2), ValueError, "unknown prior 'log_uniform'"),
        ((1, 10, "log"), ValueError, "unknown prior 'log', accepted are"),
        ((1, 2, "uniforn"), ValueError, "a list of values is written as a list"),
        (Real(1, 2, "normal"), ValueError, "unknown prior 'normal'"),
        ((1, 2**41, "log-uniform"), ValueError, r"at most 2\*\*40 on a log scale"),
        (FloatDistribution(0, 1, step=-0.1), ValueError, "step must be a positive"),
        (FloatDistribution(0, 1, step=math.nan), ValueError, "step must be a positive"),
        (
            FloatDistribution(0.1, 1, log=True, step=0.1),
            ValueError,
            "a log scale has no step, got log=True, step=0.1",
        ),
    ],
    ids=lambda value: repr(value)[:40] if not isinstance(value, type) else "",
)
def test_errors(value, error, message):
    with pytest.raises(error, match=message) as caught:
        parse_dimension("a", value)
    assert "'a'" in str(caught.value)
