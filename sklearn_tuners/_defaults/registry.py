"""The registry of search spaces: ``spaces.csv`` and the rows registered by users.

A row states, for one parameter of one class, which values may be tried, under which
condition, and which end is simpler. ``docs/reference/spaces_table.md`` describes the
columns. Classes are given by dotted name, so a row needs no import of the package.
"""

from __future__ import annotations

import ast
import csv
import inspect
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from itertools import takewhile
from numbers import Real
from typing import Any, Self

from sklearn_tuners._defaults.sizes import FACTS, QUANTITIES

__all__ = [
    "Bounds",
    "Row",
    "dotted_names",
    "holds_for",
    "is_known",
    "left_out",
    "register",
    "rows_of",
    "shipped",
]

ENTRY_POINTS = "sklearn_tuners.spaces"
"""Group of the entry points by which packages add rows."""

KINDS = ("float", "int", "choice", "")
SCALES = ("linear", "log", "")
SIMPLER = ("low", "high", "")
"""What the columns `kind`, `scale` and `simpler` may hold."""

Bounds = tuple[tuple[float, str], ...]
Condition = tuple[tuple[str, tuple[Any, ...]], ...]


@dataclass(frozen=True)
class Row:
    """One row of the registry; see `Row.read` for the columns as they are written.

    Attributes
    ----------
    parameter : str
        Name of the parameter.
    kind : {"float", "int", "choice", ""}
        Numbers, a list of values, or "" if the parameter is not searched.
    low, high : tuple of (float, str)
        Bounds, all of which hold: a factor, and the quantity that it multiplies, ""
        for none.
    log : bool
        Whether the range is logarithmic.
    values : tuple
        Values of a choice.
    condition : dict of str to tuple
        Values of other parameters with which this one acts.
    simpler : {"low", "high", ""}
        The end that regularises more; of a choice, the end of `values`.
    resource : int or None
        Smallest sensible value, if more is never worse and only costs more.
    versions : str
        Versions of the package for which the row holds, as ``>=1.8``; "" for all.
    """

    parameter: str
    kind: str = ""
    low: Bounds = ()
    high: Bounds = ()
    log: bool = False
    values: tuple[Any, ...] = ()
    condition: Condition = ()
    simpler: str = ""
    resource: int | None = None
    versions: str = ""

    @classmethod
    def read(cls, cells: Mapping[str, Any]) -> Self:
        """Return the row of some cells, of the table or of a user.

        Parameters
        ----------
        cells : dict
            Columns to cells; missing ones are empty. Numbers, lists of values and
            conditions may be given as objects instead of text.

        Raises
        ------
        ValueError, TypeError
            If a cell is invalid; the message names it.

        Examples
        --------
        >>> row = Row.read({"parameter": "k", "kind": "int", "low": 1, "high": "p 50"})
        >>> row.high
        ((1.0, 'p'), (50.0, ''))
        """
        text = {name: "" if cell is None else cell for name, cell in cells.items()}
        known = {field.name for field in fields(cls)} - {"log"}
        ignored = {"scale", "estimator", "depends", "source"}
        for column in text:
            if column not in known | ignored:
                raise ValueError(
                    f"A row has no column {column!r}; the columns are "
                    f"{', '.join(sorted(known | ignored))}."
                )
        name = text.get("parameter", "")
        if not isinstance(name, str) or not name:
            raise ValueError(f"A row needs the name of a parameter, got {name!r}.")
        _check_words(name, text)
        row = cls(
            parameter=name,
            kind=text.get("kind", ""),
            low=_bounds(name, text.get("low", "")),
            high=_bounds(name, text.get("high", "")),
            log=text.get("scale") == "log",
            values=_values(name, text.get("values", "")),
            condition=_condition(name, text.get("condition", "")),
            simpler=text.get("simpler", ""),
            resource=_resource(name, text.get("resource", "")),
            versions=text.get("versions", ""),
        )
        is_range = row.kind in ("float", "int")
        if is_range != bool(row.low and row.high) or (row.kind == "choice") != bool(
            row.values
        ):
            raise ValueError(
                f"{name}: a float or an int needs low and high, a choice needs values, "
                f"other rows have neither; got {dict(cells)!r}."
            )
        if is_range:
            _check_range(row)
        return row


def _check_words(name: str, text: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` if a column has a word that it may not have."""
    for column, allowed in {
        "kind": KINDS,
        "scale": SCALES,
        "simpler": SIMPLER,
    }.items():
        if text.get(column, "") not in allowed:
            raise ValueError(
                f"{name}: {column} must be one of {allowed}, got {text[column]!r}."
            )


def _check_range(row: Row) -> None:
    """Raise ``ValueError`` if no number is between the bounds, whatever the data."""
    low = max((factor for factor, quantity in row.low if not quantity), default=None)
    high = min((factor for factor, quantity in row.high if not quantity), default=None)
    if low is not None and high is not None and low > high:
        raise ValueError(
            f"{row.parameter}: low is {low:g}, which is above high, {high:g}."
        )
    if row.log and any(end is not None and end <= 0 for end in (low, high)):
        raise ValueError(
            f"{row.parameter}: a logarithmic range needs bounds above 0, "
            f"got {low} and {high}."
        )


def _check_bound(factor: float, quantity: str) -> None:
    """Raise ``ValueError`` if there is no such quantity."""
    if quantity and quantity not in QUANTITIES:
        raise ValueError(
            f"{factor:g}*{quantity} is not a bound: a bound is a number, one of "
            f"{', '.join(QUANTITIES)}, or a number times one of these (0.5*n)."
        )


def _bounds(name: str, cell: Any) -> Bounds:
    """Read a number, a quantity, a multiple of one, or several of these."""
    found: list[tuple[float, str]] = []
    for token in str(cell).split():
        factor, star, quantity = token.partition("*")
        try:
            found.append((float(factor), quantity))
        except ValueError:
            found.append((1.0, token))
        try:
            _check_bound(*found[-1])
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        if star and not found[-1][1]:
            raise ValueError(f"{name}: {token!r} is not a bound.")
    return tuple(found)


def _values(name: str, cell: Any) -> tuple[Any, ...]:
    """Read Python literals separated by ``|``."""
    if isinstance(cell, list | tuple):
        return tuple(cell)
    if not isinstance(cell, str):
        raise TypeError(f"{name}: values must be a list, got {cell!r}.")
    try:
        return tuple(ast.literal_eval(v.strip()) for v in cell.split("|") if v.strip())
    except (ValueError, SyntaxError) as error:
        raise ValueError(f"{name}: {cell!r} are not Python literals.") from error


def _condition(name: str, cell: Any) -> Condition:
    """Read ``a=1|2 & b!='x'``, or a dict of names to lists; the name ``b!`` stays."""
    if isinstance(cell, str):
        parts = [part.partition("=") for part in cell.split("&") if part.strip()]
        given = {other.strip(): values for other, _, values in parts}
    elif isinstance(cell, Mapping) and not any(
        isinstance(v, str) for v in cell.values()
    ):
        given = dict(cell)
    else:
        raise TypeError(
            f"{name}: condition must be a dict of names to lists of values, got "
            f"{cell!r}."
        )
    for other in given:
        if other.startswith("@") and other not in FACTS:
            raise ValueError(
                f"{name}: a condition cannot name {other!r}; the facts for conditions "
                f"are {', '.join(FACTS)}."
            )
    return tuple(
        (other, _values(f"{name}: condition {other}", values))
        for other, values in given.items()
    )


def _resource(name: str, cell: Any) -> int | None:
    """Read a positive integer; None for an empty cell."""
    try:
        number = None if cell == "" else int(cell)
    except (ValueError, TypeError):
        number = 0
    if number is not None and (number < 1 or str(number) != str(cell)):
        raise ValueError(f"{name}: resource must be a positive int, got {cell!r}.")
    return number


# Looking up ---------------------------------------------------------------------------


def _read_table(name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file of this package."""
    file = files("sklearn_tuners._defaults").joinpath(name)
    yield from csv.DictReader(file.read_text(encoding="utf-8").splitlines())


_registered: dict[str, tuple[Row, ...]] = {}


@cache
def shipped() -> dict[str, tuple[Row, ...]]:
    """Return the rows of ``spaces.csv`` by class."""
    found: dict[str, list[Row]] = {}
    for cells in _read_table("spaces.csv"):
        found.setdefault(cells["estimator"], []).append(Row.read(cells))
    return {name: tuple(rows) for name, rows in found.items()}


@cache
def left_out() -> dict[str, str]:
    """Return the classes that have no rows, each with the reason."""
    table = _read_table("spaces_left_out.csv")
    return {cells["estimator"]: cells["reason"] for cells in table}


@cache
def _plugged_in() -> dict[str, tuple[Row, ...]]:
    """Return the rows of the entry points of installed packages."""
    found: dict[str, tuple[Row, ...]] = {}
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            found |= {name: _read_rows(rows) for name, rows in entry.load()().items()}
        except Exception as error:  # the code of another package
            warnings.warn(
                f"The search spaces of the entry point {entry.name!r} ({entry.value}) "
                f"are ignored: {error!r}",
                stacklevel=2,
            )
    return found


def _read_rows(rows: Iterable[Mapping[str, Any]]) -> tuple[Row, ...]:
    """Read the rows that a user gives for a class."""
    read = tuple(Row.read(cells) for cells in rows)
    ranges = {row.parameter for row in read if row.kind in ("float", "int")}
    for row in read:
        for other, values in row.condition:
            if other in ranges and any(isinstance(v, Real) for v in values):
                raise ValueError(
                    f"{row.parameter}: a condition cannot list values of {other!r}, "
                    "which is searched as a range."
                )
    return read


def register(estimator_class: type, rows: Iterable[Mapping[str, Any]]) -> None:
    """Replace the rows of a class."""
    read = _read_rows(rows)
    _check_names(estimator_class, read)
    _registered[dotted_names(estimator_class)[0]] = read


def _check_names(estimator_class: type, rows: Iterable[Row]) -> None:
    """Raise ``ValueError`` if rows name a parameter that the class does not have."""
    signature = inspect.signature(estimator_class).parameters
    if any(p.kind is p.VAR_KEYWORD for p in signature.values()):
        return  # it may have any parameter
    for row in rows:
        others = (other.rstrip("!") for other, _ in row.condition)
        for name in (row.parameter, *others):
            if name not in {*signature, *FACTS}:
                raise ValueError(
                    f"{row.parameter}: {estimator_class.__name__} has no parameter "
                    f"{name!r}; it has {', '.join(sorted(signature))}."
                )


def dotted_names(estimator_class: type) -> list[str]:
    """Names of a class in the registry: the full one, then the public ones.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> dotted_names(Ridge)
    ['sklearn.linear_model._ridge.Ridge', 'sklearn.linear_model.Ridge', 'sklearn.Ridge']
    """
    parts = estimator_class.__module__.split(".")
    public = list(takewhile(lambda part: not part.startswith("_"), parts))
    name = estimator_class.__qualname__
    modules = [parts, public or parts[:1], parts[:1]]
    return list(dict.fromkeys(".".join([*module, name]) for module in modules))


def rows_of(estimator: Any) -> tuple[Row, ...]:
    """Rows of the class of an estimator, or of its nearest base class with rows.

    Parameters
    ----------
    estimator : object
        An instance.

    Returns
    -------
    tuple of Row
        The rows that apply to the installed version of the package.
    """
    base, rows = _find(estimator) or (object, ())
    version = _version(base)
    return tuple(row for row in rows if holds_for(row.versions, version))


def is_known(estimator: Any) -> bool:
    """Whether the class of an estimator or a base class is in one of the tables."""
    return _find(estimator) is not None


def _find(estimator: Any) -> tuple[type, tuple[Row, ...]] | None:
    """Return the nearest base class in one of the tables, with its rows."""
    tables = (_registered, _plugged_in(), shipped(), dict.fromkeys(left_out(), ()))
    for base in type(estimator).__mro__:
        for table in tables:
            for name in dotted_names(base):
                if name in table:
                    return base, table[name]
    return None


def _version(estimator_class: type) -> str:
    package = sys.modules.get(estimator_class.__module__.partition(".")[0])
    return str(getattr(package, "__version__", "0"))


def holds_for(versions: str, version: str) -> bool:
    """Whether a row holds for a version.

    Examples
    --------
    >>> holds_for(">=1.8", "1.10.0"), holds_for("<1.8", "1.8.0"), holds_for("", "1.7")
    (True, False, True)
    """
    if not versions:
        return True
    own = _release(version)
    return all(
        own >= _release(bound[2:]) if bound.startswith(">=") else own < _release(bound)
        for bound in versions.replace(" ", "").split(",")
    )


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
