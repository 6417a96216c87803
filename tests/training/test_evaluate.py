"""One evaluation in a worker: when it runs, and how long."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import get_scorer

from sklearn_tuners._compat.sklearn import _NoCallbacks
from sklearn_tuners._training.evaluate import FitTimeoutError, Guard, evaluate
from sklearn_tuners._training.shared import Shared
from sklearn_tuners._training.steps import Training

X, Y = np.zeros((6, 1)), np.array([0, 1, 0, 1, 0, 0])


class Slow(DummyClassifier):
    def set_params(self, **params):
        time.sleep(30)
        return super().set_params(**params)


def run(estimator, *, guard=None, start_mark=None, training=None, **shared):
    settings = {"scorer": get_scorer("accuracy"), **shared}
    return evaluate(
        guard=guard or Guard(),
        start_mark=start_mark,
        shared=Shared(X=X, y=Y, return_train_score=True, **settings),
        training=training,
        estimator=estimator,
        parameters={},
        train=np.arange(4),
        test=np.arange(4, 6),
        task=_NoCallbacks().subcontext(),
        caller=None,
        split_progress=(0, 1),
        candidate_progress=(0, 1),
    )


@pytest.fixture
def without_callbacks(monkeypatch):
    """Run as scikit-learn 1.7 and 1.8 do, which need no task tree."""
    monkeypatch.setattr("sklearn_tuners._compat.sklearn._HAS_CALLBACKS", False)


@pytest.mark.usefixtures("without_callbacks")
def test_an_evaluation_scores_its_split():
    outcome, stop = run(DummyClassifier())
    assert outcome["test_scores"] == 1.0
    assert outcome["train_scores"] == 0.5
    assert stop is False


def test_after_the_deadline_nothing_begins():
    assert run(None, guard=Guard(deadline=time.time() - 1)) == (None, False)


@pytest.mark.usefixtures("without_callbacks")
def test_the_mark_names_this_process_while_it_runs(tmp_path):
    mark, seen = tmp_path / "mark", []

    class Looks(DummyClassifier):
        def fit(self, X, y):
            seen.append(mark.read_text())
            return super().fit(X, y)

    run(Looks(), start_mark=str(mark))
    assert seen == [str(os.getpid())]
    assert not mark.exists()


@pytest.mark.usefixtures("without_callbacks")
def test_a_training_replaces_fit_once():
    estimator = DummyClassifier(strategy="constant")
    training = Training(
        resource="n_samples", chain=(4,), settings={"strategy": "most_frequent"}
    )
    outcome, _ = run(estimator, training=training)
    assert outcome["test_scores"] == 1.0
    assert estimator.strategy == "most_frequent"
    assert "fit" not in vars(estimator)


@pytest.mark.usefixtures("without_callbacks")
def test_an_alarm_outside_of_fit_makes_a_failed_outcome():
    outcome, stop = run(Slow(), guard=Guard(timeout=0.2), error_score=-1.0)
    assert outcome["test_scores"] == outcome["train_scores"] == -1.0
    assert "fit_timeout" in outcome["fit_error"]
    assert outcome["n_test_samples"] == 2
    assert stop is False
    with pytest.raises(FitTimeoutError):
        run(Slow(), guard=Guard(timeout=0.2), error_score="raise")


def test_an_alarm_of_the_user_is_given_back():
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(True))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with Guard(timeout=60).alarm():
            pass
        assert signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL
        time.sleep(1.0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert rung == [True]


ORPHAN = """
import os, sys, time
from sklearn_tuners._training.evaluate import Guard
child = os.fork()
if child == 0:
    os.close(1)  # else the reader waits for it
    Guard(parent=os.getppid()).leave_if_orphaned()
    time.sleep(60)
    os._exit(0)
print(child, flush=True)
time.sleep(0.5)
os._exit(0)
"""


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="reads /proc")
def test_a_worker_ends_with_its_search():
    found = subprocess.run(
        [sys.executable, "-c", ORPHAN],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    child, end = int(found.stdout), time.monotonic() + 20
    while is_running(child):
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.timeout(0)  # which is an alarm itself
@pytest.mark.parametrize("late", ["setitimer", "signal"])
def test_an_alarm_that_rings_at_the_end_changes_nothing(late, monkeypatch):
    before = signal.getsignal(signal.SIGALRM)
    real = getattr(signal, late)
    calls = []

    def rings(*args):
        calls.append(args)
        if late == "setitimer" and len(calls) == 2:
            raise FitTimeoutError
        return real(*args)

    monkeypatch.setattr(signal, late, rings)
    if late == "setitimer":
        with pytest.raises(FitTimeoutError), Guard(timeout=60).alarm():
            pass
    else:
        with pytest.raises(KeyboardInterrupt), Guard(timeout=60).alarm():
            raise KeyboardInterrupt
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
