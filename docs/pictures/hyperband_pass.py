"""Draw one pass of `HyperbandSearchCV`: what each candidate got, and its score.

    python docs/pictures/hyperband_pass.py [FOLDER]

FOLDER defaults to ``docs/guide``.
"""

import sys
from itertools import pairwise
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_tuners import HyperbandSearchCV

FOLDER = Path(__file__).parents[1] / "guide"


def main(folder: Path, n_rows: int = 900) -> None:
    """Run the search and save the picture.

    Parameters
    ----------
    folder : Path
        Where the picture goes.
    n_rows : int, default=900
        Rows of the digits to use.
    """
    X, y = (array[:n_rows] for array in load_digits(return_X_y=True))
    network = MLPClassifier((32,), random_state=0)
    search = HyperbandSearchCV(
        make_pipeline(StandardScaler(), network),
        {
            "mlpclassifier__alpha": loguniform(1e-6, 1e1),
            "mlpclassifier__learning_rate_init": loguniform(1e-4, 1e-2),
        },
        resource="n_epochs",
        max_resources=9,
        min_resources=1,
        cv=3,
        random_state=0,
    ).fit(X, y)

    results = pd.DataFrame(search.cv_results_)
    results["candidate"] = results["params"].astype(str)
    figure, axes = plt.subplots(
        1,
        results["bracket"].nunique(),
        figsize=(9, 3),
        sharex=True,
        sharey=True,
        layout="tight",
    )
    for (number, bracket), ax in zip(results.groupby("bracket"), axes, strict=True):
        for _, rows in bracket.groupby("candidate"):
            points = list(
                rows[["n_resources", "mean_test_score"]].itertuples(index=False)
            )
            goes_on = len(points) > 1
            for first, second in pairwise(points):
                ax.plot(*zip(first, second, strict=True), color="tab:blue", lw=1.5)
            ax.scatter(
                *zip(*points, strict=True),
                s=22,
                color="tab:blue" if goes_on else "tab:gray",
                zorder=3,
            )
        sizes = bracket.groupby("n_resources").size()
        ax.set(xscale="log", xlabel="epochs")
        ax.set_xticks([1, 3, 9], ["1", "3", "9"])
        ax.minorticks_off()
        ax.set_title(
            f"bracket {number}: " + " then ".join(map(str, sizes)) + " candidates",
            fontsize=10,
        )
    best = results.loc[search.best_index_]
    axes[int(best["bracket"])].scatter(
        best["n_resources"],
        best["mean_test_score"],
        s=110,
        facecolors="none",
        edgecolors="tab:red",
        linewidths=2,
        zorder=4,
    )
    axes[0].set_ylabel("accuracy, 3 folds")
    figure.savefig(folder / "hyperband_pass.png", dpi=90)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
