"""Sizes on their way through a composition, seen in the bounds of a space."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
    make_column_selector,
)
from sklearn.datasets import load_diabetes, load_iris, load_wine
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import (
    QuadraticDiscriminantAnalysis,
)
from sklearn.ensemble import (
    BaggingClassifier,
)
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import (
    SelectKBest,
)
from sklearn.impute import IterativeImputer, SimpleImputer
from sklearn.linear_model import (
    LogisticRegression,
    Ridge,
)
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVR

from sklearn_tuners import (
    default_space,
)

IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
WINE = tuple(part[::3] for part in load_wine(return_X_y=True))  # some 20 of each class


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
