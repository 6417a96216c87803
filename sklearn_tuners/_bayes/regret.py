"""A bound on what more trials can still gain, to decide when to stop.

References
----------
.. [1] Makarova et al. (2022). Automatic Termination for Hyperparameter Optimization.
       AutoML-Conf. arXiv:2104.08166.
"""

from __future__ import annotations

import numpy as np

from sklearn_tuners._bayes.gp import GP
from sklearn_tuners._bayes.proposal import cloud
from sklearn_tuners._bayes.surrogate import Trials, full_inputs, wide_unit
from sklearn_tuners._space.space import Space
from sklearn_tuners._typing import FloatArray

__all__ = ["regret_bound"]


def regret_bound(
    space: Space,
    gp: GP,
    trials: Trials,
    *,
    probability: float,
    even: FloatArray,
    rng: np.random.Generator,
) -> float:
    """Bound how much better than the best trial any row could be.

    Parameters
    ----------
    space : Space
    gp : GP
        The most probable process on the wide scale.
    trials : Trials
        The trials that it was fitted to.
    probability : float
        Probability that the bound holds, if the process is right.
    even : ndarray of shape (m, d)
        Points that fill the unit cube evenly.
    rng : numpy.random.Generator
        Draws the candidates among which the largest upper bound is looked for.

    Returns
    -------
    float
        Largest upper confidence bound anywhere minus the largest lower one among the
        trials ([1]_, Eq. 2), in units of the scores, with the confidence parameter
        ``beta = 2 log(d n^2 pi^2 / (6 (1 - probability))) / 5``. Infinite if all scores
        are equal.
    """
    unit = wide_unit(trials.scores)
    if np.isinf(unit):
        return np.inf
    n, n_finite = len(trials), np.count_nonzero(trials.finite)
    ranked = trials.rows[trials.order[:n_finite]]
    U = np.concatenate([trials.rows[trials.finite], cloud(space, ranked, even, rng)])
    mean, sd = gp.posterior(full_inputs(space, U, trials.n_context))
    beta = 0.4 * np.log(space.n_dims * n**2 * np.pi**2 / 6 / (1 - probability))
    width = np.sqrt(beta) * sd
    lower = (mean - width)[:n_finite]
    return float(unit * ((mean + width).max() - lower.max()))
