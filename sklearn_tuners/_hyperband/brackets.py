"""The arithmetic of Hyperband: counts, resources, and which candidates are promoted.

Notation
--------
``R``, ``eta``   the largest resource (`max_resources`) and `factor`
``r_i``          resource of rung i of a bracket
``n_i``          candidates on rung i
``s``            rungs of a bracket above its first

This is Algorithm 1 of Li et al. (2018) in integers and fractions. In floating point
``floor(log(243, 3))`` is 4, which loses a rung. (The table in the paper for R = 81 and
eta = 3 has 27, 9 and 6 candidates where its own algorithm gives 34, 15 and 8.)

References
----------
.. [1] L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh, A. Talwalkar (2018). Hyperband:
       A Novel Bandit-Based Approach to Hyperparameter Optimization. JMLR 18(185).
.. [2] L. Li et al. (2020). A System for Massively Parallel Hyperparameter Tuning.
       MLSys. arXiv:1810.05934 (ASHA).
.. [3] R. L. Thorndike (1949). Personnel Selection. Wiley. Case 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.stats import rankdata

from sklearn_tuners._typing import FloatArray

__all__ = [
    "Bracket",
    "bracket_from",
    "exact",
    "make_brackets",
    "promoted",
    "rung_resources",
    "unrestricted_correlation",
]


@dataclass(frozen=True)
class Bracket:
    """One run of successive halving.

    Attributes
    ----------
    n_candidates : tuple of int
        Candidates on each rung.
    resources : tuple of int
        Resource of each rung; the last is the full one.
    """

    n_candidates: tuple[int, ...]
    resources: tuple[int, ...]

    def limited_to(self, n: int, factor: float) -> Bracket:
        """Return the bracket that begins with no more than `n` candidates."""
        if n >= self.n_candidates[0]:
            return self
        return bracket_from(n, self.resources, factor)


def exact(factor: float) -> Fraction:
    """Return a factor as users write it: 1.6 is 8/5, not the float next to it."""
    return Fraction(str(factor))


def rung_resources(
    min_resources: int, max_resources: int, factor: float = 3
) -> list[int]:
    """Return the ascending resources of the rungs.

    Parameters
    ----------
    min_resources, max_resources : int
        Least and largest resource. The last rung is exactly `max_resources`. The others
        divide it by powers of `factor` and round down, until that is less than
        `min_resources`.
    factor : int or float, default=3
        Larger than 1. Below 2, quotients that round down to the same integer make one
        rung, so there are fewer rungs and brackets than in Algorithm 1.

    Returns
    -------
    list of int

    Examples
    --------
    >>> rung_resources(1, 243, 3)
    [1, 3, 9, 27, 81, 243]
    >>> rung_resources(10, 100, 2)
    [12, 25, 50, 100]
    >>> rung_resources(1, 5, 1.5)  # 5 / 1.5^3 and 5 / 1.5^4 are both 1
    [1, 2, 3, 5]
    """
    rungs = [max_resources]
    share = Fraction(max_resources)
    while True:
        share /= exact(factor)
        resource = math.floor(share)
        if resource < max(min_resources, 1):
            return rungs[::-1]
        if resource < rungs[-1]:
            rungs.append(resource)


def bracket_from(n: int, resources: Sequence[int], factor: float = 3) -> Bracket:
    """Return the bracket of `n` candidates that climb `resources`.

    Rung i has ``floor(n eta^-i)`` candidates (Algorithm 1, line 4), and at least one,
    so that each bracket ends with a candidate at the full resource.

    Parameters
    ----------
    n : int
        Candidates on the first rung.
    resources : sequence of int
        Ascending.
    factor : int or float, default=3
        Larger than 1.

    Returns
    -------
    Bracket
    """
    eta = exact(factor)
    counts = [max(1, math.floor(n / eta**i)) for i in range(len(resources))]
    return Bracket(tuple(counts), tuple(resources))


def make_brackets(rungs: Sequence[int], factor: float = 3) -> list[Bracket]:
    """Return the brackets of one pass, the one with most candidates first.

    Bracket s begins with ``ceil((s_max + 1) eta^s / (s + 1))`` candidates (Algorithm 1,
    line 2, with B = (s_max + 1) R) on the (s + 1)-th rung from above.

    Parameters
    ----------
    rungs : sequence of int
        As returned by `rung_resources`.
    factor : int or float, default=3
        Larger than 1.

    Returns
    -------
    list of Bracket

    Examples
    --------
    >>> for bracket in make_brackets(rung_resources(1, 81)):
    ...     print(*zip(bracket.n_candidates, bracket.resources))
    (81, 1) (27, 3) (9, 9) (3, 27) (1, 81)
    (34, 3) (11, 9) (3, 27) (1, 81)
    (15, 9) (5, 27) (1, 81)
    (8, 27) (2, 81)
    (5, 81)
    """
    eta = exact(factor)
    return [
        bracket_from(
            math.ceil(len(rungs) * eta**s / (s + 1)),
            rungs[len(rungs) - 1 - s :],
            factor,
        )
        for s in range(len(rungs) - 1, -1, -1)
    ]


def promoted(scores: dict[int, float], n: int) -> list[int]:
    """Return the candidates with the `n` largest scores, the best first.

    Parameters
    ----------
    scores : dict of int to float
        Score of each candidate; NaN if it failed.
    n : int
        Largest number to return; failed candidates are never among them.

    Returns
    -------
    list of int
        Equal candidates in the order of proposal.

    Examples
    --------
    >>> promoted({0: 0.5, 1: float("nan"), 2: 0.7, 3: 0.5}, 2)
    [2, 0]
    """
    finite = [c for c, score in scores.items() if math.isfinite(score)]
    return sorted(finite, key=lambda c: (-scores[c], c))[:n]


def unrestricted_correlation(
    everyone: FloatArray,
    before: FloatArray,
    after: FloatArray,
) -> float:
    """Rank correlation of two rungs, estimated from the candidates on both.

    These are the best candidates of the lower rung. Among them the correlation is
    smaller than among all. The correction for direct range restriction [3]_ estimates
    the latter from how much the ranks spread in both groups.

    Parameters
    ----------
    everyone : ndarray of shape (n,)
        Scores of all candidates of the lower rung.
    before, after : ndarray of shape (m,)
        Scores, on the lower and on the higher rung, of the candidates on both.

    Returns
    -------
    float
        NaN if the scores of a rung do not differ.

    Examples
    --------
    >>> scores = np.arange(9.0)
    >>> unrestricted_correlation(scores, scores[5:], scores[5:])
    1.0
    """
    ranks = rankdata(np.concatenate([everyone, before]))
    spread, restricted = np.std(ranks[: len(everyone)]), np.std(ranks[len(everyone) :])
    x, y = rankdata(before), rankdata(after)
    if not restricted or not np.std(y):
        return math.nan
    r = float(np.corrcoef(x, y)[0, 1])
    u = float(spread / restricted)
    return float(round(r * u / math.sqrt(1.0 - r**2 + r**2 * u**2), 12))
