"""Tests of `When`: parameters that count only for some values of others."""

import copy
import math
import pickle
import time
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import stats
from sklearn.svm import SVC

from sklearn_tuners import When
from sklearn_tuners._space.space import Space
from sklearn_tuners._space.values import same_value
from sklearn_tuners.testing import search_spaces

SVC_SPACE = {
    "kernel": ["rbf", "poly", "linear"],
    "degree": When([2, 3, 4], {"kernel": ["poly"]}),
    "gamma": When(stats.loguniform(1e-4, 1), {"kernel": ["rbf", "poly"]}),
}
CHAIN = {
    "a": ["on", "off"],
    "b": When([1, 2, 3], {"a": ["on"]}),
    "c": When(["x", "y"], {"b": [2, 3]}),
    "d": When([True, False], {"b": [3], "c": ["y"]}),
}


# The value object ---------------------------------------------------------------------


def test_repr_evaluates_back():
    when = When([2, 3, 4], {"svc__kernel": ["poly"]})
    assert repr(when) == "When([2, 3, 4], {'svc__kernel': ['poly']})"
    assert eval(repr(when)) == when
    assert when.domain == [2, 3, 4]
    assert when.condition == {"svc__kernel": ["poly"]}


def test_equality_and_copies():
    when = When(np.array([1, 2]), {"a": [1], "b": np.array([2.0])})
    assert pickle.loads(pickle.dumps(when)) == copy.deepcopy(when) == when
    assert when == When(np.array([1, 2]), {"b": np.array([2.0]), "a": [1]})
    assert when != When(np.array([1, 3]), when.condition)
    assert when != When(when.domain, {"a": [1]})
    assert When([1], {"a": [1]}) != When([1], {"a": [True]})
    assert when != "when"


@pytest.mark.parametrize(
    ("condition", "error", "message"),
    [
        (["a"], TypeError, r"the condition must be a dict.*got \['a'\]"),
        ({}, ValueError, "must name at least one parameter"),
        ({1: [2]}, TypeError, "names of parameters must be strings, got 1"),
        ({"kernel": "poly"}, TypeError, "values of 'kernel' must be a list, got 'poly"),
        ({"kernel": 3}, TypeError, "values of 'kernel' must be a list, got 3"),
        ({"kernel": []}, ValueError, "list of values of 'kernel' is empty"),
    ],
)
def test_malformed_conditions(condition, error, message):
    with pytest.raises(error, match=message):
        When([1, 2], condition)


def test_no_condition_inside_another():
    with pytest.raises(TypeError, match=r"all conditions in one dict; got When\(\[1"):
        When(When([1, 2], {"a": [1]}), {"b": [1]})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"degree": When([2], {"kernal": ["poly"]})},
            "'degree' of param_distributions: its condition is on 'kernal', which is "
            "not in the same dict; did you mean 'kernel'",
        ),
        ({"degree": When([2], {"zzz": [1]})}, "'zzz', which is not in the same dict$"),
        (
            {"degree": When([2], {"kernel": ["rbf", "ploy"]})},
            "'degree' of .*a value that 'kernel' does not have: got 'ploy', accepted "
            r"is one of \['rbf'",
        ),
        (
            {"degree": When([2], {"degree": [2]})},
            "'degree' of .*condition is on itself",
        ),
        (
            {"kernel": When(SVC_SPACE["kernel"], {"degree": [2]})},
            "param_distributions: conditions are circular: '.*' on '.*' on '",
        ),
        (
            {"degree": When([2], {"gamma": [0.1]}), "gamma": (0.0, 1.0)},
            "'degree' of .*on 'gamma', a float from 0 to 1; .*at most 4096 listed",
        ),
        (
            {"degree": When([2], {"gamma": [1]}), "gamma": (1, 5000)},
            "'degree' of .*on 'gamma', an integer from 1 to 5000; .*listed values",
        ),
        (
            {"c": When([2], {"degree": [3], "kernel": ["rbf"]})},
            "'c' of .* is never active: .* different values of 'kernel'",
        ),
        ({"degree": When(3, {"kernel": ["poly"]})}, "parameter 'degree' needs to be a"),
        (
            {"degree": When((3, 2), {"kernel": ["poly"]})},
            "'degree' of .*less than high",
        ),
    ],
)
def test_conditions_that_cannot_be(changes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Space.parse(SVC_SPACE | changes)


# Worked examples ----------------------------------------------------------------------


def test_inactive_parameters_are_absent():
    space = Space.parse(SVC_SPACE)
    assert (space.n_branches, space.n_dims, space.size) == (1, 3, math.inf)
    linear = space.encode({"kernel": "linear"})
    assert_array_equal(linear[:2], [0.5, 0.5])
    assert space.decode(linear) == {"kernel": "linear"}
    # Whatever their coordinates are.
    linear[:2] = [0.9, 0.1]
    assert space.decode(linear) == {"kernel": "linear"}
    assert_array_equal(space.snap(linear[None])[0, :2], [0.5, 0.5])
    rows = np.array([[0.5, 0.5, k] for k in (1 / 6, 3 / 6, 5 / 6)])
    assert_array_equal(
        space.active(rows),
        [[False, True, True], [True, True, True], [False, False, True]],
    )
    assert_array_equal(space.is_source, [False, False, True])


def test_conditions_chain():
    space = Space.parse(CHAIN)
    expected = [
        {"a": "on", "b": 1},
        {"a": "on", "b": 2, "c": "x"},
        {"a": "on", "b": 2, "c": "y"},
        {"a": "on", "b": 3, "c": "x"},
        {"a": "on", "b": 3, "c": "y", "d": True},
        {"a": "on", "b": 3, "c": "y", "d": False},
        {"a": "off"},
    ]
    assert list(space.grid()) == expected
    assert space.size == space.n_distinct == 7
    for params in expected:
        assert space.decode(space.encode(params)) == params


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"kernel": "rbf", "gamma": 0.1, "degree": 2},
            r"'degree' has a value, but is active only where 'kernel' is in \['poly'\]",
        ),
        (
            {"kernel": "poly", "gamma": 0.1},
            r"'degree' has no value, but is active where 'kernel' is in \['poly'\]",
        ),
        ({"degree": 2, "gamma": 0.1}, "Parameter 'kernel' has no value"),
        ({"kernel": "poly", "gamma": 9, "degree": 2}, "Parameter 'gamma' is outside"),
        ({"kernel": "linear", "gama": 1}, "'gama' is not in the.*did you mean 'gamma'"),
    ],
)
def test_encode_names_the_parameter(params, message):
    with pytest.raises(ValueError, match=message) as caught:
        Space.parse(SVC_SPACE).encode(params)
    assert type(caught.value) is ValueError


def test_of_a_chain_the_first_that_is_missing_or_too_much_is_named():
    space = Space.parse(CHAIN)
    with pytest.raises(ValueError, match="'b' has no value"):
        space.encode({"a": "on", "c": "x"})
    with pytest.raises(ValueError, match="'b' has a value, but"):
        space.encode({"a": "off", "b": 2, "c": "x"})


def test_parameters_of_one_value():
    space = Space.parse(
        {
            "a": [1, 2],
            "b": When(["x"], {"a": [2]}),
            "c": ["y"],
            "d": When([3, 4], {"c": ["y"]}),
        }
    )
    assert space.n_dims == 2
    assert list(space.grid()) == [
        {"a": 1, "c": "y", "d": 3},
        {"a": 1, "c": "y", "d": 4},
        {"a": 2, "b": "x", "c": "y", "d": 3},
        {"a": 2, "b": "x", "c": "y", "d": 4},
    ]
    with pytest.raises(ValueError, match="'b' has no value, but is active"):
        space.encode({"a": 2, "c": "y", "d": 3})


def test_what_always_holds_is_no_condition():
    plain = Space.parse({"a": ["x", "y"], "b": (0.0, 1.0)})
    always = Space.parse({"a": ["x", "y"], "b": When((0.0, 1.0), {"a": ["y", "x"]})})
    U = np.random.default_rng(0).random((5, 2))
    assert_array_equal(always.features(U), plain.features(U))
    assert repr(always) == repr(plain)


def test_values_are_told_apart_by_identity_then_type():
    one, other = SVC(), SVC()
    space = Space.parse(
        {"clf": [one, other, 1, True], "C": When([1, 2], {"clf": [other]})}
    )
    assert space.decode(space.encode({"clf": other, "C": 2}))["clf"] is other
    assert space.encode({"clf": one})[0] == 0.5
    with pytest.raises(ValueError, match="may be any of"):
        Space.parse({"clf": [one, other], "C": When([1, 2], {"clf": [SVC()]})})
    space = Space.parse({"a": [1, True, "x"], "b": When([1, 2], {"a": [True]})})
    assert [params.get("b") for params in space.grid()] == [None, 1, 2, None]


def test_ordered_and_unbounded_parameters_can_be_depended_on():
    space = Space.parse(
        {
            "n": (1, 3),
            "u2": When((8, 64), {"n": [2, 3]}),
            "u3": When((8, 64), {"n": [3]}),
            "k": stats.poisson(3),
            "z": When([0, 1], {"k": [0]}),
        }
    )
    U = space.quantile(np.random.default_rng(0).random((200, space.n_dims)))
    for params in map(space.decode, U):
        assert ("u2" in params) == (params["n"] >= 2)
        assert ("u3" in params) == (params["n"] == 3)
        assert ("z" in params) == (params["k"] == 0)


def test_repr():
    assert repr(Space.parse({"a": [1, 2], "b": When([3, 4], {"a": [2]})})) == (
        "Space({'a': one of [1, 2], 'b': one of [3, 4] where 'a' is in [2]})"
    )


def test_a_grid_stays_a_grid():
    spec = {"a": [1, 2], "b": When((3, 4), {"a": (2,)})}
    space = Space.parse(spec, tuples_as_ranges=False)
    assert list(space.grid()) == [{"a": 1}, {"a": 2, "b": 3}, {"a": 2, "b": 4}]


# Lists of dicts -----------------------------------------------------------------------


def test_conditions_belong_to_their_dict():
    space = Space.parse(
        [
            {"a": [1, 2], "b": When((0.0, 1.0), {"a": [2]})},
            {"a": [3, 4], "b": (0.0, 1.0)},
            {"a": [1, 2], "c": When((0.0, 1.0), {"a": [1]})},
        ]
    )
    assert space.n_dims == 5  # the switch, both kinds of a, b, c
    U = space.quantile(np.random.default_rng(0).random((200, space.n_dims)))
    seen = {(*space.decode(u), space.decode(u)["a"]) for u in U}
    assert seen == {
        ("a", 1),
        ("a", "b", 2),
        ("a", "b", 3),
        ("a", "b", 4),
        ("a", "c", 1),
        ("a", 2),
    }
    for u in U:
        assert_array_equal(space.encode(space.decode(u)), u)


def test_a_point_of_two_dicts_is_one():
    space = Space.parse(
        [{"a": [1, 2], "b": When([1, 2], {"a": [2]})}, {"a": [1, 5]}, {"b": [1, 2]}]
    )
    assert (space.size, space.n_distinct) == (7, 6)
    assert space.encode({"a": 1})[0] == space.encode({"a": 2, "b": 2})[0]
    U = space.quantile(np.random.default_rng(0).random((100, space.n_dims)))
    assert (
        len({space.key(u) for u in U}) == len({repr(space.decode(u)) for u in U}) == 6
    )


# Laws ---------------------------------------------------------------------------------


def by_definition(spec):
    """Grid of one dict: the product without inactive parameters and repeats."""
    names = sorted(spec)

    def domain(name):
        value = spec[name]
        return value.domain if isinstance(value, When) else value

    space = Space.parse({name: domain(name) for name in names})
    listed = {n: list(d.levels()) for n, d in space.branches[0].dimensions.items()}

    def is_active(name, point):
        return not isinstance(spec[name], When) or all(
            is_active(other, point)
            and any(same_value(listed[other][point[other]], v) for v in values)
            for other, values in spec[name].condition.items()
        )

    found = {}
    for indices in product(*(range(len(listed[name])) for name in names)):
        point = dict(zip(names, indices, strict=True))
        own = {name: i for name, i in point.items() if is_active(name, point)}
        found[tuple(own.items())] = {name: listed[name][i] for name, i in own.items()}
    return list(found.values())


conditional = search_spaces(finite=True, max_branches=1).filter(
    lambda spec: any(isinstance(value, When) for value in spec.values())
)


@settings(max_examples=60)
@given(st.lists(conditional, min_size=1, max_size=2))
def test_the_grid_is_what_its_definition_says(specs):
    space = Space.parse(specs)
    assume(Space.parse([strip(spec) for spec in specs]).size <= 500)
    expected = [params for spec in specs for params in by_definition(spec)]
    points = list(space.grid())
    assert len(points) == len(expected) == space.size
    for own, other in zip(points, expected, strict=True):
        assert list(own) == list(other)
        assert all(same_value(own[name], other[name]) for name in own)
    keys = {space.key(space.encode(params)) for params in points}
    assert len(keys) == space.n_distinct


def strip(spec):
    return {k: v.domain if isinstance(v, When) else v for k, v in spec.items()}


@settings(max_examples=30)
@given(conditional)
def test_grids_without_conditions_contain_those_with(spec):
    assume(Space.parse(strip(spec)).size <= 500)
    whole = [repr(sorted(p.items())) for p in Space.parse(strip(spec)).grid()]
    names = {key for key, value in spec.items() if not isinstance(value, When)}
    for params in Space.parse(spec).grid():
        assert names <= params.keys() <= spec.keys()
        if params.keys() == spec.keys():
            assert repr(sorted(params.items())) in whole


# Size ---------------------------------------------------------------------------------


def five_by_three(n_values=10):
    """Five switches of three variants, each variant with two parameters of its own."""
    spec = {}
    for i in range(5):
        spec[f"z{i}"] = ["p", "q", "r"]
        for variant in "pqr":
            for k in range(2):
                spec[f"{variant}{i}{k}"] = When(range(n_values), {f"z{i}": [variant]})
    return spec


def test_sizes_do_not_take_going_through_the_points():
    start = time.process_time()
    assert Space.parse(five_by_three()).size == 300**5
    many = {f"s{i}": [0, 1] for i in range(20)}
    many["last"] = When([1, 2], {name: [1] for name in many})
    assert Space.parse(many).size == 2**20 + 1
    chain = {"c00": [0, 1]}
    for i in range(1, 30):
        chain[f"c{i:02}"] = When([0, 1], {f"c{i - 1:02}": [1]})
    assert Space.parse(chain).size == 31
    assert time.process_time() - start < 2


def test_enumeration_does_not_go_through_what_is_no_point():
    spec = {f"a{i:02}": When(range(10), {"z": [i]}) for i in range(12)} | {
        "z": range(12)
    }
    start = time.process_time()
    points = list(Space.parse(spec).grid())  # of a product of 1.2e13
    assert time.process_time() - start < 2
    assert len(points) == 120
    assert points[:3] == [{f"a0{i}": 0, "z": i} for i in range(3)]
    assert points[12:14] == [{"a11": 1, "z": 11}, {"a11": 2, "z": 11}]
