"""What a finished search knows, in the form that the checks of `diagnose` read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier, is_regressor

from sklearn_tuners._bayes.gp import GP
from sklearn_tuners._insight.complexity import Direction
from sklearn_tuners._insight.scale import Scale, scale_of
from sklearn_tuners._insight.sensitivity import columns_of, fit_processes
from sklearn_tuners._space.space import Space
from sklearn_tuners._split_scores import (
    comparable_rows,
    metric_of,
    overlap_factor,
    residual_variance,
    split_scores,
)
from sklearn_tuners.selection import followed_metric
from sklearn_tuners.spaces import directions as registered_directions

__all__ = ["Facts"]

FloatArray = NDArray[np.float64]


@dataclass
class Facts:
    """What the checks of `diagnose` read: candidates that were scored on all splits.

    Attributes
    ----------
    S, T : ndarray of shape (n, K)
        Test and train scores; T without columns if there are none.
    best : int
        Row of the chosen candidate.
    params : list of dict
        Of the n candidates.
    space : Space or None
        None if the search space is not understood.
    """

    search: Any
    metric: str
    S: FloatArray
    T: FloatArray
    best: int
    params: list[dict[str, Any]]
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
                f"{type(search).__name__} has no cv_results_: diagnose takes a search "
                "that has been fitted."
            )
        results = search.cv_results_
        if metric is None:
            metric = followed_metric(search.refit)
        metric = metric_of(results, metric)
        S = split_scores(results, metric)
        kept = np.flatnonzero(comparable_rows(results, S))
        if not len(kept):
            raise ValueError(
                "No candidate was scored on all splits, so there is nothing to say."
            )
        T = split_scores(results, metric, "train")
        T = T[kept] if T.size else np.empty((len(kept), 0))
        best = np.flatnonzero(kept == getattr(search, "best_index_", -1))
        top = int(best[0]) if len(best) else int(np.argmax(S[kept].mean(axis=1)))
        space, why = _space_of(search)
        resource = getattr(search, "resource_", None)  # in the params, not searched
        params = [
            {k: v for k, v in results["params"][row].items() if k != resource}
            for row in kept
        ]
        facts = cls(search, metric, S[kept], T, top, params, space, directions,
                    test_share, why)  # fmt: skip
        facts._encode()
        return facts

    def _encode(self) -> None:
        """Place the candidates in the space, or give the space up."""
        if self.space is None:
            return
        try:
            rows = [self.space.encode(params) for params in self.params]
        except (ValueError, TypeError) as error:
            self.space, self.why_no_space = None, str(error)
        else:
            self._rows = np.stack(rows)

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
        """What scores mean, if the metric is one whose ends are known."""
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
        if self.own_directions is not None:
            return self.own_directions
        found: Mapping[str, Direction] = registered_directions(self.best_estimator)
        return found

    @cached_property
    def processes(self) -> list[GP] | None:
        """Surrogates, None if there is too little to fit them to."""
        if self.space is None or not self.space.n_dims:
            return None
        enough = len(self.S) >= max(5, len(columns_of(self.space)) + 2)
        if not enough or np.ptp(self.means) == 0.0:
            return None
        factor = overlap_factor(self.S.shape[1], self.test_share)
        noise = factor * residual_variance(self.S)
        return fit_processes(self.space, self.U, self.means, noise)


def _space_of(search: Any) -> tuple[Space | None, str]:
    """Space of a search, or why there is none."""
    try:
        if hasattr(search, "_parse_space"):
            return search._parse_space(0), ""
        for name in ("param_distributions", "param_grid"):
            if hasattr(search, name):
                spec = getattr(search, name)
                return Space.parse(spec, name=name, tuples_as_ranges=False), ""
    except (ValueError, TypeError) as error:
        return None, str(error)
    return None, f"{type(search).__name__} has no param_distributions or param_grid"
