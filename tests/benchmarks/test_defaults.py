"""The study of default spaces: what it compares, and a run of it."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from benchmarks.studies import defaults
from benchmarks.tasks import pairs, ranges


def test_there_are_thirty_pairs_and_fewer_than_half_are_toys():
    assert [pair.number for pair in pairs.PAIRS] == list(range(1, 31))
    packages = [pairs.tables.TABLES[pair.data]["package"] for pair in pairs.PAIRS]
    assert packages.count("scikit-learn") < 15
    assert {pair.estimator for pair in pairs.PAIRS} == set(pairs.ESTIMATORS)


@pytest.mark.parametrize("space", ranges.SOURCES)
@pytest.mark.parametrize("name", pairs.ESTIMATORS)
def test_peers_name_parameters_that_exist(space, name):
    estimator = pairs.ESTIMATORS[name]()
    found = ranges.space(space, estimator, n=200, p=10)
    assert found.keys() <= clone(estimator).get_params().keys()
    for domain in found.values():
        assert isinstance(domain, list) or domain[0] < domain[1]


def test_the_default_is_in_the_space():
    tree = DecisionTreeClassifier()
    inside = {"min_samples_leaf": (1, 10), "criterion": ["gini", "entropy"]}
    space, default = defaults.with_default(inside, tree)
    assert space is inside
    assert default == {"min_samples_leaf": 1, "criterion": "gini"}

    outside = {"max_depth": (2, 10)}
    space, default = defaults.with_default(outside, tree)
    assert space == [{"max_depth": [None]}, outside]
    assert default == {"max_depth": None}


def test_a_run_begins_with_the_default():
    X, y = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    pair = pairs.Pair(1, "qda", "iris", None)
    line, candidates = defaults.measure("ours", pair, 0, X[order], y[order], n_iter=6)
    assert line["best_cv"] >= line["default_cv"]
    assert candidates["params"][0] == "{'reg_param': 0.0}"
    assert np.shape(candidates["scores"]) == (6, 5)
    assert np.mean(candidates["scores"][0]) == pytest.approx(line["default_cv"])
