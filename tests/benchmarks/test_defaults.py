"""The arithmetic of the benchmark of default spaces, and the spaces it compares."""

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_1samp
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from benchmarks import defaults, pairs, peers


def test_there_are_thirty_pairs_and_fewer_than_half_are_toys():
    assert [pair.number for pair in pairs.PAIRS] == list(range(1, 31))
    packages = [pairs.data.TABLES[pair.data]["package"] for pair in pairs.PAIRS]
    assert packages.count("scikit-learn") < 15
    assert {pair.estimator for pair in pairs.PAIRS} == set(pairs.ESTIMATORS)


def test_wilson():
    expected = binomtest(23, 30).proportion_ci(method="wilson")
    assert defaults.wilson(23 / 30, 30) == pytest.approx(tuple(expected))


def test_holm():
    assert defaults.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx(
        [0.03, 0.06, 0.06, 0.02]
    )
    assert defaults.holm([0.7, 0.6]) == [1.0, 1.0]


def test_corrected_t_is_the_usual_one_with_a_larger_variance():
    d = np.random.default_rng(0).normal(0.3, 1.0, 15)
    inflated = d.mean() + (d - d.mean()) * np.sqrt(1 + 15 / 4)
    assert defaults.corrected_t(d) == pytest.approx(ttest_1samp(inflated, 0).pvalue)
    assert defaults.corrected_t(np.zeros(15)) == 1.0


@pytest.mark.parametrize(
    ("differences", "expected"),
    [([0.0, 0.0], "tie"), ([0.1, -0.05], "win"), ([-0.1, 0.05], "loss")],
)
def test_verdict(differences, expected):
    assert defaults.verdict(np.array(differences)) == expected


@pytest.mark.parametrize("space", peers.SOURCES)
@pytest.mark.parametrize("name", pairs.ESTIMATORS)
def test_peers_name_parameters_that_exist(space, name):
    estimator = pairs.ESTIMATORS[name]()
    found = peers.space(space, estimator, n=200, p=10)
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


def test_a_run_begins_with_the_default(monkeypatch):
    X, y = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    monkeypatch.setattr(defaults, "N_ITER", 6)
    pair = pairs.Pair(1, "qda", "iris", None)
    line, candidates = defaults.run("ours", pair, 0, X[order], y[order], n_jobs=1)
    assert list(line) == defaults.COLUMNS
    assert line["best_cv"] >= line["default_cv"]
    assert candidates["params"][0] == "{'reg_param': 0.0}"
    assert np.shape(candidates["scores"]) == (6, 5)
    assert np.mean(candidates["scores"][0]) == pytest.approx(line["default_cv"])
