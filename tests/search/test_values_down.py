"""A fit makes each of its parts once, and reads the search before it runs."""

import gc
from collections import Counter
from functools import partial
from types import FunctionType, ModuleType

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC

from sklearn_tuners import BayesSearchCV, HyperbandSearchCV, Optimizer
from sklearn_tuners._engine.loop import Engine
from sklearn_tuners._hyperband import schedule
from sklearn_tuners._search.observers import CallbackTasks
from sklearn_tuners._search.run import Hooks, SplitEvaluator
from sklearn_tuners._space.space import Space

X, Y = load_iris(return_X_y=True)
GIVEN = {"C": loguniform(1e-2, 1e2), "gamma": loguniform(1e-3, 1e1)}


class CountingFolds(StratifiedKFold):
    """Folds that count how often they are drawn, by all copies together."""

    n_draws = 0

    def split(self, X, y=None, groups=None):
        type(self).n_draws += 1
        return super().split(X, y, groups)


@pytest.fixture
def counts(monkeypatch):
    """Count the calls of everything that a fit must do once."""
    made = Counter()

    def count(owner, name, label):
        function = getattr(owner, name)

        def counted(*args, **kwargs):
            made[label] += 1
            return function(*args, **kwargs)

        monkeypatch.setattr(owner, name, counted)

    count(Space, "parse", "parse")
    count(Space, "encode", "encode")
    count(Optimizer, "__init__", "optimizer")
    count(schedule, "make_schedule", "schedule")
    monkeypatch.setattr(CountingFolds, "n_draws", 0)
    return made


SEARCHES = {
    "Bayes": lambda space, **kwargs: BayesSearchCV(SVC(), space, n_iter=12, **kwargs),
    "Hyperband": lambda space, **kwargs: HyperbandSearchCV(
        SVC(), space, n_iter=6, **kwargs
    ),
}


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("space", [GIVEN, None], ids=["given", "default"])
@pytest.mark.parametrize("has_journal", [False, True], ids=["", "journal"])
def test_each_part_of_a_fit_is_made_once(name, space, has_journal, tmp_path, counts):
    search = SEARCHES[name](
        space,
        cv=CountingFolds(3),
        random_state=0,
        journal=tmp_path / "journal" if has_journal else None,
    )
    n_candidates = 12 if name == "Bayes" else 6
    once = {"parse": 1, "optimizer": 1, "encode": n_candidates}
    if name == "Hyperband":
        once["schedule"] = 1
    search.fit(X, Y)
    assert counts == once
    assert CountingFolds.n_draws == 1
    if has_journal:
        first = search.cv_results_["params"]
        counts.clear()
        CountingFolds.n_draws = 0
        resumed = clone(search).fit(X, Y)
        assert resumed.cv_results_["params"] == first
        # The params of each trial are encoded once, and those to begin with.
        n_first = int(space is None)
        once["encode"] = len(first) + n_first
        assert counts == once
        assert CountingFolds.n_draws == 1


def test_a_second_evaluation_of_the_best_draws_once_more(counts):
    search = BayesSearchCV(
        SVC(), GIVEN, n_iter=6, cv=CountingFolds(3), random_state=0, reevaluate_top=2
    )
    search.fit(X, Y)
    assert CountingFolds.n_draws == 2
    assert counts == {"parse": 1, "optimizer": 1, "encode": 6}


def test_a_splitter_with_a_random_state_is_advanced_as_grid_search_does():
    def state_after(search):
        rng = np.random.RandomState(0)
        search.set_params(cv=StratifiedKFold(3, shuffle=True, random_state=rng))
        search.fit(X, Y)
        return rng.get_state()[2]

    expected = np.random.RandomState(0)
    list(StratifiedKFold(3, shuffle=True, random_state=expected).split(X, Y))
    for name, make in SEARCHES.items():
        for space in (GIVEN, None):
            assert (
                state_after(make(space, random_state=0)) == (expected.get_state()[2])
            ), name


ATOMS = (type, ModuleType, str, bytes, int, float, np.ndarray, np.random.RandomState)
BOUND = (Hooks, CallbackTasks)  # what scikit-learn's callbacks are bound to


def held_by(root, skip=BOUND):
    """Yield all objects that an object leads to, also through closures."""
    seen, waiting = {}, [root]
    while waiting:
        found = waiting.pop()
        if id(found) in seen or isinstance(found, (*ATOMS, *skip)):
            continue
        seen[id(found)] = found
        yield found
        if isinstance(found, FunctionType):
            cells = [cell.cell_contents for cell in found.__closure__ or ()]
            waiting += [*cells, *(found.__defaults__ or ())]
        elif isinstance(found, SplitEvaluator):  # callbacks in the workers get `caller`
            waiting += [v for k, v in vars(found).items() if k != "caller"]
        else:
            waiting += gc.get_referents(found)


def test_what_closures_and_methods_hold_is_found():
    search = BayesSearchCV(SVC(), GIVEN)
    for holder in (lambda: search, partial(print, search), search.fit, {"a": [search]}):
        assert any(found is search for found in held_by(holder))
    assert all(found is not search for found in held_by(Hooks(None, search, search)))


@pytest.mark.parametrize("search_class", [BayesSearchCV, HyperbandSearchCV])
def test_nothing_below_fit_holds_the_search(search_class, tmp_path, monkeypatch):
    run, engines = Engine.run, []
    monkeypatch.setattr(
        Engine, "run", lambda engine: (engines.append(engine), run(engine))
    )
    search = search_class(
        SVC(),
        GIVEN,
        n_iter=6,
        stopping="auto",
        scoring=["accuracy", "f1_macro"],
        refit="accuracy",
        random_state=0,
        journal=tmp_path / "journal",
    )
    strategies, make = [], search_class._make_strategy

    def made(self, problem):
        strategies.append(make(self, problem))
        return strategies[-1]

    monkeypatch.setattr(search_class, "_make_strategy", made)
    search.fit(X, Y)
    for part in (*engines, *strategies):
        held = list(held_by(part))
        assert len(held) > 20
        assert all(found is not search for found in held)


def unreadable_while_running(search_class):
    """Make a subclass with parameters that cannot be read while the engine runs."""

    class Unreadable(search_class):
        is_running = False

        def __getattribute__(self, name):
            cls = type(self)
            if cls.is_running and name in cls._get_param_names():
                raise AssertionError(f"{name} was read below fit")
            return super().__getattribute__(name)

    return Unreadable


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize(
    ("search_class", "settings"),
    [
        (BayesSearchCV, {"n_iter": 8, "stopping": "auto", "reevaluate_top": 2}),
        (HyperbandSearchCV, {"n_iter": 6, "n_iter_no_change": 50}),
    ],
)
def test_the_search_is_not_read_while_it_runs(
    search_class, settings, n_jobs, tmp_path, monkeypatch
):
    Unreadable = unreadable_while_running(search_class)
    run, n_runs = Engine.run, []

    def watched(engine):
        n_runs.append(1)
        Unreadable.is_running = True
        try:
            run(engine)
        finally:
            Unreadable.is_running = False

    monkeypatch.setattr(Engine, "run", watched)
    search = Unreadable(
        SVC(),
        GIVEN,
        n_jobs=n_jobs,
        verbose=1,
        scoring=lambda estimator, X, y: {"accuracy": estimator.score(X, y)},
        refit="accuracy",
        target_score=2.0,
        max_time=600.0,
        random_state=0,
        journal=tmp_path / "journal",
        **settings,
    )
    search.fit(X, Y)
    assert len(n_runs) == 1 + (search_class is BayesSearchCV)
