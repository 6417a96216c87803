"""Search spaces that other packages ship, as facts to compare ours with.

`ranges.csv` has a row a parameter: the range, its scale and the classes it is for. A
bound may be an expression of ``n`` (rows of the training set) and ``p`` (columns). The
ranges were read from the packages named in `SOURCES`; no code of theirs is here. What
had to be changed:

- FLAML draws integers below the upper bound; here the bounds are both included. It
  searches the logarithm of `max_bins`, and forests, boosting and nearest neighbours
  under names of its own. Its two logistic regressions are one here, the L2 one with
  the default solver. `loss` of SGDClassifier stays the one that gives probabilities.
- sklearn-genetic-opt sets ``penalty="elasticnet"``; scikit-learn 1.8 deprecated that,
  and the rest of its space means the same without.
"""

from __future__ import annotations

import ast
import csv
from pathlib import Path
from typing import Any

SOURCES = {
    "flaml": "FLAML 2.7.0, automl/model.py and automl/contrib/histgb.py",
    "genetic": "sklearn-genetic-opt 0.14.0, presets.py, profile 'balanced'",
}

with (Path(__file__).parent / "ranges.csv").open(newline="") as file:
    ROWS = list(csv.DictReader(file))


def space(name: str, estimator: Any, n: int, p: int) -> dict[str, Any]:
    """Return a peer's space for an estimator or a composition of some.

    Parameters
    ----------
    name : str
        A key of `SOURCES`.
    estimator : estimator object
        Each part of it gets the ranges that the peer has for its class.
    n, p : int
        Rows and columns of the training set.

    Returns
    -------
    dict
        Empty if the peer has nothing for any part.
    """
    parts = {"": estimator} | {
        f"{key}__": value for key, value in estimator.get_params().items()
    }
    return {
        prefix + row["parameter"]: _range(row, n, p)
        for prefix, part in parts.items()
        for row in ROWS
        if row["space"] == name and type(part).__name__ in row["classes"].split()
    }


def _range(row: dict[str, str], n: int, p: int) -> Any:
    if row["scale"] == "choice":
        return ast.literal_eval(row["values"])
    names = {"__builtins__": {}, "min": min, "max": max, "n": n, "p": p}
    low, high = (eval(row[bound], names) for bound in ("low", "high"))
    if low == high:
        return [low]
    return (low, high, {"log": "log-uniform", "linear": "uniform"}[row["scale"]])
