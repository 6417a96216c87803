"""What a Gaussian process fitted to a finished search says about its parameters.

Notation
--------
``n, d``  candidates, columns of the space
``U``     (n, d) rows of the candidates
``y``     (n,) their mean scores on the wide scale of `_surrogate`
``T_j``   share of the variance of the score that parameter j has a part in

`T_j` is the total Sobol' index ``E[Var(f | all but j)] / Var f`` [1]_, in the form
``E[(f(x) - f(x with x_j drawn anew))^2] / (2 Var f)`` [2]_, over the distribution of
the space. ``f`` is not known: a share is computed for each of many functions drawn from
the posterior, under hyper-parameters drawn from theirs, so that it has a distribution
too [3]_. With few candidates the drawn functions differ, and so do the shares.

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
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import qmc

from sklearn_tuners._bayes.gp import (
    GP,
    antithetic_normals,
    condition,
    default_prior,
    fit,
    laplace_draws,
    single_threaded,
)
from sklearn_tuners._bayes.surrogate import wide_scores, wide_unit
from sklearn_tuners._space.space import Space

__all__ = [
    "SWITCH",
    "Shares",
    "columns_of",
    "explained",
    "fit_processes",
    "probability_better",
    "shares",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

#: Processes with hyper-parameters of their own, and functions drawn from each.
_N_PROCESSES, _N_FUNCTIONS = 8, 16
#: Points that the functions are drawn at, in all, and candidates a process is given.
_N_POINTS, _N_ROWS = 1200, 300
#: The name of the choice between the dicts of a list.
SWITCH = "(which dict)"


@dataclass(frozen=True)
class Shares:
    """Distribution of the shares over the drawn functions.

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
    """Columns of the unit cube by name of parameter, a switch of branches included.

    A name has several columns if it has different domains in different branches.

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
    """Fit processes to the candidates of a search, as alike as the data say.

    Parameters
    ----------
    space : Space
        Where the rows come from.
    U : ndarray of shape (n, d)
        Rows; the best 300 and no more are used.
    scores : ndarray of shape (n,)
        Mean scores, all finite.
    noise : float, default=0.0
        Least variance of a mean score about what other data would give. On the same
        splits scores are smooth in the parameters even where they are nothing but noise
        about the truth, so the process cannot see it.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    list of GP
        With hyper-parameters drawn from the normal approximation of their posterior.
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
        rng = np.random.default_rng([seed, 1])
        normals = antithetic_normals(_N_PROCESSES, len(theta), rng)
        thetas = laplace_draws(theta, Z, y, group, prior, normals)
        return [condition(Z, y, group, theta) for theta in thetas]


def _best_rows(scores: FloatArray) -> IntArray:
    """Rows of the best scores that a process can be given, in their order."""
    return np.sort(np.argsort(-scores, kind="stable")[:_N_ROWS])


def _draws(gp: GP, Z: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Functions drawn from the posterior, at the given points: one in each row."""
    mean, covariance = gp.joint_posterior(Z)
    # Points that are nearly the same make it singular; noise on this scale does not
    # show in the shares.
    covariance[np.diag_indices_from(covariance)] += 1e-6 * gp.signal
    L = np.linalg.cholesky(covariance)
    return np.asarray(mean + rng.standard_normal((_N_FUNCTIONS, len(mean))) @ L.T)


def shares(space: Space, processes: list[GP], seed: int = 0) -> Shares:
    """Share of the variance of the score that each parameter has a part in.

    Parameters
    ----------
    space : Space
        Its distribution is what the variance is over.
    processes : list of GP
        From `fit_processes`.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    Shares
        They add up to more than 1 if parameters act together.
    """
    columns = columns_of(space)
    rng = np.random.default_rng([seed, 2])
    m = int(np.clip(_N_POINTS // (1 + len(columns)), 32, 256))
    # Points that are spread evenly make the averages below exact to a few per cent.
    sobol = qmc.Sobol(2 * space.n_dims, seed=rng)  # `rng=` only since scipy 1.15
    pairs = sobol.random_base2(int(np.log2(m)))
    m, base, other = len(pairs), *np.hsplit(pairs, 2)
    blocks = [base]
    for own in columns.values():
        changed = base.copy()
        changed[:, own] = other[:, own]
        blocks.append(changed)
    # Quantiles are taken last, so that what becomes active has a value of its own.
    Z = space.features(space.quantile(np.concatenate(blocks)))
    found = []
    with single_threaded():
        for gp in processes:
            F = _draws(gp, Z, rng).reshape(_N_FUNCTIONS, len(blocks), m)
            change = ((F[:, 1:] - F[:, :1]) ** 2).mean(axis=2) / 2
            variance = F.var(axis=(1, 2))[:, None]
            found.append(change / variance)
    every = np.minimum(np.concatenate(found), 1.0)  # it is a share, but estimated
    low, median, high = np.quantile(every, [0.1, 0.5, 0.9], axis=0)
    return Shares(list(columns), median, low, high)


def probability_better(
    space: Space, processes: list[GP], u: FloatArray, others: FloatArray
) -> FloatArray:
    """Probability that the score at one row is better than at each of some others.

    Parameters
    ----------
    space : Space
    processes : list of GP
        From `fit_processes`.
    u : ndarray of shape (d,)
        The one row.
    others : ndarray of shape (m, d)
        The others.

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
    """Share of the differences in score that a process predicts of candidates left out.

    Parameters
    ----------
    gp : GP
        From `fit_processes`.
    scores : ndarray of shape (n,)
        The scores that it was fitted to.

    Returns
    -------
    float
        1 less the mean squared error of leaving one out, as a share of the variance; 0
        or below if the parameters say nothing about the scores. The error is
        ``alpha_i / (K^-1)_ii`` (Rasmussen and Williams, 2006, Eq. 5.12).
    """
    y = wide_scores(scores[_best_rows(scores)])
    inverse = np.linalg.inv(gp.L)
    error = gp.alpha / np.einsum("ij,ij->j", inverse, inverse)
    return float(1.0 - np.mean(error**2) / max(float(np.var(y)), 1e-300))
