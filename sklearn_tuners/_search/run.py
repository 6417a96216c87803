"""One run of the trials of a search: what the engine calls back."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from math import inf
from numbers import Integral
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from sklearn.base import BaseEstimator, clone

from sklearn_tuners._bayes.optimizer import Optimizer
from sklearn_tuners._bayes_tuner import OptimizerTuner
from sklearn_tuners._compat.sklearn import (
    CallbackTask,
    Outcome,
    detach,
    failed_outcome,
    forget_subtask,
)
from sklearn_tuners._engine.loop import Engine, Trial, Tuner
from sklearn_tuners._engine.workers import HAS_ALARM, Workers
from sklearn_tuners._journal.journal import Identity, Journal, JournaledTrial
from sklearn_tuners._journal.records import (
    describe_data,
    identify,
    identify_space,
    params_to_plain,
    splits_from_text,
    splits_to_text,
    trial_from_journal,
)
from sklearn_tuners._search.reevaluate import check_reevaluation, reevaluate
from sklearn_tuners._search.stopping import default_lag, fold_resolution, has_stalled
from sklearn_tuners._space.space import Space
from sklearn_tuners._training.evaluate import evaluate
from sklearn_tuners._training.guard import FitTimeoutError, Guard
from sklearn_tuners._training.shared import Shared
from sklearn_tuners.selection import followed_metric

if TYPE_CHECKING:
    from sklearn_tuners._search.base import BaseTunerCV

__all__ = ["Run", "SeededTuner"]

Split = tuple[Any, Any]

_KILL_GRACE = 2.0
"""Seconds after `fit_timeout` for the alarm to end the fit, before its worker is."""

_MIN_TRIALS, _N_BELOW = 20, 3
"""Trials before `stopping="auto"` may stop, and how often in a row it has to hold:
Makarova et al. (2022) start after 20 evaluations."""


class SeededTuner(Tuner, Protocol):
    """A tuner that a journal can rebuild, and that knows what may still be gained."""

    @property
    def n_initial_points(self) -> int:
        """Trials before the first one that depends on scores."""

    def regret_bound(self) -> float:
        """Return how much better than the best told trial any params could be."""


class Run:
    """One run of the trials of a search: what the engine calls back.

    Attributes
    ----------
    rows : list of Trial
        The candidates that are complete.
    """

    def __init__(
        self,
        search: BaseTunerCV,
        *,
        base_estimator: BaseEstimator,
        space: Space,
        seed: int,
        cv: Any,
        draw: Callable[[Any], list[Split]],
        groups: Any,
        shared: Shared,
        deadline: float | None,
    ) -> None:
        check_reevaluation(search, cv, shared.scorer)
        self.search = search
        self.base_estimator = base_estimator
        self.space = space
        self.seed = seed
        self.cv, self.draw = cv, draw
        self.groups = groups
        self.shared = shared
        self.deadline = deadline
        self.splits = draw(cv)
        self.n_candidates = self._most_trials()
        self.tuner = self._make_tuner(search.n_initial_points)
        self.rows: list[Trial] = []
        self.reevaluation: tuple[int, dict[str, Any]] | None = None
        self._incumbent: Trial | None = None
        self._best_score = -inf
        self._n_below = 0

    def _make_tuner(self, n_initial_points: int | str) -> SeededTuner:
        optimizer = Optimizer(
            self.space,
            n_iter=self.search.n_iter,
            n_initial_points=n_initial_points,
            initial_params=self.search._first_params(),
            random_state=self.seed,
        )
        return OptimizerTuner(optimizer)

    def _most_trials(self) -> int:
        """Trials to run at the most."""
        assert self.search.n_iter is not None
        return int(min(self.search.n_iter, self.space.size))

    def trials(self, root: CallbackTask) -> str:
        """Run the trials; return why no more of them were run."""
        search = self.search
        timeout = search.fit_timeout
        kill_after = None if timeout is None else timeout + _KILL_GRACE
        with ExitStack() as stack:
            self.workers = stack.enter_context(
                Workers(search.n_jobs, kill_after=kill_after)
            )
            _check_timeout_can_be_kept(timeout, self.workers)
            settings: dict[str, Any] = {
                "seed": self.seed,
                "n_initial_points": self.tuner.n_initial_points,
                "lag": self._lag(),
                "splits": None,
            }
            self.journal = self._open_journal(settings)
            before: list[Trial] = []
            if self.journal is not None:
                stack.enter_context(self.journal)
                settings = dict(self.journal.settings)
                if settings["splits"] is not None:
                    self.splits = splits_from_text(settings["splits"])
                self.seed = settings["seed"]
                self.space = search._parse_space(self.seed)
                self.n_candidates = self._most_trials()
                self.tuner = self._make_tuner(settings["n_initial_points"])
                before = [self._trial(trial) for trial in self.journal.trials()]
            reason = self._run(settings["lag"], before, root)
            self.reevaluation = reevaluate(self, self.seed, root)
            return reason

    def _trial(self, journaled: JournaledTrial) -> Trial:
        """Return a trial as it was when the journal was left."""
        return trial_from_journal(self.space, journaled, len(self.splits))

    def _run(self, lag: int | None, before: list[Trial], root: CallbackTask) -> str:
        search, n_splits = self.search, len(self.splits)
        if search.verbose > 0:
            print(self._announcement())  # noqa: T201 (as scikit-learn's searches do)
            if before:
                n_done = sum(len(trial.finished) for trial in before)
                print(f"{n_done} of them are in the journal")  # noqa: T201
        if self.workers.kind == "ray":
            self.shared.put_into_ray()
        shares = self.workers.shares_memory
        self.caller = search if shares else search._bare_caller()
        self.guard = Guard(
            parent=os.getpid() if self.workers.are_children else None,
            deadline=self.deadline,
            timeout=search.fit_timeout,
        )
        self.task = search._search_task(root, self._n_evaluations())
        self.task.call_on_fit_task_begin(estimator=search)
        engine = Engine(
            self.tuner,
            self.workers,
            self,
            n_iter=self.n_candidates,
            n_splits=n_splits,
            lag=lag,
            deadline=self.deadline,
            trials=before,
        )
        try:
            engine.run()
        finally:
            self.rows = engine.rows
        self.task.call_on_fit_task_end(estimator=search)
        return engine.stop_reason

    def _announcement(self) -> str:
        n_splits = len(self.splits)
        return (
            f"Fitting {n_splits} folds for each of {self.n_candidates} candidates, "
            f"totalling {self.n_candidates * n_splits} fits"
        )

    def _n_evaluations(self) -> int | None:
        """Return how many evaluations there are at the most, None if unknown."""
        return self.n_candidates * len(self.splits)

    def _lag(self) -> int | None:
        """Return how many trials a proposal must not know, None to run freely.

        With a seed the outcome must not depend on timing.
        """
        if self.search.random_state is None:
            return None
        return default_lag(self.workers.n_workers, len(self.splits))

    def _open_journal(self, settings: dict[str, Any]) -> Journal | None:
        """Open the journal of the search, if it has one, adding to the settings."""
        search, shared = self.search, self.shared
        if search.journal is None:
            return None
        splits = identify(self.splits, f"{len(self.splits)} splits of cv={search.cv!r}")
        if identify(self.draw(self.cv)).digest != identify(self.splits).digest:
            # Drawn anew each time: those of the first run stand in the journal.
            settings["splits"] = splits_to_text(self.splits)
            splits = identify(splits.description)
        # Of `refit` only the name of a metric matters to the search itself.
        metric = followed_metric(search.refit)
        scoring = f"scoring={search.scoring!r}, refit={metric!r}"
        seed = search.random_state
        return Journal.open(
            search.journal,
            identity=self._identity()
            | {
                "search": identify(type(search).__name__),
                "search space": identify_space(search._parse_space(seed=0)),
                "initial_params": identify(search.initial_params),
                "estimator": identify(self.base_estimator),
                "data": identify(
                    (shared.X, shared.y, shared.fit_params, shared.score_params),
                    describe_data(shared.X, shared.y),
                ),
                "splits": splits,
                "scoring": identify((search.scoring, metric), scoring),
                "error_score": identify(search.error_score),
                "return_train_score": identify(search.return_train_score),
                "random_state": identify(
                    int(seed) if isinstance(seed, Integral) else type(seed).__name__
                ),
            },
            settings=settings,
            synchronous=search.journal_synchronous,
        )

    def _identity(self) -> dict[str, Identity]:
        """Return what else a journal has to agree with."""
        return {}

    # What the engine calls ------------------------------------------------------------

    def submit(self, trial: Trial, split: int) -> None:
        n_splits = len(self.splits)
        task_id = trial.number * n_splits + split
        forget_subtask(self.task, task_id)  # of a run that was lost with its worker
        n_in_all = self._n_evaluations()
        leaf = self.task.subcontext(
            task_name="candidate-split-evaluation", task_id=task_id
        )
        self.workers.submit(
            (trial.number, split),
            evaluate,
            guard=self.guard,
            start_mark=self.workers.start_mark((trial.number, split)),
            shared=self.shared,
            estimator=clone(self.base_estimator),
            split_progress=(split, n_splits),
            candidate_progress=n_in_all and (trial.number, n_in_all // n_splits),
            task=leaf if self.workers.shares_memory else detach(leaf),
            caller=self.caller,
            **self._to_fit(trial, split),
        )

    def _to_fit(self, trial: Trial, split: int) -> dict[str, Any]:
        """Return the params of an evaluation, and what to train and test them on."""
        train, test = self.splits[split]
        return {"parameters": trial.params, "train": train, "test": test}

    def _plain(self, trial: Trial) -> dict[str, Any]:
        """Return what the journal is to hold of a new trial."""
        return params_to_plain(self.space, trial.params)

    def proposed(self, trial: Trial) -> None:
        if self.journal is not None:
            self.journal.add_trial(trial.number, self._plain(trial))

    def finished(self, trial: Trial, split: int, outcome: Outcome) -> None:
        if self.journal is not None:
            self.journal.add_outcome(trial.number, split, outcome)
        forget_subtask(self.task, trial.number * len(self.splits) + split)
        scores = outcome["test_scores"]
        if callable(self.search.scoring) and isinstance(scores, dict):
            self.search._check_refit_metric(scores)

    def failed(self, trial: Trial, split: int, reason: str) -> Outcome:
        """Return a failed outcome; raise if `error_score` says so."""
        if self.shared.error_score == "raise":
            kind = FitTimeoutError if "fit_timeout" in reason else RuntimeError
            raise kind(f"{reason} (params: {trial.params})")
        return failed_outcome(
            reason,
            scorer=self.shared.scorer,
            error_score=self.shared.error_score,
            n_test_samples=len(self.splits[split][1]),
            return_train_score=self.shared.return_train_score,
            fit_time=self.search.fit_timeout or 0.0,
        )

    def score(self, trial: Trial) -> float:
        """Return the mean over the splits of the metric that the search follows."""
        return float(np.mean(self.split_scores(trial)))

    def split_scores(self, trial: Trial) -> list[float]:
        """Return the metric that `refit` names, else the first one, on each split."""
        scores = [outcome["test_scores"] for outcome in trial.finished]
        named = next((score for score in scores if isinstance(score, dict)), None)
        if named is not None:
            metric = followed_metric(self.search.refit)
            if metric not in named:
                metric = next(iter(named))
            # A failed fit of a scorer that returns a dict has a bare `error_score`.
            scores = [s[metric] if isinstance(s, dict) else s for s in scores]
        return scores

    def stop_reason(self, trial: Trial, scores: Sequence[float]) -> str | None:
        """Return the name of the first parameter that says to stop, or None."""
        search = self.search
        target = search.target_score
        if target is not None and scores[-1] >= target:
            return "target_score"
        patience = search.n_iter_no_change
        if patience is not None and has_stalled(scores, patience, search.tol):
            return "n_iter_no_change"
        if search.stopping == "auto" and self._is_resolved(trial, scores):
            return "stopping"
        return None

    def _is_resolved(self, trial: Trial, scores: Sequence[float]) -> bool:
        """Return whether what may still be gained is below what the splits resolve.

        It has to be so several times in a row, as one fit of the surrogate can be
        overconfident.
        """
        if scores[-1] > self._best_score:
            self._best_score, self._incumbent = scores[-1], trial
        if len(scores) < _MIN_TRIALS or self._incumbent is None:
            return False
        resolution = fold_resolution(self.split_scores(self._incumbent))
        is_below = self.tuner.regret_bound() < resolution
        self._n_below = self._n_below + 1 if is_below else 0
        return self._n_below >= _N_BELOW


def _check_timeout_can_be_kept(timeout: float | None, workers: Workers) -> None:
    """Raise ``ValueError`` where nothing could end a fit that takes too long."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    if timeout is None or workers.can_kill:
        return
    if HAS_ALARM and workers.kind in ("multiprocessing", "ray"):
        return
    if HAS_ALARM and workers.kind == "inline" and in_main_thread:
        return
    raise ValueError(
        f"fit_timeout={timeout!r} cannot be kept with the joblib backend "
        f"{workers.kind!r}{'' if in_main_thread else ' outside of the main thread'}: "
        "nothing there can end a fit. Use the backends 'loky', 'multiprocessing' or "
        "'ray', or n_jobs=1 in the main thread, or fit_timeout=None."
    )
