"""Workers on each local backend; what kills them, and what hangs."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn

from sklearn_tuners._engine.workers import Overdue, WorkerDeath, Workers

pytestmark = pytest.mark.serial

BACKENDS = ["loky", "threading", "multiprocessing"]


def work(value, wait=0.0):
    time.sleep(wait)
    return value, os.getpid(), threading.get_ident()


def fail(message):
    raise LookupError(message)


def surroundings(array):
    with warnings.catch_warnings(record=True) as caught:
        warnings.warn("seen by nobody", UserWarning, stacklevel=1)
    return sklearn.get_config()["assume_finite"], type(array).__name__, len(caught)


def nested(n_jobs):
    with joblib.Parallel(n_jobs=n_jobs) as parallel:
        return type(parallel._backend).__name__


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_each_call_comes_back_once_under_its_token(backend, n_jobs):
    with joblib.parallel_config(backend=backend), Workers(n_jobs) as pool:
        assert pool.n_workers == n_jobs
        results = {}
        todo = list(range(7))
        while todo or pool.n_running:
            while todo and pool.n_running < pool.n_workers:
                value = todo.pop()
                pool.submit(("call", value), work, value=value)
            token, result = pool.next_done()
            results[token] = result
    assert {token: result[0] for token, result in results.items()} == {
        ("call", value): value for value in range(7)
    }
    pids = {result[1] for result in results.values()}
    assert (os.getpid() in pids) == pool.shares_memory


def test_n_jobs_of_the_context_holds():
    with joblib.parallel_config(backend="threading", n_jobs=3):
        with Workers(None) as pool:
            assert pool.n_workers == 3
        with Workers(2) as pool:
            assert pool.n_workers == 2


def test_the_first_to_finish_comes_first():
    with joblib.parallel_config(backend="threading"), Workers(2) as pool:
        pool.submit("slow", work, value=0, wait=0.3)
        pool.submit("fast", work, value=0)
        assert [pool.next_done()[0] for _ in range(2)] == ["fast", "slow"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_what_a_call_raises_is_raised(backend, n_jobs):
    with joblib.parallel_config(backend=backend), Workers(n_jobs) as pool:
        pool.submit(0, fail, message="of this kind")
        with pytest.raises(LookupError, match="of this kind"):
            pool.next_done()


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_leaving_by_an_exception_does_not_wait(backend):
    with joblib.parallel_config(backend=backend):
        with Workers(2) as pool:  # starts the workers
            pool.submit(0, work, value=0)
            pool.next_done()
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt), Workers(2) as pool:
            pool.submit(0, work, value=0, wait=30)
            raise KeyboardInterrupt
        assert time.monotonic() - start < 15  # of the 30 that waiting would take
        with Workers(2) as pool:  # and the next pool works
            pool.submit(0, work, value=7)
            assert pool.next_done()[1][0] == 7


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_config_warning_filters_and_memory_maps_travel(backend):
    X = np.zeros(300_000)  # above joblib's max_nbytes of 1 MB
    with (
        joblib.parallel_config(backend=backend),
        sklearn.config_context(assume_finite=True),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", UserWarning)
        with Workers(2) as pool:
            pool.submit(0, surroundings, array=X)
            assume_finite, kind, n_warnings = pool.next_done()[1]
    assert assume_finite
    assert kind == ("ndarray" if backend == "threading" else "memmap")
    assert n_warnings == 0


def test_nested_parallelism_is_limited_to_threads():
    with joblib.parallel_config(backend="loky"), Workers(2) as pool:
        pool.submit(0, nested, n_jobs=2)
        assert pool.next_done()[1] == "ThreadingBackend"


def test_an_own_pool_does_not_disturb_a_later_parallel():
    with Workers(2) as pool:
        pool.submit(0, work, value=1)
        pool.next_done()
    assert joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(i) for i in (-1, 2)) == [1, 2]


# Deaths and delays --------------------------------------------------------------------


def die(after=0.0):
    time.sleep(after)
    os.kill(os.getpid(), signal.SIGKILL)


def hang(mark):
    Path(mark).write_text(str(os.getpid()))
    time.sleep(60)


def test_a_death_is_reported_and_the_workers_go_on():
    with Workers(2) as pool:
        pool.submit("innocent", work, value=0, wait=30)
        pool.submit("guilty", die, after=0.2)
        with pytest.raises(WorkerDeath) as death:
            pool.next_done()
        assert sorted(death.value.lost) == ["guilty", "innocent"]
        assert death.value.culprit is None
        assert pool.n_running == 0
        for value in range(4):
            pool.submit(value, work, value=value)
        assert sorted(pool.next_done()[0] for _ in range(4)) == list(range(4))


class CannotBeLoaded:
    def __reduce__(self):
        return fail, ("not here",)


def test_arguments_that_cannot_be_loaded_count_as_a_death():
    with Workers(2) as pool:
        pool.submit("bad", work, value=CannotBeLoaded())
        with pytest.raises(WorkerDeath, match="un-serialize"):
            pool.next_done()
        pool.submit("good", work, value=1)
        assert pool.next_done()[0] == "good"


def test_workers_that_another_thread_replaced_count_as_dead():
    with Workers(2) as ours:
        ours.submit("ours", work, value=1, wait=20)
        time.sleep(1)
        with pytest.raises(KeyboardInterrupt), Workers(2) as theirs:
            theirs.submit("theirs", work, value=1, wait=20)
            time.sleep(1)
            raise KeyboardInterrupt  # ends all workers
        with pytest.raises(WorkerDeath):
            ours.next_done()
        ours.submit("again", work, value=1)
        assert ours.next_done()[0] == "again"


def test_a_call_that_exceeds_its_time_is_killed():
    with Workers(2, kill_after=0.5) as pool:
        pool.submit("innocent", work, value=0, wait=30)
        pool.submit("hanging", hang, mark=pool.start_mark("hanging"))
        with pytest.raises(Overdue) as overdue:
            pool.next_done()
        assert overdue.value.tokens == ["hanging"]
        assert overdue.value.lost == ["innocent"]
        pool.submit("next", work, value=5)
        assert pool.next_done()[0] == "next"


def test_all_calls_that_exceed_their_time_are_killed_at_once():
    with Workers(2, kill_after=60) as pool:
        marks = [Path(pool.start_mark(token)) for token in ("one", "other")]
        for mark in marks:
            pool.submit(mark.name, hang, mark=mark)
        end = time.monotonic() + 60
        while not all(mark.exists() and mark.read_text() for mark in marks):
            assert time.monotonic() < end
            time.sleep(0.1)
        for mark in marks:
            os.utime(mark, (1, 1))  # began long ago
        with pytest.raises(Overdue) as overdue:
            pool.next_done()
        assert sorted(overdue.value.tokens) == ["one", "other"]
        assert overdue.value.lost == []


def test_a_mark_of_a_lost_call_kills_nobody():
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        with Workers(2, kill_after=60) as pool:
            mark = Path(pool.start_mark("innocent"))
            pool.submit("innocent", work, value=0, wait=60)
            pool.submit("guilty", die)
            mark.write_text(str(bystander.pid))  # as if it had the dead worker's id
            with pytest.raises(WorkerDeath):
                pool.next_done()
            if mark.exists():
                os.utime(mark, (1, 1))  # began long ago
            pool.submit("innocent", work, value=1)
            assert pool.next_done()[0] == "innocent"
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


class OutOfMemoryError(Exception):
    """As torch has one, and ray."""


def run_out_of_memory():
    raise OutOfMemoryError("of the graphics card")


def test_an_exception_named_like_a_death_is_none():
    with Workers(2) as pool:
        pool.submit("call", run_out_of_memory)
        with pytest.raises(OutOfMemoryError, match="graphics card"):
            pool.next_done()


KILLED = """
import os, signal, sys
from sklearn_tuners._engine.workers import Workers
with Workers(2, kill_after=9) as workers:
    print(os.path.dirname(workers.start_mark("x")), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_marks_go_also_if_this_process_is_killed():
    found = subprocess.run(
        [sys.executable, "-c", KILLED], capture_output=True, text=True, check=False
    )
    assert found.returncode == -signal.SIGKILL
    folder = Path(found.stdout.strip())
    end = time.monotonic() + 30
    while folder.exists():
        assert time.monotonic() < end
        time.sleep(0.1)
    with Workers(2, kill_after=9) as workers:
        folder = Path(workers.start_mark("x")).parent
        assert folder.exists()
    assert not folder.exists()


def test_without_kills_there_are_no_marks():
    with joblib.parallel_config(backend="threading"), Workers(2, kill_after=1) as pool:
        assert pool.start_mark("x") is None


# Abilities ----------------------------------------------------------------------------


def where():
    return os.getpid(), threading.current_thread() is threading.main_thread()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_abilities_are_those_of_the_calls(backend, n_jobs):
    with joblib.parallel_config(backend=backend), Workers(n_jobs) as pool:
        pool.submit(0, where)
        pid, in_main_thread = pool.next_done()[1]
        assert pool.shares_memory is (pid == os.getpid())
        assert pool.can_interrupt is in_main_thread
        assert pool.can_kill is (backend == "loky" and n_jobs == 2)
        assert not pool.has_object_store


def test_in_a_thread_nothing_interrupts_calls_of_this_process():
    found = []

    def look():
        with Workers(1) as pool:
            found.append(pool.can_interrupt)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [False]


def test_without_alarms_nothing_interrupts(monkeypatch):
    monkeypatch.setattr("sklearn_tuners._engine.workers.HAS_ALARM", False)
    with joblib.parallel_config(backend="multiprocessing"), Workers(2) as pool:
        assert not pool.can_interrupt


def test_a_backend_that_is_not_known_can_do_nothing():
    pool = Workers(2)
    pool.kind = "SomeBackend"
    names = ["shares_memory", "can_kill", "can_interrupt", "has_object_store"]
    assert not any(getattr(pool, name) for name in names)


def test_a_call_is_killed_also_while_others_finish_one_after_the_other():
    with Workers(2, kill_after=1.0) as pool:
        pool.submit("hanging", hang, mark=pool.start_mark("hanging"))

        def keep_busy():
            for value in range(500):
                pool.submit(value, work, value=value, wait=0.05)
                assert pool.next_done()[0] == value

        with pytest.raises(Overdue) as overdue:
            keep_busy()
        assert overdue.value.tokens == ["hanging"]
