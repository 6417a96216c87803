"""The SQLite file behind a journal: its format, its lock, what is refused.

`open_file` locks the file for this process and opens it if it is a sound journal;
`create_file` makes a new one; `check_identity` compares what the file and the search
say they are. Each refusal names the file and the way out. `explained` does the same for
errors of SQLite.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Literal, NamedTuple

__all__ = [
    "Identity",
    "Synchronous",
    "check_identity",
    "create_file",
    "explained",
    "from_text",
    "held_identity",
    "open_file",
    "set_durability",
    "to_text",
]

Synchronous = Literal["NORMAL", "FULL"]

_APPLICATION_ID = int.from_bytes(b"skTu")
_FORMAT = 2
_BUSY_TIMEOUT = 30.0  # seconds to wait for a program that writes to it (convention)
_LOCK_ATTEMPTS = 100  # each fails only if the owner ends within the same microseconds

# No STRICT tables: they need SQLite 3.37, and Python 3.11 runs on older ones.
_SCHEMA = """
CREATE TABLE identity (  -- what the search is: another search is refused
    part TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL,
    description TEXT NOT NULL
);
CREATE TABLE setting (  -- fixed when the search began
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL  -- JSON
);
CREATE TABLE trial (  -- params in the order in which they were proposed
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    params TEXT NOT NULL,  -- JSON; floats are written so that they read back exactly
    listed TEXT,  -- JSON: names of the params that are objects listed in the space
    row TEXT,  -- JSON: the row of the unit cube that says which of the objects
    note TEXT,  -- what the search notes on the trial
    CHECK ((listed IS NULL) = (row IS NULL))
);
CREATE TABLE outcome (  -- a finished fold
    trial INTEGER NOT NULL REFERENCES trial,
    split INTEGER NOT NULL CHECK (typeof(split) = 'integer' AND split >= 0),
    status TEXT NOT NULL CHECK (status IN ('ok', 'failed')),
    n_test_samples INTEGER NOT NULL CHECK (typeof(n_test_samples) = 'integer'),
    fit_time CHECK (typeof(fit_time) IN ('real', 'null')),  -- seconds
    score_time CHECK (typeof(score_time) IN ('real', 'null')),  -- seconds
    fit_error TEXT CHECK ((fit_error IS NULL) = (status = 'ok')),  -- traceback
    PRIMARY KEY (trial, split)
) WITHOUT ROWID;
CREATE TABLE score (  -- in the order of the scorers
    trial INTEGER NOT NULL,
    split INTEGER NOT NULL,
    subset TEXT NOT NULL CHECK (subset IN ('test', 'train')),
    metric TEXT,  -- NULL where there is one unnamed score
    value CHECK (typeof(value) IN ('real', 'null')),  -- NULL is NaN
    FOREIGN KEY (trial, split) REFERENCES outcome
)"""

_DAMAGE = {  # what SQLite does not notice, each with a query that finds it
    "a row refers to one that does not exist": "PRAGMA foreign_key_check",
    "a trial is missing": "SELECT 1 FROM "
    "(SELECT count(*) AS n, max(number) AS last FROM trial) WHERE n <= last",
    "an outcome has no score": "SELECT trial, split FROM outcome "
    "EXCEPT SELECT trial, split FROM score WHERE subset = 'test'",
}


class Identity(NamedTuple):
    """One part of what makes two searches the same, such as the data.

    Attributes
    ----------
    digest : str
        Compared: equal for the same part, different otherwise.
    description : str
        Shown to the user if the digests differ.
    """

    digest: str
    description: str


def open_file(
    path: str, name: str, resources: ExitStack
) -> tuple[str, sqlite3.Connection | None]:
    """Lock the file, and open it if there is a journal in it.

    Parameters
    ----------
    path : str
        The file.
    name : str
        Name of the file in error messages.
    resources : ExitStack
        Closing it closes the connection and lifts the lock.

    Returns
    -------
    file : str
        The absolute path, for `create_file`.
    db : sqlite3.Connection or None
        Without implicit transactions; None if the file does not exist or is empty.

    Raises
    ------
    ValueError, OSError, RuntimeError, sqlite3.DatabaseError
        As `Journal.open`, which explains the last.
    """
    file = _checked_file(path, name)
    resources.callback(_release, f"{file}-lock", _lock(f"{file}-lock", name))
    if not os.path.exists(file):
        return file, None
    _look_at_format(file, name)
    with ExitStack() as failing:
        db = _connect(file, failing)
        _check_format(db, name)
        if not db.execute("SELECT 1 FROM sqlite_master").fetchone():
            return file, None
        _check_undamaged(db, name)
        resources.push(failing.pop_all())
    return file, db


def create_file(
    file: str,
    resources: ExitStack,
    *,
    identity: Mapping[str, Identity],
    settings: Mapping[str, str],
) -> sqlite3.Connection:
    """Write tables, identity and settings in one transaction.

    Before the write-ahead log is used, so that the file itself is complete from then
    on: `_look_at_format` does not see the log.

    Parameters
    ----------
    file : str
        From `open_file`, which found no journal in it.
    resources : ExitStack
        Closing it closes the connection.
    identity : mapping of str to Identity
        Identity of the search, part by part.
    settings : mapping of str to str
        Their values are written as they are.

    Returns
    -------
    db : sqlite3.Connection
        Without implicit transactions.
    """
    with ExitStack() as failing:
        if not os.path.exists(file):
            failing.callback(Path(file).unlink, missing_ok=True)
        db = _connect(file, failing)
        with db:
            db.execute("BEGIN IMMEDIATE")
            db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {_FORMAT}")
            for statement in _SCHEMA.split(";\n"):
                db.execute(statement)
            db.executemany(
                "INSERT INTO identity VALUES (?, ?, ?)",
                [(to_text(part), *map(to_text, identity[part])) for part in identity],
            )
            db.executemany(
                "INSERT INTO setting VALUES (?, ?)",
                [(to_text(setting), value) for setting, value in settings.items()],
            )
        failing.pop_all()
    resources.callback(db.close)
    return db


def _connect(file: str, resources: ExitStack) -> sqlite3.Connection:
    db = sqlite3.connect(file, timeout=_BUSY_TIMEOUT, isolation_level=None)
    resources.callback(db.close)
    db.execute("PRAGMA foreign_keys = ON")
    return db


def set_durability(db: sqlite3.Connection, synchronous: Synchronous) -> None:
    """Choose log and syncing, and check that the database can be written."""
    (mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()
    # With a rollback journal NORMAL can corrupt the file at a power cut.
    db.execute(f"PRAGMA synchronous = {synchronous if mode == 'wal' else 'FULL'}")
    with db:
        db.execute("BEGIN IMMEDIATE")


def _checked_file(path: str, name: str) -> str:
    """Return the absolute path of a file that may be a journal.

    Links are resolved, so that all names of a file lead to the same lock.
    """
    file = os.path.realpath(path)
    folder = os.path.dirname(file)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"{name}: create the folder {folder!r} first")
    if os.path.isdir(file):
        raise IsADirectoryError(f"{name} is a folder: give the path of a file in it")
    if os.path.exists(file) and not os.path.isfile(file):
        raise ValueError(f"{name} is not a regular file: give another path")
    if os.path.exists(file) and not os.access(file, os.R_OK | os.W_OK):
        raise _unwritable(name, "read-only file")
    return file


def _look_at_format(file: str, name: str) -> None:
    """Raise ``ValueError`` if the file is not a journal of the format known here.

    Opening the database of another application could already change it: SQLite rolls
    back, or writes back, what a crash has left. ``immutable`` only looks at the file.
    """
    db = sqlite3.connect(f"{Path(file).as_uri()}?mode=ro&immutable=1", uri=True)
    with closing(db):
        try:
            _check_format(db, name)
        except sqlite3.DatabaseError as error:
            # After a crash the file may need its log to be readable. Damage is noticed
            # when it is opened with the log.
            if _code(error) == sqlite3.SQLITE_NOTADB:
                raise


def _check_format(db: sqlite3.Connection, name: str) -> None:
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (n_tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not application and not n_tables:
        return
    if application != _APPLICATION_ID:
        raise ValueError(
            f"{name} is an SQLite database, but not a journal of sklearn_tuners "
            f"(application_id {application}, not {_APPLICATION_ID}): give another path"
        )
    if version > _FORMAT:
        raise ValueError(
            f"{name} was written by a newer version of sklearn_tuners (format "
            f"{version}, this one reads format {_FORMAT}): upgrade, or give another "
            "path"
        )
    if version < _FORMAT:
        raise ValueError(
            f"{name} was written by an earlier version of sklearn_tuners (format "
            f"{version}, this one reads format {_FORMAT}): give another path, or "
            "delete the file to start the search again"
        )


def _check_undamaged(db: sqlite3.Connection, name: str) -> None:
    """Raise ``ValueError`` if the database is not whole."""
    (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise _damaged(name, found)
    for damage, query in _DAMAGE.items():
        if db.execute(query).fetchone():
            raise _damaged(name, damage)


def held_identity(db: sqlite3.Connection) -> dict[str, Identity]:
    """Return what the search in a journal is, part by part."""
    return {
        from_text(part): Identity(from_text(digest), from_text(description))
        for part, digest, description in db.execute(
            "SELECT part, digest, description FROM identity ORDER BY rowid"
        ).fetchall()
    }


def check_identity(
    held: Mapping[str, Identity], given: Mapping[str, Identity], name: str
) -> None:
    """Raise ``ValueError`` that lists the parts in which two searches differ.

    Parameters
    ----------
    held, given : mapping of str to Identity
        Parts of the search in the journal, and of this one.
    name : str
        Name of the file in the message.
    """
    differences = [
        f"  {part}: {_difference(held.get(part), given.get(part))}"
        for part in {**held, **given}
        if part not in held
        or part not in given
        or held[part].digest != given[part].digest
    ]
    if differences:
        raise another_search(name, differences)


def another_search(name: str, differences: Sequence[str]) -> ValueError:
    """Return the error for a journal of another search.

    Parameters
    ----------
    name : str
        Name of the file in the message.
    differences : sequence of str
        One line per part in which the searches differ.
    """
    lines = "\n".join(differences)
    return ValueError(
        f"{name} belongs to another search. They differ in\n{lines}\n"
        "Give another path for this search, or delete the file if the search in it is "
        "not needed any more."
    )


def _difference(theirs: Identity | None, ours: Identity | None) -> str:
    if theirs and ours and theirs.description == ours.description:
        return f"{ours.description} in both, but not the same"
    return (
        f"the journal has {theirs.description if theirs else 'none'}, "
        f"this search has {ours.description if ours else 'none'}"
    )


def to_text(value: str) -> str | bytes:
    """Return what to store in a TEXT column: `value` itself if it is valid Unicode."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")
    return value


def from_text(stored: str | bytes) -> str:
    """Return what `to_text` was given."""
    if isinstance(stored, bytes):
        return stored.decode("utf-8", "surrogatepass")
    return stored


# -- errors ----------------------------------------------------------------------------


_UNWRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_UNREADABLE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn an error of SQLite into one that names the file and what to do."""
    try:
        yield
    except sqlite3.ProgrammingError:  # use after closing, or from another thread
        raise
    except (sqlite3.DatabaseError, json.JSONDecodeError, UnicodeDecodeError) as error:
        code = _code(error)
        if code is None or code in _UNREADABLE:  # ERROR: no such table
            raise _damaged(name, error) from error
        if code in _UNWRITABLE:
            raise _unwritable(name, error) from error
        if code == sqlite3.SQLITE_BUSY:
            raise RuntimeError(
                f"{name} is locked by another program: close it there"
            ) from error
        raise OSError(f"{name} cannot be written: {error}") from error


def _code(error: Exception) -> int | None:
    """Return SQLite's primary result code, or None if the error is not SQLite's."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _damaged(name: str, what: object) -> ValueError:
    return ValueError(
        f"{name} is damaged, or not a journal at all ({what}): give another path, or "
        "delete the file if it is not needed"
    )


def _unwritable(name: str, what: object) -> PermissionError:
    return PermissionError(
        f"{name} cannot be written ({what}): make the file and its folder writable, "
        "or give another path"
    )


# -- lock ------------------------------------------------------------------------------


def _lock(file: str, name: str) -> sqlite3.Connection:
    """Return a connection that holds SQLite's exclusive lock on an empty side file.

    It is a separate file, as locks on the journal itself would exclude readers.
    SQLite's locks do what is needed on every system: they exclude other processes and
    other connections of this one, they end with the process, and a forked worker
    neither keeps them when this process dies nor releases them when it ends.

    Raises
    ------
    RuntimeError
        If another search holds it.
    OSError
        If the file cannot be created.
    """
    for _ in range(_LOCK_ATTEMPTS):
        # Not opened if it exists: closing would lift a lock that this process has on it
        # (the process loses a POSIX lock when it closes any descriptor of the file).
        with suppress(FileExistsError):
            _create_empty(file, name)
        # Until the file is locked here, its last owner may remove it. The lock would
        # then be on a file that no other process finds.
        with (
            suppress(FileNotFoundError),
            _pinned(file) as inode,
            ExitStack() as failing,
        ):
            db = sqlite3.connect(file, timeout=0.0, isolation_level=None)
            failing.callback(db.close)
            try:
                db.execute("PRAGMA journal_mode = MEMORY")  # no file for a rollback
                db.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY:
                    raise
                break
            if os.stat(file).st_ino == inode:
                failing.pop_all()
                return db
    raise RuntimeError(
        f"{name} is in use by another search, in this process or another: wait until "
        "that has ended, or give another path"
    )


@contextmanager
def _pinned(file: str) -> Iterator[int]:
    """Provide the number of the inode of a file, which no other file gets meanwhile.

    Otherwise the file could be removed, a second one take its place and go, and a third
    one get the number of the first. Only Linux reuses numbers so soon. It can also open
    a file without access to it (``O_PATH``): to close that descriptor lifts no lock.
    """
    if not hasattr(os, "O_PATH"):
        yield os.stat(file).st_ino
        return
    pin = os.open(file, os.O_PATH)
    try:
        yield os.fstat(pin).st_ino
    finally:
        os.close(pin)


def _create_empty(file: str, name: str) -> None:
    """Create a file, ``FileExistsError`` if it exists."""
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666))
    except FileExistsError:
        raise
    except OSError as error:
        raise OSError(
            error.errno,
            f"{name}: {file!r} cannot be created ({error.strerror}); make the folder "
            "writable, or give another path",
        ) from error


def _release(file: str, db: sqlite3.Connection) -> None:
    """Remove the side file, then lift the lock."""
    with suppress(FileNotFoundError, PermissionError):  # Windows: it is still open
        os.unlink(file)
    db.close()
