"""The registry, and the spaces made from it; `test_valid_points` fits their points."""

import csv
import itertools
import math
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import FeatureAgglomeration
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
    make_column_selector,
)
from sklearn.covariance import OAS
from sklearn.cross_decomposition import PLSRegression
from sklearn.datasets import load_diabetes, load_iris, load_wine
from sklearn.decomposition import PCA, FactorAnalysis, TruncatedSVD
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import (
    RFE,
    SelectKBest,
    SelectPercentile,
    chi2,
    f_regression,
)
from sklearn.frozen import FrozenEstimator
from sklearn.impute import IterativeImputer, SimpleImputer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Normalizer,
    OneHotEncoder,
    PolynomialFeatures,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC, SVR, LinearSVC, NuSVC, NuSVR
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

import sklearn_tuners
from sklearn_tuners import (
    When,
    default_space,
    register_space,
)
from sklearn_tuners._defaults import registry
from sklearn_tuners._defaults.default_space import find_default_space
from sklearn_tuners._defaults.registry import Row, dotted_names, holds_for, left_out
from sklearn_tuners._defaults.sizes import FACTS
from sklearn_tuners.spaces import directions, resources

PACKAGE = Path(sklearn_tuners.__file__).parent
TABLE = list(
    csv.DictReader((PACKAGE / "_defaults" / "spaces.csv").open(encoding="utf-8"))
)
IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
WINE = tuple(part[::3] for part in load_wine(return_X_y=True))  # some 20 of each class


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})


# The tables ---------------------------------------------------------------------------


def test_every_estimator_is_in_one_of_the_tables() -> None:
    tuned = {cells["estimator"] for cells in TABLE}
    for name, estimator_class in all_estimators():
        found = [n for n in dotted_names(estimator_class) if n in tuned | {*left_out()}]
        assert found, f"{name} is in neither table"
        assert (found[0] in tuned) != (found[0] in left_out()), name


def test_reasons_are_given() -> None:
    assert all(len(reason) > 5 for reason in left_out().values())


def test_names_in_the_tables_exist() -> None:
    known = {n for _, c in all_estimators() for n in dotted_names(c)}
    # These need a switch to be importable, or a recent version.
    known |= {
        "sklearn.manifold.ClassicalMDS",
        "sklearn.impute.IterativeImputer",
        "sklearn.model_selection.HalvingGridSearchCV",
        "sklearn.model_selection.HalvingRandomSearchCV",
    }
    used = {cells["estimator"] for cells in TABLE} | {*left_out()}
    assert {name for name in used if name.startswith("sklearn.")} <= known


def test_rows_are_complete() -> None:
    for cells in TABLE:
        row = Row.read(cells)
        what = f"{cells['estimator']}.{cells['parameter']}"
        assert cells["source"], what
        quantities = [name for _, name in (*row.low, *row.high) if name]
        parts = {part for q in quantities for part in re.findall(r"[a-zA-Z]+", q)}
        letters = {"m": "p", "degree": "", "k": "k"}
        depends = {letters.get(p, p) for p in parts} & {"n", "p", "X", "y"}
        assert {*cells["depends"].split()} >= depends - {"y"}, what


def test_rows_of_one_parameter_exclude_each_other() -> None:
    seen: dict[tuple[str, str], list[dict[str, str]]] = {}
    for cells in TABLE:
        seen.setdefault((cells["estimator"], cells["parameter"]), []).append(cells)
    for key, rows in seen.items():
        conditions = [(cells["versions"], cells["condition"]) for cells in rows]
        assert len({*conditions}) == len(rows), key


def test_conditions_name_parameters_of_the_same_class() -> None:
    classes = {n: c for _, c in all_estimators() for n in dotted_names(c)}
    for cells in TABLE:
        estimator_class = classes.get(cells["estimator"])
        row = Row.read(cells)
        if estimator_class is None or row.versions:
            continue
        names = estimator_class._get_param_names()
        assert row.parameter in names, cells
        for other, _ in row.condition:
            assert other.rstrip("!") in {*names, *FACTS}, cells


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({}, "A row needs the name of a parameter"),
        ({"parameter": "a", "kind": "real"}, "a: kind must be one of"),
        ({"parameter": "a", "kind": "int"}, "needs low and high"),
        ({"parameter": "a", "kind": "choice"}, "a choice needs values"),
        ({"parameter": "a", "size": 3}, "no column 'size'"),
        ({"parameter": "a", "kind": "int", "low": 1, "high": "n/2"}, "is not a bound"),
        ({"parameter": "a", "kind": "int", "low": 1, "high": "2*"}, "is not a bound"),
        ({"parameter": "a", "kind": "choice", "values": "x|y"}, "no Python literals"),
        ({"parameter": "a", "kind": "choice", "values": 3}, "a: values must be a list"),
        ({"parameter": "a", "kind": "int", "low": 9, "high": "p 3"}, "low is 9, which"),
        (
            {"parameter": "a", "kind": "float", "low": 0, "high": 1, "scale": "log"},
            "a: a logarithmic range needs bounds above 0",
        ),
        ({"parameter": "a", "resource": 2.5}, "resource must be a positive int, got"),
        ({"parameter": "a", "resource": "few"}, "must be a positive int, got 'few'"),
        ({"parameter": "a", "resource": 0}, "resource must be a positive int, got 0"),
        (
            {"parameter": "a", "condition": {"b": "x"}},
            "must be a dict of names",
        ),
        (
            {"parameter": "a", "condition": ["b"]},
            "condition must be a dict",
        ),
        ({"parameter": "a", "condition": {"b": 1}}, "a: condition b: values must be"),
        (
            {"parameter": "a", "condition": {"@x": [True]}},
            "condition cannot name '@x'",
        ),
    ],
)
def test_wrong_rows(cells: dict[str, Any], message: str) -> None:
    message = message.replace("no Python", "not Python")
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        Row.read(cells)


@pytest.mark.parametrize(
    ("versions", "version", "expected"),
    [
        ("", "1.7.0", True),
        ("<1.8", "1.7.2", True),
        ("<1.8", "1.8.0", False),
        (">=1.8", "1.8.dev0", True),
        (">=1.8", "1.10.1", True),
        (">=1.8,<1.9", "1.9.1", False),
    ],
)
def test_versions(versions: str, version: str, expected: bool) -> None:
    assert holds_for(versions, version) is expected


# Spaces of single estimators ----------------------------------------------------------


def test_bounds_follow_the_data() -> None:
    knn = KNeighborsClassifier()
    assert default_space(knn, *IRIS)["n_neighbors"] == (1, 60, "log-uniform")
    assert default_space(knn, *IRIS, n_train=12)["n_neighbors"][:2] == (1, 6)
    low, high, _ = default_space(Lasso(), *DIABETES)["alpha"]
    X, y = DIABETES
    assert high == pytest.approx(y.std() * math.sqrt(X.var(axis=0).mean()), rel=0.01)
    assert low < high
    unscaled = default_space(SVC(), 1000 * IRIS[0], IRIS[1])["gamma"]
    assert unscaled[1] == pytest.approx(
        default_space(SVC(), *IRIS)["gamma"][1] / 1e6, rel=0.02
    )


def test_without_data_there_are_constants() -> None:
    assert default_space(KNeighborsClassifier())["n_neighbors"][:2] == (1, 50)
    assert default_space(PCA()) == {"n_components": (0.5, 0.999)}
    assert default_space(KNeighborsClassifier(), n_train=8)["n_neighbors"][:2] == (1, 4)


def test_what_the_user_has_set_is_left_alone() -> None:
    assert "C" not in default_space(SVC(C=2), *IRIS)
    assert "C" in default_space(SVC(C=1), *IRIS)  # 1.0 by default
    # One feature, which is not the same as all of them, 1.0.
    assert "max_features" not in default_space(RandomForestClassifier(max_features=1))


def test_conditions_are_resolved_where_what_they_ask_for_is_fixed() -> None:
    free = default_space(KernelRidge(), *DIABETES)
    assert free["degree"] == When((2, 4), {"kernel": ["poly"]})
    assert free["kernel"] == ["linear", "rbf", "poly"]
    poly = default_space(SVC(kernel="poly"), *IRIS)
    assert poly["degree"] == (2, 4)
    assert poly.keys() == {"C", "degree", "coef0"}
    assert default_space(SVC(kernel="linear"), *IRIS).keys() == {"C"}
    trees = default_space(ExtraTreesClassifier(), *IRIS)
    assert trees["max_samples"].condition == {"bootstrap": [True]}
    assert "max_samples" not in default_space(RandomForestClassifier(bootstrap=False))


def test_a_fit_is_given_what_it_needs_to_converge() -> None:
    space = default_space(LogisticRegression(), *IRIS)
    assert space["max_iter"] == When([1000], {"solver": ["saga"]})
    # The estimator as it is stays a point of the space.
    own = find_default_space(LogisticRegression(), *IRIS).own
    assert own == {"C": 1.0, "solver": "lbfgs"}
    # What the user has set is kept.
    assert "max_iter" not in default_space(LogisticRegression(max_iter=50), *IRIS)
    assert "tol" not in default_space(LinearSVC(tol=1e-6), *IRIS)


def test_a_hessian_is_factorised_if_it_is_small() -> None:
    X, y = DIABETES
    space = default_space(PoissonRegressor(), X, y)
    assert space["solver"] == ["newton-cholesky"]
    wide = default_space(PoissonRegressor(), np.repeat(X, 101, axis=1), y)
    assert "solver" not in wide
    assert wide["max_iter"] == [1000]


@pytest.mark.parametrize("estimator", [SVC(), NuSVC(), SVR(), NuSVR()])
def test_support_vector_machines_search_no_polynomials(estimator: Any) -> None:
    space = default_space(estimator, *IRIS)
    assert "gamma" in space
    assert not {"kernel", "degree", "coef0"} & space.keys()


def test_fixed_parameters() -> None:
    pipe = make_pipeline(StandardScaler(), KernelRidge())
    free = default_space(pipe, *DIABETES)
    name = "kernelridge__kernel"
    for kernel, left in [
        ("linear", {"alpha"}),  # the default of the class
        ("rbf", {"alpha", "gamma"}),
        ("poly", {"alpha", "gamma", "degree", "coef0"}),
    ]:
        space = default_space(pipe, *DIABETES, fixed={name: kernel})
        assert space.pop(name) == [kernel]
        assert space.keys() == {f"kernelridge__{parameter}" for parameter in left}
        assert not any(isinstance(domain, When) for domain in space.values())
    assert pipe[-1].kernel == "linear"
    assert default_space(pipe, *DIABETES) == free
    # A whole step, and what it leaves.
    fixed = {"standardscaler": PCA(n_components=3)}
    pipe = make_pipeline(StandardScaler(), SelectKBest(), Ridge())
    space = default_space(pipe, *DIABETES, fixed=fixed)
    assert space["selectkbest__k"][:2] == (1, 3)
    with pytest.raises(ValueError, match="Invalid parameter 'kern'"):
        default_space(KernelRidge(), fixed={"kern": "rbf"})


@pytest.mark.parametrize(
    ("version", "free", "saga"),
    [
        ("1.7.0", {"C", "solver", "penalty", "l1_ratio"}, {"C", "penalty", "l1_ratio"}),
        ("1.8.0", {"C", "solver", "l1_ratio"}, {"C", "l1_ratio"}),
        ("1.9.1", {"C", "solver", "l1_ratio"}, {"C", "l1_ratio"}),
    ],
)
def test_the_elastic_net_of_logistic_regression(
    monkeypatch: pytest.MonkeyPatch, version: str, free: set[str], saga: set[str]
) -> None:
    class Penalised(LogisticRegression):  # as in that version
        def __init__(
            self,
            penalty: Any = "l2" if version == "1.7.0" else "deprecated",
            C: float = 1.0,
            solver: str = "lbfgs",
            l1_ratio: Any = None,
        ) -> None:
            super().__init__()
            self.penalty, self.C = penalty, C
            self.solver, self.l1_ratio = solver, l1_ratio

    monkeypatch.setattr(registry, "_version", lambda _: version)
    space = default_space(Penalised())
    assert space.keys() == free
    assert space["l1_ratio"] == When((0.0, 1.0), {"solver": ["saga"]})
    assert space["C"] == (1e-4, 1e4, "log-uniform")
    assert default_space(Penalised(solver="saga")).keys() == saga
    assert default_space(Penalised(solver="liblinear")).keys() == {"C"}


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore:.*converge")
@pytest.mark.parametrize(
    ("estimator", "left"),
    [
        (LogisticRegression(C=np.inf), set()),
        (LogisticRegression(C=np.inf, solver="saga"), set()),
        (LogisticRegression(penalty=None, solver="saga"), set()),
        (LogisticRegression(C=2.0, l1_ratio=0.5, solver="saga"), set()),
        (LinearSVC(dual=True), {"C", "tol"}),
        (LinearSVC(dual=False), {"C", "penalty", "tol"}),
        (LinearSVC(C=2.0, penalty="l1"), set()),
        (HuberRegressor(alpha=0.1, epsilon=2.0), set()),
        (LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=OAS()), set()),
        (LinearDiscriminantAnalysis(solver="lsqr"), {"shrinkage"}),
    ],
)
def test_what_is_set_rules_out_what_conflicts_or_does_nothing(
    estimator: Any, left: set[str]
) -> None:
    space = default_space(estimator, *IRIS)
    assert space.keys() == left
    for end in (0, -1):
        point = {k: d[end] for k, d in space.items() if isinstance(d, list)}
        assert clone(estimator).set_params(**point).fit(*IRIS).score(*IRIS) > 0.5


@pytest.mark.parametrize(
    ("name", "params", "left_out"),
    [
        ("lightgbm.LGBMClassifier", {"boosting_type": "goss"}, {"subsample_freq"}),
        ("lightgbm.LGBMClassifier", {"boosting": "goss"}, {"subsample_freq"}),
        (
            "lightgbm.LGBMRegressor",
            {"data_sample_strategy": "goss"},
            {"subsample_freq", "subsample"},
        ),
        (
            "lightgbm.LGBMRegressor",
            {"min_data_in_leaf": 3, "lambda_l2": 1.0, "feature_fraction": 0.5},
            {"min_child_samples", "reg_lambda", "colsample_bytree"},
        ),
        ("xgboost.XGBRegressor", {"eta": 0.1}, {"learning_rate"}),
        (
            "xgboost.XGBClassifier",
            {"booster": "gblinear"},
            {"max_depth", "min_child_weight", "subsample", "colsample_bytree"},
        ),
    ],
)
def test_what_is_set_on_boosting_libraries(
    name: str, params: dict[str, Any], left_out: set[str]
) -> None:
    module, _, short = name.partition(".")
    estimator_class = getattr(pytest.importorskip(module), short)
    free = default_space(estimator_class()).keys()
    assert left_out <= free
    left = default_space(estimator_class(**params)).keys()
    assert free - left >= left_out
    assert "n_estimators" in left


@pytest.mark.parametrize("short", ["XGBRFClassifier", "XGBRFRegressor"])
def test_a_forest_of_xgboost_does_not_boost(short: str) -> None:
    estimator = getattr(pytest.importorskip("xgboost"), short)()
    assert default_space(estimator).keys() == {
        "max_depth",
        "min_child_weight",
        "subsample",
        "colsample_bynode",
        "reg_lambda",
    }
    assert resources(estimator) == {"n_estimators": 10}


def test_a_printed_space_can_be_read_back() -> None:
    space = default_space(make_pipeline(StandardScaler(), KernelRidge()), *DIABETES)
    assert eval(repr(space), {"When": When}) == space


def test_subclasses_have_the_space_of_their_base() -> None:
    class Mine(Ridge):
        def __init__(self, alpha: float = 1.0) -> None:
            super().__init__(alpha=alpha)

    assert default_space(Mine()) == default_space(Ridge())
    assert default_space(BaseEstimator()) == {}


def test_the_largest_feasible_nu() -> None:
    y = np.repeat([0, 1], [100, 10])
    low, high = default_space(NuSVC(), np.eye(110), y, n_train=88)["nu"]
    assert 0 < low < high < 2 * 8 / 88
    several = OneVsRestClassifier(NuSVC())
    _, of_rest = default_space(several, *IRIS)["estimator__nu"]
    assert of_rest < 2 / 3


# Compositions -------------------------------------------------------------------------


def test_steps_have_prefixes_at_any_depth() -> None:
    inner = make_pipeline(PCA(), SVC(kernel="linear"))
    stack = StackingClassifier(
        [("a", inner), ("b", BaggingClassifier(OneVsRestClassifier(GaussianNB())))],
        final_estimator=LogisticRegression(solver="newton-cg"),
    )
    space = default_space(Pipeline([("s", StandardScaler()), ("stack", stack)]), *IRIS)
    assert [*space] == [
        "stack__a__pca__n_components",
        "stack__a__svc__C",
        "stack__b__max_samples",
        "stack__b__max_features",
        "stack__b__estimator__estimator__var_smoothing",
        "stack__final_estimator__C",
    ]
    clone(stack).set_params(a__svc__C=2.0)


def test_conditions_have_prefixes_too() -> None:
    space = default_space(VotingRegressor([("v", KernelRidge())]), *DIABETES)
    assert space["v__degree"].condition == {"v__kernel": ["poly"]}


def test_five_steps_with_branches_stay_one_dict() -> None:
    union = FeatureUnion([(str(i), KernelRidge()) for i in range(5)])
    assert isinstance(default_space(union), dict)


def test_features_after_a_step() -> None:
    pipe = make_pipeline(SelectKBest(), SelectKBest())
    space = default_space(pipe, *IRIS)
    assert space["selectkbest-1__k"] == (1, 4, "log-uniform")
    # The first may leave a single one, or all: the second stays as it is.
    assert "selectkbest-2__k" not in space
    fixed = make_pipeline(SelectKBest(k=3), SelectKBest())
    assert default_space(fixed, *IRIS)["selectkbest-2__k"][:2] == (1, 3)


@pytest.mark.parametrize(
    ("steps", "X", "high"),
    [
        ([], DIABETES[0], 3),
        ([], np.repeat(DIABETES[0], 15, axis=1), 2),
        ([], None, 2),
        ([PCA()], DIABETES[0], 2),
        ([SimpleImputer(add_indicator=True)], DIABETES[0], 2),
    ],
)
def test_a_polynomial_is_never_switched_off(
    steps: list[Any], X: Any, high: int
) -> None:
    pipe = make_pipeline(*steps, PolynomialFeatures(), Ridge())
    assert default_space(pipe, X)["polynomialfeatures__degree"] == (1, high)


@pytest.mark.parametrize("step", [SelectKBest(), TruncatedSVD(), SelectPercentile()])
def test_what_counts_features_stays_as_it_is_where_their_number_is_unknown(
    step: Any,
) -> None:
    X = np.repeat([["x"], ["y"], ["z"]], 20, axis=0)
    name = type(step).__name__.lower()
    space = default_space(make_pipeline(OneHotEncoder(), step, GaussianNB()), X)
    assert not any(parameter.startswith(name) for parameter in space)
    # It is known to be one here, and what the class has is invalid.
    X_one, y = DIABETES[0][:, :1], DIABETES[1]
    assert default_space(PLSRegression(), X_one, y)["n_components"] == [1]


def test_a_step_leaves_as_many_features_as_a_later_one_asks_for() -> None:
    X, y = DIABETES
    space = default_space(make_pipeline(SelectKBest(), PCA(n_components=6)), X, y)
    assert space["selectkbest__k"] == (6, 10, "log-uniform")
    pipe = make_pipeline(PCA(), TruncatedSVD(n_components=3))
    assert default_space(pipe, X, y)["pca__n_components"][:2] == (4, 10)
    pipe = make_pipeline(SelectPercentile(), PCA(n_components=6))
    assert default_space(pipe, X, y)["selectpercentile__percentile"][0] >= 60


SIX = make_pipeline(PCA(n_components=6), Ridge())
TWO = make_pipeline(PCA(n_components=2), Ridge())


@pytest.mark.parametrize(
    ("later", "needed"),
    [
        (SIX, 6),
        (VotingRegressor([("a", Ridge()), ("b", SIX)]), 6),
        (TransformedTargetRegressor(SIX, transformer=StandardScaler()), 6),
        # What the target goes through is no feature.
        (TransformedTargetRegressor(Ridge(), transformer=PCA(n_components=1)), 1),
        (StackingRegressor([("a", Ridge()), ("b", Lasso())], TWO), 1),
        (make_pipeline(FeatureAgglomeration(), Ridge()), 2),
        (FeatureUnion([("a", TruncatedSVD(3)), ("b", PCA())]), 4),
        (ColumnTransformer([("a", StandardScaler(), [0, 4])]), 5),
        (ColumnTransformer([("a", "passthrough", [-7])]), 7),
        (ColumnTransformer([("a", "passthrough", [True, False, True])]), 3),
        (ColumnTransformer([("a", "passthrough", slice(0, 8))]), 1),
    ],
)
def test_a_step_leaves_what_is_needed_at_any_depth(later: Any, needed: int) -> None:
    last = [Ridge()] if hasattr(later, "transform") else []
    pipe = make_pipeline(SelectKBest(f_regression), later, *last)
    space = default_space(pipe, *DIABETES)
    assert space["selectkbest__k"] == (needed, 10, "log-uniform")
    fewest = {name: first_value(domain) for name, domain in space.items()}
    assert pipe.set_params(**fewest).fit(*DIABETES).score(*DIABETES) > 0


def first_value(domain: Any) -> Any:
    return first_value(domain.domain) if isinstance(domain, When) else domain[0]


def test_bagging_draws_as_many_features_as_are_needed_inside() -> None:
    X, y = DIABETES
    space = default_space(BaggingRegressor(SIX), X, y)
    low, high = space["max_features"]
    assert 0.6 < low < 0.7
    assert high == 1
    assert BaggingRegressor(SIX, max_features=low).fit(X, y).score(X, y) > 0
    all_needed = BaggingRegressor(make_pipeline(PCA(n_components=10), Ridge()))
    assert "max_features" not in default_space(all_needed, X, y)


def test_columns_that_are_put_together_again_keep_what_is_needed() -> None:
    frame = pd.DataFrame(DIABETES[0])
    columns = ColumnTransformer([("a", PCA(), [0, 4]), ("b", PCA(), [1, 2, 3, 5])])
    pipe = make_pipeline(columns, PCA(n_components=5), Ridge())
    space = default_space(pipe, frame)
    assert space["columntransformer__a__n_components"] == [2]
    assert space["columntransformer__b__n_components"] == [4]


def test_categories_are_not_merged_into_a_single_column_if_two_are_needed() -> None:
    X = np.repeat([["x"], ["y"], ["z"]], [40, 5, 5], axis=0)
    encoder = ColumnTransformer([("a", OneHotEncoder(), [0])])
    name = "columntransformer__a__min_frequency"
    assert name in default_space(make_pipeline(encoder, Ridge()), X)
    assert name not in default_space(make_pipeline(encoder, TruncatedSVD(), Ridge()), X)


def few_labels() -> tuple[Any, Any]:
    X, y = IRIS
    return X, np.where(np.arange(150) % 5, -1, y)  # ten of each class


def mostly_missing() -> tuple[Any, Any]:
    X, y = IRIS
    is_missing = np.random.RandomState(0).random_sample(X.shape) < 0.6
    return np.where(is_missing, np.nan, X), y


@pytest.mark.filterwarnings("ignore:.*stopping criterion")
@pytest.mark.parametrize(
    ("estimator", "data"),
    [
        (SelfTrainingClassifier(KNeighborsClassifier()), few_labels()),
        (IterativeImputer(KNeighborsRegressor(), max_iter=1), mostly_missing()),
        (BaggingClassifier(QuadraticDiscriminantAnalysis(), random_state=0), WINE),
    ],
)
def test_few_samples_reach_what_is_inside(estimator: Any, data: Any) -> None:
    space = default_space(estimator, *data, n_train=len(data[1]))
    assert any(name.startswith("estimator__") for name in space)
    ends = [(d[0], d[1] if isinstance(d, tuple) else d[-1]) for d in space.values()]
    for corner in itertools.product(*ends):
        point = dict(zip(space, corner, strict=True))
        fitted = clone(estimator).set_params(**point).fit(*data)
        use = fitted.predict if hasattr(fitted, "predict") else fitted.transform
        assert len(use(data[0])) == len(data[1])


def test_a_step_leaves_two_features_where_one_would_be_nothing_but_a_sign() -> None:
    pipe = make_pipeline(FactorAnalysis(), Normalizer(), GaussianNB())
    assert default_space(pipe, *IRIS)["factoranalysis__n_components"][:2] == (2, 4)


def test_a_share_stays_where_the_class_would_leave_too_few() -> None:
    tree = DecisionTreeClassifier()
    steps = [PCA(n_components=2), RFE(tree), TruncatedSVD(), GaussianNB()]
    pipe = make_pipeline(*steps)  # of two features RFE keeps one by itself
    space = default_space(pipe, *IRIS)
    assert space["rfe__n_features_to_select"] == [1.0]
    pipe.set_params(rfe__n_features_to_select=1.0, truncatedsvd__n_components=1)
    assert pipe.fit(*IRIS).score(*IRIS) > 0.5


def test_a_step_makes_no_negative_values_if_a_later_one_refuses_them() -> None:
    name = "quantiletransformer__output_distribution"
    free = make_pipeline(QuantileTransformer(), GaussianNB())
    assert name in default_space(free, *IRIS)
    bound = make_pipeline(QuantileTransformer(), BaggingClassifier(MultinomialNB()))
    assert name not in default_space(bound, *IRIS)
    bound = make_pipeline(QuantileTransformer(), SelectKBest(chi2), GaussianNB())
    assert name not in default_space(bound, *IRIS)


def test_sparse_data_allow_counts_of_components_only() -> None:
    X = csr_array(np.eye(60, 8))
    assert default_space(PCA(), X)["n_components"] == (1, 7, "log-uniform")
    frame = pd.DataFrame({"a": list("xyz") * 20, "b": list("uv") * 30})
    # At least two columns: PCA's own number of components fits any.
    space = default_space(make_pipeline(OneHotEncoder(), PCA()), frame)
    assert not any("pca" in name for name in space)


def test_columns() -> None:
    rng = np.random.RandomState(0)
    frame = pd.DataFrame(rng.normal(size=(60, 5)), columns=list("abcde"))
    frame["f"] = list("xyz") * 20
    frame.loc[3, "a"] = np.nan
    columns = ColumnTransformer(
        [
            ("few", make_pipeline(SimpleImputer(), SelectKBest()), ["a", "b"]),
            ("none", SelectKBest(), []),
            ("kind", OneHotEncoder(), make_column_selector(dtype_exclude="number")),
        ],
        remainder=PCA(),
    )
    space = default_space(make_pipeline(columns, Ridge()), frame)
    few = "columntransformer__few"
    assert space[f"{few}__selectkbest__k"] == (1, 2, "log-uniform")
    assert space[f"{few}__simpleimputer__strategy"] == ["mean", "median"]
    assert "columntransformer__kind__min_frequency" in space
    assert "columntransformer__remainder__n_components" in space
    assert not any("none" in name for name in space)
    # Without data the number of listed columns is known all the same.
    assert default_space(columns)["few__selectkbest__k"] == (1, 2, "log-uniform")


def test_missing_values_are_imputed_in_ways_that_differ_only_if_there_are_some() -> (
    None
):
    assert default_space(SimpleImputer(), *IRIS) == {}


def test_texts() -> None:
    words = [f"word{i} word{i + 1} and more" for i in range(40)] * 5
    pipe = make_pipeline(TfidfVectorizer(), TruncatedSVD(), LogisticRegression())
    space = default_space(pipe, words, [0, 1] * 100)
    assert space["tfidfvectorizer__ngram_range"] == [(1, 1), (1, 2)]
    assert 2 < space["truncatedsvd__n_components"][1] < 43
    few = default_space(pipe, ["one word"] * 100, [0, 1] * 50)
    assert "tfidfvectorizer__min_df" not in few


def test_targets() -> None:
    X, y = DIABETES
    transformed = TransformedTargetRegressor(SVR(), transformer=StandardScaler())
    epsilon = default_space(transformed, X, y)["regressor__epsilon"]
    assert epsilon[1] == pytest.approx(1)
    plain = default_space(TransformedTargetRegressor(SVR()), X, y)
    assert plain["regressor__epsilon"][1] == pytest.approx(y.std(), rel=0.01)
    several = default_space(MultiOutputRegressor(Ridge()), X, np.c_[y, y])
    assert several == {"estimator__alpha": (1e-4, 1e4, "log-uniform")}


def test_what_is_not_fitted_again_is_left_alone() -> None:
    assert default_space(FrozenEstimator(SVC()), *IRIS) == {}
    assert default_space(GridSearchCV(SVC(), {"C": [1]}), *IRIS) == {}
    pipe = Pipeline([("a", "passthrough"), ("b", None), ("svc", SVC(kernel="linear"))])
    assert [*default_space(pipe, *IRIS)] == ["svc__C"]


# Directions, resources ----------------------------------------------------------------


def test_directions() -> None:
    pipe = make_pipeline(StandardScaler(), BaggingClassifier(KNeighborsClassifier()))
    found = directions(pipe)
    prefix = "baggingclassifier__estimator__"
    assert found[f"{prefix}n_neighbors"] == "high"
    assert found[f"{prefix}weights"] == ["uniform", "distance"]
    assert "learning_rate" not in directions(HistGradientBoostingClassifier())
    assert directions(DecisionTreeClassifier())["max_depth"] == "low"  # not searched


def test_resources() -> None:
    pipe = make_pipeline(PCA(), HistGradientBoostingClassifier())
    assert resources(pipe) == {"histgradientboostingclassifier__max_iter": 10}
    assert resources(LinearRegression()) == {}


# Own estimators, other packages -------------------------------------------------------


class Tilted(ClassifierMixin, BaseEstimator):
    def __init__(self, slope: float = 1.0, mode: str = "a", size: Any = 3) -> None:
        self.slope, self.mode, self.size = slope, mode, size


ROWS: list[dict[str, Any]] = [
    {"parameter": "mode", "kind": "choice", "values": ["a", "b"]},
    {
        "parameter": "slope",
        "kind": "float",
        "low": 0.1,
        "high": 10,
        "scale": "log",
        "condition": {"mode": ["b"]},
        "simpler": "high",
    },
    {"parameter": "size", "kind": "int", "low": 1, "high": "p 50", "resource": 2},
]


def test_register_space() -> None:
    assert default_space(Tilted(), *IRIS) == {}
    register_space(Tilted, ROWS)
    assert default_space(Tilted(), *IRIS) == {
        "mode": ["a", "b"],
        "slope": When((0.1, 10.0, "log-uniform"), {"mode": ["b"]}),
        "size": (1, 4),
    }
    assert directions(Tilted()) == {"slope": "high"}
    assert resources(Tilted()) == {"size": 2}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"parameter": "slop", "simpler": "low"},
            "has no parameter 'slop'; it has mode",
        ),
        (
            {"parameter": "slope", "condition": {"mod": ["a"]}},
            "slope: Tilted has no parameter 'mod'",
        ),
        (
            {"parameter": "slope", "condition": {"size": [3]}},
            "slope: a condition cannot list values of 'size', which is searched as",
        ),
    ],
)
def test_rows_that_do_not_fit_the_class(row: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        register_space(Tilted, [*ROWS, row])
    assert default_space(Tilted()) == {}


def test_a_condition_on_a_range_holds_unless_it_asks_for_a_value() -> None:
    ends: dict[str, Any] = {"low": 1, "high": 9, "kind": "int"}
    rows = [
        {"parameter": "size", **ends},
        {"parameter": "slope", **ends, "condition": {"size!": ["auto"]}},
        {"parameter": "mode", **ends, "condition": {"size": [None]}},
    ]
    register_space(Tilted, rows)
    assert default_space(Tilted()).keys() == {"size", "slope"}
    assert default_space(Tilted(size=None)).keys() == {"slope", "mode"}
    assert default_space(Tilted(size="auto")) == {}


def test_registered_rows_take_the_place_of_ours() -> None:
    rows = [{"parameter": "alpha", "kind": "float", "low": 1, "high": 2}]
    register_space(Ridge, rows)
    assert default_space(Ridge()) == {"alpha": (1.0, 2.0)}


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Return what makes functions known as entry points."""
    asked = []

    def make(*functions: Callable[[], Any]) -> None:
        found = [
            SimpleNamespace(name=f"plug{i}", value="mod:spaces", load=lambda f=f: f)
            for i, f in enumerate(functions)
        ]

        def entry_points(group: str) -> list[Any]:
            asked.append(group)
            return found

        monkeypatch.setattr(registry, "entry_points", entry_points)
        registry._plugged_in.cache_clear()

    yield make
    registry._plugged_in.cache_clear()
    assert asked == ["sklearn_tuners.spaces"]


def test_entry_points(plug_in: Callable[..., None]) -> None:
    plug_in(lambda: {dotted_names(Tilted)[0]: ROWS})
    assert default_space(Tilted()).keys() == {"mode", "slope", "size"}


@pytest.mark.parametrize(
    ("spaces", "message"),
    [
        (lambda: 1 / 0, "division by zero"),
        (list, "no attribute 'items'"),
        (lambda: {"a.B": [{"parameter": "c", "kind": "real"}]}, "c: kind must be one"),
    ],
)
def test_an_entry_point_that_fails_is_named_and_left_out(
    plug_in: Callable[..., None], spaces: Any, message: str
) -> None:
    plug_in(spaces, lambda: {dotted_names(Tilted)[0]: ROWS})
    with pytest.warns(UserWarning, match=rf"'plug0' \(mod:spaces\).*{message}"):
        space = default_space(Tilted())
    assert space.keys() == {"mode", "slope", "size"}


def test_boosting_libraries_are_known_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    class CatBoostClassifier(ClassifierMixin, BaseEstimator):
        """Lists only parameters that are set, as CatBoost does."""

        def __init__(
            self,
            iterations: int | None = None,
            depth: int | None = None,
            max_depth: int | None = None,
            **kwargs: Any,
        ) -> None:
            given = {"iterations": iterations, "depth": depth, "max_depth": max_depth}
            self.given = {k: v for k, v in given.items() if v is not None}

        def get_params(self, deep: bool = True) -> dict[str, Any]:
            return self.given

    monkeypatch.setitem(sys.modules, "catboost", ModuleType("catboost"))
    CatBoostClassifier.__module__ = "catboost.core"
    CatBoostClassifier.__qualname__ = "CatBoostClassifier"
    found = find_default_space(CatBoostClassifier())
    assert found.space == {"iterations": (50, 1000, "log-uniform"), "depth": (2, 8)}
    # Nothing is set, and nothing is to be set: the estimator as it is.
    assert found.own == {}
    # An alias that the user has set.
    assert default_space(CatBoostClassifier(max_depth=3)).keys() == {"iterations"}
