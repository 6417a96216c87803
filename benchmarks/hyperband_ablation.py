"""What the parts of `HyperbandSearchCV` are worth.

    python -m benchmarks.hyperband_ablation run --variants default share-0.1
    python -m benchmarks.hyperband_ablation table

The tasks are those of `benchmarks.hyperband` on a few hundred rows, so that many seeds
are affordable, and the clock counts training instead of seconds: 1 is one candidate
with the full resource on all folds; training on costs what it adds. Measured is what is
spent until a row of the full resource has the best score of 30 random candidates, as a
share of their 30; a search that is not there by then counts as 1.
"""

from __future__ import annotations

import argparse
import math
import statistics
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks import hyperband
from benchmarks.hyperband import OutOfTimeError, append, read
from benchmarks.hyperband_tasks import TASKS, Task
from benchmarks.report import table
from sklearn_tuners._bayes import surrogate as _surrogate
from sklearn_tuners._hyperband import sampler as _samplers
from sklearn_tuners._hyperband import strategy as _hyperband_run
from sklearn_tuners._hyperband import tuner as _halving
from sklearn_tuners._hyperband.tuner import HalvingTuner

RESULTS = Path(__file__).parent / "results" / "hyperband_ablation.csv"

N_RANDOM = 30

SMALL = {
    "mlp-digits": 300,
    "mlp-concrete": 250,
    "sgd-epochs-spam": 500,
    "sgd-iter-credit": 500,
    "hgb-concrete": 250,
    "hgb-attrition": 300,
    "trees-concrete": 250,
    "sgd-earnings": 3000,
}
"""Rows of each task."""


class Meter(hyperband.Clock):
    """A clock that counts training."""

    spent = 0.0

    @property
    def seconds(self) -> float:
        """What was spent."""
        return self.spent

    def note(self, score: float) -> None:
        """Take note of a row with the full resource."""
        if not self.is_counting:
            self.spent += 1.0
        super().note(score)

    is_counting = False


def small(name: str) -> Task:
    """Return a task on few rows."""
    return replace(TASKS[name], n_rows=SMALL[name], n_splits=2)


def search(task: Task, seed: int, meter: Meter, **kwargs: Any) -> None:
    """Run the search with every training counted."""
    meter.is_counting = True
    tell = HalvingTuner.tell

    def counted(self: HalvingTuner, trial: Any, score: float) -> None:
        chain = trial.stage.chain
        if (trial.stage.candidate, trial.stage.resource) not in self._at:
            before = chain[-2] if len(chain) > 1 else 0
            meter.spent += (chain[-1] - before) / self.rungs[-1]
        tell(self, trial, score)

    with mock.patch.object(HalvingTuner, "tell", counted):
        hyperband.run_hyperband(task, seed, meter, **kwargs)


@contextmanager
def nothing() -> Iterator[None]:
    """Change nothing."""
    yield


def _reversed_plan(self: HalvingTuner, b: int, resources: dict[int, int]) -> Any:
    if b not in resources:
        level = self.n_brackets - 1 - b % self.n_brackets
        resources = resources | {b: self.rungs[level]}
    return _PLAN(self, b, resources)


_PLAN = HalvingTuner._plan


def eager(rounding: Callable[[float], int]) -> Callable[[], Any]:
    """Return what promotes who is among the best of those that have a score so far."""
    ask = HalvingTuner.ask

    def asked(self: HalvingTuner, pending: Any) -> Any:
        view = _halving._View(self, pending)
        for b in sorted(view.brackets):
            if b < self._first_open:
                continue
            plan, found = view.plan(b), view.brackets[b]
            for i in reversed(range(min(len(found), len(plan.resources) - 1))):
                n = rounding(len(found[i].scores) / self.factor)
                n = min(n, plan.n_candidates[i + 1])
                for candidate in _halving.promoted(found[i].scores, n):
                    if i + 1 < len(found) and candidate in found[i + 1]:
                        continue
                    proposal = self._proposal(candidate, b, i + 1, plan, view)
                    if proposal is not None:
                        return proposal
        return ask(self, pending)

    return lambda: mock.patch.object(HalvingTuner, "ask", asked)


def constant(module: Any, name: str, value: Any) -> Callable[[], Any]:
    """Return what changes a constant of a module."""
    return lambda: mock.patch.object(module, name, value)


def resources(task: Task, factor: float) -> dict[str, Any]:
    """Return a least resource relative to the one that "auto" gives."""
    return {"min_resources": max(1, int(hyperband.rungs_of(task)[0] * factor))}


def rungs(n: int) -> Callable[[], Any]:
    """Return what lets "auto" have so many rungs."""
    return constant(_hyperband_run, "_MAX_AUTO_BRACKETS", n)


VARIANTS: dict[str, tuple[Callable[[], Any], Callable[[Task], dict[str, Any]]]] = {
    "default": (nothing, lambda task: {}),
    "random": (nothing, lambda task: {"sampler": "random"}),
    "brackets-1": (nothing, lambda task: {"brackets": 1}),
    "brackets-2": (nothing, lambda task: {"brackets": 2}),
    "share-0": (constant(_samplers, "_RANDOM_SHARE", 0.0), lambda task: {}),
    "share-0.1": (constant(_samplers, "_RANDOM_SHARE", 0.1), lambda task: {}),
    "share-0.5": (constant(_samplers, "_RANDOM_SHARE", 0.5), lambda task: {}),
    "least-third": (nothing, lambda task: resources(task, 0.334)),
    "least-triple": (nothing, lambda task: resources(task, 2.5)),
    "rungs-4": (rungs(4), lambda task: {}),
    "rungs-5": (rungs(5), lambda task: {}),
    "refit-less": (
        lambda: mock.patch.multiple(_surrogate, _REFIT_ALWAYS=16, _REFIT_GROWTH=1.15),
        lambda task: {},
    ),
    "factor-2": (nothing, lambda task: {"factor": 2}),
    "factor-4": (nothing, lambda task: {"factor": 4}),
    "eager-floor": (eager(math.floor), lambda task: {}),
    "eager-ceil": (eager(math.ceil), lambda task: {}),
    "reversed": (
        lambda: mock.patch.object(HalvingTuner, "_plan", _reversed_plan),
        lambda task: {},
    ),
    "trust-all": (constant(_halving, "_MIN_CORRELATION", -2.0), lambda task: {}),
    "trust-0.5": (constant(_halving, "_MIN_CORRELATION", 0.5), lambda task: {}),
}


def measure(name: str, seed: int, variant: str, target: float) -> dict[str, Any]:
    """Return the line of a variant, or of "random search" or "BayesSearchCV"."""
    task = small(name)
    meter = Meter(N_RANDOM, target)
    with threadpool_limits(1), warnings.catch_warnings(), suppress(OutOfTimeError):
        warnings.simplefilter("ignore")
        if variant == hyperband.RANDOM:
            hyperband.run_random(task, seed, meter, N_RANDOM)
        elif variant == "BayesSearchCV":
            hyperband.run_bayes(task, seed, meter)
        else:
            change, kwargs = VARIANTS[variant]
            with change():
                search(task, seed, meter, **kwargs(task))
    return {
        "task": name,
        "seed": seed,
        "search": variant,
        "seconds": f"{meter.seconds:.3f}",
        "reached": int(meter.is_reached),
        "curve": " ".join(f"{t:.3f}:{score:.8g}" for t, score in meter.curve),
    }


def run(path: Path, seeds: list[int], variants: list[str], tasks: list[str]) -> None:
    """Run what is not in the file."""
    known = read(path)
    for variant in [hyperband.RANDOM, *variants]:
        for seed in seeds:
            for name in tasks:
                key = (name, seed, variant)
                if key in known:
                    continue
                target = math.inf
                if variant != hyperband.RANDOM:
                    reference = known[name, seed, hyperband.RANDOM]
                    best = hyperband.curve_of(reference)[-1][1]
                    target = best - 1e-7 * abs(best)
                known[key] = measure(name, seed, variant, target)
                append(path, known[key])
        print(line(known, variant), flush=True)


def line(rows: dict[tuple[str, int, str], dict[str, Any]], variant: str) -> list[str]:
    """Return the cells of a variant: all, the error of that, and each task."""
    logs: dict[str, list[float]] = {name: [] for name in SMALL}
    differences: list[float] = []
    for (name, seed, found), row in rows.items():
        if found != variant:
            continue
        logs[name].append(_log_share(row))
        default = rows.get((name, seed, "default"))
        if default is not None:
            differences.append(logs[name][-1] - _log_share(default))
    every = [value for values in logs.values() for value in values]
    cells = [variant, str(len(every)), f"{math.exp(statistics.mean(every)):.3f}", ""]
    if len(differences) > 1 and variant != "default":
        middle = np.mean(differences)
        error = np.std(differences) / math.sqrt(len(differences))
        cells[3] = f"{math.exp(middle):.2f} (x/ {math.exp(error):.2f})"
    return cells + [
        f"{math.exp(statistics.mean(values)):.2f}" if values else ""
        for values in logs.values()
    ]


def _log_share(row: dict[str, Any]) -> float:
    spent = float(row["curve"].split()[-1].split(":")[0])
    if row["search"] != hyperband.RANDOM and not int(row["reached"]):
        spent = N_RANDOM
    return math.log(min(spent / N_RANDOM, 1.0))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["run", "table"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS))
    parser.add_argument("--tasks", nargs="+", default=list(SMALL))
    parser.add_argument("--file", type=Path, default=RESULTS)
    given = parser.parse_args()
    if given.command == "run":
        run(given.file, given.seeds, given.variants, given.tasks)
        return
    rows = read(given.file)
    lines = [line(rows, variant) for variant in dict.fromkeys(v for *_, v in rows)]
    print(table(["variant", "runs", "share", "to default", *SMALL], lines))


if __name__ == "__main__":
    main()
