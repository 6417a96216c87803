"""Dimensions of distributions: scipy's frozen ones and look-alikes.

The coordinate is the cumulative probability: u = cdf(value) for continuous ones, the
middle of the step, (cdf(k - 1) + cdf(k)) / 2, for discrete ones. So equal parts of the
coordinate are equally likely, and a user who chooses `expon` or `lognorm` has chosen a
scale too.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rv_continuous, rv_discrete

from sklearn_tuners._space.dimensions import (
    MARGIN,
    MAX_INTEGERS,
    MAX_TABLE,
    Continuous,
    Dimension,
    Discrete,
    FloatArray,
    IntArray,
    Interval,
    Progression,
    Table,
    coordinate_resolution,
)
from sklearn_tuners._space.drawn import N_DRAWS, N_OBJECTS, label_of, parse_draws
from sklearn_tuners._space.values import clip_integer, same_value

__all__ = [
    "ContinuousDistribution",
    "WideIntegers",
    "parse_distribution",
]

# Levels up to which those of a wider one with bounds are summed one by one; beyond,
# scipy's quantile function is asked, whose time may be linear in the value.
MAX_SUMMED = 2**17
# Least share of the coordinate that a level of a table gets, however improbable:
# coordinates of neighbours must differ.
MIN_SHARE = 1e-9


class ContinuousDistribution(Continuous):
    """Domain of a continuous distribution.

    Parameters
    ----------
    dist : object
        Has vectorised `cdf` and `ppf`.
    low, high : float
        Support; may be infinite.
    label : str, default="a distribution"
        Its name.

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
        """Give support and name."""
        return f"a float from {self.low:g} to {self.high:g} ({self._label})"


class WideIntegers(Discrete):
    """Integers of a distribution with too many levels for a table.

    The cumulative probability is replaced by the straight lines between some thousand
    knots, which is monotone, vectorised (scipy's own discrete `ppf` is a slow search)
    and, with the slope kept off zero, invertible for every single level.

    Parameters
    ----------
    knots : array of shape (m,), int
        Strictly increasing values, less than `MAX_INTEGERS` apart.
    probabilities : array of shape (m,)
        Cumulative probability at the middle of each knot's step.
    support : tuple of float
        Bounds of the distribution; an integer inside, but beyond the knots, encodes as
        the last one.
    label : str
        Name of the distribution.
    """

    def __init__(
        self,
        knots: IntArray,
        probabilities: FloatArray,
        *,
        support: tuple[float, float],
        label: str,
    ) -> None:
        self._low = int(knots[0])
        self.n_coded = int(knots[-1]) - self._low + 1
        self.n_levels = self.n_coded
        self.size = self.n_coded if math.isfinite(support[1] - support[0]) else math.inf
        self._knots = knots.astype(np.float64)
        # A hundredth of the coordinate goes to all integers alike, so that not even
        # 2**40 of them share one: each has 1e-14, a hundred times the spacing of u.
        u = 0.99 * probabilities + 0.01 * (knots - knots[0]) / (self.n_coded - 1)
        self._positions = (u - u[0]) / (u[-1] - u[0])
        self._support = support
        self._label = label

    def level(self, u: FloatArray) -> IntArray:
        """Index of the nearest integer."""
        value = np.rint(np.interp(u, self._positions, self._knots))
        return value.astype(np.int64) - self._low

    def _position(self, k: IntArray) -> FloatArray:
        return np.asarray(np.interp(k + self._low, self._knots, self._positions))

    def value(self, k: int) -> int:
        return self._low + k

    def _find(self, value: object) -> int:
        ends = (self._low, self._low + self.n_coded - 1)
        whole = clip_integer(value, self._support, ends)
        if whole is None:
            raise self._not_inside(value)
        return whole - self._low

    def levels(self) -> Iterator[int]:
        """Integers in order."""
        if math.isinf(self.size):
            return super().levels()
        return iter(range(self._low, self._low + self.n_coded))

    def same_domain(self, other: Dimension) -> bool:
        """Whether the knots agree."""
        return (
            isinstance(other, WideIntegers)
            and self._support == other._support
            and np.array_equal(self._knots, other._knots)
            and np.array_equal(self._positions, other._positions)
        )

    def describe(self) -> str:
        """Give support and name."""
        return _integers_of(self._support, self._label)


# With cdf and ppf ---------------------------------------------------------------------


def parse_distribution(dist: Any, random_state: int) -> Dimension:
    """Dimension of an object with `cdf` and `ppf`.

    Parameters
    ----------
    dist : object
        A frozen distribution of scipy, or a look-alike. It is discrete if it has a
        `pmf`, or has neither `pmf` nor `pdf` and quantiles of an integer type.
    random_state : int
        Seed, in case `dist` is better known by draws: one whose quantiles take scipy
        long, a continuous one with atoms or with its mass where doubles are too
        coarse, a discrete one with a tail too heavy to sum or between the integers.

    Returns
    -------
    Dimension

    Raises
    ------
    TypeError, ValueError
        If the distribution does not work, for want of arguments or because of them.

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
    if not low <= high:  # also when NaN, as scipy's are for invalid arguments
        raise ValueError(
            f"{label_of(dist)} has invalid arguments: its support is [{low}, {high}]"
        )
    if low < high and _is_slow(dist, low, high):
        return _drawn(dist, random_state, (low, high))
    if not _takes_arrays(dist):
        dist = _Elementwise(dist)
    if _is_discrete(dist):
        return _discrete(dist, low, high, random_state)
    if low == high:
        return _constant(low)
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
    """Whether scipy has no formulas for `cdf` and `ppf` and takes long without.

    For a continuous one it then integrates and searches for roots, 1 to 1000 ms a
    value. For a discrete one it sums the mass term by term, which is quick where almost
    all of it is among the first levels.
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


def _drawn(dist: Any, random_state: int, support: tuple[float, float]) -> Table:
    """Draws of a distribution, fewer if scipy draws by way of a slow `ppf`."""
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
    """Distribution whose `cdf`, `ppf`, `pmf` take arrays; the original's do not."""

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
    """Whether two are identical, equal, or frozen with equal arguments.

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
    """Uniform or log-uniform, recognised by quantiles, whatever their class or `loc`.

    scipy's generic `ppf` costs 50 us a call, the closed form 1 us.
    """
    if not 1e-9 * max(abs(low), abs(high)) < high - low < math.inf:
        return None
    q = np.linspace(0.05, 0.95, 19)
    x = np.asarray(dist.ppf(q), dtype=np.float64)
    for log in (False, True) if low > 0 else (False,):
        exact = Interval(low, high, log=log, margin=MARGIN)
        if np.allclose(x, exact.ppf(q), rtol=1e-12, atol=0):
            return exact
    return None


# Discrete -----------------------------------------------------------------------------


def _is_discrete(dist: Any) -> bool:
    if hasattr(dist, "pmf") or hasattr(dist, "pdf"):
        return hasattr(dist, "pmf")
    quantiles = np.asarray(dist.ppf(np.linspace(0.1, 0.9, 9)))
    return quantiles.dtype.kind in "iu"


def _discrete(dist: Any, low: float, high: float, random_state: int) -> Dimension:
    """Choose: closed form for `randint`, table of the levels, knots, or draws."""
    own = getattr(dist, "xk", getattr(getattr(dist, "dist", None), "xk", None))
    if own is not None:  # rv_discrete(values=...), perhaps frozen with a loc
        levels = np.sort(np.asarray(own)) + (low - np.min(own))
        return _table(dist, levels, (low, high))
    if math.isfinite(low) and low % 1:  # `loc` is not a whole number
        return _drawn(dist, random_state, (low, high))
    if getattr(getattr(dist, "dist", dist), "name", None) == "randint":
        first, last = map(int, dist.support())  # exact, beyond 2**53 too
        n = last - first + 1
        return Progression(first, 1, n) if n > 1 else _constant(first)
    if high - low < MAX_TABLE:
        return _table(dist, np.arange(int(low), int(high) + 1), (low, high))
    if high - low < MAX_SUMMED:
        return _summed(dist, (low, high))
    try:
        unbounded = _unbounded(dist, (low, high))
    except RuntimeError:  # scipy's search for a quantile gives up
        unbounded = None
    return unbounded or _drawn(dist, random_state, (low, high))


def _unbounded(dist: Any, support: tuple[float, float]) -> Dimension | None:
    """Dimension of the levels outside the tails; None if too many or too heavy."""
    bulk = _bulk(dist, *support)
    if bulk is None or bulk[1] - bulk[0] >= MAX_INTEGERS:
        return None
    first, last = bulk
    if last - first < MAX_TABLE:
        return _table(dist, np.arange(first, last + 1), support)
    tails = 10.0 ** -np.arange(4.0, 12.0, 0.25)
    q = np.concatenate([tails, np.linspace(0, 1, 1025)[1:-1], 1 - tails])
    inner = np.asarray(dist.ppf(q), dtype=np.float64)
    knots = np.unique(np.clip(np.append(inner, [first, last]), first, last))
    middle = (dist.cdf(knots - 1) + dist.cdf(knots)) / 2
    return WideIntegers(
        knots.astype(np.int64), middle, support=support, label=label_of(dist)
    )


def _mass(dist: Any, levels: npt.NDArray[Any]) -> FloatArray:
    """Probabilities of levels, normalised."""
    if hasattr(dist, "pmf"):
        mass = np.asarray(dist.pmf(levels), dtype=np.float64)
    else:
        mass = np.asarray(dist.cdf(levels) - dist.cdf(levels - 1), dtype=np.float64)
    if not np.sum(mass) > 0:  # also when NaN
        raise ValueError(
            f"{label_of(dist)} has invalid arguments: no value is possible"
        )
    return mass / np.sum(mass)


def _table(
    dist: Any, levels: npt.NDArray[Any], support: tuple[float, float]
) -> Dimension:
    """Dimension of the levels that are possible."""
    mass = _mass(dist, levels)
    levels, mass = levels[mass > 0], mass[mass > 0]
    share = np.maximum(mass, MIN_SHARE)
    upper = np.cumsum(share)
    whole = bool(np.all(levels == np.rint(levels)))
    return Table(
        [int(k) if whole else float(k) for k in levels],
        (upper - share / 2) / upper[-1],
        mass,
        size=len(levels) if math.isfinite(support[1] - support[0]) else math.inf,
        support=support if whole else None,
        description=_integers_of(support, label_of(dist)) if whole else "",
    )


def _summed(dist: Any, support: tuple[float, float]) -> Dimension:
    """Dimension of some ten thousand levels, less tails with less than `MARGIN`."""
    levels = np.arange(int(support[0]), int(support[1]) + 1)
    mass = _mass(dist, levels)
    upper = np.cumsum(mass)
    keep = (upper > MARGIN) & (upper - mass < 1 - MARGIN)
    levels, middle = levels[keep], (upper - mass / 2)[keep]
    if len(levels) <= MAX_TABLE:
        return _table(dist, levels, support)
    knots = np.searchsorted(middle, np.linspace(middle[0], middle[-1], 1025))
    knots = np.unique(np.append(knots, [0, len(levels) - 1]))
    return WideIntegers(
        levels[knots], middle[knots], support=support, label=label_of(dist)
    )


def _bulk(dist: Any, low: float, high: float) -> tuple[int, int] | None:
    """First and last level of the support without tails of less than `MARGIN`.

    The upper end is approached by halving the tail. If it runs away (in `zipf` it
    grows by a power, and scipy sums the mass term by term), it stays where the tail is
    below one in a million; None if it is not there yet.
    """
    first = int(max(dist.ppf(MARGIN), low))
    steps = [0]
    for bits in range(1, 41):
        step = int(min(dist.ppf(1 - 0.5**bits), high)) - first
        # An exponential tail at most doubles its quantile when its bits double.
        if bits > 1 and step >= MAX_TABLE and step > 8 * max(steps[bits // 2], 1):
            return (first, first + steps[-1]) if bits > 20 else None
        steps.append(step)
    return first, first + steps[-1]


def _integers_of(support: tuple[float, float], label: str) -> str:
    return f"an integer from {support[0]:g} to {support[1]:g} ({label})"


def _constant(value: Any) -> Table:
    return Table([value], np.array([0.5]), np.array([1.0]))
