"""Whether an estimator has the parameters that a search space names."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from math import isfinite
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone

from sklearn_tuners._space.branches import Branch
from sklearn_tuners._space.dimensions import Dimension
from sklearn_tuners._space.space import Space

__all__ = ["check_parameter_names"]


def check_parameter_names(space: Space, estimator: BaseEstimator) -> None:
    """Raise ``ValueError`` for names that the estimator does not have.

    Which names exist can depend on values, for example on a step that is itself
    searched. So names below such a parameter are looked up for each of its values. A
    parameter with a condition is looked up where the condition holds.
    """
    for branch in space.branches:
        for params in _looks(branch):
            _try_parameters(estimator, params)


def _looks(branch: Branch) -> Iterator[dict[str, Any]]:
    """Yield params of a branch that together cover all its names."""
    examples = {name: _example(d) for name, d in branch.dimensions.items()}
    waiting = set(branch.conditions)
    for names in _nested(list(examples)):
        domains = [branch.dimensions[name] for name in names]
        listed = [
            domain.levels() if isfinite(domain.size) else [examples[name]]
            for name, domain in zip(names, domains, strict=True)
        ]
        related = [
            name
            for name in branch.conditions
            if name in names or (names and name.startswith(f"{names[0]}__"))
        ]
        for values in product(*listed):
            chosen = dict(zip(names, values, strict=True))
            params = branch.active_params(examples | chosen)
            waiting -= params.keys()
            yield params
            for name in related:
                condition = branch.where_active(name)
                params = branch.active_params(examples | condition | chosen)
                if name in params:
                    waiting -= params.keys()
                    yield params
    for name in branch.conditions:
        if name in waiting:
            params = branch.active_params(examples | branch.where_active(name))
            waiting -= params.keys()
            yield params


def _nested(names: list[str]) -> list[list[str]]:
    """Group the names that have others below; a group lies below its first name."""
    groups: list[list[str]] = [[]]  # at least one check
    for name in sorted(names):
        if any(other.startswith(f"{name}__") for other in names):
            if groups[-1] and name.startswith(f"{groups[-1][0]}__"):
                groups[-1].append(name)
            else:
                groups.append([name])
    return groups


def _example(domain: Dimension) -> Any:
    """Return a value from the middle of a domain."""
    return domain.decode(float(domain.snap(np.array([0.5]))[0]))


def _try_parameters(estimator: BaseEstimator, params: dict[str, Any]) -> None:
    """Set params on a clone, or raise a ``ValueError`` that names the culprit."""
    try:
        clone(estimator).set_params(**clone(params, safe=False))
    except (ValueError, AttributeError, TypeError) as error:
        # Without the culprit the others can be set. Of several culprits take the
        # innermost: without a step its parameters could not be set either.
        trial, culprit = clone(estimator), ", ".join(params)
        for name in sorted(params, key=lambda name: name.count("__"), reverse=True):
            rest = {other: params[other] for other in params if other != name}
            with suppress(ValueError, AttributeError, TypeError):
                trial = clone(estimator).set_params(**clone(rest, safe=False))
                culprit = name
                break
        known = {known.lower(): known for known in trial.get_params()}
        close = difflib.get_close_matches(culprit.lower(), known, n=1)
        hint = f" Did you mean {known[close[0]]!r}?" if close else ""
        raise ValueError(
            f"The search space has the parameter {culprit!r}, which cannot be set on "
            f"{trial!r}.{hint} ({error})"
        ) from error
