"""What is spent on a candidate: rows, epochs, or an integer parameter."""

from __future__ import annotations

import difflib
import re
from fractions import Fraction
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import clone, is_classifier
from sklearn.model_selection import TimeSeriesSplit
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils.multiclass import type_of_target, unique_labels

from sklearn_tuners._compat.sklearn import takes_integers
from sklearn_tuners._defaults.registry import rows_of
from sklearn_tuners._estimators import annotation, is_estimator, parameters
from sklearn_tuners._training.continuation import (
    EPOCHS,
    SAMPLES,
    check_epochs,
    goes_on,
    leaf_of,
    names_of,
    parts_of,
)
from sklearn_tuners.spaces import resources

__all__ = [
    "auto_resource",
    "check_resource",
    "first_rows",
    "label_codes",
    "labels_of",
    "least_samples",
    "nested_order",
    "resolved_settings",
    "scale_factors",
    "subset",
    "synonyms",
]

IntArray = NDArray[np.intp]


class _Rounds(NamedTuple):
    """What a library calls its rounds of boosting, and how many it makes by itself."""

    names: tuple[str, ...]
    default: int


_CATBOOST = "catboost.core.CatBoost"
_ROUNDS = {
    _CATBOOST: _Rounds(
        ("iterations", "n_estimators", "num_boost_round", "num_trees"), 1000
    ),
    "lightgbm.sklearn.LGBMModel": _Rounds(
        (
            *("n_estimators", "num_iterations", "num_iteration", "n_iter", "max_iter"),
            *("num_tree", "num_trees", "num_round", "num_rounds", "nrounds"),
            "num_boost_round",
        ),
        100,
    ),
    "xgboost.sklearn.XGBModel": _Rounds(("n_estimators",), 100),
}
"""By a base of the class; the first name is that of the registry. Neither the names nor
the number can be read from an estimator whose parameter has not been given."""

_SHRINKING = {
    "sklearn.linear_model._coordinate_descent.ElasticNet": "alpha",
    "sklearn.linear_model._coordinate_descent.MultiTaskElasticNet": "alpha",
    "sklearn.linear_model._glm.glm._GeneralizedLinearRegressor": "alpha",
    "sklearn.linear_model._least_angle.LassoLars": "alpha",
    "sklearn.linear_model._quantile.QuantileRegressor": "alpha",
    "sklearn.linear_model._stochastic_gradient.BaseSGD": "alpha",
}
"""Penalties of a mean of losses, by a base of the class: the best one shrinks with the
number of rows. Measured for Lasso, ElasticNet and SGD; the others weigh it alike."""

_NO_NUMBERS = {
    *("float", "str", "bool", "list", "List", "tuple", "Tuple", "dict", "Dict"),
    *("Sequence", "Mapping", "Callable"),
}
"""Words of annotations that are of no integer."""

_POWER = 1.0
"""Of the ratio of rows: 1/2, 3/4 and 1 were tried (docs/hyperband_measured.md)."""

_EARLY_STOPPING_ROWS = 10_000
"""Rows above which early_stopping='auto' of HistGradientBoosting is on."""


def _rounds(part: Any, parameter: str) -> _Rounds:
    """Return what is known of a parameter, if it is the rounds of a library."""
    known = (_ROUNDS[name] for name in names_of(type(part)) if name in _ROUNDS)
    found = next(known, None)
    return found if found and parameter in found.names else _Rounds((parameter,), 0)


def _owner(estimator: Any, resource: str) -> Any:
    """Return the estimator whose parameter it would be, None if there is none."""
    path = resource.rpartition("__")[0]
    part = estimator.get_params().get(path) if path else estimator
    return part if is_estimator(part) else None


def synonyms(estimator: Any, resource: str) -> list[str]:
    """Return the full names by which an estimator knows a resource.

    Parameters
    ----------
    estimator : estimator
        Of the search.
    resource : str
        Full name of a parameter, or "n_samples" or "n_epochs".

    Returns
    -------
    list of str
        One name, but for the rounds of some boosters.
    """
    path, separator, own = resource.rpartition("__")
    part = _owner(estimator, resource)
    names = (own,) if part is None else _rounds(part, own).names
    return [f"{path}{separator}{name}" for name in names]


def _name_given(leaf: Any, parameter: str) -> str:
    """Return the name of a parameter, or by which other one its value is given."""
    first, *others = _rounds(leaf, parameter).names
    given = leaf.get_params(deep=False)
    names = [name for name in (*others, first) if given.get(name) is not None]
    return names[0] if names else parameter


def auto_resource(estimator: Any) -> tuple[str, int]:
    """Return the resource that suits an estimator and its smallest sensible value.

    Parameters
    ----------
    estimator : estimator
        The steps of pipelines before the last are not looked at.

    Returns
    -------
    resource : str
        Full name of a parameter, or ``"n_samples"``.
    least : int
        1 where only the data say.

    Examples
    --------
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> auto_resource(HistGradientBoostingClassifier())
    ('max_iter', 10)
    >>> auto_resource(LogisticRegression())
    ('n_samples', 1)
    """
    sensible = resources(estimator)
    prefix, leaf = "", estimator
    while isinstance(leaf, Pipeline):
        name, leaf = leaf.steps[-1]
        prefix += f"{name}__"
    own = parameters(leaf) if is_estimator(leaf) else {}
    for name, least in sensible.items():
        parameter = name.removeprefix(prefix)
        if name.startswith(prefix) and parameter in own and goes_on(leaf, parameter):
            return prefix + _name_given(leaf, parameter), least
    return SAMPLES, 1


def least_sensible(estimator: Any, resource: str) -> int:
    """Return the smallest sensible value of a resource parameter, 1 if not known."""
    known = resources(estimator)
    return next((known[n] for n in synonyms(estimator, resource) if n in known), 1)


def check_resource(estimator: Any, resource: str, searched: set[str]) -> None:
    """Raise ``ValueError`` if a resource cannot be spent on an estimator.

    Parameters
    ----------
    estimator : estimator
        Of the search.
    resource : str
        As the user gave it, but not "auto".
    searched : set of str
        Parameters of the search space.
    """
    if resource == SAMPLES:
        return
    if resource == EPOCHS:
        check_epochs(estimator, searched)
        return
    _check_name(estimator, resource)
    leaf, own = _owner(estimator, resource), resource.rpartition("__")[2]
    for name in synonyms(estimator, resource):
        if name in searched:
            same = "" if name == resource else f" as {name!r}"
            raise ValueError(
                f"resource={resource!r} is in the search space too{same}: it is what "
                "the search increases, so take it out of the space"
            )
    if not _may_be_integer(leaf, own):
        raise ValueError(
            f"resource={resource!r} must be a parameter that takes integers, as the "
            f"number of trees or iterations does; {type(leaf).__name__} takes no "
            "integer there"
        )


def _check_name(estimator: Any, resource: str) -> None:
    """Raise ``ValueError`` if there is no such parameter, or its value has another."""
    leaf, own = _owner(estimator, resource), resource.rpartition("__")[2]
    given = own if leaf is None else _name_given(leaf, own)
    if given != own:
        raise ValueError(
            f"resource={resource!r} is another name of {given!r}, which "
            f"{type(leaf).__name__} has: use that name as the resource"
        )
    values = estimator.get_params()
    if resource not in values and (leaf is None or own not in parameters(leaf)):
        known = [SAMPLES, EPOCHS, *values]
        close = difflib.get_close_matches(resource, known, 1)
        raise ValueError(
            f"resource={resource!r} is not a parameter of "
            f"{type(estimator).__name__}, nor 'auto', 'n_samples' or 'n_epochs'"
            + (f"; did you mean {close[0]!r}?" if close else "")
        )


def _may_be_integer(leaf: Any, parameter: str) -> bool:
    """Return whether a parameter may be any integer of a range.

    Where the class states no constraints, the registry, the value, the default and the
    annotation tell what it is not.
    """
    stated = takes_integers(leaf, parameter)
    if stated is not None:
        return stated
    kinds = {row.kind for row in rows_of(leaf) if row.parameter == parameter}
    if kinds & {"float", "choice", "int"}:
        return "int" in kinds
    # What is no parameter is a step.
    value, default = parameters(leaf).get(parameter, ("", None))
    if isinstance(value, float | str | bool) or isinstance(default, float | bool):
        return False
    words = set(re.findall(r"\w+", annotation(type(leaf), parameter)))
    if not words and _CATBOOST in names_of(type(leaf)):  # of its hundred parameters
        return parameter in _ROUNDS[_CATBOOST].names
    return "int" in words or not words & _NO_NUMBERS


def least_samples(estimator: Any, y: Any, n_splits: int) -> int:
    """Return the fewest rows that are worth a rung.

    Two of each class for every split, as in scikit-learn's halving searches, and no
    fewer than 20 of each class, 40 for a regression.
    """
    if y is not None and is_classifier(estimator):
        n_labels = n_rows_with_all_labels(y) if stratifies(estimator, y) else 2
        return max(2 * n_splits, 20) * n_labels
    return max(2 * n_splits, 40)


def smallest_samples(estimator: Any, y: Any, n_splits: int) -> int:
    """Return the fewest rows for every split to have two of each class, or two."""
    n_labels = n_rows_with_all_labels(y) if stratifies(estimator, y) else 1
    return 2 * n_splits * n_labels


def n_rows_with_all_labels(y: Any) -> int:
    """Return how many rows are enough to have every label of every column.

    Examples
    --------
    >>> n_rows_with_all_labels([0, 1, 2]), n_rows_with_all_labels([[0, 1], [1, 0]])
    (3, 3)
    """
    codes = label_codes(y)
    # The first row has a label of each column, each of the others brings one at least.
    return int(codes.max() + 2 - codes.shape[1])


def label_codes(y: Any) -> IntArray:
    """Return an integer for each label of each column, another one in each column.

    Parameters
    ----------
    y : array-like or sparse matrix of shape (n,) or (n, n_columns)
        Target of a classification with one or several outputs.

    Returns
    -------
    ndarray of shape (n, n_columns)

    Examples
    --------
    >>> label_codes([["a", "x"], ["b", "x"]]).tolist()
    [[0, 2], [1, 2]]
    """
    table = np.asarray(y.toarray() if issparse(y) else y)
    columns, n = [], 0
    for column in table.reshape(len(table), -1).T:
        labels, codes = np.unique(column, return_inverse=True)
        columns.append(codes + n)
        n += len(labels)
    return np.stack(columns, axis=1)


def first_rows(codes: IntArray, n_each: int = 2) -> IntArray:
    """Return the positions of the rows that are the first to show some label.

    Parameters
    ----------
    codes : ndarray of shape (n, n_columns)
        See `label_codes`.
    n_each : int, default=2
        Rows of each label, as far as there are. Early stopping splits its rows again by
        label, which takes two of each.

    Returns
    -------
    ndarray
        Ascending.

    Examples
    --------
    >>> codes = label_codes([0, 0, 0, 1, 0, 2, 2])
    >>> first_rows(codes).tolist(), first_rows(codes, 1).tolist()
    ([0, 1, 3, 5, 6], [0, 3, 5])
    """
    flat = codes.ravel()
    cells, found = np.arange(len(flat)), [np.empty(0, dtype=np.intp)]
    for _ in range(n_each):
        _, first = np.unique(flat[cells], return_index=True)
        found.append(cells[first])
        cells = np.delete(cells, first)
    return np.unique(np.concatenate(found) // codes.shape[1])


def labels_of(estimator: Any, y: Any) -> Any:
    """Return all labels, as ``partial_fit`` of a classifier takes them; else None."""
    if y is None or not is_classifier(estimator):
        return None
    if isinstance(leaf_of(estimator, EPOCHS)[0], MultiOutputClassifier):
        table = np.asarray(y.toarray() if issparse(y) else y)
        return [np.unique(column) for column in table.T]
    if type_of_target(y) == "multilabel-indicator":
        return unique_labels(y)
    return np.unique(np.asarray(y))


def resolved_settings(estimator: Any, n_samples: int) -> dict[str, Any]:
    """Return options to set that "auto" would let depend on the rows of each fit.

    Parameters
    ----------
    estimator : estimator
        With its params set.
    n_samples : int
        Rows of all data.

    Returns
    -------
    dict of str to object

    Examples
    --------
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> resolved_settings(HistGradientBoostingClassifier(), 12_000)
    {'early_stopping': True}
    """
    return {
        f"{prefix}early_stopping": n_samples > _EARLY_STOPPING_ROWS
        for prefix, part in parts_of(estimator)
        if getattr(part, "early_stopping", None) == "auto"
        and type(part).__module__.startswith("sklearn.")
    }


def scale_factors(estimator: Any, ratio: float) -> dict[str, float]:
    """Return by what to multiply penalties on a part of the rows.

    Parameters
    ----------
    estimator : estimator
        With its params set.
    ratio : float
        All rows by the rows of the part.

    Returns
    -------
    dict of str to float
        Full parameter names.

    Examples
    --------
    >>> from sklearn.linear_model import Lasso, LogisticRegression
    >>> scale_factors(Lasso(), 9.0), scale_factors(LogisticRegression(), 9.0)
    ({'alpha': 9.0}, {})
    """
    if ratio <= 1.0:
        return {}
    return {
        f"{prefix}{_SHRINKING[name]}": float(ratio**_POWER)
        for prefix, part in parts_of(estimator)
        for name in names_of(type(part))
        if name in _SHRINKING and _SHRINKING[name] in part.get_params(deep=False)
    }


def subset(
    order: IntArray,
    share: Fraction,
    codes: IntArray | None = None,
    groups: Any = None,
) -> IntArray:
    """Return the rows of a training set that a rung uses, in ascending order.

    Parameters
    ----------
    order : ndarray of shape (n,)
        See `nested_order`.
    share : Fraction
        Of the rows, rounded down; at least one.
    codes : ndarray of shape (n, n_columns), default=None
        Their labels in that order, see `label_codes`; as many rows more are taken as it
        needs for each label to be there, twice if it can be.
    groups : ndarray of shape (n,), default=None
        Their groups in that order; only whole ones are taken, at least one.

    Returns
    -------
    ndarray
    """
    ends = np.arange(1, len(order) + 1)
    if groups is not None:
        _, group = np.unique(groups, return_inverse=True)
        ends = np.append(np.flatnonzero(np.diff(group)) + 1, len(order))
    least = 1 if codes is None else int(first_rows(codes)[-1]) + 1
    fitting = ends[ends <= int(len(order) * share)]
    enough = ends[ends >= least]
    return np.sort(order[: max([*fitting[-1:], enough[0]])])


def nested_order(
    train: IntArray,
    codes: IntArray | None,
    *,
    groups: Any = None,
    is_series: bool = False,
    rng: np.random.Generator,
) -> IntArray:
    """Return training rows in an order whose beginnings are subsets that fit.

    Parameters
    ----------
    train : ndarray of shape (n,)
        Training rows of a split.
    codes : ndarray of shape (n_samples, n_columns) or None
        Labels of all rows of a classification, see `label_codes`. The first rows show
        each of them twice, and each beginning has those of a single column in
        proportion.
    groups : array-like or None
        Groups of all rows; those of one group follow each other.
    is_series : bool, default=False
        Whether the latest rows come first.
    rng : Generator
        For the order of the others.

    Returns
    -------
    ndarray of shape (n,)
    """
    train = np.asarray(train)
    if is_series:
        return np.sort(train)[::-1]
    if groups is not None:
        _, group = np.unique(np.asarray(groups)[train], return_inverse=True)
        turn = rng.permutation(group.max() + 1)[group]
        if codes is not None:
            turn = _labels_first(turn, codes[train])
        return train[np.lexsort((train, turn))]
    shuffled = rng.permutation(train)
    if codes is None:
        return shuffled
    codes = codes[shuffled]
    position = np.ones(len(shuffled))
    if codes.shape[1] == 1:
        for label in np.unique(codes):
            rows = np.flatnonzero(codes[:, 0] == label)
            position[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
    position[first_rows(codes)] = 0.0
    return shuffled[np.argsort(position, kind="stable")]


def _labels_first(turn: IntArray, codes: IntArray) -> IntArray:
    """Bring forward the groups that first show each label, twice."""
    in_turn = np.argsort(turn, kind="stable")
    first = np.unique(turn[in_turn[first_rows(codes[in_turn])]])
    return np.where(np.isin(turn, first), turn - turn.max() - 1, turn)


def is_series(cv: Any) -> bool:
    """Return whether the rows are in the order of time."""
    return isinstance(cv, TimeSeriesSplit)


def stratifies(estimator: Any, y: Any) -> bool:
    """Return whether subsets have to have all labels, of one or several outputs."""
    if y is None or not is_classifier(estimator):
        return False
    kind: str = type_of_target(y)
    return kind.startswith(("binary", "multiclass", "multilabel"))


def full_value(estimator: Any, resource: str) -> int | None:
    """Return what a resource is on the estimator as it stands, None if no number.

    For `EPOCHS` it is ``max_iter``, if the estimator has it.
    """
    leaf, _ = leaf_of(clone(estimator), resource)
    parameter = "max_iter" if resource == EPOCHS else resource.rpartition("__")[2]
    value = leaf.get_params(deep=False).get(parameter)
    if value is None and resource != EPOCHS:
        value = _rounds(leaf, parameter).default
    is_number = isinstance(value, Integral) and not isinstance(value, bool)
    return int(value) if is_number and value > 0 else None
