"""Dimensions of distributions: scipy's frozen ones and look-alikes.

The coordinate is the cumulative probability, so equal parts of it are equally likely:
`expon` or `lognorm` therefore also say where values are close to each other.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.stats import rv_continuous, rv_discrete

from sklearn_tuners._space.coordinates import coordinate_resolution
from sklearn_tuners._space.decimals import PLAUSIBLE
from sklearn_tuners._space.dimensions import Continuous, Dimension, Interval
from sklearn_tuners._space.drawn import (
    N_DRAWS,
    N_OBJECTS,
    Drawn,
    label_of,
    parse_draws,
)
from sklearn_tuners._space.integers import MAX_SUMMED, is_discrete, parse_discrete
from sklearn_tuners._space.lists import list_dimension
from sklearn_tuners._space.values import same_value

__all__ = ["ContinuousDistribution", "parse_distribution"]

_MIN_WIDTH = 1e-9
"""Smallest relative width of a support for which a closed form is tried.

On a narrower one the quantiles that are compared to 1e-12 have too few digits left.
"""


class ContinuousDistribution(Continuous):
    """Domain of a continuous distribution.

    Parameters
    ----------
    dist : object
        Has vectorised `cdf` and `ppf`.
    low, high : float
        Support; may be infinite.
    label : str, default="a distribution"
        Name of the distribution in error messages.

    Raises
    ------
    ValueError
        If `cdf` and `ppf` are not inverse to each other.
    """

    def __init__(
        self,
        dist: Any,
        low: float,
        high: float,
        *,
        label: str = "a distribution",
    ) -> None:
        self._dist, self._label = dist, label
        self.low, self.high = low, high
        self.lowest, self.highest, self.exponent = coordinate_resolution(
            dist.cdf, dist.ppf
        )
        self.first = max(PLAUSIBLE, self.lowest)
        self.last = min(1.0 - PLAUSIBLE, self.highest)

    def cdf(self, x: Any) -> Any:
        return self._dist.cdf(x)

    def ppf(self, u: Any) -> Any:
        return self._dist.ppf(u)

    def same_domain(self, other: Dimension) -> bool:
        """Whether the distributions are equal."""
        return isinstance(other, ContinuousDistribution) and _same_distribution(
            self._dist, other._dist
        )

    def describe(self) -> str:
        """Name the support and the distribution."""
        return f"a float from {self.low:g} to {self.high:g} ({self._label})"


def parse_distribution(dist: Any, random_state: int) -> Dimension:
    """Make the dimension of an object with `cdf` and `ppf`.

    Parameters
    ----------
    dist : object
        A frozen distribution of scipy, or a look-alike.
    random_state : int
        Seed, in case `dist` is better represented by draws: if scipy takes long for its
        quantiles, if it is continuous and has atoms, or mass where doubles are too
        coarse, or if `parse_discrete` cannot enumerate it.

    Returns
    -------
    Dimension

    Raises
    ------
    TypeError, ValueError
        If arguments are missing or invalid.

    Examples
    --------
    >>> from scipy.stats import norm
    >>> parse_distribution(norm(3, 2), 0).decode(0.5)
    3.0
    """
    try:
        low, high = _support(dist)
    except TypeError as error:
        raise TypeError(
            f"{label_of(dist)} does not work ({error}); does it lack its arguments, as "
            "loguniform instead of loguniform(1e-3, 1e3)?"
        ) from error
    if not low <= high:  # also if NaN, which scipy returns for invalid arguments
        raise ValueError(
            f"{label_of(dist)} has invalid arguments: its support is [{low}, {high}]"
        )
    if low < high and _is_slow(dist, low, high):
        return _drawn(dist, random_state, (low, high))
    if not _takes_arrays(dist):
        dist = _Elementwise(dist)
    if is_discrete(dist):
        discrete = parse_discrete(dist, low, high)
        return discrete or _drawn(dist, random_state, (low, high))
    if low == high:
        return list_dimension([low])
    closed = _closed_form(dist, low, high)
    if closed is not None:
        return closed
    try:
        return ContinuousDistribution(dist, low, high, label=label_of(dist))
    except ValueError:
        if not hasattr(dist, "rvs"):
            raise
        return _drawn(dist, random_state, (low, high))


def _is_slow(dist: Any, low: float, high: float) -> bool:
    """Whether scipy has no formula for `cdf` or `ppf` and is slow without one.

    For a continuous distribution it then integrates and searches for roots, 1 to 1000
    ms a value. For a discrete one it sums the mass term by term, which is quick if
    almost all of it is on the first levels.
    """
    inner = getattr(dist, "dist", dist)
    if isinstance(inner, rv_continuous):
        return _is_generic(inner, "_cdf") or _is_generic(inner, "_ppf")
    if not isinstance(inner, rv_discrete) or not _is_generic(inner, "_cdf"):
        return False
    if hasattr(inner, "xk") or high - low < MAX_SUMMED or math.isinf(low):
        return False
    return math.isfinite(high) or np.sum(dist.pmf(low + np.arange(MAX_SUMMED))) < 0.99


def _is_generic(inner: Any, method: str) -> bool:
    """Whether a distribution of scipy inherits a method from the base class."""
    base = rv_continuous if isinstance(inner, rv_continuous) else rv_discrete
    return getattr(type(inner), method) is getattr(base, method)


def _drawn(dist: Any, random_state: int, support: tuple[float, float]) -> Drawn:
    """Draw from a distribution, less often if scipy draws by a slow `ppf`."""
    inner = getattr(dist, "dist", dist)
    is_scipy = isinstance(inner, rv_continuous | rv_discrete)
    is_slow = is_scipy and _is_generic(inner, "_rvs") and _is_generic(inner, "_ppf")
    n_draws = N_OBJECTS if is_slow else N_DRAWS
    return parse_draws(dist, random_state, n_draws=n_draws, support=support)


def _support(dist: Any) -> tuple[float, float]:
    if hasattr(dist, "support"):
        low, high = dist.support()
        return float(low), float(high)
    ends = []
    for q, otherwise in ((0.0, -math.inf), (1.0, math.inf)):
        try:
            ends.append(float(dist.ppf(q)))
        except (ArithmeticError, ValueError):  # as log(0) of the math module
            ends.append(otherwise)
    return ends[0], ends[1]


class _Elementwise:
    """Let the `cdf`, `ppf` and `pmf` of a distribution take arrays."""

    def __init__(self, dist: Any) -> None:
        self._dist = dist

    def __repr__(self) -> str:
        return repr(self._dist)

    def __getattr__(self, name: str) -> Any:
        # pickle and copy look for dunder methods before there is a _dist.
        if name.startswith("_"):
            raise AttributeError(name)
        value = getattr(self._dist, name)
        return np.vectorize(value) if name in ("cdf", "ppf", "pmf") else value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Elementwise) and same_value(self._dist, other._dist)

    __hash__ = None  # type: ignore[assignment]


def _takes_arrays(dist: Any) -> bool:
    q = np.array([0.25, 0.75])
    try:
        x = dist.ppf(q)
        return bool(np.shape(x) == (2,) and np.shape(dist.cdf(x)) == (2,))
    except (TypeError, ValueError):
        return False
    except RuntimeError:  # scipy's search for a quantile, at these q
        return True


def _same_distribution(a: Any, b: Any) -> bool:
    """Whether two distributions are equal, or frozen with equal arguments.

    scipy's frozen distributions define no equality.
    """
    if same_value(a, b):
        return True
    if type(a) is not type(b) or not all(hasattr(a, x) for x in ("args", "kwds")):
        return False
    return (
        type(a.dist) is type(b.dist)
        and a.dist.name == b.dist.name
        and same_value(a.args, b.args)
        and same_value(sorted(a.kwds.items()), sorted(b.kwds.items()))
    )


def _closed_form(dist: Any, low: float, high: float) -> Interval | None:
    """Recognise uniform and log-uniform by quantiles, whatever their class or `loc`.

    scipy's generic `ppf` takes 50 us a call, the closed form 1 us. The bounds of a
    log-uniform distribution are values like any other, so they are proposed. A uniform
    one often begins at a 0 that it never draws, and that the estimator does not accept.
    """
    if not _MIN_WIDTH * max(abs(low), abs(high)) < high - low < math.inf:
        return None
    q = np.linspace(0.05, 0.95, 19)
    x = np.asarray(dist.ppf(q), dtype=np.float64)
    for log in (False, True) if low > 0 else (False,):
        exact = Interval(low, high, log=log, is_open=not log)
        if np.allclose(x, exact.ppf(q), rtol=1e-12, atol=0):
            return exact
    return None
