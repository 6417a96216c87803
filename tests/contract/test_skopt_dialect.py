"""What scikit-optimize's own `BayesSearchCV` is tested and documented with.

The cases are those of its ``test_searchcv.py`` and of its page "Scikit-learn
hyperparameter search wrapper", in our words. Three things are different by design, each
with a test here that names it: an invalid space is an error of `fit` and not of the
constructor, a list of two numbers is two values and not a range, and `n_iter` is the
total over all subspaces, of which those without an n in ``(dict, n)`` share what the
others leave.

Each case runs with look-alikes of ``Real``, ``Integer`` and ``Categorical``, and with
scikit-optimize's own where it is installed: it is no dependency.
"""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_digits, load_iris, make_classification
from sklearn.linear_model import LinearRegression
from sklearn.metrics import confusion_matrix, f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from sklearn_tuners import BayesSearchCV

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@dataclass
class Real:
    """The attributes of ``skopt.space.Real``."""

    low: float
    high: float
    prior: str = "uniform"
    base: int = 10
    name: str | None = None


@dataclass
class Integer:
    """The attributes of ``skopt.space.Integer``."""

    low: int
    high: int
    prior: str = "uniform"
    base: int = 10
    name: str | None = None


@dataclass
class Categorical:
    """The attributes of ``skopt.space.Categorical``."""

    categories: list
    prior: list | None = None
    name: str | None = None


@pytest.fixture(params=["look-alike", "scikit-optimize"])
def skopt(request):
    """The three dimension classes."""
    if request.param == "scikit-optimize":
        return pytest.importorskip("skopt.space")
    return SimpleNamespace(Real=Real, Integer=Integer, Categorical=Categorical)


@pytest.fixture
def svc_space(skopt):
    """The space of scikit-optimize's first example."""
    return {
        "C": skopt.Real(1e-6, 1e6, prior="log-uniform"),
        "gamma": skopt.Real(1e-6, 1e1, prior="log-uniform"),
        "degree": skopt.Integer(1, 8),
        "kernel": skopt.Categorical(["linear", "poly", "rbf"]),
    }


@pytest.fixture
def model_spaces(skopt, svc_space):
    """One subspace for each of three models, the step 'model' of a pipeline."""
    linear = {
        "model": skopt.Categorical([LinearSVC()]),
        "model__C": skopt.Real(1e-6, 1e6, prior="log-uniform"),
    }
    tree = {
        "model": skopt.Categorical([DecisionTreeClassifier()]),
        "model__max_depth": skopt.Integer(1, 32),
        "model__min_samples_split": skopt.Real(1e-3, 1.0, prior="log-uniform"),
    }
    svc = {f"model__{name}": dimension for name, dimension in svc_space.items()}
    return linear, tree, {"model": skopt.Categorical([SVC()]), **svc}


@pytest.fixture(scope="module")
def iris():
    """Return the training and the test part of the iris data."""
    X, y = load_iris(return_X_y=True)
    return train_test_split(X, y, train_size=0.75, random_state=0)


class Double(BaseEstimator):
    """Takes one parameter and scores 0."""

    def __init__(self, x=None):
        self.x = x

    def fit(self, X, y=None):
        return self

    def score(self, X, y=None):
        return 0.0


def values_of(space, n_iter=20, **kwargs):
    """Return the values of 'x' that a search tries."""
    search = BayesSearchCV(
        Double(), {"x": space}, n_iter=n_iter, cv=2, refit=False, random_state=0
    )
    search.set_params(**kwargs).fit(np.zeros((4, 1)))
    return [params["x"] for params in search.cv_results_["params"]]


# The space ----------------------------------------------------------------------------


def test_invalid_spaces_are_errors_of_fit(iris):
    X, _, y, _ = iris
    with pytest.raises(ValueError, match="default search space"):
        BayesSearchCV(LinearRegression(), None).fit(X, y)
    with pytest.raises(TypeError, match=r"'C'.*'1 \.\.\. 100\.0'"):
        BayesSearchCV(SVC(), {"C": "1 ... 100.0"}).fit(X, y)
    with pytest.raises(TypeError, match="dict or a list of dicts"):
        BayesSearchCV(SVC(), ["C", (1.0, 1)]).fit(X, y)
    with pytest.raises(ValueError, match="positive integer"):
        BayesSearchCV(SVC(), [({"C": (0.1, 1.0)}, -1)]).fit(X, y)


@pytest.mark.parametrize(
    ("space", "kind", "low", "high"),
    [
        ((1, 8), int, 1, 8),
        ((0.5, 2.0), float, 0.5, 2.0),
        ((1, 2.5), float, 1, 2.5),
        ((1e-6, 1e6, "log-uniform"), float, 1e-6, 1e6),
        ((1, 1000, "log-uniform"), int, 1, 1000),
        ((0.0, 1.0, "uniform"), float, 0, 1),
        ((1, 1024, "log-uniform", 2), int, 1, 1024),
    ],
)
def test_tuples_are_ranges_of_integers_or_of_floats(space, kind, low, high):
    values = values_of(space)
    assert {type(value) for value in values} == {kind}
    assert low <= min(values) < max(values) <= high
    assert len(set(values)) == len(values)


def test_log_uniform_spreads_over_the_decades():
    values = values_of((1e-6, 1e6, "log-uniform"), n_iter=16, n_initial_points=16)
    counts, _ = np.histogram(np.log10(values), bins=[-6, -3, 0, 3, 6])
    assert min(counts) >= 3


def test_bounds_of_an_integer_range_are_included(skopt):
    assert sorted(values_of((1, 8))) == list(range(1, 9))
    assert sorted(values_of(skopt.Integer(1, 8))) == list(range(1, 9))


def test_a_list_is_values_also_where_scikit_optimize_sees_a_range():
    assert sorted(values_of([0.0, 1.0])) == [0.0, 1.0]
    assert sorted(values_of([0, 10])) == [0, 10]


def test_tuples_that_are_no_range_are_values():
    assert values_of(("one", "two")) == ["one", "two"]
    assert values_of((True, False)) == [True, False]
    assert values_of((3,)) == [3]


def test_categorical_gives_back_the_users_objects(skopt):
    models = [SVC(), None, "linear"]
    tried = values_of(skopt.Categorical(models))
    assert tried[1:] == [None, "linear"]
    assert type(tried[0]) is SVC


def test_categorical_with_probabilities(skopt):
    space = skopt.Categorical(["often", "never"], prior=[1.0, 0.0])
    assert values_of(space, n_iter=1) == ["often"]


def test_parameters_are_plain_python_objects(skopt):
    space = {
        "x": skopt.Real(0.0, 1.0),
        "n": skopt.Integer(0, 10),
        "name": skopt.Categorical(["one", "two", "three"]),
    }

    class Checked(Double):
        def __init__(self, x=0.0, n=0, name=""):
            self.x, self.n, self.name = x, n, name

        def fit(self, X, y=None):
            assert [type(v) for v in (self.x, self.n, self.name)] == [float, int, str]
            return self

    search = BayesSearchCV(Checked(), space, n_iter=11, cv=2, error_score="raise")
    search.fit(np.zeros((4, 1)))
    assert len(search.cv_results_["params"]) == 11


# The search ---------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_search_over_an_svc(iris, svc_space, n_jobs):
    X_train, X_test, y_train, y_test = iris
    search = BayesSearchCV(
        SVC(), svc_space, n_iter=11, n_jobs=n_jobs, random_state=0
    ).fit(X_train, y_train)
    assert search.score(X_test, y_test) > 0.9
    assert len(search.cv_results_["params"]) == 11


def test_all_subspaces_are_explored(iris, model_spaces):
    """There n_iter=2 is for each dict without an n of its own; here 4 is the total."""
    X_train, _, y_train, _ = iris
    linear, tree, svc = model_spaces
    search = BayesSearchCV(
        Pipeline([("model", SVC())]),
        [(linear, 1), (tree, 1), (svc, 2)],
        n_iter=4,
        random_state=0,
    ).fit(X_train, y_train)
    models = [type(params["model"]) for params in search.cv_results_["params"]]
    assert len(models) == 4
    assert set(models) == {LinearSVC, DecisionTreeClassifier, SVC}
    is_tree = np.array([model is DecisionTreeClassifier for model in models])
    depth = search.cv_results_["param_model__max_depth"]
    np.testing.assert_array_equal(np.ma.getmaskarray(depth), ~is_tree)


def test_clone_and_set_params(iris, model_spaces):
    X_train, _, y_train, _ = iris
    linear, tree, svc = model_spaces
    search = BayesSearchCV(Pipeline([("model", SVC())]), [linear, svc], n_iter=3)
    copy = clone(search)
    assert copy.get_params().keys() == search.get_params().keys()
    search.set_params(param_distributions=[(tree, 1)], n_iter=1)
    search.fit(X_train, y_train)
    copy.fit(X_train, y_train)
    assert len(search.cv_results_["params"]) == 1
    assert type(search.best_estimator_["model"]) is DecisionTreeClassifier
    assert len(copy.cv_results_["params"]) == 3


def test_random_state_makes_the_search_reproducible(iris, svc_space):
    X_train, _, y_train, _ = iris
    search = BayesSearchCV(SVC(), svc_space, n_iter=11, random_state=42)
    first = search.fit(X_train, y_train).cv_results_["params"]
    again = clone(search).fit(X_train, y_train).cv_results_["params"]
    assert first == again


def test_ranks_of_test_and_train_scores(iris, svc_space):
    """Ranks of the training scores are something that only scikit-optimize adds."""
    X_train, _, y_train, _ = iris
    results = (
        BayesSearchCV(
            SVC(), svc_space, n_iter=11, random_state=42, return_train_score=True
        )
        .fit(X_train, y_train)
        .cv_results_
    )
    wanted = rankdata(-results["mean_test_score"], method="min")
    np.testing.assert_array_equal(results["rank_test_score"], wanted)
    assert len(results["mean_train_score"]) == 11
    assert "rank_train_score" not in results


def test_fitted_attributes_do_not_disturb_a_fit(iris, svc_space):
    X_train, X_test, y_train, y_test = iris
    search = BayesSearchCV(SVC(), svc_space, n_iter=11, random_state=42)
    search.best_estimator_ = SVC(C=1e-6)
    assert search.fit(X_train, y_train).score(X_test, y_test) > 0.9


def test_space_with_one_free_dimension(iris, skopt):
    X_train, X_test, y_train, y_test = iris
    search = BayesSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [3], "min_samples_split": skopt.Real(0.1, 0.9)},
        n_iter=5,
        random_state=0,
    ).fit(X_train, y_train)
    assert {params["max_depth"] for params in search.cv_results_["params"]} == {3}
    assert search.score(X_test, y_test) > 0.5


@pytest.mark.parametrize(
    "scoring", [["accuracy", "f1"], {"f1": "f1", "accuracy": "accuracy"}]
)
def test_several_metrics(svc_space, scoring):
    X, y = make_classification(random_state=42)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    search = BayesSearchCV(
        SVC(), svc_space, n_iter=11, scoring=scoring, refit="f1", random_state=0
    ).fit(X_train, y_train)
    assert f1_score(y_test, search.predict(X_test)) > 0.8
    results = search.cv_results_
    assert len(results["mean_test_accuracy"]) == len(results["mean_test_f1"]) == 11
    assert search.best_score_ == max(results["mean_test_f1"])


def test_callable_that_returns_several_metrics(svc_space):
    def cells(estimator, X, y):
        (tn, fp), (fn, tp) = confusion_matrix(y, estimator.predict(X))
        return {"tn": tn, "fp": fp, "fn": fn, "tp": tp}

    X, y = make_classification(random_state=42)
    search = BayesSearchCV(
        SVC(), svc_space, n_iter=5, scoring=cells, refit="tp", random_state=0
    ).fit(X, y)
    assert search.best_score_ == max(search.cv_results_["mean_test_tp"])
    assert {"mean_test_tn", "mean_test_fp", "mean_test_fn"} <= set(search.cv_results_)


# The documentation --------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    """Return the training and the test part of a third of the digits."""
    X, y = load_digits(return_X_y=True)
    return train_test_split(X[::3], y[::3], train_size=0.75, random_state=0)


def test_minimal_example(digits):
    X_train, X_test, y_train, y_test = digits
    search = BayesSearchCV(
        SVC(),
        {
            "C": (1e-6, 1e6, "log-uniform"),
            "gamma": (1e-6, 1e1, "log-uniform"),
            "degree": (1, 8),
            "kernel": ["linear", "poly", "rbf"],
        },
        n_iter=32,
        cv=3,
        random_state=0,
    ).fit(X_train, y_train)
    assert search.best_score_ > 0.95
    assert search.score(X_test, y_test) > 0.95


def test_advanced_example(digits, skopt):
    X_train, X_test, y_train, y_test = digits
    svc = {
        "model": skopt.Categorical([SVC()]),
        "model__C": skopt.Real(1e-6, 1e6, prior="log-uniform"),
        "model__gamma": skopt.Real(1e-6, 1e1, prior="log-uniform"),
        "model__degree": skopt.Integer(1, 8),
        "model__kernel": skopt.Categorical(["linear", "poly", "rbf"]),
    }
    linear = {
        "model": [LinearSVC(max_iter=100)],
        "model__C": (1e-6, 1e6, "log-uniform"),
    }
    search = BayesSearchCV(
        Pipeline([("model", SVC())]),
        [(svc, 20), (linear, 16)],
        n_iter=36,
        cv=3,
        random_state=0,
    ).fit(X_train, y_train)
    assert len(search.cv_results_["params"]) == 36
    assert search.best_score_ > 0.95
    assert search.score(X_test, y_test) > 0.95


def test_subspaces_of_different_parameters(iris):
    X_train, _, y_train, _ = iris
    search = BayesSearchCV(
        SVC(),
        [({"C": (0.1, 1.0)}, 9), {"gamma": (0.1, 1.0)}],
        n_iter=12,
        random_state=0,
    ).fit(X_train, y_train)
    results = search.cv_results_
    # Each candidate has the parameter of one of them.
    has_C = ~np.ma.getmaskarray(results["param_C"])
    has_gamma = ~np.ma.getmaskarray(results["param_gamma"])
    assert np.all(has_C ^ has_gamma)
    assert has_C.sum() == 9
    assert 0 < np.sum(has_C) < 12
