"""Warning filters while several threads silence warnings."""

import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import joblib
import numpy as np
import pytest
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from sklearn_tuners import BayesSearchCV, HyperbandSearchCV
from sklearn_tuners._compat.joblib import _call_in_thread
from sklearn_tuners._compat.warnings import kept_filters, silenced

X = np.random.default_rng(0).random((60, 2))
Y = np.arange(60) % 2


@pytest.fixture(autouse=True)
def filters():
    """Provide the filters; they must be the same afterwards."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        before = warnings.filters, list(warnings.filters), warnings.showwarning
        yield before
        assert warnings.filters is before[0]
        assert warnings.filters == before[1]
        assert warnings.showwarning is before[2]


class Silences(ClassifierMixin, BaseEstimator):
    """Silences a warning of its own, and gives another one."""

    def __init__(self, C=1.0, record=False):
        self.C = C
        self.record = record

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        with warnings.catch_warnings(record=self.record):
            warnings.simplefilter("ignore")
            time.sleep(0.002 * self.C)
        time.sleep(0.002 * (1 - self.C))
        warnings.warn("heard", FutureWarning, stacklevel=1)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def search(**params):
    estimator = Silences(record=params.pop("record", False))
    return BayesSearchCV(
        estimator, {"C": (0.01, 1.0)}, n_iter=12, cv=3, random_state=0, **params
    )


@pytest.mark.parametrize("record", [False, True])
def test_fits_in_threads_leave_the_filters_as_they_were(record):
    with joblib.parallel_config("threading", n_jobs=4):
        search(record=record).fit(X, Y)


def test_a_fit_in_a_thread_begins_with_the_filters_of_the_search(filters):
    begun = list(warnings.filters)
    with kept_filters():
        warnings.simplefilter("ignore")  # as an overlap of two fits leaves it
        assert list(warnings.filters) != begun
        found = _call_in_thread(lambda: list(warnings.filters), get_config(), begun)
    assert found == begun


def test_a_failing_search_in_threads_leaves_the_filters():
    def score(estimator, X, y):
        raise KeyboardInterrupt

    with joblib.parallel_config("threading", n_jobs=2), pytest.raises(BaseException):  # noqa: B017
        search(scoring=score).fit(X, Y)


def test_searches_in_threads_leave_the_filters():
    estimator = MLPClassifier((3,), random_state=0)

    def run(seed):
        return HyperbandSearchCV(
            estimator,
            {"learning_rate_init": (1e-3, 1.0, "log-uniform")},
            resource="max_iter",
            min_resources=1,
            max_resources=9,
            cv=2,
            random_state=seed,
        ).fit(X, Y)

    with warnings.catch_warnings(record=True), ThreadPoolExecutor(2) as pool:
        list(pool.map(run, range(4)))


@pytest.mark.parametrize("first", [0, 1])
def test_blocks_that_silence_may_overlap(first, filters):
    blocks = [ExitStack(), ExitStack()]
    for block in blocks:
        block.enter_context(silenced(ConvergenceWarning))
    for i in (first, 1 - first):
        with warnings.catch_warnings(record=True) as caught:
            warnings.warn("any", ConvergenceWarning, stacklevel=1)
            warnings.warn("other", UserWarning, stacklevel=1)
        assert [str(w.message) for w in caught] == ["other"]
        blocks[i].close()
    assert warnings.filters == filters[1]


def test_a_filter_like_that_of_silenced_stays():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        before = list(warnings.filters)
        with silenced(ConvergenceWarning):
            pass
        assert warnings.filters == before


def test_silenced_ends_in_lists_that_others_kept():
    block, other = ExitStack(), warnings.catch_warnings()
    block.enter_context(silenced(UserWarning, "this"))
    other.__enter__()
    block.close()
    other.__exit__(None, None, None)  # puts back the list that had the filter


def test_kept_filters_are_restored_by_the_last_block(filters):
    blocks = [ExitStack(), ExitStack()]
    for block in blocks:
        block.enter_context(kept_filters())
    blocks[0].close()
    warnings.simplefilter("ignore")
    thread = threading.Thread(target=blocks[1].close)
    thread.start()
    thread.join()
    assert warnings.filters is filters[0]
