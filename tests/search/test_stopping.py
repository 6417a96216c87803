"""When a search stops, on lists of scores."""

import math

import numpy as np
import pytest
from fakes import FakeEvaluator, ListTuner, TimedWorkers
from hypothesis import given
from hypothesis import strategies as st

from sklearn_tuners._engine.loop import Engine
from sklearn_tuners._search.stopping import Stopping, default_lag, has_stalled

NAN = math.nan
scores = st.lists(st.floats(-1, 1) | st.just(NAN), max_size=12)


@pytest.mark.parametrize(
    ("scores", "n", "tol", "expected"),
    [
        ([], 1, 0.0, False),
        ([0.5], 1, 0.0, False),
        ([0.5, 0.5], 1, 0.0, True),
        ([0.5, 0.6], 1, 0.0, False),
        ([0.5, 0.6], 1, 0.1, True),
        ([0.5, 0.4, 0.3], 3, 0.0, False),
        ([0.5, 0.4, 0.3, 0.2], 3, 0.0, True),
        ([NAN, NAN, NAN], 1, 0.0, False),
        ([NAN, 0.3, NAN], 1, 0.0, True),
        ([NAN, 0.3], 1, 0.0, False),
    ],
)
def test_stalling(scores, n, tol, expected):
    assert has_stalled(scores, n, tol) is expected


@given(scores, st.integers(1, 5), st.floats(0, 0.5))
def test_stalling_is_the_best_not_growing(scores, n, tol):
    best = np.fmax.accumulate([-math.inf, *scores])
    expected = len(scores) > n and best[-1 - n] > -math.inf
    expected = expected and best[-1] <= best[-1 - n] + tol
    assert has_stalled(scores, n, tol) == expected


def stopping(**changes):
    """Return a stopping rule on trials that are their own scores on the splits."""
    settings = {
        "target_score": None,
        "n_iter_no_change": None,
        "tol": 0.0,
        "when_resolved": False,
        "regret_bound": lambda: math.inf,
        "split_scores": lambda trial: trial,
        "counts": lambda trial: True,
    }
    return Stopping(**settings | changes)


def test_a_search_ends_when_the_bound_is_below_the_noise_three_times_in_a_row():
    bounds = iter([0.001] * 2 + [0.5] + [0.001] * 20)
    stop = stopping(when_resolved=True, regret_bound=lambda: next(bounds))
    reasons = [stop([0.7, 0.8, 0.75, 0.85], 0.775) for _ in range(25)]
    # The bound is asked for from the 20th trial on; the 22nd has a large one.
    assert reasons == [None] * 24 + ["stopping"]


def test_a_single_split_has_no_noise_to_compare_with():
    stop = stopping(when_resolved=True, regret_bound=lambda: 0.0)
    assert {stop([0.7], 0.7) for _ in range(40)} == {None}


def test_trials_that_do_not_count_are_ignored():
    stop = stopping(target_score=0.9, n_iter_no_change=1, counts=lambda trial: trial[1])
    assert stop((0.95, False), 0.95) is None
    assert stop((0.5, True), 0.5) is None
    assert stop((0.4, False), 0.4) is None
    assert stop((0.4, True), 0.4) == "n_iter_no_change"


def test_the_target_is_the_first_reason():
    stop = stopping(target_score=0.9, n_iter_no_change=1)
    assert [stop([s], s) for s in (0.95, 0.95)] == ["target_score"] * 2


@pytest.mark.parametrize("n_splits", [1, 3, 5, 10])
@pytest.mark.parametrize("n_workers", [1, 2, 3, 8, 64])
def test_the_default_lag_leaves_work_for_every_worker(n_workers, n_splits):
    lag = default_lag(n_workers, n_splits)
    assert (lag + 1) * n_splits >= n_workers
    assert lag <= max(n_workers, 12)
    assert (lag == 0) == (n_workers == 1)


def share_of_time_used(n_workers, lag, seed):
    """Return the share of the time that workers are used until the last call begins."""
    durations = np.random.default_rng(seed).lognormal(sigma=1.0, size=(160, 5))
    workers = TimedWorkers(n_workers, lambda token: durations[token])
    tuner = ListTuner(n_independent=5)
    evaluator = FakeEvaluator(workers)
    Engine(tuner, workers, evaluator, n_iter=160, n_splits=5, lag=lag).run()
    return workers.share_used()


@pytest.mark.parametrize("n_workers", [2, 3, 4, 5, 6, 7, 8])
def test_with_the_default_lag_nine_tenths_of_up_to_eight_workers_are_used(n_workers):
    lag = default_lag(n_workers, n_splits=5)
    used = [share_of_time_used(n_workers, lag, seed) for seed in range(9)]
    assert np.median(used) >= 0.9
