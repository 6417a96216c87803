"""What does it cost not to wait for the last scores? Regret and time by the lag.

    python -m benchmarks lag run --seeds 20
    python -m benchmarks lag table
    python -m benchmarks lag run --seeds 10 --splits 1 3 10 --lags 0 1 2 4 8 16 --file F
    python -m benchmarks lag table --file F --n-splits 3

With an int `random_state` a proposal must not depend on timing, so trial m knows
exactly the scores of the trials before m - lag. A small lag leaves workers idle while
they wait for a straggler, a large one proposes knowing little.

The real optimiser runs on workers with a virtual clock: durations of evaluations are
lognormal (sigma 1, mean 1) and cost nothing, and asking takes no time. What a lag
proposes does not depend on the number of workers, so the optimiser runs once for each
lag, and its proposals again for each number of workers and of splits. "free" tells
scores as they come (`random_state=None`).

Regret is 0 at the optimum and 1 at the median of random params. It is given after all
160 trials, and at equal time: the time that the given number of workers would need for
all evaluations if none of them ever idled, and half of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from benchmarks.core.report import table as markdown
from benchmarks.core.statistics import mean_and_error
from benchmarks.core.store import Store
from benchmarks.solvers.bayes import Tuner
from benchmarks.tasks.functions import Problem, synthetic
from benchmarks.tasks.virtual import (
    N_SPLITS,
    N_TRIALS,
    FloatArray,
    VirtualRun,
    draw_durations,
    replay,
    simulate,
    utilisation,
)

KEYS = ("problem", "seed", "splits", "workers", "lag")
SMOKE = {"seeds": 1, "problems": ("mixed",), "lags": ("1", "free"), "n_trials": 10}
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

Runs = Iterator[tuple[int, int, VirtualRun]]


def incumbent_regret(run: VirtualRun, problem: Problem, until: float) -> float:
    """Regret of the best of the trials that were complete at a time; 1 if none was."""
    pairs = zip(run.params, run.done_at, strict=True)
    done = [params for params, at in pairs if at <= until]
    return problem.regret(max(done, key=problem.score)) if done else 1.0


def measure(
    run: VirtualRun, problem: Problem, durations: FloatArray, n_workers: int
) -> dict[str, str]:
    """Return the `MEASURES` of a run."""
    equal = float(durations.sum()) / n_workers
    used = utilisation(np.array(run.intervals), n_workers)
    values = [incumbent_regret(run, problem, t) for t in (equal / 2, equal, np.inf)]
    pairs = zip(MEASURES, (used, *values), strict=True)
    return {name: f"{value:.6f}" for name, value in pairs}


def run_free(problem: Problem, seed: int, splits: Sequence[int], n_trials: int) -> Runs:
    """Run the optimiser for each number of splits and of workers."""
    for n_splits, n_workers in product(splits, WORKERS):
        run = simulate(
            Tuner(problem, n_trials, seed).optimizer,
            draw_durations(seed, n_splits=n_splits, n_trials=n_trials),
            n_workers=n_workers,
            lag=None,
            score=problem.score,
        )
        yield n_splits, n_workers, run


def run_lagging(
    problem: Problem, seed: int, splits: Sequence[int], n_trials: int, *, lag: int
) -> Runs:
    """Run the optimiser once, and what it proposed for each number of workers."""
    optimizer = Tuner(problem, n_trials, seed).optimizer
    independent = optimizer.n_independent
    durations = draw_durations(seed, n_trials=n_trials)
    first = simulate(optimizer, durations, n_workers=1, lag=lag, score=problem.score)
    for n_splits, n_workers in product(splits, WORKERS):
        durations = draw_durations(seed, n_splits=n_splits, n_trials=n_trials)
        again = {"n_workers": n_workers, "lag": lag, "n_independent": independent}
        yield n_splits, n_workers, replay(first.params, durations, **again)


def run(
    store: Store,
    *,
    seeds: int = 20,
    first_seed: int = 0,
    splits: tuple[int, ...] = (N_SPLITS,),
    lags: tuple[str, ...] = LAGS,
    problems: tuple[str, ...] = PROBLEMS,
    n_trials: int = N_TRIALS,
) -> None:
    """Make the runs that are missing, seed after seed."""
    todo = [problem for problem in synthetic() if problem.name in problems]
    chosen = range(first_seed, first_seed + seeds)
    for seed, problem, lag in product(chosen, todo, lags):
        label: Any = lag if lag == FREE else int(lag)
        if (problem.name, seed, splits[-1], WORKERS[-1], label) in store:
            continue
        make = run_free if lag == FREE else partial(run_lagging, lag=label)
        for n_splits, n_workers, made in make(problem, seed, splits, n_trials):
            durations = draw_durations(seed, n_splits=n_splits, n_trials=n_trials)
            values = (problem.name, seed, n_splits, n_workers, label)
            measured = measure(made, problem, durations, n_workers)
            store.append(dict(zip(KEYS, values, strict=True)) | measured)


def table(store: Store, *, n_splits: int = N_SPLITS, problem: str = "") -> str:
    """Return a table a measure: a lag a row, a number of workers a column.

    Utilisation is a median over the seeds, regret a mean over problems and seeds.
    """
    rows = [r for r in store.where(splits=n_splits) if problem in r["problem"]]
    found = {str(row["lag"]) for row in rows}
    header = ["lag", *(f"{n} workers" for n in WORKERS)]
    parts = []
    for name, title in MEASURES.items():
        lines = []
        for lag in [lag for lag in LAGS if lag in found]:
            own = [r for r in rows if str(r["lag"]) == lag]
            values = [
                [float(r[name]) for r in own if r["workers"] == n] for n in WORKERS
            ]
            if name == "utilisation":
                lines.append([lag, *(f"{np.median(column):.2f}" for column in values)])
            else:
                lines.append([lag, *map(mean_and_error, values)])
        parts += [title, markdown(header, lines)]
    return "\n\n".join(parts)
