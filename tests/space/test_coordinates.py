"""Tests of how finely coordinates are resolved."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from sklearn_tuners._space.coordinates import (
    COORDINATE_BITS,
    MARGIN,
    coordinate_resolution,
    round_coordinate,
)

units = st.floats(0.0, 1.0)


@given(units, st.integers(-40, 20))
def test_rounding_is_idempotent_and_accurate(u, exponent):
    step = 2.0 ** (exponent - COORDINATE_BITS)
    lowest, highest = max(step, MARGIN), 1 - max(step, MARGIN)
    rounded = round_coordinate(u, lowest, highest, exponent)
    again = round_coordinate(rounded, lowest, highest, exponent)
    assert again == rounded
    assert 0 < rounded < 1
    error = abs(float(rounded) - min(max(u, lowest), highest))
    assert error <= max(u * 2.0**-COORDINATE_BITS, step)


def test_rounding_hides_rounding_errors():
    u = np.random.default_rng(0).random(1000)
    exact = round_coordinate(u, 0.0, 1.0, -40)
    noisy = exact * (1 + 4e-16)
    assert_array_equal(round_coordinate(noisy, 0.0, 1.0, -40), exact)


def test_resolution_of_exact_inverses():
    lowest, highest, exponent = coordinate_resolution(lambda x: x, lambda u: u)
    assert (lowest, highest) == (MARGIN, 1 - MARGIN)
    assert 2.0**exponent <= 2 * MARGIN


def test_resolution_where_values_are_coarse():
    # Values are multiples of 2**-20, so are coordinates.
    def ppf(u):
        return np.rint(np.ldexp(u, 20)) / 2**20

    lowest, highest, exponent = coordinate_resolution(lambda x: x, ppf)
    step = 2.0 ** (exponent - COORDINATE_BITS)
    assert 2.0**-20 <= step <= 2.0**-15
    assert lowest == 1 - highest == step


def test_resolution_where_a_tail_is_coarse():
    # Beyond 1 - 2**-14 all values are the same.
    def ppf(u):
        return np.minimum(u, 1 - 2.0**-14)

    lowest, highest, exponent = coordinate_resolution(lambda x: x, ppf)
    assert lowest == MARGIN
    assert 2.0**-15 <= 1 - highest <= 2.0**-12
    assert 2.0**exponent <= 2 * MARGIN


@pytest.mark.parametrize("ppf", [np.sqrt, lambda u: u * math.nan])
def test_resolution_of_what_is_not_inverse(ppf):
    with pytest.raises(ValueError, match="not inverse"):
        coordinate_resolution(lambda x: x, ppf)
