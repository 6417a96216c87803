"""What the registry says of parameters at any depth."""

from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
)
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.linear_model import (
    LinearRegression,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

from sklearn_tuners.spaces import directions, resources


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
