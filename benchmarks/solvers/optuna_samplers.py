"""Optuna's samplers: through its own ask and tell, and `OptunaSearchCV`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from benchmarks.tasks.functions import Choice, Dimension, Number, Problem

__all__ = ["Tuner", "search", "study"]


def study(sampler: str, seed: int, **kwargs: Any) -> Any:
    """Return a study that maximises."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    made = getattr(optuna.samplers, sampler)(seed=seed, **kwargs)
    return optuna.create_study(direction="maximize", sampler=made)


class Tuner:
    """One sampler; keyword arguments are passed on to it."""

    def __init__(
        self, problem: Problem, n_iter: int, seed: int, *, sampler: str, **kwargs: Any
    ) -> None:
        if kwargs.get("multivariate"):
            kwargs["group"] = len(problem.space) > 1
        self.problem, self.study = problem, study(sampler, seed, **kwargs)

    def ask(self) -> dict[str, Any]:
        """Suggest every parameter of the chosen branch."""
        self.trial = self.study.ask()
        branches = self.problem.space
        if len(branches) == 1:
            return {n: self.suggest(n, dim) for n, dim in branches[0].items()}
        names = [dims["branch"].values[0] for dims in branches]
        chosen = self.trial.suggest_categorical("branch", names)
        dims = branches[names.index(chosen)]
        own = {n: self.suggest(n, dim) for n, dim in dims.items() if n != "branch"}
        return own | {"branch": chosen}

    def suggest(self, name: str, dim: Number | Choice) -> Any:
        """Ask the trial for one value."""
        if isinstance(dim, Choice):
            labels = [str(value) for value in dim.values]
            return dim.values[
                labels.index(self.trial.suggest_categorical(name, labels))
            ]
        suggest = self.trial.suggest_int if dim.integer else self.trial.suggest_float
        return suggest(name, dim.low, dim.high, log=dim.log)

    def tell(self, params: dict[str, Any], score: float) -> None:
        """Tell."""
        self.study.tell(self.trial, score)

    def start_from(
        self, params: Sequence[dict[str, Any]], scores: Sequence[float]
    ) -> None:
        """Take evaluations made elsewhere."""
        import optuna

        distributions = {n: _float(dim) for n, dim in self.problem.space[0].items()}
        self.study.add_trials(
            optuna.trial.create_trial(
                params=own, distributions=distributions, value=score
            )
            for own, score in zip(params, scores, strict=True)
        )


def _float(dim: Dimension) -> Any:
    import optuna

    assert isinstance(dim, Number)
    return optuna.distributions.FloatDistribution(dim.low, dim.high, log=dim.log)


def search(
    estimator: Any, space: Any, n_iter: int, seed: int, *, sampler: str, **kwargs: Any
) -> Any:
    """Return `OptunaSearchCV`."""
    import optuna
    from optuna_integration import OptunaSearchCV

    unit = optuna.distributions.FloatDistribution(0, 1)
    return OptunaSearchCV(
        estimator,
        dict.fromkeys(space, unit),
        n_trials=n_iter,
        study=study(sampler, seed),
        **kwargs,
    )
