"""A third search, of a constructor, a tuner and a strategy, is a search like others."""

import inspect
import json
import sqlite3
from pathlib import Path

import half_search
import numpy as np
import pytest
import sklearn
from half_search import HalfSearchCV
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.svm import SVC
from sklearn_suite import run

from sklearn_tuners import BayesSearchCV, HyperbandSearchCV
from sklearn_tuners._search.base import BaseTunerCV

IRIS = load_iris(return_X_y=True)
SPACE = {"C": loguniform(1e-2, 1e2), "kernel": ["rbf", "linear"]}
FILE = "model_selection/tests/test_search.py"

# Tests of scikit-learn whose expectation half of the rows, or a column more, breaks.
EXCLUDED = {
    "test_custom_run_search": "expects no fitted attribute beyond BaseSearchCV's",
    "test_grid_search_correct_score_results": "expects the scores of all rows",
    "test_grid_search_cv_results": "expects no column beyond BaseSearchCV's",
    "test_grid_search_with_multioutput_data": "expects the scores of all rows",
    "test_random_search_cv_results": "expects no column beyond BaseSearchCV's",
    "test_search_cv_sample_weight_equivalence": "half of repeated rows are other rows",
    "test_search_with_2d_array": "expects the very draws of ParameterSampler",
}
if tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9):
    EXCLUDED["test_random_search_bad_cv"] = "the message has the grammar of 1.9"


@pytest.fixture
def search(tmp_path):
    return HalfSearchCV(
        SVC(), SPACE, n_iter=7, random_state=0, journal=tmp_path / "journal"
    )


def test_it_takes_a_hundred_lines_and_none_of_our_searches():
    source = Path(half_search.__file__).read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 100
    assert "Optimizer" not in source
    assert not issubclass(HalfSearchCV, BayesSearchCV | HyperbandSearchCV)
    assert issubclass(HalfSearchCV, BaseTunerCV)
    methods = {name for name, m in vars(HalfSearchCV).items() if inspect.isfunction(m)}
    assert methods == {"__init__", "_make_strategy"}


@pytest.mark.timeout(900)
def test_of_sklearn_pass(tmp_path):
    outcomes, output = run([FILE], tmp_path / "report", "half_search:HalfSearchCV")
    failed = {
        name.rpartition("::")[2]
        for name, cases in outcomes.items()
        if any(case["outcome"] == "failed" for case in cases)
    }
    assert len(outcomes) > 70, output
    assert failed == EXCLUDED.keys(), output


def test_every_candidate_trains_on_half_of_the_rows_and_says_so(search):
    results = search.fit(*IRIS).cv_results_
    assert len(results["params"]) == 7
    assert results["n_train_rows"].tolist() == [5 * 60] * 7  # half of 120 on each split
    assert search.best_estimator_.support_.max() > 75  # the refit has all rows


def test_it_resumes_from_its_journal(search):
    expected = search.fit(*IRIS).cv_results_
    with sqlite3.connect(search.journal) as db:
        notes = [json.loads(note) for (note,) in db.execute("SELECT note FROM trial")]
        assert notes == [[60] * 5] * 7
        db.execute("DELETE FROM score WHERE trial >= 3")
        db.execute("DELETE FROM outcome WHERE trial >= 3")
        db.execute("DELETE FROM trial WHERE trial.number >= 3")
    resumed = clone(search).fit(*IRIS).cv_results_
    assert resumed["params"] == expected["params"]
    for name in ("mean_test_score", "n_train_rows"):
        np.testing.assert_array_equal(resumed[name], expected[name])
    # What was in the journal did not run again.
    assert (resumed["mean_fit_time"] == expected["mean_fit_time"])[:3].all()


def test_it_runs_on_loky(search):
    expected = clone(search).set_params(journal=None).fit(*IRIS)
    found = search.set_params(n_jobs=2).fit(*IRIS)
    assert found.cv_results_["params"] == expected.cv_results_["params"]
    np.testing.assert_array_equal(
        found.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )


def test_a_large_space_is_drawn_from_and_a_small_one_is_enumerated():
    grid = {"C": [1, 10], "kernel": ["rbf", "linear"]}
    params = HalfSearchCV(SVC(), grid).fit(*IRIS).cv_results_["params"]
    assert [tuple(p.values()) for p in params] == [
        (C, kernel) for C in grid["C"] for kernel in grid["kernel"]
    ]
    assert inspect.signature(HalfSearchCV).parameters["n_iter"].default == 50
