"""Bayesian optimisation for scikit-learn: `GridSearchCV` with one word changed."""

from sklearn_tuners._optimizer import Optimizer
from sklearn_tuners._search import BayesSearchCV
from sklearn_tuners.diagnosis import Diagnosis, diagnose
from sklearn_tuners.selection import (
    BestScore,
    KeepDefault,
    OneStandardError,
    WithinPercent,
)

__all__ = [
    "BayesSearchCV",
    "BestScore",
    "Diagnosis",
    "KeepDefault",
    "OneStandardError",
    "Optimizer",
    "WithinPercent",
    "__version__",
    "diagnose",
]

__version__ = "0.1.0"
