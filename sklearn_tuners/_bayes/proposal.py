"""From the processes of the surrogate to the row that is proposed.

Notation
--------
``n, k``               told trials, processes
``d``                  columns of the unit cube
``U``      (m, d)      rows of the unit cube (encoded, snapped)
``pending`` (k, d)     rows that are being evaluated
``again``  (k, d)      told rows that may be proposed again

The criterion of the processes is a surface over the unit cube. A cloud of candidates is
screened on it, the best ones climb, and the best row that is not nearly a repeat is
proposed. This module knows what a surface is in a search space, with discrete and
inactive columns; `maximise` searches any surface.

References
----------
.. [1] Ginsbourger, Le Riche, Carraro (2010). Kriging is well-suited to parallelize
       optimization.
.. [2] Cranley, Patterson (1976). Randomization of number theoretic methods for
       multiple integration.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from itertools import chain, islice

import numpy as np

from sklearn_tuners._bayes import maximise
from sklearn_tuners._bayes.acquisition import Criterion, log_ei, log_mean_exp
from sklearn_tuners._bayes.gp import GP
from sklearn_tuners._bayes.surrogate import Trials, full_inputs
from sklearn_tuners._space.space import Space
from sklearn_tuners._typing import FloatArray, IntArray

__all__ = ["Surface", "cloud", "propose"]

# With these sizes an ask takes below 20 ms at 50 trials (docs/measured/overhead.md).
# They were not varied one by one.
_N_CENTRES = 5
"""Number of best told rows around which to search."""
_N_COPIES = 64
"""Copies of each of them."""
_DISTANCES = np.array([0.15, 0.05, 0.015])
"""Distances of the copies, in turn, from coarse to fine."""
_N_FRONT = 64
"""Best rows of the cloud, which all processes judge."""
_N_CLIMBS = 8
"""Rows that climb."""
_CLIMB_RADIUS = 0.02
"""How far apart they start, so that they do not climb the same hill."""
_LAST_STEPS = 8
"""Steps of the last climb, which only follows the change of discrete columns."""
_BLOCK = 64
"""Candidates compared with the taken rows at a time: mostly the first ones suffice."""
_UNEQUAL = 1e6
"""Distance of two categories, relative to the width of a numeric column."""


def propose(
    space: Space,
    processes: Sequence[GP],
    trials: Trials,
    *,
    pending: FloatArray,
    again: FloatArray,
    even: FloatArray,
    radius: float,
    rng: np.random.Generator,
    criterion: Criterion = log_ei,
) -> FloatArray | None:
    """Return the best row that is found: a new one, or one of ``again``.

    Parameters
    ----------
    space : Space
        The space that the rows belong to.
    processes : sequence of GP
        Fitted to the trials, the most probable one first.
    trials : Trials
        At least one score is finite.
    pending : ndarray of shape (k, d)
        Rows that are being evaluated. Each counts with the score that the processes
        predict for it (kriging believer [1]_).
    again : ndarray of shape (k, d)
        Told rows that may be proposed again.
    even : ndarray of shape (m, d)
        Points that fill the unit cube evenly.
    radius : float
        Rows closer than this to a told or pending one are nearly repeats of it.
    rng : numpy.random.Generator
    criterion : callable, default=log_ei
        The criterion that is maximised, see `acquisition`.

    Returns
    -------
    ndarray of shape (d,) or None
        None if every candidate has been told or is pending.
    """
    # The score to improve upon is the expected score of the best told row at full
    # fidelity.
    Z = full_inputs(space, trials.rows[trials.finite], trials.n_context)
    best = [float(gp.posterior_mean(Z).max()) for gp in processes]
    if len(pending):
        Z = full_inputs(space, pending, trials.n_context)
        processes = [gp.append(Z) for gp in processes]
    ranked = trials.rows[trials.order]
    surface = Surface(space, processes, best, _usual(space, ranked), criterion)
    start = np.concatenate([again, cloud(space, ranked, even, rng)])
    back = {space.key(row) for row in again}
    taken = [row for row in (*trials.rows, *pending) if space.key(row) not in back]
    row = _first_new(space, surface.search(start), taken, radius, back)
    if row is None or not len(again):
        return row
    gap = _gaps(space, row[None], again)[0]
    return again[gap.argmin()] if gap.min() <= radius else row


def cloud(
    space: Space, ranked: FloatArray, even: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Return candidates all over the space and near the best told rows.

    Parameters
    ----------
    space : Space
    ranked : ndarray of shape (n, d)
        Told rows, best first.
    even : ndarray of shape (m, d)
        Points that fill the unit cube evenly.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (l, d)
        Snapped rows.
    """
    # A random shift makes another even set of the given one [2].
    everywhere = space.quantile((even + rng.random(space.n_dims)) % 1.0)
    leaders = ranked[:_N_CENTRES]
    active = space.active(leaders)
    near = maximise.perturb(
        np.where(active, leaders, _usual(space, ranked)),
        np.asarray(space.is_categorical),
        active,
        _N_COPIES,
        rng,
        _DISTANCES,
    )
    return space.inside(np.concatenate([everywhere, near]))


def _usual(space: Space, ranked: FloatArray) -> FloatArray:
    """Return the coordinates that columns start with when a move makes them active.

    They are those of the best told row where the column is active. In spaces without
    conditions, where moves rarely change the branch, they are the middle.
    """
    if not space.is_source.any():
        return np.full(space.n_dims, 0.5)
    return maximise.first_active(ranked, space.active(ranked), 0.5)


def _first_new(
    space: Space,
    candidates: FloatArray,
    taken: Sequence[FloatArray],
    radius: float,
    kept: Container[bytes] = (),
) -> FloatArray | None:
    """Return the first row that is not nearly a repeat, else not exactly one.

    It is rounded, unless its key is in `kept` or all round rows are taken.
    """

    def rounded(row: FloatArray) -> FloatArray:
        return row if space.key(row) in kept else space.rounded(row)

    others = np.array(taken).reshape(-1, space.n_dims)
    for start in range(0, len(candidates), _BLOCK):
        rows = candidates[start : start + _BLOCK]
        gap = _gaps(space, rows, others).min(axis=1, initial=np.inf)
        for row in map(rounded, rows[gap > radius]):
            if _gaps(space, row[None], others).min(initial=np.inf) > radius:
                return row
    keys = {space.key(row) for row in taken}
    left = (row for row in candidates if space.key(row) not in keys)
    exact = next(left, None)
    if exact is None:
        return None
    some = map(rounded, islice(chain([exact], left), _BLOCK))
    return next((row for row in some if space.key(row) not in keys), exact)


def _gaps(space: Space, rows: FloatArray, others: FloatArray) -> FloatArray:
    """Return the largest difference along a column of each row to each other one."""
    weight = np.where(space.is_categorical, _UNEQUAL, 1.0)
    return np.asarray(np.abs((rows[:, None] - others) * weight).max(axis=2))


class Surface:
    """A criterion as a function of rows of the unit cube.

    With several processes, each with its own score to improve upon, it is the log of
    their mean utility.

    Parameters
    ----------
    space : Space
        The space that the rows belong to.
    processes : sequence of GP
        The most probable one first.
    best : sequence of float
        Score to improve upon, for each process.
    usual : ndarray of shape (d,)
        Coordinates that columns start with when a move makes them active.
    criterion : callable, default=log_ei
        ``(mean, sd, best) -> (value, by_mean, by_sd)``, see `acquisition`.
    """

    def __init__(
        self,
        space: Space,
        processes: Sequence[GP],
        best: Sequence[float],
        usual: FloatArray,
        criterion: Criterion = log_ei,
    ) -> None:
        self.space, self.processes, self.usual = space, processes, usual
        self.criterion = criterion
        self._n_context = processes[0].w.shape[0] - len(space.feature_source)
        self.best = np.array(best)[:, None]
        # Sums the derivatives of the features of each column.
        self._scatter = np.eye(space.n_dims)[space.feature_source]
        self._discrete = np.flatnonzero(np.isfinite(space.n_levels))

    def value(self, U: FloatArray, n_processes: int | None = None) -> FloatArray:
        """Return values at the rows of ``U``, by the first processes or all of them."""
        Z = full_inputs(self.space, U, self._n_context)
        parts = [gp.posterior(Z) for gp in self.processes[:n_processes]]
        mean, sd = (np.stack(part) for part in zip(*parts, strict=True))
        values = self.criterion(mean, sd, self.best[: len(parts)])[0]
        return log_mean_exp(values)[0]

    def value_and_gradient(self, U: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return values and gradients along the columns of ``U``, by the chain rule."""
        Z = full_inputs(self.space, U, self._n_context)
        parts = [gp.posterior_with_gradient(Z) for gp in self.processes]
        mean, sd, d_mean, d_sd = (np.stack(part) for part in zip(*parts, strict=True))
        values, by_mean, by_sd = self.criterion(mean, sd, self.best)
        value, shares = log_mean_exp(values)
        by_feature = np.einsum("km,kmp->mp", shares * by_mean, d_mean)
        by_feature += np.einsum("km,kmp->mp", shares * by_sd, d_sd)
        by_feature = by_feature[:, : len(self.space.feature_source)]
        return value, (by_feature * self.space.features_jac(U)) @ self._scatter

    def search(self, cloud: FloatArray) -> FloatArray:
        """Return the cloud and the tops reached from its best rows, best first.

        The most probable process alone screens the cloud; all processes judge the rows
        that it puts first.
        """
        screened = self.value(cloud, n_processes=1)
        cloud = cloud[maximise.best_first(screened)]
        front, rest = cloud[:_N_FRONT], cloud[_N_FRONT:]
        values = self.value(front)
        starts = front[maximise.spread(front, values, _N_CLIMBS, _CLIMB_RADIUS)]
        tops = self._climb(starts)
        front = np.concatenate([tops, front])
        values = np.concatenate([self.value(tops), values])
        return np.concatenate([front[maximise.best_first(values)], rest])

    def _climb(self, U: FloatArray) -> FloatArray:
        """Return the tops reached: along numeric columns, discrete, then numeric."""
        space, scale = self.space, self._scale()
        # Where a column decides which others are active the surface jumps, even if the
        # column is ordered.
        free = ~(space.is_categorical | space.is_source)
        if free.any():
            U, _ = maximise.ascend(U, self.value_and_gradient, free, scale)
            U = space.inside(U)
        if not len(self._discrete):
            return U
        U, _ = maximise.sweep(U, self.value(U), self._moves, self.value)
        free[self._discrete] = False
        if free.any():
            U, _ = maximise.ascend(
                U, self.value_and_gradient, free, scale, n_steps=_LAST_STEPS
            )
            U = space.inside(U)
        return U

    def _scale(self) -> FloatArray:
        """Return the lengthscale of each column, at most its whole width."""
        scale = np.ones(self.space.n_dims)
        source = self.space.feature_source
        np.minimum.at(scale, source, 1.0 / self.processes[0].w[: len(source)])
        return scale

    def _moves(self, U: FloatArray) -> tuple[FloatArray, IntArray]:
        """Return snapped rows that differ from one of ``U`` in a discrete column.

        They also differ in the columns that are active only with its new value.
        """
        active = self.space.active(U)
        filled = np.where(active, U, self.usual)  # snap empties what stays inactive
        rows: list[FloatArray] = []
        parents: list[int] = []
        for i, u in enumerate(U):
            for column in self._discrete[active[i, self._discrete]]:
                values = self.space.neighbours(u, int(column))
                block = np.tile(filled[i], (len(values), 1))
                block[:, column] = values
                rows.append(block)
                parents.extend([i] * len(values))
        if not rows:
            return np.empty((0, U.shape[1])), np.empty(0, dtype=np.intp)
        return self.space.inside(np.concatenate(rows)), np.array(parents, dtype=np.intp)
