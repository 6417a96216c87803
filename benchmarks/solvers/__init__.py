"""What is compared, one file each; a peer is imported only when it is used.

A solver offers some of these:

``Tuner(problem, n_iter, seed)``
    asks and tells on a problem of `benchmarks.tasks.functions`; `start_from` takes
    evaluations that it did not ask for;
``search(estimator, space, n_iter, seed, **kwargs)``
    an unfitted search over parameters in [0, 1], for the studies of time;
``race(task, seed, race)``
    a search on a task of `benchmarks.tasks.resources` that is timed by a `Race`.

- `random_search.py`, `bayes.py`, `hyperband.py`: RandomizedSearchCV and ours;
- `halving.py`: HalvingRandomSearchCV;
- `optuna_samplers.py`, `optuna_hyperband.py`: Optuna;
- `scikit_optimize.py`: scikit-optimize.
"""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["is_installed"]


def is_installed(*modules: str) -> bool:
    """Whether all these modules can be imported."""
    return all(find_spec(module) is not None for module in modules)
