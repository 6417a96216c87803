"""Tests of the map from rows to features."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_tuners._space.dimensions import Interval, Table
from sklearn_tuners._space.features import FeatureMap
from sklearn_tuners._space.lists import list_dimension

REAL = Interval(0.0, 1.0, log=False)
THREE = list_dimension(["x", "y", "z"])


def squared(Z):
    return np.sum((Z[:, None] - Z[None]) ** 2, axis=-1)


def test_plain_columns_pass_through():
    features = FeatureMap([REAL, REAL], np.array([False, False]))
    U = np.random.default_rng(0).random((5, 2))
    active = np.ones((5, 2), dtype=bool)
    assert_array_equal(features(U, active), U)
    assert_array_equal(features.jac(U, active), np.ones((5, 2)))
    assert_array_equal(features.source, [0, 1])


def test_categories_are_at_distance_one():
    features = FeatureMap([THREE], np.array([True]))
    U = np.array([[1 / 6], [3 / 6], [5 / 6], [0.5]])
    active = np.array([[True], [True], [True], [False]])
    expected = [[0, 1, 1, 0.5], [1, 0, 1, 0.5], [1, 1, 0, 0.5], [0.5, 0.5, 0.5, 0]]
    assert_allclose(squared(features(U, active)), expected, atol=1e-15)
    assert_array_equal(features.jac(U, active), np.zeros((4, 3)))


def test_arcs():
    features = FeatureMap([REAL], np.array([True]))
    U = np.array([[0.0], [0.5], [1.0], [0.5], [0.9]])
    active = np.array([[True], [True], [True], [False], [False]])
    distance = np.sqrt(squared(features(U, active)))
    # The extremes, and any active value and an inactive one, are at distance 1.
    assert_allclose(distance[0, 2], 1)
    assert_allclose(distance[:3, 3:], 1)
    assert distance[3, 4] == 0
    # Chord of half the arc: 2 sin(pi / 12).
    assert_allclose(distance[0, 1], 2 * np.sin(np.pi / 12))


def test_no_columns_and_no_rows():
    empty = FeatureMap([], np.array([], dtype=bool))
    assert empty(np.empty((3, 0)), np.empty((3, 0), dtype=bool)).shape == (3, 0)
    features = FeatureMap([REAL, THREE], np.array([True, False]))
    U, active = np.empty((0, 2)), np.empty((0, 2), dtype=bool)
    assert features(U, active).shape == features.jac(U, active).shape == (0, 5)


@pytest.mark.parametrize("n", [272, 273, 5_000, 60_000, 10**6])
def test_features_do_not_grow_with_the_categories_beyond_a_cap(n):
    many = Table(range(n), (np.arange(n) + 0.5) / n, np.ones(n), is_categorical=True)
    features = FeatureMap([many], np.array([True]))
    assert len(features.source) == 272
    levels = np.random.default_rng(0).choice(n, 200, replace=False)
    levels[:4] = 0, 1, n - 2, n - 1
    levels = np.unique(levels)
    U = many._position(levels)[:, None]
    Z = features(U, np.ones_like(U, dtype=bool))
    assert_allclose(np.sum(Z**2, axis=1), 0.5)
    distance = squared(Z)
    apart = distance[~np.eye(len(levels), dtype=bool)]
    assert_allclose(distance.diagonal(), 0, atol=1e-15)
    if n <= 272:
        assert_allclose(apart, 1)
    # Words of m digits agree at m - 1 of 16 points at most.
    agreeing = max(math.ceil(math.log(n, 17)) - 1, 0)
    assert 1 - agreeing / 16 - 1e-12 <= apart.min() <= apart.max() <= 1 + 1e-12
    assert_array_equal(features(U, np.zeros_like(U, dtype=bool)), np.zeros_like(Z))
    assert_array_equal(features.jac(U, np.ones_like(U, dtype=bool)), np.zeros_like(Z))


def test_other_columns_are_the_same_beside_many_categories():
    n = 1000
    many = Table(range(n), (np.arange(n) + 0.5) / n, np.ones(n), is_categorical=True)
    features = FeatureMap([REAL, many, THREE, REAL], np.zeros(4, dtype=bool))
    few = FeatureMap([REAL, THREE, REAL], np.zeros(3, dtype=bool))
    U = np.random.default_rng(1).random((7, 4))
    active = np.ones((7, 4), dtype=bool)
    own = np.flatnonzero(features.source != 1)
    assert_array_equal(features(U, active)[:, own], few(U[:, [0, 2, 3]], active[:, :3]))
