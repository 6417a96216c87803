"""Tests of dimensions of distributions and of objects that can only draw."""

import copy
import math
import pickle
import statistics

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from sklearn_tuners._space.dimensions import Interval, Progression, Table
from sklearn_tuners._space.distributions import (
    ContinuousDistribution,
    WideIntegers,
    parse_distribution,
)
from sklearn_tuners._space.drawn import N_DRAWS, N_OBJECTS, DrawnNumbers, parse_draws

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


# Discrete -----------------------------------------------------------------------------

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


# Objects that can only draw -----------------------------------------------------------


class Draws:
    """Has nothing but rvs."""

    def __init__(self, draw):
        self.draw = draw

    def __repr__(self):
        return "Draws()"

    def rvs(self, random_state):
        return self.draw(random_state)


def test_only_drawn_floats_are_proposed():
    source = Draws(lambda rng: round(rng.normal(3, 2), 2))
    dimension = parse_draws(source, 0)
    rng = np.random.RandomState(0)
    drawn = {source.rvs(rng) for _ in range(N_DRAWS)}
    assert set(decoded(dimension, np.linspace(0, 1, 20_000))) == drawn
    x = decoded(dimension, np.linspace(0.1, 0.9, 9))
    assert_allclose(x, stats.norm(3, 2).ppf(np.linspace(0.1, 0.9, 9)), atol=0.2)
    assert all(type(v) is float for v in x)
    for value in drawn:
        assert dimension.decode(dimension.encode(value)) == value


def test_numbers_not_drawn_stand_for_the_nearest():
    dimension = parse_draws(Draws(lambda rng: rng.choice([0.5, 1.0, 10.0])), 0)
    for value, nearest in [(-7, 0.5), (0.7, 0.5), (0.8, 1.0), (5.6, 10.0), (1e9, 10)]:
        assert dimension.decode(dimension.encode(value)) == nearest
    for value in (math.nan, math.inf, True, "1", None):
        with pytest.raises(ValueError, match=r"a number \(drawn by Draws\(\)\)"):
            dimension.encode(value)


def test_large_integers_are_drawn():
    dimension = parse_draws(Draws(lambda rng: 10**15 + rng.randint(10**6)), 0)
    for value in (10**15, 10**15 + 1234, 1):
        nearest = dimension.decode(dimension.encode(value))
        assert type(nearest) is int
        assert nearest == min(dimension.values, key=lambda v: abs(v - value))


def test_drawn_integers_come_back_as_drawn():
    dimension = parse_draws(Draws(lambda rng: 2 ** rng.randint(0, 8)), 0)
    values = decoded(dimension, np.linspace(0, 1, 100))
    assert set(values) == {1, 2, 4, 8, 16, 32, 64, 128}
    assert all(type(v) is int for v in values)
    assert not dimension.is_categorical
    assert dimension.decode(dimension.encode(1000)) == 128
    with pytest.raises(ValueError, match=r"got 3.5, accepted is an integer \(drawn"):
        dimension.encode(3.5)


def test_floats_drawn_from_a_list_are_not_interpolated():
    dimension = parse_draws(Draws(lambda rng: rng.choice([0.1, 1.0, 10.0])), 0)
    assert set(decoded(dimension, np.linspace(0, 1, 100))) == {0.1, 1.0, 10.0}


def test_drawn_objects_are_categories():
    dimension = parse_draws(Draws(lambda rng: ["a", None, (1, 2)][rng.randint(3)]), 0)
    assert dimension.is_categorical
    assert set(decoded(dimension, np.linspace(0, 1, 100))) == {"a", None, (1, 2)}


def test_drawn_booleans_are_categories():
    dimension = parse_draws(Draws(lambda rng: bool(rng.randint(2))), 0)
    assert dimension.is_categorical
    assert set(decoded(dimension, [0.0, 1.0])) == {False, True}


def test_many_drawn_objects():
    dimension = parse_draws(Draws(lambda rng: tuple(rng.randint(1, 100, 3))), 0)
    assert dimension.is_categorical
    assert dimension.n_coded == N_OBJECTS


def test_objects_are_drawn_256_times():
    n_calls = 0

    def draw(rng):
        nonlocal n_calls
        n_calls += 1
        return rng.normal(size=3)

    dimension = parse_draws(Draws(draw), 0)
    assert n_calls == dimension.n_coded == N_OBJECTS
    assert (
        dimension.decode(dimension.encode(dimension.values[7])) is (dimension.values[7])
    )
    with pytest.raises(ValueError, match=r"one of the 256 .* by Draws.*known"):
        dimension.encode(np.zeros(3))


def test_an_object_after_many_numbers():
    values = iter([*range(1000), *[None] * N_DRAWS])
    dimension = parse_draws(Draws(lambda rng: next(values)), 0)
    assert dimension.is_categorical
    assert dimension.n_coded == N_OBJECTS


def test_draws_are_never_countable():
    for draw in (lambda rng: 1, lambda rng: rng.randint(3), lambda rng: "a"):
        dimension = parse_draws(Draws(draw), 0)
        assert math.isinf(dimension.size)
        assert math.isinf(dimension.n_levels)


def test_draws_depend_on_the_seed_alone():
    source = Draws(lambda rng: rng.normal())
    first, same, other = (parse_draws(source, seed) for seed in (1, 1, 2))
    assert first.decode(0.3) == same.decode(0.3) != other.decode(0.3)
    assert first.same_domain(same)
    assert not first.same_domain(other)


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (lambda rng: math.nan, ValueError, r"Draws\(\) draws numbers that are not fin"),
        (lambda rng: 1 + "1", TypeError, r"Draws\(\) does not work"),
    ],
)
def test_bad_draws(draw, error, message):
    with pytest.raises(error, match=message):
        parse_draws(Draws(draw), 0)


def test_rvs_must_take_a_random_state():
    class Bad:
        def rvs(self):
            return 1

    with pytest.raises(TypeError, match="rvs must take random_state"):
        parse_draws(Bad(), 0)
