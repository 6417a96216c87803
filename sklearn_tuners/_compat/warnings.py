"""Warning filters that searches and fits in several threads can change.

The filters belong to the process. `warnings.catch_warnings` restores what it found, so
that of two threads that overlap the last one restores what the other had set.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Any

__all__ = [
    "HAS_OWN_FILTERS",
    "current_filters",
    "kept_filters",
    "silenced",
    "use_filters",
]

HAS_OWN_FILTERS = bool(getattr(sys.flags, "context_aware_warnings", False))
"""Whether each thread has filters of its own (Python 3.14)."""

_lock = Lock()
_silenced: Counter[tuple[type[Warning], str]] = Counter()
"""Number of blocks inside `silenced`, by what they silence."""
_lists: dict[tuple[type[Warning], str], list[list[Any]]] = {}
"""The lists of filters that have an entry of `silenced`."""
_keeping: set[object] = set()
_kept = ExitStack()


def current_filters() -> Sequence[Any]:
    """Return the filters of the calling thread."""
    found: Sequence[Any] = getattr(warnings, "_get_filters", lambda: warnings.filters)()
    return found


def use_filters(filters: Sequence[Any]) -> None:
    """Replace the filters of the process, if they are others."""
    if list(warnings.filters) != list(filters):
        warnings.filters = list(filters)


@contextmanager
def silenced(category: type[Warning], message: str = "") -> Iterator[None]:
    """Ignore a kind of warnings inside a ``with`` block.

    Only one filter is added and taken away again, so that other threads may change
    the filters meanwhile.

    Parameters
    ----------
    category : type
        Class of the warnings.
    message : str, default=""
        Regular expression that the beginning of their text matches.
    """
    if HAS_OWN_FILTERS:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message, category)
            yield
        return
    kind = category, f"(?#sklearn_tuners){message}"  # unlike any filter of the user
    try:
        with _lock:
            _silenced[kind] += 1
            _lists.setdefault(kind, []).append(warnings.filters)  # type: ignore[arg-type]
            warnings.filterwarnings("ignore", kind[1], category)
        yield
    finally:
        with _lock:
            _silenced[kind] -= 1
            if not _silenced[kind]:
                for filters in [*_lists.pop(kind), warnings.filters]:
                    filters[:] = [f for f in filters if not _is_of(f, kind)]  # type: ignore[index]


def _is_of(entry: Any, kind: tuple[type[Warning], str]) -> bool:
    """Return whether a filter is an entry of `silenced`."""
    _, pattern, category, *_ = entry
    return category is kind[0] and getattr(pattern, "pattern", pattern) == kind[1]


@contextmanager
def kept_filters() -> Iterator[None]:
    """Restore the filters, and what shows warnings, after a ``with`` block.

    Of blocks that overlap in several threads the first one notes the state and the
    last one restores it.
    """
    block = object()
    try:
        with _lock:
            if not _keeping:
                _kept.enter_context(warnings.catch_warnings())
            _keeping.add(block)
        yield
    finally:
        with _lock:
            _keeping.discard(block)
            if not _keeping:
                _kept.close()
