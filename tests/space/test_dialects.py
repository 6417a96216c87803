"""Tests of what users may write for one parameter, and of what they may not."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.svm import SVC

from sklearn_tuners._space.dialects import parse_dimension, parse_subspaces
from sklearn_tuners._space.space import Space


def test_scikit_optimize():
    space = pytest.importorskip("skopt.space")
    parsed = Space.parse(
        {
            "a": space.Real(1, 10),
            "b": space.Real(1e-3, 1.0, prior="log-uniform"),
            "c": space.Integer(1, 10),
            "d": space.Integer(1, 100, prior="log-uniform"),
            "e": space.Categorical(["x", None, (1, 2)]),
            "f": space.Categorical([1, 2], prior=[0.1, 0.9]),
        }
    )
    assert repr(parsed) == (
        "Space({'a': a float from 1 to 10, "
        "'b': a float from 0.001 to 1 (log scale), "
        "'c': an integer from 1 to 10, "
        "'d': an integer from 1 to 100 (log scale), "
        "'e': one of ['x', None, (1, 2)], "
        "'f': one of [1, 2]})"
    )


def test_optuna():
    distributions = pytest.importorskip("optuna.distributions")
    parsed = Space.parse(
        {
            "a": distributions.FloatDistribution(1, 10),
            "b": distributions.FloatDistribution(1e-3, 1, log=True),
            "c": distributions.FloatDistribution(0, 0.9, step=0.3),
            "d": distributions.IntDistribution(1, 9, step=2),
            "e": distributions.IntDistribution(1, 100, log=True),
            "f": distributions.CategoricalDistribution(["x", None]),
            "g": distributions.IntDistribution(3, 3),
        }
    )
    assert repr(parsed) == (
        "Space({'a': a float from 1 to 10, "
        "'b': a float from 0.001 to 1 (log scale), "
        "'c': a float from 0.0 to 0.9 in steps of 0.3, "
        "'d': an integer from 1 to 9 in steps of 2, "
        "'e': an integer from 1 to 100 (log scale), "
        "'f': one of ['x', None], "
        "'g': one of [3]})"
    )


SINGLE = (
    r"Parameter grid for parameter 'a' needs to be a list or a numpy array, but got "
    r"{} \(of type {}\) instead. Single values need to be wrapped in a list with one "
    r"element."
)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        # scikit-learn's own
        (1, TypeError, SINGLE.format("1", "int")),
        ("1,2", TypeError, SINGLE.format("'1,2'", "str")),
        (b"1", TypeError, SINGLE.format("b'1'", "bytes")),
        (None, TypeError, SINGLE.format("None", "NoneType")),
        ({1, 2}, TypeError, SINGLE.format(r"{1, 2}", "set")),
        ({"a": 1}, TypeError, SINGLE.format(r"{'a': 1}", "dict")),
        (np.array(1), TypeError, SINGLE.format(r"array\(1\)", "ndarray")),
        (SVC(), TypeError, SINGLE.format(r"SVC\(\)", "SVC")),
        ([], ValueError, r"'a' need to be a non-empty sequence, got: \[\]"),
        ((), ValueError, r"'a' need to be a non-empty sequence, got: \(\)"),
        (np.ones((3, 2)), ValueError, r"(?s)array for 'a' should be one-dim.*\(3, 2\)"),
        # distributions
        (stats.loguniform, TypeError, "loguniform"),
        (stats.uniform(0, -1), ValueError, "has invalid arguments"),
        (stats.loguniform(1, math.nan), ValueError, "has invalid arguments"),
    ],
    ids=lambda value: repr(value)[:40] if not isinstance(value, type) else "",
)
def test_errors_name_the_parameter(value, error, message):
    with pytest.raises(error, match=message) as caught:
        parse_dimension("a", value)
    assert "'a'" in str(caught.value)


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match="Parameter 'C' of my_space: low must be less"):
        Space.parse({"C": (3, 1)}, name="my_space")


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ([], ValueError, r"param_distributions must have at least one dict, got \[\]"),
        (3, TypeError, "should be a dict or a list of dicts, got: 3 of type int"),
        (None, TypeError, "should be a dict or a list of dicts, got: None"),
        ("C", TypeError, "should be a dict or a list of dicts, got: 'C' of type str"),
        ([{"a": [1]}, 3], TypeError, "a list of dicts, got 3 in it"),
        (["C", (1.0, 1)], TypeError, "a list of dicts, got 'C' in it"),
        ({1: [1]}, TypeError, "names of parameters must be strings, got 1"),
        ([({"a": [1]}, 0)], ValueError, r"\(dict, n\) must be a positive.*got 0"),
        ([({"a": [1]}, True)], ValueError, "must be a positive integer, got True"),
        ([({"a": [1]}, "b")], ValueError, "must be a positive integer, got 'b'"),
    ],
    ids=str,
)
def test_errors_of_whole_spaces(spec, error, message):
    with pytest.raises(error, match=message):
        Space.parse(spec)


def test_subspaces():
    assert parse_subspaces({"a": [1]}, "x") == [({"a": [1]}, None)]
    assert parse_subspaces(({"a": [1]},), "x") == [({"a": [1]}, None)]
    assert parse_subspaces([({}, 2), ({}, 4)], "x") == [({}, 2), ({}, 4)]
