"""The fit that all searches share."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from copy import copy
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state
from sklearn.utils.validation import indexable

from sklearn_tuners._compat.sklearn import (
    CallbackTask,
    Interval,
    MultimetricScorer,
    SearchBase,
    StrOptions,
    check_method_params,
    check_refit_metric,
    fit_context,
)
from sklearn_tuners._defaults.default_space import find_default_space
from sklearn_tuners._engine.loop import Engine
from sklearn_tuners._engine.observer import Observer
from sklearn_tuners._engine.trial import Trial
from sklearn_tuners._engine.workers import Workers
from sklearn_tuners._journal.journal import Journal
from sklearn_tuners._journal.records import kept_splits, splits_to_settings
from sklearn_tuners._search.fit_arguments import check_fit_arguments
from sklearn_tuners._search.journaling import (
    identify_proposals,
    open_journal,
    restored_trials,
)
from sklearn_tuners._search.observers import JournalWriter, MetricCheck
from sklearn_tuners._search.problem import (
    Data,
    GivenSpace,
    Problem,
    SearchSpace,
    draw_splits,
)
from sklearn_tuners._search.reevaluate import check_reevaluation, reevaluate, reseeded
from sklearn_tuners._search.run import KILL_GRACE, Hooks, Runner, check_timeout
from sklearn_tuners._search.scores import split_scores
from sklearn_tuners._search.stopping import EARLY_ENDS, Stopping, default_lag
from sklearn_tuners._search.strategy import Strategy
from sklearn_tuners._split_scores import followed_metric
from sklearn_tuners._training.shared import Shared, forget

__all__ = ["BaseTunerCV"]


class BaseTunerCV(SearchBase):
    """Parameters and the fit that all searches share.

    What a search does differently is in its strategy, see `_make_strategy`.
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
        "journal": [str, os.PathLike, None],
        "journal_synchronous": [StrOptions({"NORMAL", "FULL"})],
    }

    def __init__(
        self,
        estimator: Any,
        param_distributions: SearchSpace | None = None,
        *,
        param_grid: SearchSpace | None = None,
        n_iter: int | None = None,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        initial_params: SearchSpace | None = None,
        n_initial_points: int | str = "auto",
        max_time: float | None = None,
        fit_timeout: float | None = None,
        target_score: float | None = None,
        n_iter_no_change: int | None = None,
        tol: float = 0.0,
        stopping: str | None = None,
        journal: str | os.PathLike[str] | None = None,
        journal_synchronous: Any = "NORMAL",
    ) -> None:
        super().__init__(
            estimator=estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.param_distributions = param_distributions
        self.param_grid = param_grid
        self.n_iter = n_iter
        self.random_state = random_state
        self.initial_params = initial_params
        self.n_initial_points = n_initial_points
        self.max_time = max_time
        self.fit_timeout = fit_timeout
        self.target_score = target_score
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.stopping = stopping
        self.journal = journal
        self.journal_synchronous = journal_synchronous

    def _make_strategy(self, problem: Problem) -> Strategy:
        """Return what this search does differently from others.

        Parameters
        ----------
        problem : Problem
            Data, splits and space of the fit. Call its `find_space` once to get the
            space.
        """
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
        TypeError
            If the estimator has no ``score`` method and `scoring` is None.
        ValueError
            If the search space is invalid, if it names a parameter that the estimator
            does not have, or if every fit failed.
        KeyboardInterrupt
            If the search is interrupted. ``cv_results_`` and, if `refit` allows,
            ``best_index_``, ``best_params_`` and ``best_score_`` are then set from the
            candidates that are complete. `HyperbandSearchCV` also refits if none of
            them reached the full resource.
        """
        self._forget_fit()  # a fit that fails must not leave results of the last one
        try:
            self._fit(X, y, params)
        except BaseException:
            if not hasattr(self, "cv_results_"):
                self._forget_fit()
            raise
        return self

    def _forget_fit(self) -> None:
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)

    @fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def _fit(self, X: Any, y: Any, params: dict[str, Any]) -> None:
        """Fit, once the parameters are valid and the callbacks are set up."""
        deadline = None if self.max_time is None else time.time() + self.max_time
        self._check_scoring()
        check_fit_arguments(self.estimator, params, type(self).__name__)
        scorers, refit_metric = self._resolve_scorers()
        X, y = indexable(X, y)
        params = check_method_params(X, params=params)
        routed = self._routed_params(params)
        data = Data(
            X=X,
            y=y,
            fit_params=routed.estimator.fit,
            score_params=routed.scorer.score,
            split_params=routed.splitter.split,
        )
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        check_reevaluation(self.reevaluate_top, self.refit, cv, scorers)
        estimator, top = clone(self.estimator), self.reevaluate_top
        with ExitStack() as stack:
            journal = self._open_journal(stack, estimator, data)
            problem = self._problem(estimator, data, cv, seed, journal)
            strategy = self._make_strategy(problem)
            self.space_ = strategy.searched.space
            self.param_distributions_ = strategy.searched.written

            weights = params.get("sample_weight")
            metadata = None if weights is None else {"sample_weight": weights}
            hook_data = {"X": X, "y": y, "metadata": metadata}
            root = self._root_task(n_phases=self._n_phases())
            root.call_on_fit_task_begin(estimator=self, **hook_data)
            is_named = isinstance(scorers, MultimetricScorer)
            self.scorer_ = scorers._scorers if is_named else scorers
            refit = partial(self._refit, strategy, estimator, hook_data, data, root)

            runner = self._runner(stack, estimator, data, scorers, deadline, root)
            stack.enter_context(strategy.running(runner.workers))
            engine = self._engine(runner, strategy, problem, journal)
            reevaluation = None
            try:
                engine.run()
                if top is not None:
                    fresh = draw_splits(reseeded(cv, problem.seed), data)
                    reevaluation = reevaluate(
                        runner, strategy.searched, engine.rows, top=top, splits=fresh
                    )
            except KeyboardInterrupt:
                stack.close()
                rows = strategy.rows(engine.rows)
                self._keep_what_is_complete(strategy, rows, refit_metric, refit)
                raise
        self.stop_reason_ = engine.stop_reason
        rows = strategy.rows(engine.rows)
        if not rows:
            raise ValueError(
                f"The search was stopped ({self.stop_reason_}) before any candidate "
                "was evaluated on all its splits, so there is nothing to choose from."
            )
        self._set_results(strategy, rows, refit_metric, reevaluation)
        if self.stop_reason_ in EARLY_ENDS:
            self._warn_of_unfinished(strategy, rows, refit_metric)
        if self.refit:
            refit()
        root.call_on_fit_task_end(estimator=self, **hook_data)

    def _open_journal(
        self, stack: ExitStack, estimator: BaseEstimator, data: Data
    ) -> Journal | None:
        """Open the journal, if there is one; the stack closes it."""
        if self.journal is None:
            return None
        return stack.enter_context(
            open_journal(
                self.journal,
                search=type(self).__name__,
                estimator=estimator,
                data=data,
                scoring=self.scoring,
                metric=followed_metric(self.refit),
                error_score=self.error_score,
                return_train_score=self.return_train_score,
                random_state=self.random_state,
                synchronous=self.journal_synchronous,
            )
        )

    def _problem(
        self,
        estimator: BaseEstimator,
        data: Data,
        cv: Any,
        seed: int,
        journal: Journal | None,
    ) -> Problem:
        """Return what the fit is about; a journal's seed and splits take precedence."""
        splits, n_initial_points = draw_splits(cv, data), self.n_initial_points
        if journal is not None and journal.settings is not None:
            settings: Mapping[str, Any] = journal.settings
            seed, n_initial_points = settings["seed"], settings["n_initial_points"]
            splits = kept_splits(settings, splits, cv, f"journal={self.journal!r}")
        return Problem(
            estimator=estimator,
            data=data,
            cv=cv,
            splits=splits,
            given=self._given_space(),
            seed=seed,
            n_initial_points=n_initial_points,
        )

    def _given_space(self) -> GivenSpace:
        return GivenSpace.choose(
            self.param_distributions,
            self.param_grid,
            self.initial_params,
            type(self).__name__,
        )

    def _runner(
        self,
        stack: ExitStack,
        estimator: BaseEstimator,
        data: Data,
        scorers: Any,
        deadline: float | None,
        root: CallbackTask,
    ) -> Runner:
        """Start the workers; the stack stops them."""
        timeout = self.fit_timeout
        kill_after = None if timeout is None else timeout + KILL_GRACE
        workers = stack.enter_context(Workers(self.n_jobs, kill_after=kill_after))
        check_timeout(timeout, workers)
        shared = Shared(
            X=data.X,
            y=data.y,
            scorer=scorers,
            fit_params=data.fit_params,
            score_params=data.score_params,
            return_train_score=self.return_train_score,
            error_score=self.error_score,
            verbose=self.verbose,
        )
        stack.callback(workers.run_on_each, forget)
        if workers.has_object_store:
            shared.put_into_ray()
        return Runner(
            workers=workers,
            estimator=estimator,
            shared=shared,
            metric=followed_metric(self.refit),
            hooks=Hooks(partial(self._search_task, root), self, self._bare_caller()),
            deadline=deadline,
            fit_timeout=timeout,
            is_verbose=self.verbose > 0,
        )

    def _engine(
        self,
        runner: Runner,
        strategy: Strategy,
        problem: Problem,
        journal: Journal | None,
    ) -> Engine:
        """Return the engine, resumed from the journal if there is one."""
        n_splits = len(problem.splits)
        # With a seed the outcome must not depend on timing.
        lag = None
        if self.random_state is not None:
            lag = default_lag(runner.workers.n_workers, n_splits)
        observers: list[Observer] = []
        trials: list[Trial] = []
        if journal is not None:
            begun: Mapping[str, Any] | None = journal.settings
            journal.confirm(
                identity=identify_proposals(self.space_, self.initial_params)
                | dict(strategy.identity()),
                settings={
                    "seed": problem.seed,
                    "n_initial_points": strategy.tuner.n_initial_points,
                    "lag": lag,
                    **splits_to_settings(problem.splits, problem.cv),
                },
            )
            if begun is not None:
                lag = begun["lag"]
            observers.append(JournalWriter(journal, strategy.note))
            trials = restored_trials(journal, self.space_, n_splits, strategy.restore)
        if callable(self.scoring):
            observers.append(MetricCheck(self.refit))
        stop = Stopping(
            target_score=self.target_score,
            n_iter_no_change=self.n_iter_no_change,
            tol=self.tol,
            when_resolved=self.stopping == "auto",
            regret_bound=strategy.tuner.regret_bound,
            split_scores=partial(split_scores, metric=runner.metric),
            counts=strategy.counts,
        )
        return runner.engine(
            strategy, lag=lag, stop=stop, observers=observers, trials=trials
        )

    def _keep_what_is_complete(
        self,
        strategy: Strategy,
        trials: list[Trial],
        refit_metric: str | bool,
        refit: Callable[[], None],
    ) -> None:
        """Set the results of an interrupted search, if there are any.

        Every fit may have failed, or `refit` may be unable to choose from few
        candidates; either way the interruption is raised.
        """
        with suppress(Exception):
            if trials:
                self._set_results(strategy, trials, refit_metric)
                results, row = self.cv_results_, self.best_index_
                if self.refit and strategy.is_refitted_anyway(results, row):
                    refit()
                self._warn_of_unfinished(strategy, trials, refit_metric)

    def _warn_of_unfinished(
        self, strategy: Strategy, trials: list[Trial], refit_metric: str | bool
    ) -> None:
        """Warn if a search that ended early has left a better candidate behind."""
        if hasattr(self, "best_index_"):
            strategy.warn_of_unfinished(
                trials,
                self.cv_results_,
                self.best_index_,
                refit_metric,
                has_journal=self.journal is not None,
            )

    def _check_scoring(self) -> None:
        if self.scoring is None and not hasattr(self.estimator, "score"):
            raise TypeError(
                f"{type(self).__name__} was given no scoring (scoring=None), and "
                f"{self.estimator!r} has no score method to compare candidates by: "
                "give scoring, the name of a metric or a callable "
                "scoring(estimator, X, y) that returns a number, larger for the better."
            )

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        """Represent the search, including a default space."""
        shown = self
        if self.param_distributions is None and self.param_grid is None:
            space = vars(self).get("param_distributions_")
            with suppress(Exception):  # any estimator can be shown
                space = space or self._space_without_data()
            if space:
                shown = copy(self)
                shown.param_distributions = space
        text: str = super(BaseTunerCV, shown).__repr__(N_CHAR_MAX)
        return text

    def _space_without_data(self) -> dict[str, Any]:
        """Return the default space that applies without data."""
        return find_default_space(self.estimator).space

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "best_estimator_" if self.refit else "cv_results_")

    def _n_phases(self) -> int:
        """Return the largest number of children of the callbacks' root task."""
        return 1 + (self.reevaluate_top is not None) + (self.refit is not False)

    def _set_results(
        self,
        strategy: Strategy,
        trials: list[Trial],
        refit_metric: str | bool,
        reevaluation: tuple[int, dict[str, Any]] | None = None,
    ) -> None:
        """Set ``cv_results_`` and the attributes that need no refit."""
        outcomes = strategy.outcomes(trials)
        results = self._cv_results(
            [strategy.shown_params(trial) for trial in trials],
            len(strategy.splits),
            outcomes,
        )
        results |= strategy.columns(trials, results)
        # The first row may lack names: a callable scorer that fails returns none.
        scores = (outcome["test_scores"] for outcome in outcomes)
        named = next((score for score in scores if isinstance(score, dict)), None)
        self.multimetric_ = named is not None
        self.n_splits_ = len(strategy.splits)
        self.cv_results_ = results
        for name, value in strategy.attributes(trials).items():
            setattr(self, name, value)
        if callable(self.scoring) and named is not None:
            check_refit_metric(self.refit, named)
            refit_metric = self.refit
        if not self.refit and self.multimetric_:
            return
        select = partial(self._best_index, refit_metric)
        self.best_index_ = strategy.best_row(results, refit_metric, select)
        if reevaluation is not None:
            self.best_index_, self.reevaluation_ = reevaluation
        if not callable(self.refit):
            scores = results[f"mean_test_{refit_metric}"]
            self.best_score_ = scores[self.best_index_]
        elif hasattr(self.refit, "score_of"):  # a rule of `sklearn_tuners.selection`
            self.best_score_ = self.refit.score_of(results, self.best_index_)
        params = results["params"][self.best_index_]
        self.best_params_ = strategy.best_params(params)

    def _refit(
        self,
        strategy: Strategy,
        estimator: BaseEstimator,
        hook_data: dict[str, Any],
        data: Data,
        root: CallbackTask,
    ) -> None:
        """Fit the estimator with the best params on all data."""
        best = clone(estimator).set_params(**clone(self.best_params_, safe=False))
        task = root.subcontext(task_name="refit-with-best-params")
        with task.propagate_callback_context(best):
            task.call_on_fit_task_begin(estimator=self, **hook_data)
            start = time.time()
            strategy.fit_best(best, data.X, data.y, data.fit_params)
            self.refit_time_ = time.time() - start
        self.best_estimator_ = best
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_
        task.call_on_fit_task_end(estimator=self, **hook_data)
