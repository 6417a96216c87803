"""Dimensions of ranges, from low to high with both bounds included."""

from __future__ import annotations

import difflib
import math
from decimal import Decimal
from typing import Any

from sklearn_tuners._space.dimensions import (
    MAX_INTEGERS,
    Dimension,
    Interval,
    Progression,
)
from sklearn_tuners._space.lists import LOG_RATIO, list_dimension
from sklearn_tuners._space.values import is_integral, is_number, to_float

__all__ = [
    "is_range_tuple",
    "parse_long_range",
    "parse_optuna_range",
    "parse_range_tuple",
    "parse_skopt_range",
]

_IS_LOG = {"uniform": False, "log-uniform": True}
"""Whether a prior of scikit-optimize means a log scale."""

_SHORT_PRIORS = ("log", "log10")
"""Misspelt priors, too short to tell from "log2", a value of `max_features`."""

_MIN_WIDTH = 1e-10
"""Least width of a range of floats, relative to its bounds.

A double has 16 digits. Here 6 are left to tell values from one another. Integers are
exact.
"""


def is_range_tuple(value: Any) -> bool:
    """Whether a value is (low, high) or (low, high, prior), not a list of values.

    A third element that resembles a prior is taken for a misspelt one. There may be a
    fourth element, the base of the logarithm, which does not change the values.

    Parameters
    ----------
    value : object
        Any object.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_range_tuple((1, 9)), is_range_tuple((1, 9, "sqrt"))
    (True, False)
    """
    if not isinstance(value, tuple) or len(value) not in (2, 3, 4):
        return False
    if not all(map(is_number, value[:2])):
        return False
    prior = value[2] if len(value) > 2 else "uniform"
    base = value[3] if len(value) > 3 else 10
    if not isinstance(prior, str) or not (is_integral(base) and base > 1):
        return False
    resembles_prior = difflib.get_close_matches(prior, _IS_LOG, 1)
    return bool(resembles_prior) or prior in _SHORT_PRIORS


def parse_range_tuple(value: tuple[Any, ...]) -> Dimension:
    """Make the dimension of a tuple that is a range.

    Parameters
    ----------
    value : tuple
        One that `is_range_tuple` accepts.

    Returns
    -------
    Dimension

    Raises
    ------
    ValueError
        If bounds or prior are invalid.
    """
    low, high = value[:2]
    prior = value[2] if len(value) > 2 else "uniform"
    return _range(low, high, prior, is_integral(low) and is_integral(high))


def parse_skopt_range(value: Any) -> Dimension:
    """Make the dimension of scikit-optimize's `Real` or `Integer`.

    Parameters
    ----------
    value : object
        Has numbers `low` and `high` and a `prior`.

    Returns
    -------
    Dimension

    Raises
    ------
    ValueError
        If bounds or prior are invalid.
    """
    return _range(value.low, value.high, value.prior, _is_integer_range(value))


def parse_optuna_range(value: Any) -> Dimension:
    """Make the dimension of Optuna's `FloatDistribution` or `IntDistribution`.

    Parameters
    ----------
    value : object
        Has numbers `low` and `high`, `log` and perhaps a `step`. Equal bounds are a
        constant.

    Returns
    -------
    Dimension

    Raises
    ------
    ValueError
        If bounds or step are invalid.
    """
    low, high, step = value.low, value.high, getattr(value, "step", None)
    is_integer = _is_integer_range(value)
    if low == high and math.isfinite(low):
        return list_dimension([low])
    if step is None or (is_integer and step == 1):
        return _range(low, high, "log-uniform" if value.log else "uniform", is_integer)
    _check_bounds(low, high, value.log, is_integer)
    if value.log:
        raise ValueError(f"a log scale has no step, got log=True, step={step!r}")
    if not 0 < to_float(step) < math.inf:
        raise ValueError(f"step must be a positive number, got step={step!r}")
    kind = int if is_integer else _decimal
    first, gap = kind(low), kind(step)
    n = int((kind(high) - first) // gap) + 1
    return Progression(first, gap, n) if n > 1 else list_dimension([low])


def parse_long_range(values: range) -> Dimension:
    """Make the dimension of a `range` without listing its values.

    Parameters
    ----------
    values : range
        Coordinates are chosen as for a list.

    Returns
    -------
    Dimension
    """
    ascending = values if values.step > 0 else values[::-1]
    low, high = ascending[0], ascending[-1]
    return Progression(
        low,
        ascending.step,
        len(values),
        log=low > 0 and high / LOG_RATIO >= low and len(values) <= MAX_INTEGERS,
        descending=values.step < 0,
    )


def _range(low: Any, high: Any, prior: str, is_integer: bool) -> Dimension:
    if prior not in _IS_LOG:
        raise ValueError(
            f"unknown prior {prior!r}, accepted are 'uniform' and 'log-uniform'; "
            "a list of values is written as a list"
        )
    log = _IS_LOG[prior]
    _check_bounds(low, high, log, is_integer)
    if is_integer:
        n = int(high) - int(low) + 1
        return Progression(int(low), 1, n, log=log, log_prior=log)
    return Interval(float(low), float(high), log=log)


def _check_bounds(low: Any, high: Any, log: bool, is_integer: bool) -> None:
    # Their difference must be finite too: coordinates are fractions of it.
    if not math.isfinite(to_float(high) - to_float(low)):
        raise ValueError(f"low and high must be finite, got low={low!r}, high={high!r}")
    if is_integer:
        is_range = int(low) < int(high)
    else:
        is_range = high - low > _MIN_WIDTH * max(abs(low), abs(high))
    if not is_range:
        raise ValueError(f"low must be less than high, got low={low!r}, high={high!r}")
    if log and not low > 0:
        raise ValueError(
            f"a log scale needs low > 0, got low={low!r}; to add a zero, use a list of "
            "dicts, one of them with [0]"
        )


def _is_integer_range(value: Any) -> bool:
    """Whether a range of another package is of integers.

    The class name decides: scikit-optimize's `Real(1, 10)` keeps integer bounds.
    """
    ancestors = {cls.__name__ for cls in type(value).__mro__}
    if ancestors & {"Integer", "IntDistribution"}:
        return True
    if ancestors & {"Real", "FloatDistribution"}:
        return False
    return is_integral(value.low) and is_integral(value.high)


def _decimal(x: Any) -> Decimal:
    """Return a number as it is written: 0.1 and not the nearest double."""
    return Decimal(repr(float(x)))
