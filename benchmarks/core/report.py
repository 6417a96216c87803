"""Markdown tables, and a line that names the versions."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table with columns that also line up in a terminal."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = ["-" * width for width in widths]
    lines = (
        " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in (header, rule, *rows)
    )
    return "\n".join(f"| {line} |" for line in lines)


def versions(*distributions: str) -> str:
    """Name the versions of Python, scikit-learn, numpy, scipy and the libraries given.

    Libraries that are not installed are left out.
    """
    found = [f"Python {platform.python_version()}"]
    for name in ("scikit-learn", "numpy", "scipy", *distributions):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
