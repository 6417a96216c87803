"""Workers that are handed one call at a time, and outlive the death of one of them."""

from __future__ import annotations

import os
import queue
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sklearn_tuners._compat.sklearn import JoblibBackend

__all__ = ["Overdue", "WorkerDeath", "Workers"]

_POLL = 1.0
"""Seconds between looks at what no callback reports: dask's errors, hanging calls."""

_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows ends a process by either

_DEATHS = {
    "joblib.BrokenProcessPool",  # loky, and its subclass TerminatedWorkerError
    "joblib.ShutdownExecutorError",  # when another thread has replaced the workers
    "ray.RayActorError",  # and its subclass ActorDiedError
    "ray.WorkerCrashedError",
    "ray.OutOfMemoryError",
    "distributed.FutureCancelledError",  # the call's data were lost with a worker
    "distributed.KilledWorker",  # after it has itself tried on several workers
}
"""Exceptions that mean that a worker has died, by package and name: not all of the
packages are there, and an estimator may raise a namesake (torch's OutOfMemoryError)."""


class WorkerDeath(Exception):
    """A worker has died; the workers have been replaced.

    Attributes
    ----------
    lost : list of hashable
        Tokens of the calls that will not come back, one of which may be to blame.
    culprit : hashable or None
        Token of the call that is known to kill workers.
    """

    def __init__(self, lost: list[Any], culprit: Any, reason: str) -> None:
        super().__init__(reason)
        self.lost = lost
        self.culprit = culprit


class Overdue(Exception):
    """Calls have been ended, with their workers, for exceeding their time.

    Attributes
    ----------
    tokens : list of hashable
        Tokens of those calls.
    lost : list of hashable
        Tokens of the calls that were lost with them.
    """

    def __init__(self, tokens: list[Any], lost: list[Any]) -> None:
        super().__init__(*tokens)
        self.tokens = tokens
        self.lost = lost


@dataclass
class _Running:
    """A call that has been submitted."""

    token: Any
    future: Any = None


class Workers:
    """The workers of the active joblib backend, as a context manager.

    Parameters
    ----------
    n_jobs : int or None
        As in `joblib.Parallel`.
    kill_after : float, default=None
        Seconds from its start after which a call is ended by killing its worker, on
        backends where that is possible (``can_kill``). The call has to announce its
        start, see `start_mark`.

    Attributes
    ----------
    kind : str
        The backend, see `JoblibBackend`.
    n_workers : int
        Calls that run at the same time; 1 runs them in this process, in `next_done`.
    """

    def __init__(self, n_jobs: int | None, *, kill_after: float | None = None) -> None:
        self._backend = JoblibBackend(n_jobs)
        self._kill_after = kill_after
        self._marks: Path | None = None
        # Results of a pool that has been replaced may still come in: each submission
        # has a number of its own.
        self._n_submitted = 0
        self._running: dict[int, _Running] = {}
        self._done: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        self._inline: list[tuple[Any, Callable[[], Any]]] = []
        self._next_look = 0.0

    def __enter__(self) -> Workers:
        self._backend.start()
        self.kind = self._backend.kind
        self.n_workers = self._backend.n_workers
        if self._kill_after is not None and self.can_kill:
            self._marks = Path(self._backend.make_folder())
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc_info: Any) -> None:
        self._backend.stop(abort=bool(self._running))
        self._running.clear()
        if self._marks is not None:
            self._backend.remove_folder(str(self._marks))

    @property
    def shares_memory(self) -> bool:
        """Whether calls run in this process, so that arguments are not copied."""
        return self.kind in ("inline", "threading")

    @property
    def are_children(self) -> bool:
        """Whether the workers are child processes of this one."""
        return self._backend.starts_children

    @property
    def can_kill(self) -> bool:
        """Whether a worker can be killed and replaced."""
        return self.kind == "loky"

    @contextmanager
    def folder(self) -> Iterator[str]:
        """Make a folder that does not outlive this process, however it ends."""
        path = self._backend.make_folder()
        try:
            yield path
        finally:
            self._backend.remove_folder(path)

    @property
    def n_running(self) -> int:
        """Calls submitted and not yet returned by `next_done`."""
        return len(self._running) + len(self._inline)

    def start_mark(self, token: Any) -> str | None:
        """Return the file in which the call must write its process id when it starts.

        None where calls are not killed.
        """
        return None if self._marks is None else str(self._marks / _file_name(token))

    def submit(self, token: Any, function: Callable[..., Any], **kwargs: Any) -> None:
        """Hand ``function(**kwargs)`` to the next free worker.

        Parameters
        ----------
        token : hashable
            Comes back from `next_done` with the result.
        function : callable
            Module-level function, so that it can be pickled.
        **kwargs : dict
            Its arguments.

        Raises
        ------
        WorkerDeath
            If a worker has died meanwhile; the call itself is among the lost.
        """
        if self.kind == "inline":
            self._inline.append((token, partial(function, **kwargs)))
            return
        number = self._n_submitted
        self._n_submitted += 1
        call = self._running[number] = _Running(token)
        done = self._done
        try:
            call.future = self._backend.submit(
                function, kwargs, lambda out: done.put((number, out))
            )
        except Exception as error:
            self._raise_if_death(error, number)
            raise

    def next_done(self, timeout: float | None = None) -> tuple[Any, Any] | None:
        """Wait for a call to finish.

        Parameters
        ----------
        timeout : float, default=None
            Seconds to wait; None waits as long as it takes.

        Returns
        -------
        token : hashable
            As given to `submit`.
        result : object
            What the function returned.

        None is returned instead when the time is up.

        Raises
        ------
        WorkerDeath
            If a worker has died.
        Overdue
            If calls had to be killed.
        Exception
            What the function raised.
        """
        if self._inline:
            token, call = self._inline.pop(0)
            return token, call()
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            now = time.monotonic()
            if now >= self._next_look:  # also while others finish one after the other
                self._next_look = now + _POLL
                self._look_after_running()
            wait = self._next_look - now if end is None else min(_POLL, end - now)
            try:
                number, out = self._done.get(timeout=max(wait, 0.0))
            except queue.Empty:
                if end is not None and time.monotonic() >= end:
                    return None
                continue
            if number in self._running:
                return self._take(number, out)

    def _take(self, number: int, out: Any) -> tuple[Any, Any]:
        """Return token and result of a finished call."""
        try:
            result = self._backend.result(out)
        except Exception as error:
            self._raise_if_death(error, number)
            raise
        return self._running.pop(number).token, result

    def _look_after_running(self) -> None:
        """Notice what no callback reports."""
        # All at once: one that is left would have its whole time again.
        overdue = [n for n, call in self._running.items() if self._is_overdue(call)]
        if overdue:
            tokens = [self._running.pop(number).token for number in overdue]
            raise Overdue(tokens, self._lose_all())
        for number, call in list(self._running.items()):
            if hasattr(call.future, "exception") and call.future.done():
                error = call.future.exception()
                if error is not None:
                    self._raise_if_death(error, number)
                    raise error

    def _is_overdue(self, call: _Running) -> bool:
        """Return whether a call exceeds its time, having killed its worker if so."""
        if self._marks is None or self._kill_after is None:
            return False
        try:
            mark = self._marks / _file_name(call.token)
            started, pid = mark.stat().st_mtime, mark.read_text()
            if not pid or time.time() - started < self._kill_after:
                return False
            os.kill(int(pid), _KILL)
        except (FileNotFoundError, ProcessLookupError):
            return False
        return True

    def _raise_if_death(self, error: BaseException, number: int) -> None:
        # joblib raises a RuntimeError in the place of a ShutdownExecutorError.
        chain = [error] if error.__context__ is None else [error, error.__context__]
        names = {
            f"{base.__module__.partition('.')[0]}.{base.__name__}"
            for link in chain
            for base in type(link).__mro__
        }
        if names & _DEATHS:
            token = self._running[number].token
            culprit = token if "distributed.KilledWorker" in names else None
            lost = self._lose_all()
            raise WorkerDeath(lost, culprit, str(error).partition("\n")[0]) from None

    def _lose_all(self) -> list[Any]:
        """Replace the workers; return the tokens of the calls that were lost."""
        lost = [call.token for call in self._running.values()]
        self._running.clear()
        self._backend.restart()
        if self._marks is not None:
            # The calls may come again under the same tokens, and by then any process
            # may have an id that stands in a mark.
            for mark in self._marks.iterdir():
                mark.unlink(missing_ok=True)
        return lost


def _file_name(token: Any) -> str:
    return "-".join(map(str, token)) if isinstance(token, tuple) else str(token)
