"""Listed values: which of them are the same.

Values are the user's own objects, such as numbers, None, tuples, arrays, estimators.
They are never copied or converted, and any object can be compared safely.
"""

from __future__ import annotations

import math
import numbers
import reprlib
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import starmap
from typing import Any, TypeGuard

import numpy as np

from sklearn_tuners._typing import IntArray

__all__ = [
    "clip_integer",
    "distinct",
    "equivalent",
    "is_integral",
    "is_number",
    "key_of",
    "same_value",
    "shortened",
    "to_float",
]

_MAX_COMPARED = 100
"""Values of one key with which a value is compared.

Only objects that define equality, but no hash, have more. Those that equal none of the
first 100 count as different; otherwise the cost would be quadratic.
"""


def same_value(a: object, b: object) -> bool:
    """Whether two listed values are the same level.

    Identical objects are the same. Others must have the same type and compare equal. So
    1, 1.0 and True are three values (to scikit-learn, `max_features=1` is not
    `max_features=1.0`), while two equal tuples are one. Lists, tuples and dicts are
    compared element by element in this same way. Values whose comparison raises, or
    does not give a plain truth value (arrays, data frames), are unequal.

    Parameters
    ----------
    a, b : object
        The values.

    Returns
    -------
    bool

    Examples
    --------
    >>> same_value((1, None), (1, None)), same_value(1, True)
    (True, False)
    """
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple | dict):
        return _same_elements(a, b, same_value)
    return _plainly_equal(a, b)


def equivalent(a: object, b: object) -> bool:
    """Whether `b`, given by the user as a parameter, may stand for the level `a`.

    More values are equivalent than are the same: numbers of different types (1 and 1.0,
    but not True), NaNs, equal arrays, strings of a subclass, and estimators with equal
    parameters, for which scikit-learn defines no equality.

    Parameters
    ----------
    a, b : object
        The values.

    Returns
    -------
    bool

    Examples
    --------
    >>> equivalent(1, 1.0), equivalent(1, True)
    (True, False)
    """
    if same_value(a, b):
        return True
    if is_number(a) and is_number(b):
        return _plainly_equal(a, b) or (a != a and b != b)
    for kind in (bool | np.bool_, str):
        if isinstance(a, kind) and isinstance(b, kind):
            return _plainly_equal(a, b)
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    if _has_params(a) and _has_params(b):
        a, b = a.get_params(deep=False), b.get_params(deep=False)
    return isinstance(a, list | tuple | dict) and _same_elements(a, b, equivalent)


def _same_elements(a: Any, b: Any, same: Callable[[object, object], bool]) -> bool:
    """Whether two lists, tuples or dicts of one type agree element by element."""
    if len(a) != len(b):
        return False
    if isinstance(a, dict):
        return all(key in b and same(value, b[key]) for key, value in a.items())
    return all(starmap(same, zip(a, b, strict=True)))


def _has_params(value: object) -> TypeGuard[Any]:
    """Whether `value` is an estimator, a kernel or the like, and not a class."""
    return hasattr(value, "get_params") and not isinstance(value, type)


def _plainly_equal(a: object, b: object) -> bool:
    try:
        equal = a == b
    except Exception:  # an __eq__ may raise anything
        return False
    return isinstance(equal, bool | np.bool_) and bool(equal)


def is_number(value: object) -> TypeGuard[numbers.Real]:
    """Whether `value` is a real number; booleans are not.

    Parameters
    ----------
    value : object
        Any object.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_number(np.float32(1)), is_number(True), is_number("1")
    (True, False, False)
    """
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def is_integral(value: object) -> TypeGuard[int | np.integer]:
    """Whether `value` is an integer; booleans are not.

    Parameters
    ----------
    value : object
        Any object.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_integral(np.int64(1)), is_integral(True), is_integral(1.0)
    (True, False, False)
    """
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def to_float(value: object) -> float:
    """Convert a number to a float; anything else, or a too large one, is NaN.

    Parameters
    ----------
    value : object
        Any object.

    Returns
    -------
    float

    Examples
    --------
    >>> to_float(3), to_float("3"), to_float(10**400)
    (3.0, nan, nan)
    """
    try:
        return float(value) if is_number(value) else math.nan
    except OverflowError:
        return math.nan


def clip_integer(
    value: object, support: tuple[float, float], values: Sequence[int]
) -> int | None:
    """Clip a whole number to the range of `values`; None if it is outside the support.

    Parameters
    ----------
    value : object
        Any object.
    support : tuple of float
        Bounds of the distribution.
    values : sequence of int
        Values with a coordinate, ascending.

    Returns
    -------
    int or None

    Examples
    --------
    >>> clip_integer(99.0, (0, math.inf), range(20)), clip_integer(-1, (0, 5), range(6))
    (19, None)
    """
    x = to_float(value)
    if not support[0] <= x <= support[1] or x % 1:
        return None
    return min(max(int(x), values[0]), values[-1])


def distinct(values: Sequence[Any]) -> tuple[list[Any], IntArray]:
    """Return the distinct values, and the index of each value among them.

    Compared by `same_value`, except that all NaNs of one type are the same. Only values
    with equal keys are compared, see `key_of`, so the cost is linear.

    Parameters
    ----------
    values : sequence
        Any objects.

    Returns
    -------
    levels : list
        The first occurrence of each level.
    level_of : array of shape (len(values),), int
        Index of each value in `levels`.

    Examples
    --------
    >>> distinct(["a", 1, "a"])
    (['a', 1], array([0, 1, 0]))
    """
    levels: list[Any] = []
    level_of: list[int] = []
    buckets: dict[Hashable, list[int]] = {}
    for value in values:
        bucket = buckets.setdefault(key_of(value), [])
        is_nan = _is_nan(value)
        near = bucket[:_MAX_COMPARED]
        k = next((k for k in near if is_nan or same_value(levels[k], value)), None)
        if k is None:
            k = len(levels)
            levels.append(value)
            bucket.append(k)
        level_of.append(k)
    return levels, np.array(level_of, dtype=np.intp)


def key_of(value: object) -> Hashable:
    """Return a key that values have in common if they are the same.

    Other values rarely share a key: only unhashable objects that are not collections of
    hashable ones share one key per type. Keys are valid in one process only.

    Parameters
    ----------
    value : object
        Any object.

    Returns
    -------
    hashable

    Examples
    --------
    >>> key_of([1, {"a": []}]) == key_of([1, {"a": []}]) != key_of([1, {"b": []}])
    True
    """
    kind = type(value)
    if _is_nan(value):
        return kind, "nan"
    try:
        return kind, hash(value)
    except TypeError:
        pass
    if isinstance(value, list | tuple):
        return kind, _hash_of(tuple, value, map(key_of, value))
    if isinstance(value, dict):
        keys = ((name, key_of(value[name])) for name in value)
        return kind, _hash_of(frozenset, value.items(), keys)
    if isinstance(value, set):
        return kind, hash(frozenset(value))
    # An array does not even equal itself, so it is the same as no other.
    return (kind, "equal") if _plainly_equal(value, value) else (kind, id(value))


def _hash_of(
    freeze: Callable[[Iterable[Any]], Hashable],
    content: Iterable[Any],
    keys: Iterable[Hashable],
) -> int:
    """Hash the content of a collection, or its keys if it cannot be hashed."""
    try:
        return hash(freeze(content))
    except TypeError:
        return hash(freeze(keys))


def _is_nan(value: object) -> bool:
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def shortened(values: Sequence[Any]) -> str:
    """Return a list as text of a readable length.

    Parameters
    ----------
    values : sequence
        Any objects.

    Returns
    -------
    str

    Examples
    --------
    >>> shortened(list(range(100)))
    '[0, 1, 2, 3, 4, 5, 6, 7, ...]'
    """
    short = reprlib.Repr()
    short.maxlist = 8
    short.maxother = short.maxstring = 80
    return short.repr(list(values[:9]))
