"""What runs in a worker: one candidate on one split.

Everything that travels to a worker stands here, and nothing here knows the search.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_tuners._compat.sklearn import (
    Outcome,
    cloudpickle_dumps,
    failed_outcome,
    fit_and_score,
)
from sklearn_tuners._training.steps import Training

__all__ = ["HAS_ALARM", "FitTimeoutError", "Guard", "Shared", "evaluate"]

HAS_ALARM = hasattr(signal, "setitimer")
"""Whether the system can interrupt Python code after some time; Windows cannot."""

_WATCH = 1.0
"""Seconds between a worker's looks at whether its parent is alive."""


class Shared:
    """Data that all evaluations read, sent to each worker process once.

    ``joblib`` maps large plain arrays into the memory of its workers, but pickles a
    data frame anew for each call. Here whatever is shared is pickled once, its buffers
    apart from the rest: they are plain arrays, which joblib writes to disk once and
    maps, and a data frame is put together again on top of them without a copy.

    Parameters
    ----------
    **values : dict
        Read back as attributes.
    """

    def __init__(self, **values: Any) -> None:
        self.values = values
        self._parts: tuple[str, NDArray[np.uint8], list[NDArray[np.uint8]]] | None
        self._parts = None
        self._reference: Any = None

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["values"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __sizeof__(self) -> int:
        """Return the size of what travels: dask scatters what is large."""
        _, stem, buffers = self._pickled()
        return int(stem.nbytes) + sum(int(buffer.nbytes) for buffer in buffers)

    def __reduce__(self) -> tuple[Any, ...]:
        if self._reference is not None:
            return _fetch, (self._pickled()[0], self._reference)
        return _restore, self._pickled()

    def put_into_ray(self) -> None:
        """Store the data in ray's memory, so that only a reference travels.

        ray does not recognise an array that it has sent before.
        """
        import ray

        self._reference = ray.put(self._pickled())

    def _pickled(self) -> tuple[str, NDArray[np.uint8], list[NDArray[np.uint8]]]:
        """Return an identity, the pickle and its buffers, always the same objects.

        joblib recognises an array that it has mapped before by its identity.
        """
        if self._parts is None:
            buffers: list[pickle.PickleBuffer] = []
            stem = cloudpickle_dumps(
                self.values, protocol=5, buffer_callback=buffers.append
            )
            self._parts = (
                uuid.uuid4().hex,
                np.frombuffer(stem, dtype=np.uint8),
                [np.frombuffer(buffer.raw(), dtype=np.uint8) for buffer in buffers],
            )
        return self._parts


_restored: dict[str, Shared] = {}
"""The data that this worker process read last, by its identity."""


def _restore(
    identity: str, stem: NDArray[np.uint8], buffers: list[NDArray[np.uint8]]
) -> Shared:
    """Put shared data together in a worker, or find it there."""
    if identity not in _restored:
        values = pickle.loads(stem.data, buffers=buffers)
        _restored.clear()
        shared = Shared(**values)
        # Should it travel on, to nested workers, it keeps its identity.
        shared._parts = (identity, stem, buffers)
        _restored[identity] = shared
    return _restored[identity]


def _fetch(identity: str, reference: Any) -> Shared:
    """Put shared data together in a worker of ray, or find it there."""
    if identity not in _restored:
        import ray

        return _restore(*ray.get(reference))
    return _restored[identity]


_watched: set[tuple[int, int]] = set()
"""This process and the parent that it ends with; a fork has neither thread nor entry"""


def _end_with(parent: int) -> None:
    """Have this process end when `parent` does.

    A worker of loky whose parent was killed would wait for a call until its time-out,
    five minutes: it holds both ends of the pipe itself, so nothing tells it.
    """
    pair = (os.getpid(), parent)
    if pair in _watched:
        return
    _watched.add(pair)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH)
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


class FitTimeoutError(TimeoutError):
    """An evaluation took longer than it may."""


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Conditions under which a worker runs an evaluation.

    Parameters
    ----------
    parent : int, default=None
        Process id that the worker's parent has to have: a worker whose search was
        killed must not go on. None where workers are not children of the search.
    deadline : float, default=None
        Time, as `time.time`, from which nothing is begun.
    timeout : float, default=None
        Seconds that fit and scoring may take.
    """

    parent: int | None = None
    deadline: float | None = None
    timeout: float | None = None

    def leave_if_orphaned(self) -> None:
        """End this process if the search that it works for has died, now or later."""
        if self.parent is None:
            return
        if os.getppid() != self.parent:
            os._exit(1)
        _end_with(self.parent)

    @property
    def is_late(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.time() >= self.deadline

    @contextmanager
    def alarm(self) -> Iterator[None]:
        """Have `FitTimeoutError` raised when the time is up.

        By a signal, so it reaches Python code only, in the main thread only. It is
        repeated each second, in case something swallows the exception. An alarm that
        was set before, by a search around this one or by the user, is given back with
        what is left of its time.
        """
        if self.timeout is None or not HAS_ALARM:
            yield
            return

        def ring(*_: Any) -> None:
            raise FitTimeoutError(f"fit_timeout: not done within {self.timeout:g} s")

        start = time.monotonic()
        handler = signal.signal(signal.SIGALRM, ring)
        left, interval = signal.setitimer(signal.ITIMER_REAL, self.timeout, 1.0)
        if 0.0 < left < self.timeout:
            signal.setitimer(signal.ITIMER_REAL, left, 1.0)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, handler)
            if left:
                left = max(left - (time.monotonic() - start), 1e-3)
                signal.setitimer(signal.ITIMER_REAL, left, interval)


def evaluate(
    *,
    guard: Guard,
    start_mark: str | None,
    shared: Shared,
    training: Training | None = None,
    **kwargs: Any,
) -> tuple[Outcome | None, bool]:
    """Evaluate one candidate on one split, in a worker.

    Parameters
    ----------
    guard : Guard
        Conditions under which to run at all.
    start_mark : str or None
        File to write this process's id to, for who watches the time.
    shared : Shared
        ``X``, ``y``, ``scorer``, ``fit_params``, ``score_params``,
        ``return_train_score``, ``error_score`` and ``verbose``.
    training : Training, default=None
        How to train the estimator if not by its ``fit`` alone.
    **kwargs : dict
        Passed on to `fit_and_score`.

    Returns
    -------
    outcome : dict or None
        See `fit_and_score`; None if the deadline had passed.
    stop : bool
        Whether a callback asked to stop.
    """
    guard.leave_if_orphaned()
    if guard.is_late:
        return None, False
    if start_mark is not None:
        Path(start_mark).write_text(str(os.getpid()))
    start = time.time()
    if training is not None:
        training.take_over(kwargs["estimator"])
    try:
        with guard.alarm():
            return fit_and_score(**shared.values, **kwargs)
    except FitTimeoutError as error:
        # Rung outside of what fit_and_score guards; inside, it is a failed fit there.
        if shared.error_score == "raise":
            raise
        outcome = failed_outcome(
            str(error),
            scorer=shared.scorer,
            error_score=shared.error_score,
            n_test_samples=len(kwargs["test"]),
            return_train_score=shared.return_train_score,
            fit_time=time.time() - start,
        )
        return outcome, False
    finally:
        if start_mark is not None:
            Path(start_mark).unlink(missing_ok=True)
