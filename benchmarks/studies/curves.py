"""How many fits until a good score is found? The best CV score against fits.

    python -m benchmarks curves run      a row for each search and seed: five minutes
    python -m benchmarks curves plot     docs/measured/best_against_fits.png

The problem is the headline of `benchmarks compare`, on all rows of the data and
five folds (``cv=5``). GridSearchCV tries its 500 candidates in its own order and has no
seed; RandomizedSearchCV draws as many, BayesSearchCV tries a tenth.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from threadpoolctl import threadpool_limits

from benchmarks.core.report import table as markdown
from benchmarks.core.store import Store
from benchmarks.core.study import RESULTS
from benchmarks.tasks.pipelines import HEADLINE, N_SPLITS, PROBLEMS
from sklearn_tuners import BayesSearchCV

KEYS = ("search", "seed")
GRID, RANDOM, BAYES = "GridSearchCV", "RandomizedSearchCV", "BayesSearchCV"
N_SEEDS = 20
N_GRID = PROBLEMS[HEADLINE].grid_size
N_CANDIDATES = {GRID: N_GRID, RANDOM: N_GRID, BAYES: N_GRID // 10}
PICTURE = Path(__file__).parents[2] / "docs" / "measured" / "best_against_fits.png"
SMOKE = {"seeds": 1, "n_iter": 8, "jobs": 1}
# Colour of each search, and where its label stands.
LOOKS = {
    GRID: ("#7d828a", 700, 0.4885),
    RANDOM: ("#c7741f", 600, 0.5044),
    BAYES: ("#1b5fae", 75, 0.5015),
}


def measure(search: str, seed: int, n_iter: int) -> dict[str, Any]:
    """Return the fits and the score at which a search improved."""
    problem = PROBLEMS[HEADLINE]
    grid = problem.grid if n_iter == N_GRID else {"ridge__alpha": range(1, n_iter + 1)}
    given = {"n_iter": n_iter, "random_state": seed, "refit": False}
    made = {
        GRID: lambda: GridSearchCV(problem.estimator, grid, refit=False),
        RANDOM: lambda: RandomizedSearchCV(
            problem.estimator, problem.distributions, **given
        ),
        BAYES: lambda: BayesSearchCV(problem.estimator, problem.distributions, **given),
    }[search]()
    with threadpool_limits(1):
        made.fit(*load_diabetes(return_X_y=True))
    scores = made.cv_results_["mean_test_score"]
    best = np.maximum.accumulate(scores)
    improved = np.flatnonzero(np.diff(best, prepend=-np.inf) > 0)
    points = (f"{N_SPLITS * (i + 1)}:{best[i]:.5f}" for i in improved)
    return {"search": search, "seed": seed, "curve": " ".join(points)}


def run(
    store: Store, *, seeds: int = N_SEEDS, n_iter: int = N_GRID, jobs: int = -1
) -> None:
    """Run what the store does not hold."""
    cases = [(GRID, 0)] + [(name, s) for s in range(seeds) for name in (RANDOM, BAYES)]
    calls = [
        delayed(measure)(search, seed, min(n_iter, N_CANDIDATES[search]))
        for search, seed in store.missing(cases)
    ]
    for row in Parallel(n_jobs=jobs, return_as="generator_unordered")(calls):
        store.append(row)


def curve(row: dict[str, Any], fits: np.ndarray) -> np.ndarray:
    """Return the best score after each number of fits, NaN before the first."""
    at, scores = np.array([p.split(":") for p in row["curve"].split()], dtype=float).T
    index = np.searchsorted(at, fits, side="right") - 1
    return np.where(index >= 0, scores[np.maximum(index, 0)], np.nan)


def quartiles(store: Store, search: str, fits: np.ndarray) -> np.ndarray:
    """Return the lower quartile, the median and the upper quartile over the seeds."""
    stack = [curve(row, fits) for row in store.where(search=search)]
    return np.quantile(stack, [0.25, 0.5, 0.75], axis=0)


def table(store: Store) -> str:
    """Return the median best score, with the quartiles, after some numbers of fits."""
    fits = np.array([50, 100, 250, 500, 1000, 2500])
    lines = []
    for search in store.values("search"):
        shown = fits <= N_SPLITS * N_CANDIDATES[search]
        q = quartiles(store, search, fits)
        cells = [
            f"{m:.4f}" if low == high else f"{m:.4f} ({low:.4f} to {high:.4f})"
            for low, m, high in q.T
        ]
        seeds = len(store.where(search=search))
        cells = [cell if s else "" for cell, s in zip(cells, shown, strict=True)]
        lines.append([search, str(seeds), *cells])
    return markdown(["search", "seeds", *(f"{n} fits" for n in fits)], lines)


def plot(store: Store) -> str:
    """Draw the medians over the seeds, with the quartiles as a band."""
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(7.2, 4.2), constrained_layout=True)
    for search, (colour, x, y) in LOOKS.items():
        end = N_SPLITS * N_CANDIDATES[search]
        fits = np.arange(N_SPLITS, end + 1, N_SPLITS)
        low, middle, high = quartiles(store, search, fits)
        ax.plot(fits, middle, color=colour, lw=2.2, drawstyle="steps-post")
        ax.fill_between(fits, low, high, color=colour, alpha=0.16, lw=0, step="post")
        ax.plot(end, middle[-1], "o", color=colour, ms=6, clip_on=False, zorder=3)
        text = f"{search}\n{middle[-1]:.4f} after {end:,} fits"
        ax.text(x, y, text, color=colour, fontsize=10, fontweight="bold", va="center")
    ax.set(xscale="log", xlim=(25, 2500), ylim=(0.4805, 0.5052))
    ax.set_xticks([25, 50, 100, 250, 500, 1000, 2500])
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.xaxis.set_minor_locator(plt.NullLocator())
    ax.set_yticks([0.485, 0.49, 0.495, 0.5])
    ax.tick_params(length=0, labelcolor="0.3")
    ax.grid(axis="y", color="0.92")
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.set_xlabel("fits (logarithmic scale)", color="0.3")
    figure.suptitle("Best cross-validated R² so far", x=0.012, ha="left", size=12.5)
    ax.set_title(
        "diabetes data; StandardScaler, PCA, Nystroem, Ridge; "
        f"median and quartiles of {len(store.where(search=BAYES))} seeds",
        loc="left",
        x=-0.06,
        size=9.5,
        color="0.35",
    )
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURE, dpi=130)
    return str(PICTURE)


def draw_missing(seeds: int) -> str:
    """Run what the study's own file does not hold, and draw."""
    store = Store(RESULTS / "curves.csv", KEYS)
    run(store, seeds=seeds)
    return plot(store)
