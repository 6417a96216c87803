"""Log expected improvement against values of 17 digits."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm

from sklearn_tuners._bayes import acquisition

# z, log(pdf(z) + z cdf(z)), cdf(z) / (pdf(z) + z cdf(z)): mpmath, 60 to 2000 digits.
REFERENCE = [
    (40, 3.6888794541139363, 0.025),
    (5, 1.6094379231264314, 0.19999994053122005),
    (1, 0.08002621884930694, 0.77663872520173926),
    (0, -0.91893853320467274, 1.2533141373155003),
    (-0.5, -1.6205162643873199, 1.5598731483480797),
    (-0.999999, -2.485119121441769, 1.9042705113520568),
    (-1, -2.4851210257126413, 1.9042712333296918),
    (-1.000001, -2.4851229299842357, 1.9042719553074503),
    (-2, -4.7687835239171142, 2.679416883955586),
    (-5, -16.74430116266099, 5.3618162412880885),
    (-10, -55.553122036122356, 10.194383033412553),
    (-49.9, -1253.7451836641036, 49.940032006382115),
    (-50, -1258.7441828684609, 50.039952133872655),
    (-50.1, -1263.7531741014686, 50.139872579076463),
    (-100, -5010.1295788002498, 100.01999400419587),
    (-1000, -500014.73445209116, 1000.001999994),
    (-1e5, -5000000023.9447895, 100000.00002),
    (-1e8, -5000000000000037.8, 100000000.00000002),
    (-1e50, -5.0e99, 1.0e50),
    (-1e100, -5.0e199, 1.0e100),
]


@pytest.mark.parametrize(("z", "expected", "slope"), REFERENCE)
def test_log_h_reference_values(z, expected, slope):
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        value, by_mean, _ = acquisition.log_ei(np.array([float(z)]), np.ones(1), 0.0)
    assert_allclose(value, expected, rtol=1e-13)
    assert_allclose(acquisition.log_h(np.array([float(z)])), expected, rtol=1e-13)
    assert_allclose(by_mean, slope, rtol=1e-10)


def test_log_h_increases_and_has_no_jumps():
    z = np.linspace(-60.0, 5.0, 20001)
    steps = np.diff(acquisition.log_h(z))
    assert (steps > 0).all()
    assert np.abs(np.diff(steps)).max() < 1e-4


def test_log_ei_is_the_log_of_expected_improvement():
    rng = np.random.default_rng(0)
    mean, sd = rng.normal(size=4), rng.uniform(0.5, 2.0, 4)
    draws = norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    gains = np.maximum(mean[:, None] + sd[:, None] * draws - 0.3, 0.0).mean(axis=1)
    assert_allclose(acquisition.log_ei(mean, sd, 0.3)[0], np.log(gains), atol=1e-4)


@pytest.mark.parametrize("z", [3.0, 0.0, -0.9, -1.1, -6.0, -49.0, -80.0])
def test_log_ei_derivatives(z):
    sd, best, step = np.array([0.7]), 0.2, 1e-6
    mean = best + z * sd

    def value(m, s):
        return acquisition.log_ei(m, s, best)[0]

    _, by_mean, by_sd = acquisition.log_ei(mean, sd, best)
    numeric = (value(mean + step, sd) - value(mean - step, sd)) / (2 * step)
    assert_allclose(by_mean, numeric, rtol=1e-6)
    numeric = (value(mean, sd + step) - value(mean, sd - step)) / (2 * step)
    assert_allclose(by_sd, numeric, rtol=1e-6)


def test_log_mean_exp_and_its_derivatives():
    values = np.array([[0.0, -1000.0, -3000.0], [1.0, -1001.0, -10.0]])
    value, shares = acquisition.log_mean_exp(values)
    tail = np.log((1 + np.exp(-1.0)) / 2)
    assert_allclose(value, [1 + tail, -1000 + tail, -10 - np.log(2)])
    assert_allclose(shares.sum(axis=0), 1.0)
    assert_allclose(shares[:, 0], [1 / (1 + np.e), np.e / (1 + np.e)])
