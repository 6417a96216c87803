"""Which parts of the optimiser earn their place? One change at a time, same seeds.

    python -m benchmarks ablation run --seeds 4
    python -m benchmarks ablation table

A variant replaces constants or functions of the optimiser, or passes an argument, and
runs problems of `benchmarks quality`; the table compares it run by run with the
optimiser as it is. A test holds that every variant still changes the proposals.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from benchmarks.core.report import table as markdown
from benchmarks.core.statistics import mean_and_error
from benchmarks.core.store import Store
from benchmarks.core.variants import Replaced, replaced
from benchmarks.solvers import bayes
from benchmarks.studies.quality import BUDGETS, row_of
from benchmarks.tasks.functions import synthetic
from benchmarks.tasks.grids import real
from sklearn_tuners._bayes import gp, surrogate

KEYS = ("tuner", "problem", "seed")
SMOKE = {"seeds": 1, "problems": ("branin-noisy",), "n_iter": 12}
BASE = "as it is"
#: Problems that some variant does not solve at once; the others only dilute.
PROBLEMS = (
    *("branin-noisy", "hartmann6", "hartmann6-noisy", "ackley2", "ackley5"),
    *("rosenbrock4", "levy10", "mixed", "mixed-noisy", "conditional", "svc-wine"),
    *("svr-diabetes", "logistic-digits", "forest-wine", "boosting-breast"),
    *("boosting-diabetes", "mlp-digits"),
)


def prior(
    categorical: np.ndarray,
    n_active: float,
    *,
    length: Callable[[float], float],
    length_sd: float = 1.0,
    **kwargs: Any,
) -> gp.Prior:
    """Make a prior of other lengthscales, of a problem without a resource."""
    base = gp.default_prior(categorical, n_active, **kwargs)
    mean, sd = base.mean.copy(), base.sd.copy()
    numeric = np.flatnonzero(~categorical)
    mean[numeric] = np.log(length(max(n_active, 1.0)))
    sd[numeric] = length_sd
    return dataclasses.replace(base, mean=mean, sd=sd)


def matern32(r2: np.ndarray, s: float) -> tuple[np.ndarray, np.ndarray]:
    """Matern 3/2: the value and ``-2 dk/d(r^2)``."""
    q = np.sqrt(3.0 * r2)
    e = s * np.exp(-q)
    return (1.0 + q) * e, 3.0 * e


def yeo_johnson(scores: np.ndarray) -> np.ndarray:
    """Scores made normal by scikit-learn's power transform."""
    from sklearn.preprocessing import power_transform

    return np.asarray(power_transform(surrogate.wide_scores(scores)[:, None])[:, 0])


def standardised(scores: np.ndarray) -> np.ndarray:
    """Scores of mean 0 and variance 1, not cut."""
    return (scores - scores.mean()) / (scores.std() or 1.0)


def _scales(*scales: Any) -> Replaced:
    modules = ("surrogate", "optimizer")
    return {f"sklearn_tuners._bayes.{module}.SCALES": scales for module in modules}


def _lengths(length: Callable[[float], float], **kwargs: float) -> Replaced:
    changed = partial(prior, length=length, **kwargs)
    return {"sklearn_tuners._bayes.surrogate.default_prior": changed}


_DRAWS = "sklearn_tuners._bayes.surrogate._N_DRAWS"
_RADII = "sklearn_tuners._bayes.optimizer._RADII"
VARIANTS: dict[str, Replaced] = {
    BASE: {},
    "close scale only (half-rank)": _scales(surrogate.close_scores),
    "wide scale only": _scales(surrogate.wide_scores),
    "Yeo-Johnson only": _scales(yeo_johnson),
    "standardised only": _scales(standardised),
    "most probable process only": {_DRAWS: 0},
    "4 draws of hyper-parameters": {_DRAWS: 4},
    "Matern 3/2": {"sklearn_tuners._bayes.gp._matern52": matern32},
    "lengthscale prior at sqrt(d)": _lengths(lambda d: d**0.5),
    "lengthscale prior at sqrt(d)/4": _lengths(lambda d: 0.25 * d**0.5),
    "lengthscale prior LogN(sqrt 2 + ln d / 2, sqrt 3)": _lengths(
        lambda d: np.exp(2**0.5) * d**0.5, length_sd=3**0.5
    ),
    "one radius of near-repeats, 0.001": {_RADII: (1e-3, 1e-3)},
    "one radius of near-repeats, 0.01": {_RADII: (1e-2, 1e-2)},
    "4 first points": {},
}
ARGUMENTS: dict[str, dict[str, Any]] = {"4 first points": {"n_initial_points": 4}}


def run(
    store: Store,
    *,
    variants: tuple[str, ...] = tuple(VARIANTS),
    seeds: int = 4,
    problems: tuple[str, ...] = PROBLEMS,
    n_iter: int = max(BUDGETS),
) -> None:
    """Make the runs that are missing, seed after seed."""
    todo = [p for p in [*synthetic(), *real()] if p.name in problems]
    for seed, name, problem in product(range(seeds), variants, todo):
        if (name, problem.name, seed) not in store:
            make = partial(bayes.Tuner, **ARGUMENTS.get(name, {}))
            with replaced(VARIANTS[name]):
                store.append(row_of(name, problem, seed, make, n_iter))


def table(store: Store) -> str:
    """Return mean regret, and its paired difference to the optimiser as it is."""
    columns = [f"r{b}" for b in BUDGETS]
    runs: dict[str, dict[Any, Any]] = {
        name: {store.key(r)[1:]: r for r in store.where(tuner=name)}
        for name in store.values("tuner")
    }
    lines = []
    for name, own in runs.items():
        common = sorted(set(own) & set(runs[BASE]))
        cells = []
        for column in columns:
            values = np.array([float(own[key][column]) for key in common])
            base = np.array([float(runs[BASE][key][column]) for key in common])
            change = mean_and_error(values - base, sign="+", ddof=0)
            cells += [f"{values.mean():.4f}", change]
        lines.append([name, str(len(common)), *cells])
    header = [cell for b in BUDGETS for cell in (f"after {b}", "change")]
    return markdown(["variant", "runs", *header], lines)
