"""What is said of better candidates that a search left behind when it ended early."""

import re
import time
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from sklearn_tuners import HyperbandSearchCV

X, Y = np.zeros((40, 1)), np.arange(40) % 2
N_FIRST_BRACKET, N_NEXT_RUNG = 2 * (9 + 3 + 1), 2 * 5
LATE = N_FIRST_BRACKET + N_NEXT_RUNG
"""Fits until the second bracket would promote its best candidate."""


class Improves(ClassifierMixin, BaseEstimator):
    """Is better, or worse, with each fit of the process; ends at a given one."""

    def __init__(self, x=0.0, n_steps=9, sign=1, ending=None):
        self.x = x
        self.n_steps = n_steps
        self.sign = sign
        self.ending = ending

    fits: list = []  # noqa: RUF012

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        if len(self.fits) == LATE:
            if self.ending is None:
                raise KeyboardInterrupt
            time.sleep(self.ending)
        self.fits.append(self)
        self.score_ = self.sign * len(self.fits)
        return self

    def score(self, X, y):
        return self.score_


@pytest.fixture(autouse=True)
def no_fits():
    Improves.fits.clear()


def search(estimator=None, **params):
    return HyperbandSearchCV(
        Improves() if estimator is None else estimator,
        {"x": (0.0, 1.0)},
        resource="n_steps",
        min_resources=1,
        cv=2,
        sampler="random",
        continuation="never",
        random_state=0,
        **params,
    )


def best_of_lower_rungs(found):
    scores = found.cv_results_["mean_test_score"]
    lower = found.cv_results_["n_resources"] < 9
    row = int(np.argmax(np.where(lower, scores, -np.inf)))
    return scores[row], found.cv_results_["param_x"][row]


@pytest.mark.parametrize("refit", [True, False])
def test_ctrl_c_names_a_better_candidate_of_a_lower_rung(refit):
    interrupted = search(refit=refit)
    with (
        pytest.warns(UserWarning, match="ended before the candidate") as caught,
        pytest.raises(KeyboardInterrupt),
    ):
        interrupted.fit(X, Y)
    assert interrupted.cv_results_["n_resources"][interrupted.best_index_] == 9
    score, x = best_of_lower_rungs(interrupted)
    assert score > interrupted.best_score_
    (text,) = [str(w.message) for w in caught]
    assert f"'x': {float(x)!r}" in text
    assert "initial_params" in text


def test_a_search_goes_on_from_its_journal_as_the_warning_says(tmp_path):
    journal = tmp_path / "search.journal"
    with (
        pytest.warns(UserWarning, match="goes on from its journal"),
        pytest.raises(KeyboardInterrupt),
    ):
        search(journal=journal).fit(X, Y)
    Improves.fits.append(None)  # past the interrupt
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = search(journal=journal).fit(X, Y)
    assert found.best_score_ > LATE


def test_the_end_by_max_time_names_it_too():
    with pytest.warns(UserWarning, match="ended before the candidate"):
        found = search(Improves(ending=3.5), max_time=3.0).fit(X, Y)
    assert found.stop_reason_ == "max_time"
    assert re.fullmatch(r"\d+\.?\d*", str(found.best_score_))


def test_nothing_is_said_if_the_best_one_is_the_best():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(KeyboardInterrupt):
            search(Improves(sign=-1)).fit(X, Y)


def test_nothing_is_said_at_the_regular_end():
    Improves.fits.extend([None] * (LATE + 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert search().fit(X, Y).stop_reason_ == "brackets"
