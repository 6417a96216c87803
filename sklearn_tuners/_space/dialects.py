"""What users write for a search space, turned into dimensions.

The dialects of one parameter, in the order in which they are recognised:

1. scikit-optimize's `Real`, `Integer`, `Categorical` and Optuna's
   `FloatDistribution`, `IntDistribution`, `CategoricalDistribution`, by their
   attributes: neither package is imported.
2. Distributions with `cdf` and `ppf`: scipy's frozen ones and look-alikes.
3. Any other object with `rvs`, known through its draws.
4. Tuples `(low, high)` and `(low, high, prior)` of two numbers, if tuples are ranges.
   A third element that is no prior, nor nearly one, makes it a list of values.
5. Sequences and arrays: lists of values.

Bounds of 1 and 4 are included, as in the packages they come from; distributions of 2
stay inside theirs by a margin.
"""

import difflib
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from sklearn_tuners._space.dimensions import (
    MAX_INTEGERS,
    MAX_TABLE,
    Dimension,
    FloatArray,
    Interval,
    Progression,
    Table,
)
from sklearn_tuners._space.distributions import parse_distribution
from sklearn_tuners._space.drawn import parse_draws
from sklearn_tuners._space.values import distinct, is_number, to_float

__all__ = ["list_dimension", "parse_dimension", "parse_subspaces"]

# A numeric list is spaced by its logarithm from this ratio of its extremes on (two
# decades), as in `[0.1, 1, 10]`.
LOG_RATIO = 100
# Share of the range in which half of a list's levels make it a crowded one.
CROWD = 0.05
# Least distance of two levels on a list's own scale.
MIN_GAP = 1e-9

_PRIORS = {"uniform": False, "log-uniform": True}
# Too short to be told from "log2", a value of max_features, by their likeness.
_SHORT_FOR_A_PRIOR = ("log", "log10")

Subspace = tuple[Mapping[str, Any], float | None]


def parse_subspaces(spec: Any, name: str) -> list[Subspace]:
    """Dicts of a search space, each with its relative share if the user gave one.

    Parameters
    ----------
    spec : dict or list of dicts
        An element of the list may be a tuple (dict, n), as for scikit-optimize. An
        empty dict is the estimator as it is.
    name : str
        What error messages call `spec`.

    Returns
    -------
    list of (dict, share)
        The share is n over the largest n, or None where there is no n.

    Raises
    ------
    TypeError, ValueError
        If `spec` is something else or an empty list.

    Examples
    --------
    >>> parse_subspaces([({"C": [1, 10]}, 20), {"C": [0]}], "param_distributions")
    [({'C': [1, 10]}, 1.0), ({'C': [0]}, None)]
    """
    if isinstance(spec, Mapping):
        spec = [spec]
    elif isinstance(spec, str | bytes) or not isinstance(spec, Sequence):
        raise TypeError(
            f"{name} should be a dict or a list of dicts, got: {spec!r} of type "
            f"{type(spec).__name__}"
        )
    pairs = [
        element if isinstance(element, tuple) and len(element) == 2 else (element, None)
        for element in spec
    ]
    for subspace, n in pairs:
        if not isinstance(subspace, Mapping):
            raise TypeError(
                f"{name} should be a dict or a list of dicts, got {subspace!r} in it"
            )
        if n is not None and not (_is_integral(n) and n > 0):
            raise ValueError(
                f"{name}: the n of a tuple (dict, n) must be a positive integer, "
                f"got {n!r}"
            )
        for key in subspace:
            if not isinstance(key, str):
                raise TypeError(
                    f"{name}: names of parameters must be strings, got {key!r}"
                )
    if not pairs:
        raise ValueError(f"{name} must have at least one dict, got {spec!r}")
    most = max((n for _, n in pairs if n is not None), default=1)
    return [(subspace, n and n / most) for subspace, n in pairs]


def parse_dimension(
    key: str,
    value: Any,
    *,
    name: str = "param_distributions",
    tuples_as_ranges: bool = True,
    random_state: int = 0,
) -> Dimension:
    """Dimension of one parameter, whatever the dialect it is written in.

    Parameters
    ----------
    key : str
        The parameter, for error messages.
    value : object
        A list of values, a distribution, a range.
    name : str, default="param_distributions"
        The argument that holds `key`, for error messages.
    tuples_as_ranges : bool, default=True
        Whether a tuple of two numbers is a range and not a list of values.
    random_state : int, default=0
        Seed of the draws from objects that have only `rvs`.

    Returns
    -------
    Dimension

    Raises
    ------
    TypeError, ValueError
        If `value` is not understood; the message names `key`.

    Examples
    --------
    >>> parse_dimension("C", (1e-3, 1e3, "log-uniform")).decode(0.5)
    1.0
    """
    try:
        found = _parse_object(value, random_state)
        if found is None and tuples_as_ranges and isinstance(value, tuple):
            found = _parse_tuple(value)
        if found is None and isinstance(value, range) and len(value) > MAX_TABLE:
            found = _long_range(value)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"Parameter {key!r} of {name}: {error}") from error
    return list_dimension(_values_of(key, value)) if found is None else found


def _parse_object(value: Any, random_state: int) -> Dimension | None:
    """Dimension of an object of scikit-optimize, Optuna, scipy or with `rvs`."""
    choices = getattr(value, "choices", None)
    if isinstance(choices, list | tuple):
        return _parse_choices(choices, None)
    categories = getattr(value, "categories", None)
    if isinstance(categories, list | tuple) and hasattr(value, "prior"):
        return _parse_choices(categories, value.prior)
    low, high = getattr(value, "low", None), getattr(value, "high", None)
    if is_number(low) and is_number(high):
        if isinstance(getattr(value, "log", None), bool):
            return _parse_optuna_range(value)
        if isinstance(getattr(value, "prior", None), str):
            return _range(low, high, value.prior, _is_integer_range(value))
    if callable(getattr(value, "cdf", None)) and callable(getattr(value, "ppf", None)):
        return parse_distribution(value, random_state)
    if callable(getattr(value, "rvs", None)):
        return parse_draws(value, random_state)
    return None


# Lists --------------------------------------------------------------------------------


def _values_of(key: str, value: Any) -> list[Any]:
    """List the values, or raise scikit-learn's own errors, which its tests match."""
    if isinstance(value, np.ndarray) and value.ndim > 1:
        raise ValueError(
            f"Parameter array for {key!r} should be one-dimensional, got: {value!r} "
            f"with shape {value.shape}"
        )
    is_array = isinstance(value, np.ndarray) and value.ndim == 1
    is_list = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    if not is_array and not is_list:
        raise TypeError(
            f"Parameter grid for parameter {key!r} needs to be a list or a numpy "
            f"array, but got {value!r} (of type {type(value).__name__}) instead. "
            "Single values need to be wrapped in a list with one element. Also "
            "accepted are a scipy distribution, any object with rvs, a dimension of "
            "scikit-optimize or Optuna and, except in param_grid, a tuple (low, high)."
        )
    if len(value) == 0:
        raise ValueError(
            f"Parameter grid for parameter {key!r} need to be a non-empty sequence, "
            f"got: {value!r}"
        )
    return list(value)


def list_dimension(values: list[Any], weights: Sequence[float] | None = None) -> Table:
    """Dimension of a list: the user's own objects, ordinal if they are numbers.

    Parameters
    ----------
    values : list
        Not empty.
    weights : sequence of float, optional
        Probabilities. Default: each listed value is equally likely.

    Returns
    -------
    Table

    Examples
    --------
    >>> list_dimension([0.1, 1, 10, 100]).decode(0.35)
    1
    """
    levels, level_of = distinct(values)
    share = np.bincount(level_of, weights).astype(np.float64)
    positions = _numeric_positions(levels)
    if positions is None:
        n = len(levels)
        centres = (np.arange(n) + 0.5) / n
        return Table(levels, centres, share, listed=values, is_categorical=True)
    order = np.argsort(positions)
    ordered = [levels[k] for k in order]
    return Table(ordered, positions[order], share[order], listed=values)


def _numeric_positions(levels: list[Any]) -> FloatArray | None:
    """Coordinates from 0 to 1 of a numeric list; None if it is to be categorical.

    Two levels have no shape to learn. Values that compare equal and differ in type (1
    and 1.0 as `max_features`) show that the list is not of one scale.
    """
    x = np.array([to_float(level) for level in levels])
    if len(x) < 3 or not np.all(np.isfinite(x)) or len(np.unique(x)) < len(x):
        return None
    # Halved or divided first, since the range of a list may overflow.
    is_log = np.min(x) > 0 and np.max(x) / LOG_RATIO >= np.min(x)
    t = np.log(x) if is_log else x / np.max(np.abs(x))
    t = (t - np.min(t)) / (np.max(t) - np.min(t))
    ranks = np.argsort(np.argsort(x)) / (len(x) - 1)
    return ranks if _is_crowded(np.sort(t)) else t


def _is_crowded(t: FloatArray) -> bool:
    """Whether half of the levels share a twentieth of the range, or two a point.

    Then the scale tells them apart badly and ranks do better: `[0, 1e-3, 1e-2, 0.1, 1]`
    is a decade scale that the zero keeps from being logarithmic.
    """
    half = math.ceil(len(t) / 2)
    spans = t[half - 1 :] - t[: len(t) - half + 1]
    return bool(np.min(spans) < CROWD or np.min(np.diff(t)) < MIN_GAP)


def _long_range(values: range) -> Progression:
    """Range that is not materialised; its scale is chosen as a list's."""
    ascending = values if values.step > 0 else values[::-1]
    low, high = ascending[0], ascending[-1]
    return Progression(
        low,
        ascending.step,
        len(values),
        log=low > 0 and high / LOG_RATIO >= low and len(values) <= MAX_INTEGERS,
        descending=values.step < 0,
    )


# Ranges -------------------------------------------------------------------------------


def _parse_tuple(value: tuple[Any, ...]) -> Dimension | None:
    """Range of scikit-optimize; None if the tuple is a list of values.

    A third element that resembles a prior is taken for one, misspelt. A fourth one, the
    base of the logarithm, changes nothing about the values.
    """
    if len(value) not in (2, 3, 4) or not all(map(is_number, value[:2])):
        return None
    low, high = value[:2]
    prior = value[2] if len(value) > 2 else "uniform"
    base = value[3] if len(value) > 3 else 10
    if not isinstance(prior, str) or not (_is_integral(base) and base > 1):
        return None
    is_like_one = difflib.get_close_matches(prior, _PRIORS, 1)
    if not is_like_one and prior not in _SHORT_FOR_A_PRIOR:
        return None
    return _range(low, high, prior, _is_integral(low) and _is_integral(high))


def _range(low: Any, high: Any, prior: str, is_integer: bool) -> Dimension:
    """Range with both bounds included."""
    if prior not in _PRIORS:
        raise ValueError(
            f"unknown prior {prior!r}, accepted are 'uniform' and 'log-uniform'; "
            "a list of values is written as a list"
        )
    log = _PRIORS[prior]
    _check_bounds(low, high, log)
    if is_integer:
        first, n = int(low), int(high) - int(low) + 1
        return Progression(first, 1, n, log=log, log_prior=log)
    return Interval(float(low), float(high), log=log)


def _check_bounds(low: Any, high: Any, log: bool) -> None:
    # Their difference must be finite too: it is the scale of the coordinate.
    if not math.isfinite(to_float(high) - to_float(low)):
        raise ValueError(f"low and high must be finite, got low={low!r}, high={high!r}")
    # Doubles so near to each other have no values between them to speak of.
    if not high - low > 1e-10 * max(abs(low), abs(high)):
        raise ValueError(f"low must be less than high, got low={low!r}, high={high!r}")
    if log and not low > 0:
        raise ValueError(
            f"a log scale needs low > 0, got low={low!r}; for a zero besides a log "
            "scale use a list of dicts, one of them with [0]"
        )


def _parse_optuna_range(value: Any) -> Dimension:
    """Optuna's ranges; there, low == high is a constant and no mistake."""
    low, high, step = value.low, value.high, getattr(value, "step", None)
    is_integer = _is_integer_range(value)
    if low == high and math.isfinite(low):
        return list_dimension([low])
    if step is None or (is_integer and step == 1):
        return _range(low, high, "log-uniform" if value.log else "uniform", is_integer)
    _check_bounds(low, high, value.log)
    if value.log:
        raise ValueError(f"a log scale has no step, got log=True, step={step!r}")
    if not 0 < to_float(step) < math.inf:
        raise ValueError(f"step must be a positive number, got step={step!r}")
    kind = int if is_integer else _decimal
    first, gap = kind(low), kind(step)
    n = int((kind(high) - first) // gap) + 1
    return Progression(first, gap, n) if n > 1 else list_dimension([low])


def _decimal(x: Any) -> Decimal:
    """Take a number as written: 0.1 and not the nearest double."""
    return Decimal(repr(float(x)))


def _is_integer_range(value: Any) -> bool:
    """Whether a foreign range is of integers.

    The class name tells: scikit-optimize's `Real(1, 10)` keeps its bounds as integers.
    """
    ancestors = {cls.__name__ for cls in type(value).__mro__}
    if ancestors & {"Integer", "IntDistribution"}:
        return True
    if ancestors & {"Real", "FloatDistribution"}:
        return False
    return _is_integral(value.low) and _is_integral(value.high)


def _is_integral(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _parse_choices(choices: Sequence[Any], prior: Any) -> Dimension:
    """Choices as a list; `prior` holds scikit-optimize's probabilities of them."""
    if len(choices) == 0:
        raise ValueError(f"there must be at least one choice, got {choices!r}")
    if prior is None or isinstance(prior, str):
        return list_dimension(list(choices))
    p = np.asarray(prior, dtype=np.float64)
    if p.shape != (len(choices),) or not (np.all(p >= 0) and 0 < p.sum() < math.inf):
        raise ValueError(
            f"the prior of {len(choices)} categories must be as many non-negative "
            f"numbers, not all of them zero, got {prior!r}"
        )
    possible = [choice for choice, weight in zip(choices, p, strict=True) if weight]
    return list_dimension(possible, p[p > 0].tolist())
