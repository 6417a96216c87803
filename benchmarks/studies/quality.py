"""How good are the proposals? Normalised regret of tuners on the same problems.

    python -m benchmarks.quality run --tuners random ours --seeds 10 --out FILE.csv
    python -m benchmarks.quality table FILE.csv [FILE.csv ...]

Regret is 0 at the best known score and 1 at the median of random params; on noisy
problems it is the true one of the params that look best. A tuner sees a problem's
neutral space through an adapter of a few lines; none scores itself. Runs that the file
already holds are not made again. Peers are optional: scikit-optimize, optuna, torch.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np

from benchmarks.problems import Choice, Number, Problem, real, synthetic

BUDGETS = (10, 25, 50)
Params = dict[str, Any]


class Tuner(Protocol):
    """What every adapter offers."""

    def ask(self) -> Params:
        """Return params to evaluate."""

    def tell(self, params: Params, score: float) -> None:
        """Take the score of the params last asked for; larger is better."""


class RandomTuner:
    """Uniform draws on each parameter's scale."""

    def __init__(self, problem: Problem, n_iter: int, seed: int) -> None:
        self.problem, self.rng = problem, np.random.default_rng(seed)

    def ask(self) -> Params:
        """Draw."""
        return self.problem.sample(self.rng)

    def tell(self, params: Params, score: float) -> None:
        """Learn nothing."""


class Ours:
    """`sklearn_tuners.Optimizer`."""

    def __init__(self, problem: Problem, n_iter: int, seed: int) -> None:
        from sklearn_tuners import Optimizer

        space = [
            {name: self.dimension(dim) for name, dim in dims.items()}
            for dims in problem.space
        ]
        self.optimizer = Optimizer(
            space if len(space) > 1 else space[0], n_iter=n_iter, random_state=seed
        )
        self.tell = self.optimizer.tell

    @staticmethod
    def dimension(dim: Number | Choice) -> Any:
        """Express a dimension as scikit-optimize does."""
        if isinstance(dim, Choice):
            return list(dim.values)
        low, high = (int(v) if dim.integer else float(v) for v in (dim.low, dim.high))
        return (low, high, "log-uniform" if dim.log else "uniform")

    def ask(self) -> Params:
        """Ask."""
        return self.optimizer.ask()


class Optuna:
    """One of Optuna's samplers through its own ask and tell."""

    def __init__(self, problem: Problem, n_iter: int, seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore")
        self.problem = problem
        self.study = optuna.create_study(direction="maximize", sampler=self.make(seed))

    def make(self, seed: int) -> Any:
        """Return the sampler."""
        raise NotImplementedError

    def ask(self) -> Params:
        """Suggest every parameter of the chosen branch."""
        self.trial = self.study.ask()
        branches = self.problem.space
        if len(branches) > 1:
            names = [dims["branch"].values[0] for dims in branches]
            chosen = self.trial.suggest_categorical("branch", names)
            dims = branches[names.index(chosen)]
        else:
            dims = branches[0]
        return {
            name: self.suggest(name, dim)
            for name, dim in dims.items()
            if name != "branch"
        } | ({"branch": chosen} if len(branches) > 1 else {})

    def suggest(self, name: str, dim: Number | Choice) -> Any:
        """Ask the trial for one value."""
        if isinstance(dim, Choice):
            labels = [str(value) for value in dim.values]
            return dim.values[
                labels.index(self.trial.suggest_categorical(name, labels))
            ]
        suggest = self.trial.suggest_int if dim.integer else self.trial.suggest_float
        return suggest(name, dim.low, dim.high, log=dim.log)

    def tell(self, params: Params, score: float) -> None:
        """Tell."""
        self.study.tell(self.trial, score)


class OptunaTPE(Optuna):
    """Multivariate TPE, Optuna's default."""

    def make(self, seed: int) -> Any:
        """Return the sampler."""
        import optuna

        return optuna.samplers.TPESampler(
            multivariate=True, group=len(self.problem.space) > 1, seed=seed
        )


class OptunaGP(Optuna):
    """Gaussian process with log EI."""

    def make(self, seed: int) -> Any:
        """Return the sampler."""
        import optuna

        return optuna.samplers.GPSampler(seed=seed)


class Skopt:
    """`skopt.Optimizer` as `gp_minimize` sets it up; branches become a categorical."""

    def __init__(self, problem: Problem, n_iter: int, seed: int) -> None:
        import skopt

        warnings.simplefilter("ignore")
        if len(problem.space) > 1:
            raise NotImplementedError("scikit-optimize has no conditional spaces")
        self.dims = problem.space[0]
        self.optimizer = skopt.Optimizer(
            [self.dimension(dim) for dim in self.dims.values()],
            base_estimator="GP",
            n_initial_points=10,
            acq_func="gp_hedge",
            random_state=seed,
        )

    @staticmethod
    def dimension(dim: Number | Choice) -> Any:
        """Express a dimension as scikit-optimize does; values by their index."""
        import skopt.space

        if isinstance(dim, Choice):
            return skopt.space.Categorical([f"{i}" for i in range(len(dim.values))])
        kind = skopt.space.Integer if dim.integer else skopt.space.Real
        return kind(dim.low, dim.high, prior="log-uniform" if dim.log else "uniform")

    def ask(self) -> Params:
        """Ask."""
        self.point = self.optimizer.ask()
        return {
            name: dim.values[int(value)] if isinstance(dim, Choice) else value
            for (name, dim), value in zip(self.dims.items(), self.point, strict=True)
        }

    def tell(self, params: Params, score: float) -> None:
        """Tell."""
        self.optimizer.tell(self.point, -score)


TUNERS: dict[str, Callable[[Problem, int, int], Tuner]] = {
    "random": RandomTuner,
    "ours": Ours,
    "optuna-tpe": OptunaTPE,
    "optuna-gp": OptunaGP,
    "skopt-gp": Skopt,
}


def run(
    make: Callable[[Problem, int, int], Tuner], problem: Problem, seed: int
) -> tuple[list[float], float]:
    """Regret of the incumbent after each trial, and CPU seconds spent in the tuner."""
    n_iter = max(BUDGETS)
    noise = problem.noise * np.random.default_rng([seed, 99]).standard_normal(n_iter)
    start = time.process_time()
    tuner = make(problem, n_iter, seed)
    spent = time.process_time() - start
    best, regret, regrets = -np.inf, 1.0, []
    for i in range(n_iter):
        start = time.process_time()
        params = tuner.ask()
        spent += time.process_time() - start
        score = problem.score(params) + noise[i]
        if score > best:
            best, regret = score, problem.regret(params)
        regrets.append(regret)
        start = time.process_time()
        tuner.tell(params, score)
        spent += time.process_time() - start
    return regrets, spent


def problems(pattern: str) -> list[Problem]:
    """Problems whose name contains the pattern."""
    return [p for p in [*synthetic(), *real()] if pattern in p.name]


def run_all(names: list[str], seeds: range, pattern: str, out: Path) -> None:
    """Make the runs that the file does not hold yet, seed after seed."""
    done = set()
    if out.exists():
        with out.open() as file:
            done = {
                (r["tuner"], r["problem"], int(r["seed"])) for r in csv.DictReader(file)
            }
    todo = problems(pattern)
    with out.open("a", newline="") as file:
        writer = csv.writer(file)
        if not done:
            writer.writerow(
                ["tuner", "problem", "seed", *(f"r{b}" for b in BUDGETS), "seconds"]
            )
        for seed in seeds:
            for problem in todo:
                for name in names:
                    if (name, problem.name, seed) in done:
                        continue
                    try:
                        regrets, spent = run(TUNERS[name], problem, seed)
                    except NotImplementedError:
                        continue
                    row = [f"{regrets[b - 1]:.5f}" for b in BUDGETS]
                    writer.writerow([name, problem.name, seed, *row, f"{spent:.2f}"])
                    file.flush()


def read(paths: list[str]) -> dict[str, dict[tuple[str, int], Mapping[str, float]]]:
    """Results by tuner, then by problem and seed."""
    results: dict[str, dict[tuple[str, int], Mapping[str, float]]] = defaultdict(dict)
    for path in paths:
        with Path(path).open() as file:
            for row in csv.DictReader(file):
                key = (row["problem"], int(row["seed"]))
                results[row["tuner"]][key] = {
                    name: float(row[name])
                    for name in (*(f"r{b}" for b in BUDGETS), "seconds")
                }
    return results


def table(
    results: dict[str, dict[tuple[str, int], Mapping[str, float]]],
) -> Iterator[str]:
    """Markdown lines: mean regret over the runs that all tuners made."""
    common = set.intersection(*(set(runs) for runs in results.values()))
    n_problems = len({problem for problem, _ in common})
    yield f"Mean normalised regret, {len(common)} runs on {n_problems} problems."
    yield ""
    yield "| tuner | " + " | ".join(f"after {b}" for b in BUDGETS) + " | CPU s / run |"
    yield "|---|" + "---|" * (len(BUDGETS) + 1)
    for name, runs in results.items():
        means = [np.mean([runs[key][f"r{b}"] for key in common]) for b in BUDGETS]
        errors = [_error(runs, common, f"r{b}") for b in BUDGETS]
        cells = [f"{m:.4f} ± {e:.4f}" for m, e in zip(means, errors, strict=True)]
        seconds = np.mean([runs[key]["seconds"] for key in common])
        yield f"| {name} | " + " | ".join(cells) + f" | {seconds:.2f} |"


def _error(
    runs: Mapping[tuple[str, int], Mapping[str, float]],
    keys: set[tuple[str, int]],
    column: str,
) -> float:
    """Return the standard error over seeds, the problems being fixed."""
    by_problem = defaultdict(list)
    for key in keys:
        by_problem[key[0]].append(runs[key][column])
    variances = [np.var(v, ddof=1) / len(v) for v in by_problem.values() if len(v) > 1]
    return float(np.sqrt(np.sum(variances)) / max(len(variances), 1))


def by_problem(
    results: dict[str, dict[tuple[str, int], Mapping[str, float]]], budget: int
) -> Iterator[str]:
    """Markdown lines: one problem a row, one tuner a column."""
    common = set.intersection(*(set(runs) for runs in results.values()))
    yield f"| after {budget} | " + " | ".join(results) + " |"
    yield "|---|" + "---|" * len(results)
    for name in sorted({problem for problem, _ in common}):
        keys = [key for key in common if key[0] == name]
        cells = [
            f"{np.mean([runs[key][f'r{budget}'] for key in keys]):.4f}"
            for runs in results.values()
        ]
        yield f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run")
    runner.add_argument("--tuners", nargs="+", default=["random", "ours"])
    runner.add_argument("--seeds", type=int, default=10)
    runner.add_argument("--problems", default="", help="part of a name")
    runner.add_argument("--out", type=Path, required=True)
    reader = commands.add_parser("table")
    reader.add_argument("files", nargs="+")
    args = parser.parse_args()
    if args.command == "run":
        run_all(args.tuners, range(args.seeds), args.problems, args.out)
        return
    results = read(args.files)
    lines = list(table(results))
    for budget in BUDGETS:
        lines += ["", *by_problem(results, budget)]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
