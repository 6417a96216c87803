"""The bound on what is left to gain."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import uniform

from sklearn_tuners import Optimizer


def test_the_regret_bound_shrinks_to_what_is_left_to_gain():
    optimizer = Optimizer({"x": uniform(0, 1), "y": uniform(0, 1)}, random_state=0)
    assert optimizer.regret_bound() == np.inf
    bounds = []
    for _ in range(30):
        params = optimizer.ask()
        score = -100 * ((params["x"] - 0.3) ** 2 + (params["y"] - 0.7) ** 2)
        optimizer.tell(params, score)
        bounds.append(optimizer.regret_bound())
    assert np.isinf(bounds[:2]).all()
    assert bounds[-1] < 0.5  # of a range of about 100
    assert bounds[-1] >= -optimizer.best_score_  # the best possible score is 0
    assert optimizer.regret_bound(0.99) > optimizer.regret_bound(0.9)


@pytest.mark.parametrize("score", [0.5, np.nan])
def test_no_regret_bound_without_a_model(score):
    optimizer = Optimizer({"x": uniform(0, 1)}, random_state=0)
    for _ in range(8):
        optimizer.tell(optimizer.ask(), score)
    assert optimizer.regret_bound() == np.inf


def test_scores_that_tie_with_the_best_do_not_hide_the_regret_bound():
    optimizer = Optimizer({"x": uniform(0, 1)}, random_state=0)
    for _ in range(20):
        params = optimizer.ask()
        optimizer.tell(params, 0.9 if params["x"] > 0.4 else 0.5 + params["x"])
    assert np.isfinite(optimizer.regret_bound())
