"""scikit-learn's own tests, with `BayesSearchCV` where they say GridSearchCV.

Each test function of the *installed* scikit-learn that uses ``GridSearchCV`` or
``RandomizedSearchCV`` is a test here. They run in processes of their own, in which
both names mean `sklearn_tuners.BayesSearchCV` (see `_sklearn_plugin.py`), under
scikit-learn's own conftest. `EXCLUDED` lists the cases that cannot apply and why; a
listed case has to exist and to fail, a case that is not listed has to pass.

The baseline, which is the same tests with scikit-learn's own classes, is
``SKLEARN_TUNERS_SUBSTITUTE= pytest tests/contract/test_sklearn_contract.py``.
"""

import ast
import os
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import sklearn
from sklearn.base import is_regressor
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)
from sklearn_suite import SKLEARN, Cases, run

from sklearn_tuners import BayesSearchCV

# The first test of a group waits for the process that runs the whole group.
pytestmark = pytest.mark.timeout(900)

SEARCHES = ("GridSearchCV", "RandomizedSearchCV")
SUBSTITUTE = os.environ.get("SKLEARN_TUNERS_SUBSTITUTE", "sklearn_tuners:BayesSearchCV")

# Files of which every test counts: they keep the searches in tables of the module.
# They share a process, and so do the tests picked from all other files.
WHOLE = (
    "model_selection/tests/test_search.py",
    "tests/test_metaestimators.py",
    "tests/test_metaestimators_metadata_routing.py",
)
# Files that name a search without using one that could be replaced.
UNRELATED = {
    "experimental/tests/test_enable_successive_halving.py": "halving searches only",
    "model_selection/tests/test_successive_halving.py": "halving searches only",
    "tests/test_docstring_parameters.py": "names in strings",
    "utils/tests/test_pprint.py": "prints a GridSearchCV class of its own",
}

# Costly ones: everything else together takes about a minute.
SLOW = {
    "model_selection/tests/test_validation.py"
    "::test_gridsearchcv_cross_val_predict_with_method",
}

# "file::test" (all of its cases) or "file::test[case]" -> why it cannot apply.
EXCLUDED: dict[str, str] = {
    "model_selection/tests/test_search.py::test_search_with_2d_array": (
        "expects the very draws of ParameterSampler for random_state=0"
    ),
    "model_selection/tests/test_search.py::test_custom_run_search": (
        "expects no fitted attribute beyond BaseSearchCV's: stop_reason_ is one"
    ),
}
if tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9):
    EXCLUDED["model_selection/tests/test_search.py::test_random_search_bad_cv"] = (
        "the message has the grammar of scikit-learn 1.9: 'return', not 'returned'"
    )


def uses_a_search(node: ast.FunctionDef) -> bool:
    """Tell whether a test, or its parametrization, names one of the searches."""
    return any(
        isinstance(inner, ast.Name) and inner.id in SEARCHES for inner in ast.walk(node)
    )


@cache
def suite() -> dict[str, str]:
    """Return scikit-learn's tests of searches as "file::test" -> group."""
    tests = {}
    for path in sorted(SKLEARN.rglob("tests/test_*.py")):
        file = path.relative_to(SKLEARN).as_posix()
        source = path.read_text(encoding="utf8")
        if file in UNRELATED or not any(name in source for name in SEARCHES):
            continue
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
                if file in WHOLE:
                    tests[f"{file}::{node.name}"] = "whole files"
                elif uses_a_search(node):
                    tests[f"{file}::{node.name}"] = "other files"
    return tests


@pytest.fixture(scope="session")
def cases_of(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[Cases, str]]:
    """Return a function from "file::test" to its cases and the process's output.

    The first call for a group runs those of its tests that pytest has selected.
    """
    selected = defaultdict(list)
    for item in request.session.items:
        if item.path == Path(__file__) and "sklearn_test" in item.fixturenames:
            test = item.callspec.params["sklearn_test"]
            selected[suite()[test]].append(test)

    @cache
    def run_group(group: str) -> tuple[dict[str, Cases], str]:
        report = tmp_path_factory.mktemp("sklearn") / "report"
        return run(selected[group], report, SUBSTITUTE)

    def cases(test: str) -> tuple[Cases, str]:
        outcomes, output = run_group(suite()[test])
        return outcomes[test], output

    return cases


def reason_for_excluding(case: str) -> str | None:
    """Return why a case cannot apply, None if it can."""
    if not SUBSTITUTE:
        return None
    return EXCLUDED.get(case, EXCLUDED.get(case.partition("[")[0]))


def parameter(test: str) -> object:
    """Return a test's id as a parameter, with its mark."""
    return pytest.param(test, marks=pytest.mark.slow if test in SLOW else ())


@pytest.mark.parametrize("sklearn_test", [parameter(test) for test in suite()])
def test_of_sklearn(sklearn_test, cases_of):
    cases, output = cases_of(sklearn_test)
    assert cases, f"scikit-learn's test was not run:\n{output}"
    excluded = {case["id"]: reason_for_excluding(case["id"]) for case in cases}
    failures = [
        f"{case['id']}\n{case['text']}"
        for case in cases
        if case["outcome"] == "failed" and not excluded[case["id"]]
    ]
    assert not failures, "\n\n".join(failures)
    stale = [c["id"] for c in cases if excluded[c["id"]] and c["outcome"] != "failed"]
    assert not stale, f"these pass: remove them from EXCLUDED: {stale}"
    if all(excluded.values()):
        pytest.xfail("; ".join(sorted(set(excluded.values()))))
    if all(case["outcome"] == "skipped" for case in cases):
        pytest.skip("skipped by scikit-learn, or about other estimators")


def test_every_excluded_test_exists():
    known = suite()
    assert not [case for case in EXCLUDED if case.partition("[")[0] not in known]


def test_every_unrelated_file_exists():
    assert all((SKLEARN / file).is_file() for file in UNRELATED)


# The estimators with which scikit-learn checks its own searches, each over a list
# (enumerated) and over a range (proposed by the model).
CHECKED = [
    BayesSearchCV(estimator, {name: values}, n_iter=5, cv=2, random_state=0)
    for estimator, name in [
        (Ridge(), "alpha"),
        (LogisticRegression(), "C"),
        (make_pipeline(PCA(), Ridge()), "ridge__alpha"),
        (make_pipeline(PCA(), LogisticRegression()), "logisticregression__C"),
    ]
    for values in ([0.1, 1.0], (0.1, 1.0))
]


def expected_failed_checks(search: BayesSearchCV) -> dict[str, str]:
    """Return the checks that scikit-learn does not expect of its searches either."""
    if not is_regressor(search):
        return {}
    return {"check_supervised_y_2d": "a column y is a 2d target to Ridge: no warning"}


@parametrize_with_checks(CHECKED, expected_failed_checks=expected_failed_checks)
def test_estimator_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize("search", CHECKED, ids=str)
@pytest.mark.parametrize(
    "check", [check_param_validation, check_dataframe_column_names_consistency]
)
def test_check_of_sklearns_own_estimators(search, check):
    """These two are not part of `check_estimator`, but hold for its own classes."""
    check(type(search).__name__, search)
