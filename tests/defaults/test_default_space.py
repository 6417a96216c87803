"""Spaces made from the registry; `test_valid_points` fits their points."""

import math
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.covariance import OAS
from sklearn.cross_decomposition import PLSRegression
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
)
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingRegressor,
)
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.feature_selection import (
    SelectKBest,
    SelectPercentile,
)
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    HuberRegressor,
    Lasso,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    OneHotEncoder,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC, NuSVC, NuSVR

from sklearn_tuners import (
    When,
    default_space,
)
from sklearn_tuners._defaults import registry
from sklearn_tuners._defaults.default_space import find_default_space
from sklearn_tuners.spaces import resources

HAS_NO_PENALTY = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 8)
IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)


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
        (
            LogisticRegression(C=2.0, l1_ratio=0.5, solver="saga"),
            # Before 1.8 l1_ratio needs the penalty, which the space sets.
            set() if HAS_NO_PENALTY else {"penalty", "max_iter", "tol"},
        ),
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


def test_missing_values_are_imputed_in_ways_that_differ_only_if_there_are_some() -> (
    None
):
    assert default_space(SimpleImputer(), *IRIS) == {}


def test_what_is_not_fitted_again_is_left_alone() -> None:
    assert default_space(FrozenEstimator(SVC()), *IRIS) == {}
    assert default_space(GridSearchCV(SVC(), {"C": [1]}), *IRIS) == {}
    pipe = Pipeline([("a", "passthrough"), ("b", None), ("svc", SVC(kernel="linear"))])
    assert [*default_space(pipe, *IRIS)] == ["svc__C"]


# Other packages -----------------------------------------------------------------------


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
