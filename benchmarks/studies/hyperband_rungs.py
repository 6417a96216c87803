"""A lowest rung that ranks wrongly: `HyperbandSearchCV` at the seconds of full fits.

    python -m benchmarks.hyperband_rungs run       a line per table, least and seed
    python -m benchmarks.hyperband_rungs table     what docs/ shows of them

Boosters of 81 rounds whose learning rate is searched, with 3 rounds as the lowest rung,
which favour rates that are too high, and with the lowest rung of "auto". Both searches
get the processor seconds that 40 random candidates with all rounds take, on the same
folds; compared is the best score of a candidate with all rounds.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
from scipy.stats import loguniform, randint
from sklearn.ensemble import HistGradientBoostingRegressor

from benchmarks.hyperband import (
    append,
    curve_of,
    measure,
    read,
    run_bayes,
    run_hyperband,
    run_random,
)
from benchmarks.hyperband_tasks import Task
from benchmarks.report import table

RESULTS = Path(__file__).parent / "results" / "hyperband_rungs.csv"
N_FULL = 40
RANDOM, BAYES = f"{N_FULL} random candidates", "BayesSearchCV"
HYPERBAND = {3: "HyperbandSearchCV, 3 rounds", "auto": "HyperbandSearchCV, auto"}
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


def run(path: Path, seeds: list[int]) -> None:
    """Run what is not in the file."""
    known = read(path)
    for task in TASKS:
        task.load()
        for seed in seeds:
            searches = {
                RANDOM: lambda t, s, clock: run_random(t, s, clock, N_FULL),
                BAYES: run_bayes,
                **{
                    name: lambda t, s, clock, least=least: run_hyperband(
                        t, s, clock, min_resources=least
                    )
                    for least, name in HYPERBAND.items()
                },
            }
            budget = math.inf
            for name, search in searches.items():
                key = (task.name, seed, name)
                if key not in known:
                    known[key] = measure(task, seed, name, search, budget, math.inf)
                    append(path, known[key])
                    print(*key, known[key]["seconds"], flush=True)
                if name == RANDOM:
                    budget = float(known[key]["seconds"])


def show_table(path: Path) -> str:
    """Return the table of the documentation."""
    rows = read(path)
    best = {key: curve_of(row)[-1][1] for key, row in rows.items()}
    lines = []
    for task in TASKS:
        seeds = sorted({seed for name, seed, _ in rows if name == task.name})
        cells = [
            f"{np.mean([best[task.name, seed, name] for seed in seeds]):.4f}"
            for name in (RANDOM, BAYES, *HYPERBAND.values())
        ]
        for name in HYPERBAND.values():
            gains = [
                best[task.name, seed, name] - best[task.name, seed, BAYES]
                for seed in seeds
            ]
            error = np.std(gains, ddof=1) / math.sqrt(len(gains))
            cells.append(f"{np.mean(gains):+.4f} (+/- {error:.4f})")
        lines.append([task.data, str(len(seeds)), *cells])
    header = ["table", "seeds", RANDOM, BAYES, *HYPERBAND.values()]
    return table([*header, "3 rounds to Bayes", "auto to Bayes"], lines)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["run", "table"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--file", type=Path, default=RESULTS)
    given = parser.parse_args()
    if given.command == "run":
        run(given.file, given.seeds)
    else:
        print(show_table(given.file))


if __name__ == "__main__":
    main()
