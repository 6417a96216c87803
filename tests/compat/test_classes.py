"""Private classes of scikit-learn that are known by their paths."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

import sklearn_tuners
from sklearn_tuners._compat.classes import PLAIN_FIT_TRANSFORM, PrivateClass

PACKAGE = Path(sklearn_tuners.__file__).parent


@pytest.mark.parametrize("path", PrivateClass)
def test_a_path_is_that_of_a_class_of_this_version(path):
    module, _, name = path.rpartition(".")
    found = getattr(import_module(module), name)
    assert f"{found.__module__}.{found.__qualname__}" == path


@pytest.mark.parametrize("module", PLAIN_FIT_TRANSFORM)
def test_a_module_defines_a_fit_transform(module):
    classes = vars(import_module(module)).values()
    assert [c for c in classes if isinstance(c, type) and "fit_transform" in vars(c)]


def private_paths(source):
    """List the strings that name something private of scikit-learn."""
    return [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("sklearn.")
        and "._" in node.value
        and " " not in node.value
    ]


def test_paths_stand_behind_the_gate_only():
    assert private_paths('x = "sklearn.svm._base.BaseSVC"')
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name != "_compat":
            assert private_paths(path.read_text(encoding="utf-8")) == [], path
