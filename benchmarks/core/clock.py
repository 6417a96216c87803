"""The clock of all studies.

Seconds of the processor where that is possible: other programs do not change them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

__all__ = ["Stopwatch", "process_seconds"]


class Stopwatch:
    """Adds up the seconds of the blocks, calls and methods that it is put around.

    Attributes
    ----------
    wall, process, thread : float
        Seconds by the clock on the wall, of this process and of the calling thread.
    n_calls : int
        How often it was started.

    Examples
    --------
    >>> watch = Stopwatch()
    >>> with watch:
    ...     _ = sum(range(1000))
    >>> watch.n_calls, watch.wall > 0
    (1, True)
    """

    def __init__(self) -> None:
        self.wall = self.process = self.thread = 0.0
        self.n_calls = 0

    def __enter__(self) -> Stopwatch:
        self._start = time.perf_counter(), time.process_time(), time.thread_time()
        return self

    def __exit__(self, *exc_info: object) -> None:
        wall, process, thread = self._start
        self.wall += time.perf_counter() - wall
        self.process += time.process_time() - process
        self.thread += time.thread_time() - thread
        self.n_calls += 1

    @contextmanager
    def watch(
        self, owner: type, name: str, then: Callable[[], None] = lambda: None
    ) -> Iterator[Stopwatch]:
        """Time every call of a public method; `then` is called after each."""
        method = getattr(owner, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            with self:
                result = method(*args, **kwargs)
            then()
            return result

        with mock.patch.object(owner, name, watched):
            yield self


def process_seconds(call: Callable[[], Any]) -> float:
    """Return the processor seconds of one call."""
    with Stopwatch() as watch:
        call()
    return watch.process
