"""Searches that are killed, and resumed from their journal."""

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
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.stats import loguniform, norm, uniform
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import (
    KFold,
    RepeatedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from sklearn_tuners import BayesSearchCV
from sklearn_tuners._journal.identity import identify, identify_space
from sklearn_tuners._journal.journal import JournaledTrial
from sklearn_tuners._journal.records import (
    kept_splits,
    params_from_record,
    point_to_record,
    splits_from_text,
    splits_to_settings,
    splits_to_text,
)
from sklearn_tuners._space.space import Space

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
@pytest.mark.parametrize(("n_jobs", "n_kills"), [(1, 50), (2, 4)])
def test_killed_again_and_again(tmp_path, uninterrupted, n_jobs, n_kills):
    if n_jobs == 2:
        # The lag is part of the outcome: that of two workers.
        uninterrupted = (
            BayesSearchCV(Logged(), SPACE, n_iter=25, cv=4, random_state=3, n_jobs=2)
            .fit(X)
            .cv_results_
        )
    journal, log = tmp_path / "search.journal", tmp_path / "log"
    pause = random.Random(n_jobs)
    n_reruns = 0
    for _ in range(n_kills):
        committed = committed_in(journal)
        before = fits_in(log)
        child = os.fork()
        if child == 0:
            try:
                search_for(tmp_path, n_jobs=n_jobs).fit(X)
            finally:
                os._exit(0)
        time.sleep(pause.uniform(0, 0.06 if n_jobs == 1 else 4.0))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        begun = Counter(fits_in(log)) - Counter(before)
        assert not committed & begun.keys()
        n_reruns += sum(fit in before for fit in begun)
        assert committed <= committed_in(journal)
    assert n_jobs == 2 or len(committed_in(journal)) < 100  # each kill was in the midst
    assert n_reruns <= n_kills * n_jobs
    committed = committed_in(journal)
    before = fits_in(log)
    search = search_for(tmp_path, n_jobs=n_jobs).fit(X)
    begun = Counter(fits_in(log)) - Counter(before)
    assert not committed & begun.keys()
    assert sum(fits_in(log).values()) <= 25 * 4 + n_jobs * (n_kills + 1)
    assert_same(search.cv_results_, uninterrupted)


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


REFUSED = {
    "search space": {"param_distributions": {"C": loguniform(1, 10)}},
    "estimator": {"estimator": SVC(kernel="linear")},
    "scoring": {"scoring": "balanced_accuracy"},
    "splits": {"cv": 4},
    "error_score": {"error_score": 0.0},
    "return_train_score": {"return_train_score": True},
    "random_state": {"random_state": 1},
    "initial_params": {"initial_params": {"C": 2.0}},
}


@pytest.mark.parametrize("part", REFUSED)
def test_the_journal_of_another_search_is_refused(tmp_path, part):
    kwargs = {
        "estimator": SVC(),
        "param_distributions": {"C": loguniform(1, 20)},
        "n_iter": 3,
        "cv": 3,
        "random_state": 0,
        "journal": tmp_path / "j",
    }
    BayesSearchCV(**kwargs).fit(*IRIS)
    with pytest.raises(ValueError, match=part):
        BayesSearchCV(**kwargs | REFUSED[part]).fit(*IRIS)
    with pytest.raises(ValueError, match="data"):
        BayesSearchCV(**kwargs).fit(IRIS[0] + 1, IRIS[1])


def plus(c):
    return lambda value: value + c


SAME_OR_NOT = {
    "lambda": (lambda: plus(1), lambda: plus(2)),
    "function in a list": (lambda: [None, plus(1)], lambda: [None, plus(2)]),
    "array": (lambda: np.zeros(2000), lambda: np.r_[np.zeros(1999), 1]),
    "pipeline": (
        lambda: Pipeline([("f", FunctionTransformer(plus(1))), ("clf", SVC())]),
        lambda: Pipeline([("f", FunctionTransformer(plus(2))), ("clf", SVC())]),
    ),
    "space of 300 numbers": (
        lambda: Space.parse({"a": [float(i) for i in range(300)]}),
        lambda: Space.parse({"a": [float(i) for i in range(299)] + [299.5]}),
    ),
    "space of 300 strings": (
        lambda: Space.parse({"a": [str(i) for i in range(300)]}),
        lambda: Space.parse({"a": [str(i) for i in range(299)] + ["x"]}),
    ),
    "space with arrays": (
        lambda: Space.parse({"a": [np.zeros(2000), None]}),
        lambda: Space.parse({"a": [np.r_[np.zeros(1999), 1], None]}),
    ),
    "distribution": (
        lambda: Space.parse({"a": norm(0, 1)}),
        lambda: Space.parse({"a": norm(0, 1.001)}),
    ),
}


def local_class(constant):
    class Local(SVC):
        attribute = constant

        def fit(self, X, y):
            return super().fit(X, y) if constant in {"a", "b"} else None

    return Local


SAME_OR_NOT["local class"] = (lambda: local_class("a")(), lambda: local_class("c")())


OTHER_PROCESS = """
from sklearn_tuners._journal.identity import identify
print(identify(lambda x: x in {"some", "words", "in", "a", "set"}).digest)
print(identify(frozenset(["some", "words", "in", "a", "set"])).digest)
"""


def test_the_order_of_hashes_does_not_matter():
    seen = {
        subprocess.run(
            [sys.executable, "-c", OTHER_PROCESS],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(seen) == 1


@pytest.mark.parametrize(("make", "make_other"), SAME_OR_NOT.values(), ids=SAME_OR_NOT)
def test_what_is_the_same_is_recognised_and_what_is_not_is_not(make, make_other):
    def digest(value):
        of = identify_space if isinstance(value, Space) else identify
        return of(value).digest

    assert digest(make()) == digest(make())
    assert digest(make()) != digest(make_other())


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


def frame_in_blocks():
    frame = pd.DataFrame(IRIS[0], columns=list("abcd"))
    frame["e"] = np.arange(150)
    frame["f"] = 0.5
    return frame


SAME_VALUES = {
    "sparse rows": (lambda: csr_array(IRIS[0]), lambda rows: rows.has_sorted_indices),
    "unsorted rows": (
        lambda: csr_array(IRIS[0])[:, [2, 0, 1]],
        lambda rows: rows.sort_indices(),
    ),
    "frame": (frame_in_blocks, lambda frame: frame._consolidate_inplace()),
}


@pytest.mark.parametrize(("make", "use"), SAME_VALUES.values(), ids=SAME_VALUES)
def test_data_are_recognised_after_they_have_been_used(make, use):
    data = make()
    digest = identify(data).digest
    use(data)
    assert identify(data).digest == digest
    assert identify(data * 2).digest != digest
    assert identify(data[:100]).digest != digest


def test_a_column_is_recognised_in_whatever_frame_it_stands():
    frame = frame_in_blocks()
    digest = identify(frame["b"]).digest
    assert identify(frame["b"].copy()).digest == digest
    assert identify(frame["a"]).digest != digest
    assert identify(frame["b"].rename("a")).digest != digest


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


def test_plain_params_come_back():
    svc, forest = SVC(), RandomForestClassifier()
    space = Space.parse(
        [
            {"clf": [svc, forest], "n": range(1, 5), "x": uniform(0, 1)},
            {"clf": [None], "t": [(1, 2), (3,)], "s": ["a", "b"]},
        ]
    )
    rows = space.quantile(np.random.default_rng(0).random((50, space.n_dims)))
    for u in rows:
        params = space.decode(u)
        record = point_to_record(space.point(params))
        kinds = (bool, int, float, str, type(None))
        assert all(type(value) in kinds for value in record["params"].values())
        back = params_from_record(space, JournaledTrial(0, outcomes={}, **record))
        assert list(back) == list(params)
        assert all(
            back[name] is params[name] or back[name] == params[name] for name in back
        )
        assert back["clf"] is params["clf"]


def test_splits_come_back():
    splits = list(KFold(3).split(X))
    for ours, theirs in zip(
        splits_from_text(splits_to_text(splits)), splits, strict=True
    ):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one, other)
    mask = np.array([True, False, True])
    ((train, test),) = splits_from_text(splits_to_text([(mask, ~mask)]))
    np.testing.assert_array_equal(train, [0, 2])
    np.testing.assert_array_equal(test, [1])


def settings_of(cv):
    return splits_to_settings(list(cv.split(X)), cv)


def same_splits(ours, theirs):
    return splits_to_text(ours) == splits_to_text(theirs)


class Own:
    """A splitter of the user's, without parameters."""

    def __init__(self, at):
        self.at = at

    def split(self, X):
        yield np.arange(self.at), np.arange(self.at, len(X))


@pytest.mark.parametrize(
    "cv",
    [
        ShuffleSplit(3),
        ShuffleSplit(3, random_state=np.random.RandomState(0)),
        KFold(3, shuffle=True),
        RepeatedKFold(n_splits=2, n_repeats=2),
    ],
)
def test_splits_that_are_drawn_anew_each_time_are_those_of_the_journal(cv):
    settings, fresh = settings_of(cv), list(cv.split(X))
    kept = kept_splits(settings, fresh, cv, "journal='j'")
    assert not same_splits(kept, fresh)
    assert splits_to_text(kept) == settings["splits"]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (KFold(4), [*KFold(4).split(X)]),
        (KFold(4), Own(3)),
        (ShuffleSplit(3, random_state=0), ShuffleSplit(3, random_state=0)),
    ],
)
def test_equal_splits_are_the_same_whatever_drew_them(ours, theirs):
    settings = settings_of(ours)
    kept = kept_splits(settings, list(ours.split(X)), theirs, "journal='j'")
    assert splits_to_text(kept) == settings["splits"]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (KFold(4), KFold(5)),
        (ShuffleSplit(3), ShuffleSplit(4)),
        (ShuffleSplit(3), ShuffleSplit(3, random_state=0)),
        (ShuffleSplit(3, random_state=0), ShuffleSplit(3)),
        (ShuffleSplit(3), ShuffleSplit(3, test_size=0.5)),
        (ShuffleSplit(3), KFold(3, shuffle=True)),
        (Own(3), Own(4)),
    ],
)
def test_splits_of_another_splitter_are_refused(ours, theirs):
    refused = r"^journal='j' belongs .*\n  splits: .* than this search draws from cv=.*"
    with pytest.raises(ValueError, match=refused) as raised:
        kept_splits(settings_of(ours), list(theirs.split(X)), theirs, "journal='j'")
    assert repr(theirs) in str(raised.value)


@pytest.mark.parametrize("cv", [KFold(4), TimeSeriesSplit(4), Own(3)])
def test_a_splitter_that_does_not_shuffle_has_other_splits_on_other_data(cv):
    """Its random_state, None by default, has no part in that."""
    fresh = list(cv.split(X[:-4]))
    with pytest.raises(ValueError, match="belongs to another search"):
        kept_splits(settings_of(cv), fresh, cv, "journal='j'")


class Stream:
    """A splitter that keeps what cannot be pickled, and counts."""

    random_state = None

    def __init__(self, random_state=0):
        self.random_state = random_state
        self.stream = KFold(3, shuffle=True).split(X)
        self.n_calls = 0

    def split(self, X):
        self.n_calls += 1
        return list(self.stream)


@pytest.mark.parametrize("random_state", [0, None])
def test_any_splitter_may_have_a_journal(random_state):
    """One that cannot be told from others can only have equal splits."""
    cv = Stream(random_state)
    splits = cv.split(X)
    settings = splits_to_settings(splits, cv)
    other = Stream(random_state)
    assert same_splits(kept_splits(settings, splits, other, "journal='j'"), splits)
    with pytest.raises(ValueError, match="belongs to another search"):
        kept_splits(settings, other.split(X), other, "journal='j'")
