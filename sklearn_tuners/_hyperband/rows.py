"""The rows that a rung uses where the resource is the number of rows."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.model_selection import TimeSeriesSplit
from sklearn.utils.multiclass import type_of_target

from sklearn_tuners._typing import IntArray

__all__ = [
    "first_rows",
    "is_series",
    "label_codes",
    "least_samples",
    "n_rows_with_all_labels",
    "nested_order",
    "smallest_samples",
    "stratifies",
    "subset",
]

_LEAST_ROWS = 20
"""Rows of a class, and half of those of a regression, in the automatic lowest rung:
twice what scikit-learn's halving searches take with their five splits."""


def least_samples(estimator: Any, y: Any, n_splits: int) -> int:
    """Return the fewest rows that are worth a rung.

    Two of each class for every split, as in scikit-learn's halving searches, but at
    least 20 of each class, or 40 for a regression.
    """
    if y is not None and is_classifier(estimator):
        n_labels = n_rows_with_all_labels(y) if stratifies(estimator, y) else 2
        return max(2 * n_splits, _LEAST_ROWS) * n_labels
    return max(2 * n_splits, 2 * _LEAST_ROWS)


def smallest_samples(estimator: Any, y: Any, n_splits: int) -> int:
    """Return the fewest rows that give every split two rows of each class, or two."""
    n_labels = n_rows_with_all_labels(y) if stratifies(estimator, y) else 1
    return 2 * n_splits * n_labels


def n_rows_with_all_labels(y: Any) -> int:
    """Return a number of rows that is enough for every label of every column.

    Examples
    --------
    >>> n_rows_with_all_labels([0, 1, 2]), n_rows_with_all_labels([[0, 1], [1, 0]])
    (3, 3)
    """
    codes = label_codes(y)
    # The first row has a label of each column; each other row adds at least one.
    return int(codes.max() + 2 - codes.shape[1])


def label_codes(y: Any) -> IntArray:
    """Return an integer for each label, different in each column.

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
    """Return the positions of the first rows of each label.

    Parameters
    ----------
    codes : ndarray of shape (n, n_columns)
        See `label_codes`.
    n_each : int, default=2
        Rows of each label, or fewer if there are fewer. Early stopping splits the rows
        once more by label, which takes two of each.

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
        Share of the rows. Their number is rounded down, but is at least one.
    codes : ndarray of shape (n, n_columns), default=None
        Labels of the rows in that order, see `label_codes`. More rows are taken if
        needed to include each label, twice if possible.
    groups : ndarray of shape (n,), default=None
        Groups of the rows in that order. Only whole groups are taken, at least one.

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
    """Return the training rows in an order in which every prefix is a good subset.

    Parameters
    ----------
    train : ndarray of shape (n,)
        Training rows of a split.
    codes : ndarray of shape (n_samples, n_columns) or None
        Labels of all rows of a classification, see `label_codes`. The first rows show
        each label twice, and the labels of a single column keep their proportions.
    groups : array-like or None
        Groups of all rows; the rows of a group follow each other.
    is_series : bool, default=False
        Whether the latest rows come first.
    rng : Generator
        Shuffles the other rows.

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
    """Bring forward the groups with the first two rows of each label."""
    in_turn = np.argsort(turn, kind="stable")
    first = np.unique(turn[in_turn[first_rows(codes[in_turn])]])
    return np.where(np.isin(turn, first), turn - turn.max() - 1, turn)


def is_series(cv: Any) -> bool:
    """Return whether the rows are in the order of time."""
    return isinstance(cv, TimeSeriesSplit)


def stratifies(estimator: Any, y: Any) -> bool:
    """Return whether every subset must have all labels, of one or several outputs."""
    if y is None or not is_classifier(estimator):
        return False
    kind: str = type_of_target(y)
    return kind.startswith(("binary", "multiclass", "multilabel"))
