"""Selection rules, which choose the candidate to refit: callables for ``refit=``.

A selection rule takes ``cv_results_`` and returns a row of it, so it works in
scikit-learn's `GridSearchCV` and `RandomizedSearchCV` too. `BayesSearchCV` and
`HyperbandSearchCV` also set ``best_score_`` for it. Selection rules can be pickled, and
`sklearn.base.clone` copies them.

The rules that prefer simple candidates take three steps:

1. A candidate is *admissible* if it is in the branch of the best one (same parameters,
   same classes of estimators as values) and the rule counts it as good enough.
2. An admissible candidate is dropped if another one of the branch is better, and
   simpler in every parameter that has a direction.
3. Of those left, the candidate with the lowest mean rank of complexity is taken. Ties
   go to the better score, then to the first one, unless another takes less than half
   its time to fit.

The registry says in which direction each parameter is simpler, see
`sklearn_tuners.spaces.directions`. Ranks are taken among the values tried in the branch
and averaged over the parameters: a rank needs no scale and gives each parameter the
same weight. A candidate that is simpler in every parameter always has the lower mean
rank, so step 3 never contradicts step 2.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone

from sklearn_tuners._defaults.lookup import directions as registered_directions
from sklearn_tuners._insight.complexity import (
    Direction,
    branch_key,
    complexity,
    is_simpler,
    positions,
)
from sklearn_tuners._space.values import equivalent, is_number
from sklearn_tuners._split_scores import (
    comparable_rows,
    metric_of,
    paired_errors,
    split_scores,
)
from sklearn_tuners._typing import BoolArray, FloatArray, IntArray, Params

__all__ = [
    "BestScore",
    "KeepDefault",
    "OneStandardError",
    "SelectionRule",
    "WithinPercent",
]

Results = dict[str, Any]
"""``cv_results_`` of a search."""

_CLEARLY_CHEAPER = 0.5
"""Share of another's fit time below which a candidate counts as cheaper (convention).

Times of the same fit vary by tens of percent from run to run; the choice should not.
"""


class SelectionRule(BaseEstimator):
    """Base class of the selection rules.

    A search sets ``best_score_`` for any `refit` that has the method `score_of`.
    """

    metric: str | None

    def __call__(self, cv_results_: Results) -> int:
        """Choose a candidate.

        Parameters
        ----------
        cv_results_ : dict of arrays
            ``cv_results_`` of a search.

        Returns
        -------
        int
            A row. A candidate with a failed split is chosen only if there are no
            others: the first one of the best rank.
        """
        metric = metric_of(cv_results_, self.metric)
        S = split_scores(cv_results_, metric)
        rows = np.flatnonzero(comparable_rows(cv_results_, S))
        if not len(rows):
            return int(np.argmin(cv_results_[f"rank_test_{metric}"]))
        return int(rows[self._choose(cv_results_, rows, S[rows])])

    def score_of(self, cv_results_: Results, index: int) -> float:
        """Mean test score of a row, by the metric of the rule.

        Parameters
        ----------
        cv_results_ : dict of arrays
            ``cv_results_`` of a search.
        index : int
            A row.

        Returns
        -------
        float
        """
        metric = metric_of(cv_results_, self.metric)
        return float(cv_results_[f"mean_test_{metric}"][index])

    def _choose(self, results: Results, rows: IntArray, S: FloatArray) -> int:
        """Return the index, in `rows`, of the candidate chosen.

        Parameters
        ----------
        results : dict of arrays
            Results of all candidates.
        rows : ndarray of shape (n,)
            Rows that may be compared.
        S : ndarray of shape (n, n_splits)
            Their test scores.
        """
        raise NotImplementedError


class _SimplestAdmissible(SelectionRule):
    """Steps 1 to 3 of the module; a subclass says what is admissible."""

    estimator: Any
    directions: Mapping[str, Direction] | None

    def _admissible(self, S: FloatArray, best: int) -> BoolArray:
        raise NotImplementedError

    def _choose(self, results: Results, rows: IntArray, S: FloatArray) -> int:
        keys = [branch_key(results["params"][row]) for row in rows]
        own = keys[int(np.argmax(S.mean(axis=1)))]
        branch = np.flatnonzero([key == own for key in keys])
        rows, S = rows[branch], S[branch]
        best = int(np.argmax(S.mean(axis=1)))
        tuned = [results["params"][row] for row in rows]
        P = positions(tuned, self._directions(tuned[best]))
        if not P.shape[1] and len(branch) > 1:
            warnings.warn(
                f"{type(self).__name__}: none of the parameters in which the "
                f"candidates differ ({', '.join(tuned[best])}) has a known direction "
                "of complexity, so the best score decides. Give "
                "directions={name: 'low' or 'high'}.",
                UserWarning,
                stacklevel=3,
            )
        admissible = self._admissible(S, best)
        admissible[best] = True
        times = np.asarray(results.get("mean_fit_time", np.zeros(rows.max() + 1)))
        return int(branch[_simplest(S.mean(axis=1), P, times[rows], admissible)])

    def _directions(self, params: Params) -> Mapping[str, Direction]:
        """Return the directions for a candidate, which may replace steps."""
        if self.directions is not None:
            return self.directions
        estimator = clone(self.estimator).set_params(**clone(params, safe=False))
        return registered_directions(estimator)


def _simplest(
    scores: FloatArray, P: FloatArray, times: FloatArray, admissible: BoolArray
) -> int:
    """Take steps 2 and 3 of the module, on the candidates of one branch."""
    rows = [
        row
        for row in np.flatnonzero(admissible).tolist()
        if not (is_simpler(P, row) & (scores > scores[row])).any()
    ]
    mean_rank = complexity(P)
    simplest = [
        row for row in rows if mean_rank[row] <= mean_rank[rows].min() * (1 + 1e-12)
    ]
    top = max(scores[row] for row in simplest)
    tied = [row for row in simplest if math.isclose(scores[row], top, rel_tol=1e-12)]
    cheapest = min(tied, key=lambda row: float(times[row]))
    if times[cheapest] < _CLEARLY_CHEAPER * times[tied[0]]:
        return int(cheapest)
    return int(tied[0])


class OneStandardError(_SimplestAdmissible):
    """The simplest candidate within one standard error of the best.

    Parameters
    ----------
    estimator : estimator object
        The estimator of the search. Its class tells which values of each parameter are
        simpler. It is not fitted.

    metric : str, default=None
        Name of the metric to use. Only needed with several metrics.

    directions : dict, default=None
        Parameter names to ``"low"`` (smaller values are simpler), ``"high"`` or a list
        of values from simple to complex. None takes the directions of the registry.

    test_share : float, default=None
        Share of the samples that is in a test set. None takes one over the number of
        splits, which is right for K-fold cross-validation. Give it for repeated or
        shuffled splits: 0.2 for five folds, however often they are repeated.

    See Also
    --------
    WithinPercent : Allows a given loss of score, whatever the noise.
    KeepDefault : Keeps the default unless there is evidence against it.

    Notes
    -----
    The rule of Breiman et al. [1]_ compares the mean scores of the others with the best
    mean score less its standard error. Here the difference to the best candidate is
    taken split by split: all candidates are scored on the same splits, so what makes a
    split easy cancels. The standard error of the mean difference is that of Nadeau and
    Bengio [2]_, ``sqrt((1 / K + rho / (1 - rho)) s2)``, where s2 is the variance of the
    K differences and rho the share of the test set. It accounts for the overlap of the
    training sets.

    References
    ----------
    .. [1] L. Breiman, J. H. Friedman, R. A. Olshen, C. J. Stone (1984). Classification
       and Regression Trees, Sec. 3.4.3.
    .. [2] C. Nadeau, Y. Bengio (2003). Inference for the generalization error. Machine
       Learning 52.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn_tuners import OneStandardError
    >>> X, y = load_diabetes(return_X_y=True)
    >>> grid = {"alpha": [0.001, 0.01, 0.1, 1, 10]}
    >>> GridSearchCV(Ridge(), grid).fit(X, y).best_params_
    {'alpha': 0.001}
    >>> search = GridSearchCV(Ridge(), grid, refit=OneStandardError(Ridge()))
    >>> search.fit(X, y).best_params_
    {'alpha': 0.1}
    """

    def __init__(
        self,
        estimator: Any,
        metric: str | None = None,
        *,
        directions: Mapping[str, Direction] | None = None,
        test_share: float | None = None,
    ) -> None:
        _check_share(test_share)
        _check_directions(directions)
        self.estimator = estimator
        self.metric = metric
        self.directions = directions
        self.test_share = test_share

    def _admissible(self, S: FloatArray, best: int) -> BoolArray:
        behind, error = paired_errors(S, best, self.test_share)
        return behind <= error


class WithinPercent(_SimplestAdmissible):
    """The simplest candidate with a score within a given percentage of the best.

    Parameters
    ----------
    estimator : estimator object
        The estimator of the search. Its class tells which values of each parameter are
        simpler. It is not fitted.

    loss : float, default=1.0
        Per cent of the absolute value of the best mean score by which the mean score
        may be worse.

    metric : str, default=None
        Name of the metric to use. Only needed with several metrics.

    directions : dict, default=None
        As for `OneStandardError`.

    See Also
    --------
    OneStandardError : Allows a loss as large as the noise of the splits.

    Notes
    -----
    A percentage of a score is meaningful where the score has a natural zero: accuracy,
    an error, a loss. For R2 near 0 it means nothing.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn_tuners import WithinPercent
    >>> knn = KNeighborsClassifier()
    >>> rule = WithinPercent(knn, loss=5, directions={"n_neighbors": "high"})
    >>> search = GridSearchCV(knn, {"n_neighbors": [1, 5, 10, 20, 60]}, refit=rule)
    >>> search.fit(*load_iris(return_X_y=True)).best_params_
    {'n_neighbors': 20}
    """

    def __init__(
        self,
        estimator: Any,
        loss: float = 1.0,
        metric: str | None = None,
        *,
        directions: Mapping[str, Direction] | None = None,
    ) -> None:
        if not (is_number(loss) and 0 <= float(loss) < math.inf):
            raise ValueError(
                f"loss={loss!r}: give the percentage of the best score that may be "
                "lost, a number not below 0."
            )
        _check_directions(directions)
        self.estimator = estimator
        self.loss = loss
        self.metric = metric
        self.directions = directions

    def _admissible(self, S: FloatArray, best: int) -> BoolArray:
        scores = S.mean(axis=1)
        accepted = scores[best] - self.loss / 100 * abs(scores[best])
        return np.asarray(scores >= accepted)


class BestScore(_SimplestAdmissible):
    """The candidate with the best mean score; of several, the simplest.

    ``refit=True`` takes the first of several. Ties are frequent where a score has few
    values, such as accuracy on little data.

    Parameters
    ----------
    estimator : estimator object
        The estimator of the search. Its class tells which values of each parameter are
        simpler. It is not fitted.

    metric : str, default=None
        Name of the metric to use. Only needed with several metrics.

    directions : dict, default=None
        As for `OneStandardError`.

    Examples
    --------
    >>> from sklearn.svm import SVC
    >>> from sklearn_tuners import BestScore
    >>> results = {
    ...     "params": [{"C": 100}, {"C": 1}, {"C": 10}],
    ...     "mean_test_score": [0.95, 0.9, 0.95],
    ...     "split0_test_score": [0.9, 0.9, 1.0],
    ...     "split1_test_score": [1.0, 0.9, 0.9],
    ... }
    >>> BestScore(SVC())(results)
    2
    """

    def __init__(
        self,
        estimator: Any,
        metric: str | None = None,
        *,
        directions: Mapping[str, Direction] | None = None,
    ) -> None:
        _check_directions(directions)
        self.estimator = estimator
        self.metric = metric
        self.directions = directions

    def _admissible(self, S: FloatArray, best: int) -> BoolArray:
        return paired_errors(S, best)[0] <= 0.0


class KeepDefault(SelectionRule):
    """The default, unless the best candidate beats it by more than a standard error.

    Parameters
    ----------
    estimator : estimator object, default=None
        The default is the first candidate that has the parameters of this estimator.
        None takes the first row, where `BayesSearchCV` has the estimator's own
        parameters or the first of `initial_params`.

    metric : str, default=None
        Name of the metric to use. Only needed with several metrics.

    test_share : float, default=None
        As for `OneStandardError`.

    See Also
    --------
    OneStandardError : Prefers simpler candidates.

    Notes
    -----
    The mean paired difference between the best candidate and the default is compared
    with its standard error, see `OneStandardError`. Only candidates that were scored on
    all splits count, and of `HyperbandSearchCV` only those with the full resource. If
    none of them has the parameters of the default, the best one is taken, with a
    warning.

    Examples
    --------
    >>> from sklearn_tuners import KeepDefault
    >>> results = {
    ...     "params": [{"C": 1}, {"C": 100}],
    ...     "mean_test_score": [0.9, 0.925],
    ...     "split0_test_score": [0.90, 1.00],
    ...     "split1_test_score": [0.90, 0.85],
    ... }
    >>> KeepDefault()(results)
    0
    """

    def __init__(
        self,
        estimator: Any = None,
        metric: str | None = None,
        *,
        test_share: float | None = None,
    ) -> None:
        _check_share(test_share)
        self.estimator = estimator
        self.metric = metric
        self.test_share = test_share

    def _choose(self, results: Results, rows: IntArray, S: FloatArray) -> int:
        best = int(np.argmax(S.mean(axis=1)))
        params = results["params"]
        default = self._default([params[row] for row in rows], params[0])
        if default is None:
            source = "the first row" if self.estimator is None else repr(self.estimator)
            warnings.warn(
                "KeepDefault: no candidate that was scored on all splits has the "
                f"parameters of {source}, so the best score decides. Add them, "
                "for example with initial_params.",
                UserWarning,
                stacklevel=3,
            )
            return best
        behind, error = paired_errors(S, best, self.test_share)
        return best if behind[default] > error[default] else default

    def _default(self, params: list[Params], first: Params) -> int | None:
        """Return the index of the default among candidates, or None."""
        own = first if self.estimator is None else self.estimator.get_params()
        found = (
            i
            for i, candidate in enumerate(params)
            if (self.estimator is not None or candidate.keys() == first.keys())
            and all(
                name in own and _same(own[name], value)
                for name, value in candidate.items()
            )
        )
        return next(found, None)


def _same(own: Any, value: Any) -> bool:
    """Whether two values are equal, up to what a logarithm and back may change."""
    if is_number(own) and is_number(value):
        return math.isclose(own, value, rel_tol=1e-9)
    return equivalent(own, value)


# These run when a rule is made: a search calls the rule only after hours of fits.


def _check_share(share: float | None) -> None:
    if share is not None and not (is_number(share) and 0 < float(share) < 1):
        raise ValueError(
            f"test_share={share!r}: give the share of the samples that is in a test "
            "set, between 0 and 1, or None."
        )


def _check_directions(directions: Mapping[str, Direction] | None) -> None:
    for name, direction in (directions or {}).items():
        if isinstance(direction, str) and direction not in ("low", "high"):
            raise ValueError(
                f"directions[{name!r}]={direction!r}: give 'low' if smaller values are "
                "simpler, 'high' if larger ones are, or a list of values from simple "
                "to complex."
            )
