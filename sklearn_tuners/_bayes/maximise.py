"""The search for the rows of largest value on a surface. Arrays only.

Notation
--------
``m, d``                rows of a batch, columns of the unit cube
``U``        (m, d)     rows of the unit cube

A surface maps ``U`` to values, or to values and gradients. It hides the surrogate, the
criterion and the search space. Every function handles all rows of a batch at once; none
loops over candidates.

References
----------
.. [1] Nocedal, Wright (2006). Numerical Optimization.
.. [2] Bertsekas (1982). Projected Newton Methods for Optimization Problems with Simple
       Constraints. SIAM Journal on Control and Optimization 20(2).
.. [3] Eriksson, Pearce, Gardner, Turner, Poloczek (2019). Scalable Global Optimization
       via Local Bayesian Optimization. NeurIPS. arXiv:1910.01739.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sklearn_tuners._typing import BoolArray, FloatArray, IntArray

__all__ = [
    "ascend",
    "best_first",
    "first_active",
    "levelled",
    "perturb",
    "spread",
    "sweep",
]

Value = Callable[[FloatArray], FloatArray]
ValueAndGradient = Callable[[FloatArray], tuple[FloatArray, FloatArray]]

_N_CHANGED = 20
"""Numeric columns that a copy changes on average, if there are more ([3]_, TuRBO)."""
_DECIMALS = 6
"""Of values that are compared. A millionth of a log utility is worth nothing, but the
rounding errors by which values of equal rows differ are smaller."""
_TOLERANCE = 1e-9
"""Fall of the value that a step may bring: at a top, only rounding errors are left."""
_SUFFICIENT = 1e-4
"""Share of the expected gain that a step must achieve ([1]_, Sec. 3.1)."""
_LONGEST_STEP = 0.5
"""Longest step, in lengthscales: farther away, the curvature at the start says
little."""
_SHORTER = 0.25
"""Factor by which a refused step is shortened (not varied)."""
_STUCK_BELOW = 0.01
"""A step refused down to 1/256 shows that the metric is bad: start it again."""
_STEP_AFTER_STUCK = 0.05
"""Step with which such a climb begins again, in units of that metric (not varied)."""
_NEGLIGIBLE_STEP = 1e-4
"""In lengthscales: the climb ends when no row would move farther."""
_LEAST_CURVATURE = 1e-8
"""Cosine of step and change of gradient below which a row keeps its metric, as BFGS
needs positive curvature ([1]_, Eq. 6.7)."""


def perturb(
    U: FloatArray,
    is_categorical: BoolArray,
    active: BoolArray,
    n_each: int,
    rng: np.random.Generator,
    scales: FloatArray,
) -> FloatArray:
    """Return copies of the rows of ``U``, moved by several distances.

    Each copy changes a few of its active columns, and at least one: numeric columns by
    normal steps, categorical columns to a uniform draw.

    Parameters
    ----------
    U : ndarray of shape (k, d)
        Rows around which to search.
    is_categorical : ndarray of bool of shape (d,)
    active : ndarray of bool of shape (k, d)
        Columns that matter in each row; the others do not change.
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
    A numeric column changes with probability ``min(1, 20 / d)``, as in TuRBO [3]_, and
    a categorical column with probability ``1 / d``.
    """
    centres = np.repeat(U, n_each, axis=0)
    allowed = np.repeat(active, n_each, axis=0)
    m, d = centres.shape
    chance = np.where(is_categorical, 1.0 / d, min(1.0, _N_CHANGED / d))
    lottery = rng.random((m, d))
    lottery[~allowed] = np.inf
    change = lottery < chance
    change[np.arange(m), np.argmin(lottery, axis=1)] = True
    step = np.resize(scales, m)[:, None] * rng.standard_normal((m, d))
    moved = np.where(is_categorical, rng.random((m, d)), centres + step)
    return np.clip(np.where(change & allowed, moved, centres), 0.0, 1.0)


def levelled(values: FloatArray) -> FloatArray:
    """Return values in which what differs by rounding errors is equal.

    Parameters
    ----------
    values : ndarray

    Returns
    -------
    ndarray
    """
    return np.asarray(np.round(values, _DECIMALS))


def best_first(values: FloatArray) -> IntArray:
    """Return the order from the largest value to the least, ties in their order.

    Parameters
    ----------
    values : ndarray of shape (m,)

    Returns
    -------
    ndarray of int of shape (m,)
    """
    return np.argsort(-levelled(values), kind="stable")


def first_active(U: FloatArray, active: BoolArray, otherwise: float) -> FloatArray:
    """Return the coordinate of each column in the first row where it is active.

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
    """Find the best rows that are farther apart than ``radius``.

    Parameters
    ----------
    U : ndarray of shape (m, d)
    values : ndarray of shape (m,)
        Larger is better.
    k : int
        Number of rows; fewer are returned if fewer are that far apart.
    radius : float
        Distance along the column that differs most.

    Returns
    -------
    ndarray of int
        Indices, best first.
    """
    left = levelled(values)
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
        Rows to start from.
    surface : callable
        ``U -> (values (k,), gradients (k, d))``.
    free : ndarray of bool of shape (d,)
        Columns that may move.
    scale : ndarray of shape (d,)
        Lengthscale of each column; the first metric is its square.
    n_steps : int, default=12
        Evaluations of the surface.

    Returns
    -------
    U : ndarray of shape (k, d)
        Rows as good as the starts or better.
    values : ndarray of shape (k,)

    Notes
    -----
    Each round evaluates the surface once for all rows: a row that was refused its step
    tries a quarter of it in the next round, while the others go on. Columns held by a
    bound are left out of the direction [2]_.
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
        if longest.max() * step.max() < _NEGLIGIBLE_STEP:
            break
        shortened = np.minimum(1.0, _LONGEST_STEP / np.maximum(longest, 1e-9))
        direction *= (step * shortened)[:, None]
        trial = np.clip(U + direction, 0.0, 1.0)
        moved = trial - U
        trial_values, trial_slopes = surface(trial)
        expected = np.einsum("kj,kj->k", pull, moved)
        taken = trial_values >= values + _SUFFICIENT * expected - _TOLERANCE
        _update_metric(metric, taken, moved, slopes - trial_slopes, free)
        U = np.where(taken[:, None], trial, U)
        slopes = np.where(taken[:, None], trial_slopes, slopes)
        values = np.where(taken, trial_values, values)
        step = np.where(taken, 1.0, _SHORTER * step)
        stuck = step < _STUCK_BELOW
        metric[stuck] = start_metric
        step[stuck] = _STEP_AFTER_STUCK
    return U, values


def _update_metric(
    metric: FloatArray,
    taken: BoolArray,
    moved: FloatArray,
    bend: FloatArray,
    free: BoolArray,
) -> None:
    """Update the inverse Hessians of the rows that moved, in place ([1]_, Eq. 6.17).

    ``bend`` is the fall of the gradient along ``moved``.
    """
    bend = np.where(free, bend, 0.0)
    curvature = np.einsum("kj,kj->k", moved, bend)
    sizes = np.linalg.norm(moved, axis=1) * np.linalg.norm(bend, axis=1)
    rows = np.flatnonzero(taken & (curvature > _LEAST_CURVATURE * sizes))
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
    """Improve discrete columns: in each round, each row makes its best move.

    Parameters
    ----------
    U : ndarray of shape (k, d)
        Snapped rows.
    values : ndarray of shape (k,)
        Their values.
    moves : callable
        ``U -> (rows (m, d), parents (m,))``: snapped rows that differ from the row of
        ``U`` that is their parent in one discrete column.
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
        # The best move last, so that it is the one that is kept.
        order = best_first(gains)[::-1]
        is_gain = levelled(gains) > levelled(values)[parent]
        order = order[is_gain[order]]
        if not len(order):
            break
        U[parent[order]] = rows[order]
        values[parent[order]] = gains[order]
    return U, values
