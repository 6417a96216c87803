"""Round values, and the laws that they obey in every kind of dimension."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from sklearn_tuners._space.decimals import (
    N_CELLS,
    PLAUSIBLE,
    cell_of,
    shortest_decimal,
)
from sklearn_tuners._space.dialects import parse_dimension
from sklearn_tuners._space.integers import WideIntegers

units = st.floats(0.0, 1.0)
numbers = st.floats(-1e12, 1e12)


def zeros_after(value):
    """Return the exponent of the last digit that is not zero."""
    digits = f"{value:.17e}" if value == 0 else repr(value)
    mantissa, _, exponent = digits.partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction.rstrip("0")
    if fraction:
        return int(exponent or 0) - len(fraction)
    return int(exponent or 0) + len(whole) - len(whole.rstrip("0"))


@pytest.mark.parametrize(
    ("low", "near", "high", "expected"),
    [
        (0.98, 1.01, 1.04, 1.0),
        (0.0312, 0.0317, 0.0322, 0.032),
        (12.2, 13.3, 14.4, 13.0),
        (-0.5, 0.3, 2.0, 0.0),
        (-7.9, -7.4, -6.9, -7.0),
        (95.0, 99.0, 103.0, 100.0),
        (4.1e-310, 5e-310, 6e-310, 5e-310),
        (1.1e250, 1.2e250, 1.3e250, 1.2e250),
        (2.5, 2.5, 2.5, 2.5),
        (0.0, 1.0, math.inf, 1.0),
    ],
)
def test_shortest_decimal(low, near, high, expected):
    assert shortest_decimal(low, near, high) == expected


@given(numbers, st.floats(1e-9, 1e3), units)
def test_no_shorter_number_is_between(low, relative, share):
    high = low + relative * max(abs(low), 1e-6)
    assume(high > low)
    found = shortest_decimal(low, low + share * (high - low), high)
    assert low <= found <= high
    if found:
        step = 10.0 ** (zeros_after(found) + 1)
        # Rounded multiples of the next power of ten are outside.
        for k in (math.floor(low / step), math.ceil(high / step)):
            assert not low + 1e-9 * abs(low) < k * step < high - 1e-9 * abs(high)


@given(units)
def test_cells_contain_their_coordinates(u):
    low, middle, high = cell_of(u, 0.0, 1.0)
    assert low <= middle <= high
    assert low - 1e-8 <= u <= high + 1e-8
    assert high - low <= 1 / N_CELLS


DOMAINS = {
    "range": (0.0, 10.0),
    "uneven range": (0.0123, 0.987),
    "log range": (1e-3, 1e3, "log-uniform"),
    "integers": (1, 2000),
    "log integers": (1, 10**6, "log-uniform"),
    "many integers": (0, 10**12),
    "steps": range(3, 10**6, 7),
    "uniform": stats.uniform(0, 10),
    "loguniform": stats.loguniform(1e-2, 1e3),
    "expon": stats.expon(scale=100),
    "norm": stats.norm(3, 2),
    "beta": stats.beta(0.5, 0.5),
    "poisson": stats.poisson(30),
    "geom": stats.geom(0.001),
    "many counts": stats.poisson(1e7),
    "list": [1, 2, 5, 10, 20],
    "names": ["a", "b", "c"],
}


@pytest.fixture(params=DOMAINS)
def dimension(request):
    return parse_dimension("a", DOMAINS[request.param])


def coordinates(dimension):
    u = np.random.default_rng(0).random(300)
    return dimension.snap(np.concatenate([[0.0, 1e-9, 0.5, 1 - 1e-9, 1.0], u])).tolist()


def test_values_encode_as_the_coordinates_they_were_decoded_from(dimension):
    for u in coordinates(dimension):
        for snapped in (u, dimension.rounded(u)):
            assert dimension.encode(dimension.decode(snapped)) == snapped


def test_rounding_is_idempotent_and_stays_in_the_cell(dimension):
    for u in coordinates(dimension):
        rounded = dimension.rounded(u)
        assert dimension.rounded(rounded) == rounded
        inside = float(dimension.inside(np.asarray(u)))
        assert abs(rounded - inside) <= 1.01 / N_CELLS


@pytest.mark.parametrize("name", ["range", "log range", "loguniform", "expon", "norm"])
def test_rounded_values_are_short(name):
    dimension = parse_dimension("a", DOMAINS[name])
    for u in coordinates(dimension):
        value = dimension.decode(dimension.rounded(u))
        assert len(repr(value).strip("-0.").replace(".", "")) <= 5, value


@pytest.mark.parametrize(
    ("domain", "low", "high"),
    [
        ((0.1, 0.7), 0.1, 0.7),
        ((0.0123, 987.0, "log-uniform"), 0.0123, 987.0),
        ((1, 10**9), 1, 10**9),
        (stats.loguniform(1e-2, 1e3), 0.01, 1000.0),
        (stats.loguniform(0.003, 0.7), 0.003, 0.7),
    ],
)
def test_bounds_of_ranges_and_of_loguniform_are_exact(domain, low, high):
    dimension = parse_dimension("a", domain)
    ends = [dimension.rounded(u) for u in dimension.snap(np.array([0, 1.0])).tolist()]
    assert [dimension.decode(u) for u in ends] == [low, high]


@pytest.mark.parametrize(
    "dist",
    [
        stats.uniform(0, 10),
        stats.uniform(-1, 1),
        stats.beta(0.5, 0.5),
        stats.expon(scale=100),
        stats.norm(3, 2),
        stats.lognorm(2),
        stats.t(1),
        stats.poisson(30),
        stats.geom(0.01),
        stats.nbinom(3, 0.001),
        stats.poisson(1e7),
        stats.binom(1000, 0.5),
    ],
    ids=lambda dist: dist.dist.name,
)
def test_tails_of_distributions_are_not_proposed(dist):
    dimension = parse_dimension("a", dist)
    low, high = dist.ppf([PLAUSIBLE, 1 - PLAUSIBLE])
    # Quantiles of integers are interpolated between some thousand.
    slack = 1e-3 * (high - low) if isinstance(dimension, WideIntegers) else 1e-9
    for u in coordinates(dimension):
        assert low - slack <= dimension.decode(dimension.rounded(u)) <= high + slack
    # A user may give them.
    beyond = dist.ppf([1e-5, 1 - 1e-5]).tolist()
    assert [dimension.decode(dimension.encode(x)) for x in beyond] == pytest.approx(
        beyond, rel=1e-6, abs=1e-12
    )


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1234.5678, 2.0, 0.00123, 7e-3])
def test_values_of_a_user_come_back(value):
    for domain in ((0.0, 5000.0), (1e-4, 1e4, "log-uniform"), stats.expon(scale=9e2)):
        dimension = parse_dimension("a", domain)
        decoded = dimension.decode(dimension.encode(value))
        assert decoded == pytest.approx(value, rel=1e-11)
        if value != 1 / 3:
            assert decoded == value
