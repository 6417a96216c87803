"""What the registry says of all parameters of an estimator, at any depth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sklearn_tuners._defaults.registry import Row, is_known, rows_of
from sklearn_tuners._estimators import nested, parameters

__all__ = ["directions", "explain_no_space", "resources"]


def directions(estimator: Any) -> dict[str, str | list[Any]]:
    """Which values of each parameter make a simpler model.

    Parameters
    ----------
    estimator : estimator object
        Any estimator or composition of estimators.

    Returns
    -------
    dict of str to {"low", "high"} or list
        Full names of parameters, at any depth, to the end of the range that regularises
        more: ``"low"`` if smaller values are simpler. For a choice, its values from
        simple to complex. Parameters without such an order are left out, such as the
        learning rate and the number of trees of boosting, which regularise only
        jointly.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn.svm import SVR
    >>> from sklearn_tuners.spaces import directions
    >>> found = directions(make_pipeline(StandardScaler(), SVR()))
    >>> found["svr__C"], found["svr__epsilon"]
    ('low', 'high')
    """
    found: dict[str, str | list[Any]] = {}
    for name, row in _all_rows(estimator):
        if row.simpler and name not in found:
            from_simple = row.values if row.simpler == "low" else row.values[::-1]
            found[name] = list(from_simple) or row.simpler
    return found


def resources(estimator: Any) -> dict[str, int]:
    """Parameters that are never worse when larger, only more expensive.

    Parameters
    ----------
    estimator : estimator object
        Any estimator or composition of estimators.

    Returns
    -------
    dict of str to int
        Full names of parameters, at any depth, to the smallest value at which a score
        says something about the score at a larger one.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn_tuners.spaces import resources
    >>> resources(RandomForestClassifier())
    {'n_estimators': 10}
    """
    return {
        name: row.resource
        for name, row in _all_rows(estimator)
        if row.resource is not None
    }


def explain_no_space(estimator: Any) -> str:
    """Say why an estimator has no default space, and what to do.

    Parameters
    ----------
    estimator : estimator object
        An estimator or composition of estimators without a default space.

    Returns
    -------
    str
        Two sentences, to follow the statement that there is no space.
    """
    unknown = sorted({type(e).__name__ for e in _all_estimators(estimator)
                      if not is_known(e)})  # fmt: skip
    cure = (
        "Give param_distributions (or param_grid), a dict of parameter names to lists, "
        "distributions or ranges"
    )
    if not unknown:
        return f"no parameter that is worth tuning has its default value. {cure}."
    return (
        f"the registry does not know {', '.join(unknown)}. {cure}, or add the rows of "
        "a class with sklearn_tuners.register_space."
    )


def _all_estimators(estimator: Any) -> Iterator[Any]:
    """Yield an estimator and those inside it, at any depth."""
    yield estimator
    for _, inner in nested(estimator):
        yield from _all_estimators(inner)


def _all_rows(estimator: Any, prefix: str = "") -> Iterator[tuple[str, Row]]:
    """Yield the rows of all parameters at any depth, with the full names."""
    known = parameters(estimator)
    for row in rows_of(estimator):
        if row.parameter in known:
            yield prefix + row.parameter, row
    for name, inner in nested(estimator):
        yield from _all_rows(inner, f"{prefix}{name}__")
