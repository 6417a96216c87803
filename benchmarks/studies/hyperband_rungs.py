"""A lowest rung that ranks wrongly: HyperbandSearchCV at the seconds of full fits.

    python -m benchmarks hyperband_rungs run       a row a table, search and seed
    python -m benchmarks hyperband_rungs table

Boosters of 81 rounds with a searched learning rate. The lowest rung is 3 rounds, which
favours rates that are too high, or that of "auto". Both searches
get the processor seconds that 40 random candidates with all rounds take, on the same
folds; compared is the best score of a candidate with all rounds.
"""

from __future__ import annotations

from functools import partial
from itertools import product

import numpy as np
from scipy.stats import loguniform, randint
from sklearn.ensemble import HistGradientBoostingRegressor

from benchmarks.core.race import Race, curve_of
from benchmarks.core.report import table as markdown
from benchmarks.core.store import Store
from benchmarks.solvers import bayes, hyperband, random_search
from benchmarks.studies.hyperband import Search, measure
from benchmarks.tasks.resources import Task

KEYS = ("task", "seed", "search")
SMOKE = {"seeds": (0, 1), "tables": ("diabetes",), "n_full": 4}
N_FULL = 40
RANDOM, BAYES = f"{N_FULL} random candidates", "BayesSearchCV"
SEARCHES: dict[str, Search] = {
    BAYES: bayes.race,
    "HyperbandSearchCV, 3 rounds": partial(hyperband.race, min_resources=3),
    "HyperbandSearchCV, auto": hyperband.race,
}
TASKS = [
    Task(
        f"boosting-{data}",
        data,
        lambda: HistGradientBoostingRegressor(
            max_iter=81, early_stopping=False, min_samples_leaf=10, random_state=0
        ),
        {"learning_rate": loguniform(0.01, 1.0), "max_leaf_nodes": randint(2, 16)},
        "max_iter",
        81,
        "r2",
    )
    for data in ("diabetes", "concrete", "hitters")
]


def run(
    store: Store,
    *,
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4),
    tables: tuple[str, ...] = tuple(task.data for task in TASKS),
    n_full: int = N_FULL,
) -> None:
    """Run what the store does not hold."""
    random = partial(random_search.race, n_iter=n_full)
    for task, seed in product([t for t in TASKS if t.data in tables], seeds):
        race = Race()
        for name, search in {RANDOM: random, **SEARCHES}.items():
            key = (task.name, seed, name)
            if key not in store:
                store.append(measure(task, seed, name, search, race))
                print(*key, flush=True)
            if name == RANDOM:
                race = Race(float(store.by_key()[key]["seconds"]))


def table(store: Store) -> str:
    """Return the mean best score, and the gain over BayesSearchCV."""
    best = {
        key: curve_of(row["curve"])[-1][1]
        for key, row in store.by_key().items()
        if row["curve"]
    }
    searches = [RANDOM, *SEARCHES]
    lines = []
    for task in TASKS:
        seeds = sorted({seed for name, seed, _ in best if name == task.name})
        if not seeds:
            continue
        scores = {
            s: np.array([best.get((task.name, seed, s), np.nan) for seed in seeds])
            for s in searches
        }
        cells = [f"{own.mean():.4f}" for own in scores.values()]
        for name in searches[2:]:
            gain = scores[name] - scores[BAYES]
            error = gain.std(ddof=1) / np.sqrt(len(gain))
            cells.append(f"{gain.mean():+.4f} (+/- {error:.4f})")
        lines.append([task.data, str(len(seeds)), *cells])
    header = ["table", "seeds", *searches, "3 rounds to Bayes", "auto to Bayes"]
    return markdown(header, lines)
