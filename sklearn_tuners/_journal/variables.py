"""What a function has besides its code: the variables of others that it reads."""

from __future__ import annotations

import dis
import inspect
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import Any

import numpy as np

__all__ = ["arguments_of", "variables_of"]

_KINDS = (
    inspect.CO_VARARGS
    | inspect.CO_VARKEYWORDS
    | inspect.CO_GENERATOR
    | inspect.CO_COROUTINE
    | inspect.CO_ASYNC_GENERATOR
)

_CONTAINERS = (list, dict, set, bytearray, deque, np.ndarray)


def variables_of(function: FunctionType) -> dict[str, Any]:
    """Return the variables that a function encloses, and the global ones that it reads.

    A counter or a log that the function itself keeps is left out, as what it holds
    depends on how often the function has run: a variable that it assigns, and a
    container into which it puts something.

    Parameters
    ----------
    function : function
        Written in Python.

    Returns
    -------
    dict of str to object
        Without the enclosed variables that have no value yet.

    Examples
    --------
    >>> def scaled(factor, log):
    ...     def scale(x):
    ...         log.append(x)
    ...         return factor * x
    ...
    ...     return scale
    >>> variables_of(scaled(2.0, []))
    {'factor': 2.0}
    """
    names = _Names()
    for code in _codes(function.__code__):
        _sort_names(code, names)
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    found = {name: cell.cell_contents for name, cell in cells if not _is_empty(cell)}
    known = function.__globals__
    found |= {name: known[name] for name in sorted(names.read & known.keys())}
    return {
        name: value
        for name, value in found.items()
        if name not in names.assigned
        and not (name in names.filled and isinstance(value, _CONTAINERS))
    }


def arguments_of(code: CodeType) -> tuple[Any, ...]:
    """Return what a call of some code may look like."""
    n_named = code.co_argcount + code.co_kwonlyargcount
    return (
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_varnames[:n_named],
        code.co_flags & _KINDS,
    )


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield some code and that of the functions inside."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _is_empty(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return True
    return False


@dataclass
class _Names:
    """Global variables that some code reads; others that it assigns, or fills."""

    read: set[str] = field(default_factory=set)
    assigned: set[str] = field(default_factory=set)
    filled: set[str] = field(default_factory=set)


def _sort_names(code: CodeType, names: _Names) -> None:
    """Add the names of variables that are not local to some code.

    It fills `name` by ``name[...] = ...`` and by ``name.method(...)`` where the result
    is dropped: by instructions that begin in the source where `name` stands.
    """
    names_at: dict[Any, str] = {}
    steps = list(dis.get_instructions(code))
    for step, following in zip(steps, [*steps[1:], steps[-1]], strict=True):
        place = step.positions
        at = place and place.lineno and (place.lineno, place.col_offset)
        kind, _, variable = step.opname.partition("_")
        is_global = "GLOBAL" in variable or step.opname == "LOAD_NAME"
        is_enclosed = "DEREF" in variable and step.argval in code.co_freevars
        is_changed = kind in ("STORE", "DELETE")
        if is_global or is_enclosed:
            if is_changed:
                names.assigned.add(step.argval)
            else:
                names_at[at] = step.argval
                # Python's own, such as `__file__`, say where the function stands.
                if is_global and not step.argval.startswith("__"):
                    names.read.add(step.argval)
        is_dropped = kind == "CALL" and following.opname == "POP_TOP"
        if (is_dropped or (is_changed and variable == "SUBSCR")) and at in names_at:
            names.filled.add(names_at[at])
