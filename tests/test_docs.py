"""README, docs and package say the same."""

import re
import tomllib
from pathlib import Path

import pytest

import sklearn_tuners

ROOT = Path(__file__).parents[1]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def table_rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("|")]


def test_the_readme_shows_the_table_that_the_command_wrote() -> None:
    summary, _ = read("docs/comparison.md").split("## Every seed")
    assert table_rows(read("README.md")) == table_rows(summary)


@pytest.mark.parametrize("module", ["compare", "overhead"])
def test_benchmark_pages_name_their_command(module: str) -> None:
    page = {"compare": "comparison", "overhead": "overhead"}[module]
    command = f"python -m benchmarks.{module} --markdown docs/{page}.md"
    assert command in read(f"docs/{page}.md")


def test_versions_agree() -> None:
    assert f"\nversion: {sklearn_tuners.__version__}\n" in read("CITATION.cff")
    assert sklearn_tuners.__version__ in read("CHANGELOG.md")


def test_lower_bounds_are_the_tested_versions() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    bounds = dict(
        re.match(r"([\w-]+)>=([\d.]+)", spec).groups()  # type: ignore[union-attr]
        for spec in project["dependencies"]
    )
    pinned = dict(re.findall(r"^([\w-]+)==([\d.]+)$", read(".ci/oldest.txt"), re.M))
    for name, bound in bounds.items():
        tested = [int(part) for part in pinned[name].split(".")]
        lowest = [int(part) for part in bound.split(".")]
        assert tested[: len(lowest)] == lowest, name
        assert not any(tested[len(lowest) :]), name


def test_links_between_pages_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
