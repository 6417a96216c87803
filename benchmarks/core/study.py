"""Studies and their command line.

A study is a module of `benchmarks.studies`. The first line of its docstring is the
question. It has ``KEYS``, the columns that tell one run from another, and the functions

``run(store, *, ...)``
    makes the runs that the store does not hold yet, and may return what to print;
``table(store, *, ...)``
    returns what the store says, as Markdown;
``plot(store, *, ...)``
    draws it; not every study has one.

Their keyword arguments are the options of the command line. ``SMOKE`` holds those of
the smallest `run`, for the tests.
"""

from __future__ import annotations

import argparse
import inspect
import sys
import types
import typing
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from threadpoolctl import threadpool_limits

from benchmarks.core.store import Store

__all__ = ["COMMANDS", "RESULTS", "add_options", "load", "names", "start"]

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
COMMANDS = {
    "run": "make the runs that are missing, then print the table",
    "table": "print the table of the runs there are",
    "plot": "draw the picture",
}


def names() -> list[str]:
    """Return the names of all studies."""
    return sorted(module.name for module in iter_modules([str(ROOT / "studies")]))


def load(name: str) -> types.ModuleType:
    """Return the module of a study."""
    return import_module(f"benchmarks.studies.{name}")


def start(name: str, command: str, path: Path | None, options: dict[str, Any]) -> None:
    """Carry out a command of a study, on one thread and without warnings of fits.

    A run that returns nothing to print is followed by the table.

    Raises
    ------
    SystemExit
        If there are no results to show.
    """
    study = load(name)
    store = Store(path, study.KEYS)
    result = None
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if command == "run":
            result = study.run(store, **options)
            takes = inspect.signature(study.table).parameters
            command = "table"
            options = {k: v for k, v in options.items() if k in takes}
        if result is None:
            if not store.rows:
                sys.exit(f"no results; run python -m benchmarks {name} run first")
            result = getattr(study, command)(store, **options)
    if result is not None:
        print(result)


def add_options(parser: argparse.ArgumentParser, function: Callable[..., Any]) -> None:
    """Add an option for each keyword of a function, of the kind of its annotation."""
    hints = typing.get_type_hints(function)
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        flag, hint = f"--{name.replace('_', '-')}", hints[name]
        if hint is bool:
            parser.add_argument(flag, action="store_true")
            continue
        inner = [kind for kind in typing.get_args(hint) if kind is not types.NoneType]
        is_list = typing.get_origin(hint) is tuple
        parser.add_argument(
            flag,
            type=inner[0] if inner else hint,
            nargs="+" if is_list else None,
            default=parameter.default,
            metavar=name.upper(),
            help="default: %(default)s",
        )
