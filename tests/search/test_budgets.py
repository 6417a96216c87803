"""Budgets, targets, time limits and interruptions of a search."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import joblib
import numpy as np
import pytest
from scipy.stats import uniform
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.exceptions import FitFailedWarning
from sklearn.svm import SVC

from sklearn_tuners import BayesSearchCV

pytestmark = pytest.mark.serial

IRIS = load_iris(return_X_y=True)
C = {"C": uniform(0.1, 10)}


class Sleeper(ClassifierMixin, BaseEstimator):
    """A classifier that takes its time."""

    def __init__(self, seconds=0.0, stubborn=False, quality=0.5):
        self.seconds = seconds
        self.stubborn = stubborn
        self.quality = quality

    def fit(self, X, y):
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            try:
                time.sleep(max(end - time.monotonic(), 0.0))
            except TimeoutError:
                if not self.stubborn:
                    raise
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def score(self, X, y=None):
        return self.quality


QUALITY = {"quality": uniform(0, 1)}


def test_a_search_says_why_it_stopped():
    assert BayesSearchCV(SVC(), C, n_iter=3).fit(*IRIS).stop_reason_ == "n_iter"
    grid = {"C": [1, 2, 3, 4]}
    search = BayesSearchCV(SVC(), grid, n_iter=9).fit(*IRIS)
    assert search.stop_reason_ == "n_iter"
    assert len(search.cv_results_["params"]) == 4


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_target_score(n_jobs):
    search = BayesSearchCV(
        Sleeper(), QUALITY, target_score=0.9, n_iter=50, n_jobs=n_jobs, random_state=0
    ).fit(*IRIS)
    assert search.stop_reason_ == "target_score"
    assert search.best_score_ >= 0.9
    n_rows = len(search.cv_results_["params"])
    assert n_rows < 20
    first = np.flatnonzero(search.cv_results_["mean_test_score"] >= 0.9)[0]
    assert first >= n_rows - 2  # nothing was begun once it was known
    assert hasattr(search, "best_estimator_")


def test_n_iter_no_change_and_tol():
    constant = BayesSearchCV(
        SVC(), C, scoring=lambda e, X, y: 0.5, n_iter_no_change=4, random_state=0
    ).fit(*IRIS)
    assert constant.stop_reason_ == "n_iter_no_change"
    assert len(constant.cv_results_["params"]) == 5
    generous = BayesSearchCV(
        Sleeper(), QUALITY, n_iter_no_change=4, tol=1.0, random_state=0
    ).fit(*IRIS)
    assert len(generous.cv_results_["params"]) == 5


class Smooth(Sleeper):
    """Quality is a smooth function of one parameter, and differs between splits."""

    def __init__(self, x=0.0, noise=0.05):
        self.x = x
        self.noise = noise

    def fit(self, X, y):
        self.shift_ = self.noise * np.sin(1e3 * X[:, 0].sum())
        self.classes_ = np.unique(y)
        return self

    def score(self, X, y=None):
        return self.shift_ - (self.x - 0.6) ** 2


def test_stopping_when_nothing_is_left_to_gain_above_the_noise():
    space = {"x": uniform(0, 1)}
    kwargs = {"n_iter": 45, "random_state": 0, "stopping": "auto"}
    noisy = BayesSearchCV(Smooth(), space, **kwargs).fit(*IRIS)
    assert noisy.stop_reason_ == "stopping"
    assert 22 <= len(noisy.cv_results_["params"]) < 45
    assert noisy.best_params_["x"] == pytest.approx(0.6, abs=0.05)
    exact = BayesSearchCV(Smooth(noise=0.0), space, **kwargs).fit(*IRIS)
    assert exact.stop_reason_ == "n_iter"  # any gain counts
    failing_first = BayesSearchCV(
        Smooth(), space, initial_params={"x": 0.0}, **kwargs
    ).set_params(scoring=lambda e, X, y: np.nan if e.x == 0.0 else e.score(X))
    with pytest.warns(UserWarning, match="non-finite"):
        assert failing_first.fit(*IRIS).stop_reason_ == "stopping"
    one_split = [(np.arange(100), np.arange(100, 150))]
    single = BayesSearchCV(Smooth(), space, cv=one_split, **kwargs).fit(*IRIS)
    assert single.stop_reason_ == "n_iter"


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_max_time(n_jobs):
    search = BayesSearchCV(
        Sleeper(seconds=0.05), QUALITY, n_iter=1000, max_time=2.0, n_jobs=n_jobs
    )
    search.fit(*IRIS)
    assert search.stop_reason_ == "max_time"
    n_rows = len(search.cv_results_["params"])
    assert 1 <= n_rows < 100
    assert search.cv_results_["mean_test_score"].shape == (n_rows,)
    assert np.isfinite(search.cv_results_["split4_test_score"]).all()


def test_max_time_without_a_single_row():
    search = BayesSearchCV(Sleeper(seconds=0.2), QUALITY, max_time=0.3, cv=5)
    with pytest.raises(ValueError, match=r"max_time.*before any candidate"):
        search.fit(*IRIS)
    assert not [name for name in vars(search) if name.startswith("best_")]


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("stubborn", [False, True])
def test_a_fold_that_takes_too_long_is_a_failed_row(n_jobs, stubborn):
    if stubborn and n_jobs == 1:
        pytest.skip("nothing can end it in this process")
    space = {"seconds": [0.0, 60.0], "quality": [0.1, 0.2], "stubborn": [stubborn]}
    search = BayesSearchCV(
        Sleeper(), space, cv=2, n_jobs=n_jobs, fit_timeout=3.0, refit=True
    )
    with (
        pytest.warns(FitFailedWarning, match="fit_timeout"),
        pytest.warns(UserWarning, match="non-finite"),
    ):
        search.fit(*IRIS)
    seconds = search.cv_results_["param_seconds"] == 60.0
    np.testing.assert_array_equal(
        np.isnan(search.cv_results_["mean_test_score"]), seconds
    )
    assert search.best_score_ == 0.2


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_fold_that_takes_too_long_raises_if_asked_to(n_jobs):
    search = BayesSearchCV(
        Sleeper(),
        {"seconds": [60.0]},
        n_jobs=n_jobs,
        fit_timeout=0.3,
        error_score="raise",
    )
    with pytest.raises(TimeoutError, match="fit_timeout"):
        search.fit(*IRIS)


def test_a_timeout_that_cannot_be_kept_is_an_error():
    search = BayesSearchCV(Sleeper(), QUALITY, n_jobs=2, fit_timeout=1)
    with (
        joblib.parallel_config(backend="threading"),
        pytest.raises(ValueError, match=r"fit_timeout.*threading"),
    ):
        search.fit(*IRIS)
    errors = []

    def fit_in_a_thread():
        try:
            search.set_params(n_jobs=1).fit(*IRIS)
        except ValueError as error:
            errors.append(str(error))

    thread = threading.Thread(target=fit_in_a_thread)
    thread.start()
    thread.join()
    assert "outside of the main thread" in errors[0]


def test_without_alarms_a_timeout_is_kept_by_killing_only(monkeypatch):
    monkeypatch.setattr("sklearn_tuners._engine.workers.HAS_ALARM", False)  # Windows
    monkeypatch.setattr("sklearn_tuners._training.evaluate.HAS_ALARM", False)
    search = BayesSearchCV(Sleeper(), QUALITY, n_iter=2, cv=2, fit_timeout=50)
    with pytest.raises(ValueError, match=r"fit_timeout.*inline"):
        search.fit(*IRIS)
    assert search.set_params(n_jobs=2).fit(*IRIS).stop_reason_ == "n_iter"


def test_a_timeout_in_a_scorer_of_several_metrics_is_a_failed_row():
    def scores(estimator, X, y):
        time.sleep(60 if estimator.quality > 0.5 else 0)
        return {"a": estimator.quality, "b": 0.0}

    search = BayesSearchCV(
        Sleeper(),
        {"quality": [0.4, 0.6]},
        scoring=scores,
        refit="a",
        cv=2,
        fit_timeout=0.5,
        return_train_score=True,
    )
    with pytest.warns(UserWarning, match=r"fit_timeout|non-finite"):
        search.fit(*IRIS)
    np.testing.assert_array_equal(search.cv_results_["mean_test_a"], [0.4, np.nan])
    assert search.best_index_ == 0


def test_a_time_limit_around_another_one_is_kept():
    inner = BayesSearchCV(Sleeper(), {"quality": [0.5]}, cv=2, fit_timeout=50)

    class Outer(Sleeper):
        def fit(self, X, y):
            inner.fit(X, y)
            time.sleep(self.seconds)
            return super().fit(X, y)

    start = time.monotonic()
    outer = BayesSearchCV(
        Outer(), {"seconds": [30.0]}, cv=2, fit_timeout=1.0, error_score="raise"
    )
    with pytest.raises(TimeoutError, match="not done within 1 s"):
        outer.fit(*IRIS)
    assert time.monotonic() - start < 15


def test_the_users_own_alarm_still_rings():
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(True))
    left, _ = signal.setitimer(signal.ITIMER_REAL, 1.5)
    try:
        BayesSearchCV(Sleeper(), QUALITY, n_iter=2, cv=2, fit_timeout=5).fit(*IRIS)
        time.sleep(2)
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, left)
    assert rung == [True]


def test_ctrl_c_when_every_fit_failed():
    class Interrupts(Sleeper):
        def fit(self, X, y):
            if self.quality > 0.5:
                raise KeyboardInterrupt
            raise ValueError("no fit")

    search = BayesSearchCV(Interrupts(), {"quality": [0.1, 0.2, 0.9]}, cv=2)
    with pytest.raises(KeyboardInterrupt):
        search.fit(*IRIS)


def test_ctrl_c_when_refit_cannot_choose_from_so_few():
    class Interrupts(Sleeper):
        def fit(self, X, y):
            if self.quality > 0.5:
                raise KeyboardInterrupt
            return super().fit(X, y)

    search = BayesSearchCV(
        Interrupts(), {"quality": [0.1, 0.2, 0.9]}, cv=2, refit=lambda results: 2
    )
    with pytest.raises(KeyboardInterrupt):
        search.fit(*IRIS)
    assert len(search.cv_results_["params"]) == 2


def test_the_alarm_is_given_back():
    before, (left, _) = (
        signal.getsignal(signal.SIGALRM),
        signal.getitimer(signal.ITIMER_REAL),
    )
    BayesSearchCV(Sleeper(), QUALITY, n_iter=2, cv=2, fit_timeout=5).fit(*IRIS)
    assert signal.getsignal(signal.SIGALRM) is before
    # pytest-timeout may have a timer of its own running
    assert signal.getitimer(signal.ITIMER_REAL)[0] == pytest.approx(left, abs=20)


@pytest.fixture
def heeds_ctrl_c():
    """A process that a shell has put into the background ignores SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_ctrl_c")
@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing", None])
def test_ctrl_c_keeps_what_is_complete(backend):
    space = {"seconds": [0.0, 0.01, 0.02, 18.0]}
    search = BayesSearchCV(Sleeper(), space, cv=2, n_jobs=1 if backend is None else 2)
    warm_up = BayesSearchCV(Sleeper(), QUALITY, n_iter=4, cv=2, n_jobs=search.n_jobs)
    with joblib.parallel_config(backend=backend or "loky"):
        warm_up.fit(*IRIS)  # starting worker processes takes seconds on a busy machine
        timer = threading.Timer(3.0, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            search.fit(*IRIS)
        assert time.monotonic() - start < 14  # of the 18 that a fold takes
    seconds = [params["seconds"] for params in search.cv_results_["params"]]
    assert seconds == [0.0, 0.01, 0.02]
    assert search.best_index_ == 0
    assert search.best_params_ == {"seconds": 0.0}
    assert search.best_score_ == 0.5
    assert not hasattr(search, "best_estimator_")
    # A thread cannot be ended. When its fit is done it puts back the warning filters
    # that it found: not in the middle of another test.
    for thread in threading.enumerate():
        if thread.name.endswith("(worker)"):
            thread.join(timeout=30)


class KillsItsWorker(Sleeper):
    """A classifier whose fit takes its process along, in a worker."""

    def __init__(self, parent=0, deadly=False, quality=0.5):
        self.parent = parent
        self.deadly = deadly
        self.quality = quality

    def fit(self, X, y):
        if self.deadly and os.getpid() != self.parent:
            os.kill(os.getpid(), signal.SIGKILL)
        self.classes_ = np.unique(y)
        return self


DEADLY = [
    {"quality": [0.1, 0.2], "parent": [os.getpid()]},
    {"deadly": [True], "parent": [os.getpid()]},
]


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_a_candidate_that_kills_its_worker_is_a_failed_row():
    cv = [(np.arange(100), np.arange(100, 150))]
    search = BayesSearchCV(KillsItsWorker(), DEADLY, cv=cv, n_jobs=2)
    with pytest.warns(RuntimeWarning, match="A worker died") as caught:
        search.fit(*IRIS)
    assert sum("A worker died" in str(w.message) for w in caught) == 3
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], [0.1, 0.2, np.nan]
    )
    assert search.best_index_ == 1


def test_a_candidate_that_kills_its_worker_raises_if_asked_to():
    cv = [(np.arange(100), np.arange(100, 150))]
    search = BayesSearchCV(
        KillsItsWorker(), DEADLY, cv=cv, n_jobs=2, error_score="raise"
    )
    with (
        pytest.warns(RuntimeWarning, match="A worker died"),
        pytest.raises(RuntimeError, match="worker died"),
    ):
        search.fit(*IRIS)


SCRIPT = """
import sys, numpy as np
sys.path.insert(0, {tests!r})
from test_budgets import IRIS, Sleeper
from sklearn_tuners import BayesSearchCV
BayesSearchCV(
    Sleeper(), {{"seconds": [0.01] * 3 + [3.0] * 60}}, n_iter=99, cv=2, n_jobs=2
).fit(*IRIS)
"""


def children(pid):
    """Ids of the processes whose parent is `pid`."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_workers_do_not_outlive_a_killed_search():
    script = SCRIPT.format(tests=str(Path(__file__).parent))
    search = subprocess.Popen([sys.executable, "-c", script])
    try:
        deadline = time.monotonic() + 60
        while len(children(search.pid)) < 3 and time.monotonic() < deadline:
            time.sleep(0.1)  # two workers and joblib's resource tracker
        time.sleep(2)
        workers = children(search.pid)
        assert len(workers) >= 2
    finally:
        search.kill()
        search.wait()
    deadline = time.monotonic() + 30  # a fold of 3 s each, not 60 of them
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < deadline, "workers go on after the search's death"
        time.sleep(0.2)
