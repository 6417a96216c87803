"""A user's script that searches with a journal and two workers, and may be killed.

``python script_that_is_killed.py SEARCH LOG [JOURNAL]`` prints the results as JSON.
Each fit adds a byte to LOG.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from scipy.stats import loguniform, uniform
from sklearn.base import BaseEstimator, RegressorMixin

import sklearn_tuners

SEARCH, LOG, *JOURNAL = sys.argv[1:]
X = np.arange(80.0).reshape(-1, 2)


class Slow(RegressorMixin, BaseEstimator):
    """Has a score that depends on its params and on the training rows."""

    def __init__(self, a=0.5, b=1.0):
        self.a = a
        self.b = b

    def fit(self, X, y=None):
        with Path(LOG).open("ab") as log:
            log.write(b".")
        time.sleep(0.02)
        self.mean_ = float(X.mean())
        return self

    def predict(self, X):
        return np.zeros(len(X))

    def score(self, X, y=None):
        return self.mean_ / 1e3 - (self.a - 0.3) ** 2 - np.log10(self.b) ** 2


search = getattr(sklearn_tuners, SEARCH)(
    Slow(),
    {"a": uniform(0, 1), "b": loguniform(1e-3, 1e3)},
    n_iter=30,
    cv=4,
    random_state=3,
    n_jobs=2,
    refit=False,
    journal=JOURNAL[0] if JOURNAL else None,
).fit(X)
scores = search.cv_results_["mean_test_score"].tolist()
json.dump([search.cv_results_["params"], scores], sys.stdout)
