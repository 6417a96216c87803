"""Rules that choose the candidate to refit: callables for ``refit=`` of any search.

They take ``cv_results_`` and return a row of it, so they work in scikit-learn's
`GridSearchCV` and `RandomizedSearchCV` as they do in `BayesSearchCV` and
`HyperbandSearchCV`, which also set ``best_score_`` for them. They are picklable, and
`sklearn.base.clone` copies them.

The rules that prefer simple candidates go by three steps:

1. *Admissible* are the candidates of the best one's branch (the same parameters, and
   the same classes of estimators as values) that the rule counts as good enough.
2. Of these, the ones remain to which no candidate of the branch is both simpler, in
   every parameter that has a direction, and better.
3. Of these, the one with the lowest mean rank of complexity is taken; of several the
   one with the better score; of several the first, unless another takes less than half
   its time to fit.

Directions of parameters come from the registry (`sklearn_tuners.spaces.directions`).
Ranks are taken among the values tried in the branch and averaged over the parameters,
because a rank needs no scale and gives each parameter the same weight. A candidate that
is simpler in every parameter always has the lower mean rank, so the last step never
contradicts the second.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone

from sklearn_tuners._insight.complexity import (
    Direction,
    branch_of,
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
from sklearn_tuners.spaces import directions as registered_directions

__all__ = [
    "BestScore",
    "KeepDefault",
    "OneStandardError",
    "SelectionRule",
    "WithinPercent",
    "followed_metric",
]

Results = dict[str, Any]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

#: Times of the same fit differ by tens of per cent from run to run. A choice that
#: depended on them would too, so only what takes less than this share is cheaper.
_CLEARLY_CHEAPER = 0.5


class SelectionRule(BaseEstimator):
    """What the rules have in common. `BayesSearchCV` sets ``best_score_`` for these."""

    metric: str | None

    def __call__(self, cv_results_: Results) -> int:
        """Choose a candidate.

        Parameters
        ----------
        cv_results_ : dict of arrays
            Of a search.

        Returns
        -------
        int
            A row. Candidates with a split that failed are not chosen, unless there are
            no others: then the first of those ranked best.
        """
        metric = metric_of(cv_results_, self.metric)
        S = split_scores(cv_results_, metric)
        rows = np.flatnonzero(comparable_rows(cv_results_, S))
        if not len(rows):
            return int(np.argmin(cv_results_[f"rank_test_{metric}"]))
        params = [cv_results_["params"][row] for row in rows]
        times = np.asarray(cv_results_.get("mean_fit_time", np.zeros(len(S))))[rows]
        first = cv_results_["params"][0]
        return int(rows[self._choose(S[rows], params, times, first)])

    def score_of(self, cv_results_: Results, index: int) -> float:
        """Mean test score of a row, by the metric of the rule.

        Parameters
        ----------
        cv_results_ : dict of arrays
            Of a search.
        index : int
            A row.

        Returns
        -------
        float
        """
        metric = metric_of(cv_results_, self.metric)
        return float(cv_results_[f"mean_test_{metric}"][index])

    def _choose(
        self,
        S: FloatArray,
        params: list[dict[str, Any]],
        times: FloatArray,
        first: dict[str, Any],
    ) -> int:
        """Choose among the comparable rows; `first` is of the first row of them all."""
        raise NotImplementedError


def followed_metric(refit: Any) -> str | None:
    """Name that `refit` gives of the metric that a search is to follow.

    Parameters
    ----------
    refit : bool, str, callable or SelectionRule
        The parameter of a search.

    Returns
    -------
    str or None
        None if it names none.

    Examples
    --------
    >>> followed_metric("f1"), followed_metric(KeepDefault(metric="f1"))
    ('f1', 'f1')
    >>> followed_metric(True) is None
    True
    """
    metric = refit.metric if isinstance(refit, SelectionRule) else refit
    return metric if isinstance(metric, str) else None


class _SimplestAdmissible(SelectionRule):
    """Steps 1 to 3 of the module; a subclass says what is admissible."""

    estimator: Any
    directions: Mapping[str, Direction] | None

    def _admissible(self, S: FloatArray, best: int) -> BoolArray:
        raise NotImplementedError

    def _choose(
        self,
        S: FloatArray,
        params: list[dict[str, Any]],
        times: FloatArray,
        first: dict[str, Any],
    ) -> int:
        best = int(np.argmax(S.mean(axis=1)))
        own = branch_of(params[best])
        branch = np.flatnonzero([branch_of(other) == own for other in params])
        best = int(np.flatnonzero(branch == best)[0])
        tuned = [params[row] for row in branch]
        P = positions(tuned, self._directions(tuned[best]))
        if not P.shape[1] and len(branch) > 1:
            warnings.warn(
                f"{type(self).__name__}: no parameter that the candidates differ in "
                f"({', '.join(tuned[best])}) has a known direction of complexity, so "
                "the best score decides. Give directions={name: 'low' or 'high'}.",
                UserWarning,
                stacklevel=4,
            )
        S = S[branch]
        admissible = self._admissible(S, best)
        admissible[best] = True
        return int(branch[_simplest(S.mean(axis=1), P, times[branch], admissible)])

    def _directions(self, params: dict[str, Any]) -> Mapping[str, Direction]:
        """Directions of the estimator as the candidate makes it: steps may differ."""
        if self.directions is not None:
            return self.directions
        estimator = clone(self.estimator).set_params(**clone(params, safe=False))
        found: Mapping[str, Direction] = registered_directions(estimator)
        return found


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
        The one that is searched; its class tells in which direction each parameter
        regularises. It is not fitted.

    metric : str, default=None
        Name of the metric to go by. Only needed with several.

    directions : dict, default=None
        Parameter names to ``"low"`` (smaller values are simpler), ``"high"`` or a list
        of values from simple to complex. None takes those of the registry.

    test_share : float, default=None
        Samples in a test set as a share of all. None takes one over the number of
        splits, which is right for K-fold cross-validation; repeated or shuffled splits
        have to say it (0.2 for five folds, however often repeated).

    See Also
    --------
    WithinPercent : Says by how much the score may be worse, whatever the noise.
    KeepDefault : Doubts the best candidate in favour of the default.

    Notes
    -----
    The rule of Breiman et al. [1]_ compares the best mean score less its standard error
    with the others' means. Here the difference to the best candidate is taken split by
    split, as all candidates are scored on the same ones: what makes a split easy is
    common to both and cancels. Its standard error is that of Nadeau and Bengio [2]_,
    ``sqrt((1 / K + rho / (1 - rho)) s2)`` with the variance s2 of the K differences and
    rho the share of the test set, which accounts for the overlap of the training sets.

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
    """The simplest candidate whose score is nearly the best.

    Parameters
    ----------
    estimator : estimator object
        The one that is searched; its class tells in which direction each parameter
        regularises. It is not fitted.

    loss : float, default=1.0
        By how many per cent of the best mean score (of its absolute value) the mean
        score may be worse.

    metric : str, default=None
        Name of the metric to go by. Only needed with several.

    directions : dict, default=None
        As for `OneStandardError`.

    See Also
    --------
    OneStandardError : Goes by the noise of the splits.

    Notes
    -----
    A per cent of a score means something where the score has a natural zero: accuracy,
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
                f"loss={loss!r}: give the per cent of the best score that may be lost, "
                "a number of at least 0."
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
    """The best mean score; of candidates that tie the simplest, not the first.

    ``refit=True`` takes the first. Ties are frequent where a score has few values, such
    as accuracy on little data.

    Parameters
    ----------
    estimator : estimator object
        The one that is searched; its class tells in which direction each parameter
        regularises. It is not fitted.

    metric : str, default=None
        Name of the metric to go by. Only needed with several.

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
    """The default, unless the best candidate is better by more than a standard error.

    Parameters
    ----------
    estimator : estimator object, default=None
        Its parameters are the default: the first candidate whose parameters are the
        estimator's own. With None it is the first row, where `BayesSearchCV` has the
        estimator's own parameters or the first of `initial_params`.

    metric : str, default=None
        Name of the metric to go by. Only needed with several.

    test_share : float, default=None
        As for `OneStandardError`.

    See Also
    --------
    OneStandardError : Prefers simpler candidates.

    Notes
    -----
    The evidence is the mean paired difference of the best candidate to the default over
    its standard error, see `OneStandardError`. If no candidate that was scored on all
    splits, and by `HyperbandSearchCV` with the full resource, has the parameters of the
    default, the best one is taken, with a warning.

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

    def _choose(
        self,
        S: FloatArray,
        params: list[dict[str, Any]],
        times: FloatArray,
        first: dict[str, Any],
    ) -> int:
        best = int(np.argmax(S.mean(axis=1)))
        default = self._default(params, first)
        if default is None:
            whose = "the first row" if self.estimator is None else repr(self.estimator)
            warnings.warn(
                "KeepDefault: no candidate that was scored on all splits has the "
                f"parameters of {whose}, so the best score decides. Have "
                "them tried, for example by initial_params.",
                UserWarning,
                stacklevel=3,
            )
            return best
        behind, error = paired_errors(S, best, self.test_share)
        return best if behind[default] > error[default] else default

    def _default(
        self, params: list[dict[str, Any]], first: dict[str, Any]
    ) -> int | None:
        """Row of the default, or None."""
        own = first if self.estimator is None else self.estimator.get_params()
        rows = (
            row
            for row, candidate in enumerate(params)
            if (self.estimator is not None or candidate.keys() == first.keys())
            and all(
                name in own and _same(own[name], value)
                for name, value in candidate.items()
            )
        )
        return next(rows, None)


def _same(own: Any, value: Any) -> bool:
    """Whether two values are equal; floats may have gone through a logarithm."""
    if is_number(own) and is_number(value):
        return math.isclose(own, value, rel_tol=1e-9)
    return equivalent(own, value)


# Checked when a rule is made: a search calls it only after hours of fits.


def _check_share(share: float | None) -> None:
    if share is not None and not (is_number(share) and 0 < float(share) < 1):
        raise ValueError(
            f"test_share={share!r}: give the samples in a test set as a share of all, "
            "between 0 and 1, or None."
        )


def _check_directions(directions: Mapping[str, Direction] | None) -> None:
    for name, direction in (directions or {}).items():
        if isinstance(direction, str) and direction not in ("low", "high"):
            raise ValueError(
                f"directions[{name!r}]={direction!r}: give 'low' if smaller values are "
                "simpler, 'high' if larger ones are, or a list of values from simple "
                "to complex."
            )
