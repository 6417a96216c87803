"""Who can be trained in steps: what is refused, and what is not a single fit."""

from __future__ import annotations

import importlib
import warnings

import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.feature_selection import SelectFromModel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    LogisticRegression,
    Perceptron,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.metrics import get_scorer
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import SVC

from sklearn_tuners import HyperbandSearchCV
from sklearn_tuners._training.continuation import (
    EPOCHS,
    check_epochs,
    continuation,
    register_continuation,
)

X, Y = load_iris(return_X_y=True)


def epoch_search(estimator, space, **changes):
    settings = {"resource": "n_epochs", "max_resources": 3, "cv": 3, "random_state": 0}
    return HyperbandSearchCV(estimator, space, **(settings | changes))


@pytest.mark.parametrize(
    "estimator",
    [
        GaussianNB(),
        OneVsRestClassifier(MultinomialNB()),
        make_pipeline(MinMaxScaler(), MultiOutputClassifier(MultinomialNB())),
    ],
)
def test_naive_bayes_has_no_epochs_in_whatever_it_is_wrapped(estimator):
    with pytest.raises(ValueError, match=r"n_epochs' changes the model of .*NB"):
        check_epochs(estimator)


def test_candidates_that_have_no_epochs_fail_and_say_why():
    steps = [
        SGDClassifier(random_state=0),
        MultinomialNB(),
        OneVsRestClassifier(MultinomialNB()),
        SVC(),
    ]
    pipeline = make_pipeline(MinMaxScaler(), steps[0])
    search = epoch_search(pipeline, {"sgdclassifier": steps}, n_iter=4)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(X, Y)
    said = " ".join(str(w.message) for w in caught if w.category is FitFailedWarning)
    for reason in ("the model of MultinomialNB", "needs an estimator with partial_fit"):
        assert reason in said
    results = search.cv_results_
    good = [type(p["sgdclassifier"]) is SGDClassifier for p in results["params"]]
    assert 0 < sum(good) < len(good)
    assert (np.isfinite(results["mean_test_score"]) == good).all()


def test_several_outputs_are_trained_by_epochs():
    outputs = np.column_stack([Y, Y % 2])
    model = MultiOutputClassifier(SGDClassifier(random_state=0))
    search = epoch_search(
        model, {"estimator__alpha": [1e-4, 1e-2]}, error_score="raise"
    )
    search.fit(X, outputs)
    expected = clone(model).set_params(**search.best_params_)
    for _ in range(3):
        expected.partial_fit(X, outputs, classes=[[0, 1, 2], [0, 1]])
    assert_array_equal(search.predict(X), expected.predict(X))


def test_several_labels_are_trained_by_epochs():
    labels = np.column_stack([Y == 0, Y > 0, Y == 2]).astype(int)
    model = MLPClassifier((4,), random_state=0)
    search = epoch_search(model, {"alpha": [1e-4, 1e-2]}, error_score="raise")
    assert search.fit(X, labels).predict(X).shape == labels.shape


def test_with_metadata_routing_epochs_have_the_weights_that_fit_would_have():
    weights = np.where(Y == 1, 1000.0, 0.001)
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(
            MinMaxScaler(),
            SGDClassifier(random_state=0).set_fit_request(sample_weight=True),
        )
        scorer = get_scorer("accuracy").set_score_request(sample_weight=False)
        search = epoch_search(
            pipeline, {"sgdclassifier__alpha": [1e-4, 1e-2]}, scoring=scorer
        )
        search.set_params(error_score="raise").fit(X, Y, sample_weight=weights)
    scaler, found = search.best_estimator_
    Z, expected = scaler.transform(X), clone(found)
    for _ in range(3):
        expected.partial_fit(Z, Y, classes=[0, 1, 2], sample_weight=weights)
    assert_array_equal(found.coef_, expected.coef_)


TO_ENCODE = TargetEncoder(random_state=0)


@pytest.mark.parametrize(
    ("transformer", "expected"),
    [
        (StandardScaler(), "exact"),
        (TO_ENCODE, "inexact"),
        (make_pipeline(StandardScaler(), TO_ENCODE), "inexact"),
        (make_union(StandardScaler(), TO_ENCODE), "inexact"),
        (make_column_transformer((TO_ENCODE, [0])), "inexact"),
        (make_column_transformer(("drop", [0]), remainder=TO_ENCODE), "inexact"),
        (make_column_transformer(("drop", [0]), remainder=PCA(2)), "inexact"),
        (make_column_transformer(("drop", [0]), remainder=StandardScaler()), "exact"),
        (make_column_transformer(("drop", [0]), remainder="passthrough"), "exact"),
    ],
)
def test_a_transformer_that_does_not_repeat_makes_steps_inexact(transformer, expected):
    by_epochs = make_pipeline(transformer, SGDClassifier())
    assert continuation(by_epochs, EPOCHS) == expected
    by_trees = make_pipeline(transformer, RandomForestClassifier(random_state=0))
    assert continuation(by_trees, "randomforestclassifier__n_estimators") == expected


@pytest.mark.parametrize(
    "transformer",
    [
        MaxAbsScaler(),
        PowerTransformer(),
        QuantileTransformer(n_quantiles=20, random_state=0),
        KBinsDiscretizer(4, encode="ordinal", strategy="uniform"),
        PolynomialFeatures(),
        SimpleImputer(),
        make_column_transformer((StandardScaler(), [0]), remainder=MinMaxScaler()),
    ],
)
def test_transformers_that_are_said_to_repeat_do(transformer):
    assert continuation(make_pipeline(transformer, SGDClassifier()), EPOCHS) == "exact"
    assert_array_equal(transformer.fit_transform(X, Y), transformer.transform(X))


REFUSED = [
    (SGDClassifier(class_weight="balanced"), "class_weight"),
    (SGDRegressor(early_stopping=True), "early_stopping"),
    (MLPClassifier(early_stopping=True), "early_stopping"),
    (
        make_pipeline(
            MinMaxScaler(),
            make_pipeline(OneVsRestClassifier(Perceptron(class_weight="balanced"))),
        ),
        "pipeline__onevsrestclassifier__estimator__class_weight",
    ),
]


@pytest.mark.parametrize(("estimator", "name"), REFUSED)
def test_what_partial_fit_refuses_is_said_before_any_fit(estimator, name):
    message = rf"resource='n_epochs' cannot .* with {name}="
    with pytest.raises(ValueError, match=message):
        check_epochs(estimator)
    for searched in {name, name.partition("__")[0]}:
        check_epochs(estimator, {searched})
    owner, _, own = name.rpartition("__")
    leaf = estimator.get_params()[owner] if owner else estimator
    with pytest.raises(ValueError, match=own):  # it does refuse it
        leaf.partial_fit(
            X, Y, **({"classes": [0, 1, 2]} if is_classifier(leaf) else {})
        )
    space = {name: [estimator.get_params()[name], None if own[0] == "c" else False]}
    search = epoch_search(estimator, space, max_resources=2, n_iter=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).sum() == 1


def test_only_what_is_trained_by_epochs_is_looked_at():
    check_epochs(make_pipeline(SelectFromModel(MultinomialNB()), SGDClassifier()))


# Classes ------------------------------------------------------------------------------


class Named(RandomForestClassifier):
    """The same under another name, with another constructor."""

    def __init__(self, n_estimators=10, random_state=None, warm_start=False, more=3):
        super().__init__(n_estimators, random_state=random_state, warm_start=warm_start)
        self.more = more


class Halves(RandomForestClassifier):
    """Its fit is its own."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(X[::2], y[::2], sample_weight)


class Draws:
    def _validate_estimator(self):
        self.random_state = np.random.RandomState(0)
        super()._validate_estimator()


class Mixed(Draws, RandomForestClassifier):
    """A mixin overrides a part of its fit."""


class OwnIterations(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y, sample_weight)


class OwnEpochs(SGDClassifier):
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        return super().partial_fit(X, -y, classes, sample_weight)


class Foreign(ClassifierMixin, BaseEstimator):
    """Has all the words, of which nothing is known."""

    def __init__(self, n_estimators=10, max_iter=10, warm_start=False):
        self.n_estimators = n_estimators
        self.max_iter = max_iter
        self.warm_start = warm_start

    def fit(self, X, y):
        return self

    def partial_fit(self, X, y, classes=None):
        return self


@pytest.mark.parametrize(
    ("estimator", "resource", "expected"),
    [
        (Named(random_state=0), "n_estimators", "exact"),
        (Halves(random_state=0), "n_estimators", "none"),
        (Mixed(random_state=0), "n_estimators", "none"),
        (OwnIterations(), "max_iter", "none"),
        (Foreign(), "n_estimators", "none"),
        (Foreign(), "max_iter", "none"),
        (Foreign(), EPOCHS, "inexact"),
        (OwnEpochs(), EPOCHS, "inexact"),
        (OneVsRestClassifier(OwnEpochs()), EPOCHS, "inexact"),
        (OneVsRestClassifier(SGDClassifier()), EPOCHS, "exact"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_is_known_of_a_class_does_not_hold_for_one_that_changes_it(
    estimator, resource, expected
):
    assert continuation(estimator, resource) == expected


def test_a_forest_of_imbalanced_learn_starts_anew():
    ensemble = pytest.importorskip("imblearn.ensemble")
    for name in ("BalancedRandomForestClassifier", "BalancedBaggingClassifier"):
        estimator = getattr(ensemble, name)(random_state=0)
        assert continuation(estimator, "n_estimators") == "none"


@pytest.fixture
def registrations(monkeypatch):
    monkeypatch.setattr("sklearn_tuners._training.continuation._registered", {})


@pytest.mark.usefixtures("registrations")
def test_a_user_may_register_what_goes_on():
    register_continuation(Foreign, "n_estimators")
    register_continuation(Foreign, EPOCHS)
    assert continuation(Foreign(), "n_estimators") == "exact"
    assert continuation(Foreign(), EPOCHS) == "exact"
    assert continuation(Foreign(), "max_iter") == "none"

    class Subclass(Foreign):
        def fit(self, X, y):
            return super().fit(X, y)

    assert continuation(Subclass(), "n_estimators") == "none"


@pytest.mark.parametrize(
    ("estimator_class", "resource", "message"),
    [
        (SVC, EPOCHS, "SVC has no partial_fit"),
        (SVC, "n_rounds", "no parameter 'n_rounds'"),
        (SVC, "max_iter", "no parameter 'warm_start'"),
    ],
)
def test_what_cannot_go_on_cannot_be_registered(estimator_class, resource, message):
    with pytest.raises(ValueError, match=message):
        register_continuation(estimator_class, resource)


GROWING = """
from sklearn.ensemble import RandomForestClassifier

class Growing(RandomForestClassifier):
    def fit(self, X, y, sample_weight=None):
        self.fits_ = [*getattr(self, "fits_", []), self.n_estimators]
        return super().fit(X, y, sample_weight)

def count(estimator, X, y):
    return len(estimator.fits_)
"""


@pytest.mark.usefixtures("registrations")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_what_is_registered_goes_on_in_every_worker(n_jobs, tmp_path, monkeypatch):
    (tmp_path / "growing.py").write_text(GROWING)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("sklearn_tuners._training.store._WORTH", np.inf)
    growing = importlib.import_module("growing")
    # Workers that an earlier test has left do not have the path.
    get_reusable_executor().shutdown(wait=True)
    register_continuation(growing.Growing, "n_estimators")
    search = HyperbandSearchCV(
        growing.Growing(random_state=0),
        {"max_depth": [1, 2, 3, 4, 5, 6, 7, 8, 9]},
        resource="n_estimators",
        max_resources=9,
        min_resources=1,
        brackets=1,
        scoring=growing.count,
        refit=False,
        n_jobs=n_jobs,
        cv=2,
        random_state=0,
    ).fit(X, Y)
    at_top = search.cv_results_["n_resources"] == 9
    assert set(search.cv_results_["mean_test_score"][at_top]) == {3.0}


# Pipelines that are not scikit-learn's ------------------------------------------------


class Drops(BaseEstimator):
    """A sampler: it has no transform."""

    def fit_resample(self, X, y):
        return X[::2], y[1::2]


class Resamples(Pipeline):
    def fit(self, X, y=None, **params):
        return super().fit(X[::2], y[::2], **params)


class Logs(Pipeline):
    """Changes nothing of what a pipeline does."""

    def describe(self):
        return len(self.steps)


class TransformsTwice(Pipeline):
    def transform(self, X, **params):
        return super().transform(super().transform(X))


def a_pipeline(cls, last, *steps, **params):
    names = [type(step).__name__.lower() for step in (*steps, last)]
    return cls(list(zip(names, (*steps, last), strict=True)), **params)


SGD = SGDClassifier(random_state=0)


@pytest.mark.parametrize(
    "estimator",
    [
        a_pipeline(Resamples, SGD, StandardScaler()),
        a_pipeline(Resamples, SGD),
        a_pipeline(TransformsTwice, SGD, StandardScaler()),
        a_pipeline(Pipeline, SGD, StandardScaler(), transform_input=["X_val"]),
        a_pipeline(Pipeline, a_pipeline(Resamples, SGD), MinMaxScaler()),
        a_pipeline(Pipeline, SGD, Drops()),
    ],
)
def test_a_pipeline_with_a_fit_of_its_own_has_no_epochs(estimator):
    with pytest.raises(ValueError, match=r"n_epochs.*partial_fit.*fit of its own"):
        check_epochs(estimator)


def test_the_step_that_resamples_is_named():
    with pytest.raises(ValueError, match="step 'drops' resamples"):
        check_epochs(a_pipeline(Resamples, SGD, Drops()))


def test_a_pipeline_that_changes_nothing_is_one():
    check_epochs(a_pipeline(Logs, SGD, StandardScaler()))
    assert continuation(a_pipeline(Logs, SGD, StandardScaler()), EPOCHS) == "exact"


def test_a_pipeline_with_a_fit_of_its_own_is_trained_by_it():
    forest = RandomForestClassifier(random_state=0)
    pipeline = a_pipeline(Resamples, forest, StandardScaler())
    name = "randomforestclassifier__n_estimators"
    assert continuation(pipeline, name) == "none"
    settings = {"max_resources": 9, "min_resources": 1, "cv": 2, "random_state": 0}
    space = {"randomforestclassifier__max_depth": [1, 3, 5]}
    with pytest.warns(UserWarning, match="trained from the start"):
        search = HyperbandSearchCV(pipeline, space, resource=name, **settings).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    plain = clone(search.best_estimator_).fit(X, Y)
    assert_array_equal(plain.predict_proba(X), search.predict_proba(X))


def test_pipelines_of_imbalanced_learn():
    imblearn = pytest.importorskip("imblearn")
    sampler = imblearn.under_sampling.RandomUnderSampler(random_state=0)
    pipeline = imblearn.pipeline.make_pipeline(sampler, StandardScaler(), SGD)
    with pytest.raises(ValueError, match="randomundersampler' resamples"):
        epoch_search(pipeline, {"sgdclassifier__alpha": [1e-4, 1e-2]}).fit(X, Y)
    assert continuation(pipeline, "sgdclassifier__max_iter") == "none"
