"""From told trials to the Gaussian processes behind the proposals.

Notation
--------
``n``              told trials
``U``     (n, d)   their rows of the unit cube
``Z``     (n, p)   their features and further inputs
``y``     (n,)     their scores on one of two scales, larger is better
``theta`` (g + 2,) log-parameters of a process, see `gp`

Scores are seen on two scales in turn. The *close* scale magnifies the better half, to
refine what is already good; as trials gather round the best one it shrinks to their
differences and loses sight of the rest. The *wide* scale keeps the proportions of the
first trials, and so keeps looking elsewhere. Either alone was worse
(docs/measured/ablation.md).

References
----------
.. [1] Song et al. (2024). The Vizier Gaussian Process Bandit Algorithm.
       arXiv:2408.11527.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from sklearn_tuners._bayes.gp import (
    GP,
    antithetic_normals,
    condition,
    default_prior,
    fit,
    laplace_draws,
)
from sklearn_tuners._space.space import Space
from sklearn_tuners._streams import Stream, generator
from sklearn_tuners._typing import BoolArray, FloatArray, IntArray

__all__ = [
    "SCALES",
    "Surrogate",
    "Trials",
    "close_scores",
    "full_inputs",
    "last_refit",
    "wide_scores",
    "wide_unit",
]

_N_REFERENCE = 10
"""First trials, which show how much scores differ over the space. Not varied."""
_WIDE_REACH = 3.0
"""How far the wide scale reaches down, in gaps from the median of the first trials to
the best score. Not varied; without a cut, outliers spoil the scale."""
_HUGE = 1e100
"""Scores beyond this are scaled down, as their squares would overflow."""
_N_DRAWS = 2
"""Processes with drawn hyper-parameters beside the most probable one: an opposite pair.
Draws took the gain of two scales over one from 0.011 to 0.016 of regret after 50 trials
(docs/measured/ablation.md, with 3 of them)."""
_DRAWS_UP_TO = 64
"""Trials up to which hyper-parameters are drawn: more leave them less uncertain."""
_CONTEXT_STRETCH = 4.0
"""Expected lengthscale of a further input, such as the fidelity, relative to that of a
parameter: candidates that are good in a partial evaluation are mostly good in a full
one. With 1, the same score takes 1.15 to 1.34 times as long
(docs/measured/hyperband.md)."""
_N_FIT = 200
"""Largest number of rows that hyper-parameters are fitted to: a fit takes O(n^3)."""
_N_ROWS = 1000
"""Largest number of rows of a process: one factorisation, also O(n^3)."""
_REFIT_ALWAYS = 64
"""Tells up to which hyper-parameters are fitted again at each one."""
_REFIT_GROWTH = 1.05
"""After that, they are fitted each time the number of tells has grown by this."""
_DECIMALS = 3
"""Of the logarithms of hyper-parameters: their spread is near 1, and what differs by
rounding errors only becomes equal (docs/measured/reproducible.md)."""


@dataclass(frozen=True)
class Trials:
    """Told trials, in the order told.

    Attributes
    ----------
    rows : ndarray of shape (n, d)
        Their rows of the unit cube.
    scores : ndarray of shape (n,)
        NaN or infinite for failed ones.
    context : ndarray of shape (n, c)
        Further inputs of the model, such as the fidelity; 1 means a full evaluation.
    """

    rows: FloatArray
    scores: FloatArray
    context: FloatArray

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, chosen: slice | IntArray) -> Trials:
        return Trials(self.rows[chosen], self.scores[chosen], self.context[chosen])

    @property
    def n_context(self) -> int:
        """Number of further inputs."""
        return int(self.context.shape[1])

    @property
    def finite(self) -> BoolArray:
        """Which trials did not fail."""
        return np.isfinite(self.scores)

    @property
    def order(self) -> IntArray:
        """Trials from the best to the worst, failed ones last."""
        return np.argsort(np.where(self.finite, -self.scores, np.inf), kind="stable")


def _tamed(scores: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return finite scores, all scores with failures filled in, and which failed."""
    failed = ~np.isfinite(scores)
    finite = scores[~failed]
    largest = np.abs(finite).max()
    if largest > _HUGE:
        finite = finite / largest
        scores = scores / largest
    return finite, np.where(failed, finite.min(), scores), failed


def close_scores(scores: FloatArray) -> FloatArray:
    """Return scores on a scale that resolves the better half.

    The better half keeps its differences, in units of its spread about the median. The
    worse half is replaced by the normal quantiles of its ranks, so that scores like
    -1e6 cost no resolution where it matters ([1]_, half-rank warping). Failures (NaN or
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
    """Return scores on a scale that keeps proportions over the whole space.

    The scale is linear and standardised, but cut off far below what the first trials
    usually scored. Failures are put below the cut.

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
"""The scales, used in turn."""


def wide_unit(scores: FloatArray) -> float:
    """Return the size of one unit of the wide scale, near the best scores.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        In the order told; at least one is finite.

    Returns
    -------
    float
        The wide scale is linear above its cut: the ratio of the differences between the
        best trial and one a quarter of the way down. Infinite if all scores are equal.
    """
    warped, finite = wide_scores(scores), np.isfinite(scores)
    order = np.argsort(np.where(finite, -scores, np.inf), kind="stable")
    order = order[: np.count_nonzero(finite)]
    best, others = order[0], order[len(order) // 4 :]
    differing = others[warped[others] != warped[best]]
    if not len(differing):
        return np.inf
    other = differing[0]
    return float((scores[best] - scores[other]) / (warped[best] - warped[other]))


def last_refit(n: int) -> int:
    """Return the last number of tells, up to ``n``, at which a fit is due."""
    due = _REFIT_ALWAYS
    if n <= due:
        return n
    while (following := int(due * _REFIT_GROWTH) + 1) <= n:
        due = following
    return due


def full_inputs(space: Space, U: FloatArray, n_context: int) -> FloatArray:
    """Return the inputs of the model for full evaluations at the rows of ``U``.

    Parameters
    ----------
    space : Space
    U : ndarray of shape (m, d)
    n_context : int
        Number of further inputs.

    Returns
    -------
    ndarray of shape (m, p)
    """
    return np.hstack([space.features(U), np.ones((len(U), n_context))])


class Surrogate:
    """Processes fitted to told trials: a function of the trials and the seed.

    Parameters
    ----------
    space : Space
        Where the features come from.
    seed : int
        Seed of the draws.

    Notes
    -----
    It caches the results of its own methods, one for each scale. Trials are only ever
    appended, so their number tells whether a result is still valid.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self.space, self.seed = space, seed
        self._thetas: dict[int, tuple[int, FloatArray]] = {}
        self._processes: dict[int, tuple[int, list[GP]]] = {}

    def processes(self, trials: Trials, scale: int) -> list[GP]:
        """Return the most probable process, and some with drawn hyper-parameters.

        Parameters
        ----------
        trials : Trials
            At least one score is finite.
        scale : int
            Index into `SCALES`.

        Returns
        -------
        list of GP
            The most probable one is the first.
        """
        n = len(trials)
        if scale not in self._processes or self._processes[scale][0] != n:
            thetas = self._hyper_parameters(trials, scale)
            Z, y = self._data(trials, scale, _N_ROWS)
            group, _ = self._groups(trials.n_context)
            found = [condition(Z, y, group, theta) for theta in thetas]
            self._processes[scale] = (n, found)
        return self._processes[scale][1]

    def _hyper_parameters(self, trials: Trials, scale: int) -> FloatArray:
        """Return the log-parameters of each process, from the last fit that was due."""
        n = last_refit(len(trials))
        group, is_categorical = self._groups(trials.n_context)
        known, thetas = self._thetas.get(scale, (0, np.empty((0, 0))))
        if known != n or thetas.shape[1] != len(is_categorical) + 2:
            trials = trials[:n]
            U = trials.rows[self._subset(trials.scores, _N_FIT)]
            Z, y = self._data(trials, scale, _N_FIT)
            n_active = float(self.space.active(U).sum(axis=1).mean())
            stretch = np.ones(len(is_categorical))
            stretch[self.space.n_dims :] = _CONTEXT_STRETCH
            prior = default_prior(
                is_categorical, n_active + trials.n_context, stretch=stretch
            )
            thetas = fit(Z, y, group, prior)[None]
            if n <= _DRAWS_UP_TO:
                rng = generator(self.seed, Stream.HYPERPARAMETERS, n)
                normals = antithetic_normals(_N_DRAWS, thetas.shape[1], rng)
                draws = laplace_draws(thetas[0], Z, y, group, prior, normals)
                thetas = np.concatenate([thetas, draws])
            self._thetas[scale] = (n, thetas.round(_DECIMALS))
        return self._thetas[scale][1]

    def _groups(self, n_context: int) -> tuple[IntArray, BoolArray]:
        """Return the lengthscale of each input, and which are of categoricals."""
        space = self.space
        further = space.n_dims + np.arange(n_context)
        return (
            np.concatenate([space.feature_source, further]),
            np.concatenate([space.is_categorical, np.zeros(n_context, dtype=np.bool_)]),
        )

    def _data(
        self, trials: Trials, scale: int, size: int
    ) -> tuple[FloatArray, FloatArray]:
        """Return inputs and targets of the trials that a process of this size gets."""
        chosen = self._subset(trials.scores, size)
        Z = np.hstack(
            [self.space.features(trials.rows[chosen]), trials.context[chosen]]
        )
        return Z, SCALES[scale](trials.scores)[chosen]

    def _subset(self, scores: FloatArray, size: int) -> IntArray:
        """Choose the best trials, the newest and some others, ``size`` in all."""
        n = len(scores)
        if n <= size:
            return np.arange(n)
        order = np.argsort(
            -np.where(np.isfinite(scores), scores, -np.inf), kind="stable"
        )
        kept = np.union1d(order[: size // 3], np.arange(n - size // 3, n))
        others = np.setdiff1d(np.arange(n), kept)
        rng = generator(self.seed, Stream.SUBSET, n)
        chosen = rng.choice(others, size - len(kept), replace=False)
        return np.sort(np.concatenate([kept, chosen]))
