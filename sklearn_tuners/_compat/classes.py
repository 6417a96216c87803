"""Paths of private classes of scikit-learn, by which tables know their subclasses.

The classes are named, not imported: importing the package does not import every
estimator of scikit-learn. All paths are valid in every supported version. State the
versions of any that is not: a test resolves each on the installed version.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["PLAIN_FIT_TRANSFORM", "PrivateClass"]


class PrivateClass(StrEnum):
    """A base class of estimators: ``module.qualname``, as `names_of` lists it."""

    BAGGING = "sklearn.ensemble._bagging.BaseBagging"
    ELASTIC_NET = "sklearn.linear_model._coordinate_descent.ElasticNet"
    MULTI_TASK_ELASTIC_NET = (
        "sklearn.linear_model._coordinate_descent.MultiTaskElasticNet"
    )
    GENERALIZED_LINEAR = "sklearn.linear_model._glm.glm._GeneralizedLinearRegressor"
    LASSO_LARS = "sklearn.linear_model._least_angle.LassoLars"
    QUANTILE = "sklearn.linear_model._quantile.QuantileRegressor"
    SGD = "sklearn.linear_model._stochastic_gradient.BaseSGD"
    NAIVE_BAYES = "sklearn.naive_bayes._BaseNB"
    MLP = "sklearn.neural_network._multilayer_perceptron.BaseMultilayerPerceptron"


PLAIN_FIT_TRANSFORM = ("sklearn.base", "sklearn.preprocessing._data")
"""Modules in which ``fit_transform`` is ``fit`` followed by ``transform``."""
