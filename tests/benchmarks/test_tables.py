"""The tables that benchmarks run on; those of an extra package only if installed."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.tasks import tables


@pytest.mark.parametrize("name", tables.TABLES)
def test_table(name):
    if not tables.available(name):
        pytest.skip("the package that ships it is not installed")
    X, y = tables.load(name)
    assert len(X) == len(y) >= 150
    assert X.shape[1] >= 4
    assert np.isfinite(X.to_numpy()).all()
    assert X.columns.is_unique
    if tables.TABLES[name]["task"] == "classification":
        # Five outer and five inner folds need five rows of a class in each of them.
        assert np.bincount(y).min() >= 7
        assert set(y) == set(range(len(set(y))))
    else:
        assert y.dtype == float
        assert np.isfinite(y).all()


def test_encode():
    frame = pd.DataFrame(
        {
            "number": [1.0, np.nan, 3.0, 8.0],
            "sex": ["f", "m", "m", "f"],
            "colour": ["red", "blue", None, "red"],
            "same": ["x", "x", "x", "x"],
        }
    )
    X = tables.encode(frame)
    assert list(X) == ["number", "sex_m", "colour_blue", "colour_missing", "colour_red"]
    np.testing.assert_array_equal(
        X.to_numpy(),
        [[1, 0, 0, 0, 1], [3, 1, 1, 0, 0], [3, 1, 0, 1, 0], [8, 0, 0, 0, 1]],
    )


def test_rare_levels_become_one():
    levels = ["a"] * 150 + ["b"] * 150 + ["c", "d", "e"]
    X = tables.encode(pd.DataFrame({"letter": levels}))
    assert list(X) == ["letter_a", "letter_b", "letter_rare"]
    assert X["letter_rare"].sum() == 3
