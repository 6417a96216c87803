"""A third search: random, and every candidate trains on half of the rows.

It shows what it takes to write a search: a constructor, a tuner and a strategy.
"""

import json

import numpy as np
from sklearn.base import is_classifier

from sklearn_tuners._engine.trial import Proposal
from sklearn_tuners._search.base import BaseTunerCV
from sklearn_tuners._search.strategy import Job, Strategy


class HalfSearchCV(BaseTunerCV):
    """Random search in which every candidate trains on half of the rows."""

    def __init__(
        self, estimator, param_distributions=None, *, param_grid=None, n_iter=50,
        scoring=None, n_jobs=None, refit=True, cv=None, verbose=0,
        pre_dispatch="2*n_jobs", random_state=None, error_score=np.nan,
        return_train_score=False, journal=None,
    ):  # fmt: skip
        super().__init__(
            estimator,
            param_distributions,
            param_grid=param_grid,
            n_iter=n_iter,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            random_state=random_state,
            error_score=error_score,
            return_train_score=return_train_score,
            journal=journal,
        )

    def _make_strategy(self, problem):
        searched = problem.find_space()
        tuner = RandomTuner(searched.space, self.n_iter, problem.seed)
        labels = problem.data.y if is_classifier(problem.estimator) else None
        return HalfStrategy(searched, problem.splits, tuner, labels)


class RandomTuner:
    """Proposes points of a small space in their order, of a large one at random."""

    exhausted = "space exhausted"

    def __init__(self, space, n_points, seed):
        rows = np.random.default_rng(seed).random((n_points, space.n_dims))
        is_small = space.size <= n_points
        every = space.grid() if is_small else map(space.decode, space.quantile(rows))
        self.points = [space.point(params) for params in every]
        self.n_independent = self.n_initial_points = len(self.points)
        self.n_told = 0

    def ask(self, pending):
        number = self.n_told + len(pending)
        return Proposal(self.points[number]) if number < len(self.points) else None

    def tell(self, trial, score):
        self.n_told += 1

    def regret_bound(self):
        return np.inf


class HalfStrategy(Strategy):
    """Trains on every other row of each label."""

    def __init__(self, searched, splits, tuner, labels):
        super().__init__(searched, splits, tuner, len(tuner.points))
        self.halves = [half(train, labels) for train, _ in splits]

    def job(self, trial, split):
        trial.stage = [len(rows) for rows in self.halves]
        return Job(trial.params, self.halves[split], self.splits[split][1])

    def note(self, trial):
        return json.dumps([len(rows) for rows in self.halves])

    def restore(self, note):
        return json.loads(note)

    def columns(self, trials, results):
        return {"n_train_rows": np.array([sum(trial.stage) for trial in trials])}


def half(train, labels):
    """Return half of the row numbers, every other one of each label."""
    if labels is None or np.ndim(labels) > 1:
        return train[::2]
    labels = np.asarray(labels)[train]
    return np.concatenate([train[labels == label][::2] for label in np.unique(labels)])
