"""Journals of other searches are refused, those of the same one are not."""

import functools
import threading

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.stats import loguniform, norm
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_iris
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from sklearn_tuners import BayesSearchCV, HyperbandSearchCV
from sklearn_tuners._journal.identity import identify, identify_space
from sklearn_tuners._space.space import Space

IRIS = load_iris(return_X_y=True)

BAYES = functools.partial(BayesSearchCV, n_iter=3)
HYPERBAND = functools.partial(HyperbandSearchCV, n_iter=3, resource="n_samples")
both = pytest.mark.parametrize("make", [BAYES, HYPERBAND], ids=["bayes", "hyperband"])

REFUSED = {
    "search space": {"param_distributions": {"C": loguniform(1, 10)}},
    "estimator": {"estimator": SVC(kernel="linear")},
    "scoring": {"scoring": "balanced_accuracy"},
    "splits": {"cv": 4},
    "error_score": {"error_score": 0.0},
    "return_train_score": {"return_train_score": True},
    "random_state": {"random_state": 1},
    "initial_params": {"initial_params": {"C": 2.0}},
}


@both
def test_the_journal_of_another_search_is_refused(tmp_path, make):
    kwargs = {
        "estimator": SVC(),
        "param_distributions": {"C": loguniform(1, 20)},
        "cv": 3,
        "random_state": 0,
        "journal": tmp_path / "j",
    }
    make(**kwargs).fit(*IRIS)
    for part, changes in REFUSED.items():
        with pytest.raises(ValueError, match=rf"(?s)another search.*  {part}: "):
            make(**kwargs | changes).fit(*IRIS)
    with pytest.raises(ValueError, match=r"(?s)another search.*  data: "):
        make(**kwargs).fit(IRIS[0] + 1, IRIS[1])
    other = HYPERBAND if make is BAYES else BAYES
    with pytest.raises(ValueError, match=r"(?s)another search.*  search: "):
        other(**kwargs).fit(*IRIS)


# Modules, functions and locks in a search ---------------------------------------------


class Guarded(TransformerMixin, BaseEstimator):
    """Keeps a module and a lock, which cannot be pickled."""

    def __init__(self, power=1.0):
        self.power = power
        self.np = np
        self._lock = threading.Lock()

    def fit(self, X, y=None):
        self.n_ = len(X)
        return self

    def transform(self, X):
        with self._lock:
            return self.np.power(X, self.power)

    def __sklearn_clone__(self):
        return Guarded(self.power)


def clip(at):
    import numpy as np

    return lambda X: np.clip(X, 0, at)


def accuracy(weight):
    lock = threading.Lock()

    @functools.cache
    def weigh(label):
        return weight + label

    def score(estimator, X, y):
        with lock:
            return float(np.mean([weigh(a) for a in y[estimator.predict(X) == y]]))

    return score


def search_with(
    make, tmp_path, *, estimator=None, function=np.sqrt, scoring=None, step=None
):
    """Return a search with functions in the estimator and listed in the space."""
    steps = [FunctionTransformer(function), step or StandardScaler(), SVC()]
    return make(
        estimator or make_pipeline(*steps),
        {
            "svc__C": [0.5, 1.0, 2.0],
            "functiontransformer__func": [function, None],
        },
        cv=2,
        scoring=scoring,
        random_state=0,
        refit=False,
        journal=tmp_path / "j",
    )


PARTS = {
    "a function encloses a module": (
        lambda: {"function": clip(1.0)},
        lambda: {"function": clip(2.0)},
        "estimator",
    ),
    "a module and a lock stand before": (
        lambda: {"step": Guarded(2.0)},
        lambda: {"step": Guarded(3.0)},
        "estimator",
    ),
    "a scorer encloses a cached function and a lock": (
        lambda: {"scoring": accuracy(1.0)},
        lambda: {"scoring": accuracy(2.0)},
        "scoring",
    ),
    "a partial of a function": (
        lambda: {"function": functools.partial(np.clip, a_min=0.0, a_max=1.0)},
        lambda: {"function": functools.partial(np.clip, a_min=0.0, a_max=2.0)},
        "estimator",
    ),
}


@both
@pytest.mark.parametrize("part", PARTS)
def test_what_cannot_be_pickled_is_still_compared(tmp_path, make, part):
    same, other, refused = PARTS[part]
    first = search_with(make, tmp_path, **same()).fit(*IRIS)
    again = search_with(make, tmp_path, **same()).fit(*IRIS)
    np.testing.assert_array_equal(
        again.cv_results_["mean_test_score"], first.cv_results_["mean_test_score"]
    )
    with pytest.raises(ValueError, match=rf"another search.*\n  {refused}: "):
        search_with(make, tmp_path, **other()).fit(*IRIS)


@both
def test_what_cannot_be_told_is_refused_by_name(tmp_path, make):
    numbers = (i for i in range(3))
    scorer = lambda estimator, X, y: next(numbers)  # noqa: E731
    with pytest.raises(TypeError, match=r"journal: scoring cannot .* numbers is <gen"):
        search_with(make, tmp_path, scoring=scorer).fit(*IRIS)
    assert list(tmp_path.iterdir()) == []


# Digests ------------------------------------------------------------------------------


def plus(c):
    return lambda value: value + c


SAME_OR_NOT = {
    "lambda": (lambda: plus(1), lambda: plus(2)),
    "function in a list": (lambda: [None, plus(1)], lambda: [None, plus(2)]),
    "array": (lambda: np.zeros(2000), lambda: np.r_[np.zeros(1999), 1]),
    "pipeline": (
        lambda: Pipeline([("f", FunctionTransformer(plus(1))), ("clf", SVC())]),
        lambda: Pipeline([("f", FunctionTransformer(plus(2))), ("clf", SVC())]),
    ),
    "space of 300 numbers": (
        lambda: Space.parse({"a": [float(i) for i in range(300)]}),
        lambda: Space.parse({"a": [float(i) for i in range(299)] + [299.5]}),
    ),
    "space of 300 strings": (
        lambda: Space.parse({"a": [str(i) for i in range(300)]}),
        lambda: Space.parse({"a": [str(i) for i in range(299)] + ["x"]}),
    ),
    "space with arrays": (
        lambda: Space.parse({"a": [np.zeros(2000), None]}),
        lambda: Space.parse({"a": [np.r_[np.zeros(1999), 1], None]}),
    ),
    "distribution": (
        lambda: Space.parse({"a": norm(0, 1)}),
        lambda: Space.parse({"a": norm(0, 1.001)}),
    ),
}


def local_class(constant):
    class Local(SVC):
        attribute = constant

        def fit(self, X, y):
            return super().fit(X, y) if constant in {"a", "b"} else None

    return Local


SAME_OR_NOT["local class"] = (lambda: local_class("a")(), lambda: local_class("c")())


@pytest.mark.parametrize(("make", "make_other"), SAME_OR_NOT.values(), ids=SAME_OR_NOT)
def test_what_is_the_same_is_recognised_and_what_is_not_is_not(make, make_other):
    def digest(value):
        of = identify_space if isinstance(value, Space) else identify
        return of(value).digest

    assert digest(make()) == digest(make())
    assert digest(make()) != digest(make_other())


def frame_in_blocks():
    frame = pd.DataFrame(IRIS[0], columns=list("abcd"))
    frame["e"] = np.arange(150)
    frame["f"] = 0.5
    return frame


SAME_VALUES = {
    "sparse rows": (lambda: csr_array(IRIS[0]), lambda rows: rows.has_sorted_indices),
    "unsorted rows": (
        lambda: csr_array(IRIS[0])[:, [2, 0, 1]],
        lambda rows: rows.sort_indices(),
    ),
    "frame": (frame_in_blocks, lambda frame: frame._consolidate_inplace()),
}


@pytest.mark.parametrize(("make", "use"), SAME_VALUES.values(), ids=SAME_VALUES)
def test_data_are_recognised_after_they_have_been_used(make, use):
    data = make()
    digest = identify(data).digest
    use(data)
    assert identify(data).digest == digest
    assert identify(data * 2).digest != digest
    assert identify(data[:100]).digest != digest


def test_a_column_is_recognised_in_whatever_frame_it_stands():
    frame = frame_in_blocks()
    digest = identify(frame["b"]).digest
    assert identify(frame["b"].copy()).digest == digest
    assert identify(frame["a"]).digest != digest
    assert identify(frame["b"].rename("a")).digest != digest


def test_a_description_has_no_address():
    assert "0x" not in identify(lambda x: x).description
    assert identify(len, "the length").description == "the length"


def test_what_is_refused_is_named():
    pipe = make_pipeline(FunctionTransformer(lambda X: gen), SVC())
    gen = (i for i in range(3))
    with pytest.raises(TypeError) as raised:
        identify(pipe, name="estimator")
    assert str(raised.value).startswith(
        "journal: estimator cannot be recognised when it is resumed, as "
        "Pipeline.steps[0][1].func, its variable gen is <generator object"
    )
