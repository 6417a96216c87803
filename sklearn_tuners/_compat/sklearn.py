"""The private names of scikit-learn that the package uses.

The public API has no equivalent for what is here: the evaluation of one split and the
formatting of results that ``GridSearchCV`` uses itself, the callback contexts of
scikit-learn 1.9, and the constraints of parameters.
"""

from __future__ import annotations

import copy
import math
from contextlib import AbstractContextManager, nullcontext
from numbers import Integral
from types import SimpleNamespace
from typing import Any, Protocol

from sklearn.base import BaseEstimator
from sklearn.base import _fit_context as fit_context
from sklearn.metrics._scorer import _MultimetricScorer as MultimetricScorer
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._validation import (
    _fit_and_score,
    _warn_or_raise_about_fit_failures,
)
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_method_params as check_method_params

__all__ = [
    "CallbackTask",
    "Interval",
    "MultimetricScorer",
    "Outcome",
    "SearchBase",
    "StrOptions",
    "check_method_params",
    "check_refit_metric",
    "detach",
    "failed_outcome",
    "fit_and_score",
    "fit_context",
    "forget_subtask",
    "has_stopped_early",
    "is_callback_attribute",
    "parameter_limits",
    "safe_indexing",
    "takes_integers",
]

Outcome = dict[str, Any]
"""What the evaluation of a candidate on one split returns, see `fit_and_score`."""

_RUNNING_FIT = {
    "_callback_fit_ctx",
    "_parent_callback_ctx",
    "_skl_callbacks_to_teardown",
}
"""Attributes of an estimator during a fit with callbacks."""
_HAS_CALLBACKS = hasattr(BaseSearchCV, "_init_callback_context")  # since 1.9


class CallbackTask(Protocol):
    """A node of the callbacks' task tree: the part of it that a search uses."""

    def subcontext(self, task_name: str = ..., **kwargs: Any) -> CallbackTask: ...

    def call_on_fit_task_begin(self, *, estimator: Any, **data: Any) -> CallbackTask:
        """Call the hook of every callback; return the node itself."""

    def call_on_fit_task_end(self, *, estimator: Any, **data: Any) -> bool:
        """Call the hook of every callback; return whether one asks to stop."""

    def propagate_callback_context(
        self, sub_estimator: Any
    ) -> AbstractContextManager[None]: ...


class _NoCallbacks:
    """The task tree of scikit-learn 1.7 and 1.8, which have no callbacks."""

    def subcontext(self, task_name: str = "", **kwargs: Any) -> _NoCallbacks:
        return self

    def call_on_fit_task_begin(self, *, estimator: Any, **data: Any) -> _NoCallbacks:
        return self

    def call_on_fit_task_end(self, *, estimator: Any, **data: Any) -> bool:
        return False

    def propagate_callback_context(
        self, sub_estimator: Any
    ) -> AbstractContextManager[None]:
        return nullcontext()


if _HAS_CALLBACKS:
    from sklearn.callback import CallbackContext

    class _StopRecordingContext(CallbackContext):
        """A task that remembers whether a callback asked to stop."""

        stop_requested = False

        def call_on_fit_task_end(self, **kwargs: Any) -> bool:
            stop: bool = super().call_on_fit_task_end(**kwargs)
            self.stop_requested = self.stop_requested or stop
            return stop

    class _Evaluations(dict[int, CallbackContext]):
        """The children of the search's task, each made to remember a stop request.

        ``_fit_and_score`` drops what a hook returns at the end of an evaluation. An
        estimator with callbacks of its own drops it too: its root task then replaces
        ours in this dict.
        """

        def __setitem__(self, task_id: int, task: CallbackContext) -> None:
            task.__class__ = _StopRecordingContext
            super().__setitem__(task_id, task)


class SearchBase(BaseSearchCV):
    """`BaseSearchCV` with our names for its private steps."""

    def _root_task(self, *, n_phases: int) -> CallbackTask:
        """Return the root of the callbacks' task tree; the callbacks are set up."""
        if not _HAS_CALLBACKS:
            return _NoCallbacks()
        task: CallbackTask = self._init_callback_context(max_subtasks=n_phases)
        return task

    def _search_task(
        self, root: CallbackTask, n_evaluations: int | None, name: str = "search"
    ) -> CallbackTask:
        """Return the task with at most `n_evaluations` evaluations as subtasks."""
        task = root.subcontext(
            task_name=name, max_subtasks=n_evaluations, sequential_subtasks=False
        )
        if _HAS_CALLBACKS:
            task._children_map = _Evaluations()  # type: ignore[attr-defined]
        return task

    def _bare_caller(self) -> SearchBase | None:
        """Return what the hooks in a worker process receive as the search.

        That is a copy with its parameters and callbacks only, or None if there are no
        callbacks.
        """
        if not getattr(self, "_skl_callbacks", None):
            return None
        kept = {*self.get_params(deep=False), "_skl_callbacks", "_metadata_request"}
        bare = copy.copy(self)
        for name in vars(bare).keys() - kept:
            delattr(bare, name)
        if hasattr(bare.cv, "__next__"):
            bare.cv = None  # a generator cannot be pickled
        return bare

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the task tree of a running fit.

        A callback that refers to the search is pickled with it.
        """
        state: dict[str, Any] = super().__getstate__()
        return {name: state[name] for name in state if name not in _RUNNING_FIT}

    def _routed_params(self, params: dict[str, Any]) -> Any:
        """Return `params` by consumer: ``.estimator.fit``, ``.splitter.split``, ..."""
        return self._get_routed_params_for_fit(params)

    def _resolve_scorers(self) -> tuple[Any, str | bool]:
        """Return the scorer object and the metric that `refit` selects."""
        scorers, refit_metric = self._get_scorers()
        return scorers, refit_metric

    def _cv_results(
        self, params: list[dict[str, Any]], n_splits: int, outcomes: list[Outcome]
    ) -> dict[str, Any]:
        """Return ``cv_results_`` for outcomes ordered by candidate, then split.

        Raises
        ------
        ValueError
            If every fit failed.
        """
        _warn_or_raise_about_fit_failures(outcomes, self.error_score)
        if callable(self.scoring):
            outcomes = _with_all_metrics(outcomes, self.error_score)
        results: dict[str, Any] = self._format_results(params, n_splits, outcomes)
        return results

    def _best_index(self, refit_metric: Any, results: dict[str, Any]) -> int:
        """Return the row of `results` that `refit` selects."""
        index: int = self._select_best_index(self.refit, refit_metric, results)
        return index


def check_refit_metric(refit: Any, scores: dict[str, float]) -> None:
    """Raise ``ValueError`` if `refit` does not name one of several metrics."""
    BaseSearchCV._check_refit_for_multimetric(SimpleNamespace(refit=refit), scores)


def _with_all_metrics(outcomes: list[Outcome], error_score: float) -> list[Outcome]:
    """Give each metric of a callable scorer an error score where a fit failed.

    Whether a callable returns one score or a dict is known only after its first call.
    A fit or scoring that failed before that has a bare `error_score`.
    """
    named = next(
        (o["test_scores"] for o in outcomes if isinstance(o["test_scores"], dict)), None
    )
    if named is None:
        return outcomes
    failed = dict.fromkeys(named, error_score)
    return [
        outcome
        | {
            key: dict(failed)
            for key in ("test_scores", "train_scores")
            if key in outcome and not isinstance(outcome[key], dict)
        }
        for outcome in outcomes
    ]


def fit_and_score(
    estimator: BaseEstimator,
    X: Any,
    y: Any,
    *,
    task: CallbackTask,
    caller: BaseEstimator | None,
    **kwargs: Any,
) -> tuple[Outcome, bool]:
    """Fit and score `estimator` on one split as ``GridSearchCV`` does.

    Parameters
    ----------
    estimator : estimator
        A clone that belongs to this call.
    X, y : array-like
        All data; the indices of the split are in `kwargs`.
    task : CallbackTask
        The leaf of the task tree for this evaluation.
    caller : estimator or None
        What the callbacks' hooks receive as the estimator.
    **kwargs : dict
        Passed on: ``scorer``, ``train``, ``test``, ``parameters``, ``fit_params``,
        ``score_params``, ``return_train_score``, ``error_score``, ``verbose``,
        ``split_progress`` and ``candidate_progress``.

    Returns
    -------
    outcome : dict
        ``test_scores`` (a float, or a dict for several metrics), ``train_scores`` if
        asked for, ``n_test_samples``, ``fit_time``, ``score_time`` (seconds) and
        ``fit_error`` (the traceback of a failed fit, else None).
    stop : bool
        Whether a callback asked to stop at the end of this evaluation.
    """
    if _HAS_CALLBACKS:
        kwargs |= {"caller": caller, "callback_ctx": task}
    outcome = _fit_and_score(
        estimator, X, y, return_n_test_samples=True, return_times=True, **kwargs
    )
    return outcome, _HAS_CALLBACKS and _stop_requested(task)


def failed_outcome(
    reason: str,
    *,
    scorer: Any,
    error_score: float,
    n_test_samples: int,
    return_train_score: bool,
    fit_time: float,
) -> Outcome:
    """Return the outcome of an evaluation that could not finish.

    Parameters
    ----------
    reason : str
        Takes the place of the traceback of a failed fit.
    scorer, error_score, return_train_score
        As for `fit_and_score`.
    n_test_samples : int
        Size of the test set.
    fit_time : float
        Seconds spent.

    Returns
    -------
    outcome : dict
    """
    scores: Any = error_score
    if isinstance(scorer, MultimetricScorer):
        scores = dict.fromkeys(scorer._scorers, error_score)
    outcome = {
        "fit_error": reason,
        "test_scores": scores,
        "n_test_samples": n_test_samples,
        "fit_time": fit_time,
        "score_time": 0.0,
    }
    if return_train_score:
        outcome["train_scores"] = copy.copy(scores)
    return outcome


def _stop_requested(task: Any) -> bool:
    """Return whether a callback asked to stop at the end of this evaluation."""
    in_place: bool = task.parent._children_map[task.task_id].stop_requested
    return in_place or task.stop_requested


def is_callback_attribute(name: str) -> bool:
    """Return whether an attribute of an estimator belongs to its callbacks."""
    return name in _RUNNING_FIT or name == "_skl_callbacks"


def takes_integers(estimator: Any, name: str) -> bool | None:
    """Return whether a parameter may be any integer of a range.

    Parameters
    ----------
    estimator : estimator
        The estimator with the parameter; its value does not matter.
    name : str
        Name of the parameter.

    Returns
    -------
    bool or None
        None if the class states no constraints.
    """
    constraints = getattr(type(estimator), "_parameter_constraints", {}).get(name)
    if not isinstance(constraints, list):
        return None
    return any(
        isinstance(constraint, Interval) and constraint.type is Integral
        for constraint in constraints
    )


def has_stopped_early(estimator: Any) -> bool:
    """Return whether early stopping ended the last fit of a HistGradientBoosting.

    The number of iterations does not show this if it is the largest allowed: the
    criterion may be met exactly there. A further fit would add one iteration before it
    checks the criterion again.

    Parameters
    ----------
    estimator : estimator
        Fitted; the result is False for any other kind.

    Returns
    -------
    bool
    """
    if not getattr(estimator, "do_early_stopping_", False):
        return False
    scores = estimator.validation_score_
    if not len(scores):  # validation_fraction=None
        scores = estimator.train_score_
    return bool(estimator._should_stop(scores))


def forget_subtask(parent: Any, task_id: int) -> None:
    """Remove a finished evaluation from the task tree, so that it does not grow."""
    if _HAS_CALLBACKS:
        parent._children_map.pop(task_id, None)


def detach(task: CallbackTask) -> CallbackTask:
    """Return a copy of a leaf in a tree that is only the path from the root to it.

    Pickling a leaf pickles the whole tree through its parent. With its siblings in it,
    each of n evaluations would pickle n leaves, and the tree might change while a
    thread of the pool pickles it.
    """
    if not _HAS_CALLBACKS:
        return task
    detached = copy.copy(task)
    child: Any = detached
    while child.parent is not None:
        parent = child.parent = copy.copy(child.parent)
        parent._children_map = type(parent._children_map)()
        parent._children_map[child.task_id] = child
        child = parent
    return detached


def parameter_limits(estimator: Any, name: str) -> tuple[float, float]:
    """Return the smallest and the largest number that a parameter accepts.

    Parameters
    ----------
    estimator : estimator
        The estimator with the parameter. The type of its value tells whether the limits
        are those of integers or of floats if the class accepts both.
    name : str
        Name of the parameter.

    Returns
    -------
    low, high : float
        Infinite if the class states none. An open end is given like a closed one.
    """
    value = estimator.get_params()[name]
    constraints = getattr(estimator, "_parameter_constraints", {}).get(name)
    if not isinstance(constraints, list):
        return -math.inf, math.inf
    fitting = [
        c for c in constraints if isinstance(c, Interval) and c.is_satisfied_by(value)
    ]
    lows = [-math.inf if c.left is None else float(c.left) for c in fitting]
    highs = [math.inf if c.right is None else float(c.right) for c in fitting]
    return min(lows, default=-math.inf), max(highs, default=math.inf)
