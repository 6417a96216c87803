"""Who can be trained in steps: what is refused, and what is not a single fit."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.feature_selection import SelectFromModel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Perceptron, SGDClassifier, SGDRegressor
from sklearn.metrics import get_scorer
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline, make_union
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
from sklearn_tuners._training.continuation import EPOCHS, check_epochs, continuation

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
