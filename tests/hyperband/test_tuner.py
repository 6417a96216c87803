"""Who is tried next, at which resource, on a tuner that is driven by hand."""

from __future__ import annotations

import math
from collections import Counter
from contextlib import suppress

import numpy as np
import pytest
from fakes import FakeEvaluator, FakeWorkers
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import uniform

from sklearn_tuners._bayes.optimizer import Optimizer
from sklearn_tuners._engine.loop import Engine
from sklearn_tuners._engine.trial import Trial
from sklearn_tuners._hyperband.brackets import make_brackets
from sklearn_tuners._hyperband.sampler import ModelSampler, RandomSampler
from sklearn_tuners._hyperband.tuner import HalvingTuner
from sklearn_tuners._space.space import Space

SPACE = Space.parse({"x": uniform(0, 1), "y": uniform(0, 1)})
RUNGS = (1, 3, 9)


def model_sampler(space, seed=0):
    return ModelSampler(Optimizer(space, random_state=seed), seed)


def make_tuner(space=SPACE, rungs=RUNGS, sampler=None, **changes):
    settings = {
        "rungs": rungs,
        "factor": 3,
        "n_brackets": len(rungs),
        "n_candidates": None,
        "repeats": False,
        "extend": lambda params, chain, resource: (*chain, resource),
    }
    sampler = sampler or RandomSampler(space, (), seed=0)
    return HalvingTuner(space, sampler, **(settings | changes))


def quality(trial):
    """A score that more resource does not change."""
    return trial.params["x"]


class Driver:
    """Asks and tells a tuner in any order, where the engine has one order.

    With more than one worker it finishes a random one of the pending trials.
    """

    def __init__(self, tuner, score=quality, n_workers=1, seed=0, limit=1000):
        self.tuner, self.score, self.n_workers = tuner, score, n_workers
        self.rng = np.random.default_rng(seed)
        self.limit = limit
        self.trials, self.pending, self.n_run = [], [], 0
        self.told = []
        self.refused = 0

    def ask(self):
        proposal = self.tuner.ask(list(self.pending))
        if proposal is None:
            self.refused += 1
            return False
        trial = Trial(len(self.trials), proposal.point, [None], stage=proposal.stage)
        self.trials.append(trial)
        if proposal.outcomes is None:
            self.n_run += 1
            self.pending.append(trial)
        else:
            trial.outcomes[0] = proposal.outcomes[0]
            self.tell(trial)
        return True

    def tell(self, trial):
        if trial.outcomes[0] is None:
            trial.outcomes[0] = {"score": self.score(trial)}
        self.told.append(trial)
        self.tuner.tell(trial, trial.outcomes[0]["score"])

    def run(self):
        while True:
            while len(self.pending) < self.n_workers and self.ask():
                assert len(self.trials) < self.limit, "does not end"
            if not self.pending:
                return self
            self.finish()

    def finish(self):
        turn = int(self.rng.integers(len(self.pending)))
        self.tell(self.pending.pop(turn))

    @property
    def stages(self):
        return [(t.stage.bracket, t.stage.rung, t.stage.resource) for t in self.trials]


def test_one_worker_runs_the_plan_rung_by_rung():
    driver = Driver(make_tuner()).run()
    expected = [
        (b, i, r)
        for b, bracket in enumerate(make_brackets(RUNGS))
        for i, (n, r) in enumerate(
            zip(bracket.n_candidates, bracket.resources, strict=True)
        )
        for _ in range(n)
    ]
    assert driver.stages == expected
    assert driver.n_run == len(expected)
    assert driver.tuner.exhausted == "brackets"


def test_the_best_go_on_in_the_order_of_their_scores():
    driver = Driver(make_tuner()).run()
    for bracket in range(3):
        rungs = {}
        for trial in driver.trials:
            if trial.stage.bracket == bracket:
                rungs.setdefault(trial.stage.rung, []).append(trial)
        for i in range(len(rungs) - 1):
            best = sorted(rungs[i], key=lambda t: -t.params["x"])[: len(rungs[i + 1])]
            assert [t.params for t in rungs[i + 1]] == [t.params for t in best]


def test_candidates_keep_their_number_and_add_a_step_to_their_chain():
    driver = Driver(make_tuner()).run()
    chains = {}
    for trial in driver.trials:
        stage = trial.stage
        assert stage.chain == (*chains.get(stage.candidate, ()), stage.resource)
        chains[stage.candidate] = stage.chain
    first = {t.stage.candidate: t.params for t in reversed(driver.trials)}
    assert sorted(first) == list(range(9 + 5 + 3))
    assert all(t.params == first[t.stage.candidate] for t in driver.trials)


def test_what_failed_is_never_promoted():
    def score(trial):
        return math.nan if trial.params["x"] > 0.5 else trial.params["x"]

    driver = Driver(make_tuner(), score).run()
    promoted = [t for t in driver.trials if t.stage.rung]
    assert promoted
    assert all(t.params["x"] <= 0.5 for t in promoted)


def test_if_all_fail_the_brackets_end_at_their_first_rung():
    driver = Driver(make_tuner(), lambda trial: math.nan).run()
    assert Counter(driver.stages) == {(0, 0, 1): 9, (1, 0, 3): 5, (2, 0, 9): 3}


@pytest.mark.parametrize("n_candidates", [1, 4, 9, 10, 20, 40])
def test_n_iter_counts_candidates_and_passes_repeat(n_candidates):
    driver = Driver(make_tuner(n_candidates=n_candidates)).run()
    assert len({t.stage.candidate for t in driver.trials}) == n_candidates
    assert driver.tuner.exhausted == "n_iter"
    # The bracket that is cut short ends at the full resource, as all do.
    for bracket in {t.stage.bracket for t in driver.trials}:
        assert max(r for b, _, r in driver.stages if b == bracket) == 9
    sizes = Counter(b for b, i, _ in driver.stages if i == 0)
    full = [9, 5, 3] * 10
    assert all(sizes[b] == full[b] for b in range(len(sizes) - 1))


def test_a_bracket_that_is_cut_short_promotes_its_share():
    driver = Driver(make_tuner(n_candidates=6)).run()
    assert Counter(driver.stages) == {(0, 0, 1): 6, (0, 1, 3): 2, (0, 2, 9): 1}


def test_one_bracket_is_successive_halving():
    driver = Driver(make_tuner(n_brackets=1)).run()
    assert {b for b, *_ in driver.stages} == {0}
    driver = Driver(make_tuner(n_brackets=1, n_candidates=18)).run()
    assert Counter(driver.stages)[1, 0, 1] == 9


# Finite spaces ------------------------------------------------------------------------


def test_brackets_shrink_when_there_are_no_more_candidates():
    space = Space.parse({"x": [0.1, 0.2, 0.3, 0.4]})
    driver = Driver(make_tuner(space)).run()
    assert Counter(b for b, i, _ in driver.stages if i == 0)[0] == 4
    assert len({t.stage.candidate for t in driver.trials}) == 4


GRIDS = st.integers(1, 30)
BUDGETS = st.sampled_from(
    [
        {},
        {"n_candidates": 7},
        {"n_candidates": 40},
        {"repeats": True},
        {"n_brackets": 1, "n_candidates": 50},
        {"n_brackets": 1, "repeats": True},
        {"n_brackets": 2, "repeats": True},
    ]
)


def failing(share, seed):
    """Scores that depend on candidate and resource; some are NaN."""

    def score(trial):
        rng = np.random.default_rng([seed, trial.stage.candidate, trial.stage.resource])
        return math.nan if rng.random() < share else float(rng.random())

    return score


@settings(max_examples=80)
@given(
    size=GRIDS,
    budget=BUDGETS,
    n_workers=st.integers(1, 5),
    share=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 10**6),
    is_random=st.booleans(),
)
def test_a_finite_space_ends_and_nothing_runs_twice(
    size, budget, n_workers, share, seed, is_random
):
    space = Space.parse({"x": np.linspace(0, 1, size).tolist()})
    tuner = make_tuner(space, **budget)
    if not is_random:
        tuner.sampler = model_sampler(space)
    driver = Driver(tuner, failing(share, seed), n_workers, seed).run()
    runs = Counter((t.stage.candidate, t.stage.resource) for t in driver.trials)
    assert driver.n_run == len(runs)
    by_candidate = {t.stage.candidate: t.params["x"] for t in driver.trials}
    assert len(set(by_candidate.values())) == len(by_candidate) <= size
    if share == 0.0:
        assert any(t.stage.resource == 9 for t in driver.trials)


def test_a_result_that_is_there_is_reused_with_its_outcome():
    space = Space.parse({"x": np.linspace(0, 1, 6).tolist()})
    driver = Driver(make_tuner(space)).run()
    seen = {}
    n_reused = 0
    for trial in driver.trials:
        key = trial.stage.candidate, trial.stage.resource
        n_reused += key in seen
        assert seen.setdefault(key, trial.outcomes[0]) is trial.outcomes[0]
    assert n_reused
    assert driver.n_run == len(driver.trials) - n_reused


# Several workers ----------------------------------------------------------------------


def test_idle_workers_begin_the_next_bracket_before_anybody_is_promoted_early():
    driver = Driver(make_tuner(), n_workers=99)
    while driver.ask():
        pass
    # Nobody has a score: all three brackets have begun, and no more can.
    assert Counter(driver.stages) == {(0, 0, 1): 9, (1, 0, 3): 5, (2, 0, 9): 3}


def test_early_promotion_takes_the_best_third_of_those_told():
    driver = Driver(make_tuner(), n_workers=99)
    while driver.ask():
        pass
    for trial in driver.pending[:2]:
        driver.tell(trial)
    driver.pending = driver.pending[2:]
    assert not driver.ask()  # a third of two is none
    driver.tell(driver.pending.pop(0))
    assert driver.ask()
    best = max(driver.told, key=quality)
    assert driver.trials[-1].params == best.params
    assert driver.trials[-1].stage.resource == 3


@given(n_workers=st.integers(2, 6), seed=st.integers(0, 10**6))
def test_early_promotion_only_where_a_worker_would_idle(n_workers, seed):
    driver = Driver(make_tuner(), n_workers=n_workers, seed=seed)
    first = {0: 9, 1: 5, 2: 3}
    while True:
        while len(driver.pending) < n_workers and driver.ask():
            trial = driver.trials[-1]
            stage = trial.stage
            if not stage.rung:
                continue
            below = [
                t
                for t in driver.trials[:-1]
                if (t.stage.bracket, t.stage.rung) == (stage.bracket, stage.rung - 1)
            ]
            if any(t in driver.pending for t in below):
                begun = Counter(b for b, i, _ in driver.stages if i == 0)
                assert begun == first
        if not driver.pending:
            break
        driver.finish()


@given(n_workers=st.integers(1, 6), seed=st.integers(0, 10**6))
def test_in_whatever_order_scores_come_those_of_the_plan_are_promoted(n_workers, seed):
    driver = Driver(make_tuner(), n_workers=n_workers, seed=seed).run()
    for b, bracket in enumerate(make_brackets(RUNGS)):
        for i in range(len(bracket.resources) - 1):
            rung, following = (
                {
                    t.stage.candidate: t.params["x"]
                    for t in driver.trials
                    if (t.stage.bracket, t.stage.rung) == (b, rung)
                }
                for rung in (i, i + 1)
            )
            best = sorted(rung, key=rung.get)[-bracket.n_candidates[i + 1] :]
            assert set(best) <= set(following)


@settings(max_examples=60)
@given(
    size=st.sampled_from([4, 7, 12, None]),
    budget=BUDGETS,
    n_workers=st.integers(1, 4),
    n_events=st.integers(0, 60),
    seed=st.integers(0, 10**6),
    is_random=st.booleans(),
)
def test_replaying_the_tells_gives_the_same_proposals(
    size, budget, n_workers, n_events, seed, is_random
):
    """A tuner that was asked all along, and one that only heard of the scores."""
    space = SPACE if size is None else Space.parse({"x": [*range(size)]})

    def tuner():
        made = make_tuner(space, **budget)
        if not is_random:
            made.sampler = model_sampler(space)
        return made

    driver = Driver(tuner(), failing(0.1, seed), n_workers, seed)
    rng = np.random.default_rng(seed)
    for _ in range(n_events):
        if len(driver.pending) < n_workers and driver.ask():
            continue
        if not driver.pending:
            break
        if rng.random() < 0.9:
            driver.finish()
    fresh = tuner()
    for trial in driver.told:
        fresh.tell(trial, trial.outcomes[0]["score"])
    expected = driver.tuner.ask(list(driver.pending))
    found = fresh.ask(list(driver.pending))
    if expected is None:
        assert found is None
        return
    assert found.point.params == expected.point.params
    assert found.stage == expected.stage
    assert (found.outcomes is None) == (expected.outcomes is None)


# In the engine ------------------------------------------------------------------------


def engine_run(tuner, workers, score, lag, before=()):
    """Return the engine at its end, or where the process was killed."""
    engine = Engine(
        tuner,
        workers,
        FakeEvaluator(workers, score),
        n_iter=10**6,
        n_splits=2,
        lag=lag,
        trials=before,
    )
    with suppress(KeyboardInterrupt):
        engine.run()
    return engine


def left_by(killed):
    """Return the trials that a journal keeps of a run."""
    return [
        Trial(trial.number, trial.point, list(trial.outcomes), trial.stage)
        for trial in killed.trials
    ]


def history(engine):
    return [(trial.params, trial.stage) for trial in engine.rows]


ENGINES = {
    "size": st.sampled_from([3, 8, 20, None]),
    "budget": BUDGETS,
    "lag": st.integers(0, 4),
    "seeds": st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)),
    "n_workers": st.tuples(st.integers(1, 5), st.integers(1, 5)),
}


def new_tuner(size, budget):
    if size is None:
        return make_tuner(SPACE, **({"n_candidates": 15} | budget))
    return make_tuner(Space.parse({"x": [*range(size)]}), **budget)


@settings(max_examples=40)
@given(**ENGINES)
@example(size=8, budget={"n_candidates": 7}, lag=0, seeds=(0, 0), n_workers=(1, 2))
def test_with_a_lag_timing_and_the_number_of_workers_do_not_matter(
    size, budget, lag, seeds, n_workers
):
    runs = [
        engine_run(
            new_tuner(size, budget), FakeWorkers(n, seed), failing(0.1, seeds[0]), lag
        )
        for n, seed in zip(n_workers, seeds, strict=True)
    ]
    assert history(runs[0]) == history(runs[1])
    assert runs[0].stop_reason == runs[1].stop_reason
    assert all(trial.is_complete for trial in runs[0].trials)


@settings(max_examples=40)
@given(**ENGINES, kill_after=st.integers(0, 60))
def test_a_killed_run_resumes_to_the_same(
    size, budget, lag, seeds, n_workers, kill_after
):
    score = failing(0.1, seeds[0])
    expected = engine_run(
        new_tuner(size, budget), FakeWorkers(n_workers[0], seeds[0]), score, lag
    )
    workers = FakeWorkers(n_workers[0], seeds[0], kill_after=kill_after)
    killed = engine_run(new_tuner(size, budget), workers, score, lag)
    workers = FakeWorkers(n_workers[1], seeds[1])
    resumed = engine_run(new_tuner(size, budget), workers, score, lag, left_by(killed))
    assert history(resumed) == history(expected)


@pytest.mark.parametrize("kill_after", [20, 45])
def test_who_returns_depends_on_no_timing_and_no_resume(kill_after):
    space = Space.parse({"x": list(range(8)), "y": list(range(8))})

    def tuner():
        return make_tuner(space, sampler=model_sampler(space, seed=1), n_candidates=30)

    def score(trial):
        x, y = trial.params["x"], trial.params["y"]
        return -((x - 5) ** 2) - (y - 3) ** 2 * (trial.stage.resource > 1)

    expected = history(engine_run(tuner(), FakeWorkers(1), score, 3))
    begun = [stage.candidate for _, stage in expected if stage.rung == 0]
    assert len(set(begun)) < len(begun)
    killed = engine_run(tuner(), FakeWorkers(4, 1, kill_after=kill_after), score, 3)
    assert not killed.stop_reason
    resumed = engine_run(tuner(), FakeWorkers(2, 2), score, 3, left_by(killed))
    assert history(resumed) == expected


@given(
    size=st.sampled_from([3, 8, None]),
    n_workers=st.integers(1, 5),
    seed=st.integers(0, 10**6),
)
def test_without_a_lag_every_bracket_ends_too(size, n_workers, seed):
    workers = FakeWorkers(n_workers, seed)
    engine = engine_run(new_tuner(size, {}), workers, failing(0.0, seed), None)
    assert engine.stop_reason in ("brackets", "n_iter", "space exhausted")
    last = {}
    for trial in engine.rows:
        stage = trial.stage
        last[stage.bracket] = max(last.get(stage.bracket, 0), stage.resource)
    assert set(last.values()) == {9}


# Rungs that say nothing ---------------------------------------------------------------


def learning_rates(trial):
    """Small x does well early and badly later, as small learning rates do not."""
    x = trial.params["x"]
    return -x if trial.stage.resource == 1 else x


def test_a_rung_that_ranks_otherwise_raises_the_start_of_later_brackets():
    rungs = (1, 3, 9, 27, 81)
    driver = Driver(make_tuner(rungs=rungs, n_candidates=150), learning_rates).run()
    starts = {}
    for b, i, r in driver.stages:
        if i == 0:
            starts.setdefault(b, r)
    assert starts[0] == 1
    assert driver.tuner.untrusted == {1}
    assert starts[5] == 3
    assert 1 not in {r for b, _, r in driver.stages if b > 0}


def test_rungs_below_an_untrusted_one_are_untrusted_too():
    def score(trial):
        x = trial.params["x"]
        return -x if trial.stage.resource <= 3 else x

    rungs = (1, 3, 9, 27, 81)
    driver = Driver(make_tuner(rungs=rungs, n_candidates=300), score).run()
    assert driver.tuner.untrusted == {1, 3}


@pytest.mark.parametrize("n_workers", [1, 150])  # 150 begin all brackets at once
def test_brackets_that_have_begun_choose_nobody_by_a_rung_found_untrusted(n_workers):
    tuner = make_tuner(rungs=(1, 3, 9, 27, 81), n_candidates=400)
    driver = Driver(tuner, learning_rates, n_workers)
    is_distrusted, on = {}, {}
    tell = driver.tuner.tell

    def watched(trial, score):
        tell(trial, score)
        on.setdefault(trial.stage, trial)
        if trial.stage.resource == 1:
            is_distrusted[trial.stage.bracket] = 1 in driver.tuner.untrusted

    driver.tuner.tell = watched
    driver.run()
    assert set(is_distrusted.values()) == {n_workers > 1}
    for bracket, distrusted in is_distrusted.items():
        first, second = (
            {
                t.stage.candidate: driver.score(t)
                for t in on.values()
                if (t.stage.bracket, t.stage.rung) == (bracket, rung)
            }
            for rung in (0, 1)
        )
        n = len(first) // 3
        best = set(sorted(first, key=first.__getitem__)[-n:])
        assert set(sorted(first)[:n] if distrusted else best) <= second.keys()
        assert not distrusted or not best <= second.keys()


def test_rungs_that_agree_stay_trusted():
    rungs = (1, 3, 9, 27, 81)
    driver = Driver(make_tuner(rungs=rungs, n_candidates=200)).run()
    assert not driver.tuner.untrusted


def test_rungs_with_few_candidates_in_common_are_not_judged():
    driver = Driver(make_tuner(), learning_rates).run()  # three in common
    assert not driver.tuner.untrusted


def test_the_full_resource_is_always_trusted():
    rng = np.random.default_rng(0)
    rungs = (1, 3, 9, 27, 81)
    driver = Driver(
        make_tuner(rungs=rungs, n_candidates=300), lambda trial: rng.random()
    ).run()
    assert 81 not in driver.tuner.untrusted
    assert any(r == 81 for *_, r in driver.stages)


# The sampler --------------------------------------------------------------------------


def test_a_share_of_candidates_is_random_and_the_number_decides_which():
    optimizer = Optimizer(SPACE, random_state=0)
    optimizer.ask_point = lambda pending, again: "proposed"
    sampler = ModelSampler(optimizer, seed=0)
    asked = [sampler.ask(number, [], []) for number in range(200)]
    n_first = sampler.n_initial_points
    assert asked[:n_first] == ["proposed"] * n_first
    share = 1 - asked.count("proposed") / (200 - n_first)
    assert 0.15 < share < 0.35
    assert sampler.ask(50, [], []) == asked[50]


@pytest.mark.parametrize("n_workers", [1, 4])
def test_the_model_lets_dropped_candidates_return(n_workers):
    space = Space.parse({"x": list(range(8)), "y": list(range(8))})

    def score(trial):  # a lower rung does not see y
        x, y = trial.params["x"], trial.params["y"]
        return -((x - 5) ** 2) - (y - 3) ** 2 * (trial.stage.resource > 1)

    def run():
        sampler = model_sampler(space, seed=1)
        tuner = make_tuner(space, sampler=sampler, n_candidates=45)
        return Driver(tuner, score, n_workers).run()

    driver = run()
    begun, params, back = {}, {}, []
    for trial in driver.trials:
        stage = trial.stage
        if stage.rung == 0:
            before = begun.setdefault(stage.candidate, stage)
            if before is not stage:
                back.append((before.resource, stage.resource))
        assert params.setdefault(stage.candidate, trial.params) == trial.params
    assert back
    assert all(low < high for low, high in back)
    assert sorted(begun) == list(range(len(begun)))
    assert sum(trial.stage.rung == 0 for trial in driver.trials) == 45
    assert len({tuple(p.values()) for p in params.values()}) == len(params)
    assert [(t.params, t.stage) for t in run().trials] == [
        (t.params, t.stage) for t in driver.trials
    ]


def test_first_candidates_are_the_ones_given_each_once():
    given_ = [{"x": 0.25, "y": 0.5}, {"x": 0.75, "y": 0.5}, {"x": 0.25, "y": 0.5}]
    optimizer = Optimizer(SPACE, initial_params=given_, random_state=0)
    of_model = ModelSampler(optimizer, seed=0)
    for sampler in (of_model, RandomSampler(SPACE, optimizer.initial_points, seed=0)):
        driver = Driver(make_tuner(sampler=sampler)).run()
        newcomers = {}
        for trial in driver.trials:
            newcomers.setdefault(trial.stage.candidate, trial.params)
        assert list(newcomers.values())[:2] == given_[:2]
        assert list(newcomers.values()).count(given_[0]) == 1


def test_fidelity_is_the_position_among_the_rungs():
    tuner = make_tuner()
    assert [round(tuner._fidelity(r), 6) for r in RUNGS] == [0.0, 0.5, 1.0]
    assert make_tuner(rungs=(7,))._fidelity(7) == 1.0
