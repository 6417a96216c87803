"""The loop on doubles: what is asked and told when, for each pool."""

import contextlib
import time

import pytest
from fakes import FakeEvaluator, FakeWorkers, ListTuner, Recorder, numbered
from hypothesis import given
from hypothesis import strategies as st

from sklearn_tuners._engine.loop import Engine
from sklearn_tuners._engine.trial import Trial
from sklearn_tuners._engine.workers import Overdue


def run(tuner, workers, *, n_iter, n_splits=3, lag=None, recorder=None, **kwargs):
    engine = Engine(
        tuner,
        workers,
        FakeEvaluator(workers),
        n_iter=n_iter,
        n_splits=n_splits,
        lag=lag,
        observers=[recorder] if recorder else [],
        **kwargs,
    )
    engine.run()
    return engine


def after(n_told):
    """A stop at the tell of that many trials."""
    scores = []

    def stop(trial, score):
        scores.append(score)
        return "enough" if len(scores) == n_told else None

    return stop


@given(
    n_workers=st.integers(1, 9),
    n_splits=st.integers(1, 4),
    n_iter=st.integers(1, 12),
    lag=st.none() | st.integers(0, 5),
    seed=st.integers(0, 99),
)
def test_every_split_of_every_trial_runs_once(n_workers, n_splits, n_iter, lag, seed):
    workers = FakeWorkers(n_workers, seed)
    recorder = Recorder()
    engine = run(
        ListTuner(),
        workers,
        n_iter=n_iter,
        n_splits=n_splits,
        lag=lag,
        recorder=recorder,
    )
    assert [trial.params["x"] for trial in engine.rows] == list(range(n_iter))
    assert [trial.number for trial in recorder.trials] == list(range(n_iter))
    assert sorted(recorder.finished_splits) == [
        (i, j) for i in range(n_iter) for j in range(n_splits)
    ]
    for trial in engine.rows:
        scores = [outcome["test_scores"] for outcome in trial.outcomes]
        assert scores == [trial.number + split for split in range(n_splits)]
    assert workers.max_running <= n_workers
    assert engine.stop_reason == "n_iter"


@given(
    n_workers=st.integers(1, 9),
    lag=st.integers(0, 5),
    n_independent=st.integers(0, 4),
    seeds=st.tuples(st.integers(), st.integers()),
)
def test_with_a_lag_what_a_proposal_knows_does_not_depend_on_timing(
    n_workers, lag, n_independent, seeds
):
    logs = []
    for seed in seeds:
        tuner = ListTuner(n_independent=n_independent)
        run(tuner, FakeWorkers(n_workers, seed), n_iter=10, lag=lag)
        logs.append(tuner.log[n_independent:])
    assert logs[0] == logs[1]
    for number, (known, pending) in enumerate(logs[0], start=n_independent):
        assert known == list(range(number - lag))
        assert pending == list(range(max(number - lag, 0), number))


@pytest.mark.parametrize(("lag", "n_running"), [(None, 2), (4, 3)])
def test_with_a_lag_the_next_proposal_is_made_while_all_workers_are_busy(
    lag, n_running
):
    workers = FakeWorkers(3)
    recorder = Recorder()
    busy = []
    recorder.proposed = lambda trial: busy.append(workers.n_running)
    run(ListTuner(), workers, n_iter=9, n_splits=3, lag=lag, recorder=recorder)
    assert busy == [0] + 8 * [n_running]


def test_proposals_that_depend_on_no_score_do_not_wait():
    tuner = ListTuner(n_independent=6)
    workers = FakeWorkers(8)
    run(tuner, workers, n_iter=10, n_splits=1, lag=0)
    assert workers.max_running == 6
    assert tuner.log[6] == (list(range(6)), [])


def test_without_a_lag_all_that_is_finished_is_known():
    tuner = ListTuner()
    workers = FakeWorkers(4)
    recorder = Recorder()
    ask, known_in_time = tuner.ask, []

    def checked_ask(pending):
        seen = recorder.finished_splits
        finished = [i for i in range(20) if all((i, j) in seen for j in range(3))]
        known_in_time.append(sorted(x for x, _ in tuner.told) == finished)
        return ask(pending)

    tuner.ask = checked_ask
    run(tuner, workers, n_iter=20, recorder=recorder)
    assert known_in_time == [True] * 20


@pytest.mark.parametrize("lag", [None, 0, 2])
def test_a_space_that_is_used_up_ends_the_run(lag):
    engine = run(ListTuner(size=4), FakeWorkers(3), n_iter=10, lag=lag)
    assert len(engine.rows) == 4
    assert engine.stop_reason == "space exhausted"


def test_a_stop_request_finishes_the_trials_that_have_begun():
    workers = FakeWorkers(2)
    next_done = workers.next_done

    def stop_at_trial_2():
        token, (outcome, _) = next_done()
        return token, (outcome, token[0] == 2)

    workers.next_done = stop_at_trial_2
    engine = run(ListTuner(), workers, n_iter=50)
    assert 3 <= len(engine.rows) <= 4
    assert engine.rows == engine.trials
    assert engine.stop_reason == "callback"


# Stopping -----------------------------------------------------------------------------


@given(
    n_workers=st.integers(1, 9),
    lag=st.integers(0, 3),
    n_independent=st.sampled_from([0, 4, 30]),
    seed=st.integers(),
)
def test_the_rows_of_a_stopped_run_do_not_depend_on_timing(
    n_workers, lag, n_independent, seed
):
    engine = run(
        ListTuner(n_independent=n_independent),
        FakeWorkers(n_workers, seed),
        n_iter=30,
        lag=lag,
        stop=after(7),
    )
    assert engine.stop_reason == "enough"
    assert [trial.number for trial in engine.rows] == list(range(7 + lag))


def test_nothing_begins_after_the_deadline():
    workers = FakeWorkers(2)
    engine = run(ListTuner(), workers, n_iter=5, deadline=time.time() - 1)
    assert engine.rows == engine.trials == []
    assert engine.stop_reason == "max_time"


def test_a_deadline_that_passes_when_all_has_begun_stops_nothing():
    workers = FakeWorkers(1)
    engine = Engine(
        ListTuner(),
        workers,
        FakeEvaluator(workers),
        n_iter=2,
        n_splits=2,
        lag=0,
        deadline=time.time() + 60,
    )
    next_done = workers.next_done

    def last_one_takes_long():
        if len(workers.log) == 4:
            engine.deadline = time.time() - 1
        return next_done()

    workers.next_done = last_one_takes_long
    engine.run()
    assert len(engine.rows) == 2
    assert engine.stop_reason == "n_iter"


def test_an_evaluation_that_comes_too_late_is_no_row():
    workers = FakeWorkers(1)
    next_done = workers.next_done
    workers.next_done = lambda: (
        (next_done()[0], (None, False)) if len(workers.log) > 5 else next_done()
    )
    engine = run(ListTuner(), workers, n_iter=5, n_splits=2)
    assert len(engine.rows) == 2
    assert engine.stop_reason == "max_time"


# Continuing ---------------------------------------------------------------------------


@given(
    n_workers=st.integers(1, 5),
    lag=st.none() | st.integers(0, 3),
    interrupted_after=st.integers(0, 29),
    seed=st.integers(0, 99),
)
def test_a_continued_run_runs_only_what_is_missing(
    n_workers, lag, interrupted_after, seed
):
    workers = FakeWorkers(n_workers, seed, kill_after=interrupted_after)
    first, rest = Recorder(), Recorder()
    engine = Engine(
        ListTuner(),
        workers,
        FakeEvaluator(workers),
        n_iter=10,
        n_splits=3,
        lag=lag,
        observers=[first],
    )
    with contextlib.suppress(KeyboardInterrupt):
        engine.run()

    tuner = ListTuner()
    tuner.log = [None] * len(engine.trials)  # numbers go on from here
    continued = run(
        tuner,
        FakeWorkers(n_workers, seed + 1),
        n_iter=10,
        lag=lag,
        recorder=rest,
        trials=[Trial(t.number, t.point, list(t.outcomes)) for t in engine.trials],
    )
    assert sorted(first.finished_splits + rest.finished_splits) == [
        (i, j) for i in range(10) for j in range(3)
    ]
    assert [trial.params["x"] for trial in continued.rows] == list(range(10))
    if lag is not None:
        uninterrupted = ListTuner()
        run(uninterrupted, FakeWorkers(n_workers), n_iter=10, lag=lag)
        n_asked = len(engine.trials)
        assert tuner.log[n_asked:] == uninterrupted.log[n_asked:]
        assert tuner.told == uninterrupted.told


def test_a_larger_n_iter_extends_and_a_smaller_one_cuts():
    first = run(ListTuner(), FakeWorkers(2), n_iter=5, lag=1)
    for n_iter in (3, 8):
        tuner = ListTuner()
        tuner.log = [None] * 5
        engine = run(tuner, FakeWorkers(2), n_iter=n_iter, lag=1, trials=first.trials)
        assert [trial.number for trial in engine.rows] == list(range(n_iter))


def test_nothing_begins_when_what_is_known_already_says_to_stop():
    trials = [Trial(i, numbered(i), [{"test_scores": 0.0}] * 2) for i in range(3)]
    trials.append(Trial(3, numbered(3), [None, None]))  # had begun when it was stopped
    workers = FakeWorkers(2)
    engine = run(
        ListTuner(n_independent=4),
        workers,
        n_iter=9,
        n_splits=2,
        lag=1,
        stop=after(1),
        trials=trials,
    )
    assert workers.log == []
    assert engine.rows == trials[:2]
    assert engine.stop_reason == "enough"


# Deaths of workers --------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:A worker died:RuntimeWarning")
@given(
    n_workers=st.integers(1, 6),
    lag=st.none() | st.integers(0, 3),
    killers=st.sets(st.tuples(st.integers(0, 7), st.integers(0, 2)), max_size=4),
    seed=st.integers(0, 99),
)
def test_what_kills_workers_is_given_up_and_all_else_is_run(
    n_workers, lag, killers, seed
):
    workers, recorder = FakeWorkers(n_workers, seed, killers=killers), Recorder()
    engine = run(ListTuner(), workers, n_iter=8, lag=lag, recorder=recorder)
    assert set(engine.evaluator.failures) == killers
    assert sorted(recorder.finished_splits) == [
        (i, j) for i in range(8) for j in range(3)
    ]
    assert len(engine.rows) == 8
    assert workers.n_deaths <= 3 * len(killers)


def test_a_suspect_runs_alone_and_there_is_a_warning_for_each_death():
    workers = FakeWorkers(4, killers=[(1, 1)])
    with pytest.warns(RuntimeWarning, match="A worker died") as caught:
        run(ListTuner(), workers, n_iter=6)
    assert len(caught) == workers.n_deaths == 3
    last = max(i for i, running in enumerate(workers.log) if (1, 1) in running)
    assert workers.log[last] == ((1, 1),)


def test_an_overdue_evaluation_fails_and_innocent_ones_run_again():
    workers = FakeWorkers(3)
    recorder = Recorder()
    next_done = workers.next_done

    def overdue():
        if (2, 0) in workers.running:
            workers.running.remove((2, 0))
            lost, workers.running = workers.running, []
            raise Overdue([(2, 0)], lost)
        return next_done()

    workers.next_done = overdue
    engine = run(ListTuner(), workers, n_iter=5, recorder=recorder)
    assert engine.evaluator.failures == [(2, 0)]
    assert sorted(recorder.finished_splits) == [
        (i, j) for i in range(5) for j in range(3)
    ]
    assert len(engine.rows) == 5
