"""The fit that all searches share, around the trial engine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from copy import copy
from functools import partial
from math import inf
from numbers import Integral, Real
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state
from sklearn.utils.validation import indexable

from sklearn_tuners._compat import (
    CallbackTask,
    Interval,
    MultimetricScorer,
    Outcome,
    SearchBase,
    StrOptions,
    check_method_params,
    detach,
    failed_outcome,
    fit_context,
    forget_subtask,
)
from sklearn_tuners._default_space import find_default_space
from sklearn_tuners._engine import Engine, Trial, Tuner
from sklearn_tuners._evaluate import FitTimeoutError, Guard, Shared, evaluate
from sklearn_tuners._journal import Journal
from sklearn_tuners._names import check_parameter_names
from sklearn_tuners._reevaluate import check_reevaluation, reevaluate
from sklearn_tuners._resume import (
    describe_data,
    identify,
    identify_space,
    params_to_plain,
    splits_from_text,
    splits_to_text,
    trial_from_journal,
)
from sklearn_tuners._rules import default_lag, fold_resolution, has_stalled
from sklearn_tuners._space import Space
from sklearn_tuners._workers import Workers, check_timeout_can_be_kept
from sklearn_tuners.selection import SelectionRule, followed_metric

__all__ = ["BaseTunerCV", "SearchSpace", "SeededTuner"]

Split = tuple[Any, Any]
SearchSpace = Mapping[str, Any] | Sequence[Mapping[str, Any]]

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


class BaseTunerCV(SearchBase):
    """What the searches share: parameters of the engine, and the fit.

    A subclass says by `_make_tuner` how params are proposed.
    """

    reevaluate_top: int | None = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SearchBase._parameter_constraints,
        "param_distributions": [dict, list, None],
        "param_grid": [dict, list, None],
        "n_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "initial_params": [dict, list, None],
        "n_initial_points": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "max_time": [Interval(Real, 0, None, closed="neither"), None],
        "fit_timeout": [Interval(Real, 0, None, closed="neither"), None],
        "target_score": [Real, None],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), None],
        "tol": [Interval(Real, 0, None, closed="left")],
        "stopping": [StrOptions({"auto"}), None],
        "reevaluate_top": [Interval(Integral, 2, None, closed="left"), None],
        "journal": [str, os.PathLike, None],
        "journal_synchronous": [StrOptions({"NORMAL", "FULL"})],
    }

    def _make_tuner(
        self, space: Space, seed: int, n_initial_points: int | str
    ) -> SeededTuner:
        raise NotImplementedError

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Search for the best parameters, then fit the estimator with them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, n_samples)
            Training data; square for a precomputed kernel or distance matrix.
        y : array-like of shape (n_samples,) or (n_samples, n_output), default=None
            Target; None for unsupervised learning.
        **params : dict of str -> object
            Passed on to the estimator's ``fit``, to the scorer and to the splitter of
            `cv`, as in `GridSearchCV`: what has one entry per sample, such as
            `sample_weight`, is split with the data; `groups` goes to the splitter.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        ValueError
            If the search space is invalid, if it names a parameter that the estimator
            does not have, or if every fit failed.
        KeyboardInterrupt
            If the search is interrupted. ``cv_results_`` and, as far as `refit` allows,
            ``best_index_``, ``best_params_`` and ``best_score_`` are then set from the
            candidates that are complete.
        """
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)  # nothing of a previous fit shall survive a failing one
        self._fit(X, y, params)
        return self

    @fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def _fit(self, X: Any, y: Any, params: dict[str, Any]) -> None:
        """Fit, with the parameters validated and the callbacks taken care of."""
        start = time.time()
        scorers, refit_metric = self._resolve_scorers()
        X, y = indexable(X, y)
        params = check_method_params(X, params=params)
        routed = self._routed_params(params)
        base_estimator = clone(self.estimator)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        draw = partial(self._draw_splits, X, y, routed.splitter.split)
        self._choose_space(base_estimator, X, y, partial(draw, cv))
        space = self._parse_space(seed)
        check_parameter_names(space, base_estimator)
        tuner = self._make_tuner(space, seed, self.n_initial_points)

        weights = params.get("sample_weight")
        data = {
            "X": X,
            "y": y,
            "metadata": None if weights is None else {"sample_weight": weights},
        }
        root = self._root_task(n_phases=self._n_phases())
        root.call_on_fit_task_begin(estimator=self, **data)
        run = _Run(
            self,
            base_estimator,
            cv=cv,
            draw=draw,
            shared=Shared(
                X=X,
                y=y,
                scorer=scorers,
                fit_params=routed.estimator.fit,
                score_params=routed.scorer.score,
                return_train_score=self.return_train_score,
                error_score=self.error_score,
                verbose=self.verbose,
            ),
            deadline=None if self.max_time is None else start + self.max_time,
        )
        try:
            self.stop_reason_ = run.trials(space, tuner, seed, root)
        except KeyboardInterrupt:
            # Every fit may have failed, or `refit` be unable to choose from so few:
            # what is raised is the interruption.
            with suppress(Exception):
                if run.rows:
                    self._set_results(run.rows, refit_metric)
            raise
        if not run.rows:
            raise ValueError(
                f"The search was stopped ({self.stop_reason_}) before any candidate "
                "was evaluated on all its splits, so there is nothing to choose from."
            )
        self._set_results(run.rows, refit_metric, run.reevaluation)
        if self.refit:
            self._refit(base_estimator, data, routed.estimator.fit, root)
        is_named = isinstance(scorers, MultimetricScorer)
        self.scorer_ = scorers._scorers if is_named else scorers
        root.call_on_fit_task_end(estimator=self, **data)

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        """Represent the search; if it has a default space, with that."""
        shown = self
        if self.param_distributions is None and self.param_grid is None:
            space = vars(self).get("param_distributions_")
            with suppress(Exception):  # whatever the estimator is, it can be shown
                space = space or find_default_space(self.estimator).space
            if space:
                shown = copy(self)
                shown.param_distributions = space
        text: str = super(BaseTunerCV, shown).__repr__(N_CHAR_MAX)
        return text

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "best_estimator_" if self.refit else "cv_results_")

    def _n_phases(self) -> int:
        """Return how many children the callbacks' root task has at the most."""
        return 1 + (self.reevaluate_top is not None) + (self.refit is not False)

    def _choose_space(
        self, estimator: BaseEstimator, X: Any, y: Any, split: Callable[[], list[Split]]
    ) -> None:
        """Set the space that is searched, and where it starts if that is a default."""
        self._start: dict[str, Any] | None = None
        given = self.param_distributions
        self.param_distributions_ = self.param_grid if given is None else given
        if self.param_distributions_ is not None:
            return
        n_train = min(_n_rows(train) for train, _ in split())
        found = find_default_space(estimator, X, y, n_train)
        if not found.space:
            raise ValueError(
                f"{type(self).__name__} has no default search space for {estimator!r}: "
                "no parameter is known that is worth tuning and has the default of its "
                "class. Give param_distributions (or param_grid), a dict of parameter "
                "names to lists, distributions or ranges."
            )
        self.param_distributions_, self._start = found.space, found.start

    def _parse_space(self, seed: int) -> Space:
        """Return the search space given as `param_distributions` or `param_grid`."""
        if self.param_grid is not None:
            if self.param_distributions is not None:
                raise ValueError(
                    "param_grid is another name for param_distributions: give one of "
                    "them, not both."
                )
            return Space.parse(
                self.param_grid,
                name="param_grid",
                tuples_as_ranges=False,
                random_state=seed,
            )
        return Space.parse(
            self.param_distributions_, name="param_distributions", random_state=seed
        )

    def _draw_splits(
        self, X: Any, y: Any, split_params: dict[str, Any], cv: Any
    ) -> list[Split]:
        """Return the splits of `cv`, new ones at each call if it shuffles unseeded."""
        n_splits = cv.get_n_splits(X, y, **split_params)
        splits = list(cv.split(X, y, **split_params))
        if len(splits) != n_splits:
            raise ValueError(
                "cv.split and cv.get_n_splits return inconsistent results. "
                f"Expected {n_splits} splits, got {len(splits)}"
            )
        if not splits:
            raise ValueError(
                "No fits were performed. Was the CV iterator empty? Were there no "
                f"candidates? cv={self.cv!r} gives no splits."
            )
        return splits

    def _set_results(
        self,
        trials: list[Trial],
        refit_metric: str | bool,
        reevaluation: tuple[int, dict[str, Any]] | None = None,
    ) -> None:
        """Set ``cv_results_`` and what follows from it, all that is known unfitted."""
        outcomes = [outcome for trial in trials for outcome in trial.finished]
        n_splits = len(trials[0].outcomes)
        results = self._cv_results(
            [trial.params for trial in trials], n_splits, outcomes
        )
        self.multimetric_ = isinstance(outcomes[0]["test_scores"], dict)
        self.n_splits_ = n_splits
        self.cv_results_ = results
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_metric(outcomes[0]["test_scores"])
            refit_metric = self.refit
        if self.refit or not self.multimetric_:
            self.best_index_ = self._best_index(refit_metric, results)
            if reevaluation is not None:
                self.best_index_, self.reevaluation_ = reevaluation
            if not callable(self.refit):
                scores = results[f"mean_test_{refit_metric}"]
                self.best_score_ = scores[self.best_index_]
            elif isinstance(self.refit, SelectionRule):
                self.best_score_ = self.refit.score_of(results, self.best_index_)
            self.best_params_ = results["params"][self.best_index_]

    def _refit(
        self,
        base_estimator: BaseEstimator,
        data: dict[str, Any],
        fit_params: dict[str, Any],
        root: CallbackTask,
    ) -> None:
        """Fit the estimator with the best params on all data."""
        best = clone(base_estimator).set_params(**clone(self.best_params_, safe=False))
        task = root.subcontext(task_name="refit-with-best-params")
        with task.propagate_callback_context(best):
            task.call_on_fit_task_begin(estimator=self, **data)
            start = time.time()
            if data["y"] is None:
                best.fit(data["X"], **fit_params)
            else:
                best.fit(data["X"], data["y"], **fit_params)
            self.refit_time_ = time.time() - start
        self.best_estimator_ = best
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_
        task.call_on_fit_task_end(estimator=self, **data)


class _Run:
    """One run of the trials of a search: what the engine calls back.

    Attributes
    ----------
    rows : list of Trial
        The candidates that are complete.
    """

    def __init__(
        self,
        search: BaseTunerCV,
        base_estimator: BaseEstimator,
        *,
        cv: Any,
        draw: Callable[[Any], list[Split]],
        shared: Shared,
        deadline: float | None,
    ) -> None:
        check_reevaluation(search, cv, shared.scorer)
        self.search = search
        self.base_estimator = base_estimator
        self.cv, self.draw = cv, draw
        self.shared = shared
        self.deadline = deadline
        self.splits = draw(cv)
        self.rows: list[Trial] = []
        self.reevaluation: tuple[int, dict[str, Any]] | None = None
        self._incumbent: Trial | None = None
        self._best_score = -inf
        self._n_below = 0

    def trials(
        self, space: Space, tuner: SeededTuner, seed: int, root: CallbackTask
    ) -> str:
        """Run the trials; return why no more of them were run."""
        search = self.search
        timeout = search.fit_timeout
        kill_after = None if timeout is None else timeout + _KILL_GRACE
        with ExitStack() as stack:
            self.workers = stack.enter_context(
                Workers(search.n_jobs, kill_after=kill_after)
            )
            check_timeout_can_be_kept(timeout, self.workers)
            settings: dict[str, Any] = {
                "seed": seed,
                "n_initial_points": tuner.n_initial_points,
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
                space = search._parse_space(settings["seed"])
                tuner = search._make_tuner(
                    space, settings["seed"], settings["n_initial_points"]
                )
                before = [
                    trial_from_journal(space, trial, len(self.splits))
                    for trial in self.journal.trials()
                ]
            self.space, self.tuner = space, tuner
            self.n_candidates = int(min(search.n_iter, space.size))
            reason = self._run(settings["lag"], before, root)
            self.reevaluation = reevaluate(self, settings["seed"], root)
            return reason

    def _run(self, lag: int | None, before: list[Trial], root: CallbackTask) -> str:
        search, n_splits = self.search, len(self.splits)
        n_evaluations = self.n_candidates * n_splits
        if search.verbose > 0:
            print(  # noqa: T201 (as scikit-learn's searches do)
                f"Fitting {n_splits} folds for each of {self.n_candidates} candidates, "
                f"totalling {n_evaluations} fits"
            )
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
        self.task = search._search_task(root, n_evaluations)
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
            identity={
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

    # What the engine calls ------------------------------------------------------------

    def submit(self, trial: Trial, split: int) -> None:
        n_splits = len(self.splits)
        train, test = self.splits[split]
        task_id = trial.number * n_splits + split
        forget_subtask(self.task, task_id)  # of a run that was lost with its worker
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
            parameters=trial.params,
            train=train,
            test=test,
            split_progress=(split, n_splits),
            candidate_progress=(trial.number, self.n_candidates),
            task=leaf if self.workers.shares_memory else detach(leaf),
            caller=self.caller,
        )

    def proposed(self, trial: Trial) -> None:
        if self.journal is not None:
            plain = params_to_plain(self.space, trial.params)
            self.journal.add_trial(trial.number, plain)

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


def _n_rows(train: Any) -> int:
    """Return how many rows a split trains on: indices, or a mask."""
    rows = np.asarray(train)
    return int(rows.sum()) if rows.dtype == np.bool_ else rows.size
