"""The estimator's own values and a space that may not contain them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn_tuners._space.conditions import When
from sklearn_tuners._space.dialects import parse_dimension
from sklearn_tuners._space.dimensions import Dimension, NotInDomainError
from sklearn_tuners._typing import Params

__all__ = ["space_with_own"]


def space_with_own(
    given: Mapping[str, Any], own: Params
) -> Mapping[str, Any] | list[Mapping[str, Any]]:
    """Add the estimator's own values to a space unless they are a point of it.

    Each value is tested on the dimension of its parameter, so the space itself is
    parsed only once, afterwards. A value outside its domain, such as ``max_depth=None``
    among integers, has no place among the others. The own values then become a separate
    dict, placed first.

    Parameters
    ----------
    given : mapping of str to domain
        One dict of a search space, as a user writes it.
    own : dict
        Value of each parameter that is active with these values.

    Returns
    -------
    mapping or list of two mappings
        A space that `Space.parse` accepts.

    Raises
    ------
    TypeError, ValueError
        If a domain is not understood.

    Examples
    --------
    >>> space_with_own({"max_depth": (1, 9)}, {"max_depth": 3})
    {'max_depth': (1, 9)}
    >>> space_with_own({"max_depth": (1, 9)}, {"max_depth": None})
    [{'max_depth': [None]}, {'max_depth': (1, 9)}]
    """
    if _is_point(given, own):
        return given
    return [{name: [value] for name, value in own.items()}, given]


def _is_point(given: Mapping[str, Any], own: Params) -> bool:
    """Whether `Space.parse(given).encode(own)` would succeed."""
    if not own.keys() <= given.keys():
        return False
    dimensions = {name: _dimension(name, given[name]) for name in own}
    return all(
        _coordinate(dimensions[name], value) is not None for name, value in own.items()
    ) and all(
        (name in own) == _is_active(domain, own, dimensions)
        for name, domain in given.items()
    )


def _dimension(name: str, domain: Any) -> Dimension:
    return parse_dimension(name, domain.domain if isinstance(domain, When) else domain)


def _coordinate(dimension: Dimension, value: object) -> float | None:
    """Return the coordinate of a value, None outside the domain."""
    try:
        return dimension.encode(value)
    except NotInDomainError:
        return None


def _is_active(domain: Any, own: Params, dimensions: Mapping[str, Dimension]) -> bool:
    """Whether a parameter has no condition or one that holds.

    A condition on a parameter without an own value does not hold. This is right if that
    parameter is inactive; otherwise the test fails anyway because its value is missing.
    """
    return not isinstance(domain, When) or all(
        other in own
        and _coordinate(dimensions[other], own[other])
        in {_coordinate(dimensions[other], value) for value in values}
        for other, values in domain.condition.items()
    )
