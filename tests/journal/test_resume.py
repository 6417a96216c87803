"""Searches that are interrupted or killed, and resumed from their journal."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import loguniform, uniform
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import KFold, ShuffleSplit
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from sklearn_tuners import BayesSearchCV

KILLED = Path(__file__).with_name("script_that_is_killed.py")
IRIS = load_iris(return_X_y=True)
X = np.arange(40.0).reshape(-1, 2)
SPACE = {"a": uniform(0, 1), "b": loguniform(1e-3, 1e3), "c": ["p", "q", None]}


class Logged(RegressorMixin, BaseEstimator):
    """A regressor that writes down each fit."""

    def __init__(self, log=None, seconds=0.0, a=0.5, b=1.0, c="p"):
        self.log = log
        self.seconds = seconds
        self.a = a
        self.b = b
        self.c = c

    def fit(self, X, y=None):
        if self.log is not None:
            with open(self.log, "a") as file:
                file.write(f"{self.a!r} {X[:, 0].sum()}\n")
        time.sleep(self.seconds)
        self.sum_ = float(X[:, 0].sum())
        return self

    def predict(self, X):
        return np.zeros(len(X))

    def score(self, X, y=None):
        bonus = {"p": 0.0, "q": 0.1, None: -0.1}[self.c]
        return bonus - (self.a - 0.3) ** 2 - np.log10(self.b) ** 2 + self.sum_ / 1e4


def fits_in(log):
    """The (params, split) of each fit that began."""
    return Counter(Path(log).read_text().splitlines()) if Path(log).exists() else {}


def committed_in(path):
    """The same of each fold in the journal, read by plain SQL."""
    if not Path(path).exists():
        return set()
    sums = [float(X[train, 0].sum()) for train, _ in KFold(4).split(X)]
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        try:
            rows = db.execute(
                "SELECT json_extract(params, '$.a'), split FROM outcome"
                " JOIN trial ON trial.number = outcome.trial"
            ).fetchall()
        except sqlite3.OperationalError:
            return set()  # killed before the tables were there
    return {f"{a!r} {sums[split]}" for a, split in rows}


def search_for(tmp_path, **kwargs):
    kwargs = {"n_iter": 25, "cv": 4, "random_state": 3, "refit": False} | kwargs
    estimator = Logged(log=str(tmp_path / "log"), seconds=0.02)
    return BayesSearchCV(
        estimator, SPACE, journal=tmp_path / "search.journal", **kwargs
    )


def assert_same(ours, theirs):
    assert list(ours) == list(theirs)
    for key in ours:
        if not key.endswith("_time"):
            np.testing.assert_array_equal(ours[key], theirs[key])


@pytest.fixture(scope="module")
def uninterrupted():
    """cv_results_ of a search without a journal."""
    search = BayesSearchCV(Logged(), SPACE, n_iter=25, cv=4, random_state=3)
    return search.fit(X).cv_results_


@pytest.mark.serial
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks to be killed cheaply")
def test_killed_again_and_again(tmp_path, uninterrupted):
    n_kills = 50
    journal, log = tmp_path / "search.journal", tmp_path / "log"
    pause = random.Random(1)
    n_reruns = 0
    for _ in range(n_kills):
        committed = committed_in(journal)
        before = fits_in(log)
        child = os.fork()
        if child == 0:
            try:
                search_for(tmp_path).fit(X)
            finally:
                os._exit(0)
        time.sleep(pause.uniform(0, 0.06))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        begun = Counter(fits_in(log)) - Counter(before)
        assert not committed & begun.keys()
        n_reruns += sum(fit in before for fit in begun)
        assert committed <= committed_in(journal)
    assert len(committed_in(journal)) < 100  # each kill was in the midst
    assert n_reruns <= n_kills
    committed = committed_in(journal)
    before = fits_in(log)
    search = search_for(tmp_path).fit(X)
    begun = Counter(fits_in(log)) - Counter(before)
    assert not committed & begun.keys()
    assert sum(fits_in(log).values()) <= 25 * 4 + n_kills + 1
    assert_same(search.cv_results_, uninterrupted)


def outcomes_in(path):
    """The scores in the journal by trial and split."""
    if not path.exists():
        return {}
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        try:
            rows = db.execute("SELECT trial, split, value FROM score").fetchall()
        except sqlite3.OperationalError:
            return {}  # the tables are not there yet
    return {(trial, split): value for trial, split, value in rows}


def start_script(search, log, *journal):
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, str(KILLED), search, str(log), *map(str, journal)],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.serial
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("search", ["BayesSearchCV", "HyperbandSearchCV"])
def test_killed_at_random_folds_with_two_workers(tmp_path, search):
    n_kills, journal, log = 4, tmp_path / "search.journal", tmp_path / "log"
    whole, _ = start_script(search, tmp_path / "other log").communicate()
    n_folds = random.Random(0)
    for _ in range(n_kills):
        held = outcomes_in(journal)
        wanted = len(held) + n_folds.randint(1, 12)
        with start_script(search, log, journal) as script:
            while len(outcomes_in(journal)) < wanted:
                assert script.poll() is None  # each kill is in the midst
                time.sleep(0.005)
            script.kill()
        assert held.items() <= outcomes_in(journal).items()
    resumed, _ = start_script(search, log, journal).communicate()
    assert json.loads(resumed) == json.loads(whole)
    # A kill costs what the workers are at, and what is done and not committed.
    n_lost = log.stat().st_size - (tmp_path / "other log").stat().st_size
    assert n_lost <= 4 * n_kills


class Interrupting(Logged):
    """Interrupts the search at a fit of the process."""

    n_left = None

    def fit(self, X, y=None):
        if Interrupting.n_left is not None:
            if Interrupting.n_left == 0:
                raise KeyboardInterrupt
            Interrupting.n_left -= 1
        return super().fit(X, y)


def interrupt_and_resume(tmp_path, n_fits, first=None, second=None, **kwargs):
    path = tmp_path / "search.journal"
    kwargs = {"n_iter": 12, "cv": 4, "random_state": 3} | kwargs
    search = BayesSearchCV(Interrupting(), SPACE, journal=path, **kwargs)
    Interrupting.n_left = n_fits
    with pytest.raises(KeyboardInterrupt):
        search.set_params(**(first or {})).fit(X)
    Interrupting.n_left = None
    n_rows = len(search.cv_results_["params"]) if n_fits >= 4 else 0
    assert n_rows == n_fits // 4
    return clone(search).set_params(**(second or {})).fit(X)


@pytest.mark.parametrize("n_fits", [0, 1, 4, 21, 47])
def test_a_resumed_search_equals_an_uninterrupted_one(tmp_path, n_fits):
    resumed = interrupt_and_resume(tmp_path, n_fits)
    whole = BayesSearchCV(Logged(), SPACE, n_iter=12, cv=4, random_state=3).fit(X)
    assert_same(resumed.cv_results_, whole.cv_results_)
    assert resumed.best_params_ == whole.best_params_


def test_also_with_other_n_jobs(tmp_path):
    resumed = interrupt_and_resume(tmp_path, 21, second={"n_jobs": 3})
    whole = BayesSearchCV(Logged(), SPACE, n_iter=12, cv=4, random_state=3).fit(X)
    assert_same(resumed.cv_results_, whole.cv_results_)


def test_a_search_without_a_seed_goes_on_with_that_of_the_journal(tmp_path):
    resumed = interrupt_and_resume(tmp_path, 21, random_state=None)
    assert len(resumed.cv_results_["params"]) == 12
    again = clone(resumed).fit(X)
    assert_same(again.cv_results_, resumed.cv_results_)


def test_splits_that_are_drawn_anew_each_time_come_from_the_journal(tmp_path):
    resumed = interrupt_and_resume(
        tmp_path, 21, cv=ShuffleSplit(4), n_initial_points=12
    )
    # The score has the sum of the training rows in it: one number per split.
    for split in range(4):
        params = resumed.cv_results_["params"]
        scores = resumed.cv_results_[f"split{split}_test_score"]
        rest = [
            score - Logged(**p).set_params().fit(X[:0]).score(X)
            for p, score in zip(params, scores, strict=True)
        ]
        assert np.ptp(rest) < 1e-9


def test_nothing_is_run_again_and_a_larger_n_iter_extends(tmp_path):
    first = search_for(tmp_path, n_iter=6).fit(X)
    n_fits = sum(fits_in(tmp_path / "log").values())
    assert n_fits == 24
    again = search_for(tmp_path, n_iter=6).fit(X)
    assert sum(fits_in(tmp_path / "log").values()) == n_fits
    assert_same(again.cv_results_, first.cv_results_)
    longer = search_for(tmp_path, n_iter=9).fit(X)
    assert sum(fits_in(tmp_path / "log").values()) == 36
    assert longer.cv_results_["params"][:6] == first.cv_results_["params"]
    shorter = search_for(tmp_path, n_iter=4).fit(X)
    assert shorter.cv_results_["params"] == first.cv_results_["params"][:4]


def test_failures_are_remembered(tmp_path):
    space = {"C": [-1.0, 1.0]}
    kwargs = {"cv": 2, "journal": tmp_path / "j", "random_state": 0}
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"fits failed|non-finite"):
            search = BayesSearchCV(SVC(), space, **kwargs).fit(*IRIS)
        assert np.isnan(search.cv_results_["mean_test_score"][0])


def test_estimators_and_several_metrics(tmp_path):
    pipe = Pipeline([("clf", SVC())])
    svc, forest = SVC(), RandomForestClassifier(n_estimators=3, random_state=0)
    space = [
        {"clf": [svc], "clf__C": loguniform(0.1, 10)},
        {"clf": [forest], "clf__max_depth": range(1, 6), "clf__class_weight": [{0: 2}]},
    ]
    kwargs = {"n_iter": 9, "cv": 2, "random_state": 0, "return_train_score": True}
    kwargs |= {"scoring": ["accuracy", "f1_macro"], "refit": "f1_macro"}
    searches = [
        BayesSearchCV(pipe, space, journal=tmp_path / "j", **kwargs).fit(*IRIS)
        for _ in range(2)
    ]
    for key in searches[0].cv_results_:
        if key != "params" and not key.endswith("_time"):
            np.testing.assert_array_equal(*(s.cv_results_[key] for s in searches))
    kinds = {id(params["clf"]) for params in searches[1].cv_results_["params"]}
    assert kinds == {id(svc), id(forest)}


def test_sparse_data_a_generator_of_splits_and_numpy_scalars(tmp_path):
    first = [{"C": np.float64(0.1), "degree": 2}]
    space = {"C": loguniform(1e-3, 1e3), "degree": np.array([2, 3, 4])}

    splits = list(KFold(3, shuffle=True, random_state=0).split(IRIS[0]))

    def fit(random_state):
        return BayesSearchCV(
            SVC(),
            space,
            n_iter=5,
            cv=(split for split in splits),
            journal=tmp_path / "j",
            initial_params=first,
            random_state=random_state,
        ).fit(csr_array(IRIS[0]), IRIS[1])

    ours, again = fit(0), fit(np.int64(0))
    assert_same(again.cv_results_, ours.cv_results_)
    assert again.cv_results_["params"][0]["C"] == 0.1
    kinds = [type(params["degree"]) for params in again.cv_results_["params"]]
    assert kinds == [int] + [np.int64] * 4
    with sqlite3.connect(tmp_path / "j") as db:
        (kind,) = db.execute(
            "SELECT json_type(params, '$.C') FROM trial WHERE number = 0"
        ).fetchone()
    assert kind == "real"


def test_the_same_search_goes_on_with_sparse_data(tmp_path):
    X = csr_array(IRIS[0])
    search = BayesSearchCV(
        SVC(), {"C": loguniform(0.1, 10)}, n_iter=2, cv=2, journal=tmp_path / "j"
    )
    search.fit(X, IRIS[1])  # sorts X, as SVC does
    assert len(search.set_params(n_iter=3).fit(X, IRIS[1]).cv_results_["params"]) == 3


@pytest.mark.parametrize(
    "damage", ["""listed = '["gamma"]'""", "row = '[0.5]'", """row = '["a", "b"]'"""]
)
def test_params_that_were_damaged_in_the_file(tmp_path, damage):
    space = {"C": loguniform(0.1, 10), "class_weight": [None, {0: 2}, {1: 2}]}
    kwargs = {"n_iter": 4, "cv": 2, "journal": tmp_path / "j", "random_state": 0}
    BayesSearchCV(SVC(), space, **kwargs).fit(*IRIS)
    with sqlite3.connect(tmp_path / "j") as db:
        db.execute(f"UPDATE trial SET {damage} WHERE listed IS NOT NULL")
    with pytest.raises(ValueError, match=r"damaged.*params of trial"):
        BayesSearchCV(SVC(), space, **kwargs).fit(*IRIS)


def test_files_that_are_no_journal(tmp_path):
    (tmp_path / "text").write_text("not a database " * 100)
    for name in ("text", "missing/journal"):
        search = BayesSearchCV(SVC(), {"C": [1]}, journal=tmp_path / name)
        with pytest.raises((ValueError, OSError), match="journal="):
            search.fit(*IRIS)


def test_a_journal_in_use_is_refused(tmp_path):
    class Nested(Logged):
        def fit(self, X, y=None):
            return BayesSearchCV(
                Logged(), SPACE, n_iter=2, cv=2, journal=tmp_path / "j"
            ).fit(X)

    search = BayesSearchCV(
        Nested(), SPACE, n_iter=2, cv=2, journal=tmp_path / "j", error_score="raise"
    )
    with pytest.raises(RuntimeError, match="journal="):
        search.fit(X)
