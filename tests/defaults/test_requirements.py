"""What later steps require of the steps before them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import FeatureAgglomeration
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
)
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA, FactorAnalysis, TruncatedSVD
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.feature_selection import (
    RFE,
    SelectKBest,
    SelectPercentile,
    chi2,
    f_regression,
)
from sklearn.linear_model import (
    Lasso,
    Ridge,
)
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    Normalizer,
    OneHotEncoder,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

from sklearn_tuners import (
    When,
    default_space,
)

IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
SIX = make_pipeline(PCA(n_components=6), Ridge())
TWO = make_pipeline(PCA(n_components=2), Ridge())


def test_a_step_leaves_as_many_features_as_a_later_one_asks_for() -> None:
    X, y = DIABETES
    space = default_space(make_pipeline(SelectKBest(), PCA(n_components=6)), X, y)
    assert space["selectkbest__k"] == (6, 10, "log-uniform")
    pipe = make_pipeline(PCA(), TruncatedSVD(n_components=3))
    assert default_space(pipe, X, y)["pca__n_components"][:2] == (4, 10)
    pipe = make_pipeline(SelectPercentile(), PCA(n_components=6))
    assert default_space(pipe, X, y)["selectpercentile__percentile"][0] >= 60


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
