"""Would `HyperbandSearchCV` be faster otherwise? Variants, by the clock.

    python -m benchmarks.hyperband_variants run --seeds 0 1 2
    python -m benchmarks.hyperband_variants table

Tasks, clock and target are those of `benchmarks.hyperband`. A variant changes one thing
of the default, which is in the table under that name.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks import hyperband
from benchmarks.hyperband import Clock, Search, mean, read, run_hyperband
from benchmarks.hyperband_tasks import TASKS, Task
from benchmarks.report import table
from sklearn_tuners._bayes import surrogate as _surrogate
from sklearn_tuners._bayes.optimizer import Optimizer
from sklearn_tuners._bayes.surrogate import Surrogate
from sklearn_tuners._hyperband import sampler as _samplers
from sklearn_tuners._hyperband import strategy as _hyperband_run
from sklearn_tuners._hyperband.sampler import CandidateSampler
from sklearn_tuners._hyperband.tuner import HalvingTuner

RESULTS = Path(__file__).parent / "results" / "hyperband_variants.csv"
DEFAULT = "default"

Patch = Callable[[], AbstractContextManager[Any]]


def _set(owner: Any, name: str, value: Any) -> Patch:
    return lambda: mock.patch.object(owner, name, value)


def _reversed(self: HalvingTuner, b: int, resources: dict[int, int]) -> Any:
    """Plan of a bracket, where that at the full resource comes first."""
    level = self.n_brackets - 1 - b % self.n_brackets
    return PLAN(self, b, resources if b in resources else {b: self.rungs[level]})


def _by_posterior(self: HalvingTuner, b: int, i: int, view: Any) -> list[int]:
    """Return who goes on: the raw best, and whom the model expects most of in full."""
    chosen = CHOSEN(self, b, i, view)
    scores = view.brackets[b][i].scores
    finite = [c for c in scores if math.isfinite(scores[c])]
    # What was decided stands, as the model goes on learning.
    memo = self.__dict__.setdefault("decided", {})
    if 1 < len(chosen) < len(finite) and (b, i) not in memo:
        optimizer: Optimizer = self.sampler.optimizer  # type: ignore[attr-defined]
        context = optimizer._context(optimizer._fidelities)
        space = optimizer.space
        rows = np.stack([space.encode(self._latest[c].params) for c in finite])
        Z = np.hstack([space.features(rows), np.ones((len(rows), context.shape[1]))])
        told = optimizer._rows, np.array(optimizer._scores)
        expected = sum(
            optimizer._surrogate.processes(*told, scale, context)[0].posterior_mean(Z)
            for scale in (0, 1)
        )
        order = [finite[j] for j in np.argsort(-expected, kind="stable")]
        others = [c for c in order if c != chosen[0]]
        memo[b, i] = [chosen[0], *others[: len(chosen) - 1]]
    return list(memo.get((b, i), chosen))


def _shifted(self: Optimizer, *args: Any) -> Any:
    """Propose from scores of lower rungs, moved by how much more the next one gives."""
    scores, fidelities = np.array(self._scores), np.array(self._fidelities)
    keys = [self.space.key(row) for row in self._rows]
    levels = sorted(set(fidelities), reverse=True)
    at = [
        {k: s for k, s, f in zip(keys, scores, fidelities, strict=True) if f == level}
        for level in levels
    ]
    moved, shift = scores.copy(), 0.0
    for level, low, high in zip(levels[1:], at[1:], at[:-1], strict=True):
        gains = [high[k] - low[k] for k in low.keys() & high.keys()]
        finite = [gain for gain in gains if math.isfinite(gain)]
        shift += float(np.mean(finite)) if finite else 0.0
        moved[fidelities == level] += shift
    with mock.patch.object(self, "_scores", list(moved)):
        return MODEL_BASED(self, *args)


def _of_one_rung(self: Optimizer, *args: Any) -> Any:
    """Propose from the highest rung that has enough rows for a model, as BOHB does."""
    fidelities = np.array(self._fidelities)
    levels = sorted(set(fidelities), reverse=True)
    enough = [f for f in levels if np.sum(fidelities == f) > self.space.n_dims + 1]
    used = np.flatnonzero(fidelities == (enough or levels[-1:])[0])
    values = {
        "_rows": [self._rows[i] for i in used],
        "_scores": [self._scores[i] for i in used],
        "_params": [self._params[i] for i in used],
        "_fidelities": [1.0] * len(used),
        "_surrogate": Surrogate(self.space, self._seed),
    }
    with mock.patch.multiple(self, **values):
        return MODEL_BASED(self, *args) if self._can_model() else None


def _as_if_full(self: CandidateSampler, params: Any, score: float, _: float) -> None:
    """Tell the model of every rung as if it was the full resource."""
    TELL(self, params, score, 1.0)


class _FirstPoints:
    """Have the optimiser begin with a number of points that fill the space."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __call__(self) -> AbstractContextManager[Any]:
        made, n = CandidateSampler.__init__, self.n

        def init(self: CandidateSampler, *args: Any, **kwargs: Any) -> None:
            made(self, *args, **kwargs)
            self.optimizer._n_initial = n

        return mock.patch.object(CandidateSampler, "__init__", init)


PLAN, CHOSEN = HalvingTuner._plan, HalvingTuner._chosen
MODEL_BASED, TELL = Optimizer._model_based, CandidateSampler.tell
PATCHES: dict[str, Patch] = {
    DEFAULT: _set(_surrogate, "_CONTEXT_STRETCH", _surrogate._CONTEXT_STRETCH),
    **{
        f"stretch {x:g}": _set(_surrogate, "_CONTEXT_STRETCH", x)
        for x in (1.0, 2.0, 10.0)
    },
    "2 rungs": _set(_hyperband_run, "_MAX_AUTO_BRACKETS", 2),
    "5 rungs": _set(_hyperband_run, "_MAX_AUTO_BRACKETS", 5),
    "random share 0.1": _set(_samplers, "_RANDOM_SHARE", 0.1),
    "4 first points": _FirstPoints(4),
    "9 first points": _FirstPoints(9),
    "reversed": _set(HalvingTuner, "_plan", _reversed),
    "promotion by posterior": _set(HalvingTuner, "_chosen", _by_posterior),
    "model of one rung": _set(Optimizer, "_model_based", _of_one_rung),
    "rungs told as full": _set(CandidateSampler, "tell", _as_if_full),
    "shifted scores": _set(Optimizer, "_model_based", _shifted),
}


def _run_patched(patch: Patch, task: Task, seed: int, clock: Clock) -> None:
    with patch():
        run_hyperband(task, seed, clock)


VARIANTS: dict[str, Search] = {
    **{name: partial(_run_patched, patch) for name, patch in PATCHES.items()},
    "first bracket only": partial(run_hyperband, brackets=1),
}


def show_table(path: Path) -> str:
    """Return the table of the documentation."""
    rows = read(path)
    default = hyperband.shares(rows, DEFAULT)
    lines = []
    for name in VARIANTS:
        shares = hyperband.shares(rows, name)
        ratios = [
            math.log(share / default[key])
            for key, share in shares.items()
            if key in default
        ]
        if len(ratios) < 2:
            continue
        error = math.exp(np.std(ratios, ddof=1) / math.sqrt(len(ratios)))
        missed = sum(share == 1.0 for share in shares.values())
        ratio = f"{math.exp(np.mean(ratios)):.2f} (x/ {error:.2f})"
        lines.append(
            [
                name,
                str(len(ratios)),
                f"{mean(shares[key] for key in shares if key in default):.3f}",
                str(missed),
                "" if name == DEFAULT else ratio,
            ]
        )
    return table(["variant", "runs", "share", "missed", "to default"], lines)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["run", "table"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--tasks", nargs="+", default=list(TASKS))
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS))
    parser.add_argument("--file", type=Path, default=RESULTS)
    given = parser.parse_args()
    if given.command == "run":
        searches = hyperband.SEARCHES | VARIANTS
        hyperband.run(given.file, given.seeds, given.tasks, given.variants, searches)
    else:
        print(show_table(given.file))


if __name__ == "__main__":
    main()
