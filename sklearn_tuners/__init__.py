"""Bayesian optimisation for scikit-learn: `GridSearchCV` with one word changed."""

from sklearn_tuners._optimizer import Optimizer
from sklearn_tuners._search import BayesSearchCV
from sklearn_tuners.selection import (
    BestScore,
    KeepDefault,
    OneStandardError,
    WithinPercent,
)

__all__ = [
    "BayesSearchCV",
    "BestScore",
    "KeepDefault",
    "OneStandardError",
    "Optimizer",
    "WithinPercent",
    "__version__",
]

__version__ = "0.1.0"
