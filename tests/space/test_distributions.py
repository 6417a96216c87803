"""Tests of dimensions of distributions and of objects that can only draw."""

import copy
import math
import pickle
import statistics

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from sklearn_tuners._space.dimensions import Interval, Table
from sklearn_tuners._space.distributions import (
    ContinuousDistribution,
    parse_distribution,
)
from sklearn_tuners._space.drawn import DrawnNumbers

# Quantiles from tail to tail.
Q = np.concatenate([[1e-6, 1e-3], np.linspace(0.01, 0.99, 50), [1 - 1e-3, 1 - 1e-6]])


def decoded(dimension, q):
    return [dimension.decode(u) for u in dimension.quantile(np.asarray(q)).tolist()]


def identity(dist):
    return f"{dist.dist.name}{dist.args}{dist.kwds or ''}"


# Continuous ---------------------------------------------------------------------------

CONTINUOUS = [
    stats.norm(),
    stats.norm(3, scale=2),
    stats.expon(scale=100),
    stats.lognorm(2),
    stats.gamma(2, scale=1e-3),
    stats.gamma(0.3),
    stats.beta(2, 5),
    stats.beta(0.5, 0.5),
    stats.halfnorm(),
    stats.truncnorm(-1, 2),
    stats.triang(0.3),
    stats.t(3),
    stats.loguniform(1, 10, loc=5),
    stats.powerlaw(3),
    stats.weibull_min(1.5),
    stats.norm(1e6, 1e-3),
]


@pytest.mark.parametrize("dist", CONTINUOUS, ids=identity)
def test_continuous_quantiles_are_the_distributions(dist):
    dimension = parse_distribution(dist, 0)
    assert isinstance(dimension, ContinuousDistribution)
    assert math.isinf(dimension.size)
    assert math.isinf(dimension.n_levels)
    x = decoded(dimension, Q)
    assert all(type(v) is float for v in x)
    # What rounding the coordinate costs, at most 4e-6 where doubles are that coarse.
    step = max(2.0**dimension.exponent, 1) * 2.0**-44
    inside = np.clip(Q, dimension.lowest, dimension.highest)
    assert_allclose(dist.cdf(x), inside, rtol=1e-9, atol=2 * step)


@pytest.mark.parametrize("dist", CONTINUOUS, ids=identity)
def test_continuous_round_trips_are_exact(dist):
    dimension = parse_distribution(dist, 0)
    rng = np.random.default_rng(0)
    tail = 2.0 ** -rng.uniform(0, 45, 100)
    for u in dimension.snap(np.concatenate([tail, 1 - tail, [0.0, 1.0]])).tolist():
        x = dimension.decode(u)
        assert math.isfinite(x)
        assert dimension.encode(x) == u


@pytest.mark.parametrize("dist", CONTINUOUS[:-1], ids=identity)
def test_continuous_values_come_back(dist):
    dimension = parse_distribution(dist, 0)
    for x in dist.rvs(size=50, random_state=0).tolist():
        if dimension.lowest < dist.cdf(x) < dimension.highest:
            assert dimension.decode(dimension.encode(x)) == pytest.approx(x, rel=1e-9)


def test_ends_of_the_support():
    dimension = parse_distribution(stats.expon(), 0)
    assert 0 < dimension.decode(float(dimension.snap(np.zeros(())))) < 1e-11
    assert 27 < dimension.decode(float(dimension.snap(np.ones(())))) < 28
    # Values in the tails that are cut off are inside all the same.
    assert dimension.encode(0.0) == float(dimension.snap(np.zeros(())))
    assert dimension.encode(1e9) == float(dimension.snap(np.ones(())))
    with pytest.raises(ValueError, match=r"a float from 0 to inf \(expon\(\)\)"):
        dimension.encode(-1.0)


@pytest.mark.parametrize(
    ("dist", "low", "high", "log"),
    [
        (stats.uniform(2, 3), 2, 5, False),
        (stats.uniform(), 0, 1, False),
        (stats.loguniform(1e-4, 10), 1e-4, 10, True),
        (stats.reciprocal(1e-4, 10), 1e-4, 10, True),
        (stats.loguniform(1, 10, scale=3), 3, 30, True),
        (stats.beta(1, 1), 0, 1, False),
    ],
)
def test_closed_forms(dist, low, high, log):
    interval = parse_distribution(dist, 0)
    assert isinstance(interval, Interval)
    assert_allclose((interval.low, interval.high), (low, high))
    assert interval.log is log
    assert_allclose(decoded(interval, Q), dist.ppf(Q), rtol=1e-9)


class Bell(stats.rv_continuous):
    """Only a density: quantiles and draws take an integration for each step."""

    def _pdf(self, x):
        return 0.75 * (1 - x**2)


# What scipy has no quantiles for in reasonable time, or at all.
DRAWN = [
    stats.zipf(2.0),
    stats.zipf(1.5),
    stats.geom(1e-13),
    stats.betabinom(200_000, 2, 3),
    stats.betanbinom(10**6, 50, 50),
    stats.levy_stable(1.5, 0),
    stats.norminvgauss(1.25, 0.5),
    Bell(a=-1, b=1, name="bell")(),
    stats.beta(0.1, 0.1),
    stats.chi2(0.01),
    stats.poisson(3, loc=0.5),
]


@pytest.mark.parametrize("dist", DRAWN, ids=identity)
def test_draws_where_quantiles_do_not_work(dist):
    dimension = parse_distribution(dist, 0)
    assert isinstance(dimension, DrawnNumbers)
    assert dist.rvs(random_state=np.random.RandomState(0)) in dimension.values
    u = dimension.quantile(np.random.default_rng(0).random(100))
    assert_array_equal(dimension.snap(u), u)
    assert [dimension.encode(dimension.decode(v)) for v in u.tolist()] == u.tolist()


def test_draws_keep_to_the_support():
    dimension = parse_distribution(stats.beta(0.1, 0.1), 0)
    with pytest.raises(ValueError, match=r"a number from 0 to 1 \(drawn by beta"):
        dimension.encode(1.5)


@pytest.mark.parametrize("dist", [stats.zipf(2.0), stats.zipf(1.5)], ids=identity)
def test_tails_too_heavy_to_sum_are_drawn(dist):
    dimension = parse_distribution(dist, 0)
    assert isinstance(dimension, Table)
    assert math.isinf(dimension.n_levels)
    assert decoded(dimension, [0.5]) == [pytest.approx(dist.median(), abs=1)]


# Look-alikes --------------------------------------------------------------------------


class Normal:
    """Scalars only, no support, as one would write it with the standard library."""

    def __init__(self, mean):
        self.mean = mean
        self.normal = statistics.NormalDist(mean)

    def __repr__(self):
        return f"Normal({self.mean})"

    def rvs(self, random_state=None):
        return random_state.normal(self.mean)

    def ppf(self, q):
        return self.normal.inv_cdf(q)

    def cdf(self, x):
        return self.normal.cdf(x)


class Dice:
    """Integers without a pmf."""

    def rvs(self, random_state=None):
        return random_state.randint(1, 7)

    def ppf(self, q):
        return np.maximum(np.ceil(6 * np.asarray(q)), 1).astype(int)

    def cdf(self, x):
        return np.clip(np.floor(x), 0, 6) / 6


class ZeroInflated:
    """Half of the draws are zero, so the cdf has a jump."""

    def rvs(self, random_state=None):
        return max(0.0, random_state.uniform(-1, 1))

    def ppf(self, q):
        return np.maximum(0.0, 2 * np.asarray(q) - 1)

    def cdf(self, x):
        return (np.asarray(x) + 1) / 2 * (np.asarray(x) >= 0)


def test_look_alike_of_scalars():
    dimension = parse_distribution(Normal(3), 0)
    assert isinstance(dimension, ContinuousDistribution)
    assert (dimension.low, dimension.high) == (-math.inf, math.inf)
    assert dimension.decode(0.5) == 3.0
    assert_allclose(decoded(dimension, Q), stats.norm(3).ppf(Q), rtol=1e-9, atol=1e-9)
    for again in (pickle.loads(pickle.dumps(dimension)), copy.deepcopy(dimension)):
        assert again.decode(0.25) == dimension.decode(0.25)
    assert "Normal(3)" in dimension.describe()


def test_look_alike_of_integers():
    dimension = parse_distribution(Dice(), 0)
    assert list(dimension.levels()) == [1, 2, 3, 4, 5, 6]
    assert decoded(dimension, [0.1, 0.5, 0.9]) == [1, 4, 6]


def test_jumps_are_drawn():
    dimension = parse_distribution(ZeroInflated(), 0)
    assert math.isinf(dimension.size)
    x = np.array(decoded(dimension, np.linspace(0.01, 0.99, 99)))
    assert 0.4 < np.mean(x == 0) < 0.6


@pytest.mark.parametrize(
    ("dist", "error", "message"),
    [
        (stats.loguniform, TypeError, r"loguniform instead of loguniform\(1e-3"),
        (stats.uniform(0, -1), ValueError, r"uniform\(0, -1\) has invalid arguments"),
        (stats.uniform(0, math.nan), ValueError, r"has invalid arguments.*nan"),
        (stats.loguniform(0, 5), ValueError, r"loguniform\(0, 5\) has invalid"),
        (stats.norm(0, scale=-1), ValueError, r"norm\(0, scale=-1\) has invalid"),
        (stats.randint(5, 5), ValueError, r"randint\(5, 5\) has invalid"),
        (stats.poisson(-1), ValueError, r"poisson\(-1\) has invalid arguments"),
    ],
)
def test_invalid_distributions(dist, error, message):
    with pytest.raises(error, match=message):
        parse_distribution(dist, 0)


def test_unfrozen_distribution_without_arguments():
    assert parse_distribution(stats.expon, 0).decode(0.5) == pytest.approx(math.log(2))
