"""Variants of `HyperbandSearchCV` on tables: many seeds, as no fit is run.

    python -m benchmarks.hyperband_tabular build --tasks svc-digits     adds a task
    python -m benchmarks.hyperband_tabular run --seeds 20
    python -m benchmarks.hyperband_tabular table

`build` gives 256 random candidates of a task of `benchmarks.hyperband` every rung; it
writes down scores and processor seconds. `run` lets the package's tuner propose from
these 256 alone and looks scores and seconds up, 15 ms more for each proposal. The
target is the best of 60 drawn ones, the unit what these took; a run that is not there
in that time counts as 1, as in `benchmarks.hyperband`. The space is finite here: what
differs on it need not differ where points lie dense.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.hyperband import append, hyperband, mean
from benchmarks.hyperband_tasks import TASKS
from benchmarks.hyperband_variants import PATCHES, PLAN
from benchmarks.report import table
from sklearn_tuners._bayes.optimizer import Optimizer
from sklearn_tuners._bayes.proposal import Surface
from sklearn_tuners._engine.loop import Trial
from sklearn_tuners._hyperband import strategy as _hyperband_run
from sklearn_tuners._hyperband import tuner as _halving
from sklearn_tuners._hyperband.brackets import Bracket
from sklearn_tuners._hyperband.sampler import CandidateSampler
from sklearn_tuners._hyperband.tuner import HalvingTuner, Stage
from sklearn_tuners._space.space import Space
from sklearn_tuners._training.continuation import SAMPLES, continuation

FOLDER = Path(__file__).parent / "results"
POOL, RESULTS = FOLDER / "hyperband_pool.csv", FOLDER / "hyperband_tabular.csv"
N_POOL, N_RANDOM, ASK = 256, 60, 0.015
DEFAULT, RANDOM, BAYES = "default", "RandomizedSearchCV", "BayesSearchCV"

Params = dict[str, Any]
Variant = Callable[["Pool", int], float]


def build(name: str) -> None:
    """Give every candidate every rung; write a line for each."""
    task = TASKS[name]
    search = hyperband(task, 0).set_params(
        n_iter=N_POOL, max_time=None, sampler="random", random_state=777
    )

    def one_bracket(rungs: Any, _: float) -> list[Bracket]:
        return [Bracket((N_POOL,) * len(rungs), tuple(rungs))]

    with ExitStack() as stack:
        stack.enter_context(threadpool_limits(1))
        for module in (_hyperband_run, _halving):
            stack.enter_context(mock.patch.object(module, "make_brackets", one_bracket))
        nobody = mock.patch.object(HalvingTuner, "_untrusted_after", return_value=set())
        stack.enter_context(nobody)
        results = search.fit(*task.load()).cv_results_
    by: dict[str, list[int]] = {}
    for i, params in enumerate(results["params"]):
        own = {k: v for k, v in params.items() if k != task.parameter}
        by.setdefault(json.dumps(own, default=float), []).append(i)
    for params, rows in by.items():
        rows.sort(key=lambda i: results["n_resources"][i])
        if not np.isfinite([results["mean_test_score"][i] for i in rows]).all():
            continue
        fits, scorings = (
            " ".join(f"{task.n_splits * results[column][i]:.4f}" for i in rows)
            for column in ("mean_fit_time", "mean_score_time")
        )
        scores = " ".join(f"{results['mean_test_score'][i]:.6g}" for i in rows)
        line = {"task": name, "params": params, "scores": scores, "fits": fits}
        append(POOL, line | {"scorings": scorings})


@dataclass(frozen=True)
class Pool:
    """Candidates of a task and what became of them.

    Attributes
    ----------
    space : Space
        The whole space.
    params : list of dict
        Candidates.
    U : ndarray of shape (n, d)
        Their rows of the unit cube.
    scores : ndarray of shape (n, n_rungs)
        Mean scores.
    further, anew : ndarray of shape (n, n_rungs)
        Seconds of a rung after the one below it, and from the start.
    """

    space: Space
    params: list[Params]
    U: Any
    scores: Any
    further: Any
    anew: Any

    @classmethod
    def read(cls, name: str) -> Pool:
        """Return the pool of a task."""
        task = TASKS[name]
        with POOL.open(newline="") as file:
            lines = [row for row in csv.DictReader(file) if row["task"] == name]
        scores, fits, scorings = (
            np.array([row[column].split() for row in lines], dtype=float)
            for column in ("scores", "fits", "scorings")
        )
        params = [
            {k: tuple(v) if isinstance(v, list) else v for k, v in p.items()}
            for p in (json.loads(row["params"]) for row in lines)
        ]
        how = "none"
        if task.resource != SAMPLES:
            how = continuation(task.estimator(), task.resource)
        added = fits if how == "none" else np.diff(fits, axis=1, prepend=0.0)
        whole = fits.copy()  # fit times are cumulative
        if how == "inexact":
            whole[:, -1] = added[:, -1]  # in one go
        space = Space.parse(task.space, name="space", random_state=0)
        U = np.stack([space.encode(p) for p in params])
        further = np.maximum(added, 0.0) + scorings
        return cls(space, params, U, scores, further, whole + scorings)

    def seconds(self, i: int, done: int, rung: int) -> float:
        """Return what a candidate that has had the first `done` rungs takes to one."""
        return min(self.further[i, done : rung + 1].sum(), self.anew[i, rung])

    def reference(self, seed: int) -> tuple[float, float, float]:
        """Return random search's best score, its seconds, and when it had it."""
        drawn = np.random.default_rng([seed, 1]).choice(len(self.U), N_RANDOM, False)
        scores, seconds = self.scores[drawn, -1], np.cumsum(self.anew[drawn, -1])
        return scores.max(), seconds[-1], seconds[scores.argmax()]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Have the package propose candidates of the pool only."""
        key_of, U = self.space.key, self.U

        def fill(optimizer: Optimizer, seen: Any, n_seen: int) -> Any:
            point = optimizer._stream[n_seen % len(optimizer._stream)]
            far = np.where(self.space.is_categorical, point != U, np.abs(U - point))
            nearest = U[np.argsort((far**2).sum(axis=1), kind="stable")]
            return next((row for row in nearest if not seen[key_of(row)]), None)

        def draw(sampler: CandidateSampler, rng: Any, pending: Any) -> Params | None:
            left = [
                params
                for params, row in zip(self.params, U, strict=True)
                if key_of(row) not in sampler._seen
            ]
            return left[rng.integers(len(left))] if left else None

        def search(surface: Surface, cloud: Any) -> Any:
            return cloud[np.argsort(-surface.value(cloud), kind="stable")]

        with ExitStack() as stack:
            for owner, name, function in [
                (Optimizer, "_fill", fill),
                (Optimizer, "_cloud", lambda *_: U),
                (Surface, "search", search),
                (CandidateSampler, "_random", draw),
            ]:
                stack.enter_context(mock.patch.object(owner, name, function))
            yield


def run_bayes(pool: Pool, seed: int) -> float:
    """Return the share of random's seconds that the optimiser takes."""
    target, budget, _ = pool.reference(seed)
    optimizer = Optimizer(pool.space, n_iter=N_RANDOM, random_state=seed)
    index = {pool.space.key(row): i for i, row in enumerate(pool.U)}
    seconds = 0.0
    while seconds < budget:
        params = optimizer.ask()
        i = index[pool.space.key(pool.space.encode(params))]
        seconds += ASK + pool.anew[i, -1]
        optimizer.tell(params, pool.scores[i, -1])
        if pool.scores[i, -1] >= target:
            return min(seconds / budget, 1.0)
    return 1.0


def run_hyperband(
    pool: Pool, seed: int, n_brackets: int | None = None, is_random: bool = False
) -> float:
    """Return the share of random's seconds that Hyperband takes."""
    target, budget, _ = pool.reference(seed)
    index = {pool.space.key(row): i for i, row in enumerate(pool.U)}
    n_rungs = pool.scores.shape[1]
    tuner = HalvingTuner(
        pool.space,
        CandidateSampler(pool.space, is_random=is_random, seed=seed),
        rungs=[3**i for i in range(n_rungs)],
        factor=3,
        n_brackets=n_brackets or n_rungs,
        n_candidates=None,
        repeats=True,
        extend=lambda params, chain, resource: (*chain, resource),
    )
    seconds, done = 0.0, dict.fromkeys(range(len(pool.U)), 0)
    while seconds < budget:
        proposal = tuner.ask([])
        stage: Stage = proposal.stage
        i = index[pool.space.key(pool.space.encode(proposal.params))]
        rung = tuner.rungs.index(stage.resource)
        if stage.rung == 0:
            seconds += ASK
        if rung >= done[i]:
            seconds += pool.seconds(i, done[i], rung)
            done[i] = rung + 1
        score = pool.scores[i, rung]
        tuner.tell(Trial(0, proposal.params, [None], stage), score)
        if rung == n_rungs - 1 and score >= target:
            return min(seconds / budget, 1.0)
    return 1.0


def _full_later(self: HalvingTuner, b: int, resources: dict[int, int]) -> Any:
    """Plan of a bracket; from the second pass on all candidates get everything."""
    if b >= self.n_brackets and b not in resources:
        resources = {b: self.rungs[-1]}
    return PLAN(self, b, resources)


def _patched(patch: Callable[[], AbstractContextManager[Any]]) -> Variant:
    def run(pool: Pool, seed: int) -> float:
        with patch():
            return run_hyperband(pool, seed)

    return run


def run_random(pool: Pool, seed: int) -> float:
    """Return when random search had its best."""
    _, budget, found = pool.reference(seed)
    return found / budget


def _method(name: str, function: Any) -> Variant:
    return _patched(lambda: mock.patch.object(HalvingTuner, name, function))


VARIANTS: dict[str, Variant] = {
    RANDOM: run_random,
    BAYES: run_bayes,
    DEFAULT: run_hyperband,
    "random": lambda pool, seed: run_hyperband(pool, seed, is_random=True),
    "nobody returns": _method("_dropped", lambda *_: {}),
    **{
        name: _patched(patch)
        for name, patch in PATCHES.items()
        if name != DEFAULT and not name.endswith("rungs")
    },
    "first bracket only": lambda pool, seed: run_hyperband(pool, seed, 1),
    "full rows only, from the second pass on": _method("_plan", _full_later),
}


def run(path: Path, tasks: list[str], names: list[str], n_seeds: int) -> None:
    """Run what is not in the file."""
    known = {(r["variant"], r["task"], int(r["seed"])) for r in _lines(path)}
    for name in names:
        for task in tasks:
            pool = Pool.read(task)
            with pool.alone(), threadpool_limits(1):
                for seed in range(n_seeds):
                    if (name, task, seed) in known:
                        continue
                    share = VARIANTS[name](pool, seed)
                    line = {"variant": name, "task": task, "seed": seed}
                    append(path, line | {"share": f"{share:.4f}"})
        print(name, flush=True)


def _lines(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def show_table(path: Path) -> str:
    """Return the table of the documentation."""
    found: dict[str, dict[tuple[str, int], float]] = {}
    for row in _lines(path):
        key = (row["task"], int(row["seed"]))
        found.setdefault(row["variant"], {})[key] = float(row["share"])
    tasks = list(dict.fromkeys(task for task, _ in found[DEFAULT]))
    lines = []
    for name in VARIANTS:
        shares = found.get(name, {})
        keys = [key for key in shares if key in found[DEFAULT]]
        if not keys:
            continue
        logs = [math.log(shares[key] / found[DEFAULT][key]) for key in keys]
        error = math.exp(np.std(logs) / math.sqrt(len(logs)))
        ratio = f"{math.exp(np.mean(logs)):.2f} (x/ {error:.2f})"
        cells = [
            f"{mean(shares[key] for key in keys if key[0] == task):.2f}"
            for task in tasks
        ]
        whole = f"{mean(shares[key] for key in keys):.3f}"
        lines.append(
            [name, str(len(keys)), whole, "" if name == DEFAULT else ratio, *cells]
        )
    return table(["variant", "runs", "share", "to default", *tasks], lines)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["build", "run", "table"])
    parser.add_argument("--tasks", nargs="+")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS))
    parser.add_argument("--file", type=Path, default=RESULTS)
    given = parser.parse_args()
    built = list(dict.fromkeys(row["task"] for row in _lines(POOL)))
    if given.command == "build":
        for name in given.tasks or TASKS:
            if name not in built:
                build(name)
                print(name, flush=True)
    elif given.command == "run":
        run(given.file, given.tasks or built, given.variants, given.seeds)
    else:
        print(show_table(given.file))


if __name__ == "__main__":
    main()
