"""Where to evaluate next: log expected improvement and its search. Arrays only.

Notation
--------
``m, d``                rows of a batch, columns of the unit cube
``U``        (m, d)     rows of the unit cube
``mean, sd`` (m,)       posterior of the score at the rows, larger is better
``best``                the score to improve upon
``z``        (m,)       ``(mean - best) / sd``

A criterion maps ``(mean, sd)`` to its value and its two partial derivatives; a
surface maps ``U`` to the criterion (and its gradient) through a surrogate. The search
below sees only surfaces, so it knows neither the surrogate nor the search space. It
handles all rows of a batch at once: no loop runs over candidates.

References
----------
.. [1] Ament, Daulton, Eriksson, Balandat, Bakshy (2023). Unexpected Improvements to
       Expected Improvement for Bayesian Optimization. arXiv:2310.20708.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr

__all__ = [
    "ascend",
    "first_active",
    "log_ei",
    "log_h",
    "log_mean_exp",
    "perturb",
    "spread",
    "sweep",
]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.intp]
Value = Callable[[FloatArray], FloatArray]
ValueAndGradient = Callable[[FloatArray], tuple[FloatArray, FloatArray]]

_HALF_LOG_2PI = 0.5 * float(np.log(2.0 * np.pi))
_ROOT_HALF_PI = float(np.sqrt(np.pi / 2.0))
#: Below it ``1 + z m(z)`` would lose more digits than the series it is replaced by.
_SERIES_BELOW = -50.0


def _log_h_and_slope(z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """``log h(z)``, ``cdf(z) / h(z)`` and ``pdf(z) / h(z)``, ``h = pdf + z cdf``.

    Three branches, all of relative accuracy 1e-10 or better for every finite z of
    absolute value up to 1e100 (the reference values are in the tests):

    - ``z > -1``: as it stands; nothing cancels.
    - ``-50 < z <= -1``: with the ratio ``m = cdf / pdf = sqrt(pi/2)
      erfcx(-z / sqrt 2)`` follows ``h = pdf (1 + z m)`` ([1]_, eq. 9).
    - ``z <= -50``: ``1 + z m = t (1 - 3 t + 15 t^2 - 105 t^3 + ...)``,
      ``t = z^-2``, the asymptotic series of ``m`` (Abramowitz, Stegun 26.2.12).
    """
    # The branches are computed for all z, clipped to where each is finite.
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
        Any finite value of size up to 1e100.

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
        Posterior, or that of each of k processes; ``sd`` is positive.
    best : float or ndarray of shape (k, 1)
        Score to improve upon.

    Returns
    -------
    value, by_mean, by_sd : ndarray of the shape of ``mean``

    Notes
    -----
    ``EI = sd h(z)`` and ``h' = cdf``, hence ``d log EI / d mean = cdf / (sd h)`` and
    ``d log EI / d sd = pdf / (sd h)``. The logarithm has a gradient even where EI
    itself underflows [1]_.
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


def perturb(
    U: FloatArray,
    is_categorical: BoolArray,
    active: BoolArray,
    n_each: int,
    rng: np.random.Generator,
    scales: FloatArray,
) -> FloatArray:
    """Rows near the rows of ``U``, at several distances.

    Each copy changes a few of its active columns, at least one: numeric ones by
    normal steps, categorical ones to a uniform draw.

    Parameters
    ----------
    U : ndarray of shape (k, d)
        Centres.
    is_categorical : ndarray of bool of shape (d,)
    active : ndarray of bool of shape (k, d)
        Columns that matter in each row; the others are left alone.
    n_each : int
        Copies of each centre.
    rng : numpy.random.Generator
    scales : ndarray of shape (n_scales,)
        Standard deviations of the steps, used in turn.

    Returns
    -------
    ndarray of shape (k * n_each, d)
        Not snapped.

    Notes
    -----
    A numeric column changes with probability ``min(1, 20 / d)``, the mask of TuRBO
    (Eriksson et al. 2019), a categorical one with ``1 / d``.
    """
    centres = np.repeat(U, n_each, axis=0)
    allowed = np.repeat(active, n_each, axis=0)
    m, d = centres.shape
    chance = np.where(is_categorical, 1.0 / d, min(1.0, 20.0 / d))
    lottery = rng.random((m, d))
    lottery[~allowed] = np.inf
    change = lottery < chance
    change[np.arange(m), np.argmin(lottery, axis=1)] = True
    step = np.resize(scales, m)[:, None] * rng.standard_normal((m, d))
    moved = np.where(is_categorical, rng.random((m, d)), centres + step)
    return np.clip(np.where(change & allowed, moved, centres), 0.0, 1.0)


def first_active(U: FloatArray, active: BoolArray, otherwise: float) -> FloatArray:
    """Coordinate of each column in the first row that has it active.

    Parameters
    ----------
    U : ndarray of shape (n, d)
        At least one row.
    active : ndarray of bool of shape (n, d)
    otherwise : float
        For columns that are active in no row.

    Returns
    -------
    ndarray of shape (d,)
    """
    first = U[active.argmax(axis=0), np.arange(U.shape[1])]
    return np.where(active.any(axis=0), first, otherwise)


def spread(U: FloatArray, values: FloatArray, k: int, radius: float) -> IntArray:
    """Find the best rows that are mutually farther apart than ``radius``.

    Parameters
    ----------
    U : ndarray of shape (m, d)
    values : ndarray of shape (m,)
        Larger is better.
    k : int
        Rows wanted; fewer are returned if fewer are that far apart.
    radius : float
        Smallest distance along the column that differs most.

    Returns
    -------
    ndarray of int
        Indices, best first.
    """
    left = values.copy()
    chosen: list[int] = []
    for _ in range(min(k, len(U))):
        best = int(np.argmax(left))
        if left[best] == -np.inf:
            break
        chosen.append(best)
        left[np.abs(U - U[best]).max(axis=1) <= radius] = -np.inf
    return np.array(chosen, dtype=np.intp)


def ascend(
    U: FloatArray,
    surface: ValueAndGradient,
    free: BoolArray,
    scale: FloatArray,
    *,
    n_steps: int = 12,
) -> tuple[FloatArray, FloatArray]:
    """Climb from every row at once by projected BFGS with backtracking.

    Parameters
    ----------
    U : ndarray of shape (k, d)
        Starts.
    surface : callable
        ``U -> (values (k,), gradients (k, d))``.
    free : ndarray of bool of shape (d,)
        Columns that may move.
    scale : ndarray of shape (d,)
        Typical length of each column: the first metric is its square.
    n_steps : int, default=12
        Evaluations of the surface.

    Returns
    -------
    U : ndarray of shape (k, d)
        Rows at least as good as the starts.
    values : ndarray of shape (k,)

    Notes
    -----
    One evaluation a round serves every row: a row whose trial was refused tries a
    quarter of its step in the next round while the others go on. Columns held by a
    bound are left out of the direction (Bertsekas 1982). The longest step is half a
    length: further away the curvature says nothing.
    """
    values, slopes = surface(U)
    start_metric = np.diag(np.where(free, scale, 0.0) ** 2)
    metric = np.tile(start_metric, (len(U), 1, 1))
    step = np.ones(len(U))
    for _ in range(n_steps - 1):
        held = ((U <= 0.0) & (slopes < 0.0)) | ((U >= 1.0) & (slopes > 0.0)) | ~free
        pull = np.where(held, 0.0, slopes)
        direction = np.where(held, 0.0, np.einsum("kij,kj->ki", metric, pull))
        longest = np.abs(direction / scale).max(axis=1)
        if longest.max() * step.max() < 1e-4:
            break
        direction *= (step * np.minimum(1.0, 0.5 / np.maximum(longest, 1e-9)))[:, None]
        trial = np.clip(U + direction, 0.0, 1.0)
        moved = trial - U
        trial_values, trial_slopes = surface(trial)
        taken = trial_values >= values + 1e-4 * np.einsum("kj,kj->k", pull, moved)
        _update_metric(metric, taken, moved, slopes - trial_slopes, free)
        U = np.where(taken[:, None], trial, U)
        slopes = np.where(taken[:, None], trial_slopes, slopes)
        values = np.where(taken, trial_values, values)
        step = np.where(taken, 1.0, 0.25 * step)
        # A direction refused down to 1/256 is a bad metric: start it again.
        stuck = step < 0.01
        metric[stuck] = start_metric
        step[stuck] = 0.05
    return U, values


def _update_metric(
    metric: FloatArray,
    taken: BoolArray,
    moved: FloatArray,
    bend: FloatArray,
    free: BoolArray,
) -> None:
    """BFGS update in place of the inverse Hessians of the rows that moved uphill.

    ``bend`` is the fall of the gradient along ``moved``. Rows without positive
    curvature keep their metric (Nocedal, Wright 2006, eq. 6.17 and section 18.3).
    """
    bend = np.where(free, bend, 0.0)
    curvature = np.einsum("kj,kj->k", moved, bend)
    sizes = np.linalg.norm(moved, axis=1) * np.linalg.norm(bend, axis=1)
    rows = np.flatnonzero(taken & (curvature > 1e-8 * sizes))
    if not len(rows):
        return
    s, y, rho = moved[rows], bend[rows], 1.0 / curvature[rows]
    H = metric[rows]
    Hy = np.einsum("kij,kj->ki", H, y)
    cross = np.einsum("ki,kj->kij", s, Hy) * rho[:, None, None]
    lift = rho * (1.0 + rho * np.einsum("kj,kj->k", y, Hy))
    H -= cross + cross.transpose(0, 2, 1)
    H += lift[:, None, None] * np.einsum("ki,kj->kij", s, s)
    metric[rows] = H


def sweep(
    U: FloatArray,
    values: FloatArray,
    moves: Callable[[FloatArray], tuple[FloatArray, IntArray]],
    surface: Value,
    *,
    n_rounds: int = 2,
) -> tuple[FloatArray, FloatArray]:
    """Improve discrete columns one at a time, each row its best move in each round.

    Parameters
    ----------
    U : ndarray of shape (k, d)
        Snapped rows.
    values : ndarray of shape (k,)
        Their values.
    moves : callable
        ``U -> (rows (m, d), parent (m,))``: snapped rows that differ from their
        parent in one discrete column.
    surface : callable
        ``U -> values``.
    n_rounds : int, default=2

    Returns
    -------
    U : ndarray of shape (k, d)
    values : ndarray of shape (k,)
    """
    U, values = U.copy(), values.copy()
    for _ in range(n_rounds):
        rows, parent = moves(U)
        if not len(rows):
            break
        gains = surface(rows)
        # Ascending, so that the last write to a parent is its best move.
        order = np.argsort(gains, kind="stable")
        order = order[gains[order] > values[parent[order]]]
        if not len(order):
            break
        U[parent[order]] = rows[order]
        values[parent[order]] = gains[order]
    return U, values
