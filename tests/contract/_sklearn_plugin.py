"""Pytest plugin that changes one word: scikit-learn's two searches become another.

`test_sklearn_contract.py` runs scikit-learn's own tests in a process of their own
with ``-p _sklearn_plugin``. There is no adapter class: the very same search
answers to both names, with its own defaults and its own parameter names.

Two environment variables are read:

- ``SKLEARN_TUNERS_REPORT``: path of the JSON lines to write, one for each case;
- ``SKLEARN_TUNERS_SUBSTITUTE``: "module:Class" of the search that takes both places;
  empty leaves scikit-learn as it is (the baseline).
"""

import importlib
import json
import os
from pathlib import Path

import pytest
import sklearn.model_selection
import sklearn.model_selection._search

SEARCHES = ("GridSearchCV", "RandomizedSearchCV")
SUBSTITUTE = os.environ["SKLEARN_TUNERS_SUBSTITUTE"]
REPORT = Path(os.environ["SKLEARN_TUNERS_REPORT"])

# Files whose tables have every meta-estimator of scikit-learn in them, and the
# parameter that takes a row. Only the rows of a search are run.
TABLES = {
    "test_metaestimators": "estimator",
    "test_metaestimators_metadata_routing": "metaestimator",
}

# At import: pytest loads plugins before it imports any conftest or test module.
if SUBSTITUTE:
    name_of_module, _, name_of_class = SUBSTITUTE.partition(":")
    Substitute = getattr(importlib.import_module(name_of_module), name_of_class)

    for module in (sklearn.model_selection, sklearn.model_selection._search):
        for name in SEARCHES:
            setattr(module, name, Substitute)


def is_about_another_estimator(item: pytest.Item) -> bool:
    """Tell whether a case is a row of a table, and not that of a search."""
    table = TABLES.get(item.module.__name__.rpartition(".")[2])
    if table is None or not hasattr(item, "callspec"):
        return False
    row = item.callspec.params.get(table, item.callspec.params.get("estimator"))
    kind = row["metaestimator"] if isinstance(row, dict) else type(row)
    return kind not in {getattr(sklearn.model_selection, name) for name in SEARCHES}


def write(case: str, outcome: str, text: str = "") -> None:
    """Append what became of one case to the report."""
    with REPORT.open("a", encoding="utf8") as file:
        file.write(json.dumps({"id": case, "outcome": outcome, "text": text}) + "\n")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Drop the cases that have nothing to do with a search."""
    others = [item for item in items if is_about_another_estimator(item)]
    for item in others:
        write(item.nodeid, "skipped")
    items[:] = [item for item in items if item not in others]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fail if a test module still holds one of scikit-learn's own searches."""
    if not SUBSTITUTE:
        return
    for module in {item.module for item in session.items}:
        for name in SEARCHES:
            assert getattr(module, name, Substitute) is Substitute, module


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what became of a case: its call, or the phase that prevented it."""
    if report.when == "call" or not report.passed:
        write(
            report.nodeid, report.outcome, report.longreprtext if report.failed else ""
        )
