"""`HyperbandSearchCV`: successive halving with real cross-validation."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Iterator
from copy import copy, deepcopy
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils.validation import indexable

from sklearn_tuners._compat.sklearn import Interval, Outcome, StrOptions
from sklearn_tuners._engine.loop import Trial
from sklearn_tuners._hyperband.resource import auto_resource
from sklearn_tuners._hyperband.results import (
    cumulative_times,
    ranks,
    rows_to_choose_from,
    take_rows,
)
from sklearn_tuners._hyperband.strategy import (
    HyperbandRun,
    Schedule,
    make_schedule,
    planned_brackets,
    steps,
    warn_of_single_rung,
)
from sklearn_tuners._search.base import BaseTunerCV, SearchSpace
from sklearn_tuners._search.parameter_names import check_parameter_names
from sklearn_tuners._search.run import Split
from sklearn_tuners._training.continuation import EPOCHS, SAMPLES, continuation
from sklearn_tuners._training.settings import labels_of
from sklearn_tuners._training.steps import Training

__all__ = ["HyperbandSearchCV"]


class HyperbandSearchCV(BaseTunerCV):
    """Hyperband: many candidates at a small resource, the best at the full one.

    Candidates begin with few rows, epochs or trees; the better ones get more. Each is
    scored by the whole cross-validation at every resource, goes on from where its
    training stopped if the estimator can, and only those that reached the full
    resource are chosen from.

    Parameters
    ----------
    estimator : estimator object
        As in `GridSearchCV`.

    param_distributions : dict or list of dicts, default=None
        The search space, in any of the dialects that `BayesSearchCV` reads. None takes
        `default_space` of the estimator, without the resource; the first candidate is
        then the estimator as it is.

    param_grid : dict or list of dicts, default=None
        The same under the name that `GridSearchCV` gives it, except that every tuple is
        a list of values. Give only one of the two.

    resource : str, default="auto"
        What a candidate gets more of from rung to rung:

        - ``"n_samples"``: training rows. Subsets are nested, stratified for a
          classifier, of whole groups if `groups` are given, and the latest rows if `cv`
          is a `TimeSeriesSplit`; candidates are always tested on whole test folds;
        - the name of a parameter of the estimator, or of a step of it, that takes
          integers: ``"n_estimators"``, ``"mlp__max_iter"``;
        - ``"n_epochs"``: calls of ``partial_fit`` with all training rows, for an
          estimator that has it, alone or as the last step of a pipeline; that is meant
          also where it has a parameter of this name;
        - ``"auto"``: trees, rounds or iterations where the estimator is known to have
          them, else ``"n_samples"``.

    min_resources : int, "auto", "smallest" or "exhaust", default="auto"
        The least that a candidate begins with. "auto" is the smallest value that is
        sensible for the estimator or the data, and allows three brackets at the most;
        where it leaves only one rung, `max_resources` / `factor` makes a second.
        "smallest" is 1, or for n_samples two of each class (or two rows) for every
        split. "exhaust" means the same here, as the last rung always has everything.

    max_resources : int or "auto", default="auto"
        The full resource. "auto" is all rows, or the value that the parameter has on
        the estimator (for "n_epochs": its ``max_iter``; for rounds of XGBoost, LightGBM
        or CatBoost that are not given: their own default).

    factor : int or float, default=3
        From rung to rung one candidate in `factor` goes on, with `factor` times the
        resource. Below 2, rungs that are rounded down to the same resource are one.

    brackets : int, default=None
        Number of brackets of a pass, from the one with most candidates on. 1 is
        successive halving; None takes all.

    sampler : {"bayes", "random"}, default="bayes"
        Where candidates come from: "random" is plain Hyperband; "bayes" proposes three
        quarters of them with one Gaussian process that has the resource as an input.

    continuation : {"auto", "always", "never"}, default="auto"
        Whether a promoted candidate is trained on from where it stopped. "auto": always
        where that gives what a single fit gives; else up to the rung below the last,
        so that `best_score_` is that of the model which the refit makes. "always": up
        to the full resource. "never": each rung is trained from the start.
        Fitted states are kept in a private temporary folder of at most 1 GiB, where
        storing and loading takes less than a quarter of the training; a state that is
        not there is trained again in the same steps.

    n_iter : int, default=None
        Number of candidates that begin in a bracket; one that returns after it was
        dropped on a lower rung is counted again. Passes through all brackets repeat
        until then. None makes one pass, or as many as `max_time` allows.

    scoring : str, callable, list, tuple or dict, default=None
        As in `GridSearchCV`. With several metrics the search follows the one that
        `refit` names, or the first.

    n_jobs : int, default=None
        Evaluations (one candidate on one split) to run in parallel, on the joblib
        backend that is active. None means 1 unless in a `joblib.parallel_config`
        context, -1 all processors.

    refit : bool, str or callable, default=True
        As in `GridSearchCV`.

    cv : int, cross-validation generator or iterable, default=None
        As in `GridSearchCV`. The splits are drawn once: all candidates are scored on
        the same ones, also if `cv` shuffles without a seed.

    verbose : int, default=0
        As in `GridSearchCV`.

    pre_dispatch : int or str, default='2*n_jobs'
        Accepted so that code for `GridSearchCV` runs unchanged, and not used: there are
        never more evaluations in flight than workers.

    random_state : int, RandomState instance or None, default=None
        With a seed the outcome is the same from run to run, for the same `n_jobs`; to
        that end a proposal may have to do without scores that are already known.
        With None each proposal uses all scores known at that moment.

    error_score : 'raise' or numeric, default=np.nan
        Score of a split on which fitting or scoring raised. If 'raise', the error is
        raised. A candidate that fails is one row of `cv_results_`, ranked last, and the
        search avoids its surroundings; only if all fits fail the search raises.

    return_train_score : bool, default=False
        As in `GridSearchCV`.

    initial_params : dict or list of dicts, default=None
        The first candidates, as they are. Each must be a point of the search space.
        None takes none, or with a default space the estimator's own parameters.

    n_initial_points : int or "auto", default="auto"
        Number of candidates that are spread over the space before the model is used.

    max_time : float, default=None
        Seconds, from the start of `fit`, after which no fold is begun. What is running
        then is finished; the best candidate so far is chosen and refitted as usual.

    fit_timeout : float, default=None
        Seconds that one fold, fit and scoring, may take. A fold that takes longer
        counts as failed. In processes this is an alarm that ends Python code; on loky
        the worker is killed if that does not help. With the joblib backends dask and
        threading, where nothing can end a fit, it is an error.

    target_score : float, default=None
        The search stops when a candidate has at least this mean test score.

    n_iter_no_change : int, default=None
        The search stops when that many candidates in a row have not improved the best
        mean test score by more than `tol`.

    tol : float, default=0.0
        See `n_iter_no_change`.

    stopping : "auto" or None, default=None
        With "auto" the search stops when what the model still expects to be gained is
        less than what the splits can tell from noise [2]_: after 20 candidates at the
        earliest, and never with a single split.

    journal : str or path-like, default=None
        SQLite file that every finished fold is written to at once. If the file exists,
        the search is resumed from it: what it holds is not run again, and with a seed
        the result is that of an uninterrupted search, also if `n_jobs` is another; a
        larger `n_iter` extends a finished search. A journal that belongs to another
        search (space, estimator, data, splits, scoring, seed) is refused.

    journal_synchronous : {"NORMAL", "FULL"}, default="NORMAL"
        What a crash of the operating system or a power cut can cost. "NORMAL": the last
        folds written, usually those of some seconds, which then run again. "FULL":
        nothing; each write waits for the disk. A crash or a kill of the process costs
        nothing either way.

    Attributes
    ----------
    param_distributions_ : dict or list of dicts
        The space that was searched: the one given, or the estimator's default space.

    cv_results_ : dict of numpy (masked) ndarrays
        As in `GridSearchCV`, with a row for each candidate on each rung and the columns
        ``iter`` (the rung), ``n_resources`` and ``bracket``. Fit times are cumulative
        over the rungs of a candidate. In the ranks all rows of the full resource that
        have a score come first, those without a score last.

    n_resources_, n_candidates_ : list of int
        Resource and number of candidates of each rung of each bracket, in their order.

    n_remaining_candidates_ : int
        Candidates that would have gone on from the last rung.

    n_possible_iterations_ : int
        Rungs that there are from `min_resources_` to `max_resources_`.

    brackets_ : list of dict
        Of each bracket that was run: ``n_candidates`` and ``n_resources`` of its rungs.

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
        Parameters of the best candidate.

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
        Why no more candidates were tried: ``"brackets"`` (one pass is done),
        ``"n_iter"``, ``"space exhausted"``, ``"max_time"``, ``"target_score"``,
        ``"n_iter_no_change"``, ``"stopping"`` or ``"callback"``.

    classes_ : ndarray of shape (n_classes,)
        Class labels, if `refit` is not False and the estimator is a classifier.

    n_features_in_ : int
        Number of features seen during `fit`, if the fitted estimator exposes it.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if the fitted estimator exposes it.

    See Also
    --------
    BayesSearchCV : Every candidate at the full resource.
    sklearn.model_selection.HalvingRandomSearchCV : One bracket, trained anew.

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
        """Return what one pass, or `n_iter` if less, will train, before any fit.

        It is the schedule of a search in which each rung waits for the one before it.
        With several workers candidates may be promoted before that, with an untrusted
        rung brackets begin later. Candidates that return, as the model or a finite
        space that runs out lets them, have part of their costs behind them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data that `fit` would be given.
        y : array-like of shape (n_samples,), default=None
            Target.
        groups : array-like of shape (n_samples,), default=None
            For the splitter.

        Returns
        -------
        DataFrame
            A row for each rung of each bracket: ``bracket``, ``iter``,
            ``n_candidates``, ``n_resources``, and ``cost``, the training that it adds
            as a multiple of one candidate's with the full resource.
        """
        self._validate_params()
        X, y, groups = indexable(X, y, groups)
        if isinstance(self.cv, Iterator):
            self.set_params(cv=list(self.cv))  # `fit` could not read it again
        # A copy: of a RandomState in `cv`, `fit` shall draw what it would have drawn.
        cv = check_cv(deepcopy(self.cv), y, classifier=is_classifier(self.estimator))
        split = partial(self._draw_splits, X, y, {"groups": groups}, cv)
        probe = copy(self)  # the space of these data is not the one of a fit
        probe._choose_space(self.estimator, X, y, split)
        space = probe._parse_space(seed=0)
        check_parameter_names(space, clone(self.estimator))
        searched = {name for b in space.branches for name in b.dimensions}
        schedule = self._make_schedule(searched, X, y, len(split()))
        how = continuation(clone(self.estimator), schedule.resource)
        rows = []
        planned = planned_brackets(self, schedule, space.n_distinct)
        for b, bracket in enumerate(planned):
            chain: tuple[int, ...] = ()
            for i, (n, r) in enumerate(
                zip(bracket.n_candidates, bracket.resources, strict=True)
            ):
                chain = steps(how, chain, r, schedule.rungs[-1], self.continuation)
                added = r - (chain[-2] if len(chain) > 1 else 0)
                rows.append((b, i, n, r, n * added / schedule.rungs[-1]))
        names = ["bracket", "iter", "n_candidates", "n_resources", "cost"]
        return pd.DataFrame(rows, columns=names)

    # What differs from BayesSearchCV -----------------------------------------------

    def _choose_space(
        self, estimator: BaseEstimator, X: Any, y: Any, split: Callable[[], list[Split]]
    ) -> None:
        """Choose the space; the resource is no part of a default one."""
        super()._choose_space(estimator, X, y, split)
        if self._own is not None and isinstance(self.param_distributions_, dict):
            resource = self._make_schedule(set(), X, y, len(split())).resource
            self.param_distributions_.pop(resource, None)
            self._own.pop(resource, None)

    def _space_without_data(self) -> dict[str, Any]:
        space = super()._space_without_data()
        is_auto = self.resource == "auto"
        space.pop(auto_resource(self.estimator)[0] if is_auto else self.resource, None)
        return space

    def _least_training_rows(self, X: Any, y: Any, splits: list[Split]) -> int:
        n_train = super()._least_training_rows(X, y, splits)
        schedule = self._make_schedule(set(), X, y, len(splits))
        if schedule.resource != SAMPLES:
            return n_train
        return max(1, n_train * schedule.rungs[0] // schedule.rungs[-1])

    def _make_schedule(
        self, searched: set[str], X: Any, y: Any, n_splits: int
    ) -> Schedule:
        n_samples = X.shape[0] if hasattr(X, "shape") else len(X)
        return make_schedule(
            self, searched, n_samples=n_samples, y=y, n_splits=n_splits
        )

    def _make_run(self, **kwargs: Any) -> HyperbandRun:
        run = HyperbandRun(self, **kwargs)
        warn_of_single_rung(self, run.schedule)
        self.resource_ = run.schedule.resource
        self.min_resources_ = run.schedule.rungs[0]
        self.max_resources_ = run.schedule.rungs[-1]
        self.n_possible_iterations_ = len(run.schedule.rungs)
        return run

    @property
    def _is_parameter(self) -> bool:
        return self.resource_ not in (SAMPLES, EPOCHS)

    def _all_params(self, trial: Trial) -> dict[str, Any]:
        if not self._is_parameter:
            return trial.params
        return trial.params | {self.resource_: trial.stage.resource}

    def _outcomes(self, trials: list[Trial]) -> list[Outcome]:
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

    def _complete_results(self, results: dict[str, Any], trials: list[Trial]) -> None:
        stages = [trial.stage for trial in trials]
        resources = np.array([stage.resource for stage in stages])
        for name in [name for name in results if name.startswith("rank_test_")]:
            scores = results[name.replace("rank_", "mean_", 1)]
            results[name] = ranks(scores, resources)
        results["iter"] = np.array([stage.rung for stage in stages])
        results["n_resources"] = resources
        results["bracket"] = np.array([stage.bracket for stage in stages])
        self._describe_brackets(trials)

    def _describe_brackets(self, trials: list[Trial]) -> None:
        rungs: dict[int, dict[int, list[int]]] = {}
        for trial in trials:
            stage = trial.stage
            of_bracket = rungs.setdefault(stage.bracket, {})
            of_bracket.setdefault(stage.rung, []).append(stage.resource)
        self.brackets_ = [
            {
                "n_candidates": [len(rungs[b][i]) for i in sorted(rungs[b])],
                "n_resources": [rungs[b][i][0] for i in sorted(rungs[b])],
            }
            for b in sorted(rungs)
        ]
        self.n_candidates_ = [n for b in self.brackets_ for n in b["n_candidates"]]
        self.n_resources_ = [r for b in self.brackets_ for r in b["n_resources"]]
        self.n_remaining_candidates_ = math.ceil(self.n_candidates_[-1] / self.factor)

    def _best_index(self, refit_metric: Any, results: dict[str, Any]) -> int:
        """Return the row that `refit` selects from those of the full resource."""
        metric = refit_metric
        if f"mean_test_{metric}" not in results:  # a callable `refit`, several metrics
            metric = next(n[10:] for n in results if n.startswith("mean_test_"))
        resources = results["n_resources"]
        rows = rows_to_choose_from(results[f"mean_test_{metric}"], resources)
        reached = int(resources[rows[0]])
        if reached < self.max_resources_:
            refitted = " and refitted with the full resource" if self.refit else ""
            warnings.warn(
                f"No candidate was scored with the full resource, {self.resource_}="
                f"{self.max_resources_}: the best one with {reached} is chosen"
                f"{refitted}. best_score_ is its score with {reached}.",
                UserWarning,
                stacklevel=2,
            )
        return int(rows[super()._best_index(refit_metric, take_rows(results, rows))])

    def _set_results(
        self,
        trials: list[Trial],
        refit_metric: str | bool,
        reevaluation: tuple[int, dict[str, Any]] | None = None,
    ) -> None:
        super()._set_results(trials, refit_metric, reevaluation)
        if hasattr(self, "best_params_") and self._is_parameter:
            self.best_params_ = self.best_params_ | {
                self.resource_: self.max_resources_
            }

    def _is_refitted_anyway(self) -> bool:
        """Return whether no candidate has a score at the full resource.

        Then nothing is known of a model like the refitted one, and whoever interrupts a
        search with so little to show still wants its best.
        """
        reached = self.cv_results_["n_resources"][self.best_index_]
        return bool(reached < self.max_resources_)

    def _fit_best(self, best: Any, X: Any, y: Any, fit_params: dict[str, Any]) -> None:
        if self.resource_ != EPOCHS:
            super()._fit_best(best, X, y, fit_params)
            return
        training = Training(
            resource=EPOCHS,
            chain=(self.max_resources_,),
            classes=labels_of(best, y),
        )
        training.fit(best, X, y, **fit_params)
