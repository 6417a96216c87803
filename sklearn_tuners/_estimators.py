"""An estimator taken apart: its parameters with their defaults, and what is inside."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from sklearn.pipeline import Pipeline

__all__ = [
    "annotation",
    "is_estimator",
    "is_plain_pipeline",
    "last_step",
    "leaf_of",
    "names_of",
    "nested",
    "owner_of",
    "parameters",
    "parts_of",
    "short_name",
    "split_name",
    "unchanged_bases",
]

_SEARCHES = {"param_grid", "param_distributions"}
"""Parameters that only a search has; a search sets those of its estimator itself."""

_NO_BEHAVIOUR = re.compile(
    r"__(init|module|doc|annotations|abstractmethods|parameters|orig_bases|dict|weakref"
    r"|firstlineno|static_attributes|annotate_func|annotations_cache|sklearn_tags)__"
    r"|_abc_impl|_parameter_constraints|_sklearn_auto_wrap_output_keys|set_\w+_request"
)
"""Names in a class that do not change what its methods do: its constructor, and what
Python and scikit-learn add to every class."""


def parameters(estimator: Any) -> dict[str, tuple[Any, Any]]:
    """Return the parameters of an estimator, each with its value and its default.

    The default is `inspect.Parameter.empty` if there is none. Parameters that
    `get_params` lists only once they are set, as CatBoost's does, are included.
    """
    values = estimator.get_params(deep=False)
    signature = inspect.signature(type(estimator).__init__).parameters
    defaults = {name: p.default for name, p in signature.items()}
    if not values.keys() <= signature.keys():
        # Some parameters come in through **kwargs, as XGBoost's do.
        with suppress(TypeError):  # a parameter has no default
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
    """Return the annotation of a parameter in the nearest base class that has it.

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
    """Yield the estimators directly inside, under their names in ``set_params``.

    There are none for a search or a frozen estimator: their parameters are not set from
    outside.
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
    """Return whether a value is an estimator, not a class or a placeholder."""
    return hasattr(value, "get_params") and not isinstance(value, type)


def split_name(name: str) -> tuple[str, str]:
    """Split a full parameter name into the path to its estimator and its own name.

    Examples
    --------
    >>> split_name("pipeline__svc__C"), split_name("C")
    (('pipeline__svc', 'C'), ('', 'C'))
    """
    path, _, own = name.rpartition("__")
    return path, own


def owner_of(estimator: Any, name: str) -> Any:
    """Return the estimator that a full parameter name belongs to.

    Parameters
    ----------
    estimator : estimator
        Perhaps a composition.
    name : str
        Full name of a parameter; the owner may lack it.

    Returns
    -------
    estimator or None
        None if the path leads to no estimator.
    """
    path, _ = split_name(name)
    part = estimator.get_params().get(path) if path else estimator
    return part if is_estimator(part) else None


def leaf_of(estimator: Any, name: str) -> tuple[Any, bool]:
    """Return what a full parameter name belongs to, and whether it is a last step.

    Parameters
    ----------
    estimator : estimator
        Perhaps a composition.
    name : str
        Full name of a parameter.

    Returns
    -------
    leaf : object
        The estimator or placeholder with the parameter.
    is_last : bool
        Whether one fit of `estimator` fits that very object, after its transformers,
        in pipelines that are scikit-learn's own.
    """
    path, _ = split_name(name)
    is_last = True
    for step in path.split("__") if path else ():
        is_last &= is_plain_pipeline(estimator) and step == estimator.steps[-1][0]
        estimator = estimator.get_params()[step]
    return estimator, is_last


def last_step(estimator: Any) -> tuple[str, Any]:
    """Return the prefix and the object that a pipeline ends with, at any depth.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.svm import SVC
    >>> last_step(make_pipeline("passthrough", make_pipeline(SVC())))
    ('pipeline__svc__', SVC())
    >>> last_step(SVC())
    ('', SVC())
    """
    prefix = ""
    while isinstance(estimator, Pipeline):
        name, estimator = estimator.steps[-1]
        prefix += f"{name}__"
    return prefix, estimator


def is_plain_pipeline(estimator: Any) -> bool:
    """Return whether ``fit`` of an estimator is that of scikit-learn's pipeline.

    It is not for a subclass that overrides any of its methods, such as the pipeline of
    imbalanced-learn; nor where ``transform_input`` transforms other arguments too.
    """
    is_plain = Pipeline in unchanged_bases(estimator)
    return is_plain and getattr(estimator, "transform_input", None) is None


def parts_of(estimator: Any) -> list[tuple[str, Any]]:
    """Return an estimator and all estimators in it, each with its prefix."""
    found = [("", estimator)]
    found += [
        (f"{name}__", part)
        for name, part in estimator.get_params().items()
        if is_estimator(part)
    ]
    return found


def names_of(estimator: Any) -> list[str]:
    """Return the full names of the class of an estimator and of its bases."""
    bases = type(estimator).__mro__
    return [f"{base.__module__}.{base.__qualname__}" for base in bases]


def short_name(cls: type) -> str:
    """Return the package and the name of a class, without the modules between.

    Examples
    --------
    >>> from sklearn.svm import SVC
    >>> short_name(SVC)
    'sklearn.SVC'
    """
    return f"{cls.__module__.partition('.')[0]}.{cls.__qualname__}"


def unchanged_bases(estimator: Any) -> list[type]:
    """Return the class of an estimator, and the bases that it changes nothing of.

    A class that adds methods or has another constructor behaves as its base does in
    all else; one that overrides a method may not.

    Examples
    --------
    >>> from sklearn.svm import SVC
    >>> class Renamed(SVC):
    ...     pass
    >>> class Changed(SVC):
    ...     def fit(self, X, y):
    ...         return super().fit(X, -y)
    >>> SVC in unchanged_bases(Renamed()), SVC in unchanged_bases(Changed())
    (True, False)
    """
    found: list[type] = []
    defined: set[str] = set()
    for base in type(estimator).__mro__:
        if any(hasattr(base, name) for name in defined):
            break
        found.append(base)
        defined |= {n for n in vars(base) if not _NO_BEHAVIOUR.fullmatch(n)}
    return found
