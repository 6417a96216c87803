"""The private names of joblib: a pool that takes one call at a time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from joblib.externals.loky.backend import resource_tracker
from joblib.externals.loky.cloudpickle_wrapper import dumps as cloudpickle_dumps
from joblib.parallel import BatchedCalls
from sklearn import config_context, get_config
from sklearn.utils.parallel import Parallel, _with_config_and_warning_filters, delayed

from sklearn_tuners._compat.warnings import (
    HAS_OWN_FILTERS,
    current_filters,
    kept_filters,
    use_filters,
)

__all__ = ["JoblibBackend", "cloudpickle_dumps"]

_DASK_PATIENCE = 120
"""Seconds to wait for a worker of a dask cluster that has lost all of them: the nannies
of dask start a new one in a few seconds, a batch system may take a minute or two."""


class JoblibBackend:
    """The active joblib backend, fed one call at a time.

    ``joblib.Parallel`` takes its calls from an iterable, which a callback thread
    consumes before the caller has seen the results. A sequential search needs the
    opposite: it chooses a call after it has seen the last result. So a ``Parallel`` is
    entered as usual (the user's ``parallel_config``, memory mapping and thread limits
    hold), and calls go directly to its backend.

    Parameters
    ----------
    n_jobs : int or None
        As in `joblib.Parallel`.

    Attributes
    ----------
    kind : str
        "inline" (one worker: the caller makes the calls itself), "threading", "loky",
        "multiprocessing", "dask", "ray", or the class name of another backend.
    n_workers : int
        Calls that run at the same time.
    """

    def __init__(self, n_jobs: int | None) -> None:
        self._parallel = Parallel(n_jobs=n_jobs)
        self._waiting = ExitStack()
        self._filters: Sequence[Any] = ()
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
        if self._shares_filters:
            self._filters = list(current_filters())
            self._waiting.enter_context(kept_filters())
        if self.kind != "inline":
            self._backend.start_call()
            self._parallel._calling = True  # so that stopping calls stop_call
            # A task of dask gives up its thread while it waits for tasks of its own.
            self._waiting.enter_context(self._backend.retrieval_context())

    @property
    def _shares_filters(self) -> bool:
        """Whether the calls that run together have the same warning filters."""
        return self.kind == "threading" and not HAS_OWN_FILTERS

    @property
    def starts_children(self) -> bool:
        """Whether the workers are child processes of this one."""
        if self.kind == "multiprocessing":
            context = self._parallel._backend_kwargs["context"]
            started: bool = context.get_start_method() != "forkserver"
            return started
        return self.kind == "loky"

    def stop(self, *, abort: bool) -> None:
        """Release the workers; with `abort`, end what they are running.

        Waiting for it could take as long as the longest fit.
        """
        with self._waiting:
            if abort:
                self._backend.abort_everything(ensure_ready=False)
            self._parallel.__exit__(None, None, None)

    def restart(self) -> None:
        """Replace the workers after one of them has died; running calls are lost."""
        if self.kind == "dask":
            # The scheduler replaces workers itself. Data that only the dead worker held
            # must be sent again. If no worker takes them within dask's own time-out,
            # dask drops the call silently, so a worker is awaited first.
            self._backend.call_data_futures.clear()
            try:
                self._backend.client.wait_for_workers(1, timeout=_DASK_PATIENCE)
            except TimeoutError as error:
                raise RuntimeError(
                    "All workers of the dask cluster have died, and none has come back "
                    f"within {_DASK_PATIENCE} s. (Dask does not replace a worker that "
                    "is killed while it starts.)"
                ) from error
            return
        self._backend.abort_everything(ensure_ready=False)
        self._parallel._initialize_backend()

    @staticmethod
    def make_folder() -> str:
        """Make a temporary folder that is removed even if this process is killed."""
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
            are active now; in threads, which share the filters, under those that were
            active at the start.
        kwargs : dict
            Arguments of the call.
        callback : callable
            Called in another thread with the argument of `result`. Dask does not call
            it if the call fails: ask the future.

        Returns
        -------
        future : object
            With methods ``done`` and ``exception`` if the backend has them.
        """
        config, args = get_config(), ()
        wrapped: Callable[..., Any]
        if self._shares_filters:
            wrapped = partial(_call_in_thread, function, config, self._filters)
        else:
            wrapped, args, kwargs = delayed(function)(**kwargs)
            wrapped = _with_config_and_warning_filters(
                wrapped, config, current_filters()
            )
        calls = BatchedCalls(
            [(wrapped, args, kwargs)],
            self._backend.get_nested_backend(),
            self._use_own_temp_folder,
        )
        return self._backend.submit(calls, callback=callback)

    def _use_own_temp_folder(self) -> None:
        """Make loky put memory maps into the folder that stopping removes."""
        workers: Any = getattr(self._backend, "_workers", None)
        if hasattr(workers, "_temp_folder_manager"):
            workers._temp_folder_manager.set_current_context(self._parallel._id)

    def result(self, out: Any) -> Any:
        """Return what a call returned, or raise what it raised."""
        (result,) = self._backend.retrieve_result_callback(out)
        return result


def _call_in_thread(
    function: Callable[..., Any],
    config: dict[str, Any],
    filters: Sequence[Any],
    /,
    **kwargs: Any,
) -> Any:
    """Call a function under the caller's configuration and warning filters.

    An earlier call, in another thread, may have left the filters of a code that
    silences warnings. Restoring them at the end is left to the end of the run.
    """
    with config_context(**config):
        use_filters(filters)
        return function(**kwargs)


_KINDS = {
    "SequentialBackend": "inline",
    "ThreadingBackend": "threading",
    "LokyBackend": "loky",
    "DaskDistributedBackend": "dask",
    "RayBackend": "ray",
    "MultiprocessingBackend": "multiprocessing",
}


def _kind(backend: Any) -> str:
    """Return the kind of a backend by the name of its class or nearest known base."""
    names = [base.__name__ for base in type(backend).__mro__]
    return next((_KINDS[name] for name in names if name in _KINDS), names[0])
