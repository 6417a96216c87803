"""How good proposals are: seeded, with loose bounds that only a fault violates."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.stats import loguniform, randint, uniform

from sklearn_tuners import Optimizer

pytestmark = pytest.mark.slow


def branin(params):
    x, y = params["x"], params["y"]
    a = y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6
    return -(a**2) - 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) - 10


def ridge(params):
    """Flat nearly everywhere, as accuracy is over (C, gamma): best 1 at (10, 0.01)."""
    c, g = np.log10(params["C"]) - 1, np.log10(params["gamma"]) + 2
    return float(np.exp(-0.2 * (c + g) ** 2 - 2 * g**2))


def mixed(params):
    """Best 1: kind "b", flag False, depth 8, x 0.7."""
    bonus = {"a": 0.4, "b": 1.0, "c": 0.6}[params["kind"]]
    depth = (np.log2(params["depth"]) - 3) ** 2
    return float(bonus - (params["x"] - 0.7) ** 2 - 0.1 * depth - 0.3 * params["flag"])


def conditional(params):
    """Best 1 in the branch "kernel", which looks worse than "linear" on average."""
    if params["clf"] == "linear":
        return 0.7 - 0.01 * (np.log10(params["alpha"]) + 3) ** 2
    gap = (np.log10(params["alpha"]) + 2) ** 2 + 4 * (params["gamma"] - 0.8) ** 2
    return float(1.0 - 0.4 * gap)


BRANIN = {"x": uniform(-5, 15), "y": uniform(0, 15)}
RIDGE = {"C": loguniform(1e-3, 1e4), "gamma": loguniform(1e-6, 1e1)}
MIXED = {
    "kind": ["a", "b", "c"],
    "flag": [True, False],
    "depth": randint(1, 65),
    "x": uniform(0, 1),
}
ALPHA = loguniform(1e-6, 1.0)
CONDITIONAL = [
    {"clf": ["linear"], "alpha": ALPHA},
    {"clf": ["kernel"], "alpha": ALPHA, "gamma": uniform(0, 1)},
]


def best_after(space, score, n_iter, seed, noise=0.0):
    """Return the true score of the params that look best after a search."""
    optimizer = Optimizer(space, n_iter=n_iter, random_state=seed)
    rng = np.random.default_rng(seed)
    for _ in range(n_iter):
        params = optimizer.ask()
        optimizer.tell(params, score(params) + noise * rng.standard_normal())
    return score(optimizer.best_params_)


@pytest.mark.parametrize(
    ("space", "score", "n_iter", "bound"),
    [
        (BRANIN, branin, 30, -0.3979 - 0.1),
        (RIDGE, ridge, 25, 0.95),
        (MIXED, mixed, 30, 0.95),
        (CONDITIONAL, conditional, 30, 0.95),
    ],
    ids=["branin", "ridge", "mixed", "conditional"],
)
def test_reaches_the_top(space, score, n_iter, bound):
    results = [best_after(space, score, n_iter, seed) for seed in range(5)]
    assert np.median(results) > bound


def test_noise_does_not_lead_far_astray():
    results = [best_after(RIDGE, ridge, 40, seed, noise=0.05) for seed in range(5)]
    assert np.median(results) > 0.85


def test_ten_dimensions_one_of_which_matters_little():
    def score(params):
        x = np.array(list(params.values()))
        return -float(((x - 0.3) ** 2 * np.linspace(0.1, 1.0, 10)).sum())

    space = {f"x{i}": uniform(0, 1) for i in range(10)}
    results = [best_after(space, score, 50, seed) for seed in range(3)]
    # The centre scores -0.22, the best of 50 random points about -0.3.
    assert np.median(results) > -0.05


def test_proposals_are_fast():
    """A loose bound: an idle core needs a tenth of it."""
    space = {f"x{i}": uniform(0, 1) for i in range(10)}
    optimizer = Optimizer(space, n_iter=50, random_state=0)
    start = time.process_time()
    for i in range(50):
        optimizer.tell(optimizer.ask(), float(np.sin(i)))
    assert time.process_time() - start < 5.0
