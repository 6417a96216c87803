"""The journal: exact round trips, every way to die or to be refused, one owner."""

import functools
import gc
import json
import math
import multiprocessing
import os
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from sklearn_tuners._journal import file as journal_file
from sklearn_tuners._journal.journal import Identity, Journal

ESTIMATOR = {"estimator": Identity("1", "SVC()")}
DATA = {"data": Identity("2", "150 x 4")}
SETTINGS = {"seed": 7, "n_initial_points": 5, "lag": None}

posix = pytest.mark.skipif(os.name != "posix", reason="needs fork and signals")
quick = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow]
)


def open_journal(path, settings=SETTINGS, **kwargs):
    """Open and confirm."""
    journal = Journal.open(path, identity=ESTIMATOR, **kwargs)
    try:
        journal.confirm(identity=DATA, settings=settings)
    except BaseException:
        journal.close()
        raise
    return journal


def outcome_of(number, split, **changes):
    """An outcome that tells where it belongs."""
    return {
        "test_scores": number + split / 8,
        "n_test_samples": 30,
        "fit_time": 0.5,
        "score_time": 0.25,
        "fit_error": None,
    } | changes


def fill(path, n_trials=3, n_splits=2):
    """Write a journal; return what it holds."""
    with open_journal(path) as journal:
        for number in range(n_trials):
            journal.add_trial(number, {"C": float(number)})
            for split in range(n_splits):
                journal.add_outcome(number, split, outcome_of(number, split))
        return exact(journal.trials())


def exact(value):
    """Replace each float by its bits, each mapping by its items, and name the types.

    Two values are equal in this form only if they are the same to the last bit.
    """
    if isinstance(value, float):
        return "float", "nan" if math.isnan(value) else struct.pack("<d", value)
    if isinstance(value, dict):
        return "dict", [(exact(key), exact(value[key])) for key in value]
    if isinstance(value, list):
        return [
            (exact(t.number), exact(t.params), unordered(t.outcomes)) for t in value
        ]
    return type(value).__name__, value


def unordered(outcomes):
    """The same for outcomes, in whose dict the order of the keys means nothing."""
    return {
        split: {key: exact(outcome[key]) for key in outcome}
        for split, outcome in outcomes.items()
    }


# -- round trips -----------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=()))  # lone surrogates among them
plain = st.none() | st.booleans() | st.integers() | st.floats() | texts
scores = st.floats() | st.dictionaries(texts, st.floats(), min_size=1, max_size=4)
outcomes = st.fixed_dictionaries(
    {
        "test_scores": scores,
        "n_test_samples": st.integers(0, 2**62),
        "fit_time": st.floats(),
        "score_time": st.floats(),
        "fit_error": st.none() | texts,
    },
    optional={"train_scores": scores},
)
special = [math.nan, math.inf, -math.inf, -0.0, 5e-324, 0.1 + 0.2, 1e308, 1.0]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A journal that many examples may add to."""
    with open_journal(tmp_path_factory.mktemp("shared") / "search.db") as journal:
        yield journal


@quick
@given(params=st.dictionaries(texts, plain, max_size=5), outcome=outcomes)
def test_params_and_outcomes_come_back_exactly(shared, params, outcome):
    number = len(shared.trials())
    shared.add_trial(number, params)
    shared.add_outcome(number, 0, outcome)
    trial = shared.trials()[number]
    assert exact(trial.params) == exact(params)
    assert unordered(trial.outcomes) == unordered({0: outcome})
    assert (trial.listed, trial.row, trial.note) == (None, None, None)


@quick
@given(
    names=st.lists(texts, max_size=3),
    row=st.lists(st.floats(0, 1), max_size=4),
    note=st.none() | texts,
)
def test_listed_objects_and_notes_come_back_exactly(shared, names, row, note):
    number = len(shared.trials())
    shared.add_trial(number, {}, listed=names, row=np.array(row), note=note)
    trial = shared.trials()[number]
    assert (trial.params, trial.listed, trial.row, trial.note) == ({}, names, row, note)


@pytest.mark.parametrize("value", special)
def test_special_floats_survive_reopening(tmp_path, value):
    outcome = outcome_of(0, 0, test_scores=value, train_scores={"f1": value})
    with open_journal(tmp_path / "j.db", settings={"x": value}) as journal:
        journal.add_trial(0, {"C": value})
        journal.add_outcome(0, 0, outcome)
    with open_journal(tmp_path / "j.db") as journal:
        (trial,) = journal.trials()
        assert exact(dict(journal.settings)) == exact({"x": value})
    assert exact(trial.params) == exact({"C": value})
    assert unordered(trial.outcomes) == unordered({0: outcome})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.float64(0.1), 0.1),
        (np.float32(0.1), 0.10000000149011612),
        (np.float64("nan"), math.nan),
        (np.int64(3), 3),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (10**30, 10**30),
        (np.bool_(True), True),
        (np.str_("rbf"), "rbf"),
        (True, True),
        (1, 1),
        (None, None),
    ],
)
def test_scalars_keep_their_python_type(shared, given, expected):
    number = len(shared.trials())
    shared.add_trial(number, {"p": given})
    assert exact(shared.trials()[number].params) == exact({"p": expected})


@pytest.mark.parametrize("value", [[1], (1, 2), {"a": 1}, np.ones(2), 1j, object, b"x"])
def test_what_is_not_plain_is_a_type_error(shared, value):
    before = len(shared.trials())
    with pytest.raises(TypeError, match="'C' must be an int, float, str, bool or None"):
        shared.add_trial(before, {"C": value})
    assert len(shared.trials()) == before


def test_numpy_numbers_in_an_outcome_become_python_ones(shared):
    number = len(shared.trials())
    shared.add_trial(number, {})
    shared.add_outcome(
        np.int64(number),
        np.int32(1),
        outcome_of(
            0, 0, test_scores={"a": np.float64(0.5)}, n_test_samples=np.int64(9)
        ),
    )
    expected = outcome_of(0, 0, test_scores={"a": 0.5}, n_test_samples=9)
    assert unordered(shared.trials()[number].outcomes) == unordered({1: expected})


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"test_scores": {}}, ValueError, "test_scores must have at least one metric"),
        ({"test_scores": "0.9"}, TypeError, "test_scores must be a number, got '0.9'"),
        ({"train_scores": {"f1": None}}, TypeError, "train_scores.'f1'. must be a num"),
        ({"fit_time": None}, TypeError, "fit_time must be a number, got None"),
        ({"n_test_samples": 1.5}, TypeError, "integer"),
        ({"estimator": 1}, ValueError, "outcome must have the keys .* got .*estimator"),
    ],
)
def test_what_is_not_an_outcome_is_refused(shared, changes, error, message):
    number = len(shared.trials())
    shared.add_trial(number, {})
    with pytest.raises(error, match=message):
        shared.add_outcome(number, 0, outcome_of(0, 0, **changes))
    assert shared.trials()[number].outcomes == {}


def test_settings_of_the_creation_stay_in_force(tmp_path):
    with open_journal(tmp_path / "j.db") as journal:
        assert dict(journal.settings) == SETTINGS
    with open_journal(tmp_path / "j.db", settings={"seed": 8, "new": 1}) as journal:
        assert exact(dict(journal.settings)) == exact(SETTINGS)
        with pytest.raises(TypeError):
            journal.settings["seed"] = 9


# -- what can be added -----------------------------------------------------------------


def test_a_second_outcome_of_a_split_is_an_error(tmp_path):
    held = fill(tmp_path / "j.db")
    with open_journal(tmp_path / "j.db") as journal:
        with pytest.raises(RuntimeError, match="trial 1, split 0 cannot be added"):
            journal.add_outcome(1, 0, outcome_of(9, 9))
        assert exact(journal.trials()) == held


@pytest.mark.parametrize(("number", "split"), [(3, 0), (-1, 0), (0, -1)])
def test_an_outcome_needs_its_trial(tmp_path, number, split):
    held = fill(tmp_path / "j.db")
    with open_journal(tmp_path / "j.db") as journal:
        with pytest.raises(RuntimeError, match="cannot be added"):
            journal.add_outcome(number, split, outcome_of(0, 0))
        assert exact(journal.trials()) == held


@pytest.mark.parametrize("number", [-1, 0, 2, 4])
def test_trials_are_numbered_without_gaps(tmp_path, number):
    held = fill(tmp_path / "j.db")
    with open_journal(tmp_path / "j.db") as journal:
        with pytest.raises(RuntimeError, match=f"must be number 3, got {number}"):
            journal.add_trial(number, {})
        assert exact(journal.trials()) == held


def test_a_full_disk_is_an_oserror_and_loses_nothing(tmp_path):
    held = fill(tmp_path / "j.db")
    with open_journal(tmp_path / "j.db") as journal:
        (n_pages,) = journal._db.execute("PRAGMA page_count").fetchone()
        journal._db.execute(f"PRAGMA max_page_count = {n_pages}")
        with pytest.raises(OSError, match=r"j\.db' cannot be written: .* full"):
            journal.add_trial(3, {"C": "x" * 10_000})
        assert exact(journal.trials()) == held
        journal._db.execute("PRAGMA max_page_count = 1000")
        journal.add_trial(3, {"C": "x" * 10_000})


def test_an_interrupt_inside_a_transaction_undoes_it(tmp_path):
    with open_journal(tmp_path / "j.db") as journal:
        with pytest.raises(KeyboardInterrupt), journal._transaction():
            journal._db.execute("INSERT INTO trial (number, params) VALUES (0, '{}')")
            raise KeyboardInterrupt
        assert journal.trials() == []
        journal.add_trial(0, {})


# -- the file --------------------------------------------------------------------------


def test_nothing_but_the_file_remains_after_closing(tmp_path):
    fill(tmp_path / "j.db")
    fill(tmp_path / "strange name %41?#é.db")
    assert sorted(os.listdir(tmp_path)) == ["j.db", "strange name %41?#é.db"]


def test_an_empty_file_becomes_a_journal(tmp_path):
    path = tmp_path / "j.db"
    path.touch()
    held = fill(path)
    with open_journal(path) as journal:
        assert exact(journal.trials()) == held


def test_the_log_of_a_deleted_journal_is_not_mixed_in(tmp_path):
    crashed = tmp_path / "old.db"
    journal = open_journal(crashed)
    journal.add_trial(0, {"C": 1.0})
    shutil.copy(f"{crashed}-wal", tmp_path / "j.db-wal")
    journal.close()
    with open_journal(tmp_path / "j.db") as journal:
        assert journal.trials() == []


@pytest.mark.parametrize(("synchronous", "level"), [("NORMAL", 1), ("FULL", 2)])
def test_synchronous_reaches_sqlite(tmp_path, synchronous, level):
    with open_journal(tmp_path / "j.db", synchronous=synchronous) as journal:
        assert journal._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert journal._db.execute("PRAGMA synchronous").fetchone() == (level,)


def test_synchronous_off_does_not_exist(tmp_path):
    with pytest.raises(ValueError, match="must be 'NORMAL' or 'FULL', got 'OFF'"):
        open_journal(tmp_path / "j.db", synchronous="OFF")


@posix
def test_without_a_write_ahead_log_every_commit_waits_for_the_disk(
    tmp_path, monkeypatch
):
    connect = sqlite3.connect

    def connect_without_shared_memory(path, **kwargs):
        uri = path if path.startswith("file:") else f"file:{path}"
        separator = "&" if "?" in uri else "?"
        return connect(f"{uri}{separator}vfs=unix-dotfile", **kwargs | {"uri": True})

    monkeypatch.setattr(sqlite3, "connect", connect_without_shared_memory)
    held = fill(tmp_path / "j.db")
    with open_journal(tmp_path / "j.db") as journal:
        assert journal._db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert journal._db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert exact(journal.trials()) == held


def test_a_user_can_query_scores_as_numbers(tmp_path):
    path = tmp_path / "j.db"
    with open_journal(path) as journal:
        journal.add_trial(0, {"C": 0.5, "kernel": "rbf"})
        journal.add_outcome(0, 0, outcome_of(0, 0, test_scores={"f1": 0.5, "auc": 1.0}))
        failed = {"f1": math.nan, "auc": math.nan}
        journal.add_outcome(
            0, 1, outcome_of(0, 1, test_scores=failed, fit_error="Traceback: é")
        )
    db = sqlite3.connect(path)
    assert db.execute(
        "SELECT metric, avg(value), count(value), count(*) FROM score "
        "WHERE subset = 'test' GROUP BY metric ORDER BY metric"
    ).fetchall() == [("auc", 1.0, 1, 2), ("f1", 0.5, 1, 2)]
    assert db.execute(
        "SELECT split, status, fit_error FROM outcome ORDER BY split"
    ).fetchall() == [(0, "ok", None), (1, "failed", "Traceback: é")]
    (params,) = db.execute("SELECT params FROM trial").fetchone()
    assert json.loads(params) == {"C": 0.5, "kernel": "rbf"}
    db.close()


# -- refusals --------------------------------------------------------------------------


def random_bytes(path):
    path.write_bytes(np.random.default_rng(0).bytes(10_000))


def text(path):
    path.write_text("C,score\n1,0.9\n")


def cut(n_bytes):
    def truncated_journal(path):
        fill(path)
        os.truncate(path, n_bytes)

    truncated_journal.__name__ += f"_{n_bytes}"
    return truncated_journal


def changed(*statements):
    """A journal changed by hand."""

    def changed_journal(path):
        fill(path)
        db = sqlite3.connect(path, isolation_level=None)
        for statement in statements:
            db.execute(statement)
        db.close()

    changed_journal.__name__ = statements[0].replace(" ", "_")
    return changed_journal


def database(*statements):
    """A database of another application."""

    def other_database(path):
        db = sqlite3.connect(path, isolation_level=None)
        for statement in statements:
            db.execute(statement)
        db.close()

    other_database.__name__ += f"_{len(statements)}"
    return other_database


def folder(path):
    path.mkdir()


def nothing(path):
    pass


DAMAGED = r"is damaged, or not a journal at all \(.+\): give another path, or delete"
OTHER = r"is an SQLite database, but not a journal of sklearn_tuners .*another path"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (random_bytes, ValueError, DAMAGED),
        (text, ValueError, DAMAGED),
        (cut(10), ValueError, DAMAGED),
        (cut(99), ValueError, DAMAGED),
        (cut(2000), ValueError, DAMAGED),
        (cut(4096), ValueError, DAMAGED),
        (cut(10_000), ValueError, DAMAGED),
        (database("CREATE TABLE t (x)"), ValueError, OTHER),
        (
            database("PRAGMA journal_mode = WAL", "CREATE TABLE t (x)"),
            ValueError,
            OTHER,
        ),
        (
            database("PRAGMA application_id = 5", "CREATE TABLE t (x)", "DROP TABLE t"),
            ValueError,
            r"application_id 5, not \d+",
        ),
        (
            changed("PRAGMA user_version = 3"),
            ValueError,
            r"newer version of sklearn_tuners \(format 3, .* format 2\): upgrade, or",
        ),
        (
            changed("PRAGMA user_version = 1"),
            ValueError,
            r"earlier version of sklearn_tuners \(format 1, .* 2\): give another path",
        ),
        (changed("DROP TABLE score"), ValueError, DAMAGED),
        (changed("DELETE FROM trial WHERE number = 1"), ValueError, DAMAGED),
        (
            changed(
                "DELETE FROM score WHERE trial = 1",
                "DELETE FROM outcome WHERE trial = 1",
                "DELETE FROM trial WHERE number = 1",
            ),
            ValueError,
            "a trial is missing",
        ),
        (changed("DELETE FROM score"), ValueError, "an outcome has no score"),
        (changed("DELETE FROM outcome"), ValueError, "refers to one that does not"),
        (changed("UPDATE setting SET value = '{'"), ValueError, DAMAGED),
        (folder, IsADirectoryError, "is a folder: give the path of a file in it"),
    ],
)
def test_refused_with_a_reason_and_left_alone(tmp_path, make, error, message):
    path = tmp_path / "j.db"
    make(path)
    before = None if path.is_dir() else path.read_bytes()
    with pytest.raises(error, match=message) as raised:
        open_journal(path)
    assert str(raised.value).startswith(f"journal={str(path)!r}")
    assert os.listdir(tmp_path) == ["j.db"]
    assert before is None or path.read_bytes() == before


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"create the folder '.*no' first"):
        open_journal(tmp_path / "no" / "j.db")
    assert os.listdir(tmp_path) == []


@posix
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "j.db")
    with pytest.raises(ValueError, match="is not a regular file"):
        open_journal(tmp_path / "j.db")


def test_the_crashed_database_of_another_application_is_left_alone(tmp_path):
    path = tmp_path / "j.db"
    db = sqlite3.connect(tmp_path / "live.db", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE t (x)")
    db.execute("PRAGMA wal_checkpoint")
    db.execute("INSERT INTO t VALUES (1)")
    shutil.copy(tmp_path / "live.db", path)
    shutil.copy(tmp_path / "live.db-wal", f"{path}-wal")
    db.close()
    before = {name: Path(name).read_bytes() for name in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=OTHER):
        open_journal(path)
    assert {name: Path(name).read_bytes() for name in tmp_path.iterdir()} == before


def test_another_search_is_refused_part_by_part(tmp_path):
    path = tmp_path / "j.db"
    fill(path)
    before = path.read_bytes()
    other = {
        "estimator": Identity("x", "Ridge()"),
        "data": Identity("y", "150 x 4"),
        "error_score": Identity("z", "nan"),
    }
    with pytest.raises(ValueError) as raised:
        Journal.open(path, identity=other)
    assert str(raised.value) == (
        f"journal={str(path)!r} belongs to another search. They differ in\n"
        "  estimator: the journal has SVC(), this search has Ridge()\n"
        "  data: 150 x 4 in both, but not the same\n"
        "  error_score: the journal has none, this search has nan\n"
        "Give another path for this search, or delete the file if the search in it is "
        "not needed any more."
    )
    with Journal.open(path, identity=ESTIMATOR) as journal:
        for identity, message in [
            ({}, "data: the journal has 150 x 4, this search has none"),
            ({"data": Identity("y", "9 x 4")}, "has 150 x 4, this search has 9 x 4"),
            (DATA | {"schedule": Identity("z", "1, 3")}, "has none, .* has 1, 3"),
        ]:
            with pytest.raises(ValueError, match=message):
                journal.confirm(identity=identity, settings={})
    assert path.read_bytes() == before


def test_parts_may_be_worded_in_another_way_and_come_in_any_order(tmp_path):
    path = tmp_path / "j.db"
    held = fill(path)
    with Journal.open(path, identity={"data": Identity("2", "a")}) as journal:
        same = {"estimator": Identity("1", "b")}
        journal.confirm(identity=same, settings=SETTINGS)
        assert exact(journal.trials()) == held


def test_nothing_is_written_before_a_new_journal_is_confirmed(tmp_path):
    path = tmp_path / "j.db"
    with Journal.open(path, identity=ESTIMATOR) as journal:
        assert journal.settings is None
        assert os.listdir(tmp_path) == ["j.db-lock"]
        for use in (
            journal.trials,
            lambda: journal.add_trial(0, {}),
            lambda: journal.add_outcome(0, 0, outcome_of(0, 0)),
        ):
            with pytest.raises(RuntimeError, match="is not confirmed"):
                use()
    assert os.listdir(tmp_path) == []
    with pytest.raises(RuntimeError, match="is closed"):
        journal.confirm(identity=DATA, settings=SETTINGS)
    assert os.listdir(tmp_path) == []


def test_settings_are_known_before_an_existing_journal_is_confirmed(tmp_path):
    path = tmp_path / "j.db"
    fill(path)
    before = path.read_bytes()
    with Journal.open(path, identity=ESTIMATOR) as journal:
        assert dict(journal.settings) == SETTINGS
        with pytest.raises(RuntimeError, match="is not confirmed"):
            journal.add_trial(3, {})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["j.db"]


def test_a_journal_is_confirmed_once(tmp_path):
    with open_journal(tmp_path / "j.db") as journal:
        with pytest.raises(RuntimeError, match="is confirmed already"):
            journal.confirm(identity=DATA, settings=SETTINGS)
        journal.add_trial(0, {})


def test_a_journal_that_cannot_be_created_leaves_no_file(tmp_path, monkeypatch):
    path = tmp_path / "j.db"
    with Journal.open(path, identity=ESTIMATOR) as journal:
        with pytest.raises(TypeError, match="'seed' must be an int"):
            journal.confirm(identity=DATA, settings={"seed": [1]})
        assert os.listdir(tmp_path) == ["j.db-lock"]
        monkeypatch.setattr(journal_file, "_SCHEMA", "CREATE TABLE identity (x)")
        with pytest.raises(ValueError, match="is damaged"):
            journal.confirm(identity=DATA, settings=SETTINGS)
        assert os.listdir(tmp_path) == ["j.db-lock"]
        monkeypatch.undo()
        journal.confirm(identity=DATA, settings=SETTINGS)
        journal.add_trial(0, {})


def test_another_program_that_writes_is_named_as_the_cause(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_file, "_BUSY_TIMEOUT", 0.01)
    path = tmp_path / "j.db"
    fill(path)
    with open_journal(path) as journal:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RuntimeError, match="is locked by another program"):
            journal.add_trial(3, {})
        other.close()
        journal.add_trial(3, {})


@functools.cache
def sound_journal():
    with tempfile.TemporaryDirectory() as directory:
        fill(Path(directory, "j.db"), n_trials=20)
        return Path(directory, "j.db").read_bytes()


@quick
@given(data=st.data())
def test_any_damage_is_an_error_of_ours_or_harmless(data):
    """Bytes of the file are overwritten, or its end is lost."""
    content = bytearray(sound_journal())
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "j.db")
        for _ in range(data.draw(st.integers(0, 3))):
            at = data.draw(st.integers(0, len(content) - 1))
            patch = data.draw(st.binary(min_size=1, max_size=20))
            content[at : at + len(patch)] = patch
        del content[data.draw(st.just(len(content)) | st.integers(1, len(content))) :]
        path.write_bytes(content)
        try:
            with open_journal(path) as journal:
                trials = journal.trials()
        except (ValueError, OSError) as error:
            assert str(error).startswith("journal=")  # noqa: PT017
        else:
            assert [trial.number for trial in trials] == list(range(len(trials)))


# -- other processes -------------------------------------------------------------------


@pytest.fixture
def fork():
    """Run functions in forked processes, which are killed at the end if need be."""
    context = multiprocessing.get_context("fork")
    processes = []

    def start(function, *args):
        ours, theirs = context.Pipe()
        process = context.Process(target=function, args=(theirs, *args), daemon=True)
        process.start()
        theirs.close()
        processes.append(process)
        return process, ours

    yield start
    for process in processes:
        process.kill()
        process.join()


def write_forever(pipe, path):
    """Say what is committed, right after each commit."""
    with open_journal(path) as journal:
        number = len(journal.trials())
        while True:
            journal.add_trial(number, {"C": float(number)})
            pipe.send((number, None))
            for split in range(3):
                journal.add_outcome(number, split, outcome_of(number, split))
                pipe.send((number, split))
            number += 1


def try_when_asked(pipe, path):
    """Try to open the journal whenever something comes, send what happened."""
    while True:
        pipe.recv()
        try:
            with open_journal(path) as journal:
                pipe.send(len(journal.trials()))
        except (RuntimeError, OSError) as error:
            pipe.send(f"{type(error).__name__}: {error}")


def hold(pipe, path):
    """Open the journal and wait, with a forked child that does nothing."""
    with open_journal(path) as journal:
        journal.add_trial(len(journal.trials()), {})
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        pipe.send(child)
        time.sleep(60)


def drain(pipe):
    """Return everything that was sent before the sender died."""
    received = []
    try:
        while True:
            received.append(pipe.recv())
    except EOFError:
        return received


@pytest.mark.serial
@posix
def test_kill_9_at_any_moment_loses_no_commit(tmp_path, fork):
    path = tmp_path / "j.db"
    rng = np.random.default_rng(0)
    known = []
    for _ in range(20):
        process, pipe = fork(write_forever, path)
        first = pipe.recv()
        time.sleep(rng.exponential(0.02))
        process.kill()
        known += [first, *drain(pipe)]
        with open_journal(path) as journal:
            trials = journal.trials()
        held = [(t.number, split) for t in trials for split in (None, *t.outcomes)]
        # One commit may have been made and not been reported any more.
        assert set(known) <= set(held)
        assert len(held) <= len(known) + 1
        known = held
        for trial in trials:
            assert trial.params == {"C": float(trial.number)}
            for split, outcome in trial.outcomes.items():
                assert outcome == outcome_of(trial.number, split)
    assert os.listdir(tmp_path) == ["j.db"]


@pytest.mark.serial
@posix
def test_kill_9_during_creation_leaves_something_to_resume(tmp_path, fork):
    rng = np.random.default_rng(0)
    for n in range(10):
        path = tmp_path / f"{n}.db"
        process, _ = fork(write_forever, path)
        while not path.exists():
            time.sleep(0.0001)
        time.sleep(rng.uniform(0, 0.01))
        process.kill()
        process.join()
        with open_journal(path) as journal:
            n_trials = len(journal.trials())
            journal.add_trial(n_trials, {})
            assert len(journal.trials()) == n_trials + 1


@posix
def test_two_processes_are_refused_until_one_ends(tmp_path, fork):
    path = tmp_path / "j.db"
    # Forked before the journal is opened: it knows of it by nothing but the lock.
    _, other = fork(try_when_asked, path)
    with open_journal(path) as journal:
        for _ in range(2):
            other.send("try")
            assert other.recv().startswith(
                f"RuntimeError: journal={str(path)!r} is in use by another search"
            )
            journal.add_trial(len(journal.trials()), {})
    other.send("try")
    assert other.recv() == 2


def test_a_second_journal_in_one_process_is_refused(tmp_path):
    path = tmp_path / "j.db"
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with open_journal(path) as journal:
        for name in (path, link, tmp_path / "." / "j.db"):
            with pytest.raises(RuntimeError, match="is in use by another search"):
                open_journal(name)
        journal.add_trial(0, {})
    with open_journal(link) as journal:
        assert len(journal.trials()) == 1


@posix
def test_a_refusal_does_not_lift_the_lock(tmp_path, fork):
    """It would if the lock file were opened and closed by the refused one."""
    path = tmp_path / "j.db"
    _, other = fork(try_when_asked, path)
    with open_journal(path):
        with pytest.raises(RuntimeError, match="is in use"):
            open_journal(path)
        other.send("try")
        assert "is in use by another search" in other.recv()


@posix
def test_an_owner_that_ends_while_the_next_one_opens_the_lock_file(
    tmp_path, monkeypatch
):
    """The next one then has a removed file open: a lock on that would be worthless."""
    path = tmp_path / "j.db"
    owner = open_journal(path)
    connect = sqlite3.connect

    def connect_and_end_the_owner(file, **kwargs):
        db = connect(file, **kwargs)
        owner.close()
        return db

    monkeypatch.setattr(sqlite3, "connect", connect_and_end_the_owner)
    with open_journal(path):
        assert os.path.exists(f"{path}-lock")
        with pytest.raises(RuntimeError, match="is in use"):
            open_journal(path)


@posix
def test_many_that_want_the_journal_get_it_one_at_a_time(tmp_path, fork):
    """The lock file is created and removed all the time: no two may pass."""
    path = tmp_path / "j.db"
    open_journal(path).close()

    def add_20(pipe):
        n_added = 0
        while n_added < 20:
            try:
                with open_journal(path) as journal:
                    journal.add_trial(len(journal.trials()), {})
                    n_added += 1
            except RuntimeError as error:
                assert "is in use" in str(error)  # noqa: PT017
                time.sleep(0.0005)
        pipe.send("done")

    pipes = [fork(add_20)[1] for _ in range(4)]
    assert [pipe.recv() for pipe in pipes] == ["done"] * 4
    with open_journal(path) as journal:
        assert len(journal.trials()) == 80


def test_no_other_file_gets_the_inode_of_a_lock_file_meanwhile(tmp_path):
    """Otherwise two files in turn could pass for the one that was looked at."""
    file = tmp_path / "j-lock"
    file.touch()
    with journal_file._pinned(str(file)) as inode:
        file.unlink()
        others = [tmp_path / f"{number}" for number in range(100)]
        for other in others:
            other.touch()
        assert inode not in {other.stat().st_ino for other in others}


@pytest.mark.serial
@posix
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_lock_dies_with_its_process_though_a_fork_lives_on(tmp_path, fork, number):
    path = tmp_path / "j.db"
    process, pipe = fork(hold, path)
    child = pipe.recv()
    try:
        with pytest.raises(RuntimeError, match="is in use"):
            open_journal(path)
        os.kill(process.pid, number)
        process.join()
        os.kill(child, 0)  # is alive
        with open_journal(path) as journal:
            assert len(journal.trials()) == 1
            os.kill(child, signal.SIGKILL)
            journal.add_trial(1, {})
    finally:
        os.kill(child, signal.SIGKILL)


@posix
def test_the_end_of_a_forked_child_changes_nothing(tmp_path, fork):
    path = tmp_path / "j.db"
    _, other = fork(try_when_asked, path)
    journals = [open_journal(path)]
    journals[0].add_trial(0, {})

    def end(pipe):
        errors = []
        for use in (journals[0].trials, lambda: journals[0].add_trial(1, {})):
            try:
                use()
            except RuntimeError as error:
                errors.append(str(error))
        journals[0].close()
        journals.clear()
        gc.collect()  # drops SQLite's connections, as the end of the interpreter does
        pipe.send(errors)

    process, pipe = fork(end)
    assert all("was opened by process" in error for error in pipe.recv())
    process.join()
    assert process.exitcode == 0
    assert sorted(os.listdir(tmp_path)) == ["j.db", "j.db-lock", "j.db-shm", "j.db-wal"]
    other.send("try")
    assert "is in use by another search" in other.recv()
    with journals[0] as journal:
        journal.add_trial(1, {})
    other.send("try")
    assert other.recv() == 2


@posix
def test_a_reader_looks_in_while_the_search_goes_on(tmp_path):
    path = tmp_path / "j.db"
    script = """if True:
        import sqlite3, sys
        db = sqlite3.connect(sys.argv[1], isolation_level=None)
        db.execute("BEGIN")  # and stays in its transaction
        for line in sys.stdin:
            print(db.execute("SELECT count(*), sum(value) FROM score").fetchone())
            sys.stdout.flush()
            db.execute(line)
    """
    reader = subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def look(then):
        reader.stdin.write(then + "\n")
        reader.stdin.flush()
        return reader.stdout.readline().strip()

    with open_journal(path) as journal, reader:
        journal.add_trial(0, {"C": 1.0})
        journal.add_outcome(0, 0, outcome_of(0, 0, test_scores=0.5))
        assert look("SELECT 1") == "(1, 0.5)"
        for split in range(1, 10):
            journal.add_outcome(0, split, outcome_of(0, split, test_scores=1.0))
        assert look("COMMIT") == "(1, 0.5)"  # what it began with
        assert look("SELECT 1") == "(10, 9.5)"
        reader.stdin.close()
    assert reader.returncode == 0
    with open_journal(path) as journal:
        assert len(journal.trials()[0].outcomes) == 10


@posix
@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "message"),
    [
        (0o444, 0o777, r"cannot be written \(read-only file\): make the file"),
        (0o666, 0o555, "j.db-lock' cannot be created .*; make the folder writable"),
        (None, 0o555, "j.db-lock' cannot be created .*; make the folder writable"),
    ],
)
def test_what_cannot_be_written_is_refused(fork, file_mode, folder_mode, message):
    def attempt(pipe):
        if os.geteuid() == 0:
            os.setuid(65534)  # nothing is read-only to root
        try:
            open_journal(path)
        except Exception as error:
            pipe.send(error)

    # Not `tmp_path`, which only its owner can enter.
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "j.db")
        if file_mode is not None:
            fill(path)
            path.chmod(file_mode)
        os.chmod(directory, folder_mode)
        before = path.read_bytes() if path.exists() else None
        error = fork(attempt)[1].recv()
        os.chmod(directory, 0o777)
        assert type(error) is PermissionError
        assert error.args[-1].startswith(f"journal={str(path)!r}")
        with pytest.raises(PermissionError, match=message):
            raise error
        assert os.listdir(directory) == ([] if before is None else ["j.db"])
        assert before is None or path.read_bytes() == before


# -- a machine against a list ----------------------------------------------------------


class JournalMachine(RuleBasedStateMachine):
    """Whatever happens, the journal holds what was committed.

    `history` is the journal as it was after each commit. A crash of the process leaves
    the last of them, a power cut some earlier one, but none before the last closing.
    """

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.n_files = 0
        self.history = [[]]
        self.n_durable = 1

    @initialize()
    def begin(self):
        self.path = self.folder / "0.db"
        self.journal = open_journal(self.path)

    @property
    def n_trials(self):
        return len(self.history[-1])

    def committed(self, trials):
        self.history.append(trials)

    @rule(params=st.dictionaries(texts, plain, max_size=3))
    def add_trial(self, params):
        number = self.n_trials
        self.journal.add_trial(number, params)
        self.committed([*self.history[-1], (exact(number), exact(params), {})])

    @precondition(lambda self: self.n_trials)
    @rule(data=st.data(), split=st.integers(0, 3), outcome=outcomes)
    def add_outcome(self, data, split, outcome):
        number = data.draw(st.integers(0, self.n_trials - 1))
        trials = list(self.history[-1])
        number_, params, held = trials[number]
        if split in held:
            with pytest.raises(RuntimeError, match="cannot be added"):
                self.journal.add_outcome(number, split, outcome)
            return
        self.journal.add_outcome(number, split, outcome)
        trials[number] = number_, params, held | unordered({split: outcome})
        self.committed(trials)

    @rule(shift=st.sampled_from([-1, 1, 7]))
    def add_a_trial_out_of_turn(self, shift):
        with pytest.raises(RuntimeError, match=f"must be number {self.n_trials}"):
            self.journal.add_trial(self.n_trials + shift, {})

    @rule()
    def reopen(self):
        self.journal.close()
        self.journal = open_journal(self.path)
        self.n_durable = len(self.history)

    @rule()
    def open_a_second_time(self):
        with pytest.raises(RuntimeError, match="is in use"):
            open_journal(self.path)

    @rule()
    def crash(self):
        self.lose(0)
        assert exact(self.journal.trials()) == self.history[-1]

    @rule(n_bytes=st.integers(0, 30_000))
    def cut_the_power(self, n_bytes):
        self.lose(n_bytes)
        held = exact(self.journal.trials())
        survivors = [n for n, trials in enumerate(self.history, 1) if trials == held]
        assert survivors
        assert survivors[0] >= self.n_durable
        del self.history[survivors[0] :]

    def lose(self, n_bytes):
        """Go on with a copy of the files as they are, but for the end of the log."""
        self.n_files += 1
        path = self.folder / f"{self.n_files}.db"
        for suffix in ("", "-wal", "-lock"):
            if os.path.exists(f"{self.path}{suffix}"):
                shutil.copy(f"{self.path}{suffix}", f"{path}{suffix}")
        log = f"{path}-wal"
        if os.path.exists(log):
            os.truncate(log, max(0, os.path.getsize(log) - n_bytes))
        self.journal.close()
        self.path = path
        self.journal = open_journal(path)

    @invariant()
    def holds_what_was_committed(self):
        if hasattr(self, "journal"):
            assert exact(self.journal.trials()) == self.history[-1]

    def teardown(self):
        if hasattr(self, "journal"):
            self.journal.close()
        shutil.rmtree(self.folder)


JournalMachine.TestCase.settings = settings(
    quick, max_examples=20, stateful_step_count=20
)
TestJournalMachine = JournalMachine.TestCase
