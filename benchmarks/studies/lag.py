r"""What a lag costs in regret, and what it saves in time.

With an int `random_state` a proposal must not depend on timing, so the engine lets
trial m know exactly the scores of the trials before m - lag. A small lag leaves workers
idle while they wait for a straggler, a large one proposes knowing little. Run it from
the root of the repository::

    python -m benchmarks.lag run --seeds 20 --out lag.csv
    python -m benchmarks.lag table lag.csv
    python -m benchmarks.lag run --seeds 10 --splits 1 3 10 \
        --lags 0 1 2 4 8 16 --out lag_splits.csv
    python -m benchmarks.lag table lag_splits.csv

The real engine and the real optimiser run on workers with a virtual clock: durations of
evaluations are lognormal (sigma 1, mean 1) and cost nothing, and asking takes no time.
What a lag proposes does not depend on the number of workers, so the optimiser runs once
for each lag and the engine again for each number of workers and of splits. "free" tells
scores as they come (`random_state=None`).

Regret is 0 at the optimum and 1 at the median of random params. It is given after all
160 trials, and at equal time: the time that the given number of workers would need for
all evaluations if none of them ever idled, and half of it.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.problems import Problem, synthetic
from benchmarks.quality import Ours
from benchmarks.report import table
from benchmarks.virtual import (
    N_SPLITS,
    N_TRIALS,
    FloatArray,
    Replay,
    VirtualRun,
    draw_durations,
    run_virtually,
)
from sklearn_tuners._bayes_tuner import OptimizerTuner

PROBLEMS = ("hartmann6", "rosenbrock4", "mixed")
WORKERS = (2, 4, 8, 16)
FREE = "free"
LAGS = ("0", "1", "2", "3", "4", "6", "8", "10", "12", "16", "24", FREE)
MEASURES = {
    "utilisation": "Share of the workers' time used until the last evaluation begins",
    "r_half": "Regret at half of the equal time",
    "r_equal": "Regret at equal time",
    "r_end": "Regret after all trials",
}

Key = tuple[str, int, int, int, str]  # problem, seed, splits, workers, lag


def incumbent_regret(run: VirtualRun, problem: Problem, until: float) -> float:
    """Regret of the best of the trials that were complete at a time; 1 if none was."""
    done = [
        params
        for params, at in zip(run.params, run.done_at, strict=True)
        if at <= until
    ]
    return problem.regret(max(done, key=problem.score)) if done else 1.0


def measure(
    run: VirtualRun, problem: Problem, durations: FloatArray, n_workers: int
) -> list[float]:
    """Return the `MEASURES` of a run."""
    equal = float(durations.sum()) / n_workers
    times = (equal / 2, equal, np.inf)
    return [run.utilisation, *(incumbent_regret(run, problem, t) for t in times)]


def runs(
    problem: Problem, seed: int, splits: Sequence[int], lags: Sequence[str]
) -> Iterator[tuple[int, int, str, list[float]]]:
    """Make all runs of a problem and a seed: splits, workers, lag, measures."""
    for lag in lags:
        make = run_free if lag == FREE else partial(run_lagging, lag=int(lag))
        for n_splits, n_workers, run in make(problem, seed, splits):
            times = draw_durations(seed, n_splits=n_splits)
            yield n_splits, n_workers, lag, measure(run, problem, times, n_workers)


def run_free(
    problem: Problem, seed: int, splits: Sequence[int]
) -> Iterator[tuple[int, int, VirtualRun]]:
    """Run the optimiser for each number of splits and of workers."""
    for n_splits, n_workers in product(splits, WORKERS):
        run = run_virtually(
            OptimizerTuner(Ours(problem, N_TRIALS, seed).optimizer),
            draw_durations(seed, n_splits=n_splits),
            n_workers=n_workers,
            lag=None,
            score=problem.score,
        )
        yield n_splits, n_workers, run


def run_lagging(
    problem: Problem, seed: int, splits: Sequence[int], lag: int
) -> Iterator[tuple[int, int, VirtualRun]]:
    """Run the optimiser once, and what it proposed for each number of workers."""
    tuner = OptimizerTuner(Ours(problem, N_TRIALS, seed).optimizer)
    n_independent = tuner.n_independent
    durations = draw_durations(seed)
    first = run_virtually(tuner, durations, n_workers=1, lag=lag, score=problem.score)
    for n_splits, n_workers in product(splits, WORKERS):
        again = Replay(first.params, n_independent)
        durations = draw_durations(seed, n_splits=n_splits)
        run = run_virtually(again, durations, n_workers=n_workers, lag=lag)
        yield n_splits, n_workers, run


def run_all(
    seeds: range, splits: Sequence[int], lags: Sequence[str], out: Path
) -> None:
    """Make the runs that the file does not hold yet, seed after seed."""
    done = {(problem, seed) for problem, seed, *_ in read(out)} if out.exists() else ()
    problems = [problem for problem in synthetic() if problem.name in PROBLEMS]
    with out.open("a", newline="") as file:
        writer = csv.writer(file)
        if not file.tell():
            writer.writerow(["problem", "seed", "splits", "workers", "lag", *MEASURES])
        for seed in seeds:
            for problem in problems:
                if (problem.name, seed) in done:
                    continue
                writer.writerows(
                    [problem.name, seed, *key, *(f"{v:.6f}" for v in values)]
                    for *key, values in list(runs(problem, seed, splits, lags))
                )
                file.flush()


def read(path: Path) -> dict[Key, dict[str, float]]:
    """Return the measures of each run."""
    with path.open() as file:
        return {
            (
                row["problem"],
                int(row["seed"]),
                int(row["splits"]),
                int(row["workers"]),
                row["lag"],
            ): {name: float(row[name]) for name in MEASURES}
            for row in csv.DictReader(file)
        }


def tables(results: dict[Key, dict[str, float]]) -> Iterator[str]:
    """Yield one table a measure: a lag a row, a number of workers a column.

    Utilisation is a median over the seeds, regret a mean over problems and seeds.
    """
    cells = defaultdict(list)
    for (*_, n_workers, lag), values in results.items():
        for name, value in values.items():
            cells[name, n_workers, lag].append(value)
    found = {key[-1] for key in results}
    lags = [lag for lag in LAGS if lag in found]
    header = ["lag", *(f"{n} workers" for n in WORKERS)]
    for name, title in MEASURES.items():
        rows = []
        for lag in lags:
            columns = [cells[name, n_workers, lag] for n_workers in WORKERS]
            if name == "utilisation":
                rows.append([lag, *(f"{np.median(c):.2f}" for c in columns)])
            else:
                rows.append([lag, *(_mean_and_error(c) for c in columns)])
        yield f"{title}\n\n{table(header, rows)}"


def _mean_and_error(values: list[float]) -> str:
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return f"{np.mean(values):.4f} ± {error:.4f}"


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run")
    runner.add_argument("--seeds", type=int, default=20)
    runner.add_argument("--first-seed", type=int, default=0)
    runner.add_argument("--splits", type=int, nargs="+", default=[N_SPLITS])
    runner.add_argument("--lags", choices=LAGS, nargs="+", default=LAGS)
    runner.add_argument("--out", type=Path, required=True)
    reader = commands.add_parser("table")
    reader.add_argument("file", type=Path)
    args = parser.parse_args()
    if args.command == "run":
        seeds = range(args.first_seed, args.first_seed + args.seeds)
        run_all(seeds, args.splits, args.lags, args.out)
        return
    results = read(args.file)
    for n_splits in sorted({key[2] for key in results}):
        for problem in ("", *PROBLEMS):
            part = {
                key: values
                for key, values in results.items()
                if key[2] == n_splits and problem in key[0]
            }
            n_seeds = len({key[1] for key in part})
            name = problem or "all problems"
            print(f"## {n_splits} splits, {name}, {n_seeds} seeds\n")
            print("\n\n".join(tables(part)), end="\n\n")


if __name__ == "__main__":
    main()
