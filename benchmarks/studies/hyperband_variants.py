"""Would HyperbandSearchCV be faster otherwise? Variants, by the clock.

    python -m benchmarks hyperband_variants run --seeds 0 1 2
    python -m benchmarks hyperband_variants table

Tasks, clock and target are those of `benchmarks hyperband`. A variant changes one
argument, or the prior of the lengthscale of the resource ("stretch").
"""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks.core.race import Race
from benchmarks.core.report import table as markdown
from benchmarks.core.statistics import geometric_mean, ratio_and_error
from benchmarks.core.store import Store
from benchmarks.core.variants import replaced
from benchmarks.solvers import hyperband
from benchmarks.studies.hyperband import Search, run_races, shares
from benchmarks.tasks.resources import TASKS, Task

KEYS = ("task", "seed", "search")
SMOKE = {
    "seeds": (0, 1),
    "tasks": ("svc-digits",),
    "variants": ("default", "first bracket only"),
    "n_random": 3,
}
STRETCH = "sklearn_tuners._bayes.surrogate._CONTEXT_STRETCH"
DEFAULT = "default"


def stretched(task: Task, seed: int, race: Race, *, stretch: float) -> None:
    """Expect the lengthscale of the resource to be longer by a factor."""
    with replaced({STRETCH: stretch}):
        hyperband.race(task, seed, race)


def with_rungs(task: Task, seed: int, race: Race, *, n_rungs: int) -> None:
    """Choose the least resource so that there are this many rungs."""
    full = hyperband.rungs_of(task)[-1]
    least = max(1, full // 3 ** (n_rungs - 1))
    hyperband.race(task, seed, race, min_resources=least)


ARGUMENTS: dict[str, dict[str, Any]] = {
    DEFAULT: {},
    "4 first points": {"n_initial_points": 4},
    "9 first points": {"n_initial_points": 9},
    "first bracket only": {"brackets": 1},
    "factor 2": {"factor": 2},
    "factor 4": {"factor": 4},
    "trained anew": {"continuation": "never"},
}
VARIANTS: dict[str, Search] = {
    **{name: partial(hyperband.race, **given) for name, given in ARGUMENTS.items()},
    **{f"stretch {x:g}": partial(stretched, stretch=x) for x in (1.0, 2.0, 10.0)},
    **{f"{n} rungs": partial(with_rungs, n_rungs=n) for n in (2, 5)},
}


def run(
    store: Store,
    *,
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4),
    tasks: tuple[str, ...] = tuple(TASKS),
    variants: tuple[str, ...] = tuple(VARIANTS),
    n_random: int = 60,
) -> None:
    """Run what the store does not hold."""
    chosen = {name: VARIANTS[name] for name in variants}
    run_races(store, chosen, seeds, tasks, n_random)


def table(store: Store) -> str:
    """Return the share of each variant, and its ratio to the default run by run."""
    default = shares(store, DEFAULT)
    lines = []
    for name in VARIANTS:
        own = shares(store, name)
        both = [key for key in own if key in default]
        if len(both) < 2:
            continue
        pair = [own[key] for key in both], [default[key] for key in both]
        ratio, error = ratio_and_error(*pair, ddof=1)
        missed = str(sum(share == 1.0 for share in own.values()))
        cells = [str(len(both)), f"{geometric_mean(pair[0]):.3f}", missed]
        compared = "" if name == DEFAULT else f"{ratio:.2f} (x/ {error:.2f})"
        lines.append([name, *cells, compared])
    return markdown(["variant", "runs", "share", "missed", "to default"], lines)
