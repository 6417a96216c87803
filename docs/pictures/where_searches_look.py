"""Draw where three searches with 25 candidates each look, and what they find.

    python docs/pictures/where_searches_look.py [FOLDER]

The background is the cross-validated accuracy on a fine grid. FOLDER defaults to
``docs/guide``.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import loguniform
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_tuners import BayesSearchCV

FOLDER = Path(__file__).parents[1] / "guide"
PIPELINE = make_pipeline(StandardScaler(), SVC())
RANGES = {"svc__C": (1e-2, 1e3), "svc__gamma": (1e-5, 1e0)}


def grid(n: int) -> dict[str, np.ndarray]:
    """Return n values of each parameter, evenly spaced on a log scale."""
    return {name: np.geomspace(*bounds, n) for name, bounds in RANGES.items()}


def main(folder: Path, n_background: int = 13) -> None:
    """Run the searches and save the picture.

    Parameters
    ----------
    folder : Path
        Where the picture goes.
    n_background : int, default=13
        Values of each parameter on the fine grid.
    """
    X, y = load_breast_cancer(return_X_y=True)
    ranges = {name: loguniform(*bounds) for name, bounds in RANGES.items()}
    searches = [
        GridSearchCV(PIPELINE, grid(5)),
        RandomizedSearchCV(PIPELINE, ranges, n_iter=25, random_state=0),
        BayesSearchCV(PIPELINE, ranges, n_iter=25, random_state=0),
    ]
    fine = GridSearchCV(PIPELINE, grid(n_background), n_jobs=2, refit=False).fit(X, y)
    scores = fine.cv_results_["mean_test_score"].reshape(n_background, n_background)

    figure, axes = plt.subplots(1, 3, figsize=(9, 3.3), sharey=True, layout="tight")
    for search, ax in zip(searches, axes, strict=True):
        search.fit(X, y)
        ax.contourf(
            *grid(n_background).values(),
            scores.T,
            levels=[0.6, 0.8, 0.9, 0.94, 0.96, 0.97, 0.975, 1],
            colors=[str(shade) for shade in np.linspace(0.98, 0.55, 7)],
        )
        tried = search.cv_results_
        C, gamma = (np.ma.getdata(tried[f"param_{name}"]) for name in RANGES)
        ax.scatter(
            C.astype(float),
            gamma.astype(float),
            s=18,
            color="tab:blue",
            clip_on=False,
            zorder=3,
        )
        best = search.best_params_
        ax.scatter(
            best["svc__C"],
            best["svc__gamma"],
            s=110,
            facecolors="none",
            edgecolors="tab:red",
            linewidths=2,
        )
        ax.set(xscale="log", yscale="log", xlabel="C")
        ax.set_title(
            f"{type(search).__name__}\nbest accuracy {search.best_score_:.4f}",
            fontsize=10,
        )
    axes[0].set_ylabel("gamma")
    figure.savefig(folder / "where_searches_look.png", dpi=90)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
