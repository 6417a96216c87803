"""`HyperbandSearchCV`: successive halving with real cross-validation."""

from __future__ import annotations

import os
from collections.abc import Iterator
from copy import deepcopy
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils.validation import indexable

from sklearn_tuners._bayes.budgets import total_n_iter
from sklearn_tuners._compat.sklearn import Interval, StrOptions
from sklearn_tuners._hyperband.resource import auto_resource
from sklearn_tuners._hyperband.rung_rows import order_rows
from sklearn_tuners._hyperband.sampler import make_sampler
from sklearn_tuners._hyperband.schedule import (
    Budget,
    plan_table,
    planned_brackets,
    prepare,
    warn_of_single_rung,
)
from sklearn_tuners._hyperband.strategy import HyperbandStrategy
from sklearn_tuners._search.base import BaseTunerCV
from sklearn_tuners._search.problem import Data, Problem, SearchSpace, draw_splits
from sklearn_tuners._search.strategy import Strategy
from sklearn_tuners._training.continuation import SAMPLES, continuation

__all__ = ["HyperbandSearchCV"]


class HyperbandSearchCV(BaseTunerCV):
    """Hyperband: many candidates with a small resource, the best with the full one.

    Candidates begin with few rows, epochs or trees, and the better ones get more. At
    every resource, each candidate is scored by the whole cross-validation. Training
    continues from where it stopped if the estimator allows it. The best candidate is
    chosen among those with the full resource.

    Parameters
    ----------
    estimator : estimator object
        As in `GridSearchCV`.

    param_distributions : dict or list of dicts, default=None
        The search space, in any form that `BayesSearchCV` accepts. None takes
        `default_space` of the estimator, without the resource; the first candidate is
        then the estimator as it is.

    param_grid : dict or list of dicts, default=None
        Alias of `param_distributions` with the name used by `GridSearchCV`, except that
        every tuple is a list of values. Give only one of the two.

    resource : str, default="auto"
        What a candidate gets more of from rung to rung:

        - ``"n_samples"``: training rows. Subsets are nested. They are stratified for a
          classifier, consist of whole groups if `groups` are given, and are the latest
          rows if `cv` is a `TimeSeriesSplit`. Test folds are always complete;
        - the name of a parameter of the estimator, or of one of its steps, that takes
          integers: ``"n_estimators"``, ``"mlp__max_iter"``;
        - ``"n_epochs"``: calls of ``partial_fit`` with all training rows, for an
          estimator that has this method, alone or as the last step of a pipeline. This
          meaning holds even if the estimator has a parameter of this name;
        - ``"auto"``: trees, rounds or iterations if the estimator is known to have
          them, else ``"n_samples"``.

    min_resources : int, "auto", "smallest" or "exhaust", default="auto"
        The resource of the first rung. "auto" is the smallest value that is sensible
        for the estimator or the data, and allows at most three brackets; if it leaves
        only one rung, `max_resources` / `factor` makes a second. "smallest" is 1; for
        n_samples it is two rows of each class (or two rows) in every split. "exhaust"
        means the same here, since the last rung always has the full resource.

    max_resources : int or "auto", default="auto"
        The full resource. "auto" is all rows, or the value of the parameter on the
        estimator (for "n_epochs": its ``max_iter``; for rounds of XGBoost, LightGBM or
        CatBoost that are not set: the default of the library).

    factor : int or float, default=3
        One in `factor` candidates is promoted to the next rung, where the resource is
        `factor` times as large. Below 2, rungs that are rounded down to the same
        resource become one.

    brackets : int, default=None
        Number of brackets of a pass, counted from the one with the most candidates. 1
        is successive halving; None takes all.

    sampler : {"bayes", "random"}, default="bayes"
        Where candidates come from: "random" is plain Hyperband; "bayes" proposes three
        quarters of them with one Gaussian process that has the resource as an input.

    continuation : {"auto", "always", "never"}, default="auto"
        Whether the training of a promoted candidate continues. "auto": on all rungs if
        the result equals a single fit, else on all rungs but the last, so that
        `best_score_` is that of the model that the refit makes. "always": on all rungs.
        "never": each rung is trained from the start. Fitted states are kept in a
        private temporary folder of at most 1 GiB, if storing and loading takes less
        than a quarter of the training. A missing state is trained again in the same
        steps.

    n_iter : int, default=None
        Number of candidates that begin in a bracket. A candidate that was dropped on a
        lower rung and returns counts again. Passes through all brackets repeat until
        the number is reached. None makes one pass, or as many as `max_time` allows.
        In a list of tuples (dict, n) n is the number of a dict, whose candidates do
        not return; if all dicts have one, the sum takes the place of `n_iter`.

    scoring : str, callable, list, tuple or dict, default=None
        As in `GridSearchCV`. With several metrics the search follows the one that
        `refit` names, or the first one.

    n_jobs : int, default=None
        Number of evaluations (one candidate on one split) to run in parallel, on the
        active joblib backend. None means 1 unless in a `joblib.parallel_config`
        context, -1 means all processors.

    refit : bool, str or callable, default=True
        As in `GridSearchCV`.

    cv : int, cross-validation generator or iterable, default=None
        As in `GridSearchCV`. The splits are made once: all candidates are scored on
        the same splits, even if `cv` shuffles without a seed.

    verbose : int, default=0
        As in `GridSearchCV`.

    pre_dispatch : int or str, default='2*n_jobs'
        Accepted so that code for `GridSearchCV` runs unchanged, but not used: there are
        never more evaluations in flight than workers.

    random_state : int, RandomState instance or None, default=None
        With a seed the result is the same in every run with the same `n_jobs`. For
        this, a proposal may have to ignore scores that are already known. With None
        each proposal uses all scores known at that moment.

    error_score : 'raise' or numeric, default=np.nan
        Score of a split on which fitting or scoring raised an error. If 'raise', the
        error is raised. A candidate that fails is a row of `cv_results_` that is ranked
        last, and the search avoids similar candidates. The search raises an error only
        if all fits fail.

    return_train_score : bool, default=False
        As in `GridSearchCV`.

    initial_params : dict or list of dicts, default=None
        The first candidates, as they are. Each must be a point of the search space.
        None takes no such candidates, or the estimator's own params if the space is a
        default space.

    n_initial_points : int or "auto", default="auto"
        Number of candidates that are spread over the space before the model is used.

    max_time : float, default=None
        Seconds from the start of `fit` after which no fold begins. Folds that are
        running then are finished; the best candidate so far is chosen and refitted as
        usual.

    fit_timeout : float, default=None
        Seconds that one fold, fitting and scoring, may take. A fold that takes longer
        counts as failed. In processes an alarm interrupts Python code; on loky the
        worker is killed if the alarm does not help. The joblib backends dask and
        threading cannot end a fit, so this parameter raises an error there.

    target_score : float, default=None
        The search stops when a candidate reaches this mean test score.

    n_iter_no_change : int, default=None
        The search stops when this many candidates in a row have not improved the best
        mean test score by more than `tol`.

    tol : float, default=0.0
        See `n_iter_no_change`.

    stopping : "auto" or None, default=None
        With "auto" the search stops when the gain that the model still expects is
        smaller than what the splits can tell from noise [2]_: after 20 candidates at
        the earliest, and never with a single split.

    journal : str or path-like, default=None
        SQLite file to which every finished fold is written at once. If the file exists,
        the search is resumed from it: folds that it holds are not run again, and with a
        seed the result is that of an uninterrupted search, even if `n_jobs` has
        changed. A larger `n_iter` extends a finished search, a
        smaller one leaves the candidates after the first `n_iter` out of the results.
        A journal of another search (space, estimator, data, splits, scoring, seed) is
        refused.

    journal_synchronous : {"NORMAL", "FULL"}, default="NORMAL"
        What a crash of the operating system or a power cut can cost. "NORMAL": the
        folds written last, usually those of some seconds, which then run again.
        "FULL": nothing, but each write waits for the disk. A crash or a kill of the
        process costs nothing in either case.

    Attributes
    ----------
    param_distributions_ : dict or list of dicts
        The space that was searched: the given one, or the estimator's default space.

    cv_results_ : dict of numpy (masked) ndarrays
        As in `GridSearchCV`, with a row for each candidate on each rung and the columns
        ``iter`` (the rung), ``n_resources`` and ``bracket``. Fit times are cumulative
        over the rungs of a candidate. Rows with the full resource and a score are
        ranked first, rows without a score last.

    n_resources_, n_candidates_ : list of int
        Resource and number of candidates of each rung of each bracket, in their order.

    n_remaining_candidates_ : int
        Number of candidates that the last rung would have promoted.

    n_possible_iterations_ : int
        Number of rungs from `min_resources_` to `max_resources_`.

    brackets_ : list of dict
        For each bracket that was run, ``n_candidates`` and ``n_resources`` of its
        rungs.

    resource_ : str
        The resource.

    min_resources_, max_resources_ : int
        Resources of the first and of the last rung.

    best_estimator_ : estimator
        Estimator refitted on all data with `best_params_`. Only if `refit` is not
        False.

    best_score_ : float
        Mean cross-validated score of `best_estimator_`. Not available if `refit` is a
        callable, except for the rules of `sklearn_tuners.selection`.

    best_params_ : dict
        Params of the best candidate.

    best_index_ : int
        Row of the best candidate in `cv_results_`.

    scorer_ : function or dict
        Scorer, or scorers, used on the held out data.

    n_splits_ : int
        Number of cross-validation splits.

    refit_time_ : float
        Seconds for refitting the best model on all data.

    multimetric_ : bool
        Whether the scorers compute several metrics.

    stop_reason_ : str
        Why the search ended: ``"brackets"`` (one pass is done), ``"n_iter"``,
        ``"space exhausted"``, ``"max_time"``, ``"target_score"``,
        ``"n_iter_no_change"``, ``"stopping"`` or ``"callback"``.

    classes_ : ndarray of shape (n_classes,)
        Class labels, if `refit` is not False and the estimator is a classifier.

    n_features_in_ : int
        Number of features seen during `fit`, if the fitted estimator exposes it.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if the fitted estimator exposes it.

    See Also
    --------
    BayesSearchCV : Trains every candidate with the full resource.
    sklearn.model_selection.HalvingRandomSearchCV : One bracket; rungs start anew.

    References
    ----------
    .. [1] L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh, A. Talwalkar (2018).
       Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization. JMLR
       18(185).
    .. [2] A. Makarova et al. (2022). Automatic Termination for Hyperparameter
       Optimization. AutoML-Conf.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import SGDClassifier
    >>> from sklearn_tuners import HyperbandSearchCV
    >>> X, y = load_digits(return_X_y=True)
    >>> search = HyperbandSearchCV(
    ...     SGDClassifier(random_state=0),
    ...     {"alpha": loguniform(1e-6, 1e-1), "penalty": ["l2", "elasticnet"]},
    ...     resource="n_epochs",
    ...     max_resources=9,
    ...     random_state=0,
    ... )
    >>> search.plan(X, y)[["bracket", "iter", "n_candidates", "n_resources"]]
       bracket  iter  n_candidates  n_resources
    0        0     0             9            1
    1        0     1             3            3
    2        0     2             1            9
    3        1     0             5            3
    4        1     1             1            9
    5        2     0             3            9
    >>> search.fit(X, y).best_score_ > 0.89
    np.True_
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseTunerCV._parameter_constraints,
        "resource": [str],
        "min_resources": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto", "smallest", "exhaust"}),
        ],
        "max_resources": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "factor": [Interval(Real, 1, None, closed="neither")],
        "brackets": [Interval(Integral, 1, None, closed="left"), None],
        "sampler": [StrOptions({"bayes", "random"})],
        "continuation": [StrOptions({"auto", "always", "never"})],
        "n_iter": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        estimator: Any,
        param_distributions: SearchSpace | None = None,
        *,
        param_grid: SearchSpace | None = None,
        resource: str = "auto",
        min_resources: int | str = "auto",
        max_resources: int | str = "auto",
        factor: float = 3,
        brackets: int | None = None,
        sampler: str = "bayes",
        continuation: str = "auto",
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
        journal_synchronous: str = "NORMAL",
    ) -> None:
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
            initial_params=initial_params,
            n_initial_points=n_initial_points,
            max_time=max_time,
            fit_timeout=fit_timeout,
            target_score=target_score,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            stopping=stopping,
            journal=journal,
            journal_synchronous=journal_synchronous,
        )
        self.resource = resource
        self.min_resources = min_resources
        self.max_resources = max_resources
        self.factor = factor
        self.brackets = brackets
        self.sampler = sampler
        self.continuation = continuation

    def plan(self, X: Any, y: Any = None, *, groups: Any = None) -> pd.DataFrame:
        """Return what one pass, or `n_iter` candidates if fewer, will train.

        The plan assumes that each rung waits for the one before it. With several
        workers some candidates are promoted earlier, and above a rung that ranks
        candidates wrongly brackets begin later. Candidates that return to a later
        bracket cost less than planned, because part of their training is done.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data to be passed to `fit`.
        y : array-like of shape (n_samples,), default=None
            Target.
        groups : array-like of shape (n_samples,), default=None
            Groups for the splitter.

        Returns
        -------
        DataFrame
            A row for each rung of each bracket: ``bracket``, ``iter``,
            ``n_candidates``, ``n_resources`` and ``cost``. The cost is the training
            that the rung adds, in units of one candidate with the full resource.
        """
        self._validate_params()
        X, y, groups = indexable(X, y, groups)
        if isinstance(self.cv, Iterator):
            self.set_params(cv=list(self.cv))  # `fit` could not read it again
        # A copy: what `fit` draws from a RandomState must not depend on this call.
        cv = check_cv(deepcopy(self.cv), y, classifier=is_classifier(self.estimator))
        nothing: dict[str, Any] = {}
        data = Data(
            X=X,
            y=y,
            fit_params=nothing,
            score_params=nothing,
            split_params={"groups": groups},
        )
        problem = Problem(
            estimator=clone(self.estimator),
            data=data,
            cv=cv,
            splits=draw_splits(cv, data),
            given=self._given_space(),
            seed=0,
        )
        searched, schedule = prepare(problem, self._budget())
        n_iter = total_n_iter(searched.space, self.n_iter)
        brackets = planned_brackets(schedule, n_iter, searched.space.n_distinct)
        how = continuation(problem.estimator, schedule.resource)
        return plan_table(schedule, brackets, how, self.continuation)

    def _make_strategy(self, problem: Problem) -> Strategy:
        searched, schedule = prepare(problem, self._budget())
        estimator, data, splits = problem.estimator, problem.data, problem.splits
        warn_of_single_rung(schedule, self.min_resources, self.n_iter)
        rows = None
        if schedule.resource == SAMPLES:
            rows = order_rows(estimator, data, problem.cv, splits, problem.seed)
            rows.check_labels(schedule.rungs[0], self.min_resources)
        n_first = problem.n_initial_points
        n_iter = total_n_iter(searched.space, self.n_iter)
        return HyperbandStrategy(
            estimator,
            data,
            splits,
            searched=searched,
            schedule=schedule,
            rows=rows,
            sampler=make_sampler(self.sampler, searched, n_first, problem.seed, n_iter),
            kind=self.sampler,
            continuation=self.continuation,
            n_iter=n_iter,
            repeats=self.max_time is not None,
            is_refitted=bool(self.refit),
        )

    def _budget(self) -> Budget:
        return Budget(
            self.resource,
            self.min_resources,
            self.max_resources,
            self.factor,
            self.brackets,
        )

    def _space_without_data(self) -> dict[str, Any]:
        space = super()._space_without_data()
        is_auto = self.resource == "auto"
        space.pop(auto_resource(self.estimator)[0] if is_auto else self.resource, None)
        return space
