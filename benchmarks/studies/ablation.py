"""Which parts of the optimiser earn their place? One change at a time, same seeds.

    python -m benchmarks.ablation run --seeds 4 --out FILE.csv
    python -m benchmarks.ablation table FILE.csv

A variant replaces private functions or constants of the optimiser and runs problems of
`benchmarks.quality`; the table compares it run by run with the optimiser as it is.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.problems import Problem
from benchmarks.quality import BUDGETS, Ours, problems, read, run
from sklearn_tuners._bayes import acquisition as _acquisition
from sklearn_tuners._bayes import gp as _gp
from sklearn_tuners._bayes import optimizer as _optimizer
from sklearn_tuners._bayes import surrogate as _surrogate

#: Problems that some variant does not solve at once; the others only dilute.
PROBLEMS = (
    "branin-noisy",
    "hartmann6",
    "hartmann6-noisy",
    "ackley2",
    "ackley5",
    "rosenbrock4",
    "levy10",
    "mixed",
    "mixed-noisy",
    "conditional",
    "svc-wine",
    "svr-diabetes",
    "logistic-digits",
    "forest-wine",
    "boosting-breast",
    "boosting-diabetes",
    "mlp-digits",
)
BASE = "as it is"


def prior(
    categorical: np.ndarray,
    n_active: float,
    length: Callable[[float], float] = lambda d: 0.5 * d**0.5,
    length_sd: float = 1.0,
    noise: float = 0.01,
) -> _gp.Prior:
    """Make a prior of other moments."""
    base = _gp.default_prior(categorical, n_active, noise=noise)
    mean, sd = base.mean.copy(), base.sd.copy()
    numeric = np.flatnonzero(~categorical)
    mean[numeric] = np.log(length(max(n_active, 1.0)))
    sd[numeric] = length_sd
    return _gp.Prior(mean, sd, base.lower, base.upper, mean.copy())


def matern32(r2: np.ndarray, s: float) -> tuple[np.ndarray, np.ndarray]:
    """Matern 3/2 in the place of `_gp._matern52`: value and ``-2 dk/d(r^2)``."""
    q = np.sqrt(3.0 * r2)
    e = s * np.exp(-q)
    return (1.0 + q) * e, 3.0 * e


def yeo_johnson(scores: np.ndarray) -> np.ndarray:
    """Scores made normal by scikit-learn's power transform."""
    from sklearn.preprocessing import power_transform

    return np.asarray(power_transform(_surrogate.wide_scores(scores)[:, None])[:, 0])


def standardised(scores: np.ndarray) -> np.ndarray:
    """Scores of mean 0 and variance 1, not cut."""
    return (scores - scores.mean()) / (scores.std() or 1.0)


def upper_bound(
    mean: np.ndarray, sd: np.ndarray, best: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Upper confidence bound in the place of `_acquisition.log_ei`."""
    return mean + 1.8 * sd, np.ones_like(mean), np.full_like(mean, 1.8)


def no_climb(
    U: np.ndarray, surface: Any, *_: Any, **__: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return the starts of a climb."""
    return U, surface(U)[0]


Patch = tuple[Any, str, Any]


def _scales(*scales: Any) -> list[Patch]:
    return [(_surrogate, "SCALES", scales), (_optimizer, "SCALES", scales)]


def _prior(**changes: Any) -> list[Patch]:
    return [(_surrogate, "default_prior", partial(prior, **changes))]


VARIANTS: dict[str, list[Patch]] = {
    BASE: [],
    "close scale only (half-rank)": _scales(_surrogate.close_scores),
    "wide scale only": _scales(_surrogate.wide_scores),
    "most probable process only": [(_surrogate, "_N_DRAWS", 0)],
    "Matern 3/2": [(_gp, "_matern52", matern32)],
    "lengthscale prior LogN(sqrt 2 + ln d / 2, sqrt 3)": _prior(
        length=lambda d: np.exp(2**0.5) * d**0.5, length_sd=3**0.5
    ),
    "noise prior at 0.001": _prior(noise=1e-3),
    "one radius of near-repeats, 0.001": [(_optimizer, "_RADII", (1e-3, 1e-3))],
    "one radius of near-repeats, 0.01": [(_optimizer, "_RADII", (1e-2, 1e-2))],
    "10 first points": [
        (_optimizer.Optimizer, "_auto_initial_points", lambda self, n_iter: 10)
    ],
    "upper bound, kappa 1.8": [(_acquisition, "log_ei", upper_bound)],
    "Yeo-Johnson only": _scales(yeo_johnson),
    "standardised only": _scales(standardised),
    "lengthscale prior at sqrt(d)": _prior(length=lambda d: d**0.5),
    "lengthscale prior at sqrt(d)/4": _prior(length=lambda d: 0.25 * d**0.5),
    "no climbing from the cloud": [(_acquisition, "ascend", no_climb)],
    "4 draws of hyper-parameters": [(_surrogate, "_N_DRAWS", 4)],
}


def run_variant(name: str, problem: Problem, seed: int) -> tuple[list[float], float]:
    """Make one run with a variant's changes in place."""
    with ExitStack() as stack:
        for target, attribute, value in VARIANTS[name]:
            stack.enter_context(patch.object(target, attribute, value))
        return run(Ours, problem, seed)


def run_all(names: list[str], seeds: range, out: Path) -> None:
    """Make the runs that the file does not hold yet, seed after seed."""
    done = set()
    if out.exists():
        done = {(t, *key) for t, runs in read([str(out)]).items() for key in runs}
    todo = [p for p in problems("") if p.name in PROBLEMS]
    with out.open("a", newline="") as file:
        writer = csv.writer(file)
        if not done:
            columns = [f"r{b}" for b in BUDGETS]
            writer.writerow(["tuner", "problem", "seed", *columns, "seconds"])
        for seed in seeds:
            for name in names:
                for problem in todo:
                    if (name, problem.name, seed) in done:
                        continue
                    regrets, spent = run_variant(name, problem, seed)
                    row = [f"{regrets[b - 1]:.5f}" for b in BUDGETS]
                    writer.writerow([name, problem.name, seed, *row, f"{spent:.2f}"])
                    file.flush()


def print_table(paths: list[str]) -> None:
    """Print mean regret and its paired difference to the optimiser as it is."""
    results = read(paths)
    base = results[BASE]
    lines = [
        "| variant | runs | "
        + " | ".join(f"after {b} | change" for b in BUDGETS)
        + " |",
        "|---|---|" + "---|---|" * len(BUDGETS),
    ]
    for name, runs in results.items():
        common = sorted(set(runs) & set(base))
        cells = []
        for b in BUDGETS:
            own = np.array([runs[key][f"r{b}"] for key in common])
            change = own - [base[key][f"r{b}"] for key in common]
            error = change.std() / np.sqrt(len(change))
            cells += [f"{own.mean():.4f}", f"{change.mean():+.4f} ± {error:.4f}"]
        lines.append(f"| {name} | {len(common)} | " + " | ".join(cells) + " |")
    sys.stdout.write("\n".join(lines) + "\n")


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run")
    runner.add_argument("--variants", nargs="+", default=list(VARIANTS))
    runner.add_argument("--seeds", type=int, default=4)
    runner.add_argument("--out", type=Path, required=True)
    reader = commands.add_parser("table")
    reader.add_argument("files", nargs="+")
    args = parser.parse_args()
    if args.command == "run":
        run_all(args.variants, range(args.seeds), args.out)
    else:
        print_table(args.files)


if __name__ == "__main__":
    main()
