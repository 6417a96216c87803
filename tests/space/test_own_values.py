"""Tests of whether the estimator's own values are a point of a space."""

from importlib import import_module

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_iris

from sklearn_tuners import When
from sklearn_tuners._defaults.default_space import find_default_space
from sklearn_tuners._defaults.registry import shipped
from sklearn_tuners._space.own_values import space_with_own
from sklearn_tuners._space.space import Space
from sklearn_tuners.testing import params_of, search_spaces


def encodes(space, params):
    """Whether params are a point, by parsing the whole space."""
    try:
        Space.parse(space).encode(params)
    except ValueError:
        return False
    return True


def default_spaces():
    """Default spaces of the registry's classes that need no arguments, on data."""
    X, y = load_iris(return_X_y=True)
    for dotted_name in sorted(shipped()):
        module, _, name = dotted_name.rpartition(".")
        try:
            estimator = getattr(import_module(module), name)()
            found = find_default_space(estimator, X, y)
        except (ImportError, AttributeError, TypeError):
            continue  # not installed, of another version, or it has to be given more
        if found.space:
            yield found


@pytest.mark.filterwarnings("ignore:.*deprecated:FutureWarning")
def test_default_spaces_agree_with_encoding():
    n_with_own_dict, n_points = 0, 0
    for found in default_spaces():
        extended = space_with_own(found.space, found.own)
        if encodes(found.space, found.own):
            assert extended is found.space
            n_points += 1
        else:
            own = {name: [value] for name, value in found.own.items()}
            assert extended == [own, found.space]
            n_with_own_dict += 1
    assert n_points > 50
    assert n_with_own_dict > 10


@given(search_spaces(max_branches=1), st.data())
def test_points_are_what_encoding_accepts(space, data):
    """Points, points of the same dict in part, and values of other parameters."""
    point = data.draw(params_of(space))
    names = sorted(space)
    values = st.sampled_from([*point.values(), None, 1, 1.0, True, "rbf", np.nan, 3.5])
    changed = data.draw(st.dictionaries(st.sampled_from(names), values, max_size=2))
    dropped = data.draw(st.sets(st.sampled_from(names), max_size=1))
    own = {k: v for k, v in (point | changed).items() if k not in dropped}
    is_point = space_with_own(space, own) is space
    assert is_point == encodes(space, own)
    assert is_point or changed or dropped


CHAIN = {
    "a": ["x", "y"],
    "b": When([1, 1.0, None], {"a": ["y"]}),
    "c": When((0.0, 1.0), {"b": [1.0, None], "a": ["x", "y"]}),
}


@pytest.mark.parametrize(
    ("own", "is_point"),
    [
        ({"a": "x"}, True),
        ({"a": "y", "b": 1}, True),
        ({"a": "y", "b": 1.0, "c": 0.5}, True),
        ({"a": "y", "b": None, "c": 2.0}, False),  # outside
        ({"a": "y", "b": 1, "c": 0.5}, False),  # 1 and 1.0 are two values
        ({"a": "y", "b": 1.0}, False),  # c is missing
        ({"a": "x", "b": 1}, False),  # b is inactive
        ({"a": "x", "c": 0.5}, False),  # c is inactive with b
        ({}, False),
        ({"a": "x", "d": 0}, False),  # an unknown name
    ],
)
def test_conditions_decide_which_values_there_must_be(own, is_point):
    assert (space_with_own(CHAIN, own) is CHAIN) == is_point
    assert encodes(CHAIN, own) == is_point


def test_own_values_come_first_as_lists():
    space = {"max_depth": (1, 9), "criterion": ["gini", "entropy"]}
    own = {"max_depth": None, "criterion": "gini"}
    assert space_with_own(space, own) == [
        {"max_depth": [None], "criterion": ["gini"]},
        space,
    ]


def test_a_domain_that_is_not_understood_is_an_error():
    with pytest.raises(TypeError, match="'C' needs to be a list"):
        space_with_own({"C": 1.0}, {"C": 1.0})
