"""Arguments of ``fit`` that searches of other libraries take."""

import pytest
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from sklearn_tuners import BayesSearchCV, HyperbandSearchCV

IRIS = load_iris(return_X_y=True)


@pytest.mark.parametrize("callback", [None, print, [print]])
@pytest.mark.parametrize("search", [BayesSearchCV, HyperbandSearchCV])
def test_what_to_write_instead_of_callback(search, callback):
    with pytest.raises(TypeError, match=r"max_time.*n_iter_no_change.*verbose"):
        search(SVC(), {"C": [0.1, 1.0]}).fit(*IRIS, callback=callback)


@pytest.mark.parametrize(
    "estimator", [make_pipeline(SVC()), OneVsRestClassifier(SVC())]
)
def test_an_estimator_around_another_does_not_take_it_either(estimator):
    space = {name: [0.1] for name in estimator.get_params() if name.endswith("__C")}
    with pytest.raises(TypeError, match="max_time"):
        BayesSearchCV(estimator, space).fit(*IRIS, callback=print)


class Takes(DummyClassifier):
    def fit(self, X, y, callback=None):
        callback(self)
        return super().fit(X, y)


class TakesAny(DummyClassifier):
    def fit(self, X, y, **fit_params):
        fit_params["callback"](self)
        return super().fit(X, y)


@pytest.mark.parametrize("estimator", [Takes(), TakesAny()])
def test_an_estimator_that_takes_it_is_given_it(estimator):
    called = []
    space = {"strategy": ["prior", "uniform"]}
    search = BayesSearchCV(estimator, space, n_iter=2, cv=2)
    search.fit(*IRIS, callback=called.append)
    assert len(called) == 5
    assert all(isinstance(one, BaseEstimator) for one in called)
