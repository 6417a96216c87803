"""The object that `diagnose` returns: findings, and how they are shown."""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Diagnosis", "Finding"]

_WIDTH = 79
"""Columns of the text, as in PEP 8."""


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes
    ----------
    check : str
        The check: "fit", "optimism", "ties", "budget", "edge" or "importance".
    parameter : str
        The parameter that was checked; empty if the whole search was.
    verdict : str
        One of the verdicts listed in `diagnose`.
    is_problem : bool
        Whether something should be done about it.
    text : str
        The figures behind the verdict.
    advice : str
        Advice; may be empty.
    estimate, low, high : float
        The figure behind the verdict, and its interval; NaN if there is none.
    """

    check: str
    parameter: str
    verdict: str
    is_problem: bool
    text: str
    advice: str = ""
    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Diagnosis:
    """The findings of `diagnose`, shown as text, HTML or a data frame.

    Attributes
    ----------
    title : str
        The search, in a line.
    findings : tuple of Finding
        In the order shown.
    """

    title: str
    findings: tuple[Finding, ...]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __getitem__(self, key: str | tuple[str, str]) -> Finding:
        """Return the finding of a check, or of a check and a parameter.

        Examples
        --------
        >>> found = Finding("edge", "C", "inside", is_problem=False, text="")
        >>> Diagnosis("", (found,))["edge", "C"].verdict
        'inside'
        """
        check, parameter = (key, "") if isinstance(key, str) else key
        for finding in self.findings:
            if (finding.check, finding.parameter) == (check, parameter):
                return finding
        known = [(f.check, f.parameter) if f.parameter else f.check for f in self]
        raise KeyError(f"{key!r} is not among the findings: {known}")

    @property
    def problems(self) -> list[Finding]:
        """The findings about which something should be done."""
        return [finding for finding in self.findings if finding.is_problem]

    def to_frame(self) -> pd.DataFrame:
        """Return the findings as a data frame, one in a row.

        Returns
        -------
        pandas.DataFrame
            With the attributes of `Finding` as columns.
        """
        import pandas as pd

        return pd.DataFrame([asdict(finding) for finding in self.findings])

    def __repr__(self) -> str:
        lines = [self.title]
        for finding in self.findings:
            subject = " ".join(filter(None, [finding.check, finding.parameter]))
            mark = "!" if finding.is_problem else "-"
            text = f"{mark} {subject}: {finding.verdict}. {finding.text}"
            if finding.advice:
                text += f" -> {finding.advice}"
            lines += textwrap.wrap(text.strip(), _WIDTH, subsequent_indent="    ")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        def row(tag: str, cells: list[Any], style: str = "") -> str:
            inside = "".join(f"<{tag}>{html.escape(str(c))}</{tag}>" for c in cells)
            return f"<tr{style}>{inside}</tr>"

        head = row("th", ["check", "parameter", "verdict", "what was found", "advice"])
        body = [
            row(
                "td",
                [f.check, f.parameter, f.verdict, f.text, f.advice],
                ' style="font-weight: bold"' if f.is_problem else "",
            )
            for f in self.findings
        ]
        caption = f"<caption>{html.escape(self.title)}</caption>"
        head = f"<thead>{head}</thead>"
        return f"<table>{caption}{head}<tbody>{''.join(body)}</tbody></table>"
