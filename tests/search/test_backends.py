"""The same search on clusters: dask and ray, with two real worker processes each."""

import os
import pickle
import signal
import threading
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from joblib.pool import PicklingPool
from scipy.stats import loguniform
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_tuners import BayesSearchCV, HyperbandSearchCV
from sklearn_tuners._compat.joblib import JoblibBackend
from sklearn_tuners._engine.workers import Workers
from sklearn_tuners._training.shared import Shared

pytestmark = pytest.mark.serial

IRIS = load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def dask_cluster():
    distributed = pytest.importorskip("dask.distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
    ):
        yield


@pytest.fixture(scope="module")
def ray_cluster():
    ray = pytest.importorskip("ray")
    from ray.util.joblib import register_ray

    path = os.pathsep.join(
        [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    )
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        logging_level="ERROR",
        runtime_env={"env_vars": {"PYTHONPATH": path}},
    )
    register_ray()
    bases = PicklingPool.__bases__
    yield
    # Ray's backend changes the ancestry of this class for the whole process, after
    # which the backend "multiprocessing" is ray too.
    PicklingPool.__bases__ = bases
    ray.shutdown()


@pytest.fixture(params=["dask", "ray"])
def backend(request):
    request.getfixturevalue(f"{request.param}_cluster")
    with joblib.parallel_config(backend=request.param):
        yield request.param


class DiesOnce(ClassifierMixin, BaseEstimator):
    """A classifier whose first fit for a marked candidate kills its worker."""

    def __init__(self, mark=None, quality=0.5):
        self.mark = mark
        self.quality = quality

    def fit(self, X, y):
        if self.mark is not None and not Path(self.mark).exists():
            Path(self.mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def score(self, X, y=None):
        return self.quality


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame])
def test_a_cluster_gives_the_result_of_one_process(backend, container):
    model = make_pipeline(StandardScaler(), SVC())
    space = {"svc__C": loguniform(1e-2, 1e2), "svc__gamma": loguniform(1e-3, 1e1)}
    X, y = container(IRIS[0]), IRIS[1]
    kwargs = {"n_iter": 8, "cv": 3, "random_state": 0, "initial_params": None}
    remote = BayesSearchCV(model, space, n_jobs=2, **kwargs).fit(X, y)
    with joblib.parallel_config(backend="threading"):
        local = BayesSearchCV(model, space, n_jobs=2, **kwargs).fit(X, y)
    assert remote.cv_results_["params"] == local.cv_results_["params"]
    np.testing.assert_array_equal(
        remote.cv_results_["mean_test_score"], local.cv_results_["mean_test_score"]
    )


def test_hyperband_goes_on_with_what_other_workers_have_trained(backend):
    search = HyperbandSearchCV(
        SGDClassifier(random_state=0),
        {"alpha": loguniform(1e-6, 1e-1)},
        resource="n_epochs",
        max_resources=9,
        cv=3,
        n_jobs=2,
        sampler="random",
        random_state=0,
    )
    remote = clone(search).fit(*IRIS)
    with joblib.parallel_config(backend="threading"):
        local = clone(search).fit(*IRIS)
    assert remote.cv_results_["params"] == local.cv_results_["params"]
    np.testing.assert_array_equal(
        remote.cv_results_["mean_test_score"], local.cv_results_["mean_test_score"]
    )
    assert (remote.best_estimator_.coef_ == local.best_estimator_.coef_).all()


def search_inside():
    search = BayesSearchCV(SVC(), {"C": [1, 2]}, cv=2, n_jobs=2).fit(*IRIS)
    return len(search.cv_results_["params"])


def test_a_search_inside_a_task_of_dask(dask_cluster):
    from dask.distributed import get_client

    client = get_client()
    futures = [client.submit(search_inside, pure=False) for _ in range(2)]
    assert [future.result(timeout=120) for future in futures] == [2, 2]


def test_after_a_death_dask_is_given_time_to_replace_the_worker():
    distributed = pytest.importorskip("dask.distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
        joblib.parallel_config(backend="dask"),
    ):
        backend = JoblibBackend(2)
        backend.start()
        cluster.scale(0)
        while client.scheduler_info()["workers"]:
            time.sleep(0.1)
        timer = threading.Timer(1.0, cluster.scale, (1,))
        timer.start()
        backend.restart()
        assert client.scheduler_info()["workers"]
        backend.stop(abort=False)
        timer.join()


def test_a_dask_cluster_that_stays_without_workers_is_an_error(monkeypatch):
    distributed = pytest.importorskip("dask.distributed")
    monkeypatch.setattr("sklearn_tuners._compat.joblib._DASK_PATIENCE", 1)
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
        joblib.parallel_config(backend="dask"),
    ):
        backend = JoblibBackend(2)
        backend.start()
        cluster.scale(0)
        while client.scheduler_info()["workers"]:
            time.sleep(0.1)
        with pytest.raises(RuntimeError, match="All workers of the dask cluster"):
            backend.restart()
        backend.stop(abort=False)


def in_main_thread():
    return threading.current_thread() is threading.main_thread()


def test_what_workers_can_do_on_a_cluster(backend):
    with Workers(2) as workers:
        workers.submit(0, in_main_thread)
        assert workers.can_interrupt is workers.next_done()[1]
        assert workers.has_object_store is (workers.kind == "ray")
        assert not workers.shares_memory
        assert not workers.can_kill


def where_it_lies(shared):
    return id(shared), shared.X.flags.writeable, float(shared.X.sum())


def test_data_travel_to_ray_once(ray_cluster):
    shared = Shared(X=np.ones(500_000))
    shared.put_into_ray()
    assert len(pickle.dumps(shared.__reduce__()[1][0])) < 100
    with joblib.parallel_config(backend="ray"), Workers(2) as workers:
        seen = set()
        for token in range(5):
            workers.submit(token, where_it_lies, shared=shared)
            seen.add(workers.next_done()[1])
    assert len(seen) <= 2
    for _, is_writeable, total in seen:
        assert not is_writeable  # a view of ray's memory, not a copy
        assert total == 500_000


@pytest.mark.filterwarnings("ignore:A worker died:RuntimeWarning")
def test_the_death_of_a_worker_does_not_end_the_search(backend, tmp_path):
    space = {
        "mark": [None, str(tmp_path / "first"), str(tmp_path / "second")],
        "quality": [0.1, 0.2, 0.3],
    }
    search = BayesSearchCV(DiesOnce(), space, cv=2, n_jobs=2).fit(*IRIS)
    assert len(search.cv_results_["params"]) == 9
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_score_ == 0.3
    assert (tmp_path / "first").exists()
    assert (tmp_path / "second").exists()


def test_a_time_limit_is_kept_or_refused(backend):
    search = BayesSearchCV(SVC(), {"C": [1, 2]}, n_jobs=2, fit_timeout=30)
    if backend == "ray":
        assert len(search.fit(*IRIS).cv_results_["params"]) == 2
    else:
        with pytest.raises(ValueError, match=r"fit_timeout.*dask"):
            search.fit(*IRIS)
