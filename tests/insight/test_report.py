"""How findings are looked up and shown."""

import pytest

from sklearn_tuners._insight.report import Diagnosis, Finding


def test_html_is_escaped():
    finding = Finding("edge", "a<b", "inside", is_problem=True, text="x & y")
    shown = Diagnosis("<title>", (finding,))._repr_html_()
    assert "&lt;title&gt;" in shown
    assert "a&lt;b" in shown
    assert "x &amp; y" in shown
    assert shown.count("<tr") == 2


def test_a_finding_that_does_not_exist():
    diagnosis = Diagnosis("", (Finding("fit", "", "fine", False, ""),))
    with pytest.raises(KeyError, match=r"'edge' is not among the findings.*\['fit'\]"):
        diagnosis["edge"]
