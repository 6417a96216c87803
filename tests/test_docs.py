"""README, documentation and package say the same."""

import re
import runpy
import tomllib
from pathlib import Path

import pytest

import sklearn_tuners

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(ROOT.glob("docs/**/*.md")),
]
GUIDES = sorted(ROOT.glob("docs/guide/*.md"))
MEASURED = sorted({*ROOT.glob("docs/measured/*.md")} - {*ROOT.glob("docs/*/index.md")})
PICTURES = sorted(ROOT.glob("docs/pictures/*.py"))
WORDS = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight"]

# Small versions of the pictures, so that all are drawn in seconds.
SMALL = {
    "where_searches_look": {"n_background": 2},
    "hyperband_pass": {"n_rows": 200},
    "choosing": {"n_values": 5},
    "ask_and_tell": {"n_iter": 6},
}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def flat(text: str) -> str:
    """Join the lines of a paragraph."""
    return " ".join(text.split())


def medians() -> dict[str, dict[str, tuple[float, float]]]:
    """Read the summary of the comparison: problem, search, CV score and test score."""
    summary, _ = read("docs/measured/comparison.md").split("## Every seed")
    found: dict[str, dict[str, tuple[float, float]]] = {}
    columns: list[str] = []
    problem = ""
    for line in summary.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == "problem":
            columns = cells
        elif not line:
            columns = []  # another table may follow
        elif columns and line.startswith("|") and not cells[0].startswith("---"):
            problem = cells[0] or problem
            row = dict(zip(columns, cells, strict=True))
            scores = float(row["CV score"]), float(row["test score"])
            found.setdefault(problem, {})[row["search"]] = scores
    return found


def count(search: str, other: str, column: int) -> tuple[int, int, int]:
    """Count the problems on which a search is better than, equal to and worse."""
    scores = medians().values()
    gaps = [
        by_search[search][column] - by_search[other][column] for by_search in scores
    ]
    return (
        sum(gap > 0 for gap in gaps),
        sum(gap == 0 for gap in gaps),
        sum(gap < 0 for gap in gaps),
    )


def test_the_readme_counts_what_the_comparison_shows() -> None:
    readme = flat(read("README.md"))
    cv, test = 0, 1

    above, equal, below = count("BayesSearchCV", "GridSearchCV", cv)
    assert not equal
    assert f"the grid's on {WORDS[above]} of {WORDS[above + below]} real" in readme
    assert f"below it on the other {WORDS[below]}" in readme
    deficit = max(
        scores["GridSearchCV"][cv] - scores["BayesSearchCV"][cv]
        for scores in medians().values()
    )
    (stated,) = re.findall(r"at most ([\d.]+) below", readme)
    assert deficit <= float(stated) < deficit + 0.001

    above, equal, below = count("RandomizedSearchCV", "GridSearchCV", cv)
    assert not equal
    assert (
        f"the grid on {WORDS[above]} problem and below it on {WORDS[below]}" in readme
    )

    better, equal, worse = count("BayesSearchCV", "RandomizedSearchCV", cv)
    claim = "random search on {} problems, equal on {} and worse on {}"
    assert claim.format(WORDS[better], WORDS[equal], WORDS[worse]) in readme

    better, equal, worse = count("BayesSearchCV", "GridSearchCV", test)
    claim = "better than the grid on {} problems, equal on {} and worse on {}"
    assert claim.format(WORDS[better], WORDS[equal], WORDS[worse]) in readme


def test_the_readme_is_short() -> None:
    assert len(read("README.md").splitlines()) <= 75


@pytest.mark.parametrize("page", MEASURED, ids=lambda page: page.stem)
def test_measured_pages_name_a_study_that_exists(page: Path) -> None:
    studies = re.findall(r"python -m benchmarks (\w+)", page.read_text("utf-8"))
    assert studies
    for study in studies:
        assert (ROOT / "benchmarks" / "studies" / f"{study}.py").exists(), study


def test_measured_pages_are_summarised() -> None:
    index = read("docs/measured/index.md")
    assert {page.stem for page in MEASURED} == set(re.findall(r"\((\w+)\.md\)", index))


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_guide_pages_start_with_an_example(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    first_screen = "\n".join(text.splitlines()[:12])
    assert page.stem == "index" or ">>> " in first_screen


@pytest.mark.parametrize("script", PICTURES, ids=lambda script: script.stem)
def test_pictures_stand_in_a_page_that_names_their_script(script: Path) -> None:
    (picture,) = ROOT.glob(f"docs/*/{script.stem}.png")
    texts = [page.read_text(encoding="utf-8") for page in picture.parent.glob("*.md")]
    (text,) = [text for text in texts if f"({picture.name})" in text]
    assert f"docs/pictures/{script.name}" in text


@pytest.mark.slow
@pytest.mark.parametrize("script", PICTURES, ids=lambda script: script.stem)
def test_pictures_can_be_drawn(script: Path, tmp_path: Path) -> None:
    runpy.run_path(str(script))["main"](tmp_path, **SMALL[script.stem])
    assert (tmp_path / f"{script.stem}.png").stat().st_size > 1000


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    for target in links:
        assert (page.parent / target).exists(), target


def test_pages_named_in_the_code_exist() -> None:
    sources = [*ROOT.glob("sklearn_tuners/**/*.py"), *ROOT.glob("benchmarks/**/*.py")]
    for source in sources:
        text = source.read_text(encoding="utf-8")
        for name in re.findall(r"\bdocs/[\w/]+\.(?:md|png)", text):
            assert (ROOT / name).exists(), f"{source.relative_to(ROOT)}: {name}"
