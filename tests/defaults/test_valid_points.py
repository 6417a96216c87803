"""Points of default spaces are valid: they are drawn, and fitted on real data."""

import importlib
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from sklearn import datasets
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils._param_validation import validate_parameter_constraints
from threadpoolctl import threadpool_limits

from sklearn_tuners._defaults.default_space import find_default_space
from sklearn_tuners._defaults.registry import rows_of, shipped
from sklearn_tuners._defaults.sizes import Sizes, quantity
from sklearn_tuners._space.space import Space
from sklearn_tuners.spaces import default_space
from sklearn_tuners.testing import params_of

NAMES = sorted(name for name in shipped() if name.startswith("sklearn."))

# Real data ----------------------------------------------------------------------------

Data = tuple[Any, Any]


@cache
def data(kind: str) -> Data:
    """Features and target of 80 to 100 samples, shuffled."""
    X, y = MAKERS[kind]()
    order = np.random.RandomState(0).permutation(len(y))[:100]
    X = [X[i] for i in order] if isinstance(X, list) else X[order]
    return X, np.asarray(y)[order]


def _texts() -> Data:
    """Lines of the descriptions of data sets, with the data set as the class."""
    names = ["breast_cancer", "diabetes", "digits", "iris", "wine"]
    pairs = [
        (line, name)
        for name in names
        for line in getattr(datasets, f"load_{name}")().DESCR.splitlines()
        if len(line) > 40
    ]
    return [text for text, _ in pairs], [name for _, name in pairs]


def _word_counts() -> Data:
    texts, y = _texts()
    return [dict.fromkeys(text.split(), 1) for text in texts], y


def _categories() -> Data:
    X, y = datasets.load_iris(return_X_y=True)
    return np.round(X).astype(int), y


def _missing() -> Data:
    X, y = datasets.load_iris(return_X_y=True)
    X = X.copy()
    X[np.random.RandomState(0).random_sample(X.shape) < 0.1] = np.nan
    return X, y


def _several_targets() -> Data:
    X, y = datasets.load_diabetes(return_X_y=True)
    return X[:, 2:], np.column_stack([y, X[:, 0], X[:, 1]])


def _binary() -> Data:
    return datasets.load_breast_cancer(return_X_y=True)


def _unbalanced() -> Data:
    X, y = datasets.load_wine(return_X_y=True)
    keep = np.concatenate([np.flatnonzero(y == k)[:n] for k, n in enumerate((59, 9))])
    return X[keep], y[keep]


def _positive() -> Data:
    X, y = datasets.load_diabetes(return_X_y=True)
    return X - X.min(axis=0), y


MAKERS: dict[str, Callable[[], Data]] = {
    "classes": lambda: datasets.load_iris(return_X_y=True),
    "unscaled": lambda: datasets.load_wine(return_X_y=True),
    "binary": _binary,
    "unbalanced": _unbalanced,
    "numbers": lambda: datasets.load_diabetes(return_X_y=True),
    "positive": _positive,
    "targets": _several_targets,
    "text": _texts,
    "dicts": _word_counts,
    "categories": _categories,
    "missing": _missing,
}

_KINDS = {
    **dict.fromkeys(
        ["CountVectorizer", "HashingVectorizer", "TfidfVectorizer"], "text"
    ),
    "FeatureHasher": "dicts",
    **dict.fromkeys(["SimpleImputer", "KNNImputer", "IterativeImputer"], "missing"),
    **dict.fromkeys(
        ["OneHotEncoder", "OrdinalEncoder", "TargetEncoder", "CategoricalNB"],
        "categories",
    ),
    **dict.fromkeys(
        ["MultiTaskLasso", "MultiTaskElasticNet", "CCA", "PLSCanonical", "PLSSVD"],
        "targets",
    ),
    "FixedThresholdClassifier": "binary",
}  # fmt: skip


def kinds_for(name: str) -> list[str]:
    """Kinds of data that a class is tried on."""
    short = name.rpartition(".")[2]
    if short == "SequentialFeatureSelector":
        return ["classes"]  # a fit for each subset of features
    if short in _KINDS:
        return [_KINDS[short]]
    if "Regressor" in short or short in REGRESSORS:
        return ["numbers"]
    return ["classes", "unscaled"] + (["unbalanced"] if short == "NuSVC" else [])


REGRESSORS = {
    "ARDRegression", "ElasticNet", "KernelRidge", "Lars", "Lasso", "LassoLars",
    "LinearSVR", "NuSVR", "OrthogonalMatchingPursuit", "PLSRegression", "Ridge", "SVR",
}  # fmt: skip

# Estimators that cannot be made, or would take long, without arguments.
_ARGUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "RFE": lambda: {"estimator": DecisionTreeClassifier()},
    "SelectFromModel": lambda: {"estimator": LogisticRegression()},
    "OutputCodeClassifier": lambda: {"estimator": LogisticRegression()},
    "FixedThresholdClassifier": lambda: {"estimator": LogisticRegression()},
    "SelfTrainingClassifier": lambda: {"estimator": LogisticRegression()},
    "CalibratedClassifierCV": lambda: {"estimator": DecisionTreeClassifier()},
    "DictionaryLearning": lambda: {"max_iter": 10},
    "SparsePCA": lambda: {"max_iter": 10},
    "SequentialFeatureSelector": lambda: {"estimator": GaussianNB(), "cv": 2},
    # Else what comes after may get negative values of new rows, whatever is searched.
    "MinMaxScaler": lambda: {"clip": True},
}


def make(name: str) -> tuple[Any, dict[str, Any]]:
    """Make an instance of a class by its dotted name."""
    importlib.import_module("sklearn.experimental.enable_iterative_imputer")
    module, _, short = name.rpartition(".")
    estimator_class = getattr(importlib.import_module(module), short)
    estimator = estimator_class(**_ARGUMENTS.get(short, dict)())
    # What would take long, at the smallest value that is sensible.
    cheap = {row.parameter: row.resource for row in rows_of(estimator) if row.resource}
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=0)
    return estimator, cheap


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


def take(X: Any, rows: Any) -> Any:
    return [X[i] for i in rows] if isinstance(X, list) else X[rows]


def split(kind: str, n_train: int) -> tuple[Data, Data]:
    """Return a training set, stratified if there are classes, and the rest."""
    X, y = data(kind)
    has_classes = kind not in ("numbers", "positive", "targets")
    train, test = train_test_split(
        np.arange(len(y)),
        train_size=n_train,
        stratify=y if has_classes else None,
        random_state=0,
    )
    return (take(X, train), y[train]), (take(X, test), y[test])


def fit_and_use(estimator: Any, train: Data, test: Data) -> None:
    """Do what a search does with an estimator; what is deprecated is an error."""
    with warnings.catch_warnings():
        for category in (FutureWarning, DeprecationWarning):
            warnings.filterwarnings("error", category=category, module=r"sklearn\.")
        # About defaults that are to change, whatever is searched.
        for message in (".*default value of `copy`", ".*quantile_method"):
            warnings.filterwarnings("ignore", message, FutureWarning)
        warnings.filterwarnings("ignore", category=ConvergenceWarning)
        warnings.filterwarnings("ignore", category=UserWarning)
        warnings.filterwarnings("ignore", category=RuntimeWarning)
        # A vectorizer takes no target, and others ignore it.
        estimator.fit(*train)
        if hasattr(estimator, "score"):
            estimator.score(*test)
        elif hasattr(estimator, "predict"):
            estimator.predict(test[0])
        elif hasattr(estimator, "transform"):
            estimator.transform(test[0])


def draw(space: Space, rng: np.random.RandomState, n: int) -> list[dict[str, Any]]:
    """Draw points: the two ends of all ranges, corners, and others inside."""
    corners = rng.randint(2, size=(n // 2, space.n_dims))
    Q = np.vstack([np.zeros(space.n_dims), np.ones(space.n_dims), corners])
    Q = np.vstack([Q, rng.uniform(size=(n, space.n_dims))])[: max(n, 2)]
    return [space.decode(u) for u in space.quantile(Q)]


def check_points(name: str, kind: str, n_train: int, n_points: int, seed: int) -> None:
    estimator, cheap = make(name)
    train, test = split(kind, n_train)
    # A rung sees part of the data; the sizes are those of all data.
    space = Space.parse(find_default_space(estimator, *data(kind), n_train).space)
    points = draw(space, np.random.RandomState(seed), n_points)
    for point in points:
        candidate = clone(estimator).set_params(**(point | cheap))
        try:
            fit_and_use(candidate, train, test)
        except Exception as error:
            raise AssertionError(
                f"{name} on {kind}, n_train={n_train}: {point} fails: {error!r}"
            ) from error


CASES = [(name, kind) for name in NAMES for kind in kinds_for(name)]


@pytest.mark.parametrize("name", NAMES)
def test_points_are_valid(name: str) -> None:
    for i, kind in enumerate(kinds_for(name)):
        n_train = (24, 60)[(len(name) + i) % 2]
        check_points(name, kind, n_train, n_points=2, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("n_train", [15, 24, 60])
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_many_points_are_valid(name: str, kind: str, n_train: int) -> None:
    check_points(name, kind, n_train, n_points=8, seed=1)


@pytest.mark.parametrize("name", NAMES)
def test_values_satisfy_the_constraints_of_the_class(name: str) -> None:
    """The class's own validation accepts each end of each row, and each choice."""
    estimator, _ = make(name)
    constraints = estimator._parameter_constraints
    sizes = Sizes(n=60, p=4, p_max=4, counts=(20, 20, 20), spread=4.0, sd_y=1.0)
    for row in rows_of(estimator):
        assert row.parameter in estimator.get_params(), row
        values = list(row.values)
        if row.low:
            ends = [
                max(quantity(*bound, sizes) for bound in row.low),
                min(quantity(*bound, sizes) for bound in row.high),
            ]
            values = [int(end) if row.kind == "int" else float(end) for end in ends]
        if row.resource is not None:
            values.append(row.resource)
        for value in values:
            validate_parameter_constraints(
                {row.parameter: constraints[row.parameter]},
                {row.parameter: value},
                caller_name=name,
            )
            assert value not in ("deprecated", "warn")


# Pipelines ----------------------------------------------------------------------------

STEPS = [
    name
    for name in NAMES
    if name.split(".")[1]
    in ("preprocessing", "decomposition", "feature_selection", "random_projection")
    or name.endswith(
        ("Nystroem", "FeatureAgglomeration", "SimpleImputer", "RBFSampler")
    )
]
# Slow ones.
NOT_IN_PIPELINES = (
    "BernoulliRBM",
    "DictionaryLearning",
    "LatentDirichletAllocation",
    "NeighborhoodComponentsAnalysis",
    "SequentialFeatureSelector",
    "SparsePCA",
)
STEPS = [name for name in STEPS if not name.endswith(NOT_IN_PIPELINES)]
STEPS += ["sklearn.preprocessing.StandardScaler", "sklearn.preprocessing.MinMaxScaler"]
# NuSVC is left to the tests by itself: steps may leave so little of the data that there
# is no margin, whatever nu.
LAST = [
    "sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis",
    "sklearn.ensemble.BaggingClassifier",
    "sklearn.ensemble.HistGradientBoostingClassifier",
    "sklearn.linear_model.LogisticRegression",
    "sklearn.naive_bayes.GaussianNB",
    "sklearn.neighbors.KNeighborsClassifier",
    "sklearn.svm.SVC",
    "sklearn.tree.DecisionTreeClassifier",
]


def nothing_for_ica(pipe: Pipeline, train: Data) -> bool:
    """Whether FastICA gets a constant first column.

    It takes the signs of all its components from there, and makes zeros of them.
    """
    for i, (_, step) in enumerate(pipe.steps):
        if type(step).__name__ == "FastICA" and i:
            first = clone(pipe[:i]).fit_transform(*train)[:, 0]
            return bool(np.allclose(first, first[0]))
    return False


Steps = list[tuple[str, Any]]

# How the later steps are put together behind the first one.
NESTED: dict[str, Callable[[Steps], Any]] = {
    "pipeline": Pipeline,
    "voting": lambda steps: VotingClassifier([("v", Pipeline(steps))]),
    "bagging": lambda steps: BaggingClassifier(Pipeline(steps), 2, random_state=0),
}


@given(
    names=st.lists(st.sampled_from(STEPS), max_size=3, unique=True),
    last=st.sampled_from(LAST),
    nested=st.sampled_from(["", *NESTED]),
    kind=st.sampled_from(["classes", "unscaled"]),
    n_train=st.sampled_from([24, 60]),
    draws=st.data(),
)
@settings(max_examples=100, suppress_health_check=list(HealthCheck))
def test_points_of_pipelines_are_valid(
    names: list[str],
    last: str,
    nested: str,
    kind: str,
    n_train: int,
    draws: st.DataObject,
) -> None:
    made = [make(name) for name in [*names, last]]
    steps = [(f"s{i}", e.set_params(**cheap)) for i, (e, cheap) in enumerate(made)]
    inner = [("inner", NESTED[nested](steps[1:]))] if nested and names else steps[1:]
    pipe = Pipeline([steps[0], *inner])
    train, test = split(kind, n_train)
    try:
        fit_and_use(clone(pipe), train, test)
    except Exception:
        event("the pipeline cannot be fitted as it is")
        assume(False)
    space = default_space(pipe, *data(kind), n_train=n_train)
    pipe.set_params(**draws.draw(params_of(space)))
    assume(not nothing_for_ica(Pipeline(steps), train))
    fit_and_use(pipe, train, test)
