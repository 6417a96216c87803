"""When a worker may run an evaluation, and for how long."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sklearn_tuners._engine.workers import HAS_ALARM

__all__ = ["FitTimeoutError", "Guard"]

_WATCH = 1.0
"""Seconds between checks that the parent is alive: an orphan ends soon, and a check
costs one system call."""

_watched: set[tuple[int, int]] = set()
"""Process and parent of each watching thread; a fork starts without one."""


def _end_with(parent: int) -> None:
    """End this process when `parent` ends.

    After the death of its parent a worker of loky would wait for its time-out of five
    minutes: it holds both ends of the pipe, so it sees no end of file.
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
    """An evaluation exceeded its time limit."""


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Conditions under which a worker runs an evaluation.

    Parameters
    ----------
    parent : int, default=None
        Process id of the search, if workers are its children: a worker must not
        continue after the death of its search.
    deadline : float, default=None
        Time, as `time.time`, from which no evaluation begins.
    timeout : float, default=None
        Seconds that fit and scoring may take together.
    """

    parent: int | None = None
    deadline: float | None = None
    timeout: float | None = None

    def leave_if_orphaned(self) -> None:
        """End this process if its search has died, now or later."""
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
        """Raise `FitTimeoutError` when the time is up.

        A signal raises it, in Python code and in the main thread only. It is repeated
        every second, in case some code swallows the exception. An earlier alarm, of an
        outer search or the user, is restored with its remaining time.
        """
        if self.timeout is None or not HAS_ALARM:
            yield
            return

        def ring(*_: Any) -> None:
            raise FitTimeoutError(f"fit_timeout: not done within {self.timeout:g} s")

        start = time.monotonic()
        handler = signal.getsignal(signal.SIGALRM)
        left, interval = signal.getitimer(signal.ITIMER_REAL)
        try:
            try:
                signal.signal(signal.SIGALRM, ring)
                first = min(left, self.timeout) if left else self.timeout
                signal.setitimer(signal.ITIMER_REAL, first, 1.0)
                yield
            finally:  # it may ring, or be interrupted, just here
                signal.setitimer(signal.ITIMER_REAL, 0.0)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            if handler is not None:  # None: it was not set by Python
                signal.signal(signal.SIGALRM, handler)
            if left:
                left = max(left - (time.monotonic() - start), 1e-3)
                signal.setitimer(signal.ITIMER_REAL, left, interval)
