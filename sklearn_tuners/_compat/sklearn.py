"""The one door to what scikit-learn and joblib keep private.

Everything here exists because the public API has no equivalent: the per-split
evaluation and result formatting that ``GridSearchCV`` uses itself, the callback
contexts of scikit-learn 1.9, and a joblib pool that takes one call at a time. No other
module may import an underscore name of either library (``tests/test_layers.py``).
Supported: scikit-learn 1.7 to 1.9, joblib 1.5 or later.
"""

from __future__ import annotations

import copy
import math
import shutil
import tempfile
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from numbers import Integral
from types import SimpleNamespace
from typing import Any, Protocol

from joblib.externals.loky.backend import resource_tracker
from joblib.externals.loky.cloudpickle_wrapper import dumps as cloudpickle_dumps
from joblib.parallel import BatchedCalls
from sklearn import get_config
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
from sklearn.utils.parallel import Parallel, _with_config_and_warning_filters, delayed
from sklearn.utils.validation import _check_method_params as check_method_params

__all__ = [
    "CallbackTask",
    "Interval",
    "JoblibBackend",
    "MultimetricScorer",
    "SearchBase",
    "StrOptions",
    "check_method_params",
    "check_refit_metric",
    "cloudpickle_dumps",
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
"""What the evaluation of one (params, split) returns, see `fit_and_score`."""

_RUNNING_FIT = {
    "_callback_fit_ctx",
    "_parent_callback_ctx",
    "_skl_callbacks_to_teardown",
}
_DASK_PATIENCE = 120
"""Seconds for a dask cluster without workers to get one."""
_HAS_CALLBACKS = hasattr(BaseSearchCV, "_init_callback_context")  # since 1.9


class CallbackTask(Protocol):
    """A node of the callbacks' task tree, as far as a search uses it."""

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

        What a hook returns at the end of an evaluation is dropped by
        ``_fit_and_score``, or by the estimator inside if it has callbacks itself: its
        own root task then takes the place of ours here. Both come in through this door.
        """

        def __setitem__(self, task_id: int, task: CallbackContext) -> None:
            task.__class__ = _StopRecordingContext
            super().__setitem__(task_id, task)


class SearchBase(BaseSearchCV):
    """`BaseSearchCV` with its private steps under names that we may call."""

    def _root_task(self, *, n_phases: int) -> CallbackTask:
        """Return the root of the callbacks' task tree; the callbacks are set up."""
        if not _HAS_CALLBACKS:
            return _NoCallbacks()
        task: CallbackTask = self._init_callback_context(max_subtasks=n_phases)
        return task

    def _search_task(
        self, root: CallbackTask, n_evaluations: int | None, name: str = "search"
    ) -> CallbackTask:
        """Return the task whose subtasks are the evaluations, at most that many."""
        task = root.subcontext(
            task_name=name, max_subtasks=n_evaluations, sequential_subtasks=False
        )
        if _HAS_CALLBACKS:
            task._children_map = _Evaluations()  # type: ignore[attr-defined]
        return task

    def _bare_caller(self) -> SearchBase | None:
        """Return what the hooks in a worker process receive as the search.

        That is a copy with its parameters and callbacks only, or None where there is no
        callback to receive it.
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
        """Return the state without the task tree of a fit that is running.

        A callback may refer to the search, and then travels to the workers with it.
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
            If every single fit failed.
        """
        if not outcomes:
            raise ValueError(
                "No fits were performed. "
                "Was the CV iterator empty? Were there no candidates?"
            )
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
    """Give each metric of a callable scorer its error score where there is only one.

    Whether a callable returns one score or a dict of them is known only when it has
    done so; a fit or a scoring that failed before has a bare `error_score`.
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
        The whole data; the split's indices are in `kwargs`.
    task : CallbackTask
        The leaf of the task tree that stands for this evaluation.
    caller : estimator
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
    """Return what `fit_and_score` would, for an evaluation that could not finish.

    Parameters
    ----------
    reason : str
        Stands where the traceback of a failed fit does.
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
        Who has the parameter.
    name : str
        Its name.

    Returns
    -------
    bool or None
        As the constraints of its class say, whatever its value; None where they say
        nothing.
    """
    constraints = getattr(type(estimator), "_parameter_constraints", {}).get(name)
    if not isinstance(constraints, list):
        return None
    return any(
        isinstance(constraint, Interval) and constraint.type is Integral
        for constraint in constraints
    )


def has_stopped_early(estimator: Any) -> bool:
    """Return whether early stopping has ended the last fit of a histogram boosting.

    The number of iterations does not tell where it is the largest one allowed: the
    criterion may have held just then. A further fit would add one iteration before it
    looks at the criterion again.

    Parameters
    ----------
    estimator : estimator
        Fitted; False for any of another kind.

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
    """Remove a finished evaluation from the task tree, which would grow with each."""
    if _HAS_CALLBACKS:
        parent._children_map.pop(task_id, None)


def detach(task: CallbackTask) -> CallbackTask:
    """Return a copy of a leaf whose tree is only the path from the root to it.

    A leaf that travels to another process takes the tree along through its parent: with
    all its siblings, each of n evaluations would pickle n of them; and the tree must
    not change while a pool's own thread pickles it.
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
    """Smallest and largest number that an estimator accepts for a parameter.

    Parameters
    ----------
    estimator : estimator
        With a value for the parameter, whose type tells whether the limits are those of
        integers or of floats where an estimator accepts both.
    name : str
        Full name, such as ``"clf__max_features"``.

    Returns
    -------
    low, high : float
        Infinite where the class does not say. An open end is given like a closed one.
    """
    owner, _, own = name.rpartition("__")
    inner = estimator.get_params()[owner] if owner else estimator
    value = estimator.get_params()[name]
    constraints = getattr(inner, "_parameter_constraints", {}).get(own)
    if not isinstance(constraints, list):
        return -math.inf, math.inf
    fitting = [
        c for c in constraints if isinstance(c, Interval) and c.is_satisfied_by(value)
    ]
    lows = [-math.inf if c.left is None else float(c.left) for c in fitting]
    highs = [math.inf if c.right is None else float(c.right) for c in fitting]
    return min(lows, default=-math.inf), max(highs, default=math.inf)


class JoblibBackend:
    """The active joblib backend, fed one call at a time.

    ``joblib.Parallel`` takes its calls from an iterable that is consumed in a callback
    thread, before the caller has seen the results. A sequential search needs the
    opposite: a call is made up after the last result is known. So the pool of a
    ``Parallel`` is entered as usual (the user's ``parallel_config``, memory mapping and
    thread limits hold), but calls go to its backend directly.

    Parameters
    ----------
    n_jobs : int or None
        As in `joblib.Parallel`.

    Attributes
    ----------
    kind : str
        "inline" (one worker: calls are not to be submitted but made), "threading",
        "loky", "multiprocessing", "dask", "ray", or the class name of another backend.
    n_workers : int
        Calls that run at the same time.
    """

    def __init__(self, n_jobs: int | None) -> None:
        self._parallel = Parallel(n_jobs=n_jobs)
        self._waiting = ExitStack()
        self.n_workers = 0
        self.kind = ""

    def start(self) -> None:
        """Start the workers."""
        self._parallel.__enter__()
        self._backend = self._parallel._backend
        self.n_workers = self._parallel._effective_n_jobs()
        if self.n_workers == 0:
            raise RuntimeError(f"{type(self._backend).__name__} has no active worker.")
        self.kind = "inline" if self.n_workers == 1 else _kind(self._backend)
        if self.kind != "inline":
            self._backend.start_call()
            self._parallel._calling = True  # so that stopping calls stop_call
            # A task of dask gives up its thread while it waits for tasks of its own.
            self._waiting.enter_context(self._backend.retrieval_context())

    @property
    def starts_children(self) -> bool:
        """Whether the workers are child processes of this one."""
        if self.kind == "multiprocessing":
            context = self._parallel._backend_kwargs["context"]
            started: bool = context.get_start_method() != "forkserver"
            return started
        return self.kind == "loky"

    def stop(self, *, abort: bool) -> None:
        """Give the workers back; with `abort` whatever they are running is ended.

        Waiting for it could take as long as the longest fit.
        """
        if abort:
            self._backend.abort_everything(ensure_ready=False)
        self._parallel.__exit__(None, None, None)
        self._waiting.close()

    def restart(self) -> None:
        """Replace the workers after one of them has died; running calls are lost."""
        if self.kind == "dask":
            # The scheduler replaces workers itself. Data that only the dead one held
            # are gone, and have to be sent anew. Where no worker takes them within
            # dask's time-out, the call would be lost without a word.
            self._backend.call_data_futures.clear()
            try:
                self._backend.client.wait_for_workers(1, timeout=_DASK_PATIENCE)
            except TimeoutError as error:
                raise RuntimeError(
                    "All workers of the dask cluster have died, and none has come back "
                    f"within {_DASK_PATIENCE} s. (A worker that is killed while it "
                    "starts is not replaced by dask.)"
                ) from error
            return
        self._backend.abort_everything(ensure_ready=False)
        self._parallel._initialize_backend()

    @staticmethod
    def make_folder() -> str:
        """Make a temporary folder that goes even if this process is killed."""
        folder = tempfile.mkdtemp(prefix="sklearn_tuners_")
        resource_tracker.register(folder, "folder")
        return folder

    @staticmethod
    def remove_folder(folder: str) -> None:
        """Remove a folder of `make_folder`."""
        shutil.rmtree(folder, ignore_errors=True)
        resource_tracker.unregister(folder, "folder")

    def submit(
        self,
        function: Callable[..., Any],
        kwargs: dict[str, Any],
        callback: Callable[[Any], None],
    ) -> Any:
        """Hand ``function(**kwargs)`` to a worker.

        Parameters
        ----------
        function : callable
            Called under the scikit-learn configuration and the warning filters that
            are active now.
        kwargs : dict
            Its arguments.
        callback : callable
            Called in another thread with what `result` takes. dask does not call it if
            the call fails: ask the future.

        Returns
        -------
        future : object
            With methods ``done`` and ``exception`` where the backend has them.
        """
        wrapped, args, kwargs = delayed(function)(**kwargs)
        filters = getattr(warnings, "_get_filters", lambda: warnings.filters)()
        wrapped = _with_config_and_warning_filters(wrapped, get_config(), filters)
        calls = BatchedCalls(
            [(wrapped, args, kwargs)],
            self._backend.get_nested_backend(),
            self._use_own_temp_folder,
        )
        return self._backend.submit(calls, callback=callback)

    def _use_own_temp_folder(self) -> None:
        """Have loky put memory maps where stopping removes them."""
        workers: Any = getattr(self._backend, "_workers", None)
        if hasattr(workers, "_temp_folder_manager"):
            workers._temp_folder_manager.set_current_context(self._parallel._id)

    def result(self, out: Any) -> Any:
        """Return what a call returned, or raise what it raised."""
        (result,) = self._backend.retrieve_result_callback(out)
        return result


_KINDS = {
    "SequentialBackend": "inline",
    "ThreadingBackend": "threading",
    "LokyBackend": "loky",
    "DaskDistributedBackend": "dask",
    "RayBackend": "ray",
    "MultiprocessingBackend": "multiprocessing",
}


def _kind(backend: Any) -> str:
    """Return what a backend is, by the name of its class or the nearest known base."""
    names = [base.__name__ for base in type(backend).__mro__]
    return next((_KINDS[name] for name in names if name in _KINDS), names[0])
