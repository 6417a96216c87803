"""The journal of a search: an SQLite file that holds every finished fold.

A search killed at any moment can be resumed from its journal: params and outcomes are
restored exactly. One process writes; any SQLite tool may read at the same time, and
finds numbers and text only (nothing is ever unpickled)::

    SELECT number, params, AVG(value) AS mean_test_score
    FROM trial JOIN score ON score.trial = number
    WHERE subset = 'test' GROUP BY number, metric ORDER BY 3 DESC

The format also stores what SQLite cannot hold. NaN, which it turns into NULL, is NULL
in the columns of measured numbers and ``NaN`` in JSON. ``-0.0`` would lose its sign in
a column declared REAL, so those columns have no declared type. Integers have no limit
in JSON. Text that is not valid Unicode, which may occur in a traceback, is a blob, so
that readers can skip it.
"""

from __future__ import annotations

import json
import math
import operator
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from numbers import Number
from types import MappingProxyType
from typing import Any, Self

import numpy as np

from sklearn_tuners._journal.file import (
    Identity,
    Synchronous,
    check_identity,
    create_file,
    explained,
    from_text,
    held_identity,
    open_file,
    set_durability,
    to_text,
)

__all__ = ["Identity", "Journal", "JournaledTrial", "Plain"]

Plain = int | float | str | bool | None
"""What params and settings may hold: JSON keeps these exactly, NaN and inf included."""

_OUTCOME_KEYS = {"test_scores", "n_test_samples", "fit_time", "score_time", "fit_error"}


@dataclass(frozen=True, slots=True)
class JournaledTrial:
    """What the journal knows of a trial.

    Attributes
    ----------
    number : int
        Position in the order of proposal.
    params : dict of str to int, float, str, bool or None
        As given to `Journal.add_trial`, in its order.
    outcomes : dict of int to dict
        The outcome of each finished split, as given to `Journal.add_outcome`; splits
        in ascending order.
    listed : list of str or None
        Names of the params that are objects listed in the space.
    row : list of float or None
        The row of the unit cube that says which of the objects they are.
    note : str or None
        Note of the search on the trial.
    """

    number: int
    params: dict[str, Plain]
    outcomes: dict[int, dict[str, Any]]
    listed: list[str] | None = None
    row: list[float] | None = None
    note: str | None = None


class Journal:
    """The SQLite file from which a search is resumed.

    It opens in two steps, as the space and the schedule of a search depend on the seed
    and the splits, which are in the journal: `open` compares what is known before them,
    `confirm` the rest. Close it when the search ends, preferably with a ``with``
    statement. It belongs to the thread that opened it; a forked process cannot use it.

    While it is open, ``PATH-lock`` (the lock), ``PATH-wal`` (the last commits) and
    ``PATH-shm`` exist beside the file and are removed on closing. After a crash they
    remain until the search is resumed; ``PATH-wal`` is then a part of the journal: copy
    or move it together with the file.

    Attributes
    ----------
    name : str
        Name of the file in error messages.
    settings : mapping of str to int, float, str, bool or None, or None
        The settings in force, those given when the journal was created; None if it is
        new and not confirmed. Read-only.

    Notes
    -----
    Each `add_trial` and each `add_outcome` is one transaction. From then on a kill or a
    crash of the process, at any moment, loses none of it. What a crash of the operating
    system or a power cut can cost depends on `synchronous`:

    - ``"NORMAL"``: the last commits, those that the operating system had not yet
      written to the disk (on Linux by default up to half a minute's worth), which are
      then run again. The journal then ends at some earlier commit; it is never corrupt.
      A commit takes about 0.15 ms (docs/measured/engine.md).
    - ``"FULL"``: nothing. Each commit waits for the disk, which takes milliseconds.

    Both need a disk that reports writes truthfully. Where SQLite cannot have a
    write-ahead log (file systems without shared memory, such as some network drives) it
    uses a rollback journal instead. The same promises hold; as NORMAL would not be safe
    there, FULL is used always, and a reader that stays in a transaction can block the
    search.

    A lock on ``PATH-lock`` ensures that two processes cannot use the same journal. The
    operating system releases it when the process ends, however it ends.

    References
    ----------
    .. [1] https://www.sqlite.org/wal.html
    .. [2] https://www.sqlite.org/pragma.html#pragma_synchronous

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp(), "search.db")
    >>> data = {"data": Identity("9c1f", "150 x 4")}
    >>> space = {"search space": Identity("07ab", "C from 0.1 to 10")}
    >>> with Journal.open(path, identity=data) as journal:
    ...     is_new = journal.settings is None
    ...     journal.confirm(identity=space, settings={"seed": 7})
    ...     journal.add_trial(0, {"C": 1.0, "kernel": "rbf"})
    ...     journal.add_outcome(
    ...         0,
    ...         2,
    ...         {
    ...             "test_scores": 0.9,
    ...             "n_test_samples": 30,
    ...             "fit_time": 0.25,
    ...             "score_time": 0.01,
    ...             "fit_error": None,
    ...         },
    ...     )
    >>> is_new
    True

    The process may die here. With the same identity the journal is resumed:

    >>> with Journal.open(path, identity=data) as journal:
    ...     seed = journal.settings["seed"]
    ...     journal.confirm(identity=space, settings={"seed": 8})
    ...     (trial,) = journal.trials()
    >>> seed
    7
    >>> trial.params
    {'C': 1.0, 'kernel': 'rbf'}
    >>> trial.outcomes[2]["test_scores"]
    0.9
    """

    def __init__(
        self,
        name: str,
        file: str,
        db: sqlite3.Connection | None,
        resources: ExitStack,
        *,
        settings: Mapping[str, Plain] | None,
        identity: Mapping[str, Identity],
        synchronous: Synchronous,
    ) -> None:
        self.name = name
        self.settings = settings
        self._file = file
        self._opened = db
        self._confirmed: sqlite3.Connection | None = None
        self._resources = resources
        self._identity = identity
        self._synchronous = synchronous
        self._is_closed = False
        self._pid = os.getpid()

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        identity: Mapping[str, Identity],
        synchronous: Synchronous = "NORMAL",
    ) -> Journal:
        """Lock the journal of a search, and compare what is known of the search.

        Parameters
        ----------
        path : str or path-like
            The file. If it does not exist, or is empty, the journal is new.
        identity : mapping of str to Identity
            Identity of the search, part by part, under names for the user to read. The
            other parts are given to `confirm`.
        synchronous : {"NORMAL", "FULL"}, default="NORMAL"
            Whether a commit waits for the disk, see the notes of the class. May change
            from one opening to the next.

        Returns
        -------
        journal : Journal
            Not confirmed. It cannot be opened a second time until it is closed.

        Raises
        ------
        ValueError
            If the journal belongs to another search, was written by another version, is
            damaged, or the file is something else.
        OSError
            ``FileNotFoundError`` if there is no such folder, ``IsADirectoryError`` if
            `path` is a folder, ``PermissionError`` if file or folder cannot be
            written, ``OSError`` for anything else that the system refuses.
        RuntimeError
            If the journal is open already, in this process or another.

        The file is left as it is, and none is created. (Only what a crash has left in
        the log of a journal may be written back into it.)
        """
        if synchronous not in ("NORMAL", "FULL"):
            raise ValueError(
                f"synchronous must be 'NORMAL' or 'FULL', got {synchronous!r}"
            )
        path = os.fsdecode(path)
        name = f"journal={path!r}"
        with explained(name), ExitStack() as resources:
            file, db = open_file(path, name, resources)
            if db is not None:
                held = held_identity(db)
                known = {part: held[part] for part in identity if part in held}
                check_identity(known, identity, name)
            return cls(
                name,
                file,
                db,
                settings=None if db is None else _settings(db),
                identity=dict(identity),
                synchronous=synchronous,
                resources=resources.pop_all(),
            )

    def confirm(
        self, *, identity: Mapping[str, Identity], settings: Mapping[str, Plain]
    ) -> None:
        """Compare the other parts of the search; create the file if it is new.

        Parameters
        ----------
        identity : mapping of str to Identity
            All parts that were not given to `open`: together they must be those in the
            file.
        settings : mapping of str to int, float, str, bool or None
            Values to store in a new journal; an existing one keeps its own.

        Raises
        ------
        ValueError
            If the journal belongs to another search.
        OSError
            If the file cannot be written.
        RuntimeError
            If the journal was confirmed before, or is closed.
        TypeError
            If a setting is not a plain value.

        In all these cases the file is left as it is, and none is created.
        """
        self._check_process()
        if self._confirmed is not None or self._is_closed:
            state = "closed" if self._is_closed else "confirmed already"
            raise RuntimeError(f"{self.name} is {state}")
        whole = {**self._identity, **identity}
        values = {setting: _json(setting, settings[setting]) for setting in settings}
        with explained(self.name):
            db = self._opened
            if db is None:
                db = create_file(
                    self._file, self._resources, identity=whole, settings=values
                )
                self.settings = _settings(db)
            else:
                check_identity(held_identity(db), whole, self.name)
            set_durability(db, self._synchronous)
        self._confirmed = db

    def trials(self) -> list[JournaledTrial]:
        """Return all trials in the order of their numbers.

        Returns
        -------
        trials : list of JournaledTrial
            ``trials[i].number == i``.
        """
        db = self._db
        with explained(self.name):
            trials = [
                JournaledTrial(
                    number,
                    json.loads(params),
                    {},
                    listed=None if listed is None else json.loads(listed),
                    row=None if row is None else json.loads(row),
                    note=None if note is None else from_text(note),
                )
                for number, params, listed, row, note in _rows(
                    db,
                    "SELECT number, params, listed, row, note FROM trial "
                    "ORDER BY number",
                )
            ]
            for number, split, error, n_test_samples, *times in _rows(
                db,
                "SELECT trial, split, fit_error, n_test_samples, fit_time, score_time "
                "FROM outcome ORDER BY trial, split",
            ):
                fit_time, score_time = map(_float, times)
                trials[number].outcomes[split] = {
                    "fit_error": None if error is None else from_text(error),
                    "n_test_samples": n_test_samples,
                    "fit_time": fit_time,
                    "score_time": score_time,
                }
            for number, split, subset, metric, value in _rows(
                db,
                "SELECT trial, split, subset, metric, value FROM score ORDER BY rowid",
            ):
                outcome = trials[number].outcomes[split]
                if metric is None:
                    outcome[f"{subset}_scores"] = _float(value)
                else:
                    scores = outcome.setdefault(f"{subset}_scores", {})
                    scores[from_text(metric)] = _float(value)
        return trials

    def add_trial(
        self,
        number: int,
        params: Mapping[str, Any],
        *,
        listed: Sequence[str] | None = None,
        row: Sequence[float] | None = None,
        note: str | None = None,
    ) -> None:
        """Commit the params of a new trial.

        Parameters
        ----------
        number : int
            The number of trials in the journal: they are numbered without gaps.
        params : mapping of str to int, float, str, bool or None
            numpy scalars are stored as the Python numbers that they equal. Floats come
            back bit for bit (but there is only one NaN), integers of up to 4300 digits
            (Python's own limit for text) exactly.
        listed : sequence of str, default=None
            Names of the params that are objects listed in the space.
        row : sequence of float, default=None
            The row of the unit cube that says which of the objects they are.
        note : str, default=None
            Note of the search on the trial.

        Raises
        ------
        RuntimeError
            If the next trial has another number, or the journal is not confirmed.
        TypeError
            If a value is not a plain one.
        OSError
            If the journal cannot be written, for instance because the disk is full.
        """
        number = operator.index(number)
        columns = (
            _json("params", params),
            None if listed is None else json.dumps(list(listed)),
            None if row is None else json.dumps([float(u) for u in row]),
            None if note is None else to_text(note),
        )
        with self._transaction() as db:
            (last,) = db.execute("SELECT max(number) FROM trial").fetchone()
            n_trials = 0 if last is None else last + 1
            if number != n_trials:
                raise RuntimeError(
                    f"{self.name}: the next trial must be number {n_trials}, got "
                    f"{number}"
                )
            db.execute("INSERT INTO trial VALUES (?, ?, ?, ?, ?)", (number, *columns))

    def add_outcome(self, number: int, split: int, outcome: Mapping[str, Any]) -> None:
        """Commit the outcome of one split of a trial.

        Parameters
        ----------
        number : int
            The trial, added before.
        split : int
            Number of the split, from 0.
        outcome : mapping
            ``test_scores`` and, if there are any, ``train_scores``: a number or a dict
            of numbers, which come back as floats; ``n_test_samples`` (int),
            ``fit_time`` and ``score_time`` (seconds), ``fit_error`` (the traceback of a
            failed fit, else None). As `fit_and_score` returns.

        Raises
        ------
        RuntimeError
            If the journal has this outcome already, or does not have the trial, or is
            not confirmed.
        ValueError, TypeError
            If `outcome` is anything but the above.
        OSError
            If the journal cannot be written, for instance because the disk is full.
        """
        number, split = operator.index(number), operator.index(split)
        row = _outcome_row(outcome)
        scores = list(_score_rows(outcome))
        with self._transaction() as db:
            try:
                db.execute(
                    "INSERT INTO outcome VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (number, split, *row),
                )
                db.executemany(
                    "INSERT INTO score VALUES (?, ?, ?, ?, ?)",
                    ((number, split, *score) for score in scores),
                )
            except sqlite3.IntegrityError as error:
                raise RuntimeError(
                    f"{self.name}: trial {number}, split {split} cannot be added: "
                    "it is in the journal already, or there is no such trial"
                ) from error

    def close(self) -> None:
        """Close the file and lift the lock; further calls do nothing."""
        # In a forked child, closing would remove the lock file of the parent. (The end
        # of the child drops its copies of the connections. That changes no file: SQLite
        # writes back its log only if no other process has the database open.)
        if os.getpid() == self._pid:
            self._is_closed = True
            self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def _db(self) -> sqlite3.Connection:
        """The connection, ``RuntimeError`` where it may not be used."""
        self._check_process()
        if self._confirmed is None:
            raise RuntimeError(f"{self.name} is not confirmed")
        return self._confirmed

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit everything done inside, or nothing."""
        # The connection as a context commits, and rolls back on any exception; BEGIN is
        # inside, so that a Ctrl-C right after it does not leave the transaction open.
        with explained(self.name), self._db as db:
            db.execute("BEGIN IMMEDIATE")
            yield db

    def _check_process(self) -> None:
        """Raise ``RuntimeError`` in a fork, which has neither the lock nor SQLite's."""
        if os.getpid() != self._pid:
            raise RuntimeError(
                f"{self.name} was opened by process {self._pid}, process "
                f"{os.getpid()} cannot use it"
            )


def _settings(db: sqlite3.Connection) -> Mapping[str, Plain]:
    rows = _rows(db, "SELECT name, value FROM setting ORDER BY rowid")
    return MappingProxyType(
        {from_text(name): json.loads(value) for name, value in rows}
    )


def _rows(db: sqlite3.Connection, query: str) -> list[Any]:
    """Return all rows at once.

    An unfinished cursor kept alive by an exception would keep the database open.
    """
    return db.execute(query).fetchall()


# -- values ----------------------------------------------------------------------------


def _plain(name: str, value: Any) -> Plain:
    """Return `value` as a Python scalar, ``TypeError`` if there is none that equals it.

    Subclasses (an enumeration of strings, say) do not pass: they would come back as
    something else.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is not None and type(value) not in (int, float, str, bool):
        raise TypeError(
            f"{name!r} must be an int, float, str, bool or None to be stored in a "
            f"journal, got {value!r} ({type(value).__name__})"
        )
    plain: Plain = value
    return plain


def _json(name: str, value: Any) -> str:
    """Return plain values, or a mapping of text to them, as JSON.

    Python writes floats as their shortest representation that reads back exactly, and
    NaN and the infinities by name.
    """
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"the names in {name} must be str, got {key!r}")
        return json.dumps({key: _plain(key, value[key]) for key in value})
    return json.dumps(_plain(name, value))


def _float(stored: float | None) -> float:
    """Return a measured number: NULL is NaN."""
    return math.nan if stored is None else stored


def _measured(name: str, value: Any) -> float:
    """Return a score or a duration as a float, ``TypeError`` if it is not a number."""
    if not isinstance(value, Number):
        raise TypeError(f"{name} must be a number, got {value!r}")
    return float(value)  # type: ignore[arg-type]


def _outcome_row(outcome: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the columns of table outcome after its key.

    ``ValueError`` if a part is missing, or would be lost.
    """
    given = outcome.keys() - {"train_scores"}
    if given != _OUTCOME_KEYS:
        raise ValueError(
            f"outcome must have the keys {sorted(_OUTCOME_KEYS)} and may have "
            f"'train_scores', got {list(outcome)}"
        )
    error = outcome["fit_error"]
    return (
        "ok" if error is None else "failed",
        operator.index(outcome["n_test_samples"]),
        _measured("fit_time", outcome["fit_time"]),
        _measured("score_time", outcome["score_time"]),
        None if error is None else to_text(error),
    )


def _score_rows(
    outcome: Mapping[str, Any],
) -> Iterator[tuple[str, str | bytes | None, float]]:
    """Yield ``subset, metric, value`` for each score, in their order."""
    for subset in ("test", "train"):
        key = f"{subset}_scores"
        scores = outcome.get(key, {})
        if not isinstance(scores, Mapping):
            yield subset, None, _measured(key, scores)
            continue
        if key in outcome and not scores:
            raise ValueError(f"{key} must have at least one metric, got {scores!r}")
        for metric, value in scores.items():
            yield subset, to_text(metric), _measured(f"{key}[{metric!r}]", value)
