"""Settings that every test shares."""

import os

import pytest
from hypothesis import HealthCheck, settings

# A deadline would time the machine, not the code. In CI the examples are the same in
# every run, so that a red run is red again when it is looked at; elsewhere they are
# new each time and the failing ones are kept in .hypothesis/.
# What an example costs, and how many are filtered out, depends on the machine and on
# what else was imported.
CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much]
settings.register_profile("local", deadline=None, suppress_health_check=CHECKS)
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=CHECKS,
)
settings.load_profile("ci" if os.environ.get("CI") else "local")


# Packages whose tests, but for slow ones, take about two minutes together.
QUICK = {"bayes", "engine", "insight", "space"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the quick tests: those of the mathematics, the space and the loop."""
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        if item.path.parent.name in QUICK and not marks & {"slow", "serial"}:
            item.add_marker("quick")
