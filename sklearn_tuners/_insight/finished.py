"""What a finished search knows, in the form that the checks of `diagnose` read.

Accuracy 0.6 is poor for two classes and good for ten. On the scale of *skill*, 0 is a
guess that ignores the features and 1 is perfect. One threshold then serves all metrics
for which both ends are known by definition, see `Scale`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor

from sklearn_tuners._bayes.gp import GP
from sklearn_tuners._defaults.lookup import directions as registered_directions
from sklearn_tuners._insight.complexity import Direction
from sklearn_tuners._insight.sensitivity import columns_of, fit_processes
from sklearn_tuners._space.space import Space
from sklearn_tuners._split_scores import (
    comparable_rows,
    followed_metric,
    metric_of,
    overlap_factor,
    residual_variance,
    split_scores,
)
from sklearn_tuners._typing import FloatArray, Params

__all__ = ["Facts", "Scale", "scale_of"]

_FEWEST = 5
"""Fewest candidates for a surrogate, in any space (convention)."""


@dataclass
class Facts:
    """The candidates that were scored on all splits, and what is known of the search.

    Attributes
    ----------
    search : fitted search
        The search itself.
    metric : str
        Name of the metric, as in the keys of ``cv_results_``.
    S, T : ndarray of shape (n, n_splits)
        Test and train scores; T has no columns if there are none.
    best : int
        Row of the chosen candidate.
    params : list of dict
        Params of the n candidates.
    space : Space or None
        None if the search space is not understood.
    own_directions : dict or None
        Directions that the user has given.
    test_share : float or None
        Share of the samples that is in a test set, if the user has given it.
    why_no_space : str
        Why `space` is None.
    """

    search: Any
    metric: str
    S: FloatArray
    T: FloatArray
    best: int
    params: list[Params]
    space: Space | None
    own_directions: Mapping[str, Direction] | None
    test_share: float | None
    why_no_space: str = ""
    _rows: FloatArray | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        search: Any,
        metric: str | None,
        directions: Mapping[str, Direction] | None,
        test_share: float | None,
    ) -> Facts:
        """Read a fitted search."""
        if not hasattr(search, "cv_results_"):
            raise ValueError(
                f"{type(search).__name__} has no cv_results_: diagnose needs a fitted "
                "search."
            )
        results = search.cv_results_
        if metric is None:
            metric = followed_metric(search.refit)
        metric = metric_of(results, metric)
        S = split_scores(results, metric)
        kept = np.flatnonzero(comparable_rows(results, S))
        if not len(kept):
            raise ValueError(
                "No candidate was scored on all splits, so there is nothing to "
                "diagnose."
            )
        T = split_scores(results, metric, "train")
        T = T[kept] if T.size else np.empty((len(kept), 0))
        best = np.flatnonzero(kept == getattr(search, "best_index_", -1))
        top = int(best[0]) if len(best) else int(np.argmax(S[kept].mean(axis=1)))
        resource = getattr(search, "resource_", None)  # in the params, not searched
        params = [
            {k: v for k, v in results["params"][row].items() if k != resource}
            for row in kept
        ]
        facts = cls(search, metric, S[kept], T, top, params, None, directions,
                    test_share)  # fmt: skip
        try:
            facts.space, facts._rows = _place(search, params)
        except (ValueError, TypeError) as error:
            facts.why_no_space = str(error)
        return facts

    @property
    def U(self) -> FloatArray:
        """Rows of the unit cube; only with a space."""
        assert self._rows is not None
        return self._rows

    @property
    def means(self) -> FloatArray:
        """Mean test scores."""
        return np.asarray(self.S.mean(axis=1))

    @property
    def best_score(self) -> float:
        return float(self.means[self.best])

    @property
    def scale(self) -> Scale:
        """What scores mean, if the metric is known."""
        name, scoring = self.metric, self.search.scoring
        if isinstance(scoring, Mapping) and isinstance(scoring.get(name), str):
            name = scoring[name]
        elif name == "score":
            name = scoring if isinstance(scoring, str) else ""
            if scoring is None and is_classifier(self.search.estimator):
                name = "accuracy"
            elif scoring is None and is_regressor(self.search.estimator):
                name = "r2"
        classes = getattr(self.search, "classes_", None)
        return scale_of(name, None if classes is None else len(classes))

    @cached_property
    def best_estimator(self) -> Any:
        """The estimator with the best params, unfitted."""
        estimator = clone(self.search.estimator)
        return estimator.set_params(**clone(self.params[self.best], safe=False))

    @cached_property
    def directions(self) -> Mapping[str, Direction]:
        """Which values of each parameter are simpler."""
        if self.own_directions is not None:
            return self.own_directions
        return registered_directions(self.best_estimator)

    @cached_property
    def processes(self) -> list[GP] | None:
        """Surrogates, or None if there are too few candidates to fit them to."""
        if self.space is None or not self.space.n_dims:
            return None
        enough = len(self.S) >= max(_FEWEST, len(columns_of(self.space)) + 2)
        if not enough or np.ptp(self.means) == 0.0:
            return None
        factor = overlap_factor(self.S.shape[1], self.test_share)
        noise = factor * residual_variance(self.S)
        return fit_processes(self.space, self.U, self.means, noise)


# Where the candidates are in the search space -----------------------------------------


def _place(search: Any, params: list[Params]) -> tuple[Space, FloatArray]:
    """Return the space of a search, and the rows of its candidates."""
    space = getattr(search, "space_", None)
    if isinstance(space, Space):
        return space, _encode(space, params)
    names = [n for n in ("param_distributions", "param_grid") if hasattr(search, n)]
    if not names:
        raise TypeError(
            f"{type(search).__name__} has no param_distributions or param_grid"
        )
    name = names[0]
    given = getattr(search, name)
    space = Space.parse(given, name=name, tuples_as_ranges=False)
    try:
        return space, _encode(space, params)
    except ValueError:
        # Objects with only `rvs` may have drawn other values in the search.
        given = _with_tried_values(given, params)
        space = Space.parse(given, name=name, tuples_as_ranges=False)
        return space, _encode(space, params)


def _encode(space: Space, params: list[Params]) -> FloatArray:
    return np.stack([space.encode(candidate) for candidate in params])


def _with_tried_values(given: Any, params: list[Params]) -> Any:
    """Return a space in which objects with only `rvs` also draw what was tried."""
    if not isinstance(given, Mapping):
        return [_with_tried_values(part, params) for part in given]
    return {
        name: _AlsoDraws(domain, [c[name] for c in params if name in c])
        if hasattr(domain, "rvs") and not hasattr(domain, "ppf")
        else domain
        for name, domain in given.items()
    }


class _AlsoDraws:
    """An object with `rvs` that returns given values first, then its own draws."""

    def __init__(self, source: Any, values: list[Any]) -> None:
        self._source, self._values = source, iter(values)

    def __repr__(self) -> str:
        return repr(self._source)

    def rvs(self, random_state: Any = None) -> Any:
        """Draw one value."""
        for value in self._values:
            return value
        return self._source.rvs(random_state=random_state)


# What a score means -------------------------------------------------------------------


@dataclass(frozen=True)
class Scale:
    """The two ends of a metric.

    Attributes
    ----------
    chance, perfect : float
        Scores of a guess and of a perfect model; NaN if not known.
    """

    chance: float
    perfect: float

    @property
    def is_known(self) -> bool:
        """Whether differences of scores can be turned into differences of skill."""
        return math.isfinite(self.chance) and math.isfinite(self.perfect)

    def skill(self, score: float) -> float:
        """0 for a guess, 1 for perfect.

        Examples
        --------
        >>> Scale(chance=0.5, perfect=1.0).skill(0.75)
        0.5
        """
        return (score - self.chance) / (self.perfect - self.chance)


_ZERO_TO_ONE = (
    "r2",
    "explained_variance",
    "d2_absolute_error_score",
    "d2_brier_score",
    "d2_log_loss_score",
    "matthews_corrcoef",
    "adjusted_rand_score",
    "adjusted_mutual_info_score",
)
"""Metrics that are 0 for a guess and 1 for a perfect model, whatever the data."""

_HALF = ("roc_auc", "roc_auc_ovr", "roc_auc_ovo", "roc_auc_ovr_weighted")
"""Metrics that are 0.5 for a guess and 1 for a perfect model."""

_SHARE_OF_CLASSES = ("accuracy", "balanced_accuracy")
"""Metrics for which a guess scores 1 / n_classes, if classes are equally frequent."""


def scale_of(metric: str, n_classes: int | None) -> Scale:
    """Scale of a metric by its name in scikit-learn.

    Parameters
    ----------
    metric : str
        As accepted by ``scoring=``.
    n_classes : int or None
        Number of classes of a classifier.

    Returns
    -------
    Scale
        The chance of `accuracy` is that of equally frequent classes.

    Examples
    --------
    >>> scale_of("accuracy", n_classes=4)
    Scale(chance=0.25, perfect=1.0)
    >>> scale_of("neg_root_mean_squared_error", n_classes=None)
    Scale(chance=nan, perfect=0.0)
    """
    if metric in _ZERO_TO_ONE:
        return Scale(0.0, 1.0)
    if metric in _HALF:
        return Scale(0.5, 1.0)
    if metric in _SHARE_OF_CLASSES:
        return Scale(1 / n_classes if n_classes else math.nan, 1.0)
    if metric == "neg_log_loss":
        return Scale(-math.log(n_classes) if n_classes else math.nan, 0.0)
    return Scale(math.nan, 0.0 if metric.startswith("neg_") else math.nan)
