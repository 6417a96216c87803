"""What later steps of a pipeline require: numbers of features, no negative values.

A step that is searched must leave what later steps need, at any depth inside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import get_tags

from sklearn_tuners._defaults.registry import rows_of
from sklearn_tuners._estimators import nested, parameters
from sklearn_tuners._space.values import equivalent, same_value

__all__ = ["features_needed", "is_positive_only", "is_untouched", "needed_inside"]

NEEDS_TWO = {
    "CCA", "FeatureAgglomeration", "GenericUnivariateSelect", "KernelPCA",
    "LocallyLinearEmbedding", "Normalizer", "PLSCanonical", "PLSRegression", "PLSSVD",
    "RFE", "RFECV", "SelectPercentile", "SequentialFeatureSelector", "TruncatedSVD",
}  # fmt: skip
"""Classes that, with default parameters, reject a single feature or remove it."""

OTHER_DATA = {
    "StackingClassifier": "final_estimator",
    "StackingRegressor": "final_estimator",
    "TransformedTargetRegressor": "transformer",
}
"""By class, the parameter with an estimator that gets other data than the features."""

COUNTS = {"p", "p-1", "min(p,q)"}
"""Quantities that are numbers of features."""


def features_needed(estimator: Any, *, sparse: bool) -> int:
    """Lower bound of the features that an estimator needs as the user has set it.

    Parameters
    ----------
    estimator : estimator object
        The estimators inside it count too.
    sparse : bool
        Whether it gets a sparse matrix.
    """
    columns = getattr(estimator, "transformers", None) or ()
    return max(
        [
            2 if type(estimator).__name__ in NEEDS_TWO else 1,
            needed_inside(estimator, sparse=sparse),
            *_counts_set(estimator, sparse),
            *(_columns_needed(triple[2]) for triple in columns),
        ]
    )


def needed_inside(estimator: Any, *, sparse: bool) -> int:
    """Lower bound of the features that the estimators inside an estimator need."""
    inner = _of_features(estimator)
    return max([1, *(features_needed(e, sparse=sparse) for e in inner)])


def is_positive_only(estimator: Any) -> bool:
    """Whether an estimator, or one inside it, refuses negative values."""
    tags = getattr(estimator, "__sklearn_tags__", None)
    own = tags is not None and get_tags(estimator).input_tags.positive_only
    is_chi2 = getattr(getattr(estimator, "score_func", None), "__name__", "") == "chi2"
    return own or is_chi2 or any(map(is_positive_only, _of_features(estimator)))


def is_untouched(name: str, value: Any, default: Any) -> bool:
    """Whether a parameter has the default of its class.

    ``C=1`` equals a default of 1.0. But ``max_features=1``, a single feature, does not
    equal 1.0, all of them.
    """
    is_count_or_share = name.startswith(("max_", "min_"))
    return (same_value if is_count_or_share else equivalent)(default, value)


def _of_features(estimator: Any) -> Iterator[Any]:
    """Yield the estimators inside that get the features."""
    other = OTHER_DATA.get(type(estimator).__name__)
    return (inner for name, inner in nested(estimator) if name != other)


def _counts_set(estimator: Any, sparse: bool) -> Iterator[int]:
    """Yield the features needed for each fixed number of features."""
    known = parameters(estimator)
    for row in rows_of(estimator):
        if sparse not in dict(row.condition).get("@sparse", (sparse,)):
            continue
        value, default = known.get(row.parameter, (None, None))
        spare = [int(name == "p-1") for _, name in row.high if name in COUNTS]
        is_count = isinstance(value, Integral) and row.kind == "int"
        if spare and is_count and not is_untouched(row.parameter, value, default):
            yield int(value) + max(spare)


def _columns_needed(columns: Any) -> int:
    """Return the features needed to pick columns by number or by a mask."""
    if isinstance(columns, str | slice) or not isinstance(columns, Iterable):
        columns = [columns]
    picked = [*columns]
    if picked and all(isinstance(column, bool | np.bool_) for column in picked):
        return len(picked)
    numbers = [int(c) for c in picked if isinstance(c, Integral)]
    return max([1, *(n + 1 if n >= 0 else -n for n in numbers)])
