"""What may import what: the table of CONTRIBUTING.md, checked in the source.

A row of the table is a *unit*: a package of ours, or a module beside the packages.
"""

import ast
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sklearn_tuners"
EVERYWHERE = {"numpy", "scipy", *sys.stdlib_module_names}


def name_of(path: Path) -> str:
    """Return the dotted name of a module of ours, without ``sklearn_tuners``."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
SOURCES = {name: path.read_text(encoding="utf-8") for name, path in PATHS.items()}


def unit_of(module: str) -> str:
    """Return the row of a module: ``_space`` of ``_space.space``."""
    return module.split(".")[0] or "__init__"


UNITS = sorted({unit_of(module) for module in SOURCES})


def table(text: str) -> dict[str, tuple[set[str], set[str]]]:
    """Read the table: unit, what it may import of ours, and of other libraries."""
    rows = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and re.fullmatch(r"`\w+`", cells[0]):
            unit, _, ours, libraries = (cell.replace("`", "") for cell in cells)
            rows[unit] = set(ours.split()), set(libraries.split())
    return rows


ALLOWED = table((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))


def imports(source: str, module: str = "") -> Iterator[str]:
    """Yield the absolute dotted name of everything that a module of ours imports.

    Imports inside functions and those for annotations alone count too; ``from a import
    b`` yields ``a.b``. A relative import needs the name of the module.
    """
    is_package = PATHS.get(module, Path()).name == "__init__.py"
    parents = ["sklearn_tuners", *module.split(".")]
    parents = parents if is_package and module else parents[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = parents[: len(parents) + 1 - node.level] if node.level else []
            base = ".".join([*above, node.module] if node.module else above)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def ours(module: str) -> set[str]:
    """Return the modules of ours that a module imports."""
    found = set()
    for name in imports(SOURCES[module], module):
        package, _, rest = name.partition(".")
        if package == "sklearn_tuners":
            found.add(rest if rest in SOURCES else rest.rpartition(".")[0])
    return found


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Return a circle of imports, or an empty list."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1][::-1]
    return []


def circles(graph: Mapping[str, set[str]]) -> list[str]:
    """Return circles until their first imports are gone, as text."""
    graph = {module: set(imported) for module, imported in graph.items()}
    found = []
    while names := circle(graph):
        found.append(" -> ".join(name or "__init__" for name in names))
        graph[names[0]].remove(names[1])
    return found


def private_names(source: str) -> list[str]:
    """List what a module names of the private parts of scikit-learn and joblib.

    That is what it imports, and strings that are the dotted path of a private name.
    """
    strings = [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return [
        name
        for name in [*imports(source), *strings]
        if re.match(r"(joblib|sklearn)\.([\w.]+\.)?_\w", name)
        and re.fullmatch(r"[\w.]+", name)
    ]


# The functions above ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "n_private"),
    [
        ("import sklearn.utils._tags", 1),
        ("from sklearn._config import config_context as c", 1),
        ("def f():\n from sklearn.base import _fit_context", 1),
        ("PATHS = ['sklearn.ensemble._forest.BaseForest', 'joblib._x']", 2),
        ("from sklearn.base import clone, is_classifier", 0),
        ("from ._gp import GP\nimport scipy._lib", 0),
        ('"""As ``sklearn.utils._tags`` does it."""\na = "sklearn.svm.SVC"', 0),
    ],
)
def test_private_names(source: str, n_private: int) -> None:
    assert len(private_names(source)) == n_private


def test_relative_imports_resolve_to_the_package() -> None:
    source = "from . import drawn\nfrom .space import Space\nfrom .._typing import S"
    expected = [
        "sklearn_tuners._space.drawn",
        "sklearn_tuners._space.space.Space",
        "sklearn_tuners._typing.S",
    ]
    assert list(imports(source, "_space.dialects")) == expected
    assert list(imports(source, "_space")) == expected


def test_imports_for_annotations_and_inside_functions_count() -> None:
    source = "if TYPE_CHECKING:\n from a import b\ndef f():\n import c"
    assert sorted(imports(source)) == ["a.b", "c"]


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    found = circles({"a": {"b"}, "b": {"a", "c"}, "c": {"d"}, "d": {"c"}})
    assert sorted(len(text.split(" -> ")) for text in found) == [3, 3]


# The package --------------------------------------------------------------------------


def test_every_module_is_seen() -> None:
    walked = pkgutil.walk_packages([str(PACKAGE)], "sklearn_tuners.")
    there = {module.name.partition(".")[2] for module in walked}
    assert {*SOURCES} == {"", *there}
    assert all(ours(module) <= {*SOURCES} for module in SOURCES)
    listed = subprocess.run(
        ["git", "ls-files", "sklearn_tuners/*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode == 0:  # else this is no checkout
        assert {ROOT / line for line in listed.stdout.split()} <= {*PATHS.values()}


def test_no_import_goes_in_a_circle() -> None:
    found = circles({module: ours(module) for module in SOURCES})
    assert not found, "\n".join(["circles:", *found])


def test_every_unit_has_a_row() -> None:
    assert sorted(ALLOWED) == UNITS


def test_arrows_point_down() -> None:
    order = list(ALLOWED)
    for position, (allowed, _) in enumerate(ALLOWED.values()):
        assert allowed <= {*order[position + 1 :]}, order[position]


@pytest.mark.parametrize("unit", UNITS)
def test_imports_are_those_of_the_table(unit: str) -> None:
    """The row lists what is imported: no more, no less."""
    modules = [module for module in SOURCES if unit_of(module) == unit]
    imported = {unit_of(other) for module in modules for other in ours(module)}
    libraries = {
        name.split(".")[0] for module in modules for name in imports(SOURCES[module])
    }
    assert (
        imported - {unit},
        libraries - {"sklearn_tuners", ""} - EVERYWHERE,
    ) == ALLOWED[unit]


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit != "_compat"])
def test_only_compat_names_private_parts_of_others(unit: str) -> None:
    found = {
        module: names
        for module, source in SOURCES.items()
        if unit_of(module) == unit and (names := private_names(source))
    }
    assert not found


@pytest.mark.parametrize(
    "package", [name for name in SOURCES if PATHS[name].name == "__init__.py" and name]
)
def test_a_package_says_what_each_of_its_files_does(package: str) -> None:
    text = ast.get_docstring(ast.parse(SOURCES[package])) or ""
    files = {module.rpartition(".")[2] for module in SOURCES if module != package}
    files &= {path.stem for path in PATHS[package].parent.glob("*.py")}
    assert {
        name for name in files if not re.search(rf"(?m)^\W*{name}\b", text)
    } == set()


def test_optional_libraries_stay_optional() -> None:
    code = (
        "import sys, sklearn_tuners;"
        "print(*{'dask', 'hypothesis', 'matplotlib', 'pytest', 'ray'} & {*sys.modules})"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not run.stdout.strip()
