"""What a search with several workers leaves in memory: nothing."""

import gc
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.linear_model import Ridge

from sklearn_tuners import BayesSearchCV, HyperbandSearchCV

SHM = Path("/dev/shm")
pytestmark = pytest.mark.skipif(not SHM.is_dir(), reason="needs /dev/shm")

X = np.random.default_rng(0).normal(size=(3000, 100))  # 2.4 MB, above joblib's limit
Y = X[:, 0]
SPACE = {"alpha": (0.1, 10.0)}


def left():
    folders = SHM.glob(f"joblib_memmapping_folder_{os.getpid()}_*")
    files = [file for folder in folders for file in folder.iterdir()]
    return [file.name for file in files]


@pytest.fixture(autouse=True)
def nothing_is_left():
    gc.collect()
    before = left()
    yield
    gc.collect()
    assert left() == before


@pytest.mark.parametrize("convert", [np.array, pd.DataFrame, scipy.sparse.csr_matrix])
def test_no_data_are_left(convert):
    search = BayesSearchCV(Ridge(), SPACE, n_iter=3, n_jobs=2, cv=3, random_state=0)
    search.fit(convert(X), Y)


def test_no_data_are_left_by_hyperband():
    HyperbandSearchCV(
        Ridge(), SPACE, resource="n_samples", n_jobs=2, cv=3, random_state=0
    ).fit(X, Y)


class Fails(Ridge):
    def fit(self, X, y):
        raise ValueError("this is not fitted")


def test_no_data_are_left_by_a_search_that_fails():
    search = BayesSearchCV(
        Fails(), SPACE, n_iter=4, n_jobs=2, cv=3, error_score="raise"
    )
    with pytest.raises(ValueError, match="not fitted"):
        search.fit(X, Y)
