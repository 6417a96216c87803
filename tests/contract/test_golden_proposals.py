"""Proposals that no BLAS touches stay as they are in ``golden_proposals.json``.

These are grids, first points and random candidates. They depend on the seed alone, so a
difference means that the same seed now gives another search. Floats are compared to
twelve digits: the last ones are those of the machine's exponential function. What the
model proposes is compared by ``tests/long/same_proposals.py``, on one machine.

``python tests/contract/test_golden_proposals.py`` writes the file anew.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.base import BaseEstimator

from sklearn_tuners import BayesSearchCV, HyperbandSearchCV, Optimizer, When

pytestmark = pytest.mark.filterwarnings("ignore:Promoted candidates are trained")

GOLDEN = Path(__file__).with_name("golden_proposals.json")

MIXED = {
    "a": stats.uniform(-1, 3),
    "b": stats.loguniform(1e-4, 1e3),
    "c": ["p", "q", None],
    "d": (1, 2000, "log-uniform"),
    "e": stats.randint(0, 50),
    "f": [0.1, 1, 10, 100],
}
CONDITIONAL = [
    {
        "kind": ["x", "y", "z"],
        "a": When((0.0, 1.0), {"kind": ["x"]}),
        "d": When([1, 2, 3], {"kind": ["x", "y"]}),
    },
    {"kind": ["w"], "b": stats.loguniform(1e-3, 1.0)},
]


class Sum(BaseEstimator):
    """Scores by plain arithmetic."""

    def __init__(self, a: Any = 0.0, b: Any = 1.0, c: Any = None, size: int = 1):
        self.a = a
        self.b = b
        self.c = c
        self.size = size

    def fit(self, X: Any, y: Any = None) -> Sum:
        """Fit nothing."""
        return self

    def score(self, X: Any, y: Any = None) -> float:
        """Return a score with which the resource changes the order."""
        return abs(self.a - 0.5) * (1 - 1 / self.size) - self.b / self.size


def tried(search: Any) -> list[dict[str, Any]]:
    """Return the params of a search in their order."""
    return list(search.fit(np.zeros((12, 1)), np.zeros(12)).cv_results_["params"])


def grid() -> list[dict[str, Any]]:
    """Return all points of a grid, with a tuple as a list."""
    space = [{"a": [0.5, 0.25], "c": ("p", None)}, {"b": [1, 2, 3]}]
    return tried(BayesSearchCV(Sum(), param_grid=space, cv=2))


def conditional_grid() -> list[dict[str, Any]]:
    """Return all points of a grid with a condition."""
    space = {"a": [1, 2, 3], "b": When([5, 6], {"a": [2, 3]}), "c": ["p", "q"]}
    return tried(BayesSearchCV(Sum(), space, n_iter=20, cv=2, random_state=0))


def first_points(space: Any, n: int, seed: int) -> list[dict[str, Any]]:
    """Return points that are proposed before any score is known."""
    optimizer = Optimizer(space, n_initial_points=n, random_state=seed)
    points: list[dict[str, Any]] = []
    while len(points) < n:
        points.append(optimizer.ask(pending=points))
    return points


def random_candidates() -> list[dict[str, Any]]:
    """Return what plain Hyperband tries, rung by rung."""
    space = {"a": stats.uniform(0, 1), "b": stats.norm(1, 2), "c": ["p", "q"]}
    return tried(
        HyperbandSearchCV(
            Sum(), space, resource="size", max_resources=27, sampler="random",
            n_iter=30, cv=2, random_state=3,
        )
    )  # fmt: skip


def random_candidates_of_a_grid() -> list[dict[str, Any]]:
    """Return the same of a grid that runs out."""
    space = {"a": [0.1, 0.2, 0.7, 0.9], "b": [0.0, 0.1, 0.2], "c": [None, "p"]}
    return tried(
        HyperbandSearchCV(
            Sum(), space, resource="size", max_resources=9, sampler="random",
            n_iter=40, cv=2, random_state=4,
        )
    )  # fmt: skip


CASES: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "grid": grid,
    "conditional grid": conditional_grid,
    "first points, mixed": lambda: first_points(MIXED, 20, seed=0),
    "first points, conditional": lambda: first_points(CONDITIONAL, 20, seed=1),
    "first points, one parameter": lambda: first_points({"a": (0.0, 1.0)}, 12, seed=2),
    "random candidates": random_candidates,
    "random candidates of a grid": random_candidates_of_a_grid,
}


def plain(value: Any) -> Any:
    """Return what JSON gives back, with numpy's numbers as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def is_same(one: Any, other: Any) -> bool:
    """Compare type and value, floats to twelve digits."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-300)
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("case", CASES)
def test_proposals_are_those_of_the_file(case: str) -> None:
    expected = json.loads(GOLDEN.read_text(encoding="utf-8"))[case]
    found = CASES[case]()
    assert len(found) == len(expected)
    for number, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        assert list(ours) == list(theirs), number
        for name, value in ours.items():
            assert is_same(plain(value), theirs[name]), (number, name)


def test_the_file_has_no_other_cases() -> None:
    assert [*json.loads(GOLDEN.read_text(encoding="utf-8"))] == [*CASES]


def write() -> None:
    """Write the file, a line for each proposal."""
    cases = [
        f"{json.dumps(case)}: [\n  "
        + ",\n  ".join(
            json.dumps({name: plain(value) for name, value in params.items()})
            for params in make()
        )
        + "\n]"
        for case, make in CASES.items()
    ]
    text = "{\n" + ",\n".join(cases) + "\n}\n"
    GOLDEN.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
