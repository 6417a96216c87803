"""What Gaussian processes fitted to a finished search say about its parameters.

Notation
--------
``n, d``  candidates, columns of the space
``U``     (n, d) rows of the candidates
``y``     (n,) their mean scores on the wide scale of `_bayes.surrogate`
``T_j``   share of the variance of the score in which parameter j takes part

`T_j` is the total Sobol' index ``E[Var(f | all but j)] / Var f`` [1]_, in the form
``E[(f(x) - f(x with x_j drawn again))^2] / (2 Var f)`` [2]_, over the distribution of
the space. ``f`` is not known. So hyper-parameters are drawn from their posterior, then
functions from the posterior of each process, and each function has its own shares. This
gives the shares a distribution too [3]_: with few candidates the functions differ, and
so do the shares.

References
----------
.. [1] T. Homma, A. Saltelli (1996). Importance measures in global sensitivity analysis
       of nonlinear models. Reliability Engineering & System Safety 52.
.. [2] M. J. W. Jansen (1999). Analysis of variance designs for model output. Computer
       Physics Communications 117.
.. [3] A. Marrel, B. Iooss, B. Laurent, O. Roustant (2009). Calculations of Sobol
       indices for the Gaussian process metamodel. Reliability Engineering & System
       Safety 94.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr
from scipy.stats import qmc

from sklearn_tuners._bayes.gp import (
    GP,
    antithetic_normals,
    condition,
    default_prior,
    fit,
    laplace_draws,
)
from sklearn_tuners._bayes.surrogate import wide_scores, wide_unit
from sklearn_tuners._bayes.threads import single_threaded
from sklearn_tuners._space.space import Space
from sklearn_tuners._streams import Stream, generator
from sklearn_tuners._typing import FloatArray, IntArray

__all__ = [
    "SWITCH",
    "Shares",
    "columns_of",
    "explained",
    "fit_processes",
    "probability_better",
    "shares",
]

_N_PROCESSES = 8
"""Number of processes, each with hyper-parameters of its own, drawn in pairs.

With `_N_FUNCTIONS`, 128 functions, of which 13 are beyond each end of an 80 % interval.
"""

_N_FUNCTIONS = 16
"""Functions drawn from each process."""

_N_POINTS = 1200
"""Points at which functions are drawn, over all parameters.

The cost is cubic in it: a Cholesky factor for each process.
"""

_N_ROWS = 300
"""Candidates that a process is fitted to, so that a diagnosis takes seconds."""

_PROCESSES, _FUNCTIONS = 0, 1
"""Positions in the stream `Stream.ANOVA`."""

SWITCH = "(which dict)"
"""Name of the choice between the dicts of a list."""


@dataclass(frozen=True)
class Shares:
    """Shares of the parameters, over the drawn functions.

    Attributes
    ----------
    names : list of str
        Parameters.
    median, low, high : ndarray of shape (n_parameters,)
        Median, 10th and 90th percentile.
    """

    names: list[str]
    median: FloatArray
    low: FloatArray
    high: FloatArray


def columns_of(space: Space) -> dict[str, list[int]]:
    """Columns of the unit cube by parameter, including the choice of a branch.

    A parameter has several columns if its domain differs between branches.

    Examples
    --------
    >>> columns_of(Space.parse([{"a": [1, 2, 3]}, {"a": [1, 2, 3], "b": [4, 5]}]))
    {'(which dict)': [0], 'a': [1], 'b': [2]}
    """
    found: dict[str, set[int]] = {}
    if space.n_branches > 1:
        found[SWITCH] = {0}
    for branch in space.branches:
        for name, column in branch.columns.items():
            found.setdefault(name, set()).add(column)
    return {name: sorted(columns) for name, columns in sorted(found.items())}


def fit_processes(
    space: Space,
    U: FloatArray,
    scores: FloatArray,
    noise: float = 0.0,
    seed: int = 0,
) -> list[GP]:
    """Fit processes to the candidates of a search.

    Parameters
    ----------
    space : Space
        The space of the rows.
    U : ndarray of shape (n, d)
        Rows; only the best 300 are used.
    scores : ndarray of shape (n,)
        Mean scores, all finite.
    noise : float, default=0.0
        Lower bound of the variance of a mean score about its value on other data. On
        the same splits even pure noise is smooth in the parameters, so the process
        cannot see it.
    seed : int, default=0
        Seed of the draws.

    Returns
    -------
    list of GP
        Their hyper-parameters are drawn from the normal approximation of the posterior.
    """
    kept = _best_rows(scores)
    U, scores = U[kept], scores[kept]
    Z, y, group = space.features(U), wide_scores(scores), space.feature_source
    n_active = float(space.active(U).sum(axis=1).mean())
    unit = wide_unit(scores)
    least = np.clip(noise / unit / unit, 5e-4, 0.9)
    prior = default_prior(space.is_categorical, n_active, noise=max(least, 0.01))
    prior.lower[-1] = np.log(least)
    with single_threaded():
        theta = fit(Z, y, group, prior)
        rng = generator(seed, Stream.ANOVA, _PROCESSES)
        normals = antithetic_normals(_N_PROCESSES, len(theta), rng)
        thetas = laplace_draws(theta, Z, y, group, prior, normals)
        return [condition(Z, y, group, theta) for theta in thetas]


def _best_rows(scores: FloatArray) -> IntArray:
    """Return the rows of the best scores, at most `_N_ROWS`, in their order."""
    return np.sort(np.argsort(-scores, kind="stable")[:_N_ROWS])


def _draws(gp: GP, Z: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw functions from the posterior at the given points, one in each row."""
    mean, covariance = gp.joint_posterior(Z)
    # Points that are nearly equal make it singular. Noise of this size does not show
    # in the shares.
    covariance[np.diag_indices_from(covariance)] += 1e-6 * gp.signal
    L = np.linalg.cholesky(covariance)
    return np.asarray(mean + rng.standard_normal((_N_FUNCTIONS, len(mean))) @ L.T)


def shares(space: Space, processes: list[GP], seed: int = 0) -> Shares:
    """Return the share of the score's variance that involves each parameter.

    Parameters
    ----------
    space : Space
        The variance is taken over its distribution.
    processes : list of GP
        From `fit_processes`.
    seed : int, default=0
        Seed of the draws.

    Returns
    -------
    Shares
        They sum to more than 1 if parameters interact.
    """
    columns = columns_of(space)
    rng = generator(seed, Stream.ANOVA, _FUNCTIONS)
    m = int(np.clip(_N_POINTS // (1 + len(columns)), 32, 256))
    # Evenly spread points make the averages below exact to a few percent.
    sobol = qmc.Sobol(2 * space.n_dims, seed=rng)  # `rng=` only since scipy 1.15
    pairs = sobol.random_base2(int(np.log2(m)))
    m, base, other = len(pairs), *np.hsplit(pairs, 2)
    blocks = [base]
    for own in columns.values():
        changed = base.copy()
        changed[:, own] = other[:, own]
        blocks.append(changed)
    # Quantiles are taken last, so that a parameter that becomes active has a value.
    Z = space.features(space.quantile(np.concatenate(blocks)))
    found = []
    with single_threaded():
        for gp in processes:
            F = _draws(gp, Z, rng).reshape(_N_FUNCTIONS, len(blocks), m)
            change = ((F[:, 1:] - F[:, :1]) ** 2).mean(axis=2) / 2
            variance = F.var(axis=(1, 2))[:, None]
            found.append(change / variance)
    every = np.minimum(np.concatenate(found), 1.0)  # estimates may be above 1
    low, median, high = np.quantile(every, [0.1, 0.5, 0.9], axis=0)
    return Shares(list(columns), median, low, high)


def probability_better(
    space: Space, processes: list[GP], u: FloatArray, others: FloatArray
) -> FloatArray:
    """Probability that the score at one row is better than at others.

    Parameters
    ----------
    space : Space
    processes : list of GP
        From `fit_processes`.
    u : ndarray of shape (d,)
        The row.
    others : ndarray of shape (m, d)
        The rows to compare with.

    Returns
    -------
    ndarray of shape (m,)
        Mean over the processes.
    """
    Z = space.features(np.concatenate([u[None], others]))
    found = []
    for gp in processes:
        mean, C = gp.joint_posterior(Z)
        variance = C[0, 0] + C.diagonal()[1:] - 2 * C[0, 1:]
        sd = np.sqrt(np.maximum(variance, 1e-12 * gp.signal))
        found.append(ndtr((mean[0] - mean[1:]) / sd))
    return np.asarray(np.mean(found, axis=0))


def explained(gp: GP, scores: FloatArray) -> float:
    """Share of the variance of scores that is predicted when each one is left out.

    Parameters
    ----------
    gp : GP
        From `fit_processes`.
    scores : ndarray of shape (n,)
        Scores to which it was fitted.

    Returns
    -------
    float
        1 minus the mean squared leave-one-out error over the variance; 0 or below if
        the parameters say nothing about the scores. The error is
        ``alpha_i / (K^-1)_ii`` (Rasmussen and Williams, 2006, Eq. 5.12).
    """
    y = wide_scores(scores[_best_rows(scores)])
    inverse = np.linalg.inv(gp.L)
    error = gp.alpha / np.einsum("ij,ij->j", inverse, inverse)
    return float(1.0 - np.mean(error**2) / max(float(np.var(y)), 1e-300))
