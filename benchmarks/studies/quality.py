"""How good are the proposals? Normalised regret on problems with known optima.

    python -m benchmarks quality run --tuners random ours --seeds 10
    python -m benchmarks quality table

Regret is 0 at the best known score and 1 at the median of random params; on noisy
problems it is the true one of the params that look best. No tuner scores itself. The
grids of real scores are used if they have been computed, once, by `--compute-grids`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any, Protocol

import numpy as np

from benchmarks.core.clock import Stopwatch
from benchmarks.core.report import table as markdown
from benchmarks.core.store import Store
from benchmarks.solvers import bayes, optuna_samplers, random_search, scikit_optimize
from benchmarks.tasks.functions import Problem, synthetic
from benchmarks.tasks.grids import compute, grids, real

KEYS = ("tuner", "problem", "seed")
BUDGETS = (10, 25, 50)
SMOKE = {"seeds": 1, "problems": "branin", "n_iter": 12}


class Tuner(Protocol):
    """What every solver offers."""

    def ask(self) -> dict[str, Any]:
        """Return params to evaluate."""

    def tell(self, params: dict[str, Any], score: float) -> None:
        """Take the score of the params last asked for; larger is better."""


Make = Callable[[Problem, int, int], Tuner]
TUNERS: dict[str, Make] = {
    "random": random_search.Tuner,
    "ours": bayes.Tuner,
    "optuna-tpe": partial(
        optuna_samplers.Tuner, sampler="TPESampler", multivariate=True
    ),
    "optuna-gp": partial(optuna_samplers.Tuner, sampler="GPSampler"),
    "skopt-gp": scikit_optimize.Tuner,
}


def regrets(
    make: Make, problem: Problem, seed: int, n_iter: int = max(BUDGETS)
) -> tuple[list[float], float]:
    """Return the regret of the best after each trial, and the tuner's CPU seconds."""
    noise = problem.noise * np.random.default_rng([seed, 99]).standard_normal(n_iter)
    watch = Stopwatch()
    with watch:
        tuner = make(problem, n_iter, seed)
    best, regret, found = -np.inf, 1.0, []
    for i in range(n_iter):
        with watch:
            params = tuner.ask()
        score = problem.score(params) + noise[i]
        if score > best:
            best, regret = score, problem.regret(params)
        found.append(regret)
        with watch:
            tuner.tell(params, score)
    return found, watch.process


def row_of(name: str, problem: Problem, seed: int, make: Make, n_iter: int) -> Any:
    """Make one run and return its row."""
    found, seconds = regrets(make, problem, seed, n_iter)
    columns = {f"r{b}": f"{found[min(b, n_iter) - 1]:.5f}" for b in BUDGETS}
    key = {"tuner": name, "problem": problem.name, "seed": seed}
    return key | columns | {"seconds": f"{seconds:.2f}"}


def run(
    store: Store,
    *,
    tuners: tuple[str, ...] = ("random", "ours"),
    seeds: int = 10,
    problems: str = "",
    n_iter: int = max(BUDGETS),
    compute_grids: bool = False,
) -> None:
    """Make the runs that are missing, seed after seed."""
    if compute_grids:
        for grid in grids():
            compute(grid)
    todo = [p for p in [*synthetic(), *real()] if problems in p.name]
    for seed, problem, name in product(range(seeds), todo, tuners):
        if (name, problem.name, seed) in store:
            continue
        try:
            store.append(row_of(name, problem, seed, TUNERS[name], n_iter))
        except NotImplementedError:  # scikit-optimize has no conditions
            continue


def table(store: Store, *, tuners: tuple[str, ...] = ()) -> str:
    """Return mean regret over the runs that all tuners made."""
    names = [n for n in store.values("tuner") if n in tuners or not tuners]
    runs = {n: {store.key(r)[1:]: r for r in store.where(tuner=n)} for n in names}
    common = set.intersection(*(set(own) for own in runs.values()))
    lines = []
    for name, own in runs.items():
        cells = [_mean(own, common, f"r{b}") for b in BUDGETS]
        seconds = np.mean([float(own[key]["seconds"]) for key in common])
        lines.append([name, *cells, f"{seconds:.2f}"])
    header = ["tuner", *(f"after {b}" for b in BUDGETS), "CPU s / run"]
    n = len({problem for problem, _ in common})
    title = f"Mean normalised regret, {len(common)} runs on {n} problems."
    return f"{title}\n\n{markdown(header, lines)}"


def _mean(runs: dict[Any, Any], keys: Sequence[Any] | set[Any], column: str) -> str:
    """Return the mean and its standard error over seeds, the problems being fixed."""
    by_problem = defaultdict(list)
    for key in keys:
        by_problem[key[0]].append(float(runs[key][column]))
    variances = [np.var(v, ddof=1) / len(v) for v in by_problem.values() if len(v) > 1]
    error = np.sqrt(np.sum(variances)) / max(len(variances), 1)
    mean = np.mean([float(runs[key][column]) for key in keys])
    return f"{mean:.4f} ± {error:.4f}"
