"""What a function reads, without what it keeps itself."""

import functools

import numpy as np
import pytest

from sklearn_tuners._journal.variables import (
    arguments_of,
    attributes_kept,
    variables_of,
)

A, B, SETTINGS, LOG, COUNTS, N = 1, 2, {"a": 1}, [], {}, 0


def reads():
    return A + SETTINGS["a"]


def reads_inside():
    def inner():
        return [A for _ in range(3) if B]

    return inner


def assigns():
    global N
    N += 1
    return A


def appends():
    LOG.append(A)


def counts_by_key():
    COUNTS["a"] = COUNTS.get("a", 0) + A


def augments_by_key():
    COUNTS["a"] += SETTINGS["a"]


def removes():
    del COUNTS["a"]
    LOG.clear()
    return A


def uses_what_is_returned():
    return [*LOG.copy(), COUNTS.get(A)]


def hides():
    A = 3
    return A + len(str(B))


def names_python_gives():
    return __name__, __file__, A


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (reads, {"A", "SETTINGS"}),
        (reads_inside, {"A", "B"}),
        (assigns, {"A"}),
        (appends, {"A"}),
        (counts_by_key, {"A"}),
        (augments_by_key, {"SETTINGS"}),
        (removes, {"A"}),
        (uses_what_is_returned, {"A", "LOG", "COUNTS"}),
        (hides, {"B"}),
        (names_python_gives, {"A"}),
    ],
)
def test_global_variables(function, expected):
    assert variables_of(function) == {name: globals()[name] for name in expected}


def enclosing(value, log, model):
    n = 0
    unset: int

    def function(X):
        nonlocal n
        n += 1
        log.append(X)
        log[0] = X
        model.fit(X)
        return value + (lambda: A + value)() + unset

    if value > 5:
        unset = 1
    return function


def test_enclosed_variables():
    found = variables_of(enclosing(1, [], "model"))
    assert found == {"value": 1, "model": "model", "A": A}
    assert variables_of(enclosing(6, [], None))["unset"] == 1


def test_an_object_whose_method_is_called_is_no_log():
    """It may be an estimator, which its ``fit`` changes."""
    found = variables_of(enclosing(1, np.ma, "model"))
    assert found["log"] is np.ma


def test_default_values():
    def function(a, b=1, cache={}, *, c=2, log=[]):  # noqa: B006
        cache[a] = log.append(a)
        return cache[a]

    def other(a, b=1, cache={}, *, c=2, log=[]):  # noqa: B006
        return cache[a] + log[0]

    assert variables_of(function) == {"b": 1, "c": 2, "log": []}
    assert variables_of(other) == {"b": 1, "c": 2, "cache": {}, "log": []}


def test_attributes_that_a_function_keeps():
    def counting():
        counting.n_calls += 1
        other.n_calls = counting.weight

    def other():
        pass

    assert attributes_kept("counting", [counting, other]) == {"n_calls"}
    assert attributes_kept("other", [counting]) == {"n_calls"}
    assert attributes_kept("weight", [counting]) == set()


def test_a_function_that_calls_itself_and_one_that_is_wrapped():
    def power(n):
        return A if n == 0 else power(n - 1)

    @functools.wraps(power)
    def wrapper(n):
        return power(n) + B

    assert variables_of(power) == {"A": A, "power": power}
    assert variables_of(wrapper) == {"B": B, "power": power}


@pytest.mark.parametrize(
    "other",
    [
        lambda a, b: a,
        lambda b: b,
        lambda *a: a,
        lambda **a: a,
        lambda *, a: a,
        lambda a, /: a,
    ],
)
def test_what_a_call_may_look_like(other):
    one = lambda a: a  # noqa: E731
    assert arguments_of(one.__code__) == arguments_of((lambda a: a + 1).__code__)
    assert arguments_of(one.__code__) != arguments_of(other.__code__)
