"""The fit that all searches share, around the trial engine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
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
    Outcome,
    SearchBase,
    StrOptions,
    check_method_params,
    fit_context,
)
from sklearn_tuners._defaults.default_space import find_default_space
from sklearn_tuners._engine.loop import Trial
from sklearn_tuners._search.parameter_names import check_parameter_names
from sklearn_tuners._search.run import Run, Split
from sklearn_tuners._space.space import Space
from sklearn_tuners._training.shared import Shared
from sklearn_tuners.selection import SelectionRule

__all__ = ["BaseTunerCV", "SearchSpace"]

SearchSpace = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class BaseTunerCV(SearchBase):
    """What the searches share: parameters of the engine, and the fit.

    What a search does differently is said by its run, see `_make_run`.
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
        param_distributions: SearchSpace | None,
        *,
        param_grid: SearchSpace | None,
        n_iter: int | None,
        scoring: Any,
        n_jobs: int | None,
        refit: Any,
        cv: Any,
        verbose: int,
        pre_dispatch: int | str,
        random_state: Any,
        error_score: Any,
        return_train_score: bool,
        initial_params: SearchSpace | None,
        n_initial_points: int | str,
        max_time: float | None,
        fit_timeout: float | None,
        target_score: float | None,
        n_iter_no_change: int | None,
        tol: float,
        stopping: str | None,
        journal: str | os.PathLike[str] | None,
        journal_synchronous: Any,
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

    def _make_run(self, **kwargs: Any) -> Run:
        return Run(self, **kwargs)

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
            If the search is interrupted. ``cv_results_`` and, as far as `refit` allows,
            ``best_index_``, ``best_params_`` and ``best_score_`` are then set from the
            candidates that are complete. `HyperbandSearchCV` also refits where none of
            them has had the full resource.
        """
        self._forget_fit()  # nothing of a previous fit shall survive a failing one
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
        """Fit, with the parameters validated and the callbacks taken care of."""
        start = time.time()
        self._check_scoring()
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
        run = self._make_run(
            base_estimator=base_estimator,
            space=space,
            seed=seed,
            cv=cv,
            draw=draw,
            groups=routed.splitter.split.get("groups"),
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

        weights = params.get("sample_weight")
        data = {
            "X": X,
            "y": y,
            "metadata": None if weights is None else {"sample_weight": weights},
        }
        root = self._root_task(n_phases=self._n_phases())
        root.call_on_fit_task_begin(estimator=self, **data)
        is_named = isinstance(scorers, MultimetricScorer)
        self.scorer_ = scorers._scorers if is_named else scorers
        refit = partial(self._refit, base_estimator, data, routed.estimator.fit, root)
        self._run_trials(run, root, refit_metric, refit)
        if self.refit:
            refit()
        root.call_on_fit_task_end(estimator=self, **data)

    def _run_trials(
        self,
        run: Run,
        root: CallbackTask,
        refit_metric: str | bool,
        refit: Callable[[], None],
    ) -> None:
        """Run the trials and set the results, as far as there are any."""
        try:
            self.stop_reason_ = run.trials(root)
        except KeyboardInterrupt:
            # Every fit may have failed, or `refit` be unable to choose from so few:
            # what is raised is the interruption.
            with suppress(Exception):
                if run.rows:
                    self._set_results(run.rows, refit_metric)
                    if self.refit and self._is_refitted_anyway():
                        refit()
            raise
        if not run.rows:
            raise ValueError(
                f"The search was stopped ({self.stop_reason_}) before any candidate "
                "was evaluated on all its splits, so there is nothing to choose from."
            )
        self._set_results(run.rows, refit_metric, run.reevaluation)

    def _check_scoring(self) -> None:
        if self.scoring is None and not hasattr(self.estimator, "score"):
            raise TypeError(
                f"{type(self).__name__} was given no scoring (scoring=None), and "
                f"{self.estimator!r} has no score method to compare candidates by: "
                "give scoring, the name of a metric or a callable "
                "scoring(estimator, X, y) that returns a number, larger for the better."
            )

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        """Represent the search; if it has a default space, with that."""
        shown = self
        if self.param_distributions is None and self.param_grid is None:
            space = vars(self).get("param_distributions_")
            with suppress(Exception):  # whatever the estimator is, it can be shown
                space = space or self._space_without_data()
            if space:
                shown = copy(self)
                shown.param_distributions = space
        text: str = super(BaseTunerCV, shown).__repr__(N_CHAR_MAX)
        return text

    def _space_without_data(self) -> dict[str, Any]:
        """Return the default space as far as it is known before there are data."""
        return find_default_space(self.estimator).space

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "best_estimator_" if self.refit else "cv_results_")

    def _n_phases(self) -> int:
        """Return how many children the callbacks' root task has at the most."""
        return 1 + (self.reevaluate_top is not None) + (self.refit is not False)

    def _choose_space(
        self, estimator: BaseEstimator, X: Any, y: Any, split: Callable[[], list[Split]]
    ) -> None:
        """Set the space that is searched; of a default one, the estimator's params."""
        self._own: dict[str, Any] | None = None
        given = self.param_distributions
        self.param_distributions_ = self.param_grid if given is None else given
        if self.param_distributions_ is not None:
            return
        n_train = self._least_training_rows(X, y, split())
        found = find_default_space(estimator, X, y, n_train)
        if not found.space:
            raise ValueError(
                f"{type(self).__name__} has no default search space for {estimator!r}: "
                "no parameter is known that is worth tuning and has the default of its "
                "class. Give param_distributions (or param_grid), a dict of parameter "
                "names to lists, distributions or ranges."
            )
        self.param_distributions_, self._own = found.space, found.own

    def _first_params(self) -> Any:
        """Return the candidates to begin with: of a default space, the estimator's."""
        return self._own if self.initial_params is None else self.initial_params

    def _least_training_rows(self, X: Any, y: Any, splits: list[Split]) -> int:
        """Return the size of the smallest training set of the search."""
        return min(_n_rows(train) for train, _ in splits)

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
        assert self.param_distributions_ is not None  # see _choose_space
        parse = partial(Space.parse, name="param_distributions", random_state=seed)
        space = parse(self.param_distributions_)
        if self._own is not None:
            try:
                space.encode(self._own)
            except ValueError:
                # As max_depth=None among integers. Nothing is known of where such a
                # point would lie among the others, so it is a dict of its own.
                own = {name: [value] for name, value in self._own.items()}
                space = parse([own, self.param_distributions_])
        return space

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
        outcomes = self._outcomes(trials)
        n_splits = len(trials[0].outcomes)
        results = self._cv_results(
            [self._all_params(trial) for trial in trials], n_splits, outcomes
        )
        self._complete_results(results, trials)
        # Where a callable scorer fails there is no dict: the first row need not tell.
        scores = (outcome["test_scores"] for outcome in outcomes)
        named = next((score for score in scores if isinstance(score, dict)), None)
        self.multimetric_ = named is not None
        self.n_splits_ = n_splits
        self.cv_results_ = results
        if callable(self.scoring) and named is not None:
            self._check_refit_metric(named)
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

    def _outcomes(self, trials: list[Trial]) -> list[Outcome]:
        """Return what the rows are made of, split after split of each trial."""
        return [outcome for trial in trials for outcome in trial.finished]

    def _all_params(self, trial: Trial) -> dict[str, Any]:
        """Return the params of a trial as they stand in ``cv_results_``."""
        return trial.params

    def _complete_results(self, results: dict[str, Any], trials: list[Trial]) -> None:
        """Change what is different from scikit-learn's in ``cv_results_``."""

    def _is_refitted_anyway(self) -> bool:
        """Return whether the best params are refitted even after an interruption."""
        return False

    def _fit_best(self, best: Any, X: Any, y: Any, fit_params: dict[str, Any]) -> None:
        """Fit the estimator that has the best params on all data."""
        if y is None:
            best.fit(X, **fit_params)
        else:
            best.fit(X, y, **fit_params)

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
            self._fit_best(best, data["X"], data["y"], fit_params)
            self.refit_time_ = time.time() - start
        self.best_estimator_ = best
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_
        task.call_on_fit_task_end(estimator=self, **data)


def _n_rows(train: Any) -> int:
    """Return how many rows a split trains on: indices, or a mask."""
    rows = np.asarray(train)
    return int(rows.sum()) if rows.dtype == np.bool_ else rows.size
