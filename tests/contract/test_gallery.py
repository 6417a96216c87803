"""scikit-learn's gallery with one word changed.

Each function below is what one of scikit-learn's examples does with a search, in our
words and on less data, with the class of the search as its argument. Those on a grid
have to give `GridSearchCV`'s own results, those on distributions at least as good a
score as `RandomizedSearchCV`.
"""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import loguniform, uniform
from sklearn import config_context
from sklearn.cluster import FeatureAgglomeration
from sklearn.covariance import ShrunkCovariance
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    make_classification,
    make_hastie_10_2,
    make_moons,
    make_regression,
)
from sklearn.decomposition import NMF, PCA
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest, SelectPercentile, f_classif
from sklearn.gaussian_process.kernels import ExpSineSquared
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    BayesianRidge,
    Lasso,
    LogisticRegression,
    Ridge,
    SGDClassifier,
)
from sklearn.metrics import accuracy_score, get_scorer, make_scorer
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RandomizedSearchCV,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedShuffleSplit,
    cross_val_score,
    cross_validate,
    train_test_split,
)
from sklearn.multiclass import OneVsOneClassifier
from sklearn.naive_bayes import ComplementNB
from sklearn.neighbors import KernelDensity, KNeighborsClassifier, KNeighborsTransformer
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from sklearn_tuners import BayesSearchCV

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning"),
    # Pixels that are always white.
    pytest.mark.filterwarnings("ignore:Features .* are constant:UserWarning"),
    pytest.mark.filterwarnings("ignore:invalid value encountered in divide"),
]


def digits(n=300):
    """Return the first `n` digits."""
    X, y = load_digits(return_X_y=True)
    return X[:n], y[:n]


# Grids --------------------------------------------------------------------------------


def plot_covariance_estimation(Search):
    X = np.random.RandomState(42).normal(size=(40, 20))
    search = Search(ShrunkCovariance(), [{"shrinkage": np.logspace(-2, 0, 30)}])
    return search.fit(X)


def plot_digits_kde_sampling(Search):
    X = PCA(n_components=15, whiten=False).fit_transform(digits()[0])
    return Search(KernelDensity(), {"bandwidth": np.logspace(-1, 1, 20)}).fit(X)


def plot_gmm_selection(Search):
    X = np.random.RandomState(0).normal(size=(150, 2)) @ [[0.0, -0.1], [1.7, 0.4]]
    return Search(
        GaussianMixture(random_state=0),
        param_grid={
            "n_components": range(1, 5),
            "covariance_type": ["spherical", "tied", "diag", "full"],
        },
        scoring=lambda estimator, X: -estimator.bic(X),
    ).fit(X)


def plot_feature_union(Search):
    features = FeatureUnion([("pca", PCA()), ("univ_select", SelectKBest(k=1))])
    param_grid = {
        "features__pca__n_components": [1, 2, 3],
        "features__univ_select__k": [1, 2],
        "svm__C": [0.1, 1, 10],
    }
    pipeline = Pipeline([("features", features), ("svm", SVC(kernel="linear"))])
    search = Search(pipeline, param_grid=param_grid, verbose=10)
    return search.fit(*load_iris(return_X_y=True))


def plot_digits_pipe(Search):
    logistic = LogisticRegression(max_iter=50)
    steps = [("scaler", StandardScaler()), ("pca", PCA()), ("logistic", logistic)]
    param_grid = {
        "pca__n_components": [5, 15, 30],
        "logistic__C": np.logspace(-4, 4, 4),
    }
    return Search(Pipeline(steps), param_grid, n_jobs=2).fit(*digits(200))


def plot_compare_reduction(Search):
    pipe = Pipeline(
        [
            ("scaling", MinMaxScaler(clip=True)),
            ("reduce_dim", "passthrough"),
            ("classify", LinearSVC(dual=False)),
        ]
    )
    n_features, C = [2, 4], [1, 10, 100]
    param_grid = [
        {
            "reduce_dim": [PCA(iterated_power=7), NMF(max_iter=50, random_state=0)],
            "reduce_dim__n_components": n_features,
            "classify__C": C,
        },
        {
            "reduce_dim": [SelectKBest(f_classif)],
            "reduce_dim__k": n_features,
            "classify__C": C,
        },
    ]
    search = Search(pipe, n_jobs=1, param_grid=param_grid, cv=3).fit(*digits(150))
    # The example draws a bar for each: a row per reducer, a column per size.
    means = search.cv_results_["mean_test_score"].reshape(len(C), -1, len(n_features))
    assert means.max(axis=0).shape == (3, 2)
    return search


def plot_grid_search_refit_callable(Search):
    def best_low_complexity(cv_results):
        best = np.argmax(cv_results["mean_test_score"])
        threshold = (
            cv_results["mean_test_score"][best] - cv_results["std_test_score"][best]
        )
        candidates = np.flatnonzero(cv_results["mean_test_score"] >= threshold)
        n_components = cv_results["param_reduce_dim__n_components"]
        return candidates[n_components[candidates].argmin()]

    pipe = Pipeline([("reduce_dim", PCA(random_state=42)), ("classify", Ridge())])
    search = Search(
        pipe,
        param_grid={"reduce_dim__n_components": [2, 4, 6, 8, 10]},
        cv=ShuffleSplit(n_splits=10, random_state=0),
        refit=best_low_complexity,
        return_train_score=True,
    ).fit(*load_diabetes(return_X_y=True))
    assert not hasattr(search, "best_score_")
    return search


def plot_grid_search_digits(Search):
    def precise_then_fast(cv_results):
        table = pd.DataFrame(cv_results)
        table = table[table["mean_test_precision"] > 0.9]
        recall = table["mean_test_recall"]
        # The example takes the fastest of these, which is not the same in two runs.
        return table[recall > recall.max() - recall.std()].index[0]

    X, y = digits()
    search = Search(
        SVC(),
        [
            {"kernel": ["rbf"], "gamma": [1e-3, 1e-4], "C": [1, 10, 100, 1000]},
            {"kernel": ["linear"], "C": [1, 10, 100, 1000]},
        ],
        scoring=["precision", "recall"],
        refit=precise_then_fast,
    ).fit(X, y == 8)
    assert list(search.scorer_) == ["precision", "recall"]
    return search


def plot_multi_metric_evaluation(Search):
    X, y = make_hastie_10_2(n_samples=200, random_state=42)
    search = Search(
        DecisionTreeClassifier(random_state=42),
        param_grid={"min_samples_split": range(2, 203, 20)},
        scoring={"AUC": "roc_auc", "Accuracy": make_scorer(accuracy_score)},
        refit="AUC",
        n_jobs=2,
        return_train_score=True,
    ).fit(X, y)
    # The x axis of the example's figure.
    x = np.array(search.cv_results_["param_min_samples_split"].data, dtype=float)
    assert x[search.best_index_] == search.best_params_["min_samples_split"]
    return search


def plot_caching_nearest_neighbors(Search, tmp_path):
    model = Pipeline(
        [
            ("graph", KNeighborsTransformer(n_neighbors=5, mode="distance")),
            ("classifier", KNeighborsClassifier(metric="precomputed")),
        ],
        memory=str(tmp_path),
    )
    return Search(model, {"classifier__n_neighbors": [1, 2, 3, 4, 5]}).fit(*digits())


def plot_feature_agglomeration_vs_univariate_selection(Search, tmp_path):
    X, y = make_regression(80, 30, n_informative=10, noise=1.0, random_state=0)
    ward = FeatureAgglomeration(memory=str(tmp_path))
    search = Search(
        Pipeline([("ward", ward), ("ridge", BayesianRidge())]),
        {"ward__n_clusters": [5, 10, 20]},
        n_jobs=1,
        cv=KFold(2),
    ).fit(X, y)
    ward, ridge = (step for _, step in search.best_estimator_.steps)
    assert ward.inverse_transform(ridge.coef_.reshape(1, -1)).shape == (1, 30)
    return search


def plot_rbf_parameters(Search):
    """Its 169 points are more than 50, and it draws them as a square."""
    X, y = load_iris(return_X_y=True)
    budget = {"n_iter": 169} if Search is BayesSearchCV else {}
    search = Search(
        SVC(),
        param_grid={"gamma": np.logspace(-9, 3, 13), "C": np.logspace(-2, 10, 13)},
        cv=StratifiedShuffleSplit(n_splits=1, test_size=0.2, random_state=42),
        **budget,
    ).fit(StandardScaler().fit_transform(X), y)
    assert search.cv_results_["mean_test_score"].reshape(13, 13).shape == (13, 13)
    return search


def plot_kernel_ridge_regression(Search):
    rng = np.random.RandomState(42)
    X = 5 * rng.rand(100, 1)
    return Search(
        SVR(kernel="rbf", gamma=0.1),
        param_grid={"C": [1e0, 1e1, 1e2, 1e3], "gamma": np.logspace(-2, 2, 5)},
    ).fit(X, np.sin(X).ravel())


def plot_discretization_classification(Search):
    X, y = make_moons(n_samples=100, noise=0.2, random_state=0)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=42)
    search = Search(
        estimator=make_pipeline(
            StandardScaler(),
            KBinsDiscretizer(encode="onehot", subsample=None),
            LogisticRegression(random_state=0),
        ),
        param_grid={
            "kbinsdiscretizer__n_bins": np.arange(5, 8),
            "logisticregression__C": np.logspace(-1, 1, 3),
        },
    ).fit(X_train, y_train)
    assert search.score(X_test, y_test) > 0.8
    # The decision boundary.
    assert search.decision_function(X_test).shape == (25,)
    return search


def plot_discretization_classification_boosting(Search):
    X, y = make_moons(n_samples=100, noise=0.2, random_state=0)
    model = make_pipeline(
        StandardScaler(), GradientBoostingClassifier(n_estimators=5, random_state=0)
    )
    grid = {"gradientboostingclassifier__learning_rate": np.logspace(-2, 0, 5)}
    search = Search(estimator=model, param_grid=grid).fit(X, y)
    assert search.predict_proba(X).shape == (100, 2)
    return search


def plot_grid_search_stats(Search):
    X, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    search = Search(
        estimator=SVC(random_state=0),
        param_grid=[
            {"kernel": ["linear"]},
            {"kernel": ["poly"], "degree": [2, 3]},
            {"kernel": ["rbf"]},
        ],
        scoring="roc_auc",
        cv=RepeatedStratifiedKFold(n_splits=5, n_repeats=3, random_state=0),
    ).fit(X, y)
    # The example tests the models' scores by split against each other.
    table = pd.DataFrame(search.cv_results_).sort_values(by=["rank_test_score"])
    names = table["params"].apply(
        lambda x: "_".join(str(value) for value in x.values())
    )
    scores = table.set_index(names).filter(regex=r"split\d*_test_score")
    assert scores.shape == (4, 15)
    assert set(scores.index) == {"linear", "2_poly", "3_poly", "rbf"}
    return search


def plot_pipeline_display(Search):
    pipe = make_pipeline(StandardScaler(), LogisticRegression())
    search = Search(pipe, param_grid={"logisticregression__C": [0.1, 1.0]}, n_jobs=1)
    assert "LogisticRegression" in search._repr_html_()
    search.fit(*load_breast_cancer(return_X_y=True))
    assert "StandardScaler" in search._repr_html_()
    return search


def plot_svm_anova_percentile(Search):
    X, y = load_iris(return_X_y=True)
    X = np.hstack((X, 2 * np.random.RandomState(0).random((X.shape[0], 20))))
    model = make_pipeline(SelectPercentile(f_classif), StandardScaler(), SVC())
    return Search(model, {"selectpercentile__percentile": (1, 10, 40, 100)}).fit(X, y)


def plot_release_highlights_1_4_0(Search):
    """Nested cross-validation by groups, with weights, all by metadata routing."""
    X, y = make_regression(n_samples=100, n_features=5, noise=0.5, random_state=0)
    rng = np.random.RandomState(7)
    groups, weights = rng.randint(0, 10, size=100), rng.rand(100)
    with config_context(enable_metadata_routing=True):
        mse = get_scorer("neg_mean_squared_error")
        search = Search(
            estimator=Lasso().set_fit_request(sample_weight=True),
            param_grid={"alpha": [0.1, 0.5, 1.0, 2.0]},
            cv=GroupKFold(n_splits=5),
            scoring=mse.set_score_request(sample_weight=False),
        )
        cross_validate(
            search,
            X,
            y,
            cv=GroupKFold(n_splits=5),
            scoring={"mse": mse.set_score_request(sample_weight=True)},
            return_estimator=True,
            params={"sample_weight": weights, "groups": groups},
            error_score="raise",
        )
        return search.fit(X, y, sample_weight=weights, groups=groups)


GRIDS = [
    plot_caching_nearest_neighbors,
    plot_compare_reduction,
    plot_covariance_estimation,
    plot_digits_kde_sampling,
    plot_digits_pipe,
    plot_discretization_classification,
    plot_discretization_classification_boosting,
    plot_feature_agglomeration_vs_univariate_selection,
    plot_feature_union,
    plot_gmm_selection,
    plot_grid_search_digits,
    plot_grid_search_refit_callable,
    plot_grid_search_stats,
    plot_kernel_ridge_regression,
    plot_multi_metric_evaluation,
    plot_pipeline_display,
    plot_rbf_parameters,
    plot_release_highlights_1_4_0,
    plot_svm_anova_percentile,
]


def assert_same_results(search, wanted):
    """Compare everything in `cv_results_` but the times, which are never the same."""
    results = search.cv_results_
    assert list(results) == list(wanted.cv_results_)
    for key, column in wanted.cv_results_.items():
        if key.endswith("_time"):
            continue
        if key == "params" or key.startswith("param_"):
            # Estimators among the values are compared as they are written.
            assert str(results[key]) == str(column), key
            assert getattr(results[key], "dtype", None) == getattr(
                column, "dtype", None
            )
        else:
            np.testing.assert_array_equal(results[key], column, err_msg=key)


@pytest.mark.parametrize("example", GRIDS, ids=lambda example: example.__name__)
def test_grid_gives_the_results_of_grid_search(example, tmp_path):
    extra = [tmp_path] if "tmp_path" in example.__code__.co_varnames else []
    wanted, search = example(GridSearchCV, *extra), example(BayesSearchCV, *extra)
    assert_same_results(search, wanted)
    assert search.best_index_ == wanted.best_index_
    assert str(search.best_params_) == str(wanted.best_params_)
    assert str(search.best_estimator_) == str(wanted.best_estimator_)


def test_nested_cross_validation():
    """The example ``plot_nested_cross_validation_iris``."""
    X, y = load_iris(return_X_y=True)
    p_grid = {"C": [1, 10, 100], "gamma": [0.01, 0.1]}
    outer, inner = (KFold(4, shuffle=True, random_state=0) for _ in range(2))
    scores = [
        cross_val_score(
            Search(estimator=SVC(kernel="rbf"), param_grid=p_grid, cv=inner),
            X=X,
            y=y,
            cv=outer,
        )
        for Search in (GridSearchCV, BayesSearchCV)
    ]
    np.testing.assert_array_equal(*scores)


def test_search_inside_a_multiclass_wrapper():
    """The example ``plot_multiclass_overview``, on data that need no download."""
    X, y = digits(100)
    predictions = [
        OneVsOneClassifier(
            Search(
                DecisionTreeClassifier(random_state=0),
                param_grid={"max_depth": [3, 5, 8]},
                cv=3,
            )
        )
        .fit(X, y)
        .predict(X)
        for Search in (GridSearchCV, BayesSearchCV)
    ]
    np.testing.assert_array_equal(*predictions)


def test_scoring_monitor_on_a_step():
    """The example ``plot_scoring_monitor``: the scores within each fit of a search."""
    callback = pytest.importorskip("sklearn.callback", reason="since scikit-learn 1.9")
    X, y = make_classification(n_samples=100, random_state=42)
    logs = []
    for Search in (GridSearchCV, BayesSearchCV):
        monitor = callback.ScoringMonitor(scoring=["accuracy", "d2_log_loss_score"])
        logistic = LogisticRegression(max_iter=20).set_callbacks(monitor)
        Search(
            make_pipeline(StandardScaler(), logistic),
            {
                "standardscaler__with_std": [True, False],
                "logisticregression__C": np.geomspace(0.01, 100, 3),
            },
            cv=3,
            n_jobs=2,
            error_score="raise",
        ).fit(X, y)
        logs.append(monitor.get_logs(include_lineage=True).data_as_pandas)
    wanted, log = logs
    assert set(log["estimator_name"]) == {
        "BayesSearchCV",
        "Pipeline",
        "LogisticRegression",
    }
    columns = ["task_id_path", "task_name", "accuracy", "d2_log_loss_score"]
    pd.testing.assert_frame_equal(log[columns], wanted[columns])


# Distributions ------------------------------------------------------------------------


def plot_randomized_search(Search, random_state=42):
    X, y = load_iris(return_X_y=True)
    model = SGDClassifier(loss="hinge", penalty="elasticnet", random_state=0)
    return Search(
        model,
        param_distributions={
            "average": [True, False],
            "l1_ratio": uniform(0, 1),
            "alpha": loguniform(1e-2, 1e0),
        },
        n_iter=15,
        random_state=random_state,
    ).fit(X, y)


def plot_compare_gpr_krr(Search):
    """It has 500 candidates, because random ones rarely hit the period."""
    rng = np.random.RandomState(0)
    X = np.linspace(0, 30, 200).reshape(-1, 1)
    train = rng.choice(np.arange(80), size=40, replace=False)
    y = np.sin(X).ravel()[train] + 0.4 * rng.randn(40)
    return Search(
        KernelRidge(kernel=ExpSineSquared()),
        param_distributions={
            "alpha": loguniform(1e0, 1e3),
            "kernel__length_scale": loguniform(1e-2, 1e2),
            "kernel__periodicity": loguniform(1e0, 1e1),
        },
        n_iter=40,
        random_state=0,
    ).fit(X[train], y)


def plot_grid_search_text_feature_extraction(Search):
    """Its values are in tuples: of words, of tuples, of more than two numbers."""
    docs = [f"{a} {b} {c}" for a in "pqrs" for b in ("x", "yy") for c in ("z", "ww")]
    docs = [f"word{doc} common tail" for doc in docs]
    y = ["x" in doc for doc in docs]
    return Search(
        estimator=Pipeline([("vect", TfidfVectorizer()), ("clf", ComplementNB())]),
        param_distributions={
            "vect__max_df": (0.2, 0.4, 0.6, 0.8, 1.0),
            "vect__min_df": (1, 2, 3),
            "vect__ngram_range": ((1, 1), (1, 2)),
            "vect__norm": ("l1", "l2"),
            "vect__analyzer": ("word", "char"),
            "clf__alpha": np.logspace(-6, 6, 13),
        },
        n_iter=20,
        random_state=0,
        n_jobs=2,
        verbose=1,
        cv=2,
        error_score=0.0,
    ).fit(docs, y)


DISTRIBUTIONS = [plot_compare_gpr_krr, plot_grid_search_text_feature_extraction]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.parametrize("example", DISTRIBUTIONS, ids=lambda example: example.__name__)
def test_distributions_give_as_good_a_score_as_randomized_search(example):
    wanted, search = example(RandomizedSearchCV), example(BayesSearchCV)
    assert set(search.cv_results_) == set(wanted.cv_results_)
    assert len(search.cv_results_["params"]) == len(wanted.cv_results_["params"])
    assert search.best_params_.keys() == wanted.best_params_.keys()
    # As good but for the noise of one candidate more or less.
    assert search.best_score_ >= wanted.best_score_ - 0.01


def test_a_short_search_is_better_than_randomized_search_in_the_mean():
    """Single seeds of fifteen candidates differ by more than the searches do."""
    means = [
        np.mean([plot_randomized_search(Search, seed).best_score_ for seed in range(8)])
        for Search in (RandomizedSearchCV, BayesSearchCV)
    ]
    assert means[1] > means[0] + 0.01
