"""What a function reads and keeps in addition to its code."""

from __future__ import annotations

import dis
import inspect
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import Any

import numpy as np

__all__ = ["arguments_of", "attributes_kept", "variables_of"]

_KINDS = (
    inspect.CO_VARARGS
    | inspect.CO_VARKEYWORDS
    | inspect.CO_GENERATOR
    | inspect.CO_COROUTINE
    | inspect.CO_ASYNC_GENERATOR
)

_CONTAINERS = (list, dict, set, bytearray, deque, np.ndarray)


def variables_of(function: FunctionType) -> dict[str, Any]:
    """Return what a function reads besides its arguments.

    Enclosed variables, global ones and default values. A counter or a log that the
    function itself keeps is left out, as what it holds depends on how often the
    function has run: a variable that it assigns, and a container into which it puts
    something.

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
    ...     def scale(x, shift=1.0):
    ...         log.append(x)
    ...         return factor * x + shift
    ...
    ...     return scale
    >>> variables_of(scaled(2.0, []))
    {'factor': 2.0, 'shift': 1.0}
    """
    code = function.__code__
    names = _Names()
    for part in _codes(code):
        _sort_names(part, names)
    cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
    found = {name: cell.cell_contents for name, cell in cells if not _is_empty(cell)}
    known = function.__globals__
    found |= {name: known[name] for name in sorted(names.read & known.keys())}
    defaults = function.__defaults__ or ()
    positional = code.co_varnames[: code.co_argcount]
    found |= zip(positional[len(positional) - len(defaults) :], defaults, strict=True)
    found |= function.__kwdefaults__ or {}
    return {
        name: value
        for name, value in found.items()
        if name not in names.assigned
        and not (name in names.filled and isinstance(value, _CONTAINERS))
    }


def attributes_kept(name: str, functions: Iterable[FunctionType]) -> set[str]:
    """Return the attributes that functions assign to what they call by some name.

    A counter such as ``function.n_calls += 1`` is no part of what a function does.

    Parameters
    ----------
    name : str
        Name of the function, or of the class that has the functions as methods.
    functions : iterable of function
        Written in Python.

    Returns
    -------
    set of str
    """
    names = _Names()
    for function in functions:
        for part in _codes(function.__code__):
            _sort_names(part, names)
    return {attribute for owner, attribute in names.attributes if owner == name}


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
    """Names in some code: global variables that it reads, and what it changes."""

    read: set[str] = field(default_factory=set)
    assigned: set[str] = field(default_factory=set)
    filled: set[str] = field(default_factory=set)
    attributes: set[tuple[str, str]] = field(default_factory=set)


def _sort_names(code: CodeType, names: _Names) -> None:
    """Add the names in some code.

    It fills a container by ``name[...] = ...`` and by ``name.method(...)`` where the
    result is dropped, and assigns an attribute by ``name.attribute = ...``: by
    instructions that begin in the source where `name` stands.
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
        if (is_global or is_enclosed) and is_changed:
            names.assigned.add(step.argval)
        elif step.opname.startswith(("LOAD_FAST", "LOAD_DEREF")) or is_global:
            # Python may load two variables in one step: the first stands here.
            pair = isinstance(step.argval, tuple)
            names_at[at] = step.argval[0] if pair else step.argval
            # Python's own, such as `__file__`, say where the function stands.
            if is_global and not step.argval.startswith("__"):
                names.read.add(step.argval)
        elif at in names_at:
            is_dropped = kind == "CALL" and following.opname == "POP_TOP"
            if is_dropped or (is_changed and variable == "SUBSCR"):
                names.filled.add(names_at[at])
            if is_changed and variable == "ATTR":
                names.attributes.add((names_at[at], step.argval))
