"""Score scales, and the processes that a sequence of trials leads to."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import uniform

from sklearn_tuners._bayes.gp import GP
from sklearn_tuners._bayes.surrogate import (
    SCALES,
    Surrogate,
    Trials,
    close_scores,
    full_inputs,
    last_refit,
    wide_scores,
    wide_unit,
)
from sklearn_tuners._space.space import Space

BOTH = pytest.mark.parametrize("scale", SCALES)


def test_close_scale_keeps_the_better_half_and_ranks_the_other():
    seen = close_scores(np.array([0.0, 1.0, 2.0, 3.0, 4.0]))
    # Above the median 2: differences 0, 1, 2 over their root mean square.
    unit = np.sqrt((0 + 1 + 4) / 3)
    assert_allclose(seen[2:], [0.0, 1 / unit, 2 / unit])
    # Below: normal quantiles of .5 / 5 and 1.5 / 5.
    assert_allclose(seen[:2], [-1.2815515655446004, -0.5244005127080409])


@pytest.mark.parametrize("worst", [-1e1, -1e6, -1e99])
def test_close_scale_does_not_see_how_bad_the_bad_are(worst):
    expected = close_scores(np.array([0.0, 0.1, 0.5, 0.6, 0.9]))
    assert_allclose(close_scores(np.array([worst, 0.1, 0.5, 0.6, 0.9])), expected)


def test_wide_scale_is_linear_down_to_its_cut():
    # Median of the first ten is 5.5, the best 10: cut at 10 - 3 * 4.5 = -3.5.
    scores = np.array([*range(1, 11), -3.0, -3.5, -4.0, -1e6])
    seen = wide_scores(scores)
    unit = seen[1] - seen[0]
    assert_allclose(np.diff(seen[:10]), unit)
    assert_allclose(seen[0] - seen[10:], np.array([4.0, 4.5, 4.5, 4.5]) * unit)
    assert_allclose([seen.mean(), seen.std()], [0.0, 1.0], atol=1e-12)


def test_wide_scale_does_not_shrink_as_trials_gather():
    first = [0.1, 0.5, 0.3, 0.7, 0.2, 0.6, 0.4, 0.5, 0.3, 0.8]
    gathered = first + list(0.9 + 0.001 * np.arange(30))
    for scale, least in [(wide_scores, 2.0), (close_scores, 0.0)]:
        seen = scale(np.array(gathered))
        detail = seen[-1] - seen[10]
        assert (seen[10] - seen[0]) / detail > least
    # On the close scale the same details fill most of the range.
    seen = close_scores(np.array(gathered))
    assert seen[-1] - seen[25] > 1.0


def test_the_unit_of_the_wide_scale_in_scores():
    scores = np.array([*range(1, 11), -1e6, np.nan, 10.0])
    seen = wide_scores(scores)
    assert_allclose(wide_unit(scores), 1.0 / (seen[8] - seen[7]))
    assert_allclose(wide_unit(7.0 * scores), 7.0 * wide_unit(scores))


@pytest.mark.parametrize("scores", [[2.0], [2.0, 2.0, np.nan]])
def test_the_unit_of_equal_scores_is_infinite(scores):
    assert wide_unit(np.array(scores)) == np.inf


@BOTH
def test_scales_are_monotone_and_blind_to_units(scale):
    scores = np.random.default_rng(0).normal(size=30)
    seen = scale(scores)
    assert (np.diff(seen[np.argsort(scores)]) >= 0).all()
    assert_allclose(scale(7.0 * scores - 3.0), seen, rtol=1e-9, atol=1e-12)


@BOTH
def test_failures_are_last(scale):
    scores = np.array([0.3, np.nan, 0.5, -np.inf, np.inf, 0.1])
    seen = scale(scores)
    failed = ~np.isfinite(scores)
    assert np.isfinite(seen).all()
    assert len(set(seen[failed])) == 1
    assert seen[failed].max() < seen[~failed].min()


@BOTH
@pytest.mark.parametrize(
    "scores",
    [
        [1.0],
        [2.0, 2.0],
        [2.0, 2.0, np.nan],
        [1e300, -1e300, 0.0],
        [0, 0, 0, 1e-300],
        [1.7e308, -1.7e308, np.nan],
        [-1e6, 1e-12, 2e-12],
    ],
)
def test_scales_of_extremes_are_finite(scale, scores):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert np.isfinite(scale(np.array(scores, dtype=float))).all()


@pytest.mark.parametrize(("n", "expected"), [(1, 1), (64, 64), (65, 64), (68, 68)])
def test_refits_come_at_scheduled_numbers_of_tells(n, expected):
    assert last_refit(n) == expected
    assert last_refit(last_refit(1000)) == last_refit(1000) <= 1000


@pytest.fixture
def space():
    return Space.parse({"x": uniform(0, 1), "y": uniform(0, 1), "kind": ["a", "b"]})


def trials(space, n, context=None):
    rows = space.quantile(np.random.default_rng(0).random((n, space.n_dims)))
    scores = np.sin(5 * rows[:, 1]) + rows[:, 2]
    return Trials(rows, scores, np.empty((n, 0)) if context is None else context)


def state(processes: list[GP]):
    return [(gp.w, gp.signal, gp.noise, gp.alpha) for gp in processes]


def test_processes_are_a_function_of_the_trials(space):
    told = trials(space, 30)
    grown, fresh = Surrogate(space, 3), Surrogate(space, 3)
    for n in (10, 25, 30):
        for scale in (1, 0):
            grown.processes(told[:n], scale)
    for scale in (0, 1):
        pairs = zip(
            state(grown.processes(told, scale)),
            state(fresh.processes(told, scale)),
            strict=True,
        )
        for a, b in pairs:
            for x, y in zip(a, b, strict=True):
                assert_array_equal(x, y)


def test_hyper_parameters_are_drawn_while_trials_are_few(space):
    told = trials(space, 80)
    surrogate = Surrogate(space, 0)
    few = surrogate.processes(told[:12], 0)
    assert len(few) == 3
    assert len({gp.signal for gp in few}) == 3
    assert len(surrogate.processes(told, 0)) == 1


def test_what_is_good_in_part_is_expected_to_be_good_in_full(space):
    told = trials(space, 12, context=np.zeros((12, 1)))
    gp = Surrogate(space, 0).processes(told, 1)[0]
    mean, sd = gp.posterior(full_inputs(space, told.rows, 1))
    assert np.corrcoef(mean, told.scores)[0, 1] > 0.9
    assert np.all(sd < 0.5 * np.sqrt(gp.signal))


def test_trials_are_ordered_from_the_best_to_the_failed():
    scores = np.array([0.3, np.nan, 0.5, np.inf, 0.1])
    told = Trials(np.arange(5.0)[:, None], scores, np.empty((5, 0)))
    assert told.finite.tolist() == [True, False, True, False, True]
    assert told.order[:3].tolist() == [2, 0, 4]
    assert told[:3].rows.ravel().tolist() == [0.0, 1.0, 2.0]
    assert (len(told[:3]), told.n_context) == (3, 0)


def test_many_trials_are_thinned_to_the_best_the_newest_and_others(space):
    scores = np.random.default_rng(0).normal(size=5000)
    scores[17] = np.nan
    kept = Surrogate(space, 0)._subset(scores, 300)
    assert len(set(kept.tolist())) == 300
    assert set(np.argsort(np.where(np.isnan(scores), -9, scores))[-100:]) <= set(kept)
    assert set(range(4900, 5000)) <= set(kept)
