"""Tests of the search space: laws on random spaces, and worked examples."""

import math
import pickle
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import ParameterGrid
from sklearn.svm import SVC

from sklearn_tuners import When
from sklearn_tuners._space.space import Space
from sklearn_tuners._space.values import same_value
from sklearn_tuners.testing import params_of, search_spaces

SEEDS = st.integers(0, 2**32 - 1)

# Three branches: C is shared by the first two, gamma private to the second.
CONDITIONAL = [
    {"kernel": ["linear"], "C": stats.loguniform(1e-3, 1e3)},
    {
        "kernel": ["rbf", "poly"],
        "C": stats.loguniform(1e-3, 1e3),
        "gamma": (1e-4, 1.0, "log-uniform"),
    },
    {"kernel": ["sigmoid"], "coef0": [0, 1, 2]},
]


def label(domain):
    """Return the name of a domain in that of a test, without an address."""
    dist = getattr(domain, "dist", None)
    return f"{dist.name}{domain.args}{domain.kwds}" if dist else str(domain)


def same_params(a, b):
    return a.keys() == b.keys() and all(same_value(a[key], b[key]) for key in a)


def rows_of(space, n, seed=0):
    """Random rows, the corners of the cube and some beyond it."""
    rng = np.random.default_rng(seed)
    U = rng.uniform(-0.1, 1.1, (n, space.n_dims))
    return np.where(rng.random(U.shape) < 0.2, rng.integers(0, 2, U.shape), U)


# Laws on random spaces ----------------------------------------------------------------


@given(
    search_spaces()
    .map(Space.parse)
    .flatmap(lambda s: st.tuples(st.just(s), params_of(s)))
)
def test_decode_inverts_encode(case):
    space, params = case
    assert same_params(space.decode(space.encode(params)), params)


@given(search_spaces(), SEEDS)
def test_snap_is_encode_of_decode(spec, seed):
    space = Space.parse(spec)
    U = rows_of(space, 8, seed)
    snapped = space.snap(U)
    assert_array_equal(space.snap(snapped), snapped)
    assert_array_equal(snapped, [space.encode(space.decode(u)) for u in U])


@given(search_spaces(), SEEDS)
def test_random_rows_are_snapped_and_inside(spec, seed):
    space = Space.parse(spec)
    U = space.quantile(np.random.default_rng(seed).random((8, space.n_dims)))
    assert_array_equal(space.snap(U), U)
    assert_array_equal(U, [space.encode(space.decode(u)) for u in U])
    assert np.all((U >= 0) & (U <= 1))


@given(search_spaces(finite=True))
def test_keys_are_equal_if_and_only_if_params_are(spec):
    space = Space.parse(spec)
    assume(space.size <= 300)
    points = list(space.grid())
    keys = [space.key(space.encode(params)) for params in points]
    for a, key_a in zip(points, keys, strict=True):
        for b, key_b in zip(points, keys, strict=True):
            assert same_params(a, b) == (key_a == key_b)
    assert len(set(keys)) == space.n_distinct


@given(search_spaces(), SEEDS)
def test_equal_params_have_equal_keys(spec, seed):
    space = Space.parse(spec)
    for u in space.snap(rows_of(space, 8, seed)):
        again = space.encode(dict(reversed(space.decode(u).items())))
        assert space.key(again) == space.key(u)


@given(search_spaces(finite=True))
def test_grid_has_as_many_points_as_size_tells(spec):
    space = Space.parse(spec)
    assume(space.size <= 2000)
    points = list(space.grid())
    assert len(points) == space.size
    assert all(list(params) == sorted(params) for params in points)


@given(search_spaces(), SEEDS)
def test_distances_do_not_depend_on_inactive_columns(spec, seed):
    space = Space.parse(spec)
    U = space.quantile(np.random.default_rng(seed).random((6, space.n_dims)))
    active = space.active(U)
    assert_array_equal(U[~active], 0.5)
    moved = np.where(active, U, rows_of(space, 6, seed).clip(0, 1))
    assert_array_equal(space.features(moved), space.features(U))
    assert_array_equal(space.features_jac(moved), space.features_jac(U))


@given(search_spaces(), SEEDS)
def test_features_jac_is_the_derivative(spec, seed):
    space = Space.parse(spec)
    rng = np.random.default_rng(seed)
    U = space.snap(rng.uniform(0.1, 0.9, (5, space.n_dims)))
    # Categories jump, so their columns stay; the others move by their own step.
    step = np.where(space.is_categorical, 0.0, 1e-6)[space.feature_source]
    moved = np.where(space.is_categorical, 0.0, 1e-6)
    difference = space.features(U + moved) - space.features(U - moved)
    assert_allclose(difference, 2 * step * space.features_jac(U), atol=1e-13)


@given(search_spaces(max_branches=1), st.randoms(use_true_random=False))
def test_order_of_a_dict_does_not_matter(spec, random):
    keys = list(spec)
    random.shuffle(keys)
    space, shuffled = Space.parse(spec), Space.parse({key: spec[key] for key in keys})
    U = space.snap(rows_of(space, 5))
    assert_array_equal(shuffled.snap(U), U)
    assert_array_equal(shuffled.features(U), space.features(U))
    for u in U:
        assert same_params(space.decode(u), shuffled.decode(u))


@given(search_spaces())
def test_pickle(spec):
    space = Space.parse(spec)
    again = pickle.loads(pickle.dumps(space))
    U = rows_of(space, 5)
    assert_array_equal(again.snap(U), space.snap(U))
    assert_array_equal(again.features(U), space.features(U))
    assert [repr(again.decode(u)) for u in U] == [repr(space.decode(u)) for u in U]


@given(search_spaces(), SEEDS)
def test_neighbours_are_other_values_of_the_column(spec, seed):
    space = Space.parse(spec)
    for u in space.snap(rows_of(space, 3, seed)):
        for column in range(space.n_dims):
            near = space.neighbours(u, column, 5)
            n_others = space.n_levels[column] - 1
            if math.isinf(n_others) or not space.active(u[None, :])[0, column]:
                n_others = 0
            assert len(near) == min(5, n_others)
            assert np.all(near != u[column])
            if column > 0 or space.n_branches == 1:
                moved = np.tile(u, (len(near), 1))
                moved[:, column] = near
                # Points that two branches share may move to the other branch, but
                # they stay different points.
                assert len({space.key(row) for row in space.snap(moved)}) == len(near)


# scikit-learn's grid ------------------------------------------------------------------

lists = st.lists(
    st.sampled_from([0, 1, 2, 5, 1.0, 0.5, None, True, "a", (1, 2)]),
    min_size=1,
    max_size=4,
)
grids = st.dictionaries(st.sampled_from("abcd"), lists, max_size=3)


@given(grids | st.lists(grids, min_size=1, max_size=3), st.booleans())
def test_lists_are_enumerated_as_by_parameter_grid(spec, tuples_as_ranges):
    space = Space.parse(spec, tuples_as_ranges=tuples_as_ranges)
    expected = list(ParameterGrid(spec))
    points = list(space.grid())
    assert space.size == len(expected)
    assert [list(params.items()) for params in points] == [
        list(params.items()) for params in expected
    ]
    for params, own in zip(points, expected, strict=True):
        assert all(params[key] is own[key] for key in own)


def test_a_value_listed_twice_counts_twice():
    space = Space.parse({"a": [1, 1, 2], "b": ["x", "x"]})
    assert (space.size, space.n_distinct, space.n_dims) == (6, 2, 1)
    assert list(space.grid()) == list(ParameterGrid({"a": [1, 1, 2], "b": ["x", "x"]}))


def test_nan_listed_twice_is_one_point():
    space = Space.parse({"a": np.array([math.nan, math.nan, 1.0])})
    assert (space.size, space.n_distinct) == (3, 2)
    keys = [space.key(space.encode(params)) for params in space.grid()]
    assert keys[0] == keys[1] != keys[2]


def test_a_value_listed_twice_is_drawn_twice_as_often():
    space = Space.parse({"a": ["x", "y", "x", "x"]})
    Q = (np.arange(1000)[:, None] + 0.5) / 1000
    drawn = Counter(space.decode(u)["a"] for u in space.quantile(Q))
    assert drawn == {"x": 750, "y": 250}


def test_the_users_own_objects_come_back():
    values = [SVC(), None, np.arange(3), {"a": 1}, [1], (50, 20), np.float64(2), min]
    space = Space.parse({"a": values})
    decoded = [space.decode(space.encode({"a": v}))["a"] for v in values]
    assert all(own is value for own, value in zip(decoded, values, strict=True))
    assert all(p["a"] is v for p, v in zip(space.grid(), values, strict=True))


# Sizes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "size", "n_distinct", "n_dims"),
    [
        ({}, 1, 1, 0),
        ([{}], 1, 1, 0),
        ([{}, {"a": [1, 2]}], 3, 3, 2),
        ({"a": [1]}, 1, 1, 0),
        ({"a": [1, 2], "b": [3]}, 2, 2, 1),
        ({"a": (1, 10), "b": ["x", "y"]}, 20, 20, 2),
        ({"a": range(0, 10, 3), "b": stats.randint(2, 5)}, 12, 12, 2),
        ({"a": stats.randint(1, 10**9), "b": range(10**9)}, 999999999 * 10**9, None, 2),
        ({f"a{i}": range(10**6) for i in range(60)}, math.inf, math.inf, 60),
        ([{"a": range(2**40), "b": range(2**22)}, {"c": [1]}], math.inf, math.inf, 3),
        ({"a": (0.0, 1.0), "b": [1, 2]}, math.inf, math.inf, 2),
        ({"a": stats.poisson(3)}, math.inf, math.inf, 1),
        ([{"a": [1, 2]}, {"a": [1, 2]}], 4, 2, 2),
        ([{"a": [1, 2]}, {"a": [2, 3, 4]}], 5, 4, 3),
        ([{"a": [1, 2]}, {"a": [2.0, 3.0]}], 4, 4, 3),
        ([{"a": [1, 2]}, {"a": (0.0, 1.0)}], math.inf, math.inf, 3),
        ([{"a": (1, 5)}, {"a": (4, 8)}], 10, 8, 3),
    ],
)
def test_sizes(spec, size, n_distinct, n_dims):
    space = Space.parse(spec)
    assert space.size == size
    assert space.n_distinct == (size if n_distinct is None else n_distinct)
    assert space.n_dims == n_dims


def test_an_infinite_space_is_not_enumerated():
    with pytest.raises(ValueError, match="infinite"):
        next(Space.parse({"a": (0.0, 1.0)}).grid())


def test_a_space_without_columns():
    space = Space.parse({"a": [1], "b": ["x"]})
    U = space.quantile(np.empty((3, 0)))
    assert U.shape == space.features(U).shape == (3, 0)
    assert space.decode(U[0]) == {"a": 1, "b": "x"}
    assert space.key(space.encode({"b": "x", "a": 1})) == space.key(U[0])


# Branches -----------------------------------------------------------------------------


def test_equal_domains_share_a_column():
    space = Space.parse(CONDITIONAL)
    # switch, C, coef0, gamma, kernel of the second branch
    assert space.n_dims == 5
    assert_array_equal(space.n_levels, [3, math.inf, 3, math.inf, 2])
    assert_array_equal(space.is_categorical, [True, False, False, False, True])
    rows = [
        space.encode({"kernel": "linear", "C": 1.0}),
        space.encode({"kernel": "rbf", "C": 1.0, "gamma": 0.01}),
        space.encode({"kernel": "sigmoid", "coef0": 2}),
    ]
    assert_allclose(
        rows,
        [
            [1 / 6, 0.5, 0.5, 0.5, 0.5],
            [3 / 6, 0.5, 0.5, 0.5, 0.25],
            [5 / 6, 0.5, 1.0, 0.5, 0.5],
        ],
        atol=1e-12,
    )
    assert_array_equal(
        space.active(np.array(rows)),
        [[1, 1, 0, 0, 0], [1, 1, 0, 1, 1], [1, 0, 1, 0, 0]],
    )


@pytest.mark.parametrize(
    "domain",
    [
        [1, 2, 3],
        ["x", "y"],
        (1, 10),
        (1, 10**7),
        (0.1, 1.0, "log-uniform"),
        stats.norm(1, 2),
        stats.norm(loc=1, scale=2),
        stats.gamma(2),
        stats.poisson(3),
        stats.binom(10**6, 0.5),
        range(10**6),
    ],
    ids=label,
)
def test_each_kind_of_domain_is_shared(domain):
    again = pickle.loads(pickle.dumps(domain))
    assert Space.parse([{"a": domain}, {"a": again, "b": [1]}]).n_dims == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1, 2, 3], [3, 2, 1]),
        ([1, 2, 3], [1, 2, 3, 3]),
        ([1, 2, 3], [1.0, 2.0, 3.0]),
        ((1, 10), (1, 11)),
        ((1, 10), (1.0, 10.0)),
        ((1, 10), (1, 10, "log-uniform")),
        ((0.0, 1.0), stats.uniform(0, 1)),
        (stats.norm(1, 2), stats.norm(1, 3)),
        (stats.norm(1, 2), stats.gumbel_l(1, 2)),
        (stats.binom(10**6, 0.5), stats.binom(10**6, 0.6)),
    ],
    ids=label,
)
def test_different_domains_have_columns_of_their_own(one, other):
    assert Space.parse([{"a": one}, {"a": other, "b": [1]}]).n_dims == 3


def test_small_branches_get_few_random_rows():
    space = Space.parse([{"a": ["point"]}, {"b": (0.0, 1.0)}, {"c": range(16)}])
    Q = np.full((3300, space.n_dims), 0.5)
    Q[:, 0] = (np.arange(3300) + 0.5) / 3300
    drawn = Counter(next(iter(space.decode(u))) for u in space.quantile(Q))
    assert drawn == {"a": 100, "b": 1600, "c": 1600}


def test_counts_of_scikit_optimize_are_shares():
    space = Space.parse([({"a": (0.0, 1.0)}, 30), ({"b": (0.0, 1.0)}, 10)])
    Q = np.full((400, space.n_dims), 0.5)
    Q[:, 0] = (np.arange(400) + 0.5) / 400
    drawn = Counter(next(iter(space.decode(u))) for u in space.quantile(Q))
    assert drawn == {"a": 300, "b": 100}


def test_points_of_two_branches_belong_to_the_first():
    space = Space.parse([{"a": [1, 2]}, {"a": [2, 3, 4]}])
    assert space.encode({"a": 2})[0] == 0.25
    two_in_second = np.array([0.75, 0.5, 0.0])
    assert space.decode(two_in_second) == {"a": 2}
    assert_array_equal(space.snap(two_in_second[None, :])[0], space.encode({"a": 2}))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([0.5, 2.0], (0.0, 1.0)),
        ((0.0, 1.0), [0.5, 2.0]),
        ((0.0, 1.0), (0.5, 1.5)),
        ((0.5, 1.5), stats.uniform(0, 1)),
        ([0.5, "x"], ["y", 0.5]),
    ],
    ids=label,
)
def test_points_of_two_branches_have_one_key(first, second):
    space = Space.parse([{"a": first}, {"a": second}])
    row = space.encode({"a": 0.5})
    others = space.snap(np.array([[0.75, 0.5, u] for u in np.linspace(0, 1, 9)]))
    assert row[0] == 0.25
    same = [u for u in others if space.decode(u)["a"] == 0.5]
    assert same
    assert {space.key(u) for u in same} == {space.key(row)}


def test_branches_are_told_apart_by_type():
    space = Space.parse([{"a": [1, 2]}, {"a": [1.0, 3.0]}])
    assert space.encode({"a": 1})[0] == 0.25
    assert space.encode({"a": 1.0})[0] == 0.75


def test_estimators_as_values():
    svc, forest = SVC(), RandomForestClassifier()
    space = Space.parse(
        [
            {"clf": [svc], "clf__C": (1e-3, 1e3, "log-uniform")},
            {"clf": [forest, "passthrough"], "clf__max_depth": [None, 3]},
        ]
    )
    params = space.decode(space.encode({"clf": svc, "clf__C": 1.0}))
    assert params["clf"] is svc
    # Another estimator with the same parameters stands for it.
    params = space.decode(space.encode({"clf": SVC(), "clf__C": 1.0}))
    assert params["clf"] is svc


# Features -----------------------------------------------------------------------------


def squared_distances(Z):
    return np.sum((Z[:, None] - Z[None]) ** 2, axis=-1)


def test_distances():
    space = Space.parse(CONDITIONAL)
    rows = [
        space.encode({"kernel": "linear", "C": 1e-3}),
        space.encode({"kernel": "rbf", "C": 1e-3, "gamma": 1e-4}),
        space.encode({"kernel": "rbf", "C": 1e-3, "gamma": 1.0}),
        space.encode({"kernel": "poly", "C": 1e-3, "gamma": 1.0}),
    ]
    one_hot = 0.5  # of a category, against zeros where there is none
    expected = [
        [0, 1 + 1 + one_hot, 1 + 1 + one_hot, 1 + 1 + one_hot],
        [1 + 1 + one_hot, 0, 1, 2],
        [1 + 1 + one_hot, 1, 0, 1],
        [1 + 1 + one_hot, 2, 1, 0],
    ]
    Z = space.features(np.array(rows))
    assert_allclose(squared_distances(Z), expected, atol=1e-12)
    assert len(space.feature_source) == Z.shape[1]
    assert len(space.is_categorical) == space.feature_source.max() + 1
    assert_array_equal(space.feature_source, [0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4])


def test_distance_on_an_arc_grows_with_the_difference():
    space = Space.parse([{"a": (0.0, 1.0)}, {"b": [1, 2]}])
    U = np.full((50, space.n_dims), 0.5)
    U[:, 0] = 0.25
    U[:, 1] = np.linspace(0, 1, 50)
    distances = squared_distances(space.features(U))[0]
    assert np.all(np.diff(distances) > 0)
    assert_allclose(distances[-1], 1)


# Errors -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"C": 1.0}, "Parameter 'kernel' has no value"),
        ({"C": 1.0, "kernal": "rbf"}, "Parameter 'kernal' is not.*did you mean 'ker"),
        ({"C": 1.0, "zzz": 1, "kernel": "rbf"}, r"'zzz' is not in the space of \['C"),
        ({"C": 1e4, "kernel": "rbf"}, "Parameter 'C' is outside.*10000.0.*to 1000"),
        ({"C": 1.0, "kernel": "poly"}, "Parameter 'kernel' is outside.*'poly'.*rbf"),
        ({"C": "1", "kernel": "rbf"}, "Parameter 'C' is outside the space: got '1'"),
        ({"C": math.nan, "kernel": "rbf"}, "Parameter 'C' is outside.*nan"),
        ({"C": True, "kernel": "rbf"}, "Parameter 'C' is outside.*True"),
    ],
)
def test_encode_names_the_parameter(params, message):
    space = Space.parse({"C": stats.loguniform(1e-3, 1e3), "kernel": ["rbf", None]})
    with pytest.raises(ValueError, match=message) as caught:
        space.encode(params)
    assert type(caught.value) is ValueError


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"kernel": "rbf", "C": 1.0, "gamma": 2.0}, "Parameter 'gamma' is outside"),
        ({"kernel": "rbf", "C": 1.0}, "Parameter 'kernel' is outside.*'rbf'.*linear"),
        ({"C": 1.0}, "No dict of the space has just the parameters"),
        ({"kernel": "rbf", "C": 1.0, "degree": 2}, "Parameter 'degree' is not in"),
    ],
)
def test_encode_names_the_parameter_of_the_nearest_branch(params, message):
    with pytest.raises(ValueError, match=message):
        Space.parse(CONDITIONAL).encode(params)


def test_encode_takes_dicts_only():
    with pytest.raises(TypeError, match="params must be a dict, got 3"):
        Space.parse({"a": [1, 2]}).encode(3)


def test_repr():
    space = Space.parse({"C": (0.1, 10.0, "log-uniform"), "kernel": ["rbf", "poly"]})
    assert repr(space) == (
        "Space({'C': a float from 0.1 to 10 (log scale), "
        "'kernel': one of ['rbf', 'poly']})"
    )
    assert repr(Space.parse([{"a": [1]}, {}])) == "Space([{'a': one of [1]},\n {}])"


# Signature ----------------------------------------------------------------------------


class Draws:
    """Has nothing but rvs."""

    def __init__(self, draw):
        self.draw = draw

    def rvs(self, random_state):
        return self.draw(random_state)


def normal(mean):
    return Draws(lambda rng: rng.normal(mean))


def objects(*values):
    return Draws(lambda rng: values[rng.randint(len(values))])


@given(search_spaces())
def test_equal_spaces_have_equal_signatures(spec):
    signature = Space.parse(spec).signature()
    assert same_value(signature, Space.parse(spec, random_state=1).signature())
    assert same_value(
        signature, pickle.loads(pickle.dumps(Space.parse(spec))).signature()
    )


@given(search_spaces(max_branches=1), search_spaces(max_branches=1))
def test_signatures_tell_domains_apart(first, second):
    a, b = Space.parse(first).branches[0], Space.parse(second).branches[0]
    for key in a.dimensions.keys() & b.dimensions.keys():
        one, other = a.dimensions[key], b.dimensions[key]
        if one.same_domain(other):
            assert same_value(one.signature(), other.signature())
        elif one.is_categorical and other.is_categorical:
            assert not same_value(one.signature(), other.signature())


@pytest.mark.parametrize(
    "domain",
    [
        normal(0),
        objects("a", None, (1, 2)),
        stats.beta(0.1, 0.1),  # drawn: its quantiles are too close to 0 and 1
        stats.zipf(1.5),
    ],
)
def test_the_seed_of_the_parse_is_no_part_of_the_signature(domain):
    first, second = (Space.parse({"a": domain}, random_state=s) for s in (0, 1))
    assert (
        not first.branches[0]
        .dimensions["a"]
        .same_domain(second.branches[0].dimensions["a"])
    )
    assert same_value(first.signature(), second.signature())


DIFFERENT = {
    "a value": ({"a": [1, 2, 3]}, {"a": [1, 2, 4]}),
    "the type of a value": ({"a": [1, 2, 3]}, {"a": [1, 2, 3.0]}),
    "the order of values": ({"a": ["x", "y"]}, {"a": ["y", "x"]}),
    "how often a value is listed": ({"a": ["x", "y"]}, {"a": ["x", "y", "y"]}),
    "a name": ({"a": ["x", "y"]}, {"b": ["x", "y"]}),
    "one of 110,000 values": (
        {"a": [*map(str, range(110_000))]},
        {"a": [*map(str, range(109_999)), "x"]},
    ),
    "a bound": ({"a": (1.0, 2.0)}, {"a": (1.0, 2.1)}),
    "a bound of integers": ({"a": (1, 10**6)}, {"a": (1, 10**6 + 1)}),
    "the scale": ({"a": (1.0, 2.0)}, {"a": (1.0, 2.0, "log-uniform")}),
    "the scale of integers": ({"a": (1, 9)}, {"a": (1, 9, "log-uniform")}),
    "the step": ({"a": range(0, 10**5, 1)}, {"a": range(0, 10**5, 2)}),
    "an argument": ({"a": stats.norm(0, 1)}, {"a": stats.norm(0, 1.001)}),
    "an argument, integers": ({"a": stats.binom(9, 0.3)}, {"a": stats.binom(9, 0.4)}),
    "draws": ({"a": normal(0)}, {"a": normal(0.001)}),
    "drawn objects": ({"a": objects("a", None)}, {"a": objects("a", "b")}),
    "where dicts begin": ([{"a": [1]}, {"b": [1]}], [{"a": [1], "b": [1]}]),
    "a condition": (
        {"a": ["x", "y", "z"], "b": When([1, 2], {"a": ["x"]})},
        {"a": ["x", "y", "z"], "b": When([1, 2], {"a": ["y"]})},
    ),
    "that there is a condition": (
        {"a": ["x", "y"], "b": [1, 2]},
        {"a": ["x", "y"], "b": When([1, 2], {"a": ["y"]})},
    ),
}


@pytest.mark.parametrize(("first", "second"), DIFFERENT.values(), ids=DIFFERENT)
def test_spaces_that_differ_have_different_signatures(first, second):
    a, b = Space.parse(first).signature(), Space.parse(second).signature()
    assert not same_value(a, b)


def test_probabilities_of_choices_are_part_of_the_signature():
    class Categorical:
        categories = ("x", "y")

        def __init__(self, prior):
            self.prior = prior

    even, uneven = (
        Space.parse({"a": Categorical(prior)}).signature()
        for prior in (None, [0.9, 0.1])
    )
    assert not same_value(even, uneven)


def test_the_order_of_names_and_shares_of_dicts_are_no_part_of_the_signature():
    one = Space.parse([({"a": [1, 2], "b": (0.0, 1.0)}, 3), ({"c": [1, 2]}, 1)])
    other = Space.parse([{"b": (0.0, 1.0), "a": [1, 2]}, {"c": [1, 2]}])
    assert same_value(one.signature(), other.signature())
