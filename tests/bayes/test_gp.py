"""The Gaussian process against definitions, finite differences and dense algebra."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal, norm

from sklearn_tuners._bayes import gp as _gp
from sklearn_tuners._bayes.gp import (
    GP,
    condition,
    default_prior,
    fit,
    neg_log_posterior,
)

GROUP = np.array([0, 1, 2, 2, 2])  # two numeric columns, one block of three levels
CATEGORICAL = np.array([False, False, True])
PRIOR = default_prior(CATEGORICAL, 3.0)


def features(n, seed=0):
    rng = np.random.default_rng(seed)
    levels = np.eye(3)[rng.integers(3, size=n)] / np.sqrt(2.0)
    return np.hstack([rng.random((n, 2)), levels])


def targets(Z):
    y = np.sin(4.0 * Z[:, 0]) + Z[:, 1] ** 2 + Z[:, 3]
    return (y - y.mean()) / y.std()


def theta_like(seed=0, noise=0.05):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(-0.5, 0.3, 3), [0.3], [np.log(noise)]])


def dense_kernel(A, B, theta):
    """The definition, pair by pair."""
    scale = np.exp(-theta[GROUP])
    r = np.linalg.norm((A[:, None] - B[None]) * scale, axis=2)
    q = np.sqrt(5.0) * r
    return np.exp(theta[-2]) * (1 + q + q**2 / 3) * np.exp(-q)


@pytest.fixture
def data():
    Z = features(15)
    return Z, targets(Z)


@pytest.fixture
def gp(data) -> GP:
    Z, y = data
    return condition(Z, y, GROUP, theta_like())


def test_kernel_reference_values():
    # c(r) = (1 + sqrt5 r + 5/3 r^2) exp(-sqrt5 r), computed with 30 digits.
    r = np.array([0.0, 0.1, 1.0, 3.0])
    value, _ = _gp._matern52(r**2, 1.0)
    expected = [1.0, 0.99175923617117762, 0.52399410883182031, 0.027723421914625811]
    assert_allclose(value, expected, rtol=1e-14)


def test_kernel_slope_is_its_derivative():
    r2 = np.array([1e-3, 0.1, 1.0, 7.0])
    step = 1e-6
    _, slope = _gp._matern52(r2, 1.7)
    up, _ = _gp._matern52(r2 + step, 1.7)
    down, _ = _gp._matern52(r2 - step, 1.7)
    assert_allclose(slope, -(up - down) / step, rtol=1e-6)


def test_one_hot_blocks_are_hamming_distances():
    Z = features(20)[:, 2:]
    r2 = _gp._scaled_r2(Z, Z)
    differ = (Z[:, None] != Z[None]).any(axis=2)
    assert_allclose(r2, differ.astype(float), atol=1e-15)


def test_log_prior_density():
    theta = theta_like()
    expected = norm.logpdf(theta, PRIOR.mean, PRIOR.sd).sum()
    assert_allclose(PRIOR.log_density(theta), expected, rtol=1e-12)


def test_prior_scales_with_the_root_of_active_dimensions():
    one, nine = (default_prior(CATEGORICAL, d) for d in (1.0, 9.0))
    ratio = np.exp(nine.mean - one.mean)
    assert_allclose(ratio, [3.0, 3.0, 1.0, 1.0, 1.0])


def test_stretch_multiplies_the_expected_lengthscale():
    stretched = default_prior(CATEGORICAL, 3.0, stretch=np.array([1.0, 4.0, 1.0]))
    for name in ("mean", "lower", "upper"):
        ratio = np.exp(getattr(stretched, name) - getattr(PRIOR, name))
        assert_allclose(ratio, [1.0, 4.0, 1.0, 1.0, 1.0])


def test_objective_is_minus_log_of_likelihood_times_prior(data):
    Z, y = data
    theta = theta_like()
    K = dense_kernel(Z, Z, theta) + np.exp(theta[-1]) * np.eye(len(y))
    inverse = np.linalg.inv(K)
    mean = (inverse @ y).sum() / inverse.sum()
    likelihood = multivariate_normal(np.full(len(y), mean), K).logpdf(y)
    value, _ = neg_log_posterior(theta, Z, y, GROUP, PRIOR)
    assert_allclose(value, -(likelihood + PRIOR.log_density(theta)), rtol=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_objective_gradient(data, seed):
    Z, y = data
    theta = theta_like(seed)
    _, gradient = neg_log_posterior(theta, Z, y, GROUP, PRIOR)
    step = 1e-5
    numeric = [
        (
            neg_log_posterior(theta + step * e, Z, y, GROUP, PRIOR)[0]
            - neg_log_posterior(theta - step * e, Z, y, GROUP, PRIOR)[0]
        )
        / (2 * step)
        for e in np.eye(len(theta))
    ]
    assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-6)


def test_fit_ends_at_a_stationary_point_inside_its_box():
    Z = features(40)
    theta = fit(Z, targets(Z), GROUP, PRIOR)
    _, gradient = neg_log_posterior(theta, Z, targets(Z), GROUP, PRIOR)
    free = (theta > PRIOR.lower) & (theta < PRIOR.upper)
    assert np.abs(gradient[free]).max() < 0.1
    assert (PRIOR.lower <= theta).all()
    assert (theta <= PRIOR.upper).all()


def test_fit_finds_which_feature_matters():
    Z = features(40)
    y = np.sin(6.0 * Z[:, 0])
    lengths = np.exp(fit(Z, (y - y.mean()) / y.std(), GROUP, PRIOR)[:3])
    assert lengths[0] < 0.5 * lengths[1]


def test_posterior_is_the_textbook_formula(data, gp):
    Z, y = data
    theta, query = theta_like(), features(7, seed=1)
    K = dense_kernel(Z, Z, theta) + np.exp(theta[-1]) * np.eye(len(y))
    k = dense_kernel(query, Z, theta)
    mean = gp.mean + k @ np.linalg.solve(K, y - gp.mean)
    variance = np.exp(theta[-2]) - np.einsum("ij,ji->i", k, np.linalg.solve(K, k.T))
    assert_allclose(gp.posterior(query)[0], mean, rtol=1e-9)
    assert_allclose(gp.posterior(query)[1], np.sqrt(variance), rtol=1e-9)
    assert_allclose(gp.posterior_mean(query), mean, rtol=1e-9)


def test_posterior_gradients(gp):
    query, step = features(6, seed=2), 1e-6
    mean, sd, d_mean, d_sd = gp.posterior_with_gradient(query)
    assert_allclose(mean, gp.posterior(query)[0], rtol=1e-12)
    assert_allclose(sd, gp.posterior(query)[1], rtol=1e-12)
    for column, e in enumerate(np.eye(query.shape[1])):
        up, down = gp.posterior(query + step * e), gp.posterior(query - step * e)
        numeric = [(u - d) / (2 * step) for u, d in zip(up, down, strict=True)]
        assert_allclose(d_mean[:, column], numeric[0], rtol=1e-5, atol=1e-7)
        assert_allclose(d_sd[:, column], numeric[1], rtol=1e-5, atol=1e-7)


def test_noise_free_process_interpolates(data):
    Z, y = data
    mean, sd = condition(Z, y, GROUP, theta_like(noise=1e-8)).posterior(Z)
    assert_allclose(mean, y, atol=1e-5)
    assert sd.max() < 1e-3


def test_append_equals_conditioning_on_the_posterior_mean(data, gp):
    Z, y = data
    new, query = features(3, seed=3), features(5, seed=4)
    appended = gp.append(new)
    K_all = np.concatenate([Z, new])
    theta = theta_like()
    K = dense_kernel(K_all, K_all, theta) + np.exp(theta[-1]) * np.eye(len(K_all))
    k = dense_kernel(query, K_all, theta)
    y_all = np.concatenate([y, gp.posterior_mean(new)]) - gp.mean
    variance = np.exp(theta[-2]) - np.einsum("ij,ji->i", k, np.linalg.solve(K, k.T))
    mean, sd = appended.posterior(query)
    assert_allclose(mean, gp.mean + k @ np.linalg.solve(K, y_all), rtol=1e-9)
    assert_allclose(mean, gp.posterior_mean(query), rtol=1e-12)
    assert_allclose(sd, np.sqrt(variance), rtol=1e-8)
    assert (sd <= gp.posterior(query)[1] + 1e-12).all()


def test_append_row_by_row_equals_append_at_once(gp):
    new, query = features(4, seed=5), features(5, seed=6)
    single = gp
    for row in new:
        single = single.append(row[None])
    assert_allclose(
        single.posterior(query)[1], gp.append(new).posterior(query)[1], rtol=1e-10
    )


def test_repeated_rows_do_not_break_the_factor():
    Z = np.repeat(features(5), 8, axis=0)
    theta = np.concatenate([np.full(3, 3.0), [2.0], [np.log(1e-14)]])
    gp = condition(Z, targets(Z), GROUP, theta)
    assert np.isfinite(gp.posterior(features(5, seed=1))[0]).all()


def test_a_matrix_that_no_jitter_repairs_is_an_error():
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        _gp._cholesky(np.array([[1.0, 2.0], [2.0, 1.0]]), 1.0, 1e-3)


def test_laplace_draws_have_the_moments_of_the_approximation(data):
    Z, y = data
    mode = fit(Z, y, GROUP, PRIOR)
    normals = np.random.default_rng(0).standard_normal((4000, len(mode)))
    wide = _gp.replace(PRIOR, lower=PRIOR.lower - 99, upper=PRIOR.upper + 99)
    draws = _gp.laplace_draws(mode, Z, y, GROUP, wide, normals)
    step = 1e-4
    hessian = np.array(
        [
            neg_log_posterior(mode + step * e, Z, y, GROUP, wide)[1]
            - neg_log_posterior(mode - step * e, Z, y, GROUP, wide)[1]
            for e in np.eye(len(mode))
        ]
    ) / (2 * step)
    assert np.linalg.eigvalsh(hessian).min() > 0.5
    assert_allclose(draws.mean(axis=0), mode, atol=0.06)
    assert_allclose(np.cov(draws.T), np.linalg.inv(hessian), atol=0.08)


def test_antithetic_normals_are_pairs_of_opposite_sign():
    normals = _gp.antithetic_normals(6, 2, np.random.default_rng(0))
    expected = np.random.default_rng(0).standard_normal((3, 2))
    assert_allclose(normals, np.concatenate([expected, -expected]), rtol=0)
    assert _gp.antithetic_normals(0, 2, np.random.default_rng(0)).shape == (0, 2)


def test_laplace_draws_stay_in_the_box(data):
    Z, y = data
    mode = fit(Z, y, GROUP, PRIOR)
    normals = 50.0 * np.random.default_rng(0).standard_normal((20, len(mode)))
    draws = _gp.laplace_draws(mode, Z, y, GROUP, PRIOR, normals)
    assert (draws >= PRIOR.lower).all()
    assert (draws <= PRIOR.upper).all()


def test_laplace_draws_do_not_depend_on_the_signs_of_eigenvectors(data, monkeypatch):
    Z, y = data
    mode = _gp.fit(Z, y, GROUP, PRIOR)
    normals = np.random.default_rng(0).standard_normal((6, len(mode)))
    draws = _gp.laplace_draws(mode, Z, y, GROUP, PRIOR, normals)
    eigh = np.linalg.eigh

    def flipped(matrix):
        values, vectors = eigh(matrix)
        return values, vectors * (-1.0) ** np.arange(len(values))

    monkeypatch.setattr(np.linalg, "eigh", flipped)
    again = _gp.laplace_draws(mode, Z, y, GROUP, PRIOR, normals)
    assert_allclose(again, draws, rtol=1e-12)
