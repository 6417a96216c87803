"""Draw what three values of ``refit=`` choose among the same candidates.

    python docs/pictures/choosing.py [FOLDER]

FOLDER defaults to ``docs/guide``.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Lasso
from sklearn.model_selection import GridSearchCV

from sklearn_tuners import OneStandardError, WithinPercent

FOLDER = Path(__file__).parents[1] / "guide"


def main(folder: Path, n_values: int = 30) -> None:
    """Run the search, apply the rules and save the picture.

    Parameters
    ----------
    folder : Path
        Where the picture goes.
    n_values : int, default=30
        Values of ``alpha`` to try.
    """
    X, y = load_diabetes(return_X_y=True)
    lasso = Lasso()
    alphas = np.geomspace(1e-3, 1e0, n_values)
    search = GridSearchCV(lasso, {"alpha": alphas}).fit(X, y)
    results = search.cv_results_
    chosen = {
        "refit=True": search.best_index_,
        "WithinPercent(lasso, loss=1)": WithinPercent(lasso, loss=1)(results),
        "OneStandardError(lasso)": OneStandardError(lasso)(results),
    }

    figure, ax = plt.subplots(figsize=(7, 3.3), layout="tight")
    ax.plot(alphas, results["mean_test_score"], ".-", color="tab:gray")
    markers = zip(chosen.items(), ["o", "s", "D"], strict=True)
    for (rule, index), marker in markers:
        fitted = lasso.set_params(alpha=alphas[index]).fit(X, y)
        ax.plot(
            alphas[index],
            results["mean_test_score"][index],
            marker,
            markersize=9,
            linestyle="none",
            label=f"{rule}: {np.count_nonzero(fitted.coef_)} features",
        )
    ax.set(xscale="log", xlabel="alpha (larger is simpler)", ylabel="mean R2")
    ax.legend()
    figure.savefig(folder / "choosing.png", dpi=90)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
