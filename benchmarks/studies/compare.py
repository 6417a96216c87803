"""GridSearchCV, RandomizedSearchCV and BayesSearchCV on real data.

    python -m benchmarks compare run           three problems, well within a minute
    python -m benchmarks compare run --full    eight problems, five seeds: seven minutes
    python -m benchmarks compare table         the table of the runs of --full
    python -m benchmarks compare plot          docs/measured/best_against_fits.png

Every seed draws its own train/test partition and its own five shuffled splits of the
training part; the three searches of a seed share both. GridSearchCV gets a grid as it
is usually written (`benchmarks/tasks/pipelines.py`), the other two get distributions
over the range of that grid and a tenth of its candidates. Nothing is downloaded: the
data ship with scikit-learn. A search runs on one core; seconds are those of the
processor, of the search and its refit.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from joblib import Parallel, delayed
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from threadpoolctl import threadpool_limits

from benchmarks.core.clock import process_seconds
from benchmarks.core.report import table as markdown
from benchmarks.core.report import versions
from benchmarks.core.statistics import TIE
from benchmarks.core.store import Store
from benchmarks.studies import curves
from benchmarks.tasks.pipelines import HEADLINE, PROBLEMS
from sklearn_tuners import BayesSearchCV

KEYS = ("problem", "seed", "search")
GRID = "GridSearchCV"
QUICK = (
    HEADLINE,
    "breast_cancer: StandardScaler, SVC",
    "diabetes: HistGradientBoostingRegressor",
)
"""Fixed before they were run: the headline and the two kinds of model most in use."""
SMOKE = {"full": True, "seeds": 1, "jobs": 1}  # the test adds a tiny problem

Row = dict[str, Any]
Case = tuple[str, int]


def searches(name: str, seed: int, cv: Any) -> dict[str, Any]:
    """Return the unfitted searches of a problem by the name of their class."""
    problem = PROBLEMS[name]
    kept = {"cv": cv, "scoring": problem.scoring}
    tenth = {"n_iter": problem.grid_size // 10, "random_state": seed} | kept
    given = problem.estimator, problem.distributions
    return {
        GRID: GridSearchCV(problem.estimator, problem.grid, **kept),
        "RandomizedSearchCV": RandomizedSearchCV(*given, **tenth),
        "BayesSearchCV": BayesSearchCV(*given, **tenth),
    }


def measure(name: str, seed: int) -> list[Row]:
    """Fit the searches on the data of one seed; return a row for each."""
    X, X_test, y, y_test, cv = PROBLEMS[name].partition(seed)
    rows = []
    for label, search in searches(name, seed, cv).items():
        with threadpool_limits(1):  # so that processor seconds are seconds
            seconds = process_seconds(lambda search=search: search.fit(X, y))
        row = {
            "problem": name,
            "seed": seed,
            "search": label,
            "fits": len(search.cv_results_["params"]) * search.n_splits_,
            "seconds": f"{seconds:.2f}",
            "cv": f"{search.best_score_:.6f}",
            "test": f"{search.score(X_test, y_test):.6f}",
        }
        rows.append(row)
    return rows


def run_cases(cases: list[Case], n_jobs: int) -> Iterator[list[Row]]:
    """Run problems and seeds in processes, and tell of each that is done."""
    jobs = (delayed(measure)(*case) for case in cases)
    for rows in Parallel(n_jobs=n_jobs, return_as="generator_unordered")(jobs):
        told = (f"{r['search']} {float(r['cv']):.4f} in {r['seconds']} s" for r in rows)
        problem, seed = rows[0]["problem"], rows[0]["seed"]
        print(f"{problem}, seed {seed}: {', '.join(told)}", flush=True)
        yield rows


def run(
    store: Store,
    *,
    full: bool = False,
    seeds: int = 5,
    problems: str = "",
    jobs: int = -1,
) -> str | None:
    """Run three problems on one seed, or what the store does not hold of all."""
    if not full:
        print(f"{len(QUICK)} problems, three searches each; a search uses one core.")
        runs = run_cases([(name, 0) for name in QUICK], jobs)
        found = {rows[0]["problem"]: rows for rows in runs}
        return short_table([row for name in QUICK for row in found[name]])
    chosen = [name for name in PROBLEMS if problems in name]
    cases = [(name, seed) for name in chosen for seed in range(seeds)]
    missing = [case for case in cases if (*case, "BayesSearchCV") not in store]
    for rows in run_cases(missing, jobs):
        for row in rows:
            store.append(row)
    return None


def short_table(rows: list[Row]) -> str:
    """Return the table of one seed, with a line that says how to read it."""
    lines = []
    for row in rows:
        is_first = row["search"] == GRID
        title = f"{row['problem']} ({PROBLEMS[row['problem']].metric})"
        scores = [f"{float(row[column]):.4f}" for column in ("cv", "test")]
        seconds = f"{float(row['seconds']):.1f}"
        fits = str(row["fits"])
        lines.append([title if is_first else "", row["search"], fits, seconds, *scores])
    header = ["problem (score)", "search", "fits", "seconds", "CV score", "test score"]
    return f"""
{markdown(header, lines)}

Larger scores are better. CV score: of the best candidate, over five splits. Test score:
of the refitted model, on rows that the search has not seen. One seed only, in which a
grid can win by luck; five seeds of eight problems are in docs/measured/comparison.md.
{versions("sklearn-tuners")}"""


def table(store: Store) -> str:
    """Return medians over the seeds, and in how many of them the grid was beaten."""
    by_problem: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in sorted(store.rows, key=lambda row: row["seed"]):
        by_problem[row["problem"]][row["search"]].append(row)
    lines = []
    for name in (name for name in PROBLEMS if name in by_problem):
        grid = by_problem[name][GRID]
        for search, own in by_problem[name].items():
            is_grid = search == GRID
            cells = [name if is_grid else "", search]
            for score in ("cv", "test"):
                cells.append(f"{_median(own, score):.4f}")
                cells.append("" if is_grid else record(own, grid, score))
            fits, seconds = f"{_median(own, 'fits'):.0f}", _median(own, "seconds")
            lines.append([*cells, fits, f"{seconds:.2f}"])
    header = ["problem", "search", "CV score", "vs grid", "test score", "vs grid"]
    return markdown([*header, "fits", "seconds"], lines)


def record(rows: list[Row], others: list[Row], score: str) -> str:
    """Count the seeds in which rows are better than, equal to and worse than others."""
    gaps = [
        float(own[score]) - float(other[score])
        for own, other in zip(rows, others, strict=True)
    ]
    wins, losses = sum(g > TIE for g in gaps), sum(g < -TIE for g in gaps)
    return f"{wins}-{len(gaps) - wins - losses}-{losses}"


def _median(rows: list[Row], column: str) -> float:
    return statistics.median(float(row[column]) for row in rows)


def plot(store: Store, *, seeds: int = curves.N_SEEDS) -> str:
    """Draw the best score against the number of fits on the headline problem."""
    return curves.draw_missing(seeds)
