"""Who may import whom: the module table of CONTRIBUTING.md, checked in the source."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sklearn_tuners"
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py"))

EVERYWHERE = {"numpy", "scipy", *sys.stdlib_module_names}


def table() -> dict[str, tuple[set[str], set[str]]]:
    """Read the table: module, what it may import of ours, and of other libraries."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[0].startswith("`"):
            module, _, ours, libraries = (cell.replace("`", "") for cell in cells)
            rows[module] = set(ours.split()), set(libraries.split())
    return rows


ALLOWED = table()


def imports(source: str) -> Iterator[str]:
    """Yield the absolute dotted name of everything a module of ours imports.

    Imports inside functions count, those for annotations alone do not; ``from a import
    b`` yields ``a.b``.
    """
    tree = ast.parse(source)
    for_annotations = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for child in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in for_annotations:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = "sklearn_tuners" if node.level else None
            base = ".".join(part for part in (package, node.module) if part)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def private_names(source: str) -> list[str]:
    """List the underscore names of scikit-learn and joblib that a module imports."""
    return [
        name
        for name in imports(source)
        if name.split(".")[0] in {"joblib", "sklearn"}
        and any(part.startswith("_") for part in name.split("."))
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import sklearn.utils._tags", ["sklearn.utils._tags"]),
        ("from sklearn._config import config_context as c", None),
        ("def f():\n from sklearn.base import _fit_context", None),
        ("from sklearn.base import clone, is_classifier", []),
        ("from ._gp import GP\nimport scipy._lib", []),
    ],
)
def test_private_names(source: str, expected: list[str] | None) -> None:
    found = private_names(source)
    assert found == expected if expected is not None else len(found) == 1


def test_relative_imports_resolve_to_the_package() -> None:
    source = "from . import _gp\nfrom ._space import Space"
    assert list(imports(source)) == [
        "sklearn_tuners._bayes.gp",
        "sklearn_tuners._space.space.Space",
    ]


def test_imports_for_annotations_do_not_count() -> None:
    source = "if TYPE_CHECKING:\n from a import b\nelse:\n import c\nimport d"
    assert sorted(imports(source)) == ["c", "d"]


def test_every_module_has_a_row() -> None:
    assert sorted(ALLOWED) == MODULES


def test_arrows_point_down() -> None:
    order = list(ALLOWED)
    for position, (ours, _) in enumerate(ALLOWED.values()):
        assert ours <= {*order[position + 1 :]}, order[position]


@pytest.mark.parametrize("module", MODULES)
def test_imports_are_in_the_table(module: str) -> None:
    names = list(imports((PACKAGE / f"{module}.py").read_text(encoding="utf-8")))
    ours, libraries = ALLOWED[module]
    of_ours = {n.split(".")[1] for n in names if n.startswith("sklearn_tuners.")}
    outside = {n.split(".")[0] for n in names} - {"sklearn_tuners"} - EVERYWHERE
    assert of_ours <= ours
    assert outside <= libraries


@pytest.mark.parametrize("module", [name for name in MODULES if name != "_compat"])
def test_only_compat_imports_private_names(module: str) -> None:
    assert not private_names((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))


def test_optional_libraries_stay_optional() -> None:
    code = (
        "import sys, sklearn_tuners;"
        "print(*{'dask', 'hypothesis', 'matplotlib', 'pytest', 'ray'} & {*sys.modules})"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not run.stdout.strip()
