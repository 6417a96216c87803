"""Acquisition criteria: what an evaluation at a row is worth. Arrays only.

Notation
--------
``m, k``                      rows, processes
``mean, sd`` (m,) or (k, m)   posterior of the score, larger is better
``best``                      the score to improve upon
``z``                         ``(mean - best) / sd``

A criterion is a function of ``mean``, ``sd`` and ``best`` that returns its value and
its derivatives along ``mean`` and ``sd``. The value is the logarithm of a utility, as
`log_mean_exp` averages utilities over several processes. To add a criterion, write one
such function and pass it to `proposal.propose`.

References
----------
.. [1] Ament, Daulton, Eriksson, Balandat, Bakshy (2023). Unexpected Improvements to
       Expected Improvement for Bayesian Optimization. arXiv:2310.20708.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import erfcx, ndtr

from sklearn_tuners._typing import FloatArray

__all__ = ["Criterion", "log_ei", "log_h", "log_mean_exp"]

Criterion = Callable[
    [FloatArray, FloatArray, FloatArray], tuple[FloatArray, FloatArray, FloatArray]
]
"""``(mean, sd, best) -> (value, by_mean, by_sd)``."""

_HALF_LOG_2PI = 0.5 * float(np.log(2.0 * np.pi))
_ROOT_HALF_PI = float(np.sqrt(np.pi / 2.0))
_SERIES_BELOW = -50.0
"""Below this z, ``1 + z m(z)`` loses more digits than the series that replaces it."""


def _log_h_and_slope(z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """``log h(z)``, ``cdf(z) / h(z)`` and ``pdf(z) / h(z)``, ``h = pdf + z cdf``.

    The relative error is at most 1e-10 for every z of absolute value up to 1e100 (the
    tests have reference values). There are three branches:

    - ``z > -1``: the definition; nothing cancels.
    - ``-50 < z <= -1``: ``h = pdf (1 + z m)`` with the ratio ``m = cdf / pdf =
      sqrt(pi/2) erfcx(-z / sqrt 2)`` ([1]_, eq. 9).
    - ``z <= -50``: ``1 + z m = t (1 - 3 t + 15 t^2 - 105 t^3 + ...)`` with
      ``t = z^-2``, from the asymptotic series of ``m`` (Abramowitz, Stegun 26.2.12).
    """
    # Each branch is computed for all z, clipped to the range where it is finite.
    near = z > -1.0
    above = np.maximum(z, -1.0)
    pdf, cdf = np.exp(-0.5 * above * above - _HALF_LOG_2PI), ndtr(above)
    h = pdf + above * cdf
    below = np.clip(z, _SERIES_BELOW, -1.0)
    mills = _ROOT_HALF_PI * erfcx(below * -np.sqrt(0.5))
    over_pdf = 1.0 + below * mills
    log_over = np.log(over_pdf)
    far = z <= _SERIES_BELOW
    if far.any():
        t = 1.0 / (z[far] * z[far])
        ratio = 1.0 - t * (3.0 - t * (15.0 - 105.0 * t))
        over_pdf[far] = t * ratio
        mills[far] = (1.0 - t * ratio) / -z[far]
        # Not log(t * ratio): t may underflow.
        log_over[far] = np.log(ratio) - 2.0 * np.log(-z[far])
    tail = np.minimum(z, -1.0)
    log_below = log_over - 0.5 * tail * tail - _HALF_LOG_2PI
    return (
        np.where(near, np.log(h), log_below),
        np.where(near, cdf / h, mills / over_pdf),
        np.where(near, pdf / h, 1.0 / over_pdf),
    )


def log_h(z: FloatArray) -> FloatArray:
    """Log of ``h(z) = pdf(z) + z cdf(z)``, the expected improvement at unit sd.

    Parameters
    ----------
    z : ndarray
        Finite, of absolute value up to 1e100.

    Returns
    -------
    ndarray
    """
    return _log_h_and_slope(z)[0]


def log_ei(
    mean: FloatArray, sd: FloatArray, best: float | FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Log expected improvement and its derivatives along ``mean`` and ``sd``.

    Parameters
    ----------
    mean, sd : ndarray of shape (m,) or (k, m)
        Posterior of one process or of k; ``sd`` is positive.
    best : float or ndarray of shape (k, 1)
        Score to improve upon.

    Returns
    -------
    value, by_mean, by_sd : ndarray of the shape of ``mean``

    Notes
    -----
    ``EI = sd h(z)`` and ``h' = cdf``, hence ``d log EI / d mean = cdf / (sd h)`` and
    ``d log EI / d sd = pdf / (sd h)``. The logarithm has a gradient even where EI
    underflows [1]_.
    """
    value, slope, density = _log_h_and_slope((mean - best) / sd)
    return value + np.log(sd), slope / sd, density / sd


def log_mean_exp(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Log of the mean of exponentials over the first axis, and each one's share.

    Parameters
    ----------
    values : ndarray of shape (k, m)

    Returns
    -------
    value : ndarray of shape (m,)
    shares : ndarray of shape (k, m)
        Derivatives of ``value`` along each row; columns sum to 1.
    """
    largest = values.max(axis=0)
    weights = np.exp(values - largest)
    total = weights.sum(axis=0)
    return largest + np.log(total / len(values)), weights / total
