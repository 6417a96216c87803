"""The surface of a criterion over a search space, and what is proposed on it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import loguniform, randint, uniform

from sklearn_tuners import Optimizer
from sklearn_tuners._bayes.acquisition import log_ei, log_mean_exp
from sklearn_tuners._bayes.proposal import Surface, cloud, propose
from sklearn_tuners._bayes.surrogate import Surrogate, Trials, full_inputs
from sklearn_tuners._space.conditions import When
from sklearn_tuners._space.space import Space

KAPPA = 2.0
SPACES = {
    "numeric": {"x": uniform(0, 1), "y": loguniform(1e-3, 1.0)},
    "conditional": {
        "kind": ["a", "b", "c"],
        "n": randint(1, 30),
        "x": When(uniform(0, 1), {"kind": ["a", "b"]}),
        "y": uniform(0, 1),
    },
}


def upper_bound(mean, sd, best):
    """Another criterion: the upper confidence bound."""
    return mean + KAPPA * sd, np.ones_like(mean), np.full_like(mean, KAPPA)


@pytest.fixture(params=SPACES)
def space(request):
    return Space.parse(SPACES[request.param])


def told(space, n=14, context=None):
    rows = space.quantile(np.random.default_rng(0).random((n, space.n_dims)))
    scores = np.sin(5 * rows[:, -1]) + rows[:, 0] ** 2
    return Trials(rows, scores, np.empty((n, 0)) if context is None else context)


def surface_of(space, trials, criterion):
    processes = Surrogate(space, 0).processes(trials, 0)
    best = [1.0 + 0.1 * k for k in range(len(processes))]
    return Surface(space, processes, best, np.full(space.n_dims, 0.5), criterion)


def even(space):
    return np.random.default_rng(1).random((256, space.n_dims))


def proposed(space, criterion=log_ei, *, pending=(), again=(), radius=1e-3):
    trials = told(space)
    return propose(
        space,
        Surrogate(space, 0).processes(trials, 0),
        trials,
        pending=np.array(pending).reshape(-1, space.n_dims),
        again=np.array(again).reshape(-1, space.n_dims),
        even=even(space),
        radius=radius,
        rng=np.random.default_rng(2),
        criterion=criterion,
    )


@pytest.mark.parametrize("criterion", [log_ei, upper_bound])
@pytest.mark.parametrize("n_context", [0, 1])
def test_the_gradient_of_a_surface(space, criterion, n_context):
    trials = told(space, context=np.linspace(0, 1, 14 * n_context).reshape(14, -1))
    surface = surface_of(space, trials, criterion)
    U = space.quantile(np.random.default_rng(3).random((6, space.n_dims)))
    value, gradient = surface.value_and_gradient(U)
    assert_allclose(value, surface.value(U), rtol=1e-12)
    step = 1e-6
    for column in np.flatnonzero(~space.is_categorical):
        shift = step * np.eye(space.n_dims)[column]
        numeric = (surface.value(U + shift) - surface.value(U - shift)) / (2 * step)
        numeric[~space.active(U)[:, column]] = 0.0
        assert_allclose(gradient[:, column], numeric, rtol=1e-4, atol=1e-6)


def test_a_surface_is_the_mean_utility_of_its_processes(space):
    trials = told(space)
    surface = surface_of(space, trials, upper_bound)
    Z = full_inputs(space, trials.rows, 0)
    posteriors = [gp.posterior(Z) for gp in surface.processes]
    bounds = np.array([mean + KAPPA * sd for mean, sd in posteriors])
    assert_allclose(surface.value(trials.rows), log_mean_exp(bounds)[0])
    assert_allclose(surface.value(trials.rows, n_processes=1), bounds[0])


@pytest.mark.parametrize("criterion", [log_ei, upper_bound])
def test_a_search_ends_above_its_cloud_and_best_first(space, criterion):
    trials = told(space)
    surface = surface_of(space, trials, criterion)
    start = cloud(space, trials.rows, even(space), np.random.default_rng(4))
    found = surface.search(start)
    assert_allclose(found, space.snap(found))
    assert set(map(space.key, start)) <= set(map(space.key, found))
    assert surface.value(found[:1])[0] >= surface.value(start).max()
    assert (np.diff(surface.value(found[:64])) <= 2e-6).all()  # ties are as they come


@pytest.mark.parametrize("criterion", [log_ei, upper_bound])
def test_the_proposal_maximises_the_criterion_it_is_given(criterion):
    space = Space.parse({"x": uniform(0, 1)})
    trials = told(space)
    surface = surface_of(space, trials, criterion)
    Z = full_inputs(space, trials.rows, 0)
    surface.best[:, 0] = [gp.posterior_mean(Z).max() for gp in surface.processes]
    grid = np.linspace(0, 1, 2001)[:, None]
    row = proposed(space, criterion)
    assert surface.value(row[None])[0] >= surface.value(grid).max() - 1e-3
    other = upper_bound if criterion is log_ei else log_ei
    assert np.abs(row - proposed(space, other)) > 1e-3


def test_the_optimizer_maximises_its_criterion():
    """The benchmarks compare criteria by this attribute."""

    def made(criterion):
        optimizer = Optimizer({"x": uniform(0, 1)}, random_state=0)
        optimizer._criterion = criterion
        for _ in range(8):
            params = optimizer.ask()
            optimizer.tell(params, np.sin(7 * params["x"]))
        return optimizer.ask()

    assert made(log_ei) == made(log_ei) != made(upper_bound)


def test_near_repeats_are_proposed_only_if_nothing_else_is_left():
    space = Space.parse({"x": uniform(0, 1)})
    taken = told(space).rows
    for radius in (1e-3, 0.02):
        row = proposed(space, radius=radius)
        assert np.abs(row - taken).min() > radius
    row = proposed(space, radius=1.0)
    assert np.abs(row - taken).min() > 0.0


def test_pending_rows_are_stayed_away_from():
    space = Space.parse({"x": uniform(0, 1)})
    first = proposed(space)
    second = proposed(space, pending=[first])
    assert np.abs(first - second) > 1e-3


def test_nothing_is_proposed_if_every_row_is_taken():
    space = Space.parse({"x": [1, 2, 3], "kind": ["a", "b"]})
    rows = [space.encode(params) for params in space.grid()]
    assert proposed(space, pending=rows) is None
    back = proposed(space, pending=rows, again=rows[2:3])
    assert back.tolist() == rows[2].tolist()


def test_a_row_near_one_that_may_return_is_that_one():
    space = Space.parse({"x": uniform(0, 1)})
    near = proposed(space) + 5e-4
    assert proposed(space, again=[near]) == near
    assert proposed(space) != near
