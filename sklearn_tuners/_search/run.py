"""The run of a strategy: its evaluations on the workers of a search."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone

from sklearn_tuners._compat.sklearn import (
    CallbackTask,
    Outcome,
    detach,
    failed_outcome,
)
from sklearn_tuners._engine.loop import Engine, Failure
from sklearn_tuners._engine.observer import Observer
from sklearn_tuners._engine.trial import Trial
from sklearn_tuners._engine.workers import Workers
from sklearn_tuners._search.observers import Announcer, CallbackTasks
from sklearn_tuners._search.scores import split_scores
from sklearn_tuners._search.strategy import Job, Strategy
from sklearn_tuners._training.evaluate import evaluate
from sklearn_tuners._training.guard import FitTimeoutError, Guard
from sklearn_tuners._training.shared import Shared

__all__ = ["KILL_GRACE", "Hooks", "Runner", "SplitEvaluator", "check_timeout"]

KILL_GRACE = 2.0
"""Seconds after `fit_timeout` in which the alarm may end a fit before its worker is
killed (convention)."""


@dataclass(frozen=True)
class Hooks:
    """What scikit-learn's callbacks are bound to.

    Attributes
    ----------
    start_task : callable
        ``start_task(n_evaluations, name)`` returns the task of a run.
    search : estimator
        What hooks in this process receive as the estimator.
    bare : estimator or None
        What hooks in other processes receive: a copy without data and results.
    """

    start_task: Callable[[int | None, str], CallbackTask]
    search: Any
    bare: Any


class SplitEvaluator:
    """Hands evaluations to the workers, and scores complete trials.

    Parameters
    ----------
    job : callable
        ``job(trial, split)`` returns one evaluation.
    estimator : estimator
        Cloned for each evaluation.
    shared : Shared
        Data and settings that all evaluations read.
    workers : Workers
        The workers, already started.
    guard : Guard
        Conditions under which a worker runs an evaluation.
    tasks : CallbackTasks
        Holds the callback task of each evaluation.
    caller : estimator or None
        What callbacks in the workers receive.
    n_splits : int
        Evaluations per trial.
    n_planned : int or None
        Number of trials, if known.
    metric : str or None
        The metric to follow.
    """

    def __init__(
        self,
        *,
        job: Callable[[Trial, int], Job],
        estimator: BaseEstimator,
        shared: Shared,
        workers: Workers,
        guard: Guard,
        tasks: CallbackTasks,
        caller: Any,
        n_splits: int,
        n_planned: int | None,
        metric: str | None,
    ) -> None:
        self.job = job
        self.estimator = estimator
        self.shared = shared
        self.workers = workers
        self.guard = guard
        self.tasks = tasks
        self.caller = caller
        self.n_splits = n_splits
        self.n_planned = n_planned
        self.metric = metric

    def submit(self, trial: Trial, split: int) -> None:
        """Hand one evaluation to the workers."""
        leaf = self.tasks.leaf(trial, split)
        job = self.job(trial, split)
        token = (trial.number, split)
        self.workers.submit(
            token,
            evaluate,
            guard=self.guard,
            start_mark=self.workers.start_mark(token),
            shared=self.shared,
            estimator=clone(self.estimator),
            parameters=job.params,
            train=job.train,
            test=job.test,
            training=job.training,
            split_progress=(split, self.n_splits),
            candidate_progress=self.n_planned and (trial.number, self.n_planned),
            task=leaf if self.workers.shares_memory else detach(leaf),
            caller=self.caller,
        )

    def failed(self, trial: Trial, split: int, failure: Failure) -> Outcome:
        """Return a failed outcome, or raise if `error_score` says so."""
        if self.shared.error_score == "raise":
            kind = FitTimeoutError if failure.kind == "timeout" else RuntimeError
            raise kind(f"{failure.text} (params: {trial.params})")
        return failed_outcome(
            failure.text,
            scorer=self.shared.scorer,
            error_score=self.shared.error_score,
            n_test_samples=len(self.job(trial, split).test),
            return_train_score=self.shared.return_train_score,
            fit_time=self.guard.timeout or 0.0,
        )

    def score(self, trial: Trial) -> float:
        """Return the mean over the splits."""
        return float(np.mean(split_scores(trial, self.metric)))


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Runs strategies on the workers of one search.

    Attributes
    ----------
    workers : Workers
        The workers, already started.
    estimator : estimator
        Cloned for each evaluation.
    shared : Shared
        Data and settings that all evaluations read.
    metric : str or None
        The metric to follow.
    hooks : Hooks
        What callbacks are bound to.
    deadline : float or None
        Time, as `time.time`, from which no evaluation begins.
    fit_timeout : float or None
        Seconds that an evaluation may take.
    is_verbose : bool
        Whether a run announces what it does.
    """

    workers: Workers
    estimator: BaseEstimator
    shared: Shared
    metric: str | None
    hooks: Hooks
    deadline: float | None
    fit_timeout: float | None
    is_verbose: bool

    def engine(
        self,
        strategy: Strategy,
        *,
        name: str = "search",
        lag: int | None = None,
        stop: Callable[[Trial, float], str | None] | None = None,
        observers: Sequence[Observer] = (),
        trials: Iterable[Trial] = (),
    ) -> Engine:
        """Return the engine that runs the trials of a strategy.

        Parameters
        ----------
        strategy : Strategy
            Says what to run.
        name : str, default="search"
            Name of the callbacks' task.
        lag, stop, observers, trials
            As for `Engine`; `observers` are called before the callbacks.
        """
        n_planned = strategy.n_planned(self.workers.n_workers)
        n_splits = len(strategy.splits)
        task = self.hooks.start_task(n_planned and n_planned * n_splits, name)
        tasks = CallbackTasks(task, self.hooks.search, n_splits)
        is_here = self.workers.shares_memory
        evaluator = SplitEvaluator(
            job=strategy.job,
            estimator=self.estimator,
            shared=self.shared,
            workers=self.workers,
            guard=Guard(
                parent=os.getpid() if self.workers.are_children else None,
                deadline=self.deadline,
                timeout=self.fit_timeout,
            ),
            tasks=tasks,
            caller=self.hooks.search if is_here else self.hooks.bare,
            n_splits=n_splits,
            n_planned=n_planned,
            metric=self.metric,
        )
        lines = [Announcer(strategy.announcement())] if self.is_verbose else []
        return Engine(
            strategy.tuner,
            self.workers,
            evaluator,
            n_iter=strategy.n_trials,
            n_splits=n_splits,
            lag=lag,
            stop=stop,
            observers=[*lines, *observers, tasks],
            deadline=self.deadline,
            trials=trials,
        )


def check_timeout(timeout: float | None, workers: Workers) -> None:
    """Raise ``ValueError`` if a fit that takes too long cannot be ended.

    Parameters
    ----------
    timeout : float or None
        Parameter `fit_timeout` of the search.
    workers : Workers
        The workers, already started.
    """
    if timeout is None or workers.can_kill or workers.can_interrupt:
        return
    in_main_thread = threading.current_thread() is threading.main_thread()
    raise ValueError(
        f"fit_timeout={timeout!r} cannot be kept with the joblib backend "
        f"{workers.kind!r}{'' if in_main_thread else ' outside of the main thread'}: "
        "no fit can be ended there. Use the backends 'loky', 'multiprocessing' or "
        "'ray', or n_jobs=1 in the main thread, or fit_timeout=None."
    )
