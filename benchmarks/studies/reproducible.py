"""Does a seed give the same proposals on another CPU? Searches by BLAS kernel.

    python -m benchmarks reproducible run
    python -m benchmarks reproducible table

OpenBLAS chooses its kernels by the CPU, and each has rounding errors of its own. Here a
process for each kernel runs the same searches with the same scores, which plain Python
computes. The variable OPENBLAS_CORETYPE has to be set before numpy is imported. The
first kernel is the one that the others are compared with. numpy and scipy must be built
with OpenBLAS, as their wheels on PyPI are, on a CPU that has all of the kernels.

"numpy" stands for the first kernel with numpy's own functions, such as exp, compiled
for an old CPU, which changes their errors.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

from scipy.stats import expon, loguniform, norm, randint, uniform
from threadpoolctl import threadpool_info

from benchmarks.core.report import table as markdown
from benchmarks.core.store import Store
from sklearn_tuners import Optimizer, When

KEYS = ("problem", "seed", "kernel")
SMOKE = {"seeds": 1, "problems": ("bowl",), "n_iter": 8}

NUMPY = "numpy"
KERNELS = ("Haswell", "Sandybridge", "Prescott", NUMPY)
OLD_NUMPY = {
    "OPENBLAS_CORETYPE": KERNELS[0],
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 X86_V3 X86_V4 AVX512_SKX AVX512_ICL",
}
"""numpy ignores those of the names that its version does not know."""

Params = Mapping[str, Any]


def bowl(p: Params) -> float:
    """Return a smooth score."""
    return -sum((x - 0.1 * i - 0.3) ** 2 for i, x in enumerate(p.values()))


def waves(p: Params) -> float:
    """Return a score with many tops."""
    x, y = p["x"], p["y"]
    return math.sin(3 * x) * math.cos(2 * y) - 0.05 * (x * x + y * y)


def kernel_machine(p: Params) -> float:
    """Return what the accuracy of a support vector machine looks like."""
    c, g = math.log10(p["C"]) - 1, math.log10(p["gamma"]) + 2
    return math.exp(-0.2 * (c + g) ** 2 - 2 * g * g)


def accuracy(p: Params) -> float:
    """Return the same in steps of one of 150 test rows."""
    return round(150 * kernel_machine(p)) / 150


def forest(p: Params) -> float:
    """Return a score of integers, a number and categories."""
    bonus = {"gini": 0.2, "entropy": 0.3, "log_loss": 0.3}[p["criterion"]]
    depth = (math.log2(p["max_depth"]) - 3) ** 2
    return bonus - 0.1 * depth - (p["max_features"] - 0.7) ** 2 - 0.1 * p["bootstrap"]


def branches(p: Params) -> float:
    """Return a score of two dicts."""
    a = math.log10(p["alpha"])
    if p["model"] == "linear":
        return 0.7 - 0.01 * (a + 3) ** 2
    return 1.0 - 0.4 * ((a + 2) ** 2 + 4 * (p["gamma"] - 0.8) ** 2)


def conditional(p: Params) -> float:
    """Return a score of parameters that depend on another."""
    if p["booster"] == "tree":
        return 0.8 - 0.02 * (p["depth"] - 6) ** 2 - (p["rate"] - 0.2) ** 2
    return 0.6 - (p["rate"] - 0.5) ** 2


def unbounded(p: Params) -> float:
    """Return a score of distributions without ends."""
    return -((p["m"] - 1.3) ** 2) - 0.1 * (math.log(p["s"]) - 3) ** 2


def listed(p: Params) -> float:
    """Return a score of lists."""
    size = {"s": 0.1, "m": 0.4, "l": 0.2}[p["size"]]
    return size - 0.02 * (math.log10(p["alpha"]) + 1) ** 2 - 0.1 * abs(p["n"] - 20) / 20


PROBLEMS: dict[str, tuple[Any, Callable[[Params], float]]] = {
    "bowl": ({"x": (0.0, 1.0), "y": (0.0, 1.0)}, bowl),
    "waves": ({"x": uniform(-3, 6), "y": uniform(-3, 6)}, waves),
    "eight numbers": ({f"x{i}": (0.0, 1.5) for i in range(8)}, bowl),
    "kernel machine": (
        {"C": loguniform(1e-3, 1e4), "gamma": loguniform(1e-6, 1e1)},
        kernel_machine,
    ),
    "accuracy": (
        {"C": (1e-3, 1e4, "log-uniform"), "gamma": (1e-6, 1e1, "log-uniform")},
        accuracy,
    ),
    "forest": (
        {
            "criterion": ["gini", "entropy", "log_loss"],
            "bootstrap": [True, False],
            "max_depth": randint(1, 65),
            "max_features": uniform(0.1, 0.9),
        },
        forest,
    ),
    "two dicts": (
        [
            {"model": ["linear"], "alpha": loguniform(1e-6, 1.0)},
            {
                "model": ["kernel"],
                "alpha": loguniform(1e-6, 1.0),
                "gamma": uniform(0, 1),
            },
        ],
        branches,
    ),
    "conditions": (
        {
            "booster": ["tree", "linear"],
            "depth": When((1, 20), {"booster": ["tree"]}),
            "rate": (0.001, 1.0, "log-uniform"),
        },
        conditional,
    ),
    "no bounds": ({"m": norm(0, 2), "s": expon(scale=50)}, unbounded),
    "lists": (
        {
            "size": ["s", "m", "l"],
            "alpha": [1e-4, 1e-3, 1e-2, 1e-1, 1, 10],
            "n": range(1, 100),
        },
        listed,
    ),
}


def propose(problem: str, seed: int, n_iter: int) -> list[str]:
    """Return the proposals of a search as text, with all digits."""
    space, score = PROBLEMS[problem]
    optimizer = Optimizer(space, n_iter=n_iter, random_state=seed)
    proposals = []
    for _ in range(n_iter):
        params = optimizer.ask()
        assert params is not None
        optimizer.tell(params, score(params))
        proposals.append(json.dumps(params))
    return proposals


def searches(problems: tuple[str, ...], seeds: int, n_iter: int) -> dict[str, Any]:
    """Return the proposals of all searches, and the kernels that were in use."""
    return {
        "kernels": sorted(
            {
                info["architecture"]
                for info in threadpool_info()
                if "architecture" in info
            }
        ),
        "proposals": [
            propose(problem, seed, n_iter)
            for problem, seed in product(problems, range(seeds))
        ],
    }


def in_process(kernel: str, *arguments: Any) -> dict[str, Any]:
    """Return what `searches` returns in a process with a kernel."""
    own = OLD_NUMPY if kernel == NUMPY else {"OPENBLAS_CORETYPE": kernel}
    command = [sys.executable, "-W", "ignore", "-m", __name__, json.dumps(arguments)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", **own}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def run(
    store: Store,
    *,
    seeds: int = 10,
    n_iter: int = 30,
    problems: tuple[str, ...] = tuple(PROBLEMS),
    kernels: tuple[str, ...] = KERNELS,
) -> None:
    """Run all searches with each kernel, and compare them with the first one's."""
    keys = list(product(problems, range(seeds)))
    first: list[list[str]] = []
    for kernel in kernels:
        found = in_process(kernel, problems, seeds, n_iter)
        first = first or found["proposals"]
        for (problem, seed), base, own in zip(
            keys, first, found["proposals"], strict=True
        ):
            if (problem, seed, kernel) in store:
                continue
            equal = [a == b for a, b in zip(base, own, strict=True)]
            store.append(
                {
                    "problem": problem,
                    "seed": seed,
                    "kernel": kernel,
                    "in use": "+".join(found["kernels"]),
                    "n_iter": n_iter,
                    "equal": equal.index(False) if False in equal else n_iter,
                }
            )


def table(store: Store) -> str:
    """Return the searches that are identical with all kernels, and with each."""
    kernels = list(dict.fromkeys(row["kernel"] for row in store.rows))
    blas = [kernel for kernel in kernels[1:] if kernel != NUMPY]
    same = {
        (row["problem"], row["seed"], row["kernel"]): row["equal"] == row["n_iter"]
        for row in store.rows
    }
    runs: dict[str, list[Any]] = {}
    for row in store.rows:
        if row["kernel"] == kernels[0]:
            runs.setdefault(row["problem"], []).append((row["problem"], row["seed"]))
    runs["all"] = [run for own in runs.values() for run in own]
    lines = []
    for problem, own in runs.items():
        counts = [sum(same[(*run, kernel)] for run in own) for kernel in kernels[1:]]
        both = sum(all(same[(*run, kernel)] for kernel in blas) for run in own)
        lines.append([problem, *map(str, [len(own), *counts, both])])
    return markdown(["problem", "searches", *kernels[1:], "all of BLAS"], lines)


if __name__ == "__main__":
    json.dump(searches(*json.loads(sys.argv[1])), sys.stdout)
