"""Tests of dimensions of discrete distributions."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from sklearn_tuners._space.dimensions import Progression, Table
from sklearn_tuners._space.distributions import (
    parse_distribution,
)
from sklearn_tuners._space.integers import WideIntegers


def decoded(dimension, q):
    return [dimension.decode(u) for u in dimension.quantile(np.asarray(q)).tolist()]


def identity(dist):
    return f"{dist.dist.name}{dist.args}{dist.kwds or ''}"


TABLES = [
    stats.poisson(5),
    stats.poisson(0.1),
    stats.geom(0.1),
    stats.binom(30, 0.5),
    stats.binom(30, 0.5, loc=-7),
    stats.binom(1000, 0.01),
    stats.hypergeom(100, 50, 30),
    stats.skellam(5, 10),
    stats.boltzmann(0.1, 19),
    stats.zipf(3.0),
    stats.rv_discrete(values=([1, 5, 10], [0.2, 0.3, 0.5]))(),
]


@pytest.mark.parametrize("dist", TABLES, ids=identity)
def test_table_quantiles_are_the_distributions(dist):
    dimension = parse_distribution(dist, 0)
    assert isinstance(dimension, Table)
    assert not dimension.is_categorical
    q = np.linspace(0.001, 0.999, 1001)
    x = decoded(dimension, q)
    assert all(type(v) is int for v in x)
    # From the cdf, as scipy's ppf of skellam fails now and then. A quantile on the very
    # edge of a step may fall to either side.
    levels = np.array(dimension.values)
    expected = levels[np.searchsorted(dist.cdf(levels), q)]
    assert np.mean(np.asarray(x) == expected) > 0.99


@pytest.mark.parametrize("dist", TABLES, ids=identity)
def test_table_round_trips(dist):
    dimension = parse_distribution(dist, 0)
    coordinates = [dimension.encode(value) for value in dimension.values]
    assert np.all(np.diff(coordinates) > 0)
    assert [dimension.decode(u) for u in coordinates] == list(dimension.values)
    # Where levels are not very improbable, they sit in the middle of their step.
    levels = np.array(dimension.values)
    middle = (dist.cdf(levels - 1) + dist.cdf(levels)) / 2
    likely = dist.pmf(levels) > 1e-3
    assert_allclose(np.array(coordinates)[likely], middle[likely], atol=1e-4)


@pytest.mark.parametrize(
    ("dist", "size", "n_levels"),
    [
        (stats.binom(30, 0.5), 31, 31),
        (stats.randint(3, 9), 6, 6),
        (stats.randint(3, 4), 1, 1),
        (stats.randint(1, 10**9), 10**9 - 1, 10**9 - 1),
        (stats.bernoulli(0.3), 2, 2),
        (stats.rv_discrete(values=([1, 5, 10], [0.2, 0.8, 0.0])), 2, 2),
        (stats.rv_discrete(values=([1, 5, 10], [0.2, 0.3, 0.5]))(loc=3), 3, 3),
        (stats.hypergeom(10, 10, 4), 1, 1),
        (stats.poisson(5), math.inf, 29),
    ],
)
def test_sizes(dist, size, n_levels):
    dimension = parse_distribution(dist, 0)
    assert dimension.size == size
    assert dimension.n_levels == n_levels
    if size < 100:
        assert len(list(dimension.levels())) == size


def test_levels_of_a_shifted_list():
    dist = stats.rv_discrete(values=([1, 5, 10], [0.2, 0.3, 0.5]))
    assert list(parse_distribution(dist, 0).levels()) == [1, 5, 10]
    assert list(parse_distribution(dist(loc=3), 0).levels()) == [4, 8, 13]
    halves = stats.rv_discrete(values=([0.5, 1.5], [0.2, 0.8]))
    assert list(parse_distribution(halves, 0).levels()) == [0.5, 1.5]


def test_improbable_levels_beyond_the_table():
    dimension = parse_distribution(stats.poisson(5), 0)
    assert dimension.decode(dimension.encode(1000)) == dimension.values[-1]
    for value in (-1, 2.5, True, "3", math.nan):
        with pytest.raises(ValueError, match=r"an integer from 0 to inf \(poisson\(5"):
            dimension.encode(value)


def test_randint_is_a_progression():
    dimension = parse_distribution(stats.randint(1, 10**9), 0)
    assert isinstance(dimension, Progression)
    assert decoded(dimension, [0.0, 0.5, 1.0]) == [1, 500_000_000, 999_999_999]


WIDE = [
    stats.binom(10**6, 0.5),
    stats.poisson(1e6),
    stats.geom(1e-5),
    stats.nbinom(5, 1e-4),
    stats.dlaplace(1e-4),
    stats.betabinom(10**4, 2, 3),
]


@pytest.mark.parametrize("dist", WIDE, ids=identity)
def test_wide_integers(dist):
    dimension = parse_distribution(dist, 0)
    assert isinstance(dimension, WideIntegers)
    assert dimension.is_categorical is False
    q = np.linspace(0.01, 0.99, 99)
    x = decoded(dimension, q)
    assert all(type(v) is int for v in x)
    # Of the coordinate, a hundredth is spread evenly.
    assert_allclose(dist.cdf(x), q, atol=0.02)
    rng = np.random.default_rng(0)
    k = np.append(rng.integers(0, dimension.n_coded, 500), [0, dimension.n_coded - 1])
    assert_array_equal(dimension.level(dimension._position(k)), k)
    for value in (x[0], x[50], float(x[50]), np.int64(x[98])):
        assert dimension.decode(dimension.encode(value)) == value


def test_wide_integers_reject():
    dimension = parse_distribution(stats.binom(10**6, 0.5), 0)
    assert dimension.size == dimension.n_levels == len(list(dimension.levels()))
    # Improbable, but possible.
    assert dimension.encode(0) == 0.0
    assert dimension.encode(10**6) == 1.0
    for value in (-1, 10**6 + 1, 3.5, True, None, math.inf):
        with pytest.raises(ValueError, match=r"an integer from 0 to 1e\+06 \(binom"):
            dimension.encode(value)
    with pytest.raises(TypeError, match="cannot be enumerated"):
        parse_distribution(stats.poisson(1e6), 0).levels()


@pytest.mark.parametrize(
    "dist",
    [stats.randint(0, 2**62), stats.randint(-(2**62), 2**45), stats.randint(0, 2**45)],
    ids=identity,
)
def test_huge_randint(dist):
    dimension = parse_distribution(dist, 0)
    low, high = map(int, dist.support())
    for u in dimension.quantile(np.linspace(0, 1, 101)).tolist():
        value = dimension.decode(u)
        assert type(value) is int
        assert low <= value <= high
        assert dimension.encode(value) == u
    assert dimension.encode(high) == dimension.snap(np.asarray(1.0))
