"""The training rows of each split, in the order in which rungs take them."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_tuners._hyperband.rows import (
    first_rows,
    is_series,
    label_codes,
    nested_order,
    stratifies,
    subset,
)
from sklearn_tuners._search.problem import Data
from sklearn_tuners._streams import Stream, generator
from sklearn_tuners._typing import IntArray, Split

__all__ = ["RungRows", "order_rows"]


class RungRows:
    """The training rows of each split in the order in which rungs take them.

    Parameters
    ----------
    orders : list of ndarray
        Row numbers of the training set of each split.
    codes : ndarray or None
        Labels of all rows, as integers, where subsets are stratified.
    groups : ndarray or None
        Groups of all rows, where subsets take whole groups.
    n_samples : int
        Number of all rows.
    """

    def __init__(
        self,
        orders: list[IntArray],
        codes: IntArray | None,
        groups: Any,
        n_samples: int,
    ) -> None:
        self.orders, self.codes, self.groups = orders, codes, groups
        self.n_samples = n_samples

    def subset(self, split: int, resource: int) -> IntArray:
        """Return the training rows of a split on a rung of `resource` rows in all."""
        order = self.orders[split]
        codes = None if self.codes is None else self.codes[order]
        groups = None if self.groups is None else self.groups[order]
        return subset(order, Fraction(resource, self.n_samples), codes, groups)

    def check_labels(self, first: int, given: int | str) -> None:
        """Raise ``ValueError`` if the first rung is too small to have each label.

        Parameters
        ----------
        first : int
            Resource of the first rung.
        given : int or str
            Parameter `min_resources`.
        """
        if self.codes is None:
            return
        share = Fraction(first, self.n_samples)
        for order in self.orders:
            # Where there are not two rows of each label, `subset` takes a few more.
            n_rows = int(len(order) * share)
            n_needed = len(first_rows(self.codes[order], 1))
            if n_rows < n_needed:
                least = math.ceil(n_needed / len(order) * self.n_samples)
                raise ValueError(
                    f"min_resources={given!r} makes a first rung of {first} rows, "
                    f"which is {n_rows} training rows of a split; {n_needed} are needed"
                    f" to include every class of y: give at least {least}"
                )


def order_rows(
    estimator: BaseEstimator, data: Data, cv: Any, splits: list[Split], seed: int
) -> RungRows:
    """Order the training rows of each split for the rungs of a search.

    Parameters
    ----------
    estimator : estimator
        Subsets are stratified for a classifier.
    data : Data
        Only y and the groups of the splitter are read.
    cv : splitter
        Of a time series the latest rows come first.
    splits : list of (ndarray, ndarray)
        Row numbers to train and to test on.
    seed : int
        Seed of the search.
    """
    codes = label_codes(data.y) if stratifies(estimator, data.y) else None
    in_time = is_series(cv)  # the latest rows, whatever their group
    groups = data.split_params.get("groups")
    groups = None if groups is None or in_time else np.asarray(groups)
    orders = [
        nested_order(
            train,
            codes,
            groups=groups,
            is_series=in_time,
            rng=generator(seed, Stream.ROWS, split),
        )
        for split, (train, _) in enumerate(splits)
    ]
    return RungRows(orders, codes, groups, data.n_samples)
