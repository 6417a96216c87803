"""Every study: a smallest run, resumed, and its table."""

import inspect

import pytest
from scipy.stats import uniform
from sklearn.datasets import load_iris
from sklearn.svm import SVC

from benchmarks.core import study
from benchmarks.core.store import Store
from benchmarks.studies import defaults
from benchmarks.tasks.pipelines import Problem

NAMES = study.names()
TINY = Problem(
    "iris: SVC",
    load=load_iris,
    estimator=SVC(),
    grid={"C": list(range(1, 31))},
    distributions={"C": uniform(1, 29)},
)


def test_there_are_studies():
    assert {"compare", "quality", "hyperband"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_study(name, tmp_path, monkeypatch):
    module = study.load(name)
    if name == "compare":
        monkeypatch.setattr(module, "PROBLEMS", {TINY.name: TINY})
    if name == "rules":  # reads the candidates that this study leaves
        path = tmp_path / "defaults.csv"
        study.start("defaults", "run", path, defaults.SMOKE)
    path = tmp_path / f"{name}.csv"
    study.start(name, "run", path, module.SMOKE)
    first = Store(path, module.KEYS)
    assert first.rows
    assert len({first.key(row) for row in first.rows}) == len(first.rows)
    # A second run makes none of them again.
    study.start(name, "run", path, module.SMOKE)
    assert Store(path, module.KEYS).rows == first.rows
    assert module.table(first).count("\n|") >= 2


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_store_says_what_to_run(name, tmp_path):
    with pytest.raises(SystemExit, match=f"no results; run .* {name} run first"):
        study.start(name, "table", tmp_path / f"{name}.csv", {})


@pytest.mark.parametrize("name", NAMES)
def test_options_exist(name):
    module = study.load(name)
    assert module.SMOKE.keys() <= inspect.signature(module.run).parameters.keys()
