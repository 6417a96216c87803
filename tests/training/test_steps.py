"""Training in steps: what equals a single fit, and what becomes of fitted states."""

from __future__ import annotations

import inspect
import os
import pickle
import warnings
from collections import Counter

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    TransformerMixin,
    clone,
    is_regressor,
)
from sklearn.cluster import MiniBatchKMeans
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import (
    load_breast_cancer,
    make_classification,
    make_regression,
)
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    LogisticRegression,
    Perceptron,
    SGDClassifier,
    SGDOneClassSVM,
    SGDRegressor,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import SVC, LinearSVC
from sklearn.utils import all_estimators

from sklearn_tuners import HyperbandSearchCV
from sklearn_tuners._estimators import leaf_of
from sklearn_tuners._training.continuation import (
    EPOCHS,
    SAMPLES,
    WarmStart,
    continuation,
    register_continuation,
)
from sklearn_tuners._training.guard import FitTimeoutError
from sklearn_tuners._training.settings import labels_of
from sklearn_tuners._training.steps import Training
from sklearn_tuners._training.store import State, Store

# A fit that falls back to one from the start would equal it trivially.
pytestmark = pytest.mark.filterwarnings("error:.*could not continue:UserWarning")

X, Y = make_classification(
    120, 6, n_informative=4, n_classes=3, random_state=0, n_clusters_per_class=1
)
T = make_regression(120, 6, noise=10.0, random_state=0)[1]
CHAIN = (2, 5, 9)


def predictions(estimator, X=X):
    for name in ("predict_proba", "decision_function", "predict", "transform"):
        if hasattr(estimator, name):
            return getattr(estimator, name)(X.copy())
    raise AssertionError(estimator)


def target_of(estimator):
    y = T if is_regressor(estimator) else Y
    if isinstance(estimator, MultiOutputClassifier | MultiOutputRegressor):
        return np.column_stack([y, y[::-1]])
    return y


def train(estimator, resource, chain, store=None, full=100, **changes):
    """Train a clone as a worker would, and return it."""
    fitted = clone(estimator)
    if resource not in (EPOCHS, SAMPLES):
        fitted.set_params(**{resource: chain[-1]})
    training = Training(
        resource=resource,
        chain=chain,
        classes=labels_of(estimator, target_of(estimator)),
        store=store,
        key="0-0",
        full=full,
        **changes,
    )
    training.take_over(fitted)
    fitted.fit(X.copy(), target_of(estimator))
    return fitted


def keep_everything(monkeypatch):
    """Have every state kept, whatever it costs."""
    monkeypatch.setattr("sklearn_tuners._training.store._WORTH", np.inf)


@pytest.fixture
def store(tmp_path, monkeypatch):
    keep_everything(monkeypatch)
    return Store(str(tmp_path), 2**30)


class CountsFits(TransformerMixin, BaseEstimator):
    n_fits = 0

    def fit(self, X, y=None):
        type(self).n_fits += 1
        self.mean_ = X.mean(axis=0)
        return self

    def transform(self, X):
        return X - self.mean_


def halve_in_place(X):
    X *= 0.5
    return X


EXACT = [
    (RandomForestClassifier(random_state=0), "n_estimators"),
    (RandomForestRegressor(random_state=0, max_samples=0.5), "n_estimators"),
    (ExtraTreesClassifier(random_state=0, bootstrap=True), "n_estimators"),
    (ExtraTreesRegressor(random_state=0, max_features=0.5), "n_estimators"),
    (BaggingClassifier(random_state=0, max_features=0.5), "n_estimators"),
    (BaggingRegressor(random_state=0), "n_estimators"),
    (IsolationForest(random_state=0), "n_estimators"),
    (GradientBoostingClassifier(random_state=0), "n_estimators"),
    (GradientBoostingRegressor(random_state=0, subsample=0.5), "n_estimators"),
    (HistGradientBoostingClassifier(random_state=0), "max_iter"),
    (HistGradientBoostingRegressor(random_state=0, max_features=0.5), "max_iter"),
    (
        HistGradientBoostingClassifier(
            random_state=0, early_stopping=True, n_iter_no_change=3, tol=1e-2
        ),
        "max_iter",
    ),
    (RandomForestClassifier(random_state=0, oob_score=True), "n_estimators"),
    (
        make_pipeline(StandardScaler(), GradientBoostingRegressor(random_state=0)),
        "gradientboostingregressor__n_estimators",
    ),
    (
        make_pipeline(
            make_column_transformer((StandardScaler(), [0, 1]), remainder="drop"),
            make_pipeline("passthrough", RandomForestClassifier(random_state=0)),
        ),
        "pipeline__randomforestclassifier__n_estimators",
    ),
    (
        make_pipeline(
            MinMaxScaler(copy=False),
            make_pipeline(
                FunctionTransformer(halve_in_place),
                GradientBoostingRegressor(random_state=0),
            ),
        ),
        "pipeline__gradientboostingregressor__n_estimators",
    ),
    (
        make_pipeline(StandardScaler(copy=False), SGDClassifier(random_state=0)),
        EPOCHS,
    ),
    (SGDClassifier(random_state=0), EPOCHS),
    (SGDRegressor(random_state=0), EPOCHS),
    (MLPClassifier((8,), random_state=0), EPOCHS),
    (MiniBatchKMeans(random_state=0, n_init=1, batch_size=30), EPOCHS),
    (
        make_pipeline(
            StandardScaler(), MLPRegressor(hidden_layer_sizes=(8,), random_state=0)
        ),
        EPOCHS,
    ),
    (Perceptron(random_state=0), EPOCHS),
    (SGDOneClassSVM(random_state=0), EPOCHS),
    (OneVsRestClassifier(SGDClassifier(random_state=0)), EPOCHS),
    (MultiOutputClassifier(SGDClassifier(random_state=0)), EPOCHS),
    (
        MultiOutputRegressor(MLPRegressor(hidden_layer_sizes=(4,), random_state=0)),
        EPOCHS,
    ),
    # Options of the classes above.
    (BaggingClassifier(SVC(), max_samples=0.5, random_state=0), "n_estimators"),
    (
        IsolationForest(contamination=0.2, max_samples=0.5, random_state=0),
        "n_estimators",
    ),
    (
        RandomForestClassifier(class_weight="balanced_subsample", random_state=0),
        "n_estimators",
    ),
    (
        ExtraTreesClassifier(ccp_alpha=0.01, criterion="entropy", random_state=0),
        "n_estimators",
    ),
    (RandomForestRegressor(criterion="absolute_error", random_state=0), "n_estimators"),
    (
        GradientBoostingRegressor(loss="huber", max_features=0.5, random_state=0),
        "n_estimators",
    ),
    (
        GradientBoostingRegressor(loss="quantile", init="zero", random_state=0),
        "n_estimators",
    ),
    (
        GradientBoostingClassifier(
            init=LogisticRegression(), max_features=2, random_state=0
        ),
        "n_estimators",
    ),
    (
        HistGradientBoostingClassifier(
            class_weight="balanced", max_bins=9, random_state=0
        ),
        "max_iter",
    ),
    (
        HistGradientBoostingRegressor(
            monotonic_cst=[1, 0, 0, 0, 0, -1], random_state=0
        ),
        "max_iter",
    ),
    (
        HistGradientBoostingRegressor(loss="quantile", quantile=0.3, random_state=0),
        "max_iter",
    ),
    (HistGradientBoostingRegressor(loss="absolute_error", random_state=0), "max_iter"),
    (
        HistGradientBoostingRegressor(
            interaction_cst="no_interactions", random_state=0
        ),
        "max_iter",
    ),
    (
        SGDClassifier(average=True, learning_rate="adaptive", eta0=0.1, random_state=0),
        EPOCHS,
    ),
    (SGDRegressor(loss="huber", penalty="elasticnet", random_state=0), EPOCHS),
    (
        MLPClassifier((8,), solver="sgd", momentum=0.5, batch_size=20, random_state=0),
        EPOCHS,
    ),
]


def name_of(value):
    return value if isinstance(value, str) else type(value).__name__


@pytest.mark.parametrize(("estimator", "resource"), EXACT, ids=name_of)
def test_steps_equal_a_single_fit_bit_for_bit(estimator, resource, store):
    assert continuation(estimator, resource) == "exact"
    in_one_go = train(estimator, resource, CHAIN[-1:])
    for n in range(1, len(CHAIN) + 1):
        through_store = train(estimator, resource, CHAIN[:n], store)
        assert store.load("0-0", CHAIN[:n]) is not None
    replayed = train(estimator, resource, CHAIN)
    for other in (through_store, replayed):
        assert_array_equal(predictions(other), predictions(in_one_go))
    if resource != EPOCHS:
        plain = clone(estimator).set_params(**{resource: CHAIN[-1]})
        plain.fit(X.copy(), target_of(estimator))
        assert_array_equal(predictions(through_store), predictions(plain))
        assert through_store.get_params()[resource] == CHAIN[-1]


INEXACT = [
    (
        GradientBoostingClassifier(random_state=0, n_iter_no_change=3),
        "n_estimators",
    ),
    (MLPClassifier((8,), random_state=0), "max_iter"),
    (SGDClassifier(random_state=0), "max_iter"),
    (LogisticRegression(solver="saga", random_state=0), "max_iter"),
    (
        make_pipeline(PCA(3), GradientBoostingRegressor(random_state=0)),
        "gradientboostingregressor__n_estimators",
    ),
    (make_pipeline(PCA(3), SGDRegressor(random_state=0)), EPOCHS),
    (
        make_pipeline(TargetEncoder(random_state=0), SGDRegressor(random_state=0)),
        EPOCHS,
    ),
]


@pytest.mark.parametrize(("estimator", "resource"), INEXACT, ids=name_of)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:.*TargetEncoder:FutureWarning")
def test_where_steps_are_not_a_single_fit_replay_and_store_still_agree(
    estimator, resource, store
):
    assert continuation(estimator, resource) == "inexact"
    for n in range(1, len(CHAIN) + 1):
        through_store = train(estimator, resource, CHAIN[:n], store)
    replayed = train(estimator, resource, CHAIN)
    assert_array_equal(predictions(through_store), predictions(replayed))


def iterative_classes():
    """List the classes of scikit-learn with ``warm_start`` and ``max_iter``."""
    for name, cls in all_estimators():
        if {"warm_start", "max_iter"} <= {*inspect.signature(cls).parameters}:
            yield pytest.param(cls, id=name)


@pytest.mark.parametrize("cls", list(iterative_classes()))
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_each_class_with_iterations_goes_on(cls, store):
    estimator = cls()
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=0)
    y = target_of(estimator)
    if cls.__name__.startswith("MultiTask"):
        y = np.column_stack([T, -T])
    if cls.__name__.startswith(("Gamma", "Poisson", "Tweedie")):
        y = 1.0 + np.abs(T)
    assert continuation(estimator, "max_iter") in {"exact", "inexact"}
    for chain, kept in [((2,), store), ((2, 5), store), ((2, 5), None)]:
        fitted = clone(estimator)
        Training(resource="max_iter", chain=chain, store=kept, key="0-0", full=9).fit(
            fitted, X.copy(), y
        )
        if chain == (2,):
            assert store.load("0-0", chain) is not None
        elif kept is not None:
            through_store = fitted
    assert_array_equal(predictions(through_store), predictions(fitted))


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(),
        GradientBoostingRegressor(),
        HistGradientBoostingClassifier(),
        BaggingClassifier(),
    ],
    ids=name_of,
)
def test_a_random_state_instance_makes_none_exact(estimator):
    resource = (
        "max_iter"
        if isinstance(estimator, HistGradientBoostingClassifier)
        else "n_estimators"
    )
    estimator.set_params(random_state=np.random.RandomState(0))
    assert continuation(estimator, resource) == "inexact"
    assert continuation(estimator.set_params(random_state=0), resource) == "exact"


@pytest.mark.parametrize(
    ("estimator", "resource"),
    [
        (
            TransformedTargetRegressor(GradientBoostingRegressor()),
            "regressor__n_estimators",
        ),
        (
            MultiOutputRegressor(GradientBoostingRegressor()),
            "estimator__n_estimators",
        ),
        (OneVsRestClassifier(RandomForestClassifier()), "estimator__n_estimators"),
        (
            StackingClassifier([("rf", RandomForestClassifier())]),
            "rf__n_estimators",
        ),
        (BaggingClassifier(oob_score=True), "n_estimators"),
        (LinearSVC(), "max_iter"),
        (RandomForestClassifier(), "max_depth"),
        (RandomForestClassifier(), SAMPLES),
        (
            make_pipeline(PCA(iterated_power=2), RandomForestClassifier()),
            "pca__iterated_power",
        ),
    ],
    ids=name_of,
)
def test_what_clones_or_cannot_go_on_starts_anew(estimator, resource):
    assert continuation(estimator, resource) == "none"


# Libraries ----------------------------------------------------------------------------

BOOSTERS = {
    "xgboost": ("XGBClassifier", "n_estimators", {"n_jobs": 1}),
    "lightgbm": ("LGBMClassifier", "n_estimators", {"verbose": -1, "n_jobs": 1}),
    "catboost": (
        "CatBoostClassifier",
        "iterations",
        {
            "learning_rate": 0.1,
            "verbose": 0,
            "thread_count": 1,
            "allow_writing_files": False,
        },
    ),
}


def booster(library, **changes):
    module = pytest.importorskip(library)
    name, resource, params = BOOSTERS[library]
    return getattr(module, name)(**(params | {"random_state": 0} | changes)), resource


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_boosters_of_other_libraries_go_on(library, in_pipeline, store):
    estimator, resource = booster(library)
    if in_pipeline:
        estimator = make_pipeline(StandardScaler(), estimator)
        resource = f"{estimator.steps[-1][0]}__{resource}"
    assert continuation(estimator, resource) == "exact"
    for n in range(1, len(CHAIN) + 1):
        through_store = train(estimator, resource, CHAIN[:n], store)
        assert store.load("0-0", CHAIN[:n]) is not None
    replayed = train(estimator, resource, CHAIN)
    assert_array_equal(predictions(through_store), predictions(replayed))
    in_one_go = train(estimator, resource, CHAIN[-1:])
    assert_array_equal(predictions(replayed), predictions(in_one_go))


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_catboost_starts_anew(in_pipeline, store):
    estimator, resource = booster("catboost")
    if in_pipeline:
        estimator = make_pipeline(StandardScaler(), estimator)
        resource = f"{estimator.steps[-1][0]}__{resource}"
    assert continuation(estimator, resource) == "none"
    train(estimator, resource, CHAIN[:1], store)
    assert os.listdir(store.folder) == []  # nothing that goes on needs it


@pytest.mark.parametrize(
    ("library", "changes", "expected"),
    [
        ("xgboost", {"subsample": 0.5}, "inexact"),
        ("xgboost", {"colsample_bytree": 0.5}, "inexact"),
        ("xgboost", {"booster": "dart"}, "none"),
        ("xgboost", {"booster": "gblinear"}, "none"),
        ("xgboost", {"booster": "gbtree", "rate_drop": 0.5}, "none"),
        ("xgboost", {"multi_strategy": "multi_output_tree"}, "none"),
        ("xgboost", {"objective": lambda y, f: (f - y, np.ones_like(y))}, "none"),
        ("xgboost", {"callbacks": [object()]}, "none"),
        ("xgboost", {"random_state": np.random.RandomState(0)}, "none"),
        ("xgboost", {"early_stopping_rounds": 3}, "none"),
        ("lightgbm", {"subsample": 0.5}, "inexact"),
        ("lightgbm", {"colsample_bytree": 0.5}, "inexact"),
        ("lightgbm", {"feature_fraction": 0.5}, "none"),
        ("lightgbm", {"boosting_type": "dart"}, "none"),
        ("lightgbm", {"boosting_type": "goss"}, "none"),
        ("lightgbm", {"boosting": "dart"}, "none"),
        ("lightgbm", {"sub_row": 0.5, "bagging_freq": 1}, "none"),
        ("lightgbm", {"extra_trees": True}, "none"),
        ("lightgbm", {"use_quantized_grad": True}, "none"),
        ("lightgbm", {"data_sample_strategy": "goss"}, "none"),
        ("lightgbm", {"linear_tree": True}, "none"),
        ("lightgbm", {"random_state": np.random.RandomState(0)}, "none"),
        ("lightgbm", {"boosting_type": "rf"}, "none"),
        ("lightgbm", {"boosting": "rf"}, "none"),
        ("lightgbm", {"boost": "random_forest"}, "none"),
        ("lightgbm", {"early_stopping_round": 3}, "none"),
    ],
)
def test_what_boosters_of_other_libraries_do_not_continue(library, changes, expected):
    estimator, resource = booster(library, **changes)
    assert continuation(estimator, resource) == expected


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
@pytest.mark.parametrize(
    "argument",
    [
        "callbacks",
        "eval_set",
        "eval_X",
        "lgbm__eval_set",
        "early_stopping_rounds",
        "xgb_model",
        "init_model",
        "init_score",
        "baseline",
        "categorical_feature",
        "an_argument_of_a_later_version",
    ],
)
def test_boosters_with_a_model_or_a_stop_in_fit_start_anew(library, argument):
    estimator, resource = booster(library)
    assert continuation(estimator, resource, [argument, "sample_weight"]) == "none"
    assert continuation(estimator, resource, ["sample_weight"]) != "none"


def test_arguments_of_fit_are_known_by_their_alias_too():
    lightgbm = pytest.importorskip("lightgbm")
    with config_context(enable_metadata_routing=True):
        leaf = lightgbm.LGBMClassifier(random_state=0)
        leaf.set_fit_request(callbacks="stoppers", sample_weight="w")
        assert continuation(leaf, "n_estimators", ["w"]) == "exact"
        assert continuation(leaf, "n_estimators", ["w", "stoppers"]) == "none"


@pytest.mark.parametrize(
    "estimator", [BaggingClassifier(), IsolationForest(), RandomForestClassifier()]
)
@pytest.mark.parametrize("arguments", [[], ["sample_weight"]])
def test_with_routing_estimators_of_any_kind_go_on(estimator, arguments):
    estimator.set_params(random_state=0)
    with config_context(enable_metadata_routing=True):
        assert continuation(estimator, "n_estimators", arguments) == "exact"


def test_arguments_for_other_steps_stop_nothing():
    pipeline = make_pipeline(
        StandardScaler(), GradientBoostingClassifier(random_state=0)
    )
    name = "gradientboostingclassifier__n_estimators"
    for_scaler = ["standardscaler__sample_weight"]
    assert continuation(pipeline, name, for_scaler) == "exact"
    for_boosting = ["gradientboostingclassifier__monitor"]
    assert continuation(pipeline, name, for_boosting) == "none"


def test_a_monitor_may_stop_gradient_boosting_just_at_a_rung():
    X, y = load_breast_cancer(return_X_y=True)
    search = HyperbandSearchCV(
        GradientBoostingClassifier(n_estimators=27, max_depth=1, random_state=0),
        {"learning_rate": [0.1, 0.3, 1.0]},
        min_resources=3,
        scoring="neg_log_loss",
        cv=2,
        random_state=0,
    )
    monitor = [lambda i, estimator, variables: i >= 8]
    with pytest.warns(UserWarning, match="trained from the start"):
        on = clone(search).fit(X, y, monitor=monitor[0])
    anew = clone(search).set_params(continuation="never").fit(X, y, monitor=monitor[0])
    assert_array_equal(
        on.cv_results_["mean_test_score"], anew.cv_results_["mean_test_score"]
    )


def test_liblinear_starts_anew_as_it_ignores_warm_start():
    liblinear = LogisticRegression(solver="liblinear")
    assert continuation(liblinear, "max_iter") == "none"
    assert continuation(LogisticRegression(), "max_iter") == "inexact"


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_catboost_learns_on_lower_rungs_at_the_rate_of_the_full_one(in_pipeline):
    estimator, resource = booster("catboost", learning_rate=None)
    prefix = ""
    if in_pipeline:
        estimator = make_pipeline(StandardScaler(), estimator)
        prefix = f"{estimator.steps[-1][0]}__"
        resource = prefix + resource
    full = clone(estimator).set_params(**{resource: 300}).fit(X, Y)
    rate = leaf_of(full, resource)[0].learning_rate_
    short = clone(estimator).set_params(**{resource: 2}).fit(X, Y)
    assert rate < 0.5 * leaf_of(short, resource)[0].learning_rate_
    for n in CHAIN:
        fitted = train(estimator, resource, (n,), full=300)
        leaf, _ = leaf_of(fitted, resource)
        assert leaf.learning_rate_ == rate
        assert leaf.tree_count_ == n
    by_hand = clone(estimator).set_params(
        **{resource: CHAIN[-1], f"{prefix}learning_rate": rate}
    )
    assert_array_equal(predictions(fitted), predictions(by_hand.fit(X, Y)))
    at_the_top = train(estimator, resource, (300,), full=300)
    assert_array_equal(predictions(at_the_top), predictions(full))


@pytest.mark.parametrize("name", ["learning_rate", "eta"])
def test_a_learning_rate_of_catboost_that_was_chosen_is_left_alone(name):
    estimator, resource = booster("catboost", learning_rate=None)
    estimator.set_params(**{name: 0.25})
    assert train(estimator, resource, (5,)).learning_rate_ == 0.25


def test_a_copy_of_catboost_inside_a_wrapper_stops_at_the_resource():
    estimator, resource = booster("catboost", learning_rate=None)
    fitted = train(OneVsRestClassifier(estimator), f"estimator__{resource}", (3,))
    assert {part.tree_count_ for part in fitted.estimators_} == {3}


def test_a_random_forest_of_xgboost_starts_anew():
    xgboost = pytest.importorskip("xgboost")
    assert continuation(xgboost.XGBRFClassifier(), "n_estimators") == "none"


# Fits that end by themselves ----------------------------------------------------------

ENDING = [
    (
        HistGradientBoostingClassifier(
            random_state=0, early_stopping=True, n_iter_no_change=2, tol=1.0
        ),
        "max_iter",
    ),
    (
        GradientBoostingClassifier(random_state=0, n_iter_no_change=2, tol=1.0),
        "n_estimators",
    ),
    (SGDClassifier(random_state=0, tol=1e6, n_iter_no_change=2), "max_iter"),
    (
        make_pipeline(
            StandardScaler(),
            MLPClassifier((4,), random_state=0, tol=1e6, n_iter_no_change=2),
        ),
        "mlpclassifier__max_iter",
    ),
]


@pytest.mark.parametrize(("estimator", "resource"), ENDING, ids=name_of)
def test_a_fit_that_ended_by_itself_is_copied_up(
    estimator, resource, store, monkeypatch
):
    chain = (10, 30, 90)
    first = train(estimator, resource, chain[:1], store)
    state = store.load("0-0", chain[:1])
    assert state.has_ended
    cls = type(leaf_of(estimator, resource)[0])
    monkeypatch.setattr(cls, "fit", lambda *args, **kwargs: pytest.fail("trained"))
    for n in (2, 3):
        higher = train(estimator, resource, chain[:n], store)
        assert store.load("0-0", chain[:n]).has_ended
        assert_array_equal(predictions(higher), predictions(first))
    monkeypatch.undo()
    assert_array_equal(
        predictions(train(estimator, resource, chain)), predictions(first)
    )


@pytest.mark.parametrize(
    "changes",
    [{}, {"validation_fraction": None, "tol": 1e-3}, {"scoring": "accuracy"}],
    ids=str,
)
@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_a_fit_that_ends_just_where_a_rung_is_has_ended(changes, offset, store):
    estimator = HistGradientBoostingClassifier(
        random_state=0, early_stopping=True, n_iter_no_change=3, learning_rate=0.5
    )
    estimator.set_params(**changes)
    in_one_go = train(estimator, "max_iter", (200,))
    stop = in_one_go.n_iter_
    assert 3 < stop < 100
    chain = (2, stop + offset, 200)
    for n in (1, 2, 3):
        through_store = train(estimator, "max_iter", chain[:n], store, full=300)
        has_ended = store.load("0-0", chain[:n]).has_ended
        assert has_ended is (chain[n - 1] >= stop)
    for fitted in (through_store, train(estimator, "max_iter", chain)):
        assert fitted.n_iter_ == stop
        assert_array_equal(predictions(fitted), predictions(in_one_go))


def test_a_finished_state_is_worth_what_its_training_cost(tmp_path):
    """Copying it up took no time, but without it all would be trained again."""
    kept = Store(str(tmp_path), 2**30)
    state = State((3,), True, 100.0, RandomForestClassifier())
    kept.save("0-0", state)
    assert kept.load("0-0", (3,)) is not None
    leaf = RandomForestClassifier()
    training = Training(
        resource="n_estimators", chain=(3, 9), store=kept, key="0-0", full=20
    )
    training.fit(leaf, X, Y)
    assert kept.load("0-0", (3, 9)).seconds >= 100.0


LIMITED = [
    (MLPClassifier((4,), batch_size=500, random_state=0), "max_iter"),
    (
        make_pipeline(StandardScaler(), MLPClassifier(batch_size=500, random_state=0)),
        "mlpclassifier__max_iter",
    ),
    (
        OneVsRestClassifier(MLPClassifier((4,), batch_size=500, random_state=0)),
        "estimator__max_iter",
    ),
]


@pytest.mark.parametrize(("estimator", "resource"), LIMITED, ids=name_of)
@pytest.mark.parametrize(("full", "expected"), [(6, {UserWarning}), (5, None)])
def test_of_a_limit_that_is_meant_to_be_low_nothing_is_said(
    estimator, resource, full, expected
):
    expected = expected or {UserWarning, ConvergenceWarning}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        train(estimator, resource, (5,), full=full)
    assert {warning.category for warning in caught} == expected


def test_limits_in_other_parts_are_spoken_of():
    model = StackingClassifier(
        [("svc", LinearSVC(max_iter=1))], RandomForestClassifier(3), cv=2
    )
    with pytest.warns(ConvergenceWarning):
        train(model, "final_estimator__n_estimators", (3,))


# Errors while going on ----------------------------------------------------------------


class OnlyOnce(RandomForestClassifier):
    """Registered as one that goes on, but does not."""

    def fit(self, X, y, sample_weight=None):
        if hasattr(self, "estimators_"):
            raise RuntimeError("fitted already")
        return super().fit(X, y, sample_weight)


class Connected(SGDClassifier):
    """Loses a part of its state on the way to the store and back."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        if not hasattr(self, "coef_"):
            self.session_ = "open"
        assert self.session_ == "open"
        return super().partial_fit(X, y, classes, sample_weight)

    def __getstate__(self):
        return {k: v for k, v in super().__getstate__().items() if k != "session_"}


class NoCopies(np.ndarray):
    """Rows that cannot be copied."""

    def __deepcopy__(self, memo):
        raise TypeError("one of a kind")


@pytest.fixture
def registrations(monkeypatch):
    monkeypatch.setattr("sklearn_tuners._training.continuation._registered", {})


@pytest.mark.usefixtures("registrations")
@pytest.mark.filterwarnings("default:.*could not continue:UserWarning")
def test_an_error_while_going_on_falls_back_to_a_single_fit(store):
    register_continuation(OnlyOnce, "n_estimators")
    estimator = OnlyOnce(random_state=0)
    assert continuation(estimator, "n_estimators") == "exact"
    train(estimator, "n_estimators", (2,), store)
    with pytest.warns(
        UserWarning, match="could not continue.*fitted already"
    ) as caught:
        fitted = train(estimator, "n_estimators", (2, 5), store)
    assert len([w for w in caught if "could not continue" in str(w.message)]) == 1
    assert (fitted.n_estimators, fitted.warm_start) == (5, False)
    expected = RandomForestClassifier(5, random_state=0).fit(X, Y)
    assert_array_equal(predictions(fitted), predictions(expected))
    with warnings.catch_warnings():  # once for all that share the store
        warnings.simplefilter("error")
        train(estimator, "n_estimators", (2, 5, 9), store)


@pytest.mark.filterwarnings("default:.*could not continue:UserWarning")
def test_a_state_that_lost_something_falls_back(store):
    estimator = Connected(random_state=0)
    train(estimator, EPOCHS, (2,), store)
    with pytest.warns(UserWarning, match="could not continue.*'n_epochs'.*session_"):
        fitted = train(estimator, EPOCHS, (2, 5), store)
    expected = train(SGDClassifier(random_state=0), EPOCHS, (5,))
    assert_array_equal(predictions(fitted), predictions(expected))


@pytest.mark.filterwarnings("default:.*could not continue:UserWarning")
def test_rows_that_cannot_be_copied_are_trained_on_once():
    forest = RandomForestClassifier(random_state=0)
    training = Training(resource="n_estimators", chain=(2, 5), full=9)
    with pytest.warns(UserWarning, match="one of a kind"):
        training.fit(forest, X.view(NoCopies), Y)
    expected = RandomForestClassifier(5, random_state=0).fit(X, Y)
    assert_array_equal(predictions(forest), predictions(expected))


def test_an_error_of_a_single_fit_is_raised(store):
    training = Training(resource="n_estimators", chain=(5,), store=store, full=9)
    with pytest.raises(ValueError, match="max_depth"):
        training.fit(RandomForestClassifier(max_depth=-3), X, Y)


def test_a_time_limit_ends_also_what_goes_on(store):
    class Late(OnlyOnce):
        def fit(self, X, y, sample_weight=None):
            if hasattr(self, "estimators_"):
                raise FitTimeoutError("fit_timeout")
            return super().fit(X, y, sample_weight)

    training = Training(
        resource="n_estimators",
        chain=(2, 5),
        full=9,
        registered={
            (f"{Late.__module__}.{Late.__qualname__}", "n_estimators"): WarmStart(
                "n_estimators", lambda estimator: True
            )
        },
    )
    with pytest.raises(FitTimeoutError):
        training.fit(Late(random_state=0), X, Y)


# Pipelines ----------------------------------------------------------------------------


class Stateless(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.sign(X) * np.log1p(np.abs(X))


class Unmarked(TransformerMixin, BaseEstimator):
    """Keeps what it learns under names without an underscore."""

    def fit(self, X, y=None):
        self.middle = X.mean(axis=0)
        return self

    def transform(self, X):
        return X - self.middle


class NoMixin(BaseEstimator):
    """Has only what a pipeline asks for; its parameter is named as a composition's."""

    def __init__(self, transformers=3):
        self.transformers = transformers

    def fit(self, X, y=None):
        self.width = X.shape[1]
        return self

    def transform(self, X):
        return np.column_stack([X, X[:, : self.transformers]])


class Loose:
    """No estimator of scikit-learn at all, but with parameters."""

    def get_params(self, deep=True):
        return {}

    def set_params(self, **params):
        return self

    def fit(self, X, y=None):
        return self

    def fit_transform(self, X, y=None):
        return X * 2.0

    def transform(self, X):
        return X * 2.0


@pytest.mark.parametrize(
    "transformer",
    [
        Stateless(),
        Unmarked(),
        NoMixin(),
        Loose(),
        FunctionTransformer(np.abs),
        make_union(StandardScaler(), Stateless()),
        make_pipeline(Unmarked(), StandardScaler()),
        make_column_transformer((Stateless(), [0, 1]), remainder=Unmarked()),
    ],
    ids=name_of,
)
@pytest.mark.parametrize(
    ("last", "resource"),
    [
        (RandomForestClassifier(random_state=0), "n_estimators"),
        (HistGradientBoostingClassifier(random_state=0), "max_iter"),
        (SGDClassifier(random_state=0), EPOCHS),
    ],
    ids=name_of,
)
@pytest.mark.parametrize("depth", [1, 2])
def test_nothing_more_is_asked_of_transformers_than_by_fit(
    transformer, last, resource, depth, store
):
    pipeline = make_pipeline(transformer, last)
    name = resource if resource == EPOCHS else f"{pipeline.steps[-1][0]}__{resource}"
    if depth == 2:
        pipeline = make_pipeline("passthrough", pipeline)
        name = name if name == EPOCHS else f"pipeline__{name}"
    assert continuation(pipeline, name) != "none"
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("error", FutureWarning)
        for n in range(1, len(CHAIN) + 1):
            fitted = train(pipeline, name, CHAIN[:n], store)
            assert store.load("0-0", CHAIN[:n]) is not None
        in_one_go = train(pipeline, name, CHAIN[-1:])
    assert_array_equal(predictions(fitted), predictions(in_one_go))


class PlainPartialFit(ClassifierMixin, BaseEstimator):
    """A `partial_fit` that takes no classes; nothing of it is scikit-learn's."""

    def partial_fit(self, X, y):
        self.classes_ = np.unique(y)
        self.n_calls_ = getattr(self, "n_calls_", 0) + 1
        return self

    fit = partial_fit

    def predict(self, X):
        return np.full(len(X), self.n_calls_)


class Unsupervised(BaseEstimator):
    def partial_fit(self, X):
        self.n_calls_ = getattr(self, "n_calls_", 0) + 1
        return self

    def fit(self, X):
        return self.partial_fit(X)

    def predict(self, X):
        return np.full(len(X), self.n_calls_)


def test_partial_fit_gets_only_what_it_takes(store):
    for n in range(1, len(CHAIN) + 1):
        fitted = train(PlainPartialFit(), EPOCHS, CHAIN[:n], store)
        assert fitted.n_calls_ == CHAIN[n - 1]
    alone = Unsupervised()
    Training(resource=EPOCHS, chain=(2, 5)).fit(alone, X)
    assert alone.n_calls_ == 5


@pytest.mark.parametrize("resource", [EPOCHS, "sgdclassifier__max_iter"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_transformers_are_fitted_once(resource, store, monkeypatch):
    monkeypatch.setattr(CountsFits, "n_fits", 0)
    pipeline = make_pipeline(
        CountsFits(), make_pipeline(CountsFits(), SGDClassifier(random_state=0))
    )
    if resource != EPOCHS:
        resource = f"pipeline__{resource}"
    for n in range(1, len(CHAIN) + 1):
        fitted = train(pipeline, resource, CHAIN[:n], store)
        assert CountsFits.n_fits == 2
    assert isinstance(fitted.steps[0][1], CountsFits)
    fitted.predict(X)


def test_a_pipeline_with_a_memory_keeps_its_fitted_transformers(tmp_path, store):
    pipeline = make_pipeline(
        StandardScaler(), SGDClassifier(random_state=0), memory=str(tmp_path / "memory")
    )
    plain = clone(pipeline).set_params(memory=None)
    expected = predictions(train(plain, EPOCHS, (2, 5)))
    assert_array_equal(predictions(train(pipeline, EPOCHS, (2, 5))), expected)
    os.mkdir(tmp_path / "states")
    other = Store(str(tmp_path / "states"), 2**30)
    train(pipeline, EPOCHS, (2,), other)
    through_store = train(pipeline, EPOCHS, (2, 5), other)
    assert_array_equal(predictions(through_store), expected)


def test_parameters_are_set_scaled_and_nothing_is_left_behind():
    estimator = SGDRegressor(random_state=0, alpha=0.5)
    fitted = train(
        estimator,
        SAMPLES,
        (40,),
        settings={"early_stopping": True},
        factors={"alpha": 3.0},
    )
    assert fitted.alpha == 1.5
    assert fitted.early_stopping is True
    assert "fit" not in vars(fitted)
    assert estimator.alpha == 0.5


def test_fit_parameters_reach_every_step():
    weights = np.where(Y == 0, 10.0, 1.0)
    chains = [(9,), (2, 9)]
    found = []
    for chain in chains:
        forest = RandomForestClassifier(random_state=0)
        Training(resource="n_estimators", chain=chain).fit(
            forest, X, Y, sample_weight=weights
        )
        found.append(predictions(forest))
    assert_array_equal(*found)
    pipeline = make_pipeline(StandardScaler(), SGDClassifier(random_state=0))
    Training(resource=EPOCHS, chain=(2, 4), classes=np.unique(Y)).fit(
        pipeline, X, Y, sgdclassifier__sample_weight=weights
    )
    alone = SGDClassifier(random_state=0)
    Z = StandardScaler().fit_transform(X)
    for _ in range(4):
        alone.partial_fit(Z, Y, classes=np.unique(Y), sample_weight=weights)
    assert_array_equal(predictions(pipeline), predictions(alone, Z))


WEIGHTS = np.where(Y == 0, 10.0, 0.1)


@pytest.mark.parametrize(
    ("scales", "learns"), [(True, True), (True, False), (False, True)]
)
@pytest.mark.parametrize("is_stored", [True, False])
def test_metadata_are_routed_to_who_requests_them(scales, learns, is_stored, store):
    with config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=scales)
        sgd = SGDClassifier(random_state=0).set_fit_request(sample_weight=learns)
        pipeline = make_pipeline(scaler, make_pipeline("passthrough", sgd))
        for chain in [(2,), (2, 5)]:
            fitted = clone(pipeline)
            Training(
                resource=EPOCHS,
                chain=chain,
                classes=np.unique(Y),
                store=store if is_stored else None,
                full=9,
            ).fit(fitted, X, Y, sample_weight=WEIGHTS)
    Z = StandardScaler().fit(X, sample_weight=WEIGHTS if scales else None).transform(X)
    alone = SGDClassifier(random_state=0)
    for _ in range(5):
        weights = WEIGHTS if learns else None
        alone.partial_fit(Z, Y, classes=np.unique(Y), sample_weight=weights)
    assert_array_equal(predictions(fitted), predictions(alone, Z))


@pytest.mark.parametrize(("scales", "learns"), [(True, True), (True, False)])
def test_frozen_transformers_ask_for_no_metadata(scales, learns):
    found = []
    with config_context(enable_metadata_routing=True):
        for chain in [(9,), (2, 5, 9)]:
            pipeline = make_pipeline(
                StandardScaler().set_fit_request(sample_weight=scales),
                RandomForestClassifier(random_state=0).set_fit_request(
                    sample_weight=learns
                ),
            )
            name = "randomforestclassifier__n_estimators"
            Training(resource=name, chain=chain).fit(
                pipeline, X, Y, sample_weight=WEIGHTS
            )
            found.append(predictions(pipeline))
    assert_array_equal(*found)


# The store ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-20]),
        lambda path: path.write_bytes(b"\x80\x05}]" + b"x" * 50),
        lambda path: path.write_bytes(pickle.dumps(3)),
        lambda path: path.write_bytes(b"cno_such_module\nname\n."),
    ],
)
def test_a_state_that_is_lost_or_damaged_is_replayed(damage, tmp_path, store):
    forest = RandomForestClassifier(random_state=0)
    train(forest, "n_estimators", (2,), store)
    damage(tmp_path / "0-0.pickle")
    assert store.load("0-0", (2,)) is None
    again = train(forest, "n_estimators", (2, 5), store)
    assert_array_equal(
        predictions(again), predictions(train(forest, "n_estimators", (5,)))
    )


def test_a_state_of_other_steps_is_not_used(store):
    train(RandomForestClassifier(random_state=0), "n_estimators", (3,), store)
    assert store.load("0-0", (2,)) is None
    assert store.load("0-0", (3,)).chain == (3,)


def test_a_folder_that_is_not_there_costs_only_time(tmp_path):
    """As on a worker of dask on another machine."""
    nowhere = Store(str(tmp_path / "nowhere"), 2**30)
    forest = RandomForestClassifier(random_state=0)
    for chain in [(2,), (2, 5)]:
        fitted = train(forest, "n_estimators", chain, nowhere)
    assert len(fitted.estimators_) == 5


def test_the_last_state_is_not_stored(store):
    forest = RandomForestClassifier(random_state=0)
    train(forest, "n_estimators", (2,), store, full=2)
    assert os.listdir(store.folder) == []


def test_steps_after_a_stored_one_train_only_what_is_missing(store, monkeypatch):
    counts = Counter()
    partial_fit = SGDClassifier.partial_fit

    def counted(self, *args, **kwargs):
        counts["epochs"] += 1
        return partial_fit(self, *args, **kwargs)

    monkeypatch.setattr(SGDClassifier, "partial_fit", counted)
    for n, expected in enumerate([2, 5, 9], start=1):
        train(SGDClassifier(random_state=0), EPOCHS, CHAIN[:n], store)
        assert counts["epochs"] == expected


def test_balanced_forests_go_on_without_a_warning(store):
    forest = RandomForestClassifier(random_state=0, class_weight="balanced")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in range(1, len(CHAIN) + 1):
            fitted = train(forest, "n_estimators", CHAIN[:n], store)
    expected = train(forest, "n_estimators", CHAIN[-1:])
    assert_array_equal(predictions(fitted), predictions(expected))
