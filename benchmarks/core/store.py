"""Results of a study: one row per run, written as soon as the run finishes."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["Store", "number"]

Row = dict[str, Any]


class Store:
    """Rows of a CSV file, each under the key that its first columns make.

    Parameters
    ----------
    path : Path or None
        The file. What it holds is read at once; None keeps the rows in memory.
    keys : sequence of str
        Columns that tell one run from another.

    Attributes
    ----------
    rows : list of dict
        In the order of the file. Cells that look like numbers are numbers.
    """

    def __init__(self, path: Path | None, keys: Iterable[str]) -> None:
        self.path, self.keys = path, tuple(keys)
        self.rows: list[Row] = []
        self._columns: list[str] = []
        if path is not None and path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                self._columns = list(reader.fieldnames or ())
                self.rows = [{k: number(v) for k, v in row.items()} for row in reader]
        self._known = {self.key(row) for row in self.rows}

    def key(self, row: Row) -> tuple[Any, ...]:
        """Return what tells a row from the others."""
        return tuple(row[name] for name in self.keys)

    def __contains__(self, key: tuple[Any, ...]) -> bool:
        return key in self._known

    def missing(self, keys: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """Yield the keys that have no row yet."""
        return (key for key in keys if key not in self)

    def append(self, row: Row) -> None:
        """Add a row, in the file too."""
        self.rows.append(row)
        self._known.add(self.key(row))
        if self.path is None:
            return
        is_new = not self._columns
        self._columns = self._columns or list(row)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self._columns, lineterminator="\n")
            if is_new:
                writer.writeheader()
            writer.writerow(row)

    def by_key(self) -> dict[tuple[Any, ...], Row]:
        """Return the rows under their keys."""
        return {self.key(row): row for row in self.rows}

    def values(self, column: str) -> list[Any]:
        """Return the different values of a column, in order of appearance."""
        return list(dict.fromkeys(row[column] for row in self.rows))

    def where(self, **values: Any) -> list[Row]:
        """Return the rows that have these values."""
        return [r for r in self.rows if all(r[k] == v for k, v in values.items())]


def number(text: str) -> Any:
    """Return the number that a cell holds, or the text if it holds none."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
