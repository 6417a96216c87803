"""Tests of what users may write for one parameter, and of what they may not."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.svm import SVC

from sklearn_tuners._space.dialects import parse_dimension, parse_subspaces
from sklearn_tuners._space.dimensions import Interval, Progression, Table
from sklearn_tuners._space.space import Space


# Look-alikes of the dimensions of other packages, by class names and attributes.
class Real:
    def __init__(self, low, high, prior="uniform", base=10):
        self.low, self.high, self.prior, self.base = low, high, prior, base

    def rvs(self, n_samples=1, random_state=None):
        raise AssertionError("a dimension is not drawn from")


class Integer(Real):
    pass


class Categorical:
    def __init__(self, categories, prior=None):
        self.categories, self.prior = categories, prior

    def rvs(self, n_samples=1, random_state=None):
        raise AssertionError("a dimension is not drawn from")


class FloatDistribution:
    def __init__(self, low, high, log=False, step=None):
        self.low, self.high, self.log, self.step = low, high, log, step


class IntDistribution:
    def __init__(self, low, high, log=False, step=1):
        self.low, self.high, self.log, self.step = low, high, log, step


class CategoricalDistribution:
    def __init__(self, choices):
        self.choices = choices


class IntUniformDistribution(IntDistribution):
    """Optuna's deprecated classes derive from the present ones."""


class UnnamedRange:
    """Neither package's class name: the type of the bounds tells."""

    def __init__(self, low, high):
        self.low, self.high, self.prior = low, high, "uniform"


def levels_of(value, **kwargs):
    return list(parse_dimension("a", value, **kwargs).levels())


# Lists --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 3],
        ["a", None, 3, (1, 2)],
        (1, 2, 3),
        ("a", "b"),
        (True, False),
        (1, "sqrt"),
        (1, 2, None),
        (1, 2, 3, 4),
        (0.5, 1.0, "sqrt"),
        (1, 2, "log2", 10),
        (1, 2, "uniform", 1),
        (1, 2, "uniform", 2.0),
        (1, 2, "uniform", None),
        (None, 1),
        range(5),
        range(5, 0, -2),
        [[1], {"a": 1}, SVC()],
        [5, 1, 3, 1],
    ],
    ids=str,
)
def test_lists_of_values(values):
    own = list(values)
    assert all(a is b for a, b in zip(levels_of(values), own, strict=True))


@pytest.mark.parametrize("value", [(1, 2), (1, 2, "uniform"), (0.1, 1)])
def test_tuples_of_a_grid_are_lists(value):
    assert levels_of(value, tuples_as_ranges=False) == list(value)


@pytest.mark.parametrize(
    "array",
    [np.array([3, 1, 2]), np.logspace(-2, 2, 5), np.array(["a", "b"]), np.arange(2)],
    ids=str,
)
def test_arrays_give_what_iterating_them_gives(array):
    dimension = parse_dimension("a", array)
    expected = list(array)
    for value, own in zip(dimension.levels(), expected, strict=True):
        assert value == own
        assert type(value) is type(own)
        assert type(dimension.decode(dimension.encode(value))) is type(own)


@pytest.mark.parametrize(
    ("values", "positions"),
    [
        # linear: less than two decades
        ([0, 1, 2], [0, 0.5, 1]),
        ([1, 2, 5], [0, 0.25, 1]),
        ([-1, 0.5, 1], [0, 0.75, 1]),
        ([10, 20, 50, 110], [0, 0.1, 0.4, 1]),
        # logarithmic: two decades and more
        ([1, 10, 100], [0, 0.5, 1]),
        ([0.001, 1, 1000], [0, 0.5, 1]),
        ([1e-300, 1e300, 1], [0, 1, 0.5]),
        # in any order
        ([100, 1, 10], [1, 0, 0.5]),
        # ranks: crowded otherwise
        ([0, 0.001, 0.01, 0.1, 1], [0, 0.25, 0.5, 0.75, 1]),
        ([0, 1, 10, 100, 1000], [0, 0.25, 0.5, 0.75, 1]),
        ([0, 1, 1.001, 50], [0, 1 / 3, 2 / 3, 1]),
        ([-1e308, 0, 1e308], [0, 0.5, 1]),
        (np.array([1.0, 2.0, 3.0], dtype=np.float32), [0, 0.5, 1]),
    ],
    ids=str,
)
def test_numeric_lists_are_ordinal(values, positions):
    dimension = parse_dimension("a", values)
    assert not dimension.is_categorical
    assert_allclose([dimension.encode(v) for v in values], positions, atol=1e-9)


@pytest.mark.parametrize(
    "values",
    [
        [1, 2],
        [True, False],
        [None, 3, 10],
        ["a", "b", "c"],
        [1, 1.0, 2, 3],
        [0, 1, True],
        [0.0, 1.0, math.inf],
        [0.0, 1.0, math.nan],
        [1, 2, 10**400],
        [1, 2, 1, 2],
    ],
    ids=str,
)
def test_other_lists_are_categorical(values):
    dimension = parse_dimension("a", values)
    assert dimension.is_categorical
    for value in values:
        assert dimension.decode(dimension.encode(value)) is value


def test_long_ranges_are_not_materialised():
    dimension = parse_dimension("a", range(0, 10**12, 5))
    assert dimension.size == 2 * 10**11
    assert dimension.decode(dimension.encode(123_456_785)) == 123_456_785
    assert not dimension.log
    assert parse_dimension("a", range(1, 10**12)).log
    backwards = parse_dimension("a", range(10**6, 0, -1))
    assert next(backwards.levels()) == 10**6


def test_numbers_of_a_list_are_equally_likely_whatever_their_scale():
    dimension = parse_dimension("a", [1, 10, 100, 1000])
    u = dimension.quantile((np.arange(100) + 0.5) / 100)
    assert np.unique(u, return_counts=True)[1].tolist() == [25] * 4


@pytest.mark.parametrize("values", [range(2**45), range(1, 2**45, 3)], ids=str)
def test_very_long_ranges(values):
    dimension = parse_dimension("a", values)
    assert dimension.size == len(values)
    for u in dimension.quantile(np.linspace(0, 1, 50)).tolist():
        assert dimension.decode(u) in values
        assert dimension.encode(dimension.decode(u)) == u


# Ranges -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "low", "high", "log"),
    [
        ((1, 10), 1, 10, False),
        ((np.int64(1), 10), 1, 10, False),
        ((-3, 3, "uniform"), -3, 3, False),
        ((1, 1000, "log-uniform"), 1, 1000, True),
        ((1, 1000, "log-uniform", 2), 1, 1000, True),
        (Integer(1, 10), 1, 10, False),
        (Integer(1, 10, "log-uniform"), 1, 10, True),
        (IntDistribution(1, 10), 1, 10, False),
        (IntDistribution(1, 10, log=True), 1, 10, True),
        (IntUniformDistribution(1, 10), 1, 10, False),
        (UnnamedRange(1, 10), 1, 10, False),
    ],
)
def test_integer_ranges(value, low, high, log):
    dimension = parse_dimension("a", value)
    assert isinstance(dimension, Progression)
    assert dimension.log is log
    values = list(dimension.levels())
    assert values == list(range(low, high + 1))
    assert all(type(v) is int for v in values)


@pytest.mark.parametrize(
    ("value", "low", "high", "log"),
    [
        ((0.0, 10), 0, 10, False),
        ((1, 10.0), 1, 10, False),
        ((np.float32(0.5), 10), 0.5, 10, False),
        ((1e-3, 1e3, "log-uniform"), 1e-3, 1e3, True),
        ((1e-3, 1e3, "log-uniform", 10), 1e-3, 1e3, True),
        (Real(1, 10), 1, 10, False),
        (Real(1, 10, "log-uniform"), 1, 10, True),
        (FloatDistribution(0, 1), 0, 1, False),
        (FloatDistribution(0.1, 1, log=True), 0.1, 1, True),
        (UnnamedRange(1, 10.0), 1, 10, False),
    ],
)
def test_float_ranges(value, low, high, log):
    dimension = parse_dimension("a", value)
    assert isinstance(dimension, Interval)
    assert (dimension.low, dimension.high, dimension.log) == (low, high, log)
    # Both bounds are included.
    assert [dimension.decode(u) for u in (0.0, 1.0)] == [low, high]
    assert type(dimension.decode(0.0)) is float


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (IntDistribution(1, 10, step=3), [1, 4, 7, 10]),
        (IntDistribution(1, 9, step=3), [1, 4, 7]),
        (IntDistribution(1, 3, step=3), [1]),
        (FloatDistribution(0, 1, step=0.25), [0, 0.25, 0.5, 0.75, 1]),
        (FloatDistribution(0.1, 0.7, step=0.2), [0.1, 0.3, 0.5, 0.7]),
        (FloatDistribution(-0.3, 0, step=0.1), [-0.3, -0.2, -0.1, 0]),
        (IntDistribution(5, 5), [5]),
        (FloatDistribution(0.5, 0.5), [0.5]),
    ],
)
def test_stepped_ranges(value, expected):
    assert levels_of(value) == expected


# Choices ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Categorical, CategoricalDistribution])
def test_choices_are_lists(kind):
    svc = SVC()
    assert levels_of(kind(("a", None, svc))) == ["a", None, svc]
    assert not parse_dimension("a", kind((1, 10, 100))).is_categorical


def test_probabilities_of_categories():
    dimension = parse_dimension("a", Categorical(("a", "b", "c"), [0.2, 0.0, 0.8]))
    u = dimension.quantile((np.arange(100) + 0.5) / 100).tolist()
    drawn = [dimension.decode(v) for v in u]
    assert (drawn.count("a"), drawn.count("c")) == (20, 80)
    assert dimension.size == 2


# Real packages, where they are installed ----------------------------------------------


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


# Errors -------------------------------------------------------------------------------

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
        # ranges
        ((3, 1), ValueError, "low must be less than high, got low=3, high=1"),
        ((1, 1), ValueError, "low must be less than high, got low=1, high=1"),
        ((1e9, 1e9 + 1e-6), ValueError, "low must be less than high"),
        (Real(3, 1), ValueError, "low must be less than high, got low=3, high=1"),
        (IntDistribution(3, 1), ValueError, "low must be less than high"),
        (FloatDistribution(3, 1, step=0.5), ValueError, "low must be less than high"),
        ((0, 1, "log-uniform"), ValueError, "a log scale needs low > 0, got low=0"),
        ((-1.0, 1, "log-uniform"), ValueError, "needs low > 0, got low=-1.0"),
        (FloatDistribution(0, 1, log=True), ValueError, "needs low > 0, got low=0"),
        ((math.nan, 1), ValueError, "low and high must be finite, got low=nan, high=1"),
        ((0, math.inf), ValueError, "low and high must be finite, got low=0, high=inf"),
        ((0, 10**400), ValueError, "low and high must be finite"),
        ((-1e308, 1e308), ValueError, "low and high must be finite"),
        (FloatDistribution(math.inf, math.inf), ValueError, "must be finite"),
        ((1, 10, "loguniform"), ValueError, "unknown prior 'loguniform', accepted are"),
        ((1, 10, "log_uniform", 2), ValueError, "unknown prior 'log_uniform'"),
        ((1, 10, "log"), ValueError, "unknown prior 'log', accepted are"),
        ((1, 2, "uniforn"), ValueError, "a list of values is written as a list"),
        (Real(1, 2, "normal"), ValueError, "unknown prior 'normal'"),
        ((1, 2**41, "log-uniform"), ValueError, r"at most 2\*\*40 on a log scale"),
        (FloatDistribution(0, 1, step=-0.1), ValueError, "step must be a positive"),
        (FloatDistribution(0, 1, step=math.nan), ValueError, "step must be a positive"),
        (
            FloatDistribution(0.1, 1, log=True, step=0.1),
            ValueError,
            "a log scale has no step, got log=True, step=0.1",
        ),
        # choices
        (CategoricalDistribution(()), ValueError, r"at least one choice, got \(\)"),
        (Categorical((1, 2), [1]), ValueError, r"the prior of 2 categories.*got \[1\]"),
        (Categorical((1, 2), [0, 0]), ValueError, "not all of them zero"),
        (Categorical((1, 2), [-1, 2]), ValueError, "non-negative"),
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
    assert parse_subspaces([({}, 2), ({}, 4)], "x") == [({}, 0.5), ({}, 1.0)]


def test_long_lists_are_described_by_their_beginning():
    table = parse_dimension("a", ["x"] * 100)
    assert isinstance(table, Table)
    assert table.describe() == "one of ['x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', ...]"
