"""Small samples of real data for a search; all other rows are held out."""

from __future__ import annotations

from typing import Any, NamedTuple

from scipy.stats import loguniform
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

__all__ = ["TASKS", "SmallTask"]


class SmallTask(NamedTuple):
    """A search on `n_rows` rows drawn from a data set."""

    load: Any
    n_rows: int
    estimator: Any
    space: dict[str, Any]
    scoring: str

    def draw(self, seed: int) -> tuple[Any, Any, Any, Any]:
        """Return X and y of the sample, and those held out."""
        X, y = self.load(return_X_y=True)
        by_class = is_classifier(self.estimator)
        split = StratifiedShuffleSplit if by_class else ShuffleSplit
        splits = split(1, train_size=self.n_rows, random_state=seed)
        train, test = next(splits.split(X, y))
        return X[train], y[train], X[test], y[test]

    def held_out(self, params: dict[str, Any], X: Any, y: Any, *test: Any) -> float:
        """Fit params to the sample; return the score on what is held out."""
        model = clone(self.estimator).set_params(**params).fit(X, y)
        return float(get_scorer(self.scoring)(model, *test))


def scaled(estimator: Any) -> Any:
    """Return a pipeline that scales first."""
    return make_pipeline(StandardScaler(), estimator)


TREE = {"max_depth": (1, 15), "min_samples_leaf": (1, 25)}
TASKS: dict[str, SmallTask] = {
    "SVC, breast cancer": SmallTask(
        load_breast_cancer,
        60,
        scaled(SVC()),
        {"svc__C": loguniform(1e-3, 1e3), "svc__gamma": loguniform(1e-4, 1e1)},
        "accuracy",
    ),
    "logistic regression, breast cancer": SmallTask(
        load_breast_cancer,
        60,
        scaled(LogisticRegression(max_iter=500)),
        {"logisticregression__C": loguniform(1e-4, 1e4)},
        "neg_log_loss",
    ),
    "decision tree, breast cancer": SmallTask(
        load_breast_cancer,
        80,
        DecisionTreeClassifier(random_state=0),
        TREE | {"ccp_alpha": loguniform(1e-4, 1e-1), "criterion": ["gini", "entropy"]},
        "roc_auc",
    ),
    "decision tree, digits": SmallTask(
        load_digits,
        200,
        DecisionTreeClassifier(random_state=0),
        TREE | {"max_features": (0.1, 1.0)},
        "accuracy",
    ),
    "k neighbours, wine": SmallTask(
        load_wine,
        60,
        scaled(KNeighborsClassifier()),
        {
            "kneighborsclassifier__n_neighbors": (1, 30),
            "kneighborsclassifier__p": (1.0, 4.0),
            "kneighborsclassifier__weights": ["uniform", "distance"],
        },
        "accuracy",
    ),
    "SVR, diabetes": SmallTask(
        load_diabetes,
        80,
        scaled(SVR()),
        {
            "svr__C": loguniform(1e-1, 1e4),
            "svr__gamma": loguniform(1e-4, 1e0),
            "svr__epsilon": loguniform(1e-1, 1e2),
        },
        "r2",
    ),
    "ridge on squares, diabetes": SmallTask(
        load_diabetes,
        80,
        make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge()),
        {"ridge__alpha": loguniform(1e-3, 1e5)},
        "r2",
    ),
    "decision tree, diabetes": SmallTask(
        load_diabetes,
        100,
        DecisionTreeRegressor(random_state=0),
        TREE | {"ccp_alpha": loguniform(1e0, 1e3)},
        "r2",
    ),
}
