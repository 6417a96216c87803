"""Settings that depend on the number of rows, the same in all fits of a search."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.utils.multiclass import type_of_target, unique_labels

from sklearn_tuners._compat.classes import PrivateClass
from sklearn_tuners._estimators import last_step, names_of, parts_of

__all__ = ["labels_of", "resolved_settings", "scale_factors"]

_PENALTIES_OF_A_MEAN: dict[str, str] = {
    PrivateClass.ELASTIC_NET: "alpha",
    PrivateClass.MULTI_TASK_ELASTIC_NET: "alpha",
    PrivateClass.GENERALIZED_LINEAR: "alpha",
    PrivateClass.LASSO_LARS: "alpha",
    PrivateClass.QUANTILE: "alpha",
    PrivateClass.SGD: "alpha",
}
"""Penalties added to the mean of the losses, by a base of the class: the best value
shrinks as rows are added (measured for Lasso, ElasticNet and SGD, see
docs/measured/hyperband.md). Penalties added to a sum (`C`, Ridge's `alpha`) do not."""

_EARLY_STOPPING_ROWS = 10_000
"""Rows above which ``early_stopping="auto"`` of HistGradientBoosting is on
(scikit-learn's user guide, "Histogram-Based Gradient Boosting")."""


def scale_factors(estimator: Any, ratio: float) -> dict[str, float]:
    """Return the factors by which to multiply penalties on a part of the rows.

    Of the powers 0, 1/2, 3/4 and 1 of the ratio, 1 ranks candidates best
    (docs/measured/hyperband.md, "Penalties on part of the rows").

    Parameters
    ----------
    estimator : estimator
        With its parameters set.
    ratio : float
        Number of all rows divided by that of the part.

    Returns
    -------
    dict of str to float
        Full parameter names to factors.

    Examples
    --------
    >>> from sklearn.linear_model import Lasso, LogisticRegression
    >>> scale_factors(Lasso(), 9.0), scale_factors(LogisticRegression(), 9.0)
    ({'alpha': 9.0}, {})
    """
    if ratio <= 1.0:
        return {}
    return {
        f"{prefix}{_PENALTIES_OF_A_MEAN[name]}": float(ratio)
        for prefix, part in parts_of(estimator)
        for name in names_of(part)
        if name in _PENALTIES_OF_A_MEAN
        and _PENALTIES_OF_A_MEAN[name] in part.get_params(deep=False)
    }


def resolved_settings(estimator: Any, n_samples: int) -> dict[str, Any]:
    """Return values for options that "auto" would choose from the rows of each fit.

    Parameters
    ----------
    estimator : estimator
        With its parameters set.
    n_samples : int
        Number of all rows.

    Returns
    -------
    dict of str to object
        Full parameter names to values.

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
        and type(part).__module__.partition(".")[0] == "sklearn"
    }


def labels_of(estimator: Any, y: Any) -> Any:
    """Return all labels, as ``partial_fit`` of a classifier takes them.

    Parameters
    ----------
    estimator : estimator
        Perhaps a pipeline.
    y : array-like, sparse matrix or None
        Target of all rows.

    Returns
    -------
    ndarray, list of ndarray or None
        A list for several outputs; None if `estimator` is no classifier.
    """
    if y is None or not is_classifier(estimator):
        return None
    if isinstance(last_step(estimator)[1], MultiOutputClassifier):
        table = np.asarray(y.toarray() if issparse(y) else y)
        return [np.unique(column) for column in table.T]
    if type_of_target(y) == "multilabel-indicator":
        return unique_labels(y)
    return np.unique(np.asarray(y))
