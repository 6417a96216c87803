import multiprocessing
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.svm import SVC
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_tuners import BayesSearchCV, Optimizer
from sklearn_tuners._bayes.threads import BlasLimit, single_threaded

IRIS = load_iris(return_X_y=True)


def blas_threads():
    return [
        library["num_threads"]
        for library in threadpool_info()
        if library["user_api"] == "blas"
    ]


@pytest.fixture(autouse=True)
def two_threads():
    with threadpool_limits(limits=2, user_api="blas"):
        assert set(blas_threads()) == {2}
        yield


class Library:
    """Stands in for a BLAS library of threadpoolctl."""

    def __init__(self, n_threads=4, threading_layer="pthreads"):
        self.threading_layer = threading_layer
        self.own = threading.local()
        self.n_threads = n_threads

    @property
    def num_threads(self):
        if self.threading_layer == "openmp":
            return getattr(self.own, "n_threads", self.n_threads)
        return self.n_threads

    def set_num_threads(self, n_threads):
        if self.threading_layer == "openmp":
            self.own.n_threads = n_threads
        else:
            self.n_threads = n_threads


def overlap(limit, found):
    """Enter in two threads, the first of which leaves first; note what each sees."""
    first_in, second_in, first_out = (threading.Event() for _ in range(3))

    def first():
        with limit():
            first_in.set()
            second_in.wait(10)
        found.append(("first", "out"))
        first_out.set()

    def second():
        first_in.wait(10)
        with limit():
            second_in.set()
            first_out.wait(10)
            found.append(("second", "in"))

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(first), pool.submit(second)]:
            done.result()


def search(seed=0, estimator=None, **params):
    space = {"C": (1e-2, 1e2, "log-uniform"), "gamma": (1e-4, 1.0, "log-uniform")}
    estimator = SVC() if estimator is None else estimator
    return BayesSearchCV(estimator, space, n_iter=8, cv=2, random_state=seed, **params)


def test_blocks_limit_blas_and_restore_it():
    with single_threaded():
        assert set(blas_threads()) == {1}
        with single_threaded():
            pass
        assert set(blas_threads()) == {1}
    assert set(blas_threads()) == {2}


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_blocks_restore_blas_after_any_ending(kind):
    with pytest.raises(kind), single_threaded():
        raise kind
    assert set(blas_threads()) == {2}


def test_of_overlapping_blocks_the_last_one_restores():
    overlap(single_threaded, [])
    assert set(blas_threads()) == {2}


@pytest.mark.parametrize("layer", ["pthreads", "openmp"])
def test_the_limit_holds_until_the_last_block_ends(layer):
    library, found = Library(threading_layer=layer), []
    limit = BlasLimit(lambda: [library])
    overlap(limit, found)
    assert found == [("first", "out"), ("second", "in")]
    assert library.num_threads == library.n_threads == 4


def test_a_limit_that_another_library_set_is_left_to_it():
    library = Library(n_threads=1)
    with BlasLimit(lambda: [library])():
        library.set_num_threads(4)  # the other library lifts its limit
    assert library.num_threads == 4


def test_an_interrupt_while_the_limit_is_set_restores_it():
    class Interrupted(Library):
        def set_num_threads(self, n_threads):
            super().set_num_threads(n_threads)
            if n_threads == 1:
                raise KeyboardInterrupt

    library = Interrupted()
    with pytest.raises(KeyboardInterrupt), BlasLimit(lambda: [library])():
        pass
    assert library.num_threads == 4


def test_searches_in_threads_leave_blas_as_it_was():
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda seed: search(seed).fit(*IRIS), range(4)))
    assert set(blas_threads()) == {2}


def test_the_main_thread_uses_blas_while_a_search_runs():
    A = np.random.default_rng(0).random((200, 200))
    thread = threading.Thread(target=lambda: search().fit(*IRIS))
    thread.start()
    while thread.is_alive():
        A @ A
    thread.join()
    assert set(blas_threads()) == {2}


def test_nested_searches_leave_blas_as_it_was():
    inner = search()
    outer = BayesSearchCV(
        inner, {"estimator__kernel": ["rbf", "poly"]}, n_iter=2, cv=2, n_jobs=1
    )
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: clone(outer).fit(*IRIS), range(2)))
    assert set(blas_threads()) == {2}


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="needs fork"
)
def test_a_process_forked_inside_a_block_has_all_threads():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads
        with single_threaded(), multiprocessing.get_context("fork").Pool(1) as pool:
            assert set(pool.apply(blas_threads)) == {2}
            assert pool.apply(ask) is not None


def ask():
    optimizer = Optimizer({"x": (0.0, 1.0)}, random_state=0)
    for _ in range(6):
        params = optimizer.ask()
        optimizer.tell(params, params["x"])
    return optimizer.ask()
