"""A journal that has more candidates than `n_iter`."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from sklearn_tuners import BayesSearchCV, HyperbandSearchCV

X = np.zeros((40, 1))


class Noted(BaseEstimator):
    fits: list = []  # noqa: RUF012

    def __init__(self, x=0.0, n_steps=9):
        self.x = x
        self.n_steps = n_steps

    def fit(self, X, y=None):
        self.fits.append(self)
        return self

    def score(self, X, y=None):
        return -((self.x - 0.3) ** 2)


def make(kind, n_iter, journal):
    if kind is HyperbandSearchCV:
        more = {"resource": "n_steps", "min_resources": 1, "continuation": "never"}
    else:
        more = {}
    return kind(
        Noted(),
        {"x": (0.0, 1.0)},
        n_iter=n_iter,
        cv=2,
        random_state=0,
        refit=False,
        journal=journal,
        **more,
    )


def candidates(found):
    results = found.cv_results_
    rung = results.get("iter", np.zeros(len(results["params"])))
    return [x for x, i in zip(results["param_x"], rung, strict=True) if i == 0]


@pytest.mark.parametrize("n_iter", [1, 4, 11])
@pytest.mark.parametrize("kind", [BayesSearchCV, HyperbandSearchCV])
def test_a_smaller_n_iter_shows_the_first_candidates(kind, n_iter, tmp_path):
    longer = make(kind, 15, tmp_path / "j").fit(X)
    Noted.fits.clear()
    shorter = make(kind, n_iter, tmp_path / "j").fit(X)
    assert not Noted.fits
    assert candidates(shorter) == candidates(longer)[:n_iter]
    assert shorter.best_params_["x"] in candidates(shorter)
    again = make(kind, 15, tmp_path / "j").fit(X)
    assert not Noted.fits
    assert again.cv_results_["params"] == longer.cv_results_["params"]
