"""What split scores say about candidates. Functions of arrays.

Notation
--------
======== ========= ================================================================
``n, K``           candidates, splits
``S``    (n, K)    test scores on the splits, larger is better; NaN where a fit failed
``rho``            share of the samples in a test set, ``n_test / n``
======== ========= ================================================================

All candidates are scored on the same splits. What makes a split easy or hard is common
to them and cancels in their differences. The scores of one candidate depend on each
other, as its training sets overlap: the variance of their mean is not ``s2 / K``, but
about ``(1 / K + n_test / n_train) s2`` [1]_, where ``n_test / n_train`` is
``rho / (1 - rho)``.

References
----------
.. [1] C. Nadeau, Y. Bengio (2003). Inference for the generalization error. Machine
       Learning 52, Sec. 3. With rho = 1 / K: R. R. Bouckaert, E. Frank (2004).
       Evaluating the replicability of significance tests. PAKDD.
.. [2] R. J. Tibshirani, R. Tibshirani (2009). A bias correction for the minimum error
       rate in cross-validation. Annals of Applied Statistics 3(2), Eq. 2 and 3.
.. [3] A. Makarova et al. (2022). Automatic termination for hyperparameter optimization.
       AutoML-Conf. arXiv:2104.08166.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import t as student_t

from sklearn_tuners._typing import BoolArray, FloatArray

__all__ = [
    "comparable_rows",
    "followed_metric",
    "indistinguishable",
    "metric_of",
    "overlap_factor",
    "paired_errors",
    "residual_variance",
    "selection_bias",
    "split_scores",
    "standard_error",
]

_ROUNDING = 1e-12
"""Mean differences below this, relative to the scores, are rounding errors of 0."""
_BEST_SHARE, _N_BEST = 0.25, 4
"""Share, and least number, of the candidates that the residual variance is taken from:
bad candidates often differ from split to split more than good ones."""


def followed_metric(refit: Any) -> str | None:
    """Return the metric that a search follows, if `refit` names one.

    Parameters
    ----------
    refit : bool, str, callable or SelectionRule
        The parameter of a search. A selection rule is identified by its `score_of`.

    Returns
    -------
    str or None
        None if `refit` names no metric.

    Examples
    --------
    >>> followed_metric("f1")
    'f1'
    >>> followed_metric(True) is None
    True
    """
    metric = refit.metric if hasattr(refit, "score_of") else refit
    return metric if isinstance(metric, str) else None


def metric_of(results: dict[str, Any], metric: str | None = None) -> str:
    """Return the name of a metric as it is in the keys of ``cv_results_``.

    Parameters
    ----------
    results : dict
        ``cv_results_``.
    metric : str, default=None
        The metric asked for. None stands for the only one.

    Returns
    -------
    str
        ``"score"`` if the search had a single metric, which has no name.

    Raises
    ------
    ValueError
        If the results do not have the metric, or have several and `metric` is None.

    Examples
    --------
    >>> metric_of({"mean_test_score": [0.9], "params": [{}]})
    'score'
    """
    prefix = "mean_test_"
    known = [key.removeprefix(prefix) for key in results if key.startswith(prefix)]
    if metric is None and len(known) == 1:
        return known[0]
    if metric is None:
        raise ValueError(
            f"metric=None, but the results have several: give one of {known}."
        )
    if metric not in known and known == ["score"]:
        return "score"  # the search had only this metric, so it has no name
    if metric not in known:
        raise ValueError(f"metric={metric!r} is not in the results, which have {known}")
    return metric


def split_scores(
    results: dict[str, Any], metric: str = "score", kind: str = "test"
) -> FloatArray:
    """Return the scores of every candidate on every split.

    Parameters
    ----------
    results : dict
        ``cv_results_``.
    metric : str, default="score"
        From `metric_of`.
    kind : {"test", "train"}, default="test"
        Which scores.

    Returns
    -------
    ndarray of shape (n_candidates, n_splits)
        Empty if the results do not have these scores.

    Examples
    --------
    >>> split_scores({"split0_test_score": [0.9], "split1_test_score": [0.7]})
    array([[0.9, 0.7]])
    """
    columns: list[FloatArray] = []
    while (key := f"split{len(columns)}_{kind}_{metric}") in results:
        columns.append(np.ma.filled(np.ma.asarray(results[key], dtype=float), np.nan))
    return np.stack(columns, axis=1) if columns else np.empty((0, 0))


def comparable_rows(results: dict[str, Any], S: FloatArray) -> BoolArray:
    """Return which candidates have a score on every split, with the full resource.

    Parameters
    ----------
    results : dict
        ``cv_results_``; with a column ``n_resources`` if resources differ between
        candidates, as in scikit-learn's halving searches.
    S : ndarray of shape (n, K)
        Test scores.

    Returns
    -------
    ndarray of bool of shape (n,)

    Examples
    --------
    >>> S = np.array([[9.0], [1.0], [np.nan]])
    >>> comparable_rows({"n_resources": [9, 27, 27]}, S)
    array([False,  True, False])
    """
    complete = np.isfinite(S).all(axis=1)
    if "n_resources" in results and complete.any():
        resources = np.asarray(results["n_resources"], dtype=float)
        complete &= resources == resources[complete].max()
    return np.asarray(complete)


def overlap_factor(n_splits: int, rho: float | None = None) -> float:
    """Return the variance of a mean over splits, for scores of variance 1.

    Parameters
    ----------
    n_splits : int
        K.
    rho : float, default=None
        ``n_test / n``. None: that of K-fold cross-validation, ``1 / K``.

    Returns
    -------
    float
        ``1 / K + rho / (1 - rho)`` (Nadeau and Bengio, 2003); 0 for one split, which
        says nothing about noise.

    Examples
    --------
    >>> overlap_factor(5)
    0.45
    """
    if n_splits < 2:
        return 0.0
    share = 1.0 / n_splits if rho is None else rho
    return 1.0 / n_splits + share / (1.0 - share)


def standard_error(D: FloatArray, rho: float | None = None) -> FloatArray:
    """Return the standard error of means over splits with overlapping training sets.

    Parameters
    ----------
    D : ndarray of shape (..., K)
        Scores, or differences between the scores of two candidates.
    rho : float, default=None
        ``n_test / n``. None: that of K-fold cross-validation, ``1 / K``.

    Returns
    -------
    ndarray of shape (...)
        ``sqrt(overlap_factor(K, rho) s2)``; 0 for one split.

    Notes
    -----
    For the scores of one candidate it is the smallest difference that cross-validation
    can tell from noise (Makarova et al., 2022, Sec. 4).

    Examples
    --------
    >>> D = np.array([[0.02, 0.00, 0.01, 0.03, -0.01]])
    >>> standard_error(D).round(4)
    array([0.0106])
    """
    n_splits = D.shape[-1]
    if n_splits < 2:
        return np.zeros(D.shape[:-1])
    factor = overlap_factor(n_splits, rho)
    return np.asarray(np.sqrt(factor * np.var(D, axis=-1, ddof=1)))


def paired_errors(
    S: FloatArray, reference: int, rho: float | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return how far each candidate is behind a reference, and the standard error.

    Parameters
    ----------
    S : ndarray of shape (n, K)
        Test scores.
    reference : int
        Row of the reference.
    rho : float, default=None
        See `standard_error`.

    Returns
    -------
    behind, error : ndarray of shape (n,)
        Mean of the paired differences and its standard error; NaN if a score is NaN.

    Examples
    --------
    >>> behind, error = paired_errors(np.array([[0.9, 0.7], [0.8, 0.7]]), reference=0)
    >>> behind.round(3), error.round(3)
    (array([0.  , 0.05]), array([0.   , 0.087]))
    """
    D = S[reference] - S
    behind = D.mean(axis=1)
    largest = max(1.0, float(np.nanmax(np.abs(S), initial=0.0)))
    behind[np.abs(behind) < _ROUNDING * largest] = 0.0
    return behind, standard_error(D, rho)


def residual_variance(S: FloatArray) -> float:
    """Return the variance that neither the candidate nor the split explains.

    Parameters
    ----------
    S : ndarray of shape (n, K)
        Test scores, all finite.

    Returns
    -------
    float
        Variance of the residuals ``S_ij - mean_i - mean_j + mean`` with
        (n - 1) (K - 1) degrees of freedom, over the best quarter of the candidates (at
        least 4), or over all of them if the best have equal scores. 0 for one split or
        candidate.

    Examples
    --------
    >>> easy_and_hard = np.array([[0.9, 0.5], [0.8, 0.4]])
    >>> round(residual_variance(easy_and_hard), 6)
    0.0
    """
    if min(S.shape) < 2:
        return 0.0
    order = np.argsort(-S.mean(axis=1), kind="stable")
    for n in (max(int(_BEST_SHARE * len(S)), min(_N_BEST, len(S))), len(S)):
        top = S[order[:n]]
        R = top - top.mean(axis=1, keepdims=True) - top.mean(axis=0) + top.mean()
        variance = float((R**2).sum() / ((n - 1) * (S.shape[1] - 1)))
        if variance > _ROUNDING**2 * float((S**2).max()):
            return variance
    return 0.0


def indistinguishable(
    S: FloatArray, best: int, rho: float | None = None, level: float = 0.05
) -> BoolArray:
    """Return which candidates the splits cannot tell from the best one.

    Parameters
    ----------
    S : ndarray of shape (n, K)
        Test scores.
    best : int
        Row of the best candidate.
    rho : float, default=None
        See `standard_error`.
    level : float, default=0.05
        Level of the one-sided corrected resampled t-test (Nadeau and Bengio, 2003)
        against each candidate by itself.

    Returns
    -------
    ndarray of bool of shape (n,)
        Includes the best candidate; with one split, only those that tie with it.

    Examples
    --------
    >>> S = np.array([[0.9, 0.8, 0.9], [0.9, 0.7, 0.9], [0.5, 0.4, 0.5]])
    >>> indistinguishable(S, best=0)
    array([ True,  True, False])
    """
    behind, error = paired_errors(S, best, rho)
    quantile = float(student_t.ppf(1.0 - level, max(S.shape[1] - 1, 1)))
    return np.asarray(behind <= quantile * error)


def selection_bias(S: FloatArray, best: int) -> float:
    """Estimate how much the best mean score owes to the selection.

    Parameters
    ----------
    S : ndarray of shape (n, K)
        Test scores of all candidates, all finite.
    best : int
        Row of the selected candidate.

    Returns
    -------
    float
        How much to lower the score: the mean over the splits of the best score of any
        candidate on the split minus the score of the selected one (Tibshirani and
        Tibshirani, 2009; their errors are negative scores). At least 0.

    Notes
    -----
    Each fold stands for a sample from which a candidate is selected, and the mean over
    all folds for the truth. A fold is smaller than all the data, so the estimate tends
    to be too large. It is cheap, but no replacement for nested cross-validation.

    Examples
    --------
    >>> round(selection_bias(np.array([[0.9, 0.7], [0.8, 0.75]]), best=0), 3)
    0.025
    """
    return max(float(np.mean(S.max(axis=0) - S[best])), 0.0)
