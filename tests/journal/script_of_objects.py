"""A user's script: objects that contain a constant, each in another place.

``python script_of_objects.py CONSTANT`` prints a digest of each. It is run and not
imported, so that its functions and classes are those of ``__main__``.
"""

import collections
import contextlib
import dataclasses
import enum
import functools
import io
import logging
import random
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Lock as ProcessLock
from types import MappingProxyType, SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import scipy.sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.metrics import make_scorer, mean_squared_error
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from sklearn_tuners._journal.content import digest

CONSTANT = float(sys.argv[1])
SETTINGS = {"clip": CONSTANT, "words": {"some", "words", "in", "a", "set"}}
CALLS = []
N_CALLS = 0
MAKERS = {}


def case(make):
    MAKERS[make.__name__] = make
    return make


# Modules ------------------------------------------------------------------------------


@case
def lambda_encloses_a_module(c):
    import numpy as np

    return FunctionTransformer(lambda X: np.clip(X, 0, c))


class KeepsAModule(TransformerMixin, BaseEstimator):
    def __init__(self, power=1.0):
        self.np = np
        self.power = power


@case
def module_as_an_attribute(c):
    return make_pipeline(KeepsAModule(), SVC(C=c))


@case
def module_and_a_parameter(c):
    return KeepsAModule(power=c)


@case
def module_in_a_union(c):
    return make_pipeline(make_union(KeepsAModule(), StandardScaler()), SVC(C=c))


@case
def module_in_a_dict(c):
    return {"a": np, "b": c, "c": {"d": sys}}


# Functions ----------------------------------------------------------------------------


@case
def function_encloses_numpy_and_a_constant(c):
    import numpy as np

    threshold = c

    def clip(X):
        return np.clip(X, 0, threshold)

    return clip


def reads_a_global_constant(X):
    return X * CONSTANT


def reads_global_settings(X):
    return X * SETTINGS["clip"]


def calls_another(X):
    return reads_a_global_constant(X) + (lambda x: x in {"a", "set", "of", "words"})(X)


@case
def global_constant(c):
    return reads_a_global_constant


@case
def global_settings(c):
    return reads_global_settings


@case
def global_function(c):
    return FunctionTransformer(calls_another)


@case
def constant_in_an_inner_function(c):
    def outer(X):
        def inner(x):
            return x + c

        return inner(X) + len([x for x in X if x > c])

    return outer


@case
def default_argument(c):
    return lambda X, at=c: X + at


@case
def default_keyword(c):
    return lambda X, *, at=c: X + at


@case
def attribute_of_a_function(c):
    def function(X):
        return X * function.weight

    function.weight = c
    return function


@case
def recursive_function(c):
    def power(x, n):
        return c if n == 0 else x * power(x, n - 1)

    return power


@case
def functions_that_call_each_other(c):
    def even(n):
        return c if n == 0 else odd(n - 1)

    def odd(n):
        return even(n - 1)

    return {"odd": odd, "even": even}


@case
def generator_function(c):
    def values():
        yield c

    return values


@case
def wrapped_function(c):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args):
            return function(*args) + c

        return wrapper

    return decorate(np.sqrt)


@case
def function_with_a_context(c):
    @contextlib.contextmanager
    def context():
        try:
            yield c
        finally:
            pass

    return context


# Partial and bound --------------------------------------------------------------------


@case
def partial(c):
    return functools.partial(np.clip, a_min=0, a_max=c)


@case
def partial_of_a_lambda(c):
    return functools.partial(lambda X, at: X + c * at, at=1)


@case
def scorer(c):
    return make_scorer(functools.partial(mean_squared_error, sample_weight=[c, 1.0]))


class Clip:
    """Has methods of each kind."""

    def __init__(self, at):
        self.at = at

    def clip(self, X):
        return np.clip(X, 0, self.at)

    @classmethod
    def make(cls):
        return cls(CONSTANT)

    @staticmethod
    def clip_at_constant(X):
        return np.clip(X, 0, CONSTANT)

    twice = functools.partialmethod(clip)


@case
def bound_method(c):
    return FunctionTransformer(Clip(c).clip)


@case
def class_method(c):
    return Clip.make


@case
def static_method(c):
    return Clip.clip_at_constant


@case
def builtin_method(c):
    return {1: c}.get


# Cached -------------------------------------------------------------------------------


@functools.cache
def cached_globally(x):
    return x + CONSTANT


@case
def cached_global(c):
    return lambda x: cached_globally(x)


@case
def cached(c):
    @functools.lru_cache
    def weight(x):
        return x + c

    def score(estimator, X, y):
        return weight(1)

    return score


@case
def cache_of_a_size(c):
    return functools.lru_cache(maxsize=int(c))(lambda x: x)


@case
def cached_property(c):
    class Cached:
        @functools.cached_property
        def value(self):
            return c

    return Cached()


@case
def cached_by_joblib(c):
    return joblib.Memory(None).cache(lambda x: x + c)


# Classes ------------------------------------------------------------------------------


class Base(BaseEstimator):
    factor = CONSTANT

    def score(self, X, y=None):
        return super().__sklearn_tags__()


class Child(Base):
    def fit(self, X, y=None, sample_weight=None):
        return self


@case
def attribute_of_a_base(c):
    return make_pipeline(Child())


@case
def class_itself(c):
    return Child


@case
def local_class(c):
    class Local(SVC):
        def fit(self, X, y):
            return super().fit(X * c, y) if c in {"a", "b"} else None

    return Local()


@case
def class_that_mentions_itself(c):
    class Node:
        constant = c

        def make(self):
            return Node()

        @property
        def kind(self):
            return type(self) is Node

    return [Node(), Node]


@case
def data_class(c):
    @dataclasses.dataclass(frozen=True, slots=True)
    class Settings:
        names: list[str] = dataclasses.field(default_factory=list)
        at: float = c

    return Settings


@case
def data_of_a_class(c):
    @dataclasses.dataclass
    class Settings:
        at: float

    return Settings(c)


@case
def enumeration(c):
    return enum.Enum("Kind", {"A": c, "B": "b"}).B


@case
def named_tuple(c):
    return collections.namedtuple("Pair", "a b")(1, c)


@case
def slots(c):
    class Slots:
        __slots__ = ("a", "b")

    made = Slots()
    made.a = c
    return made


# Locks, threads, files ----------------------------------------------------------------


class Guarded(TransformerMixin, BaseEstimator):
    def __init__(self, power=1.0, make=threading.Lock):
        self.power = power
        self._lock = make()


@case
def lock_and_a_parameter(c):
    return make_pipeline(Guarded(c), SVC())


@case
def lock_and_a_later_step(c):
    return make_pipeline(Guarded(make=threading.RLock), SVC(C=c))


@case
def enclosed_locks(c):
    locks = [threading.Lock(), threading.Condition(), threading.Event(), ProcessLock()]

    def guarded(X):
        with locks[0]:
            return X * c

    return guarded


@case
def thread(c):
    worker = threading.Thread(target=print)
    pool = ThreadPoolExecutor(2)
    return lambda X: (worker, pool, c)


@case
def file(c):
    stream = open("/dev/null")  # noqa: SIM115
    logger = logging.getLogger("a")

    def logged(X):
        logger.info("%s", X)
        return stream, c

    return logged


@case
def text_in_memory(c):
    return io.StringIO(str(c))


@case
def weak_reference(c):
    made = Clip(c)
    weak_reference.made = made
    return [weakref.ref(made), weakref.WeakKeyDictionary({made: 1})]


# What a function keeps for itself -----------------------------------------------------


def counts(X):
    global N_CALLS
    N_CALLS += 1
    CALLS.append(X)
    return X * CONSTANT


@case
def global_counter(c):
    counts(1)
    return counts


@case
def enclosed_counter(c):
    n, log, seen = 0, [], {}

    def count(X):
        nonlocal n
        n += 1
        log.append(X)
        seen[n] = X
        return c

    count(1)
    return count


@case
def counters_as_attributes(c):
    def count(X):
        count.n_calls += 1
        return c

    count.n_calls = 0
    count(1)

    class Counting:
        n_fits = 0
        constant = c

        def fit(self, X):
            Counting.n_fits += 1

    Counting().fit(1)
    return [count, Counting]


def cached_in_a_default(x, cache={}):  # noqa: B006
    cache[x] = cache.get(x, CONSTANT)
    return cache[x]


@case
def cache_in_a_default(c):
    cached_in_a_default(len(CALLS))
    return cached_in_a_default


# Values -------------------------------------------------------------------------------


@case
def sets(c):
    return [{"some", "words", c}, frozenset(["more", ("words", c)]), {frozenset([c])}]


@case
def objects_in_a_set(c):
    return {Clip, reads_a_global_constant, (c, "a"), np.float64(c)}


@case
def dicts(c):
    words = {word: word for word in {"in", "any", "order", "at", "all"}}
    return [
        words | {"c": c},
        collections.OrderedDict(words, c=c),
        MappingProxyType(words),
    ]


@case
def numbers(c):
    return [np.float32(c), complex(c), np.datetime64(int(c), "s"), b"a", None, ...]


@case
def arrays(c):
    masked = np.ma.masked_greater(np.array([c, 1e9]), 1e3)
    return [np.full((2, 3), c).T, masked, np.array([c, "a", None], dtype=object)]


@case
def frames(c):
    frame = pd.DataFrame({"a": [c, 1.0], "b": ["x", "y"], "c": [1, 2]})
    frame["d"] = frame["b"].astype("category")
    frame["e"] = frame["c"].astype("Int64")
    frame["f"] = frame["b"].astype("string")
    frame["g"] = pd.to_datetime([0, 1], utc=True)
    return frame.set_index(["b", "c"])


@case
def sparse_arrays(c):
    matrix = scipy.sparse.random(9, 9, 0.5, random_state=0, format="coo")
    return [matrix * c, scipy.sparse.lil_matrix(np.eye(3) * c)]


@case
def random_states(c):
    seed = int(c)
    return [
        np.random.RandomState(seed),
        np.random.default_rng(seed),
        random.Random(seed),
    ]


@case
def names_of_the_standard_library(c):
    return [random.random, random.gauss, np.random.rand, np.log1p, len, str.upper, c]


@case
def other_objects(c):
    return [range(int(c)), slice(c), SimpleNamespace(c=c), collections.deque([c])]


@case
def a_list_that_contains_itself(c):
    made = [c]
    made.append(made)
    return made


if __name__ == "__main__":
    for name, make in MAKERS.items():
        first, second = digest(make(CONSTANT)), digest(make(CONSTANT))
        print(name, first, "same" if first == second else second)
