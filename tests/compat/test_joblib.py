"""What we use of joblib's privates."""

import os
import time

import joblib
import pytest
from joblib._parallel_backends import ThreadingBackend

from sklearn_tuners._compat.joblib import JoblibBackend


class Custom(ThreadingBackend):
    pass


def opposite(value):
    return -value


@pytest.mark.parametrize("kind", ["loky", "threading", "multiprocessing"])
def test_a_call_goes_to_the_backend_and_comes_back(kind):
    with joblib.parallel_config(backend=kind):
        backend = JoblibBackend(2)
        backend.start()
    assert (backend.kind, backend.n_workers) == (kind, 2)
    assert backend.starts_children is (kind != "threading")
    done = []
    backend.submit(opposite, {"value": 3}, done.append)
    end = time.monotonic() + 60
    while not done:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert backend.result(done[0]) == -3
    backend.stop(abort=False)


def test_one_worker_is_this_process():
    backend = JoblibBackend(1)
    backend.start()
    assert backend.kind == "inline"
    assert not backend.starts_children
    backend.stop(abort=False)


def test_a_backend_of_another_name_is_known_by_its_base():
    joblib.register_parallel_backend("custom", Custom)
    with joblib.parallel_config(backend="custom"):
        backend = JoblibBackend(2)
        backend.start()
        assert backend.kind == "threading"
        backend.stop(abort=False)


def test_a_folder_is_there_until_it_is_removed():
    folder = JoblibBackend.make_folder()
    assert os.path.isdir(folder)
    JoblibBackend.remove_folder(folder)
    assert not os.path.exists(folder)
