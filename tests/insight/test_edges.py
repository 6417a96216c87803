"""Edges of ranges, and the wider ranges to try."""

import math

import pytest
from scipy.stats import expon, loguniform, randint, uniform

from sklearn_tuners._insight.edges import find_edge
from sklearn_tuners._space.space import Space


def dimension_of(domain):
    space = Space.parse({"p": domain})
    return space.branches[0].dimensions["p"]


EVERYTHING = (-math.inf, math.inf)


@pytest.mark.parametrize(
    ("domain", "value", "limits", "expected"),
    [
        ((0.0, 1.0), 0.99, EVERYTHING, ("upper", (0.0, 1.5), False)),
        ((0.0, 1.0), 0.01, EVERYTHING, ("lower", (-0.5, 1.0), False)),
        ((0.0, 1.0), 0.01, (0.0, math.inf), ("lower", None, False)),
        ((0.2, 1.0), 0.2, (0.0, 1.0), ("lower", (0.0, 1.0), False)),
        ((0.2, 1.0), 1.0, (0.0, 1.0), ("upper", None, False)),
        ((0.01, 100.0, "log-uniform"), 90.0, EVERYTHING, ("upper", (0.01, 1e4), True)),
        ((0.1, 1.0, "log-uniform"), 0.1, EVERYTHING, ("lower", (0.01, 1.0), True)),
        (loguniform(1e-3, 1e3), 1e-3, EVERYTHING, ("lower", (1e-6, 1e3), True)),
        ([1, 10, 100], 100, EVERYTHING, ("upper", (1, 1000), True)),
        ([1, 2, 3], 3, EVERYTHING, ("upper", (1, 4), False)),
        ((2, 64), 2, (1, math.inf), ("lower", (1, 64), False)),
        (randint(1, 50), 1, (1, math.inf), ("lower", None, False)),
        ((1, 1000, "log-uniform"), 1, EVERYTHING, ("lower", None, True)),
        (uniform(0, 10), 9.9, EVERYTHING, ("upper", (0, 15), False)),
        (expon(), 9.0, EVERYTHING, None),
        ([1, 10, 100], 10, EVERYTHING, None),
        ([1, 10], 10, EVERYTHING, None),
        (["a", "b", "c"], "a", EVERYTHING, None),
        ([True, False], True, EVERYTHING, None),
        ((0.0, 1.0), 0.5, EVERYTHING, None),
        ((1, 200), 195, EVERYTHING, ("upper", (1, 300), False)),
    ],
)
def test_which_wider_range(domain, value, limits, expected):
    edge = find_edge(dimension_of(domain), value, limits)
    if expected is None:
        assert edge is None
        return
    side, wider, is_log = expected
    assert (edge.side, edge.is_log) == (side, is_log)
    assert edge.wider == (None if wider is None else pytest.approx(wider))
