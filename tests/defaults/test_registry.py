"""The tables, and the rows that users and packages add."""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.linear_model import (
    Ridge,
)
from sklearn.utils import all_estimators

import sklearn_tuners
from sklearn_tuners import (
    When,
    default_space,
    register_space,
)
from sklearn_tuners._defaults import registry
from sklearn_tuners._defaults.registry import Row, dotted_names, holds_for, left_out
from sklearn_tuners._defaults.sizes import FACTS
from sklearn_tuners.spaces import directions, resources

PACKAGE = Path(sklearn_tuners.__file__).parent
TABLE = list(
    csv.DictReader((PACKAGE / "_defaults" / "spaces.csv").open(encoding="utf-8"))
)
IRIS = load_iris(return_X_y=True)


def test_every_estimator_is_in_one_of_the_tables() -> None:
    tuned = {cells["estimator"] for cells in TABLE}
    for name, estimator_class in all_estimators():
        found = [n for n in dotted_names(estimator_class) if n in tuned | {*left_out()}]
        assert found, f"{name} is in neither table"
        assert (found[0] in tuned) != (found[0] in left_out()), name


def test_reasons_are_given() -> None:
    assert all(len(reason) > 5 for reason in left_out().values())


def test_names_in_the_tables_exist() -> None:
    known = {n for _, c in all_estimators() for n in dotted_names(c)}
    # These need a switch to be importable, or a recent version.
    known |= {
        "sklearn.manifold.ClassicalMDS",
        "sklearn.impute.IterativeImputer",
        "sklearn.model_selection.HalvingGridSearchCV",
        "sklearn.model_selection.HalvingRandomSearchCV",
    }
    used = {cells["estimator"] for cells in TABLE} | {*left_out()}
    assert {name for name in used if name.startswith("sklearn.")} <= known


def test_rows_are_complete() -> None:
    for cells in TABLE:
        row = Row.read(cells)
        what = f"{cells['estimator']}.{cells['parameter']}"
        assert cells["source"], what
        quantities = [name for _, name in (*row.low, *row.high) if name]
        parts = {part for q in quantities for part in re.findall(r"[a-zA-Z]+", q)}
        letters = {"m": "p", "degree": "", "k": "k"}
        depends = {letters.get(p, p) for p in parts} & {"n", "p", "X", "y"}
        assert {*cells["depends"].split()} >= depends - {"y"}, what


def test_rows_of_one_parameter_exclude_each_other() -> None:
    seen: dict[tuple[str, str], list[dict[str, str]]] = {}
    for cells in TABLE:
        seen.setdefault((cells["estimator"], cells["parameter"]), []).append(cells)
    for key, rows in seen.items():
        conditions = [(cells["versions"], cells["condition"]) for cells in rows]
        assert len({*conditions}) == len(rows), key


def test_conditions_name_parameters_of_the_same_class() -> None:
    classes = {n: c for _, c in all_estimators() for n in dotted_names(c)}
    for cells in TABLE:
        estimator_class = classes.get(cells["estimator"])
        row = Row.read(cells)
        if estimator_class is None or row.versions:
            continue
        names = estimator_class._get_param_names()
        assert row.parameter in names, cells
        for other, _ in row.condition:
            assert other.rstrip("!") in {*names, *FACTS}, cells


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({}, "A row needs the name of a parameter"),
        ({"parameter": "a", "kind": "real"}, "a: kind must be one of"),
        ({"parameter": "a", "kind": "int"}, "needs low and high"),
        ({"parameter": "a", "kind": "choice"}, "a choice needs values"),
        ({"parameter": "a", "size": 3}, "no column 'size'"),
        ({"parameter": "a", "kind": "int", "low": 1, "high": "n/2"}, "is not a bound"),
        ({"parameter": "a", "kind": "int", "low": 1, "high": "2*"}, "is not a bound"),
        ({"parameter": "a", "kind": "choice", "values": "x|y"}, "no Python literals"),
        ({"parameter": "a", "kind": "choice", "values": 3}, "a: values must be a list"),
        ({"parameter": "a", "kind": "int", "low": 9, "high": "p 3"}, "low is 9, which"),
        (
            {"parameter": "a", "kind": "float", "low": 0, "high": 1, "scale": "log"},
            "a: a logarithmic range needs bounds above 0",
        ),
        ({"parameter": "a", "resource": 2.5}, "resource must be a positive int, got"),
        ({"parameter": "a", "resource": "few"}, "must be a positive int, got 'few'"),
        ({"parameter": "a", "resource": 0}, "resource must be a positive int, got 0"),
        (
            {"parameter": "a", "condition": {"b": "x"}},
            "must be a dict of names",
        ),
        (
            {"parameter": "a", "condition": ["b"]},
            "condition must be a dict",
        ),
        ({"parameter": "a", "condition": {"b": 1}}, "a: condition b: values must be"),
        (
            {"parameter": "a", "condition": {"@x": [True]}},
            "condition cannot name '@x'",
        ),
    ],
)
def test_wrong_rows(cells: dict[str, Any], message: str) -> None:
    message = message.replace("no Python", "not Python")
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        Row.read(cells)


@pytest.mark.parametrize(
    ("versions", "version", "expected"),
    [
        ("", "1.7.0", True),
        ("<1.8", "1.7.2", True),
        ("<1.8", "1.8.0", False),
        (">=1.8", "1.8.dev0", True),
        (">=1.8", "1.10.1", True),
        (">=1.8,<1.9", "1.9.1", False),
    ],
)
def test_versions(versions: str, version: str, expected: bool) -> None:
    assert holds_for(versions, version) is expected


# Own estimators, other packages -------------------------------------------------------


class Tilted(ClassifierMixin, BaseEstimator):
    def __init__(self, slope: float = 1.0, mode: str = "a", size: Any = 3) -> None:
        self.slope, self.mode, self.size = slope, mode, size


ROWS: list[dict[str, Any]] = [
    {"parameter": "mode", "kind": "choice", "values": ["a", "b"]},
    {
        "parameter": "slope",
        "kind": "float",
        "low": 0.1,
        "high": 10,
        "scale": "log",
        "condition": {"mode": ["b"]},
        "simpler": "high",
    },
    {"parameter": "size", "kind": "int", "low": 1, "high": "p 50", "resource": 2},
]


def test_register_space() -> None:
    assert default_space(Tilted(), *IRIS) == {}
    register_space(Tilted, ROWS)
    assert default_space(Tilted(), *IRIS) == {
        "mode": ["a", "b"],
        "slope": When((0.1, 10.0, "log-uniform"), {"mode": ["b"]}),
        "size": (1, 4),
    }
    assert directions(Tilted()) == {"slope": "high"}
    assert resources(Tilted()) == {"size": 2}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"parameter": "slop", "simpler": "low"},
            "has no parameter 'slop'; it has mode",
        ),
        (
            {"parameter": "slope", "condition": {"mod": ["a"]}},
            "slope: Tilted has no parameter 'mod'",
        ),
        (
            {"parameter": "slope", "condition": {"size": [3]}},
            "slope: a condition cannot list values of 'size', which is searched as",
        ),
    ],
)
def test_rows_that_do_not_fit_the_class(row: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        register_space(Tilted, [*ROWS, row])
    assert default_space(Tilted()) == {}


def test_a_condition_on_a_range_holds_unless_it_asks_for_a_value() -> None:
    ends: dict[str, Any] = {"low": 1, "high": 9, "kind": "int"}
    rows = [
        {"parameter": "size", **ends},
        {"parameter": "slope", **ends, "condition": {"size!": ["auto"]}},
        {"parameter": "mode", **ends, "condition": {"size": [None]}},
    ]
    register_space(Tilted, rows)
    assert default_space(Tilted()).keys() == {"size", "slope"}
    assert default_space(Tilted(size=None)).keys() == {"slope", "mode"}
    assert default_space(Tilted(size="auto")) == {}


def test_registered_rows_take_the_place_of_ours() -> None:
    rows = [{"parameter": "alpha", "kind": "float", "low": 1, "high": 2}]
    register_space(Ridge, rows)
    assert default_space(Ridge()) == {"alpha": (1.0, 2.0)}


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Return what makes functions known as entry points."""
    asked = []

    def make(*functions: Callable[[], Any]) -> None:
        found = [
            SimpleNamespace(name=f"plug{i}", value="mod:spaces", load=lambda f=f: f)
            for i, f in enumerate(functions)
        ]

        def entry_points(group: str) -> list[Any]:
            asked.append(group)
            return found

        monkeypatch.setattr(registry, "entry_points", entry_points)
        registry._plugged_in.cache_clear()

    yield make
    registry._plugged_in.cache_clear()
    assert asked == ["sklearn_tuners.spaces"]


def test_entry_points(plug_in: Callable[..., None]) -> None:
    plug_in(lambda: {dotted_names(Tilted)[0]: ROWS})
    assert default_space(Tilted()).keys() == {"mode", "slope", "size"}


@pytest.mark.parametrize(
    ("spaces", "message"),
    [
        (lambda: 1 / 0, "division by zero"),
        (list, "no attribute 'items'"),
        (lambda: {"a.B": [{"parameter": "c", "kind": "real"}]}, "c: kind must be one"),
    ],
)
def test_an_entry_point_that_fails_is_named_and_left_out(
    plug_in: Callable[..., None], spaces: Any, message: str
) -> None:
    plug_in(spaces, lambda: {dotted_names(Tilted)[0]: ROWS})
    with pytest.warns(UserWarning, match=rf"'plug0' \(mod:spaces\).*{message}"):
        space = default_space(Tilted())
    assert space.keys() == {"mode", "slope", "size"}
