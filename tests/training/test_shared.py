"""Data that all evaluations read: sent to each worker once."""

import os
import pickle
from dataclasses import FrozenInstanceError

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from sklearn_tuners._engine.workers import Workers
from sklearn_tuners._training.shared import Shared

N_ROWS = 300_000  # a column is above joblib's max_nbytes of 1 MB


def look_at(shared):
    X = shared.X
    array = X.data if sparse.issparse(X) else np.asarray(X)
    base, kinds = array, set()
    while base is not None:
        kinds.add(type(base).__name__)
        base = getattr(base, "base", None)
    return os.getpid(), id(shared), float(array.sum()), "memmap" in kinds


DATA = {
    "array": lambda: np.arange(2.0 * N_ROWS).reshape(-1, 2),
    "fortran": lambda: np.asfortranarray(np.arange(2.0 * N_ROWS).reshape(-1, 2)),
    "pandas": lambda: pd.DataFrame(np.arange(2.0 * N_ROWS).reshape(-1, 2)),
    "csr": lambda: sparse.csr_array(np.arange(2.0 * N_ROWS).reshape(-1, 2)),
}


@pytest.mark.parametrize("make", DATA.values(), ids=DATA.keys())
@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_data_are_mapped_once_into_each_worker(make, backend):
    X = make()
    shared = Shared(X=X)
    with joblib.parallel_config(backend=backend), Workers(2) as pool:
        seen = []
        for token in range(6):
            pool.submit(token, look_at, shared=shared)
            seen.append(pool.next_done()[1])
    identities = {}
    for pid, identity, total, is_mapped in seen:
        assert identities.setdefault(pid, identity) == identity
        assert total == X.sum().sum()
        assert is_mapped


def test_threads_read_the_very_objects():
    shared = Shared(X=DATA["pandas"]())
    with joblib.parallel_config(backend="threading"), Workers(2) as pool:
        pool.submit(0, look_at, shared=shared)
        assert pool.next_done()[1][1] == id(shared)


def test_what_is_pickled_is_the_same_object_each_time():
    frame = pl.DataFrame({"a": np.arange(1000.0)})
    shared = Shared(X=frame, y=[1, 2], scorer=lambda: 3)
    first, second = shared.__reduce__(), shared.__reduce__()
    assert first[1][1] is second[1][1]
    loaded = pickle.loads(pickle.dumps(shared))
    assert loaded.X.equals(frame)
    assert loaded.y == [1, 2]
    assert loaded.scorer() == 3
    assert pickle.loads(pickle.dumps(loaded)) is loaded


def test_the_data_cannot_be_changed():
    shared = Shared(X=[[0]], y=[1])
    with pytest.raises(FrozenInstanceError):
        shared.y = [2]


def test_the_size_is_that_of_the_data():
    assert Shared(X=np.zeros(10_000)).__sizeof__() >= 80_000
