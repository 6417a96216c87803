"""Log expected improvement as a function of rows of the unit cube, and its search.

Notation as in `_acquisition`, which has the search of one surface; here is what that
surface is in a search space, with its discrete columns and those that are inactive.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklearn_tuners._bayes import acquisition
from sklearn_tuners._bayes.gp import GP
from sklearn_tuners._space.space import Space

__all__ = ["Surface"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

#: Rows of the cloud that all processes judge.
_N_FRONT = 64
#: Rows climbed from, and how far apart they start.
_N_CLIMBS, _CLIMB_RADIUS = 8, 0.02


class Surface:
    """Log expected improvement as a function of rows of the unit cube.

    It is the expectation over several processes, each with its own score to improve
    upon: the log of the mean of their expected improvements.

    Parameters
    ----------
    space : Space
        What the rows are of.
    processes : list of GP
        The most probable one first.
    best : list of float
        Score to improve upon, for each process.
    usual : ndarray of shape (d,)
        Coordinates that columns start with when a move makes them active.
    """

    def __init__(
        self,
        space: Space,
        processes: list[GP],
        best: list[float],
        usual: FloatArray,
    ) -> None:
        self.space, self.processes, self.usual = space, processes, usual
        self._n_context = processes[0].w.shape[0] - len(space.feature_source)
        self.best = np.array(best)[:, None]
        # Sums the derivatives of the features of each column.
        self.scatter = np.eye(space.n_dims)[space.feature_source]
        self.discrete = np.flatnonzero(np.isfinite(space.n_levels))

    def value(self, U: FloatArray, n_processes: int | None = None) -> FloatArray:
        """Values at the rows of ``U``, by the first processes or all of them."""
        Z = self._features(U)
        parts = [gp.posterior(Z) for gp in self.processes[:n_processes]]
        mean, sd = (np.stack(part) for part in zip(*parts, strict=True))
        values = acquisition.log_ei(mean, sd, self.best[: len(parts)])[0]
        return acquisition.log_mean_exp(values)[0]

    def value_and_gradient(self, U: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Values and gradients along the columns of ``U``, by the chain rule."""
        Z = self._features(U)
        parts = [gp.posterior_with_gradient(Z) for gp in self.processes]
        mean, sd, d_mean, d_sd = (np.stack(part) for part in zip(*parts, strict=True))
        values, by_mean, by_sd = acquisition.log_ei(mean, sd, self.best)
        value, shares = acquisition.log_mean_exp(values)
        by_feature = np.einsum("km,kmp->mp", shares * by_mean, d_mean)
        by_feature += np.einsum("km,kmp->mp", shares * by_sd, d_sd)
        by_feature = by_feature[:, : len(self.space.feature_source)]
        return value, (by_feature * self.space.features_jac(U)) @ self.scatter

    def _features(self, U: FloatArray) -> FloatArray:
        """Features of rows, and that they are meant for a full evaluation."""
        Z = self.space.features(U)
        return np.hstack([Z, np.ones((len(U), self._n_context))])

    def search(self, cloud: FloatArray) -> FloatArray:
        """Return the cloud and the tops reached from its best rows, best first.

        The most probable process alone screens the cloud; what it puts first is
        judged by all of them.
        """
        screened = self.value(cloud, n_processes=1)
        cloud = cloud[np.argsort(-screened, kind="stable")]
        front, rest = cloud[:_N_FRONT], cloud[_N_FRONT:]
        values = self.value(front)
        starts = front[acquisition.spread(front, values, _N_CLIMBS, _CLIMB_RADIUS)]
        tops = self._climb(starts)
        front = np.concatenate([tops, front])
        values = np.concatenate([self.value(tops), values])
        return np.concatenate([front[np.argsort(-values, kind="stable")], rest])

    def _climb(self, U: FloatArray) -> FloatArray:
        """Tops reached from the rows of ``U``: numeric columns, discrete, numeric."""
        space, scale = self.space, self._scale()
        # Where others become active the surface jumps, also along an ordered column.
        free = ~(space.is_categorical | space.is_source)
        if free.any():
            U, _ = acquisition.ascend(U, self.value_and_gradient, free, scale)
            U = space.snap(U)
        if not len(self.discrete):
            return U
        U, _ = acquisition.sweep(U, self.value(U), self._moves, self.value)
        free[self.discrete] = False
        if free.any():
            U, _ = acquisition.ascend(
                U, self.value_and_gradient, free, scale, n_steps=8
            )
            U = space.snap(U)
        return U

    def _scale(self) -> FloatArray:
        """Lengthscale of each column of the cube, at most its whole width."""
        scale = np.ones(self.space.n_dims)
        source = self.space.feature_source
        np.minimum.at(scale, source, 1.0 / self.processes[0].w[: len(source)])
        return scale

    def _moves(self, U: FloatArray) -> tuple[FloatArray, IntArray]:
        """Rows that differ from one of ``U`` in one discrete column, snapped.

        And in the columns that are active only with its new value.
        """
        active = self.space.active(U)
        filled = np.where(active, U, self.usual)  # snap empties what stays inactive
        rows: list[FloatArray] = []
        parents: list[int] = []
        for i, u in enumerate(U):
            for column in self.discrete[active[i, self.discrete]]:
                values = self.space.neighbours(u, int(column))
                block = np.tile(filled[i], (len(values), 1))
                block[:, column] = values
                rows.append(block)
                parents.extend([i] * len(values))
        if not rows:
            return np.empty((0, U.shape[1])), np.empty(0, dtype=np.intp)
        return self.space.snap(np.concatenate(rows)), np.array(parents, dtype=np.intp)
