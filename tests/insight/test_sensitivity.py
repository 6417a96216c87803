"""What a surrogate says about parameters, for functions with known shares."""

import numpy as np
import pytest

from sklearn_tuners._bayes.gp import GP
from sklearn_tuners._insight.sensitivity import (
    columns_of,
    explained,
    fit_processes,
    probability_better,
    shares,
)
from sklearn_tuners._space.space import Space


def sampled(space, function, n=60, noise=0.0, seed=0):
    """Rows of a space and their scores."""
    rng = np.random.default_rng(seed)
    U = space.quantile(rng.random((n, space.n_dims)))
    truth = [function(**space.decode(u)) for u in U]
    return U, np.array(truth) + noise * rng.normal(size=n)


SQUARE = Space.parse({"x": (0.0, 1.0), "y": (0.0, 1.0), "z": (0.0, 1.0)})


def test_shares_of_a_sum_are_those_of_its_variances():
    # Variances 4 / 12 and 1 / 12 and 0.
    U, scores = sampled(SQUARE, lambda x, y, z: 2 * x + y)
    found = shares(SQUARE, fit_processes(SQUARE, U, scores))
    assert found.names == ["x", "y", "z"]
    np.testing.assert_allclose(found.median, [0.8, 0.2, 0.0], atol=0.1)
    assert (found.low <= found.median).all()
    assert (found.median <= found.high).all()


def test_what_acts_only_together_has_a_share_in_it_all():
    U, scores = sampled(SQUARE, lambda x, y, z: (x - 0.5) * (y - 0.5), n=80)
    found = shares(SQUARE, fit_processes(SQUARE, U, scores))
    assert (found.median[:2] > 0.7).all()
    assert found.median[2] < 0.1


def test_few_candidates_leave_shares_uncertain():
    def width(n):
        U, scores = sampled(SQUARE, lambda x, y, z: np.sin(6 * x) + y, n=n)
        found = shares(SQUARE, fit_processes(SQUARE, U, scores))
        return (found.high - found.low).max()

    assert width(8) > 2 * width(80)


def test_a_parameter_of_one_branch_counts_with_the_share_of_its_branch():
    space = Space.parse([{"x": (0.0, 1.0)}, {"x": (0.0, 1.0), "y": (0.0, 1.0)}])
    assert columns_of(space) == {"(which dict)": [0], "x": [1], "y": [2]}
    U, scores = sampled(space, lambda x, y=0.0: y, n=80)
    found = shares(space, fit_processes(space, U, scores))
    middle = dict(zip(found.names, found.median, strict=True))
    assert middle["x"] < 0.1
    assert middle["y"] > 0.1
    assert middle["(which dict)"] > 0.3


def test_different_domains_of_one_name_are_one_parameter():
    space = Space.parse([{"x": (0.0, 1.0)}, {"x": (5.0, 9.0)}])
    assert columns_of(space) == {"(which dict)": [0], "x": [1, 2]}


def test_explained():
    U, scores = sampled(SQUARE, lambda x, y, z: x + y)
    assert explained(fit_processes(SQUARE, U, scores)[0], scores) > 0.9
    noise = np.random.default_rng(1).normal(size=60)
    assert explained(fit_processes(SQUARE, U, noise, noise=1.0)[0], noise) < 0.2


def test_explained_is_the_error_of_leaving_one_out():
    U, scores = sampled(SQUARE, lambda x, y, z: x * y, n=12, noise=0.05)
    gp = fit_processes(SQUARE, U, scores)[0]
    inverse = np.linalg.inv(gp.L @ gp.L.T)
    error = gp.alpha / np.diag(inverse)
    y = (gp.L @ gp.L.T) @ gp.alpha + gp.mean
    assert explained(gp, scores) == pytest.approx(1 - np.mean(error**2) / y.var())


def test_many_candidates_are_thinned_out():
    U, scores = sampled(SQUARE, lambda x, y, z: x, n=400, noise=0.01)
    processes = fit_processes(SQUARE, U, scores)
    assert len(processes[0].S) == 300
    assert explained(processes[0], scores) > 0.5


def test_noise_that_is_known_is_kept():
    U, scores = sampled(SQUARE, lambda x, y, z: x)
    quiet, noisy = (fit_processes(SQUARE, U, scores, noise=s)[0] for s in (0.0, 0.03))
    assert noisy.noise > 10 * quiet.noise


def test_probability_better():
    U, scores = sampled(SQUARE, lambda x, y, z: x, noise=0.02)
    processes = fit_processes(SQUARE, U, scores, noise=4e-4)
    others = np.array([[0.2, 0.5, 0.5], [0.8, 0.5, 0.5], [0.5, 0.5, 0.5]])
    found = probability_better(SQUARE, processes, np.array([0.5, 0.5, 0.5]), others)
    assert found[0] > 0.99
    assert found[1] < 0.01
    assert found[2] == pytest.approx(0.5)


def test_the_joint_posterior_agrees_with_the_single_one():
    U, scores = sampled(SQUARE, lambda x, y, z: x * y, n=20)
    gp = fit_processes(SQUARE, U, scores)[0]
    assert isinstance(gp, GP)
    Z = SQUARE.features(np.random.default_rng(2).random((7, 3)))
    mean, sd = gp.posterior(Z)
    joint_mean, covariance = gp.joint_posterior(Z)
    np.testing.assert_allclose(joint_mean, mean)
    np.testing.assert_allclose(np.sqrt(covariance.diagonal()), sd, rtol=1e-6)
    assert np.linalg.eigvalsh(covariance).min() > -1e-9
    # Two points have the covariance that conditioning on one of them implies.
    after = gp.append(Z[:1]).posterior(Z[1:2])[1][0] ** 2
    gain = covariance[0, 1] ** 2 / (covariance[0, 0] + gp.noise)
    assert after == pytest.approx(covariance[1, 1] - gain, rel=1e-6)
