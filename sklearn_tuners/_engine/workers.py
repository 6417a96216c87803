"""Workers that take one call at a time; the pool survives the death of a worker."""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from sklearn_tuners._compat.joblib import JoblibBackend

__all__ = ["HAS_ALARM", "Overdue", "WorkerDeath", "Workers"]

HAS_ALARM = hasattr(signal, "setitimer")
"""Whether the system can interrupt Python code after some time; Windows cannot."""

_POLL = 1.0
"""Seconds between two checks of what no callback reports, dask's errors and overdue
calls: after losing a worker such a delay hardly matters."""

_PATIENCE = 1.0
"""Seconds in which all workers must take a call of `Workers.run_on_each`: idle ones do
so within milliseconds, a new one may still be starting."""

_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # on Windows both end a process


class _Abilities(NamedTuple):
    """What the workers of a joblib backend can do; see the properties of `Workers`."""

    shares_memory: bool = False
    can_kill: bool = False
    runs_in_main_thread: bool = False
    has_object_store: bool = False
    outlives_pool: bool = False


_ABILITIES = {
    "inline": _Abilities(shares_memory=True, runs_in_main_thread=True),
    "threading": _Abilities(shares_memory=True),
    "loky": _Abilities(can_kill=True, runs_in_main_thread=True, outlives_pool=True),
    "multiprocessing": _Abilities(runs_in_main_thread=True),
    "dask": _Abilities(),  # runs its calls in threads
    "ray": _Abilities(runs_in_main_thread=True, has_object_store=True),
}
"""By kind of backend; unlisted backends have none of these abilities."""

_DEATHS = {
    "joblib.BrokenProcessPool",  # loky's, with its subclass TerminatedWorkerError
    "joblib.ShutdownExecutorError",  # another thread has replaced the workers
    "ray.RayActorError",  # with its subclass ActorDiedError
    "ray.WorkerCrashedError",
    "ray.OutOfMemoryError",
    "distributed.FutureCancelledError",  # the data of the call were lost with a worker
    "distributed.KilledWorker",  # the call has killed several workers
}
"""Exceptions that mean the death of a worker, by package and class. They are named, not
imported, because the packages are optional; the package is included because an
estimator may raise a class of the same name, such as torch's OutOfMemoryError."""


class WorkerDeath(Exception):
    """A worker has died; the workers have been replaced.

    Attributes
    ----------
    lost : list of hashable
        Tokens of the calls that were lost; one of them may be to blame.
    culprit : hashable or None
        Token of the call that kills workers, if it is known.
    """

    def __init__(self, lost: list[Any], culprit: Any, reason: str) -> None:
        super().__init__(reason)
        self.lost = lost
        self.culprit = culprit


class Overdue(Exception):
    """Calls have exceeded their time, and were ended by killing their workers.

    Attributes
    ----------
    tokens : list of hashable
        Tokens of the calls that exceeded their time.
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
        Seconds after which a call is ended by killing its worker, if the backend allows
        that (`can_kill`). The call must announce its start, see `start_mark`.

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
        # Results of a pool that has been replaced may still come in, so each submission
        # is numbered.
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
    def _abilities(self) -> _Abilities:
        return _ABILITIES.get(self.kind, _Abilities())

    @property
    def shares_memory(self) -> bool:
        """Whether calls run in this process, so that arguments are not copied."""
        return self._abilities.shares_memory

    @property
    def are_children(self) -> bool:
        """Whether the workers are child processes of this one."""
        return self._backend.starts_children

    @property
    def can_kill(self) -> bool:
        """Whether a worker can be killed and replaced."""
        return self._abilities.can_kill

    @property
    def can_interrupt(self) -> bool:
        """Whether an alarm reaches a call: it runs in the main thread of a process."""
        is_elsewhere = self.kind != "inline"
        in_main_thread = threading.current_thread() is threading.main_thread()
        return (
            HAS_ALARM
            and self._abilities.runs_in_main_thread
            and (is_elsewhere or in_main_thread)
        )

    @property
    def has_object_store(self) -> bool:
        """Whether large arguments go to an object store and are passed by reference.

        Then the backend does not itself recognise an argument that it has sent before.
        """
        return self._abilities.has_object_store

    @contextmanager
    def folder(self) -> Iterator[str]:
        """Make a folder that is removed on exit, even if this process is killed."""
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
        """Return the file to which a call must write its process id when it starts.

        None if calls are not killed.
        """
        return None if self._marks is None else str(self._marks / _file_name(token))

    def submit(self, token: Any, function: Callable[..., Any], **kwargs: Any) -> None:
        """Hand ``function(**kwargs)`` to the next free worker.

        Parameters
        ----------
        token : hashable
            `next_done` returns it with the result.
        function : callable
            Module-level function, so that it can be pickled.
        **kwargs : dict
            Arguments of the call.

        Raises
        ------
        WorkerDeath
            If a worker has died; this call is lost too.
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

    def run_on_each(self, function: Callable[[], Any]) -> None:
        """Call a function once in each worker process that outlives this pool.

        Parameters
        ----------
        function : callable
            Module-level function.
        """
        if not self._abilities.outlives_pool or self.n_running:
            return
        with self.folder() as folder, suppress(WorkerDeath):  # a new one knows nothing
            for number in range(self.n_workers):
                self.submit(
                    ("each", number),
                    _meet,
                    folder=folder,
                    number=number,
                    n_expected=self.n_workers,
                    then=function,
                )
            while self.n_running:
                self.next_done()

    def next_done(self) -> tuple[Any, Any]:
        """Wait for a call to finish.

        Returns
        -------
        token : hashable
            As given to `submit`.
        result : object
            The value that the function returned.

        Raises
        ------
        WorkerDeath
            If a worker has died.
        Overdue
            If calls had to be killed.
        Exception
            If the function raised it.
        """
        if self._inline:
            token, call = self._inline.pop(0)
            return token, call()
        while True:
            now = time.monotonic()
            if now >= self._next_look:  # even while other calls keep finishing
                self._next_look = now + _POLL
                self._look_after_running()
            try:
                number, out = self._done.get(timeout=max(self._next_look - now, 0.0))
            except queue.Empty:
                continue
            if number in self._running:
                return self._take(number, out)

    def _take(self, number: int, out: Any) -> tuple[Any, Any]:
        """Return the token and the result of a finished call."""
        try:
            result = self._backend.result(out)
        except Exception as error:
            self._raise_if_death(error, number)
            raise
        return self._running.pop(number).token, result

    def _look_after_running(self) -> None:
        """Raise what no callback reports."""
        # All overdue calls at once: a call left over would get its full time again.
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
        """Return whether a call exceeds its time, and kill its worker if so."""
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
        # joblib turns a ShutdownExecutorError into a RuntimeError.
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
            # The calls may be submitted again under the same tokens. By then the
            # process id in a mark may belong to another process.
            for mark in self._marks.iterdir():
                mark.unlink(missing_ok=True)
        return lost


def _meet(
    *, folder: str, number: int, n_expected: int, then: Callable[[], Any]
) -> None:
    """Call a function in a worker when every worker has such a call."""
    end = time.monotonic() + _PATIENCE
    Path(folder, str(number)).touch()
    while len(os.listdir(folder)) < n_expected and time.monotonic() < end:
        time.sleep(0.001)
    then()


def _file_name(token: Any) -> str:
    return "-".join(map(str, token)) if isinstance(token, tuple) else str(token)
