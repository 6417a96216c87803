"""The sizes of the data that an estimator gets, and the bounds that follow from them.

`Sizes` describes the data of one estimator, which may be inside a composition;
`quantity` computes the quantities that bounds of the registry refer to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

__all__ = ["FACTS", "QUANTITIES", "Sizes", "measure", "measure_features", "quantity"]

N_UNKNOWN = 100
"""Samples that are assumed without data (convention: few, to be valid for most)."""

P_UNKNOWN = 2
"""Features that are assumed without data (convention: few, to be valid for most)."""

P_LARGE = 10
"""Features that `1/sqrt(p)` assumes if there is no upper bound (convention)."""

SPREAD_UNKNOWN = 10.0
"""Sum of variances that is assumed (convention: that of ten standardised features)."""

MAX_MEASURED = 10_000
"""Rows, evenly spaced, from which variances are estimated.

The standard error of a variance of normal data is then 1.4 % of it: sqrt(2 / 10,000).
"""

MAX_TERMS = 5_000
"""Features up to which a polynomial may have degree 3 (convention).

With 10,000 samples, these take 400 MB.
"""

MAX_HESSIAN = 1_000
"""Features up to which a solver may factorise their Hessian: 8 MB, some 10 ms."""

NU_SHARE = 0.95
"""Share of the feasible nu that is searched: counts may be off by two samples."""

NU_UNKNOWN = 0.2
"""Largest nu if classes are unknown: feasible if the smaller class has at least a tenth
of the samples."""


@dataclass(frozen=True)
class Sizes:
    """What is known about the data that an estimator gets.

    Numbers of features are bounds: how many columns an encoder makes, or how many
    components explain half of the variance, is known only after the fit.

    Attributes
    ----------
    n : int
        Samples in the smallest training set.
    p : int
        Lower bound of the number of features.
    p_max : int or None
        Upper bound of the number of features; None if there is none.
    needed : int
        Features that later steps need.
    positive : bool
        Whether a later step refuses negative values.
    q : int
        Number of targets.
    counts : tuple of int or None
        Lower bounds of the samples of each class in the smallest training set; None if
        they are not known or the target has no classes.
    spread : float or None
        Sum of the features' variances.
    sd_y : float or None
        Standard deviation of the target.
    sparse : bool
        Whether the features may be a sparse matrix.
    missing : bool
        Whether the features may have missing values.
    transforms : bool
        Whether the estimator is used as a transformer, like all but the last step of a
        pipeline.
    """

    n: int = N_UNKNOWN
    p: int = P_UNKNOWN
    p_max: int | None = None
    needed: int = 1
    positive: bool = False
    q: int = 1
    counts: tuple[int, ...] | None = None
    spread: float | None = None
    sd_y: float | None = None
    sparse: bool = False
    missing: bool = True
    transforms: bool = False

    @property
    def facts(self) -> dict[str, Any]:
        """What the conditions of the registry can name."""
        return {
            "@sparse": self.sparse,
            "@missing": self.missing,
            "@transforms": self.transforms,
            "@scale_known": self.spread is not None,
            "@needs_positive": self.positive,
            "@needs_features": self.needed > 1,
            "@few_features": self.p_max is not None and self.p_max <= MAX_HESSIAN,
            "@classes_under_p": self.counts is None
            or self.p_max is None
            or min(self.counts) <= self.p_max,
            # A random subset of a fifth of the samples determines a linear model.
            "@p_under_fifth": self.p_max is not None and 5 * (self.p_max + 1) <= self.n,
        }


FACTS = tuple(Sizes().facts)
"""What a condition of the registry may name in addition to parameters."""


def measure(X: Any, y: Any, n_train: int | None, *, classes: bool) -> Sizes:
    """Sizes of a whole data set.

    Parameters
    ----------
    X, y : array-like or None
        The data.
    n_train : int or None
        Samples in the smallest training set. None takes four fifths of the data, as in
        five folds.
    classes : bool
        Whether `y` has classes.
    """
    if X is None:
        return Sizes() if n_train is None else Sizes(n=n_train)
    n_all = _length(X)
    n = max(n_all * 4 // 5, 1) if n_train is None else min(n_train, n_all)
    sizes = replace(measure_features(X), n=n)
    if y is None:
        return sizes
    target = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
    sizes = replace(sizes, q=target.shape[1] if target.ndim == 2 else 1)
    if not classes:
        return replace(sizes, sd_y=_sd(target))
    if target.ndim > 1:
        return sizes
    _, counts = np.unique(target, return_counts=True)
    # Stratified splits are exact up to one sample of each class.
    kept = [max(int(count * n / n_all) - 1, 1) for count in counts]
    return replace(sizes, counts=tuple(kept))


def measure_features(X: Any) -> Sizes:
    """Return the sizes that depend on the features alone."""
    rows = slice(None, None, max(_length(X) // MAX_MEASURED, 1))
    if hasattr(X, "toarray"):  # a sparse matrix
        p = int(X.shape[1])
        squares = X.multiply(X).mean(axis=0) - np.square(X.mean(axis=0))
        return Sizes(
            p=p, p_max=p, spread=_positive(np.sum(squares)), sparse=True, missing=False
        )
    if not hasattr(X, "shape"):
        first = X[0]
        if isinstance(first, str | bytes | Mapping):
            return Sizes(p=1, missing=False)
        p = len(first)
        sample = X[rows]
    elif len(X.shape) == 1:
        return Sizes(p=1, missing=False)
    else:
        p = int(X.shape[1])
        sample = X.iloc[rows] if hasattr(X, "iloc") else X[rows]
    spread, missing = _spread_and_missing(sample)
    return Sizes(p=p, p_max=p, spread=spread, missing=missing)


def _length(X: Any) -> int:
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def _spread_and_missing(sample: Any) -> tuple[float | None, bool]:
    """Return `Sizes.spread` (None if not all values are numbers) and `missing`."""
    try:
        values = np.asarray(sample, dtype=np.float64)
    except (TypeError, ValueError):
        return None, True
    is_missing = np.isnan(values)
    if not values.size or is_missing.all(axis=0).any():
        return None, True
    with np.errstate(all="ignore"):  # infinite values: leave the error to the estimator
        spread = np.nanvar(values, axis=0).sum()
    return _positive(spread), bool(is_missing.any())


def _sd(target: Any) -> float | None:
    try:
        return _positive(np.mean(np.std(target.astype(np.float64), axis=0)))
    except (TypeError, ValueError):
        return None


def _positive(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) and number > 0 else None


# Quantities ---------------------------------------------------------------------------


def _nu(sizes: Sizes) -> float:
    """Return the largest nu that is feasible for a support vector classifier.

    It is 2 min(n_i, n_j) / (n_i + n_j) for each pair of classes (Crisp and Burges,
    1999). Counts are lower bounds, exact up to two samples.
    """
    if sizes.counts is None or len(sizes.counts) < 2:
        return NU_UNKNOWN
    least, most = min(sizes.counts), max(sizes.counts) + 2
    return NU_SHARE * 2 * least / (least + most)


def _degree(sizes: Sizes) -> int:
    """Return 3 if that makes few terms, else 2, the default of the class."""
    p = sizes.p_max
    return 3 if p is not None and math.comb(p + 3, 3) <= MAX_TERMS else 2


def _needed(sizes: Sizes) -> int:
    # No more can be kept than there are; other columns must provide the rest.
    return min(sizes.needed, sizes.p) if sizes.p == sizes.p_max else sizes.needed


def _spread(sizes: Sizes) -> float:
    return SPREAD_UNKNOWN if sizes.spread is None else sizes.spread


def _var(sizes: Sizes) -> float:
    known = sizes.spread is not None and sizes.p_max == sizes.p
    return _spread(sizes) / sizes.p if known else 1.0


def _sd_y(sizes: Sizes) -> float:
    return 1.0 if sizes.sd_y is None else sizes.sd_y


@dataclass(frozen=True)
class Quantity:
    """What a bound of the registry may be, or be a multiple of.

    Attributes
    ----------
    description : str
        The quantity in words.
    of : callable
        Takes sizes and returns the number.
    """

    description: str
    of: Callable[[Sizes], float]


QUANTITIES = {
    "n": Quantity("samples in the smallest training set", lambda s: s.n),
    "n-1": Quantity("one less", lambda s: s.n - 1),
    "1/n": Quantity("the share of one sample", lambda s: 1 / s.n),
    "p": Quantity("lower bound of the number of features", lambda s: s.p),
    "p-1": Quantity("one less", lambda s: s.p - 1),
    "1/p": Quantity("the share of one feature", lambda s: 1 / s.p),
    "m": Quantity("features that later steps need, at least one", _needed),
    "m/p": Quantity("the share of these", lambda s: _needed(s) / s.p),
    "1/sqrt(p)": Quantity(
        "the share of sqrt(p) features", lambda s: 1 / math.sqrt(s.p_max or P_LARGE)
    ),
    "min(p,q)": Quantity(
        "the smaller one of the numbers of features and targets",
        lambda s: min(s.p, s.q),
    ),
    "k-1": Quantity("one less than the classes", lambda s: len(s.counts or (0, 0)) - 1),
    "degree(p)": Quantity("3 where a polynomial then has few terms, else 2", _degree),
    "nu(y)": Quantity("the largest nu that is feasible for each pair of classes", _nu),
    "gamma(X)": Quantity(
        "one over the sum of the variances of the features", lambda s: 1 / _spread(s)
    ),
    "distance(X)": Quantity(
        "root of the sum of the variances of the features",
        lambda s: math.sqrt(_spread(s)),
    ),
    "sd(X)": Quantity(
        "root of the mean variance of the features", lambda s: math.sqrt(_var(s))
    ),
    "var(X)": Quantity("mean variance of the features", _var),
    "sd(y)": Quantity("standard deviation of the target", _sd_y),
    "var(y)": Quantity("variance of the target", lambda s: _sd_y(s) ** 2),
    "sd(X)*sd(y)": Quantity(
        "the product of the two", lambda s: math.sqrt(_var(s)) * _sd_y(s)
    ),
}
"""What a bound may be, or be a multiple of, by the name in the registry."""


def quantity(factor: float, name: str, sizes: Sizes) -> float:
    """Return a factor times a quantity, or the factor if `name` is empty."""
    return factor * QUANTITIES[name].of(sizes) if name else factor
