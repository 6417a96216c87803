"""The pages of measurements show what the studies print of the committed results."""

import re
from pathlib import Path

import pytest

from benchmarks.core import study
from benchmarks.core.store import Store

PAGES = Path(__file__).parents[2] / "docs" / "measured"
SHOWN = {
    "compare": "comparison",
    "curves": "comparison",
    "quality": "ablation",
    "ablation": "ablation",
    "defaults": "defaults",
    "rules": "defaults",
    "hyperband": "hyperband",
    "hyperband_variants": "hyperband",
    "hyperband_rungs": "hyperband",
    "hyperband_scaling": "hyperband",
    "load_ask": "engine",
    "reproducible": "reproducible",
}


def rows(text):
    """Return the rows of all tables, without the spaces that line them up."""
    lines = [line.strip() for line in text.splitlines() if line.startswith("|")]
    cells = [
        tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines
    ]
    return {row for row in cells if set(row[0]) != {"-"}}


@pytest.mark.parametrize("name", SHOWN)
def test_page_shows_the_table(name):
    module = study.load(name)
    store = Store(study.RESULTS / f"{name}.csv", module.KEYS)
    page = (PAGES / f"{SHOWN[name]}.md").read_text(encoding="utf-8")
    assert store.rows
    assert rows(module.table(store)) <= rows(page)


def test_all_results_are_shown():
    kept = {line[1:] for line in (study.RESULTS / ".gitignore").read_text().split()}
    assert {f"{name}.csv" for name in SHOWN} == {n for n in kept if n.endswith(".csv")}


def test_every_study_is_named_on_a_page():
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES.glob("*.md"))
    for name in study.names():
        assert f"python -m benchmarks {name} " in text


def test_the_readme_names_the_studies_without_results():
    readme = (Path(study.__file__).parents[1] / "README.md").read_text("utf-8")
    (listed,) = re.findall(r"The other studies \(([^)]+)\)", readme)
    named = re.findall(r"`(\w+)`", listed)
    assert sorted(named) == sorted(set(study.names()) - SHOWN.keys())
