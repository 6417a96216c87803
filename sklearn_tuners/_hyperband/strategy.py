"""What `HyperbandSearchCV` does differently: every evaluation is at a resource."""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier

from sklearn_tuners._compat.sklearn import Outcome
from sklearn_tuners._engine.trial import Trial
from sklearn_tuners._engine.workers import Workers
from sklearn_tuners._estimators import last_step
from sklearn_tuners._hyperband.results import (
    cumulative_times,
    ranks,
    rows_to_choose_from,
    take_rows,
)
from sklearn_tuners._hyperband.rung_rows import RungRows
from sklearn_tuners._hyperband.sampler import Sampler
from sklearn_tuners._hyperband.schedule import (
    Schedule,
    planned_brackets,
    training_steps,
)
from sklearn_tuners._hyperband.tuner import HalvingTuner, Stage
from sklearn_tuners._journal.identity import identify
from sklearn_tuners._journal.journal import Identity
from sklearn_tuners._search.problem import Data, Searched
from sklearn_tuners._search.strategy import Job, Strategy
from sklearn_tuners._training.continuation import EPOCHS, SAMPLES, continuation
from sklearn_tuners._training.settings import (
    labels_of,
    resolved_settings,
    scale_factors,
)
from sklearn_tuners._training.steps import Training, set_resource
from sklearn_tuners._training.store import Store
from sklearn_tuners._typing import FloatArray, Params, Split

__all__ = ["HyperbandStrategy"]

_STATE_BYTES = 2**30
"""Largest size of all fitted states on disk (docs/guide/hyperband.md)."""


class HyperbandStrategy(Strategy):
    """Evaluates each candidate at a resource, and chooses among the full ones.

    Parameters
    ----------
    estimator : estimator
        Cloned for each candidate.
    data : Data
        Data that candidates are trained and tested on.
    splits : list of (ndarray, ndarray)
        Row numbers to train and to test on.
    searched : Searched
        The space.
    schedule : Schedule
        Resource, rungs and brackets.
    rows : RungRows or None
        The order of the training rows, if these are the resource.
    sampler : Sampler
        Source of new candidates.
    kind, continuation, n_iter
        Parameters `sampler`, `continuation` and `n_iter` of `HyperbandSearchCV`.
    repeats : bool
        Whether passes repeat where `n_iter` is None.
    is_refitted : bool
        Whether the best candidate is refitted.
    """

    tuner: HalvingTuner

    def __init__(
        self,
        estimator: BaseEstimator,
        data: Data,
        splits: list[Split],
        *,
        searched: Searched,
        schedule: Schedule,
        rows: RungRows | None,
        sampler: Sampler,
        kind: str,
        continuation: str,
        n_iter: int | None,
        repeats: bool,
        is_refitted: bool,
    ) -> None:
        self.estimator, self.data = estimator, data
        self.schedule = schedule
        self.kind, self.continuation = kind, continuation
        self.n_iter, self.repeats = n_iter, repeats
        self.is_refitted = is_refitted
        self.store: Store | None = None
        self._rows = rows
        self._labels: dict[tuple[bool, type], Any] = {}
        self._has_warned = False
        tuner = HalvingTuner(
            searched.space,
            sampler,
            rungs=schedule.rungs,
            factor=schedule.factor,
            n_brackets=len(schedule.brackets),
            n_candidates=n_iter,
            repeats=repeats,
            extend=self._extend,
        )
        # The tuner says when it is done.
        super().__init__(searched, splits, tuner, n_trials=sys.maxsize)

    @property
    def full(self) -> int:
        """The full resource."""
        return self.schedule.rungs[-1]

    @property
    def is_parameter(self) -> bool:
        """Whether the resource is a parameter of the estimator."""
        return self.schedule.resource not in (SAMPLES, EPOCHS)

    # Before the run.

    def identity(self) -> Mapping[str, Identity]:
        """Return what else must match a journal."""
        schedule = self.schedule
        return {
            "resources": identify((schedule.resource, schedule.rungs)),
            "factor": identify(float(schedule.factor)),
            "brackets": identify(len(schedule.brackets)),
            "sampler": identify(self.kind),
            "continuation": identify(self.continuation),
        }

    def n_planned(self, n_workers: int) -> int | None:
        """Return the number of trials of a single pass, if one worker runs it.

        Several workers may promote candidates early, which adds trials.
        """
        is_one_pass = self.n_iter is None and not self.repeats
        if not is_one_pass or n_workers > 1:
            return None
        return sum(sum(bracket.n_candidates) for bracket in self._planned())

    def announcement(self) -> str:
        """Return the brackets as text."""
        brackets = "; ".join(
            ", ".join(
                f"{n} x {r}" for n, r in zip(b.n_candidates, b.resources, strict=True)
            )
            for b in self._planned()
        )
        return (
            f"Fitting {len(self.splits)} folds for candidates x "
            f"{self.schedule.resource}: {brackets}"
        )

    def _planned(self) -> Any:
        n_distinct = self.searched.space.n_distinct
        return planned_brackets(self.schedule, self.n_iter, n_distinct)

    @contextmanager
    def running(self, workers: Workers) -> Iterator[None]:
        """Provide a folder for fitted states."""
        if self.schedule.resource == SAMPLES:
            yield
            return
        with workers.folder() as folder:
            self.store = Store(folder, _STATE_BYTES)
            yield

    # During the run.

    def job(self, trial: Trial, split: int) -> Job:
        """Return one evaluation: what to train on, and in which steps."""
        stage: Stage = trial.stage
        train, test = self.splits[split]
        factors: dict[str, float] = {}
        estimator = self._with_params(trial.params)
        if self._rows is not None and stage.resource < self.data.n_samples:
            n_full = len(train)
            train = self._rows.subset(split, stage.resource)
            factors = scale_factors(estimator, n_full / len(train))
        training = Training(
            resource=self.schedule.resource,
            chain=stage.chain,
            settings=resolved_settings(estimator, self.data.n_samples),
            factors=factors,
            classes=self._labels_for(estimator),
            store=self.store,
            key=f"{stage.candidate}-{split}",
            full=self.full,
        )
        is_trainable = self._is_trainable(estimator)
        params = self.shown_params(trial) if is_trainable else trial.params
        return Job(params, train, test, training)

    def note(self, trial: Trial) -> str | None:
        """Return the stage as text."""
        stage: Stage = trial.stage
        numbers = (stage.candidate, stage.bracket, stage.rung, stage.resource)
        return json.dumps([*numbers, stage.chain])

    def restore(self, note: str | None) -> Stage:
        """Read a stage from text."""
        candidate, bracket, rung, resource, chain = json.loads(str(note))
        return Stage(candidate, bracket, rung, resource, tuple(chain))

    def counts(self, trial: Trial) -> bool:
        """Return whether a trial has the full resource."""
        return bool(trial.stage.resource >= self.full)

    def _with_params(self, params: Params) -> BaseEstimator:
        estimator = clone(self.estimator)
        return estimator.set_params(**clone(params, safe=False))

    def _is_trainable(self, candidate: BaseEstimator) -> bool:
        """Return whether a candidate has the resource; if not, its fit raises.

        A step that the space swaps may have no such parameter.
        """
        if not self.is_parameter:
            return True
        try:
            set_resource(candidate, self.schedule.resource, self.full)
        except ValueError:
            return False
        return True

    def _labels_for(self, candidate: BaseEstimator) -> Any:
        """Return `labels_of` a candidate, reading y once for each kind of candidate."""
        if self.schedule.resource != EPOCHS:
            return None
        kind = is_classifier(candidate), type(last_step(candidate)[1])
        if kind not in self._labels:
            self._labels[kind] = labels_of(candidate, self.data.y)
        return self._labels[kind]

    def _extend(
        self, params: Params, chain: tuple[int, ...], resource: int
    ) -> tuple[int, ...]:
        """Return the steps that lead a candidate from one resource to the next."""
        name, how = self.schedule.resource, "none"
        if name != SAMPLES:
            candidate = self._with_params(params)
            if self._is_trainable(candidate):
                how = continuation(candidate, name, self.data.fit_params or ())
        is_wanted = name != SAMPLES and self.continuation != "never"
        if how == "none" and is_wanted and chain and not self._has_warned:
            self._has_warned = True
            warnings.warn(
                f"Promoted candidates are trained from the start: "
                f"{type(self.estimator).__name__} cannot continue with a larger "
                f"{name!r}, given its parameters and the arguments of fit.",
                UserWarning,
                stacklevel=2,
            )
        return training_steps(how, chain, resource, self.full, self.continuation)

    # After the run.

    def rows(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return the trials of the first `n_iter` candidates that began."""
        begun = [
            (trial.stage.bracket, trial.stage.candidate)
            for trial in trials
            if trial.stage.rung == 0
        ]
        counted = set(begun[: self.n_iter])
        return [
            trial
            for trial in trials
            if (trial.stage.bracket, trial.stage.candidate) in counted
        ]

    def shown_params(self, trial: Trial) -> Params:
        """Return the params with the resource, if that is a parameter."""
        if not self.is_parameter:
            return trial.params
        return trial.params | {self.schedule.resource: trial.stage.resource}

    def outcomes(self, trials: Sequence[Trial]) -> list[Outcome]:
        """Return the outcomes with fit times that add up over the rungs."""
        times = cumulative_times(
            [trial.stage.candidate for trial in trials],
            [trial.stage.resource for trial in trials],
            np.array([[o["fit_time"] for o in trial.finished] for trial in trials]),
        )
        return [
            outcome | {"fit_time": time}
            for trial, row in zip(trials, times.tolist(), strict=True)
            for outcome, time in zip(trial.finished, row, strict=True)
        ]

    def columns(
        self, trials: Sequence[Trial], results: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return where each row stands, and ranks with the full resource first."""
        stages = [trial.stage for trial in trials]
        resources = np.array([stage.resource for stage in stages])
        columns: dict[str, Any] = {
            name: ranks(results[name.replace("rank_", "mean_", 1)], resources)
            for name in results
            if name.startswith("rank_test_")
        }
        columns["iter"] = np.array([stage.rung for stage in stages])
        columns["n_resources"] = resources
        columns["bracket"] = np.array([stage.bracket for stage in stages])
        return columns

    def attributes(self, trials: Sequence[Trial]) -> dict[str, Any]:
        """Return the schedule, and how much of each bracket has run."""
        rungs: dict[int, dict[int, list[int]]] = {}
        for trial in trials:
            of_bracket = rungs.setdefault(trial.stage.bracket, {})
            of_bracket.setdefault(trial.stage.rung, []).append(trial.stage.resource)
        brackets = [
            {
                "n_candidates": [len(rungs[b][i]) for i in sorted(rungs[b])],
                "n_resources": [rungs[b][i][0] for i in sorted(rungs[b])],
            }
            for b in sorted(rungs)
        ]
        n_candidates = [n for b in brackets for n in b["n_candidates"]]
        return {
            "resource_": self.schedule.resource,
            "min_resources_": self.schedule.rungs[0],
            "max_resources_": self.full,
            "n_possible_iterations_": len(self.schedule.rungs),
            "brackets_": brackets,
            "n_candidates_": n_candidates,
            "n_resources_": [r for b in brackets for r in b["n_resources"]],
            "n_remaining_candidates_": math.ceil(
                n_candidates[-1] / self.schedule.factor
            ),
        }

    def best_row(
        self,
        results: Mapping[str, Any],
        metric: Any,
        select: Callable[[Mapping[str, Any]], int],
    ) -> int:
        """Return the row that `refit` selects from those of the full resource."""
        resources = results["n_resources"]
        rows = rows_to_choose_from(_mean_scores(results, metric), resources)
        reached = int(resources[rows[0]])
        if reached < self.full:
            refitted = " and refitted with the full resource" * self.is_refitted
            warnings.warn(
                "No candidate was scored with the full resource, "
                f"{self.schedule.resource}={self.full}: the best one with {reached} is "
                f"chosen{refitted}. best_score_ is its score with {reached}.",
                UserWarning,
                stacklevel=2,
            )
        return int(rows[select(take_rows(results, rows))])

    def warn_of_unfinished(
        self,
        trials: Sequence[Trial],
        results: Mapping[str, Any],
        row: int,
        metric: Any,
        *,
        has_journal: bool,
    ) -> None:
        """Warn if a candidate of a lower rung has a better score than the best one."""
        scores = _mean_scores(results, metric)
        reached: dict[int, int] = {}  # the last row of each candidate
        for i, trial in enumerate(trials):
            last = reached.setdefault(trial.stage.candidate, i)
            if trial.stage.resource > trials[last].stage.resource:
                reached[trial.stage.candidate] = i
        better = [
            i
            for i in reached.values()
            if trials[i].stage.resource < trials[row].stage.resource
            and scores[i] > scores[row]
        ]
        if not better:
            return
        best = max(better, key=lambda i: float(scores[i]))
        go_on = (
            "Fit the same search once more: it goes on from its journal."
            if has_journal
            else "Begin a new search with initial_params=[best_params_, these "
            "parameters] (without the resource); a search with a journal can go on "
            "where it ended."
        )
        warnings.warn(
            "The search ended before the candidate with the parameters "
            f"{trials[best].params} was trained with "
            f"{self.schedule.resource}={trials[row].stage.resource}. It has a score of "
            f"{scores[best]:.4g} with {trials[best].stage.resource}, the best of those "
            f"that were has {scores[row]:.4g}. {go_on}",
            UserWarning,
            stacklevel=2,
        )

    def best_params(self, params: Params) -> Params:
        """Return the params with the full resource, if that is a parameter."""
        if not self.is_parameter:
            return params
        return params | {self.schedule.resource: self.full}

    def is_refitted_anyway(self, results: Mapping[str, Any], row: int) -> bool:
        """Return whether no candidate has a score at the full resource.

        No score is then known for a model like the refitted one, but the user of an
        interrupted search still wants the best so far.
        """
        return bool(results["n_resources"][row] < self.full)

    def fit_best(
        self, best: Any, X: Any, y: Any, fit_params: Mapping[str, Any]
    ) -> None:
        """Fit the best candidate with the full resource."""
        if self.schedule.resource != EPOCHS:
            super().fit_best(best, X, y, fit_params)
            return
        labels = labels_of(best, y)
        training = Training(resource=EPOCHS, chain=(self.full,), classes=labels)
        training.fit(best, X, y, **fit_params)


def _mean_scores(results: Mapping[str, Any], metric: Any) -> FloatArray:
    """Return the mean scores of a metric; of the first one if it is not known."""
    if f"mean_test_{metric}" not in results:  # a callable `refit`, several metrics
        metric = next(n[10:] for n in results if n.startswith("mean_test_"))
    return np.asarray(results[f"mean_test_{metric}"])
