"""Callbacks of scikit-learn 1.9: the same calls as from RandomizedSearchCV.

The double `Diary` writes each hook call to a file, so that what happens in a worker
process is seen as well. A call is noted as the hook's name, the path of tasks from the
root to its own, the class of the estimator passed and the data passed.
"""

import json
import pickle
import re
import sys
from typing import ClassVar

import joblib
import numpy as np
import pytest
from joblib.parallel import ParallelBackendBase
from scipy.stats import uniform
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.model_selection import GridSearchCV, KFold, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_tuners import BayesSearchCV

try:  # joblib brings its own copy, or needs the package: since 1.6
    from joblib.externals import cloudpickle
except ImportError:
    import cloudpickle

callback = pytest.importorskip("sklearn.callback", reason="since scikit-learn 1.9")

# Worker processes cannot import this module.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 2)), RNG.normal(size=12)
N_SPLITS = 2
BACKENDS = [("loky", 1), ("threading", 2), ("loky", 2)]


class Plain(RegressorMixin, BaseEstimator):
    """Knows nothing of callbacks; predicts `value`."""

    def __init__(self, value=0.0):
        self.value = value

    def fit(self, X, y, sample_weight=None):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return np.full(len(X), float(self.value))


class Iterative(callback.CallbackSupportMixin, Plain):
    """Has a task for each of three iterations."""

    @callback.with_callbacks
    def fit(self, X, y, sample_weight=None):
        root = self._init_callback_context(max_subtasks=3)
        root.call_on_fit_task_begin(estimator=self, X=X, y=y)
        for _ in range(3):
            task = root.subcontext(task_name="iteration")
            task.call_on_fit_task_begin(estimator=self, X=X, y=y)
            task.call_on_fit_task_end(
                estimator=self, X=X, y=y, reconstruction_attributes={}
            )
        root.call_on_fit_task_end(estimator=self, X=X, y=y)
        return super().fit(X, y)


def path_to(context):
    """Return the tasks from the root to this one, as the callbacks see them."""
    task = [
        context.task_name,
        context.task_id,
        context.max_subtasks,
        context.sequential_subtasks,
        context.source_task_name,
    ]
    return [*path_to(context.parent), task] if context.parent else [task]


class Diary:
    """Writes every call of a hook to a file; is not propagated."""

    def __init__(self, file, stop_at=None):
        self.file = str(file)
        self.stop_at = stop_at

    def note(self, hook, estimator, context, **data):
        passed = sorted(name for name in data if data[name] is not None)
        entry = [hook, path_to(context), type(estimator).__name__, passed]
        with open(self.file, "a") as file:
            file.write(json.dumps(entry) + "\n")

    def entries(self):
        with open(self.file) as file:
            text = file.read()
        # The one difference that there has to be: the name of the search.
        text = re.sub("BayesSearchCV|RandomizedSearchCV|GridSearchCV", "Search", text)
        return [json.loads(line) for line in text.splitlines()]

    def setup(self, estimator, context):
        self.note("setup", estimator, context)

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.note("begin", estimator, context, X=X, y=y, metadata=metadata)

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, metadata=None):
        self.note("end", estimator, context, X=X, y=y, metadata=metadata)
        search = context.parent and context.parent.task_name == "search"
        return bool(search and context.task_id == self.stop_at)

    def teardown(self, estimator, context):
        self.note("teardown", estimator, context)


class PropagatedDiary(Diary):
    """The same, but propagated to the estimators inside."""

    max_propagation_depth = None


class PicklingBackend(ParallelBackendBase):
    """A joblib backend that pickles each call, notes its size and runs it at once."""

    sizes: ClassVar[list[int]] = []

    def effective_n_jobs(self, n_jobs):
        return 2

    def submit(self, func, callback=None):
        pickled = cloudpickle.dumps(func)
        self.sizes.append(len(pickled))
        callback(pickle.loads(pickled)())

    def retrieve_result_callback(self, out):
        return out

    def abort_everything(self, ensure_ready=True):
        pass


joblib.register_parallel_backend("pickling", PicklingBackend)


def random_search(estimator, n_iter=4, **kwargs):
    space = {"value": uniform(-1, 2)}
    return RandomizedSearchCV(
        estimator, space, n_iter=n_iter, cv=N_SPLITS, random_state=0, **kwargs
    )


def bayes_search(estimator, n_iter=4, **kwargs):
    space = {"value": uniform(-1, 2)}
    return BayesSearchCV(
        estimator, space, n_iter=n_iter, cv=N_SPLITS, random_state=0, **kwargs
    )


def diary_of(estimator, diary, **fit_params):
    """Return the entries of one fit of `estimator`, which has the diary."""
    estimator.set_callbacks(diary).fit(X, Y, **fit_params)
    return diary.entries()


@pytest.mark.filterwarnings("ignore:The estimator Plain does not support callbacks")
@pytest.mark.parametrize(("backend", "n_jobs"), BACKENDS)
@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("estimator", [Plain(), Iterative()], ids=str)
@pytest.mark.parametrize("kind", [Diary, PropagatedDiary])
def test_task_tree_is_that_of_randomized_search(
    tmp_path, kind, estimator, refit, backend, n_jobs
):
    wanted = diary_of(random_search(estimator, refit=refit), kind(tmp_path / "random"))
    with joblib.parallel_config(backend):
        search = bayes_search(estimator, refit=refit, n_jobs=n_jobs)
        entries = diary_of(search, kind(tmp_path / "bayes"))
    if n_jobs == 1:
        assert entries == wanted
    else:
        assert sorted(map(str, entries)) == sorted(map(str, wanted))


def test_enumerated_space_has_the_task_tree_of_grid_search(tmp_path):
    grid = {"value": [3, 1, 2]}
    wanted = diary_of(
        GridSearchCV(Iterative(), grid, cv=3), PropagatedDiary(tmp_path / "grid")
    )
    search = BayesSearchCV(Iterative(), grid, cv=3)
    assert diary_of(search, PropagatedDiary(tmp_path / "bayes")) == wanted


def test_sample_weight_is_passed_as_metadata(tmp_path):
    weights = {"sample_weight": np.ones(len(X))}
    wanted = diary_of(random_search(Iterative()), Diary(tmp_path / "random"), **weights)
    entries = diary_of(bayes_search(Iterative()), Diary(tmp_path / "bayes"), **weights)
    assert entries == wanted
    assert any("metadata" in passed for *_, passed in entries)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda search: make_pipeline(StandardScaler(), search),
        lambda search: GridSearchCV(search, {"refit": [True]}, cv=2),
        lambda search: bayes_search(search).set_params(
            param_distributions={"estimator__value": (0.0, 1.0)}, n_iter=2
        ),
    ],
    ids=["pipeline", "grid search", "search in a search"],
)
def test_task_tree_of_a_search_inside_another_estimator(tmp_path, wrap):
    wanted = diary_of(
        wrap(random_search(Iterative())), PropagatedDiary(tmp_path / "random")
    )
    entries = diary_of(
        wrap(bayes_search(Iterative())), PropagatedDiary(tmp_path / "bayes")
    )
    assert entries == wanted


def test_callback_of_the_inner_estimator_sees_the_whole_path(tmp_path):
    paths = []
    for search in (random_search, bayes_search):
        diary = Diary(tmp_path / search.__name__)
        search(Iterative().set_callbacks(diary)).fit(X, Y)
        paths.append(diary.entries())
    assert paths[0] == paths[1]
    assert {path[0][0] for _, path, *_ in paths[1]} == {"fit"}
    assert any(task[0] == "search" for _, path, *_ in paths[1] for task in path)


def test_hooks_receive_the_search_itself():
    seen = []

    class Identity(Diary):
        def note(self, hook, estimator, context, **data):
            seen.append(estimator)

    search = bayes_search(Iterative()).set_callbacks(Identity("")).fit(X, Y)
    assert all(estimator is search for estimator in seen)


def test_finished_evaluations_leave_the_tree():
    sizes = []

    class TreeSize(Diary):
        def note(self, hook, estimator, context, **data):
            while context.parent:
                context = context.parent
            sizes.append(len(list(context)))

    bayes_search(Iterative(), n_iter=10).set_callbacks(TreeSize("")).fit(X, Y)
    # Root, search, one evaluation with its three iterations.
    assert max(sizes) == 6


@pytest.mark.parametrize(
    "make_callback",
    [
        None,
        lambda path: Diary(path / "diary"),
        lambda path: PropagatedDiary(path / "diary"),
        # Refers to the search, and through it to all that the search holds.
        lambda path: callback.ScoringMonitor(scoring="r2"),
    ],
    ids=["none", "not propagated", "propagated", "refers to the search"],
)
def test_cost_of_a_task_does_not_grow_with_their_number(tmp_path, make_callback):
    search = bayes_search(Iterative(), n_iter=40, n_jobs=2, refit=False)
    if make_callback is not None:
        search.set_callbacks(make_callback(tmp_path))
    PicklingBackend.sizes.clear()
    with joblib.parallel_config("pickling"):
        search.fit(X, Y)
    sizes = PicklingBackend.sizes
    assert len(sizes) == 40 * N_SPLITS
    # Numbers with more digits, nothing more: a single further task is 100 bytes.
    assert max(sizes[-10:]) - max(sizes[:10]) < 60


def test_fitted_search_holds_no_task(tmp_path):
    search = bayes_search(Iterative()).set_callbacks(Diary(tmp_path / "diary"))
    search.fit(X, Y)
    assert b"CallbackContext" not in pickle.dumps(clone(search)) + cloudpickle.dumps(
        search
    )


def test_generator_cv_with_callbacks_in_workers(tmp_path):
    """scikit-learn 1.9.1 fails here: it sends the search, and the generator with it."""
    diary = Diary(tmp_path / "diary")
    search = BayesSearchCV(
        Iterative(), {"value": (0.0, 1.0)}, n_iter=2, cv=KFold(3).split(X), n_jobs=2
    )
    search.set_callbacks(diary).fit(X, Y)
    names = [path[-1][0] for hook, path, *_ in diary.entries() if hook == "end"]
    assert names.count("candidate-split-evaluation") == 6


@pytest.mark.filterwarnings("ignore:The estimator Plain does not support callbacks")
@pytest.mark.parametrize(("backend", "n_jobs"), BACKENDS)
@pytest.mark.parametrize("estimator", [Plain(), Iterative()], ids=str)
@pytest.mark.parametrize("kind", [Diary, PropagatedDiary])
def test_stop_value_of_an_evaluation_ends_the_search(
    tmp_path, kind, estimator, backend, n_jobs
):
    """scikit-learn 1.9.1 ignores it; its protocol says that it ends the iterations."""
    diary = kind(tmp_path / "diary", stop_at=4)  # first split of the third candidate
    search = bayes_search(estimator, n_iter=30, n_jobs=n_jobs).set_callbacks(diary)
    with joblib.parallel_config(backend):
        search.fit(X, Y)
    n_candidates = len(search.cv_results_["params"])
    assert search.stop_reason_ == "callback"
    # What was running with it is finished, and every row is complete.
    assert n_candidates == 3 if n_jobs == 1 else 3 <= n_candidates <= 5
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.n_features_in_ == 2
    ended = [path[-1][0] for hook, path, *_ in diary.entries() if hook == "end"]
    assert ended[-1] == "fit"
    assert "search" in ended


def test_second_fit_has_a_tree_of_its_own(tmp_path):
    diary = Diary(tmp_path / "diary")
    search = bayes_search(Iterative())
    once = diary_of(search, diary)
    assert diary_of(search, diary) == once + once


def test_callbacks_are_torn_down_when_the_search_fails(tmp_path):
    diary = Diary(tmp_path / "diary")
    search = bayes_search(Iterative(value="not a number"), error_score="raise")
    search.set_params(scoring=lambda estimator, X, y: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        search.set_callbacks(diary).fit(X, Y)
    hooks = [hook for hook, *_ in diary.entries()]
    assert hooks[0] == "setup"
    assert hooks[-1] == "teardown"


def test_hook_that_raises_ends_the_search():
    class Failing(Diary):
        def note(self, hook, estimator, context, **data):
            if hook == "end":
                raise OSError("disk is full")

    search = bayes_search(Plain()).set_callbacks(Failing(""))
    with pytest.raises(OSError, match="disk is full"):
        search.fit(X, Y)
    assert not hasattr(search, "cv_results_")


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_progress_bar(capsys, n_jobs):
    pytest.importorskip("rich")
    search = bayes_search(Iterative(), n_jobs=n_jobs)
    search.set_callbacks(callback.ProgressBar()).fit(X, Y)
    out = capsys.readouterr().out
    assert re.search(r"BayesSearchCV - fit .* 100%", out)
    assert re.search(r"BayesSearchCV - search #0 .* 100%", out)
    assert len(re.findall(r"candidate-split-evaluation \| Iterative - fit", out)) == 8


def test_callbacks_survive_clone_and_pickle(tmp_path):
    diary = Diary(tmp_path / "diary")
    search = bayes_search(Iterative()).set_callbacks(diary)
    once = diary_of(clone(search), diary)
    pickle.loads(cloudpickle.dumps(search)).fit(X, Y)
    assert diary.entries() == once + once
