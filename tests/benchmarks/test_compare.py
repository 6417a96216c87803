"""The comparison that the README begins with."""

import numpy as np
from sklearn.datasets import load_iris
from sklearn.svm import SVC

from benchmarks.core.store import Store
from benchmarks.studies import compare, curves
from benchmarks.tasks.pipelines import HEADLINE, PROBLEMS, Problem

TINY = Problem(
    "iris: SVC",
    load=load_iris,
    estimator=SVC(),
    grid={"C": list(range(1, 31))},
    distributions={"C": list(range(1, 31))},
)


def test_the_headline_is_compared_first():
    assert compare.QUICK[0] == HEADLINE
    assert set(compare.QUICK) < set(PROBLEMS)


def test_the_quick_comparison_tells_of_each_problem_and_shows_a_table(
    monkeypatch, capsys
):
    monkeypatch.setattr(compare, "PROBLEMS", {TINY.name: TINY})
    monkeypatch.setattr(compare, "QUICK", (TINY.name,))
    store = Store(None, compare.KEYS)
    shown = compare.run(store, jobs=1)
    assert not store.rows  # every quick run is a new one
    assert capsys.readouterr().out.count("iris: SVC, seed 0: GridSearchCV 0.9") == 1
    grid, random, bayes = (line for line in shown.splitlines() if "SearchCV" in line)
    assert "| iris: SVC (accuracy) | GridSearchCV       | 150  |" in grid
    assert "RandomizedSearchCV | 15 " in random
    assert "BayesSearchCV      | 15 " in bayes


def test_record():
    rows, grid = ([{"cv": x} for x in xs] for xs in ([3.0, 2.0, 1.0], [2.0, 2.0, 2.0]))
    assert compare.record(rows, grid, "cv") == "1-1-1"


def test_curve_between_its_points():
    row = {"curve": "5:0.25 20:0.5"}
    found = curves.curve(row, np.array([4, 5, 19, 20, 100]))
    np.testing.assert_array_equal(found, [np.nan, 0.25, 0.25, 0.5, 0.5])
