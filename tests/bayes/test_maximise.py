"""The search on surfaces with known tops."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_tuners._bayes import maximise


def test_first_active_takes_the_first_row_that_has_the_column():
    U = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    active = np.array([[True, False, False], [True, True, False]])
    assert maximise.first_active(U, active, 0.9).tolist() == [0.1, 0.5, 0.9]


def test_perturb_changes_at_least_one_active_column_and_no_other():
    rng = np.random.default_rng(0)
    U = rng.random((3, 40))
    active = rng.random((3, 40)) < 0.5
    categorical = np.arange(40) % 2 == 0
    near = maximise.perturb(U, categorical, active, 50, rng, np.array([0.1, 0.01]))
    changed = near != np.repeat(U, 50, axis=0)
    assert near.shape == (150, 40)
    assert changed.any(axis=1).all()
    assert not changed[~np.repeat(active, 50, axis=0)].any()
    assert (near >= 0).all()
    assert (near <= 1).all()


def test_spread_takes_the_best_of_each_neighbourhood():
    U = np.array([[0.1, 0.5], [0.11, 0.5], [0.9, 0.5], [0.5, 0.5]])
    values = np.array([3.0, 4.0, 1.0, 2.0])
    assert maximise.spread(U, values, 3, 0.05).tolist() == [1, 3, 2]
    assert maximise.spread(U, values, 9, 0.05).tolist() == [1, 3, 2]
    assert maximise.spread(U, values, 1, 0.05).tolist() == [1]


def quadratic(top, curvature):
    def surface(U):
        gap = U - top
        return -0.5 * (gap**2 * curvature).sum(axis=1), -gap * curvature

    return surface


def test_ascend_reaches_the_tops_of_a_stretched_bowl():
    rng = np.random.default_rng(0)
    top, curvature = rng.random(6), np.geomspace(1.0, 1e4, 6)
    U, values = maximise.ascend(
        rng.random((5, 6)),
        quadratic(top, curvature),
        np.ones(6, bool),
        np.full(6, 0.3),
        n_steps=80,
    )
    assert_allclose(values, 0.0, atol=1e-4)
    assert_allclose(U, np.tile(top, (5, 1)), atol=1e-2)


def test_ascend_stops_at_the_bounds_and_moves_only_free_columns():
    U0 = np.array([[0.5, 0.5, 0.3], [0.2, 0.9, 0.6]])
    surface = quadratic(np.array([1.7, 0.25, 0.5]), np.ones(3))
    free = np.array([True, True, False])
    U, _ = maximise.ascend(U0, surface, free, np.ones(3), n_steps=40)
    assert_allclose(U[:, 0], 1.0)
    assert_allclose(U[:, 1], 0.25, atol=1e-5)
    assert_allclose(U[:, 2], U0[:, 2])


def test_ascend_never_returns_less_than_it_was_given():
    rng = np.random.default_rng(1)
    top = rng.random(3)

    def wavy(U):
        gap = U - top
        value = np.cos(30 * gap).sum(axis=1) - (gap**2).sum(axis=1)
        return value, -30 * np.sin(30 * gap) - 2 * gap

    U0 = rng.random((20, 3))
    U, values = maximise.ascend(U0, wavy, np.ones(3, bool), np.ones(3))
    assert (values >= wavy(U0)[0] - 1e-8).all()  # up to rounding errors
    assert_allclose(values, wavy(U)[0])
    assert (wavy(U)[0] - wavy(U0)[0]).mean() > 0.5


def test_sweep_makes_the_best_single_move_in_each_round():
    # A lattice of 0..9 on two columns; the top is at (7, 2).
    def surface(U):
        return -((U - [0.7, 0.2]) ** 2).sum(axis=1)

    def moves(U):
        levels = np.arange(10) / 10
        rows, parents = [], []
        for i, u in enumerate(U):
            for column in range(2):
                block = np.tile(u, (10, 1))
                block[:, column] = levels
                rows.append(block)
                parents += [i] * 10
        return np.concatenate(rows), np.array(parents)

    U0 = np.array([[0.0, 0.8], [0.7, 0.2]])
    U, values = maximise.sweep(U0, surface(U0), moves, surface)
    assert_allclose(U, [[0.7, 0.2], [0.7, 0.2]])
    assert_allclose(values, 0.0, atol=1e-12)
    once, _ = maximise.sweep(U0, surface(U0), moves, surface, n_rounds=1)
    assert_allclose(once[0], [0.7, 0.8])


def test_sweep_without_moves_returns_its_input():
    U0, values = np.array([[0.3]]), np.array([1.0])

    def no_moves(U):
        return np.empty((0, 1)), np.empty(0, dtype=int)

    U, same = maximise.sweep(U0, values, no_moves, lambda U: U[:, 0])
    assert_allclose(U, U0)
    assert_allclose(same, values)


def test_values_that_differ_by_rounding_errors_are_in_their_order():
    values = np.array([0.1, 0.3, 0.1 + 0.2, 0.3 - 1e-12, -np.inf, 0.9])
    assert maximise.best_first(values).tolist() == [5, 1, 2, 3, 0, 4]
    assert maximise.spread(np.eye(6), values, 2, 0.5).tolist() == [5, 1]


@pytest.mark.parametrize("error", [0.0, 1e-12, -1e-12])
def test_sweep_prefers_the_first_of_equal_moves(error):
    def surface(U):
        return np.where(U[:, 0] == 0.2, 1.0 + error, np.where(U[:, 0] > 0, 1.0, 0.0))

    def moves(U):
        return np.array([[0.1], [0.2], [0.3]]), np.zeros(3, dtype=int)

    U, _ = maximise.sweep(np.zeros((1, 1)), np.zeros(1), moves, surface)
    assert U.tolist() == [[0.1]]
