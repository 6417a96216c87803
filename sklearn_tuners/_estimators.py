"""An estimator taken apart: its parameters with their defaults, and what is inside."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

__all__ = ["annotation", "is_estimator", "nested", "parameters"]

_SEARCHES = {"param_grid", "param_distributions"}
"""Parameters by which a search is known: it sets what is inside by itself."""


def parameters(estimator: Any) -> dict[str, tuple[Any, Any]]:
    """Parameters of an estimator, each with its value and the default of its class.

    The default is `inspect.Parameter.empty` if there is none. An estimator may have
    parameters that `get_params` does not list as long as they are not set, as CatBoost.
    """
    values = estimator.get_params(deep=False)
    signature = inspect.signature(type(estimator).__init__).parameters
    defaults = {name: p.default for name, p in signature.items()}
    if not values.keys() <= signature.keys():
        # Parameters that come in through **kwargs, as XGBoost's do.
        with suppress(TypeError):  # there are parameters without default
            defaults |= type(estimator)().get_params(deep=False)
    no_names = {
        name
        for name, p in signature.items()
        if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) or name == "self"
    }
    names = dict.fromkeys([*values, *(n for n in signature if n not in no_names)])
    found = {}
    for name in names:
        default = defaults.get(name, inspect.Parameter.empty)
        found[name] = (values.get(name, default), default)
    return found


def annotation(estimator_class: type, name: str) -> str:
    """Return how a parameter is annotated by a class or its nearest base that has it.

    Examples
    --------
    >>> class Forest:
    ...     def __init__(self, n_trees: int = 10, depth=None): ...
    >>> annotation(Forest, "n_trees"), annotation(Forest, "depth")
    ('int', '')
    """
    for base in estimator_class.__mro__:
        own = vars(base).get("__init__")
        found = inspect.signature(own).parameters.get(name) if own else None
        if found is not None:
            kind = "" if found.annotation is found.empty else found.annotation
            return kind if isinstance(kind, str) else inspect.formatannotation(kind)
    return ""


def nested(estimator: Any) -> Iterator[tuple[str, Any]]:
    """Yield the estimators inside, under the names that ``set_params`` knows them by.

    Of the first level only; none of an estimator whose inside is not to be set.
    """
    params = estimator.get_params(deep=False)
    if params.keys() & _SEARCHES or type(estimator).__name__ == "FrozenEstimator":
        return
    for name, value in params.items():
        if is_estimator(value):
            yield name, value
        elif isinstance(value, list | tuple):
            for element in value:
                # (name, estimator) of a Pipeline, a voting or stacking ensemble;
                # (name, estimator, columns) of a ColumnTransformer.
                if (
                    isinstance(element, tuple)
                    and len(element) in (2, 3)
                    and isinstance(element[0], str)
                    and is_estimator(element[1])
                ):
                    yield element[0], element[1]


def is_estimator(value: Any) -> bool:
    """Whether a value is an estimator, not a class of them or a placeholder."""
    return hasattr(value, "get_params") and not isinstance(value, type)
