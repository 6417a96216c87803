"""Means with their errors, and tests over folds and pairs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.stats import norm, t

__all__ = [
    "TIE",
    "corrected_t",
    "geometric_mean",
    "holm",
    "mean_and_error",
    "ratio_and_error",
    "verdict",
    "wilson",
]

TIE = 1e-12
"""Scores of equal parameters can differ in their last bits."""


def mean_and_error(
    values: Sequence[float], digits: int = 4, sign: str = "", ddof: int = 1
) -> str:
    """Return the mean and its standard error as text."""
    n = len(values)
    error = np.std(values, ddof=ddof) / math.sqrt(n) if n > ddof else math.nan
    return f"{np.mean(values):{sign}.{digits}f} ± {error:.{digits}f}"


def geometric_mean(values: Iterable[float]) -> float:
    """Return the geometric mean."""
    return math.exp(np.mean(np.log(list(values))))


def ratio_and_error(
    values: Iterable[float], others: Iterable[float], ddof: int = 0
) -> tuple[float, float]:
    """Return the geometric mean of the ratios of pairs, and its factor of error."""
    logs = np.log(list(values)) - np.log(list(others))
    error = np.std(logs, ddof=ddof) / math.sqrt(len(logs))
    return math.exp(np.mean(logs)), math.exp(error)


def corrected_t(differences: np.ndarray, n_folds: int = 5) -> float:
    """Two-sided p value of Nadeau and Bengio (2003) for a mean difference of zero."""
    k = len(differences)
    ratio = 1 / (n_folds - 1)  # test rows over training rows
    variance = (1 / k + ratio) * differences.var(ddof=1)
    if variance == 0:
        return 1.0 if differences.mean() == 0 else 0.0
    return float(2 * t.sf(abs(differences.mean()) / math.sqrt(variance), k - 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values adjusted for their number by Holm's method."""
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(np.argsort(p_values)):
        running = max(running, (len(p_values) - rank) * p_values[i])
        adjusted[i] = min(running, 1.0)
    return adjusted


def wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of n."""
    z = norm.ppf(0.975)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2)
    return centre - half, centre + half


def verdict(differences: np.ndarray) -> str:
    """Win, tie or loss, by the mean difference."""
    mean = differences.mean()
    if abs(mean) <= TIE:
        return "tie"
    return "win" if mean > 0 else "loss"
