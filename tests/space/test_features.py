"""Tests of the map from rows to features."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_tuners._space.dimensions import Interval
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
