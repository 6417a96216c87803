"""Time what the optimisers themselves cost, on an estimator that costs nothing.

Run it from the root of the repository; peers that are not installed are left out::

    pip install scikit-optimize optuna optuna-integration torch
    python -m benchmarks.overhead --markdown docs/overhead.md

Two questions, both in ten dimensions and on one thread:

- How many seconds more than RandomizedSearchCV does a whole search of 50 candidates
  take?
- How many milliseconds is one ask and the tell that follows, with n observations?
  scikit-optimize fits its model in ``tell`` and the others in ``ask``, hence the sum.
  It is the mean over the next 5 % of n trials, as not every trial refits the model.

Every round runs all of them one after the other, so that a slow moment of the machine
does not fall on one; the figures are medians over the rounds. Seconds are those of the
CPU, which on one thread are those of the clock less what other programs took.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import uniform
from sklearn.base import BaseEstimator
from sklearn.model_selection import RandomizedSearchCV
from threadpoolctl import threadpool_limits

from benchmarks.report import table, versions
from sklearn_tuners import BayesSearchCV, Optimizer

N_DIMS = 10
NAMES = [f"x{i}" for i in range(N_DIMS)]
N_CANDIDATES = 50
SIZES = (50, 200, 1000)
ROUNDS = 3
# The largest n a peer is timed at, to keep a run at about ten minutes.
LARGEST = {"scikit-optimize": 200, "Optuna GPSampler": 200}

Params = dict[str, float]
Step = Callable[[], object]


def score_of(params: Params) -> float:
    """Score params in the unit cube; the maximum is off the centre."""
    x = np.array([params[name] for name in NAMES])
    return -float(np.sum((x - np.linspace(0.2, 0.8, N_DIMS)) ** 2))


class FreeEstimator(BaseEstimator):
    """An estimator whose fit does nothing and whose score is `score_of`."""

    def __init__(
        self, x0=0, x1=0, x2=0, x3=0, x4=0, x5=0, x6=0, x7=0, x8=0, x9=0
    ) -> None:
        self.x0, self.x1, self.x2, self.x3, self.x4 = x0, x1, x2, x3, x4
        self.x5, self.x6, self.x7, self.x8, self.x9 = x5, x6, x7, x8, x9

    def fit(self, X: Any, y: Any = None) -> FreeEstimator:
        """Do nothing."""
        return self

    def score(self, X: Any, y: Any = None) -> float:
        """Return the score of the parameters, whatever the data."""
        return score_of(self.get_params())


# Whole searches: a function of the seed that returns an unfitted search.


def random_search(seed: int) -> Any:
    return RandomizedSearchCV(
        FreeEstimator(),
        {name: uniform() for name in NAMES},
        n_iter=N_CANDIDATES,
        random_state=seed,
    )


def our_search(seed: int) -> Any:
    return BayesSearchCV(
        FreeEstimator(),
        {name: uniform() for name in NAMES},
        n_iter=N_CANDIDATES,
        random_state=seed,
    )


def skopt_search(seed: int) -> Any:
    import skopt

    return skopt.BayesSearchCV(
        FreeEstimator(),
        dict.fromkeys(NAMES, (0.0, 1.0)),
        n_iter=N_CANDIDATES,
        random_state=seed,
    )


def optuna_search(sampler: str, seed: int) -> Any:
    import optuna
    from optuna_integration import OptunaSearchCV

    return OptunaSearchCV(
        FreeEstimator(),
        {name: optuna.distributions.FloatDistribution(0, 1) for name in NAMES},
        n_trials=N_CANDIDATES,
        study=optuna_study(sampler, seed),
    )


# Ask and tell: a function of (n told params, seed) that returns one step to time.


def our_step(told: list[Params], seed: int) -> Step:
    optimizer = Optimizer({name: uniform() for name in NAMES}, random_state=seed)
    for params in told:
        optimizer.tell(params, score_of(params))

    def step() -> None:
        params = optimizer.ask()
        optimizer.tell(params, score_of(params))

    return step


def skopt_step(told: list[Params], seed: int) -> Step:
    import skopt

    optimizer = skopt.Optimizer([(0.0, 1.0)] * N_DIMS, random_state=seed)
    optimizer.tell(
        [[params[name] for name in NAMES] for params in told],
        [-score_of(params) for params in told],
    )

    def step() -> None:
        x = optimizer.ask()
        optimizer.tell(x, -score_of(dict(zip(NAMES, x, strict=True))))

    return step


def optuna_study(sampler: str, seed: int) -> Any:
    import optuna

    return optuna.create_study(
        direction="maximize", sampler=getattr(optuna.samplers, sampler)(seed=seed)
    )


def optuna_step(sampler: str, told: list[Params], seed: int) -> Step:
    import optuna

    study = optuna_study(sampler, seed)
    distributions = {
        name: optuna.distributions.FloatDistribution(0, 1) for name in NAMES
    }
    study.add_trials(
        optuna.trial.create_trial(
            params=params, distributions=distributions, value=score_of(params)
        )
        for params in told
    )

    def step() -> None:
        trial = study.ask(distributions)
        study.tell(trial, score_of(trial.params))

    return step


OURS = "sklearn_tuners"
# name: (module that must be importable, whole search, steps)
TUNERS: dict[str, tuple[str, Callable[..., Any], Callable[..., Step]]] = {
    OURS: ("sklearn_tuners", our_search, our_step),
    "scikit-optimize": ("skopt", skopt_search, skopt_step),
    "Optuna GPSampler": (
        "optuna",
        partial(optuna_search, "GPSampler"),
        partial(optuna_step, "GPSampler"),
    ),
    "Optuna TPESampler": (
        "optuna",
        partial(optuna_search, "TPESampler"),
        partial(optuna_step, "TPESampler"),
    ),
}
INSTALLED = [name for name, (module, *_) in TUNERS.items() if find_spec(module)]


def seconds_of(call: Callable[[], object]) -> float:
    """Return the CPU seconds of one call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def search_seconds() -> dict[str, float]:
    """Return the median seconds of a whole search by name."""
    makers = {"RandomizedSearchCV": random_search}
    makers |= {name: TUNERS[name][1] for name in INSTALLED}
    X, y = np.zeros((50, 1)), np.zeros(50)
    seconds = defaultdict(list)
    for seed in range(ROUNDS):
        for name, make in makers.items():
            seconds[name].append(seconds_of(partial(make(seed).fit, X, y)))
            print(f"search {seed} {name} {seconds[name][-1]:.2f} s", file=sys.stderr)
    return {name: statistics.median(values) for name, values in seconds.items()}


def ask_seconds(n: int) -> dict[str, float]:
    """Return the median seconds of an ask and its tell after `n` observations."""
    n_timed = max(5, n // 20)
    names = [name for name in INSTALLED if n <= LARGEST.get(name, n)]
    seconds = defaultdict(list)
    for seed in range(ROUNDS):
        rows = np.random.default_rng(seed).random((n, N_DIMS)).tolist()
        told = [dict(zip(NAMES, row, strict=True)) for row in rows]
        for name in names:
            step = TUNERS[name][2](told, seed)
            step()  # the first fit, which a running search would have behind it
            total = seconds_of(lambda step=step: [step() for _ in range(n_timed)])
            seconds[name].append(total / n_timed)
            print(f"ask {n} {seed} {name} {seconds[name][-1]:.4f} s", file=sys.stderr)
    return {name: statistics.median(values) for name, values in seconds.items()}


def search_table(seconds: dict[str, float]) -> str:
    """Return the table of whole searches."""
    baseline = seconds["RandomizedSearchCV"]
    ours = seconds[OURS] - baseline
    rows = [["RandomizedSearchCV", f"{baseline:.2f}", "", ""]]
    for name in TUNERS:
        if name not in seconds:
            rows.append([name, "not installed", "", ""])
            continue
        more = seconds[name] - baseline
        rows.append([name, f"{seconds[name]:.2f}", f"{more:.2f}", f"{more / ours:.1f}"])
    return table(["search", "seconds", "more than random", "ratio to ours"], rows)


def ask_table(results: dict[int, dict[str, float]]) -> str:
    """Return the table of asks."""
    header = ["optimiser"]
    for n in results:
        header += [f"ms at n={n}", "ratio to ours"]
    rows = []
    for name in TUNERS:
        row = [name]
        for seconds in results.values():
            if name in seconds:
                ratio = seconds[name] / seconds[OURS]
                row += [f"{1e3 * seconds[name]:.1f}", f"{ratio:.1f}"]
            else:
                row += ["not run" if name in INSTALLED else "not installed", ""]
        rows.append(row)
    return table(header, rows)


def main() -> None:
    """Time the searches and the asks and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--markdown", type=Path, help="also write the page here")
    path = parser.parse_args().markdown

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)  # Optuna reports every trial
    for name in INSTALLED:  # load every library before the threads are limited
        TUNERS[name][2]([dict.fromkeys(NAMES, 0.5)], 0)()
    with threadpool_limits(1):
        searches = search_table(search_seconds())
        asks = ask_table({n: ask_seconds(n) for n in SIZES})

    made_with = versions("scikit-optimize", "optuna", "torch")
    print(f"{made_with}\n\n{searches}\n\n{asks}")
    if path is not None:
        path.write_text(page(made_with, searches, asks), encoding="utf-8")


def page(made_with: str, searches: str, asks: str) -> str:
    """Return what ``--markdown`` writes."""
    return f"""\
# What the optimiser itself costs

Written by `python -m benchmarks.overhead --markdown docs/overhead.md` with
{made_with}.
Ten continuous parameters, an estimator whose fit and score cost nothing. CPU seconds
of one thread, medians of {ROUNDS} rounds in which all of them run in turn. Only the
ratios carry over to another machine.

## A search of {N_CANDIDATES} candidates and 5 splits

"More than random" are the seconds beyond RandomizedSearchCV's own, that is the price
of choosing the candidates.

{searches}

## One ask and the tell that follows

With n observations told before, as the mean over the next 5 % of n trials (at least
5): the refits of the model are spread over the trials between them. The slow ones are
not run at the largest n.

{asks}
"""


if __name__ == "__main__":
    main()
