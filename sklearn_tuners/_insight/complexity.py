"""Which of two candidates is simpler: positions of values, and comparisons.

A *direction* says which values of a parameter are simpler: "low" (smaller ones), "high"
(larger ones), or a list of values from simple to complex. A *position* is the rank of a
value among those tried, from 0 for the simplest to 1; NaN where a value has no place in
the direction, such as ``gamma="scale"`` among numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata

from sklearn_tuners._space.values import equivalent, is_number
from sklearn_tuners._typing import BoolArray, FloatArray

__all__ = ["Direction", "branch_key", "complexity", "is_simpler", "positions"]

Direction = str | Sequence[Any]
"""\"low\", \"high\", or a sequence of values from simple to complex."""


def _amount(value: Any, direction: Direction) -> float:
    """Return a number that grows with complexity; NaN if the value has none.

    Where scikit-learn accepts None as well as numbers (``max_depth``,
    ``max_leaf_nodes``, ``max_features``, ``penalty``) it stands for no limit or no
    penalty, so it is the most complex value.
    """
    if not isinstance(direction, str):
        found = (i for i, own in enumerate(direction) if equivalent(own, value))
        return float(next(found, math.nan))
    if value is None:
        return math.inf
    if is_number(value) or isinstance(value, bool | np.bool_):
        number = float(value)
        return number if direction == "low" else -number
    return math.nan


def positions(
    params: Sequence[Mapping[str, Any]], directions: Mapping[str, Any]
) -> FloatArray:
    """Positions of the values of all parameters that have a direction.

    Parameters
    ----------
    params : sequence of dict
        Candidates of one branch.
    directions : dict
        Name to direction. Parameters that are not tuned, or have only one value, are
        left out.

    Returns
    -------
    ndarray of shape (n_candidates, n_directed)
        In [0, 1], or NaN.

    Notes
    -----
    Positions are ranks, not distances. A rank does not depend on the scale (is C = 10
    twice or a hundred times as complex as 0.1?), exists for None and for listed values,
    and spans the same interval for each parameter, so that no parameter weighs more
    because its range is wider.

    Examples
    --------
    >>> tried = [{"C": 0.1}, {"C": 10.0}, {"C": 1000.0}]
    >>> positions(tried, {"C": "low"}).ravel().tolist()
    [0.0, 0.5, 1.0]
    >>> positions(tried, {"C": "high"}).ravel().tolist()
    [1.0, 0.5, 0.0]
    """
    columns = []
    for name in sorted(directions):
        if not all(name in candidate for candidate in params):
            continue
        amounts = [_amount(candidate[name], directions[name]) for candidate in params]
        ranks = rankdata(amounts, method="dense", nan_policy="omit") - 1.0
        if np.nanmax(ranks, initial=0.0) > 0.0:
            columns.append(ranks / np.nanmax(ranks))
    return np.stack(columns, axis=1) if columns else np.empty((len(params), 0))


def complexity(P: FloatArray) -> FloatArray:
    """Mean position of each candidate; a missing position counts as 1/2.

    Parameters
    ----------
    P : ndarray of shape (n, p)
        From `positions`.

    Returns
    -------
    ndarray of shape (n,)
        0 for a candidate with the simplest value of each parameter; all 0 if p is 0.

    Examples
    --------
    >>> complexity(np.array([[0.0, 1.0], [np.nan, 0.0]])).tolist()
    [0.5, 0.25]
    """
    if not P.shape[1]:
        return np.zeros(len(P))
    return np.asarray(np.where(np.isnan(P), 0.5, P).mean(axis=1))


def is_simpler(P: FloatArray, i: int) -> BoolArray:
    """Which candidates are simpler than candidate i in every respect.

    Parameters
    ----------
    P : ndarray of shape (n, p)
        From `positions`.
    i : int
        Row of the candidate to compare with.

    Returns
    -------
    ndarray of bool of shape (n,)
        True where no position is above that of candidate i and at least one is below.
        Missing positions are equal only to each other.

    Examples
    --------
    >>> is_simpler(np.array([[0.5, 0.5], [0.0, 0.5], [0.0, 1.0]]), 0)
    array([False,  True, False])
    """
    own, missing = P[i], np.isnan(P)
    equal = (own == P) | (missing & missing[i])
    below = np.less(P, own)
    return np.asarray((equal | below).all(axis=1) & below.any(axis=1))


def branch_key(params: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return a key that is equal for candidates of the same branch.

    It holds the names of the parameters, which differ between the dicts of a list of
    dicts, and the classes of values that are estimators: alternative steps of a
    pipeline have nothing in common, even if their parameters have the same names.

    Parameters
    ----------
    params : dict
        Params of the candidate.

    Returns
    -------
    tuple

    Examples
    --------
    >>> branch_key({"C": 1, "kernel": "rbf"}) == branch_key({"kernel": "poly", "C": 2})
    True
    >>> branch_key({"C": 1}) == branch_key({"C": 1, "gamma": 2})
    False
    """
    return tuple(
        (name, type(value) if hasattr(value, "get_params") else None)
        for name, value in sorted(params.items())
    )
