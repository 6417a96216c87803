"""Rows that a test registers are forgotten after it."""

import pytest

from sklearn_tuners._defaults import registry


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})
