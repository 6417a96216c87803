"""`BayesSearchCV`: Bayesian optimisation in place of a grid search."""

from __future__ import annotations

import os
from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar

import numpy as np

from sklearn_tuners._bayes.budgets import Budgets, total_n_iter
from sklearn_tuners._bayes.optimizer import Optimizer
from sklearn_tuners._compat.sklearn import Interval
from sklearn_tuners._engine.trial import Proposal, Trial
from sklearn_tuners._search.base import BaseTunerCV
from sklearn_tuners._search.problem import Problem, SearchSpace
from sklearn_tuners._search.strategy import Strategy

__all__ = ["BayesSearchCV"]


class BayesSearchCV(BaseTunerCV):
    """Bayesian optimisation of an estimator's parameters by cross-validation.

    Replaces `GridSearchCV` and `RandomizedSearchCV` when one word is changed: `fit`,
    `cv_results_`, `best_params_` and the rest are the same. Instead of trying every
    combination, or random ones, a model of the scores so far proposes each candidate.

    A space with no more than `n_iter` points is tried completely, in the order of
    `ParameterGrid`, and gives the result of `GridSearchCV`. Otherwise no candidate is
    tried twice.

    Parameters
    ----------
    estimator : estimator object
        As in `GridSearchCV`: it has a ``score`` method, or `scoring` is given.

    param_distributions : dict or list of dicts, default=None
        Parameter names and what to try for each. None takes `default_space` of the
        estimator for the data; ``repr`` shows this space; before `fit`, the one that
        applies without data. The first candidate is then the estimator as it is, even
        if it is no point of that space. The forms of a parameter are:

        - a list, array or range: only the listed values are tried. You get back the
          same objects. Numbers are ordered, on a log scale if they span at least two
          decades; other values are categories;
        - a frozen scipy distribution, or any object with an ``rvs`` method;
        - a tuple ``(low, high)`` or ``(low, high, prior)`` of two numbers, with prior
          ``"uniform"`` (the default) or ``"log-uniform"``: the range between them, both
          ends included. The values are integers if both ends are. This is the only form
          that `GridSearchCV` reads differently; in `param_grid` a tuple is a list;
        - a scikit-optimize ``Real``, ``Integer`` or ``Categorical``, or an Optuna
          ``FloatDistribution``, ``IntDistribution`` or ``CategoricalDistribution``;
        - a `When`: any of these, for some values of other parameters only. For all
          other values the parameter is left out.

        Values can be estimators or pipeline steps. A list of dicts is a choice between
        subspaces, for parameters that exist or make sense only together; `n_iter` is
        the total over all of them.

    param_grid : dict or list of dicts, default=None
        Alias of `param_distributions` with the name used by `GridSearchCV`, except that
        every tuple is a list of values. Give only one of the two.

    n_iter : int, default=50
        Number of candidates. In a list of tuples (dict, n) n is the number of a dict;
        dicts without an n share what is left. If all have one, the sum takes the place
        of `n_iter`.

    scoring : str, callable, list, tuple or dict, default=None
        As in `GridSearchCV`. With several metrics the search follows the one that
        `refit` names, or the first one.

    n_jobs : int, default=None
        Number of evaluations (one candidate on one split) to run in parallel, on the
        active joblib backend. None means 1 unless in a `joblib.parallel_config`
        context, -1 means all processors.

    refit : bool, str or callable, default=True
        As in `GridSearchCV`. `OneStandardError` and the other rules of
        `sklearn_tuners.selection` are callables for it.

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
        Candidates to try first, as they are. They count in `n_iter` and are not tried
        again. Each must be a point of the search space, with all active parameters.
        None takes no such candidates, or the estimator's own params if the space is a
        default space.

    n_initial_points : int or "auto", default="auto"
        Number of candidates that are spread evenly over the space before the model is
        used, including `initial_params`. "auto" takes the number of parameters plus
        one, at least 4 and at most a quarter of `n_iter` (if that is not below 4).

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

    reevaluate_top : int, default=None
        Number of best candidates to score again at the end, on fresh splits of the same
        kind; the best one is chosen by the mean over old and fresh splits. `cv` must be
        an integer, which is then shuffled, or a splitter with a `random_state`. The
        best of many scores is too high because it was selected; fresh splits do not
        have this bias. They cost as much as this many more candidates. In our
        measurements they led to neither better nor worse models
        (`docs/measured/reevaluate.md`). `cv_results_` stays the same, with the choice
        in `best_index_`.

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
        As in `GridSearchCV`: a row per candidate, in the order of proposal. It can be
        imported into a pandas ``DataFrame``.

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

    reevaluation_ : dict of ndarrays
        What `reevaluate_top` found, with a row per candidate: ``candidate`` (its row in
        `cv_results_`), ``split{i}_test_score`` on the fresh splits, and the means
        ``mean_cv_score``, ``mean_fresh_score`` and ``mean_score`` over all splits.

    stop_reason_ : str
        Why the search ended: ``"n_iter"``, ``"space exhausted"``, ``"max_time"``,
        ``"target_score"``, ``"n_iter_no_change"``, ``"stopping"`` or ``"callback"``.

    classes_ : ndarray of shape (n_classes,)
        Class labels, if `refit` is not False and the estimator is a classifier.

    n_features_in_ : int
        Number of features seen during `fit`, if the fitted estimator exposes it.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if the fitted estimator exposes it.

    See Also
    --------
    sklearn.model_selection.GridSearchCV : Tries every combination of listed values.
    sklearn.model_selection.RandomizedSearchCV : Tries random candidates.
    HyperbandSearchCV : Trains most candidates with a part of the resource only.
    default_space : The space that is searched if none is given.
    Optimizer : The optimiser by itself, for any function.
    When : A parameter that is active only for some values of others.

    Notes
    -----
    The surrogate is a Gaussian process with a Matern-5/2 kernel. Candidates maximise
    the logarithm of the expected improvement [1]_.

    References
    ----------
    .. [1] S. Ament, S. Daulton, D. Eriksson, M. Balandat, E. Bakshy (2023). Unexpected
       Improvements to Expected Improvement for Bayesian Optimization. NeurIPS.
    .. [2] A. Makarova, H. Shen, V. Perrone, A. Klein, J. B. Faddoul, A. Krause,
       M. Seeger, C. Archambeau (2022). Automatic Termination for Hyperparameter
       Optimization. AutoML-Conf.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from sklearn_tuners import BayesSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> search = BayesSearchCV(
    ...     SVC(),
    ...     {"C": loguniform(1e-2, 1e3), "kernel": ["linear", "rbf"]},
    ...     n_iter=15,
    ...     random_state=0,
    ... )
    >>> search.fit(X, y).best_score_ > 0.97
    np.True_
    >>> sorted(search.best_params_)
    ['C', 'kernel']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseTunerCV._parameter_constraints,
        "reevaluate_top": [Interval(Integral, 2, None, closed="left"), None],
    }

    def __init__(
        self,
        estimator: Any,
        param_distributions: SearchSpace | None = None,
        *,
        param_grid: SearchSpace | None = None,
        n_iter: int = 50,
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
        reevaluate_top: int | None = None,
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
        self.reevaluate_top = reevaluate_top

    def _make_strategy(self, problem: Problem) -> Strategy:
        searched = problem.find_space()
        optimizer = Optimizer(
            searched.space,
            n_iter=self.n_iter,
            n_initial_points=problem.n_initial_points,
            initial_params=searched.first,
            random_state=problem.seed,
        )
        n_iter = total_n_iter(searched.space, self.n_iter)
        assert n_iter is not None
        n_trials = int(min(n_iter, Budgets(searched.space, n_iter).capacity))
        return Strategy(searched, problem.splits, _OptimizerTuner(optimizer), n_trials)


class _OptimizerTuner:
    """Proposes what an optimiser proposes; each trial is a full evaluation."""

    exhausted = "space exhausted"

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer
        self.n_independent = optimizer.n_independent
        self.n_initial_points = optimizer.n_initial_points

    def ask(self, pending: Sequence[Trial]) -> Proposal | None:
        point = self._optimizer.ask_point([trial.point for trial in pending])
        return None if point is None else Proposal(point)

    def tell(self, trial: Trial, score: float) -> None:
        self._optimizer.tell_point(trial.point, score)

    def regret_bound(self) -> float:
        return self._optimizer.regret_bound()
