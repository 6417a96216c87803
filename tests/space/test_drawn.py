"""Tests of dimensions of objects that have just `rvs`."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from sklearn_tuners._space.drawn import N_DRAWS, N_OBJECTS, parse_draws


def decoded(dimension, q):
    return [dimension.decode(u) for u in dimension.quantile(np.asarray(q)).tolist()]


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
