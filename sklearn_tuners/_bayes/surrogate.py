"""From told trials to the Gaussian processes that proposals are made with.

Notation
--------
``n``              told trials
``U``     (n, d)   their rows of the unit cube
``Z``     (n, p)   their features
``y``     (n,)     their scores on one of two scales, larger is better
``theta`` (g + 2,) log-parameters of a process, see `_gp`

Scores are seen on two scales in turn. The *close* one magnifies the better half, so it
refines what is good already; as trials gather round the incumbent it shrinks to their
differences and loses sight of the rest. The *wide* one keeps the proportions of the
first trials and so goes on looking for something else. Either alone was worse.

References
----------
.. [1] Song et al. (2024). The Vizier Gaussian Process Bandit Algorithm.
       arXiv:2408.11527.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from sklearn_tuners._bayes.gp import GP, condition, default_prior, fit, laplace_draws
from sklearn_tuners._space.space import Space

__all__ = ["Surrogate", "close_scores", "last_refit", "wide_scores"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.intp]

#: The first trials, which tell how much scores differ over the space, and how many
#: times the gap from their median to the best score the wide scale reaches down.
_N_REFERENCE, _WIDE_REACH = 10, 3.0
#: Hyper-parameters of so many processes are drawn besides the most probable ones, as
#: long as the trials are few enough to leave them uncertain. Even: opposite pairs.
_N_DRAWS, _DRAWS_UP_TO = 2, 64
#: How many times as long as a parameter's the lengthscale of a further input, such as
#: the fidelity, is expected to be: what is good in part is mostly good in full. With 1
#: the same score takes 1.15 to 1.34 times as long (docs/hyperband_measured.md).
_CONTEXT_STRETCH = 4.0
#: Rows that hyper-parameters are fitted to, and that a process is given, at most.
_N_FIT, _N_ROWS = 200, 1000
#: Hyper-parameters are fitted again at each tell up to the first number, then each
#: time the number of tells has grown by the second.
_REFIT_ALWAYS, _REFIT_GROWTH = 64, 1.05


def _tamed(scores: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Finite scores, all scores with failures filled in, and which failed.

    Huge scores are scaled down, so that differences and squares stay finite.
    """
    failed = ~np.isfinite(scores)
    finite = scores[~failed]
    largest = np.abs(finite).max()
    if largest > 1e100:
        finite = finite / largest
        scores = scores / largest
    return finite, np.where(failed, finite.min(), scores), failed


def close_scores(scores: FloatArray) -> FloatArray:
    """Scores on a scale that resolves the better half.

    The better half is kept, in units of its own spread about the median; the worse
    half is replaced by the normal quantiles of its ranks, so that scores like -1e6
    cost no resolution where it matters ([1]_, half-rank warping). Failures (NaN or
    infinite) tie for the last rank.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        At least one is finite.

    Returns
    -------
    ndarray of shape (n,)
        All finite. The median of the trials that did not fail is 0.
    """
    finite, filled, failed = _tamed(scores)
    median = np.median(finite)
    above = finite[finite >= median] - median
    spread = float(np.sqrt(np.mean(above**2)))
    if spread == 0.0:
        spread = float(np.std(finite)) or 1.0
    ranks = rankdata(np.where(failed, -np.inf, filled))
    quantile = np.minimum((ranks - 0.5) / len(scores), 0.5)
    worse = failed | (filled < median)
    return np.asarray(np.where(worse, ndtri(quantile), (filled - median) / spread))


def wide_scores(scores: FloatArray) -> FloatArray:
    """Scores on a scale that keeps proportions over the whole space.

    Linear and standardised, but cut off below: far below what the first trials
    usually scored, how far is of no interest. Failures are put below the cut.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        In the order told; at least one is finite.

    Returns
    -------
    ndarray of shape (n,)
        All finite, of mean 0, and of variance 1 if they differ.
    """
    finite, filled, failed = _tamed(scores)
    best = finite.max()
    usual = np.median(finite[:_N_REFERENCE])
    cut = max(finite.min(), best - _WIDE_REACH * (best - usual))
    if best == usual:
        cut = finite.min()
    kept = np.maximum(filled, cut)
    kept[failed] = cut - 0.5 * ((best - cut) or 1.0)
    centred = kept - kept.mean()
    return np.asarray(centred / (centred.std() or 1.0))


SCALES: tuple[Callable[[FloatArray], FloatArray], ...] = (close_scores, wide_scores)


def last_refit(n: int) -> int:
    """Largest number of tells, up to ``n``, at which hyper-parameters are fitted."""
    scheduled = _REFIT_ALWAYS
    if n <= scheduled:
        return n
    while (following := int(scheduled * _REFIT_GROWTH) + 1) <= n:
        scheduled = following
    return scheduled


class Surrogate:
    """Processes fitted to told trials; a function of the trials and the seed.

    Parameters
    ----------
    space : Space
        Where the features come from.
    seed : int
        Seed of the draws.

    Notes
    -----
    What it keeps are results of its own methods, one for each scale. Trials are only
    ever appended, so their number tells whether a result still holds.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self.space, self.seed = space, seed
        self._thetas: dict[int, tuple[int, FloatArray]] = {}
        self._processes: dict[int, tuple[int, list[GP]]] = {}

    def processes(
        self,
        rows: Sequence[FloatArray],
        scores: FloatArray,
        scale: int,
        context: FloatArray,
    ) -> list[GP]:
        """Return the most probable process, and some that are as good as probable.

        Parameters
        ----------
        rows : sequence of n ndarrays of shape (d,)
            Told rows.
        scores : ndarray of shape (n,)
            Their scores, not all NaN.
        scale : int
            Which of `SCALES` the scores are seen on.
        context : ndarray of shape (n, c)
            Further inputs of each trial, each with a lengthscale of its own.

        Returns
        -------
        list of GP
            The most probable one is the first.
        """
        n = len(scores)
        if scale not in self._processes or self._processes[scale][0] != n:
            chosen = self._subset(scores, _N_ROWS)
            Z = self._inputs(np.stack(rows)[chosen], context[chosen])
            y = SCALES[scale](scores)[chosen]
            thetas = self._hyper_parameters(rows, scores, scale, context)
            group, _ = self._groups(context.shape[1])
            found = [condition(Z, y, group, theta) for theta in thetas]
            self._processes[scale] = (n, found)
        return self._processes[scale][1]

    def _inputs(self, U: FloatArray, context: FloatArray) -> FloatArray:
        return np.hstack([self.space.features(U), context])

    def _groups(self, n_context: int) -> tuple[IntArray, BoolArray]:
        """Lengthscale of each input, and which lengthscales are of categoricals."""
        is_categorical = self.space.is_categorical
        further = len(is_categorical) + np.arange(n_context)
        return (
            np.concatenate([self.space.feature_source, further]),
            np.concatenate([is_categorical, np.zeros(n_context, dtype=np.bool_)]),
        )

    def _hyper_parameters(
        self,
        rows: Sequence[FloatArray],
        scores: FloatArray,
        scale: int,
        context: FloatArray,
    ) -> FloatArray:
        """Log-parameters of each process, fitted at the last refit that was due."""
        n = last_refit(len(scores))
        group, is_categorical = self._groups(context.shape[1])
        n_thetas = len(is_categorical) + 2
        known, thetas = self._thetas.get(scale, (0, np.empty((0, 0))))
        if known != n or thetas.shape[1] != n_thetas:
            chosen = self._subset(scores[:n], _N_FIT)
            U = np.stack(rows[:n])[chosen]
            Z = self._inputs(U, context[:n][chosen])
            y = SCALES[scale](scores[:n])[chosen]
            n_active = float(self.space.active(U).sum(axis=1).mean())
            n_context = context.shape[1]
            stretch = np.ones(len(is_categorical))
            stretch[len(stretch) - n_context :] = _CONTEXT_STRETCH
            prior = default_prior(is_categorical, n_active + n_context, stretch=stretch)
            thetas = fit(Z, y, group, prior)[None]
            if n <= _DRAWS_UP_TO and _N_DRAWS:
                rng = np.random.default_rng([self.seed, 6, n])
                normals = rng.standard_normal((_N_DRAWS // 2, thetas.shape[1]))
                normals = np.concatenate([normals, -normals])
                draws = laplace_draws(thetas[0], Z, y, group, prior, normals)
                thetas = np.concatenate([thetas, draws])
            self._thetas[scale] = (n, thetas)
        return self._thetas[scale][1]

    def _subset(self, scores: FloatArray, size: int) -> IntArray:
        """Trials a limited process is given: the best, the newest, some others."""
        n = len(scores)
        if n <= size:
            return np.arange(n)
        order = np.argsort(-np.where(np.isfinite(scores), scores, -np.inf))
        kept = np.union1d(order[: size // 3], np.arange(n - size // 3, n))
        others = np.setdiff1d(np.arange(n), kept)
        rng = np.random.default_rng([self.seed, 2, n])
        chosen = rng.choice(others, size - len(kept), replace=False)
        return np.sort(np.concatenate([kept, chosen]))
