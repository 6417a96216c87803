"""The optimiser: what proposals depend on, what is never repeated, what may be told."""

from __future__ import annotations

import tracemalloc
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import (
    beta,
    expon,
    geom,
    lognorm,
    loguniform,
    nbinom,
    norm,
    randint,
    uniform,
)

from sklearn_tuners import Optimizer
from sklearn_tuners._bayes import gp
from sklearn_tuners._space.space import Space

MIXED = {
    "rate": loguniform(1e-4, 1.0),
    "depth": randint(1, 9),
    "kind": ["a", "b", "c"],
    "shape": [(8,), (8, 8), None],
}
BRANCHES = [
    {"clf": ["linear"], "alpha": loguniform(1e-6, 1.0)},
    {"clf": ["kernel"], "alpha": loguniform(1e-6, 1.0), "gamma": uniform(0, 1)},
    {"clf": ["tree"], "depth": randint(1, 6)},
]


def dummy_score(params):
    """A deterministic number; different params mostly get different ones."""
    total = 0.0
    for name, value in sorted(params.items()):
        number = value if isinstance(value, int | float) else len(str(value))
        total += np.sin(3.0 * float(number) + len(name)) - 0.01 * abs(float(number))
    return total


def search(optimizer, n, score=dummy_score):
    """Ask and tell, at most ``n`` times; the params in order."""
    made = []
    for _ in range(n):
        params = optimizer.ask()
        if params is None:
            break
        optimizer.tell(params, score(params))
        made.append(params)
    return made


# -------------------------------------------------------------------- finite spaces


def test_small_spaces_are_enumerated_in_grid_order():
    grid = {"b": [1, 2, 3], "a": ["x", "y"]}
    made = search(Optimizer(grid, n_iter=6, random_state=0), 10)
    assert made == list(Space.parse(grid).grid())


def test_a_value_listed_twice_counts_twice():
    made = search(Optimizer({"a": [1, 2, 1]}, n_iter=3, random_state=0), 10)
    assert [params["a"] for params in made] == [1, 2, 1]


def test_enumeration_does_not_repeat_initial_params():
    optimizer = Optimizer({"a": [1, 2, 3]}, n_iter=3, initial_params={"a": 3})
    assert [params["a"] for params in search(optimizer, 10)] == [3, 1, 2]


def test_enumeration_goes_on_after_pending_points():
    optimizer = Optimizer({"a": [1, 2, 3]}, n_iter=3)
    assert optimizer.ask(pending=[{"a": 1}]) == {"a": 2}
    assert optimizer.ask(pending=[{"a": 2}, {"a": 1}]) == {"a": 3}
    assert optimizer.ask(pending=[{"a": 2}, {"a": 1}, {"a": 3}]) is None


@pytest.mark.parametrize("n_iter", [None, 5])
def test_a_finite_space_is_used_up_before_anything_is_repeated(n_iter):
    space = {"a": [1, 2, 3, 2], "b": ["x", "y"], "c": [0.5, 0.7]}
    made = search(Optimizer(space, n_iter=n_iter, random_state=0), 30)
    counts = Counter(tuple(params.values()) for params in made)
    assert len({tuple(params.values()) for params in made[:12]}) == 12
    assert len(made) == 16
    assert all(n == 1 + (values[0] == 2) for values, n in counts.items())


@pytest.mark.parametrize("n_iter", [None, 1, 3])
def test_one_point_space(n_iter):
    optimizer = Optimizer({"a": [1], "b": ["x"]}, n_iter=n_iter)
    assert search(optimizer, 3) == [{"a": 1, "b": "x"}]
    assert optimizer.best_params_ == {"a": 1, "b": "x"}


# -------------------------------------------------------------------- initial points


def test_initial_params_come_first_verbatim_and_once():
    first = [{"x": 0.25, "y": 3}, {"x": 0.5, "y": 1}, {"x": 0.25, "y": 3}]
    space = {"x": uniform(0, 1), "y": randint(0, 10)}
    optimizer = Optimizer(space, n_iter=12, initial_params=first, random_state=0)
    made = search(optimizer, 12)
    assert made[:2] == first[:2]
    assert all(params not in first for params in made[2:])


def test_initial_params_outside_the_space_are_an_error():
    with pytest.raises(ValueError, match="x"):
        Optimizer({"x": uniform(0, 1)}, initial_params={"x": 2.0})
    with pytest.raises(TypeError, match="initial_params"):
        Optimizer({"x": uniform(0, 1)}, initial_params=[0.5])


def test_first_points_are_independent_of_scores():
    def first(score):
        optimizer = Optimizer(MIXED, n_iter=40, random_state=0)
        return search(optimizer, optimizer.n_independent, score)

    assert first(dummy_score) == first(lambda params: -dummy_score(params))


@pytest.mark.parametrize(
    ("n_dims", "n_iter", "expected"),
    [(1, 50, 4), (6, 50, 7), (6, 12, 4), (20, 40, 10), (20, None, 21)],
)
def test_auto_number_of_first_points(n_dims, n_iter, expected):
    space = {f"x{i}": uniform(0, 1) for i in range(n_dims)}
    assert Optimizer(space, n_iter=n_iter).n_independent == expected


def test_many_branches_leave_half_of_the_budget_to_the_model():
    branches = [{f"x{i}": uniform(0, 1)} for i in range(9)]
    assert Optimizer(branches, n_iter=12).n_independent == 6
    assert Optimizer(branches, n_iter=100).n_independent == 18


def test_every_branch_is_tried_twice_before_the_model_chooses():
    optimizer = Optimizer(BRANCHES, n_iter=30, random_state=0)
    made = search(optimizer, optimizer.n_independent)
    counts = Counter(params["clf"] for params in made)
    assert set(counts) == {"linear", "kernel", "tree"}
    assert min(counts.values()) >= 2


def test_budget_goes_to_the_better_branch():
    def score(params):
        return {"linear": 0.0, "kernel": 1.0, "tree": 0.2}[params["clf"]]

    made = search(Optimizer(BRANCHES, n_iter=25, random_state=0), 25, score)
    assert Counter(params["clf"] for params in made)["kernel"] > 12


# ---------------------------------------------------------------------------- purity


@pytest.mark.parametrize("space", [MIXED, BRANCHES], ids=["mixed", "branches"])
def test_asking_changes_nothing(space):
    calm = Optimizer(space, n_iter=20, random_state=3)
    eager = Optimizer(space, n_iter=20, random_state=3)
    for i in range(20):
        eager.ask()
        params = calm.ask()
        eager.ask(pending=[params])
        np.random.seed(i)  # noqa: NPY002  (ambient randomness must not matter)
        assert eager.ask() == params
        for optimizer in (calm, eager):
            optimizer.tell(params, dummy_score(params))


@pytest.mark.parametrize("space", [MIXED, BRANCHES], ids=["mixed", "branches"])
def test_replaying_the_tells_rebuilds_the_state(space):
    optimizer = Optimizer(space, n_iter=30, random_state=3)
    made = search(optimizer, 15)
    replayed = Optimizer(space, n_iter=30, random_state=3)
    for params in made:
        replayed.tell(params, dummy_score(params))
    assert search(replayed, 5) == search(optimizer, 5)


def test_seeds_differ_and_none_is_not_fixed():
    def run(seed):
        return search(Optimizer({"x": uniform(0, 1)}, random_state=seed), 6)

    assert run(0) == run(0)
    assert run(0) != run(1)
    assert run(None) != run(None)
    assert run(np.random.RandomState(0)) == run(np.random.RandomState(0))
    assert run(np.random.default_rng(0)) == run(np.random.default_rng(0))


# --------------------------------------------------------------------------- pending


def test_pending_points_are_never_proposed_again():
    optimizer = Optimizer(MIXED, n_iter=40, random_state=0)
    search(optimizer, 12)
    pending: list[dict] = []
    for _ in range(8):
        pending.append(optimizer.ask(pending=pending))
    rows = [optimizer.space.encode(params) for params in pending]
    keys = {optimizer.space.key(row) for row in rows}
    assert len(keys) == 8
    far = np.where(optimizer.space.is_categorical, 1e6, 1.0)
    gaps = [(np.abs(a - b) * far).max() for i, a in enumerate(rows) for b in rows[:i]]
    assert min(gaps) > 1e-3


def test_pending_points_count_as_first_points():
    optimizer = Optimizer({"x": uniform(0, 1)}, n_iter=20, random_state=0)
    pending: list[dict] = []
    for _ in range(6):
        pending.append(optimizer.ask(pending=pending))
    assert len({params["x"] for params in pending}) == 6


# ---------------------------------------------------------------------------- points


@pytest.fixture
def encoded(monkeypatch):
    """Everything that any space encodes."""
    encoded = []
    encode = Space.encode

    def noted(space, params):
        encoded.append(params)
        return encode(space, params)

    monkeypatch.setattr(Space, "encode", noted)
    return encoded


def test_a_proposal_is_encoded_once_and_a_told_point_never(encoded):
    optimizer = Optimizer(MIXED, n_iter=40, random_state=0)
    pending = []
    for n_asked in range(1, 15):
        pending.append(optimizer.ask_point(pending))
        if len(pending) == 3:
            point = pending.pop(0)
            optimizer.tell_point(point, dummy_score(point.params), fidelity=0.5)
        assert len(encoded) == n_asked
    assert optimizer.n_told == 12
    optimizer.ask_point(pending, again=[point])
    assert len(encoded) == 15


def test_params_are_encoded_once_in_each_call(encoded):
    first = {"rate": 0.1, "depth": 3, "kind": "a", "shape": None}
    optimizer = Optimizer(MIXED, initial_params=first, random_state=0)
    assert len(encoded) == 1
    assert optimizer.ask() == first
    assert len(encoded) == 1
    optimizer.tell(first, 0.0)
    assert len(encoded) == 2
    second = optimizer.ask()
    assert len(encoded) == 3
    optimizer.ask(pending=[second], again=[first])
    assert len(encoded) == 6


@pytest.mark.parametrize("space", [MIXED, BRANCHES], ids=["mixed", "branches"])
def test_points_and_params_lead_to_the_same_proposals(space):
    first = Space.parse(space).decode(np.full(Space.parse(space).n_dims, 0.2))
    by_params, by_point = (
        Optimizer(space, n_iter=20, initial_params=first, random_state=3)
        for _ in range(2)
    )
    pending = []
    for i in range(16):
        params = by_params.ask([point.params for point in pending])
        point = by_point.ask_point(pending)
        assert point.params == params
        assert point.key == by_point.space.key(by_params.space.encode(params))
        pending.append(point)
        if i % 3:
            point = pending.pop(0)
            by_params.tell(point.params, dummy_score(point.params), fidelity=0.5)
            by_point.tell_point(point, dummy_score(point.params), fidelity=0.5)


def test_initial_points_are_those_of_the_initial_params():
    optimizer = Optimizer({"x": uniform(0, 1)}, initial_params=[{"x": 0.5}, {"x": 0.5}])
    (point,) = optimizer.initial_points
    assert point.params == {"x": 0.5}
    assert optimizer.ask_point() is point


@pytest.mark.parametrize("n_iter", [None, 3])
def test_a_caller_may_change_what_it_was_given(n_iter):
    first = {"x": 1}
    optimizer = Optimizer({"x": [1, 2, 3]}, n_iter=n_iter, initial_params=first)
    first["x"] = 2
    for params in (optimizer.ask(), optimizer.initial_params[0]):
        assert params == {"x": 1}
        params["x"] = 3
    told = optimizer.ask()
    assert told == {"x": 1}
    optimizer.tell(told, 0.0)
    told["x"] = 3
    optimizer.best_params_["x"] = 3
    assert optimizer.best_params_ == {"x": 1}
    following = optimizer.ask()
    expected = dict(following)
    following["x"] = None
    assert optimizer.ask() == expected


# ---------------------------------------------------------------------------- scores


def test_no_proposal_is_next_to_another():
    space = {"x": uniform(0, 1), "y": uniform(0, 1)}
    optimizer = Optimizer(space, n_iter=50, random_state=0)
    made = search(optimizer, 50, lambda p: -((p["x"] - 1) ** 2) - p["y"] ** 2)
    U = np.array([optimizer.space.encode(params) for params in made])
    gap = np.abs(U[:, None] - U[None]).max(axis=2)
    np.fill_diagonal(gap, 1.0)
    assert gap.min() > 5e-4
    # Every other proposal looks elsewhere.
    before = [gap[i, :i].min() for i in range(5, 50)]
    assert min(before[0::2]) > 0.03 or min(before[1::2]) > 0.03


@pytest.mark.parametrize(
    "scores",
    [
        lambda i: 1.0,
        lambda i: np.nan,
        lambda i: np.nan if i % 2 else 0.5,
        lambda i: np.nan if i % 3 else float(i),
        lambda i: (-1.0) ** i * 1e300,
        lambda i: -1e6 if i % 4 == 0 else 1e-12 * i,
        lambda i: np.inf if i == 3 else float(i % 5),
    ],
)
@pytest.mark.parametrize("space", [MIXED, BRANCHES], ids=["mixed", "branches"])
def test_any_sequence_of_scores_may_be_told(space, scores):
    optimizer = Optimizer(space, n_iter=24, random_state=0)
    keys = set()
    for i in range(24):
        params = optimizer.ask()
        keys.add(optimizer.space.key(optimizer.space.encode(params)))
        optimizer.tell(params, scores(i))
    assert len(keys) == 24


def test_proposals_avoid_failures():
    def score(params):
        return np.nan if params["x"] < 0.5 else -params["x"]

    space = {"x": uniform(0, 1), "y": uniform(0, 1)}
    made = search(Optimizer(space, n_iter=30, random_state=0), 30, score)
    assert sum(params["x"] < 0.5 for params in made[10:]) <= 8


def test_best_is_the_earliest_of_the_largest_finite_scores():
    optimizer = Optimizer({"x": uniform(0, 1)}, random_state=0)
    with pytest.raises(AttributeError, match="no finite score"):
        optimizer.best_params_  # noqa: B018
    for x, score in [(0.1, np.nan), (0.2, 1.0), (0.3, 1.0), (0.4, np.inf)]:
        optimizer.tell({"x": x}, score)
    assert optimizer.best_params_ == {"x": 0.2}
    assert optimizer.best_score_ == 1.0
    assert optimizer.n_told == 4


def test_objects_with_rvs_only_may_repeat_once_nothing_new_is_drawn():
    class Die:
        def __init__(self, n_sides):
            self.n_sides = n_sides

        def rvs(self, size=None, random_state=None):
            return random_state.randint(self.n_sides, size=size)

    made = search(Optimizer({"x": Die(2)}, n_iter=6, random_state=0), 6)
    assert len(made) == 6
    assert {params["x"] for params in made[:2]} == {0, 1}
    assert search(Optimizer({"x": Die(1)}, random_state=0), 3) == 3 * [{"x": 0}]


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"n_iter": 0}, "n_iter"),
        ({"n_iter": 2.5}, "n_iter"),
        ({"n_iter": True}, "n_iter"),
        ({"n_initial_points": 0}, "n_initial_points"),
        ({"n_initial_points": "all"}, "n_initial_points"),
        ({"random_state": -1}, "random_state"),
        ({"random_state": "x"}, "random_state"),
    ],
)
def test_bad_arguments_are_named(arguments, name):
    with pytest.raises(ValueError, match=name):
        Optimizer({"x": uniform(0, 1)}, **arguments)


def test_bad_tells():
    optimizer = Optimizer({"x": uniform(0, 1)})
    with pytest.raises(TypeError, match="score"):
        optimizer.tell({"x": 0.5}, "good")
    with pytest.raises(ValueError, match="x"):
        optimizer.tell({"x": 5.0}, 1.0)
    assert optimizer.n_told == 0


# ------------------------------------------------------------------------ hypothesis

values = st.sampled_from(
    [None, True, False, 0, 1, 5, 50, 0.5, 1e-3, "a", "b", (1,), (1, 2)]
)
domains = st.one_of(
    st.lists(values, min_size=1, max_size=5, unique_by=repr),
    st.lists(st.integers(1, 200), min_size=2, max_size=6, unique=True),
    st.tuples(st.integers(-3, 3), st.integers(1, 40)).map(
        lambda t: randint(t[0], t[0] + t[1])
    ),
    st.tuples(st.floats(-5, 5), st.floats(0.1, 9)).map(lambda t: uniform(*t)),
    st.floats(1e-6, 1e-2).map(lambda low: loguniform(low, 1.0)),
)
dicts = st.dictionaries(st.sampled_from("pqrs"), domains, min_size=1, max_size=4)
specs = st.one_of(dicts, st.lists(dicts, min_size=2, max_size=3))


@settings(max_examples=40)
@given(specs, st.integers(1, 14), st.integers(0, 9))
def test_every_point_is_proposed_and_none_twice(spec, n_iter, seed):
    space = Space.parse(spec)
    optimizer = Optimizer(space, n_iter=n_iter, random_state=seed)
    made = search(optimizer, n_iter)
    assert len(made) == min(n_iter, space.size)
    keys = [space.key(space.encode(params)) for params in made]
    assert len(set(keys)) == min(n_iter, space.n_distinct)
    for params in made:
        # Inside: encode accepts it, and it comes back as the same point.
        row = space.encode(params)
        assert_allclose(space.encode(space.decode(row)), row, atol=1e-9)


@settings(max_examples=15)
@given(specs, st.integers(0, 9), st.lists(st.booleans(), min_size=12, max_size=12))
def test_pending_and_told_points_are_not_proposed(spec, seed, finish):
    space = Space.parse(spec)
    optimizer = Optimizer(space, n_iter=12, random_state=seed)
    pending: list[dict] = []
    seen: set[bytes] = set()
    for done in finish:
        params = optimizer.ask(pending=pending)
        if params is None:
            break
        key = space.key(space.encode(params))
        assert key not in seen or len(seen) >= space.n_distinct
        seen.add(key)
        pending.append(params)
        if done:
            first = pending.pop(0)
            optimizer.tell(first, dummy_score(first))


def test_initial_params_that_share_a_coordinate_are_all_tried():
    first = [{"a": 8.0}, {"a": 9.0}, {"a": 8.0}]
    optimizer = Optimizer({"a": norm()}, initial_params=first, random_state=0)
    made = search(optimizer, 3, lambda params: params["a"])
    assert made[:2] == first[:2]
    assert made[2] not in first


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda o: o.ask(pending={"x": 0.5}), "pending must be a list of params"),
        (lambda o: o.ask(pending=None), "pending must be a list of params"),
        (lambda o: o.ask(pending=[0.5]), "pending must be a dict"),
        (lambda o: o.tell([0.5], 1.0), "params must be a dict"),
        (lambda o: o.tell({"x": 0.5}, "1.0"), "score must be a number"),
        (lambda o: o.tell({"x": 0.5}, None), "score must be a number"),
        (
            lambda o: Optimizer({"x": [1, 2]}, initial_params=[3]),
            "initial_params must be a dict",
        ),
    ],
)
def test_misuse_names_the_argument(call, message):
    with pytest.raises(TypeError, match=message):
        call(Optimizer({"x": uniform(0, 1)}))


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"initial_params": {"x": 2.0}}, "initial_params: .*'x'"),
        ({"initial_params": {"y": 2.0}}, "initial_params: .*'y'"),
        ({"initial_params": [{"x": 0.1}, {"x": 0.2}], "n_iter": 1}, "more than n_iter"),
    ],
)
def test_initial_params_that_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        Optimizer({"x": uniform(0, 1)}, **kwargs)


# ---------------------------------------------------------------------- fidelities


def random_trials(fidelities):
    """Params, score and fidelity of random points, each at one fidelity."""
    space, rng = Space.parse(MIXED), np.random.default_rng(5)
    rows = space.quantile(rng.random((len(fidelities), space.n_dims)))
    made = [space.decode(row) for row in rows]
    return [(p, dummy_score(p), f) for p, f in zip(made, fidelities, strict=True)]


def told(trials, optimizer=None):
    """Return an optimiser that was told trials."""
    optimizer = optimizer or Optimizer(MIXED, random_state=0)
    for params, score, fidelity in trials:
        optimizer.tell(params, score, fidelity=fidelity)
    return optimizer


def test_full_evaluations_need_no_fidelity():
    trials = random_trials([1.0] * 12)
    plain, full = Optimizer(MIXED, random_state=0), told(trials)
    for params, score, _ in trials:
        plain.tell(params, score)
    assert plain.ask() == full.ask()
    assert plain.regret_bound() == full.regret_bound()


def test_proposals_depend_on_fidelities_and_replay_gives_the_same():
    mixed = random_trials([0.0, 1.0] * 6)
    assert told(mixed).ask() == told(mixed).ask()
    assert told(mixed).ask() != told(random_trials([1.0] * 12)).ask()
    asked_on_the_way = told(mixed[:8])
    for trial in mixed[8:]:
        asked_on_the_way.ask()
        told([trial], asked_on_the_way)
    assert asked_on_the_way.ask() == told(mixed).ask()
    assert np.isfinite(told(mixed).regret_bound())


def test_what_is_proposed_is_meant_for_a_full_evaluation():
    """Low fidelities score small x best, full ones large x."""
    optimizer = Optimizer({"x": uniform(0, 1)}, random_state=0)
    for x in np.linspace(0.02, 0.98, 12):
        optimizer.tell({"x": x}, -x, fidelity=0.0)
        optimizer.tell({"x": x}, x, fidelity=1.0)
    asked = []
    for _ in range(3):
        asked.append(optimizer.ask(pending=asked))
    assert max(params["x"] for params in asked) > 0.9
    assert min(params["x"] for params in asked) > 0.3


@pytest.mark.parametrize("fidelity", [-0.1, 1.1, np.nan])
def test_a_fidelity_is_between_0_and_1(fidelity):
    optimizer = Optimizer({"x": uniform(0, 1)}, random_state=0)
    with pytest.raises(ValueError, match="fidelity must be between 0 and 1, got"):
        optimizer.tell({"x": 0.5}, 1.0, fidelity=fidelity)
    assert optimizer.n_told == 0


def test_initial_params_are_listed_once():
    given_ = [{"x": 0.5}, {"x": 0.25}, {"x": 0.5}]
    optimizer = Optimizer({"x": uniform(0, 1)}, initial_params=given_)
    assert optimizer.initial_params == given_[:2]
    assert Optimizer({"x": uniform(0, 1)}).initial_params == []


def test_what_was_told_in_part_may_be_proposed_again():
    optimizer = Optimizer({"x": list(range(30))}, n_initial_points=2, random_state=0)
    for x in range(30):
        optimizer.tell({"x": x}, -abs(x - 20.0), fidelity=0.0)
    assert optimizer.ask() is None
    assert optimizer.ask(again=[{"x": x} for x in range(30)]) == {"x": 20}
    optimizer.tell({"x": 20}, 1.0)
    again = [{"x": x} for x in range(30) if x != 20]
    assert 18 <= optimizer.ask(again=again)["x"] <= 22
    assert optimizer.ask(again=[{"x": 3}]) == {"x": 3}  # no other is left
    assert optimizer.ask(pending=again, again=again[:0]) is None


def test_new_points_are_proposed_even_if_others_may_return():
    optimizer = Optimizer({"x": uniform(0, 1)}, n_initial_points=2, random_state=0)
    told = [{"x": x} for x in (0.0, 0.1, 0.2)]
    for params in told:
        optimizer.tell(params, params["x"], fidelity=0.0)
    assert optimizer.ask(again=told)["x"] > 0.2


@pytest.mark.parametrize("given_", [{"x": 1}, 3])
def test_again_is_a_list_of_params(given_):
    optimizer = Optimizer({"x": [1, 2]}, random_state=0)
    with pytest.raises(TypeError, match="again must be a list of params"):
        optimizer.ask(again=given_)


# --------------------------------------------------------------------- round values

TOPS = {
    "range": ({"C": (0.01, 1000.0, "log-uniform")}, 0.01, 1000.0),
    "loguniform": ({"C": loguniform(0.003, 70)}, 0.003, 70.0),
    "plain range": ({"C": (0.1, 0.7)}, 0.1, 0.7),
}


@pytest.mark.parametrize("name", TOPS)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_top_at_a_bound_is_found_exactly(name, sign):
    space, low, high = TOPS[name]
    optimizer = Optimizer(space, n_iter=15, random_state=0)
    search(optimizer, 15, lambda params: sign * params["C"])
    assert optimizer.best_params_["C"] == (high if sign > 0 else low)


@pytest.mark.parametrize("dist", [uniform(0, 10), uniform(-1, 1), beta(0.5, 0.5)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_bound_that_is_never_drawn_is_not_tried(dist, sign):
    optimizer = Optimizer({"C": dist}, n_iter=15, random_state=0)
    made = search(optimizer, 15, lambda params: sign * params["C"])
    low, high = dist.support()
    assert all(low < params["C"] < high for params in made)
    assert optimizer.best_params_["C"] == pytest.approx(
        high if sign > 0 else low, abs=0.02
    )


@pytest.mark.parametrize("n_iter", [5, 20, None])
@pytest.mark.parametrize(
    "dist", [expon(scale=100), norm(3, 2), lognorm(2), geom(0.01), nbinom(3, 1e-3)]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_tails_are_not_tried_whatever_the_number_of_trials(dist, n_iter, sign):
    optimizer = Optimizer({"a": dist}, n_iter=n_iter, random_state=1)
    values = [p["a"] for p in search(optimizer, 12, lambda p: sign * p["a"])]
    low, high = dist.ppf([0.001, 0.999])
    slack = 1e-3 * (high - low)
    assert low - slack <= min(values) <= max(values) <= high + slack


def test_a_user_may_give_values_from_the_tails():
    space = {"a": expon(scale=100), "b": geom(0.01)}
    given_params = [
        {"a": 1e-8, "b": 2000},
        {"a": 1e5, "b": 1},
        {"a": 1234.56789, "b": 9},
    ]
    optimizer = Optimizer(space, n_iter=8, initial_params=given_params, random_state=0)
    assert search(optimizer, 8)[:3] == given_params


@pytest.mark.parametrize(
    "space", [MIXED, BRANCHES, {"x": (0.0, 1.0), "y": norm(0, 3), "n": (1, 10**6)}]
)
def test_proposed_numbers_are_short(space):
    for params in search(Optimizer(space, n_iter=16, random_state=3), 16):
        for value in params.values():
            if isinstance(value, float):
                assert len(repr(value).strip("-0.").replace(".", "")) <= 5


@pytest.mark.parametrize("value", [0.123456789012345, 1 / 3, 0.1 + 0.2])
def test_values_of_a_user_are_not_rounded(value):
    space = {"x": uniform(0, 1), "y": (0.0, 1.0)}
    own = {"x": value, "y": value}
    first = Optimizer(space, n_iter=9, initial_params=own, random_state=0)
    assert first.ask() == own
    first.tell(own, 1.0)
    assert first.best_params_ == own
    told = Optimizer(space, n_iter=9, random_state=0)
    told.tell(own, 1.0)
    for _ in range(6):
        told.tell(told.ask(), 0.0)
    assert told.best_params_ == own
    assert told.ask(again=[own]) is not None


@pytest.mark.parametrize("scores", [lambda i: 1.0, lambda i: i % 7])
def test_values_between_round_ones_are_proposed_when_all_round_ones_are_told(scores):
    optimizer = Optimizer({"x": (0.0, 1.0)}, random_state=0)
    for i in range(1001):
        optimizer.tell({"x": i / 1000}, scores(i))
    value = optimizer.ask()["x"]
    assert value not in {i / 1000 for i in range(1001)}
    assert 0 < value < 1


# ------------------------------------------------------- rounding errors of other CPUs


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("space", [MIXED, BRANCHES, {"x": (0.0, 1.0), "y": norm()}])
def test_rounding_errors_do_not_change_proposals(space, seed, monkeypatch):
    expected = search(Optimizer(space, n_iter=16, random_state=seed), 16)
    rng = np.random.default_rng(seed)
    exact = gp._scaled_r2

    def noisy(S, T):
        r2 = exact(S, T)
        noise = 1 + 1e-14 * rng.standard_normal(r2.shape)
        return r2 * ((noise + noise.T) / 2 if S is T else noise)

    monkeypatch.setattr(gp, "_scaled_r2", noisy)
    assert search(Optimizer(space, n_iter=16, random_state=seed), 16) == expected


# ------------------------------------------------------------------- many categories


@pytest.mark.parametrize(
    "values",
    [
        [(i, i % 7) for i in range(60_000)],
        [f"word {i}" for i in range(20_000)],
        [{"n": i} for i in range(5_000)],
    ],
    ids=["tuples", "strings", "dicts"],
)
def test_a_proposal_does_not_grow_with_the_categories(values):
    space = Space.parse({"a": values, "x": (0.0, 1.0)})
    assert len(space.feature_source) == 273
    optimizer = Optimizer(space, n_iter=10, random_state=0)
    made = search(optimizer, 8, lambda p: p["x"])
    assert all(any(params["a"] is value for value in values) for params in made)
    tracemalloc.start()
    try:
        optimizer.ask()
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_many_categories_are_learned():
    """A value in ten thousand that is good is tried again, with other numbers."""
    values = [f"word {i}" for i in range(10_000)]
    optimizer = Optimizer({"a": values, "x": (0.0, 1.0)}, n_iter=30, random_state=0)
    optimizer.tell({"a": values[1234], "x": 0.9}, 1.0)
    made = search(optimizer, 20, lambda p: (p["a"] == values[1234]) - p["x"] / 9)
    assert sum(params["a"] == values[1234] for params in made) >= 5
