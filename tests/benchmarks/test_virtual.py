"""Workers with a virtual clock: what they propose is what a real search proposes."""

import numpy as np
import pytest
from joblib import parallel_config

from benchmarks.tasks.estimators import NAMES, Free, score_of
from benchmarks.tasks.virtual import (
    batch_schedule,
    draw_durations,
    list_schedule,
    simulate,
    utilisation,
)
from sklearn_tuners import BayesSearchCV, Optimizer
from sklearn_tuners._search.stopping import default_lag

SPACE = dict.fromkeys(NAMES[:2], (0.0, 1.0))
N_TRIALS = 14


@pytest.mark.parametrize("n_workers", [1, 2, 3])
def test_a_simulation_proposes_what_the_search_proposes(n_workers):
    with parallel_config("threading"):
        search = BayesSearchCV(
            Free(),
            SPACE,
            n_iter=N_TRIALS,
            n_jobs=n_workers,
            refit=False,
            random_state=3,
        ).fit(np.zeros((20, 1)), np.zeros(20))
    run = simulate(
        # A search draws the seed of its optimiser from `random_state`.
        Optimizer(SPACE, n_iter=N_TRIALS, random_state=np.random.RandomState(3)),
        draw_durations(0, n_trials=N_TRIALS),
        n_workers=4,  # any number: what a lag proposes does not depend on it
        lag=default_lag(n_workers, n_splits=5),
        score=lambda params: score_of(dict.fromkeys(NAMES, 0) | params),
    )
    # The search tells means over five splits, which differ in their last bits.
    for own, found in zip(run.params, search.cv_results_["params"], strict=True):
        assert own == pytest.approx(found, abs=1e-5)


def test_without_a_lag_no_worker_waits():
    durations = draw_durations(1, n_trials=N_TRIALS)
    optimizer = Optimizer(SPACE, n_iter=N_TRIALS, random_state=0)
    run = simulate(optimizer, durations, n_workers=3, lag=None)
    np.testing.assert_allclose(run.intervals, list_schedule(durations.ravel(), 3))
    assert utilisation(np.array(run.intervals), 3) == pytest.approx(1.0)


def test_a_batch_waits_for_its_longest():
    intervals = batch_schedule(np.array([[1.0], [3.0], [1.0], [1.0]]), n_workers=2)
    assert intervals.tolist() == [[0.0, 1.0], [0.0, 3.0], [3.0, 4.0], [3.0, 4.0]]
