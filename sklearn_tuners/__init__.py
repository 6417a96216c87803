"""Bayesian optimisation for scikit-learn: `GridSearchCV` with one word changed."""

from sklearn_tuners._bayes.optimizer import Optimizer
from sklearn_tuners._bayes_search import BayesSearchCV
from sklearn_tuners._hyperband_search import HyperbandSearchCV
from sklearn_tuners._space.conditions import When
from sklearn_tuners._training.continuation import register_continuation
from sklearn_tuners.diagnosis import Diagnosis, diagnose
from sklearn_tuners.selection import (
    BestScore,
    KeepDefault,
    OneStandardError,
    WithinPercent,
)
from sklearn_tuners.spaces import default_space, register_space

__all__ = [
    "BayesSearchCV",
    "BestScore",
    "Diagnosis",
    "HyperbandSearchCV",
    "KeepDefault",
    "OneStandardError",
    "Optimizer",
    "When",
    "WithinPercent",
    "__version__",
    "default_space",
    "diagnose",
    "register_continuation",
    "register_space",
]

__version__ = "0.1.0"
