"""Functions with known optima, and what a tuning problem is.

A problem describes its search space neutrally, so that each solver translates it into
its own dialect, and scores params; larger is better.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

__all__ = ["Choice", "Dimension", "Number", "Problem", "make_problem", "synthetic"]


@dataclass(frozen=True)
class Number:
    """A numeric parameter; `log` needs a positive `low`."""

    low: float
    high: float
    log: bool = False
    integer: bool = False

    def to_unit(self, value: float) -> float:
        """Position in [0, 1] on the parameter's scale."""
        f = np.log if self.log else float
        return float((f(value) - f(self.low)) / (f(self.high) - f(self.low)))

    def from_unit(self, u: float) -> float:
        """Inverse of :meth:`to_unit`, rounded for integers."""
        if self.log:
            value = self.low * (self.high / self.low) ** u
        else:
            value = self.low + u * (self.high - self.low)
        value = min(max(value, self.low), self.high)
        return round(value) if self.integer else float(value)


@dataclass(frozen=True)
class Choice:
    """A categorical parameter."""

    values: tuple[Any, ...]


Dimension = Number | Choice


@dataclass(frozen=True)
class Problem:
    """A space, a function of params, and what its regret is measured against.

    Attributes
    ----------
    space : dict of str to Dimension, or list of such dicts
        A list means branches; the parameter ``"branch"`` names the branch.
    score : callable
        ``params -> float``, deterministic.
    best : float
        Largest score there is (or is known).
    typical : float
        Median score of random params: regret 1.
    noise : float
        Standard deviation of the noise that an evaluation adds.
    """

    name: str
    space: list[dict[str, Dimension]]
    score: Callable[[Mapping[str, Any]], float]
    best: float
    typical: float
    noise: float = 0.0

    def regret(self, params: Mapping[str, Any]) -> float:
        """0 at the optimum, 1 for the median of random params, at most 1."""
        gap = (self.best - self.score(params)) / (self.best - self.typical)
        return float(np.clip(gap, 0.0, 1.0))

    def sample(self, rng: np.random.Generator) -> dict[str, Any]:
        """Random params, uniform on each parameter's scale."""
        dims = self.space[rng.integers(len(self.space))]
        return {
            name: dim.values[rng.integers(len(dim.values))]
            if isinstance(dim, Choice)
            else dim.from_unit(rng.random())
            for name, dim in dims.items()
        }


def make_problem(
    name: str,
    space: dict[str, Dimension] | list[dict[str, Dimension]],
    score: Callable[[Mapping[str, Any]], float],
    best: float | None = None,
    noise: float = 0.0,
) -> Problem:
    """Make a problem: measure what is typical and scale the noise by it."""
    branches = space if isinstance(space, list) else [space]
    draft = Problem(name, branches, score, 0.0, 0.0)
    rng = np.random.default_rng(0)
    scores = np.array([score(draft.sample(rng)) for _ in range(2000)])
    typical = float(np.median(scores))
    if best is None:
        best = _climb(draft, scores, rng)
    return Problem(name, branches, score, best, typical, noise * (best - typical))


def _climb(problem: Problem, scores: np.ndarray, rng: np.random.Generator) -> float:
    """Best score found by many random draws and local steps from the best of them."""
    points = [problem.sample(rng) for _ in range(4000)]
    points.sort(key=problem.score, reverse=True)
    best = max(float(scores.max()), problem.score(points[0]))
    for point in points[:8]:
        current, value, step = point, problem.score(point), 0.1
        for _ in range(600):
            trial = _step(problem, current, step, rng)
            if (new := problem.score(trial)) > value:
                current, value = trial, new
            else:
                step = max(step * 0.985, 1e-4)
        best = max(best, value)
    return best


def _step(
    problem: Problem, params: dict[str, Any], step: float, rng: np.random.Generator
) -> dict[str, Any]:
    dims = next(d for d in problem.space if d.keys() == params.keys())
    trial = dict(params)
    for name, dim in dims.items():
        if isinstance(dim, Choice):
            if rng.random() < 0.2:
                trial[name] = dim.values[rng.integers(len(dim.values))]
        else:
            u = dim.to_unit(trial[name]) + step * rng.standard_normal()
            trial[name] = dim.from_unit(float(np.clip(u, 0, 1)))
    return trial


def _vector(params: Mapping[str, Any]) -> np.ndarray:
    return np.array([params[name] for name in sorted(params)], dtype=float)


def branin(p: Mapping[str, Any]) -> float:
    """Branin and Hoo, three equal tops."""
    x, y = p["x0"], p["x1"]
    a = y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6
    return float(-(a**2) - 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) - 10)


_H_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
_H3_A = np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]])
_H3_P = 1e-4 * np.array(
    [[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]]
)
_H6_A = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
_H6_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann(A: np.ndarray, P: np.ndarray, p: Mapping[str, Any]) -> float:
    """Hartmann, in as many dimensions as `A` has columns."""
    inner = (A * (_vector(p) - P) ** 2).sum(axis=1)
    return float(_H_ALPHA @ np.exp(-inner))


def ackley(p: Mapping[str, Any]) -> float:
    """Ackley: many local tops around one."""
    x = _vector(p)
    bowl = 20 * np.exp(-0.2 * np.sqrt(np.mean(x**2)))
    return float(bowl + np.exp(np.mean(np.cos(2 * np.pi * x))) - 20 - np.e)


def rosenbrock(p: Mapping[str, Any]) -> float:
    """Rosenbrock on a log scale: a curved valley."""
    x = _vector(p)
    f = np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    return float(-np.log1p(f))


def levy(p: Mapping[str, Any]) -> float:
    """Levy: waves on a bowl."""
    w = 1 + (_vector(p) - 1) / 4
    middle = (w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2)
    last = (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2)
    return float(-(np.sin(np.pi * w[0]) ** 2 + middle.sum() + last))


def plateau(p: Mapping[str, Any]) -> float:
    """Like a classifier: flat at chance over most of the space, a ridge, saturation."""
    c, g = np.log10(p["x0"]), np.log10(p["x1"])
    ridge = 1 / (1 + np.exp(-3 * (c + 1.2 - 0.3 * g)))
    narrow = np.exp(-((g + 1.5 + 0.25 * c) ** 2) / (1.0 if g < -1.5 else 0.25))
    return float(0.5 + 0.45 * ridge * narrow - 0.01 * np.tanh(max(c, 0)))


def mixed(p: Mapping[str, Any]) -> float:
    """Numeric, integer and categorical parameters that interact."""
    shift = {"a": 0.2, "b": 0.5, "c": 0.8, "d": 0.35}[p["kind"]]
    depth = (np.log2(p["depth"]) - 2.5) / 3
    x = (p["x"] - shift) ** 2 * 4 + (depth + (0.5 if p["flag"] else 0.0)) ** 2
    bonus = {"a": 0.0, "b": 0.15, "c": 0.1, "d": -0.2}[p["kind"]]
    return float(bonus + 0.1 * p["flag"] - x - 0.5 * abs(np.log10(p["rate"]) + 1.7))


def conditional(p: Mapping[str, Any]) -> float:
    """Three branches, of 1, 2 and 3 parameters, one shared."""
    a = -0.3 * abs(np.log10(p["alpha"]) + 2)
    if p["branch"] == "linear":
        return float(a)
    if p["branch"] == "kernel":
        return float(a + 0.3 - 0.4 * (np.log10(p["gamma"]) + 1) ** 2)
    return float(a + 0.1 - (p["drop"] - 0.3) ** 2 - abs(np.log2(p["width"]) - 6) / 8)


def _cube(d: int, low: float, high: float) -> dict[str, Dimension]:
    return {f"x{i}": Number(low, high) for i in range(d)}


def synthetic() -> list[Problem]:
    """All synthetic problems."""
    branin_space = {"x0": Number(-5, 10), "x1": Number(0, 15)}
    h3, h6 = partial(hartmann, _H3_A, _H3_P), partial(hartmann, _H6_A, _H6_P)
    narrow: dict[str, Dimension] = {
        "x0": Number(1e-3, 1e3, log=True),
        "x1": Number(1e-5, 1e2, log=True),
    }
    mixed_space: dict[str, Dimension] = {
        "x": Number(0, 1),
        "rate": Number(1e-4, 1, log=True),
        "depth": Number(1, 64, log=True, integer=True),
        "kind": Choice(("a", "b", "c", "d")),
        "flag": Choice((True, False)),
    }
    alpha = Number(1e-6, 1, log=True)
    branches: list[dict[str, Dimension]] = [
        {"branch": Choice(("linear",)), "alpha": alpha},
        {
            "branch": Choice(("kernel",)),
            "alpha": alpha,
            "gamma": Number(1e-4, 10, log=True),
        },
        {
            "branch": Choice(("net",)),
            "alpha": alpha,
            "drop": Number(0, 0.9),
            "width": Number(4, 512, log=True, integer=True),
        },
    ]
    return [
        make_problem("branin", branin_space, branin, -0.39788735772973816),
        make_problem("hartmann3", _cube(3, 0, 1), h3, 3.86278214782076),
        make_problem("hartmann6", _cube(6, 0, 1), h6, 3.32236801141551),
        make_problem("ackley2", _cube(2, -4, 6), ackley, 0.0),
        make_problem("ackley5", _cube(5, -4, 6), ackley, 0.0),
        make_problem("rosenbrock4", _cube(4, -2, 2), rosenbrock, 0.0),
        make_problem("levy4", _cube(4, -6, 10), levy, 0.0),
        make_problem("levy10", _cube(10, -6, 10), levy, 0.0),
        make_problem("plateau", narrow, plateau),
        make_problem("mixed", mixed_space, mixed),
        make_problem("conditional", branches, conditional),
        make_problem("branin-noisy", branin_space, branin, -0.39788735772973816, 0.05),
        make_problem("hartmann6-noisy", _cube(6, 0, 1), h6, 3.32236801141551, 0.05),
        make_problem("mixed-noisy", mixed_space, mixed, None, 0.05),
    ]
