"""BLAS on one thread, in a way that several threads can use at the same time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController

__all__ = ["BlasLimit", "single_threaded"]

_Found = list[tuple[Any, int]]
"""Libraries whose number of threads was changed, and what it was."""


@cache
def _blas() -> Sequence[Any]:
    """Return what controls the BLAS libraries: finding them takes 2 ms."""
    controllers = ThreadpoolController().select(user_api="blas").lib_controllers
    return tuple(controllers)


class BlasLimit:
    """Limits BLAS to one thread while any block of the process asks for it.

    The number of threads belongs to the process. If each block restored what it found,
    the last of two overlapping blocks would restore the limit that the other one set.
    So the first block sets the limit and the last one lifts it. Where BLAS uses OpenMP
    the number belongs to the calling thread, and each block restores its own.

    Parameters
    ----------
    libraries : callable
        ``libraries()`` returns the controllers of threadpoolctl to use.
    """

    def __init__(self, libraries: Callable[[], Sequence[Any]]) -> None:
        self._libraries = libraries
        self._lock = Lock()
        self._inside: set[object] = set()
        self._found: _Found = []

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Limit BLAS inside a ``with`` block."""
        block = object()
        own: _Found = []
        try:
            with self._lock:
                is_first = not self._inside
                self._inside.add(block)
                for library in self._libraries():
                    if _is_per_thread(library):
                        _limit(library, own)
                    elif is_first:
                        _limit(library, self._found)
            yield
        finally:
            _restore(own)
            with self._lock:
                self._inside.discard(block)
                if not self._inside:
                    _restore(self._found)

    def before_fork(self) -> None:
        """Wait until no other thread is changing the limit."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Let other threads go on."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Lift the limit: the threads that asked for it do not exist in the child."""
        self._inside.clear()
        _restore(self._found)
        self._lock.release()


def _is_per_thread(library: Any) -> bool:
    return getattr(library, "threading_layer", None) == "openmp"


def _limit(library: Any, found: _Found) -> None:
    """Limit a library to one thread, and note what it had.

    Nothing is noted of a library that somebody else has limited: whoever did will
    lift that limit.
    """
    n_threads = library.num_threads
    if n_threads is None or n_threads <= 1:
        return
    found.append((library, n_threads))  # before the change: Ctrl-C may come in between
    _release(library)
    library.set_num_threads(1)


def _restore(found: _Found) -> None:
    for library, n_threads in found:
        _release(library)
        library.set_num_threads(n_threads)
        _release(library)
    found.clear()


def _release(library: Any) -> None:
    """Let this thread set the number of threads, whichever thread did so before.

    From version 3.8 on, threadpoolctl ignores all threads but one.
    """
    if hasattr(library, "clear_controlling_thread"):
        library.clear_controlling_thread(force=True)


_LIMIT = BlasLimit(_blas)
if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(
        before=_LIMIT.before_fork,
        after_in_parent=_LIMIT.after_fork_in_parent,
        after_in_child=_LIMIT.after_fork_in_child,
    )


def single_threaded() -> AbstractContextManager[None]:
    """Limit BLAS to one thread inside a ``with`` block.

    The matrices of the surrogate are too small to gain from threads: OpenBLAS would
    spend most of its time waking them. Results also become independent of the number
    of cores, as the order of a sum depends on how it is divided.
    """
    return _LIMIT()
