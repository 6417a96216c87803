"""Which of two candidates is simpler."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from sklearn_tuners._insight.complexity import (
    branch_key,
    complexity,
    is_simpler,
    positions,
)


def ranks(values, direction):
    return positions([{"p": value} for value in values], {"p": direction}).ravel()


def test_directions():
    assert ranks([1, 100, 10], "low").tolist() == [0.0, 1.0, 0.5]
    assert ranks([1, 100, 10], "high").tolist() == [1.0, 0.0, 0.5]
    assert ranks(["b", "a"], ["a", "b", "c"]).tolist() == [1.0, 0.0]
    assert ranks([True, False], "low").tolist() == [1.0, 0.0]


def test_none_is_the_absence_of_a_limit():
    assert ranks([3, None, 10], "low").tolist() == [0.0, 1.0, 0.5]
    assert ranks([3, None, 10], "high").tolist() == [0.5, 1.0, 0.0]
    assert ranks([1.0, np.inf], "low").tolist() == [0.0, 1.0]


def test_values_without_a_place_are_not_compared():
    P = positions([{"p": "scale"}, {"p": 1.0}, {"p": 2.0}], {"p": "low"})
    np.testing.assert_array_equal(P.ravel(), [np.nan, 0.0, 1.0])
    assert not is_simpler(P, 0).any()
    assert is_simpler(P, 2).tolist() == [False, True, False]
    assert complexity(P).tolist() == [0.5, 0.0, 1.0]


def test_values_without_a_place_are_equal_to_each_other():
    tried = [{"p": "scale", "C": 1}, {"p": "scale", "C": 2}, {"p": 0.1, "C": 3}]
    tried.append({"p": 0.2, "C": 3})
    P = positions(tried, {"p": "low", "C": "low"})
    assert is_simpler(P, 1).tolist() == [True, False, False, False]


def test_what_does_not_vary_has_no_position():
    tried = [{"a": 1, "b": 2}, {"a": 1, "b": 3}]
    assert positions(tried, {"a": "low", "b": "low", "c": "low"}).shape == (2, 1)
    assert positions(tried, {}).shape == (2, 0)
    assert complexity(positions(tried, {})).tolist() == [0.0, 0.0]
    assert not is_simpler(positions(tried, {}), 0).any()


def test_simpler_in_every_parameter_has_the_lower_mean_rank():
    rng = np.random.default_rng(0)
    tried = [dict(zip("abc", rng.integers(5, size=3), strict=True)) for _ in range(40)]
    P = positions(tried, {"a": "low", "b": "high", "c": [3, 1, 2, 0, 4]})
    C = complexity(P)
    for i in range(40):
        assert (C[is_simpler(P, i)] < C[i]).all()


def test_branches():
    assert branch_key({"clf": SVC(), "clf__C": 1}) == branch_key(
        {"clf__C": 2, "clf": SVC(C=3)}
    )
    assert branch_key({"clf": SVC(), "clf__C": 1}) != branch_key(
        {"clf": LogisticRegression(), "clf__C": 1}
    )
