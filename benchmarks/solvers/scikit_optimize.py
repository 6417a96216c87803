"""scikit-optimize, as `gp_minimize` sets it up."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from benchmarks.tasks.functions import Choice, Number, Problem

__all__ = ["Tuner", "search"]


class Tuner:
    """`skopt.Optimizer`; values of a list are searched by their index."""

    def __init__(self, problem: Problem, n_iter: int, seed: int) -> None:
        import skopt

        warnings.simplefilter("ignore")
        if len(problem.space) > 1:
            raise NotImplementedError("scikit-optimize has no conditional spaces")
        self.dims = problem.space[0]
        self.optimizer = skopt.Optimizer(
            [self.dimension(dim) for dim in self.dims.values()],
            base_estimator="GP",
            n_initial_points=10,
            acq_func="gp_hedge",
            random_state=seed,
        )

    @staticmethod
    def dimension(dim: Number | Choice) -> Any:
        """Express a dimension as scikit-optimize does."""
        import skopt.space

        if isinstance(dim, Choice):
            return skopt.space.Categorical([f"{i}" for i in range(len(dim.values))])
        kind = skopt.space.Integer if dim.integer else skopt.space.Real
        return kind(dim.low, dim.high, prior="log-uniform" if dim.log else "uniform")

    def ask(self) -> dict[str, Any]:
        """Ask."""
        self.point = self.optimizer.ask()
        return {
            name: dim.values[int(value)] if isinstance(dim, Choice) else value
            for (name, dim), value in zip(self.dims.items(), self.point, strict=True)
        }

    def tell(self, params: dict[str, Any], score: float) -> None:
        """Tell."""
        self.optimizer.tell(self.point, -score)

    def start_from(
        self, params: Sequence[dict[str, Any]], scores: Sequence[float]
    ) -> None:
        """Take evaluations made elsewhere; all in one call, as each call fits."""
        points = [[own[name] for name in self.dims] for own in params]
        self.optimizer.tell(points, [-score for score in scores])


def search(estimator: Any, space: Any, n_iter: int, seed: int, **kwargs: Any) -> Any:
    """Return `skopt.BayesSearchCV`."""
    import skopt

    unit = dict.fromkeys(space, (0.0, 1.0))
    return skopt.BayesSearchCV(
        estimator, unit, n_iter=n_iter, random_state=seed, **kwargs
    )
