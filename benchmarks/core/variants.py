"""The package with some of its constants and functions replaced, for an ablation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

__all__ = ["Replaced", "replaced"]

Replaced = Mapping[str, Any]
"""Full dotted names and what stands in their place."""


@contextmanager
def replaced(names: Replaced) -> Iterator[None]:
    """Replace names for the length of a block.

    Raises
    ------
    AttributeError
        If one of the names does not exist (any more).

    Examples
    --------
    >>> import math
    >>> with replaced({"math.pi": 3}):
    ...     math.pi
    3
    """
    with ExitStack() as stack:
        for name, value in names.items():
            stack.enter_context(mock.patch(name, value))
        yield
