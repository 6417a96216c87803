"""Every solver on a small problem; a peer only if it is installed."""

import pytest

from benchmarks.core.race import Race
from benchmarks.solvers import halving, optuna_hyperband
from benchmarks.studies import overhead, quality, utilisation
from benchmarks.tasks.functions import synthetic
from benchmarks.tasks.resources import TASKS

LIBRARIES = {"optuna-tpe": "optuna", "optuna-gp": "optuna", "skopt-gp": "skopt"}
PROBLEMS = [p for p in synthetic() if p.name in ("mixed", "conditional")]


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
@pytest.mark.parametrize("name", quality.TUNERS)
def test_tuner_stays_in_the_space(name, problem):
    if name in LIBRARIES:
        pytest.importorskip(LIBRARIES[name])
    if name == "skopt-gp" and len(problem.space) > 1:
        with pytest.raises(NotImplementedError, match="conditional"):
            quality.TUNERS[name](problem, 4, 0)
        return
    tuner = quality.TUNERS[name](problem, 4, 0)
    for _ in range(4):
        params = tuner.ask()
        assert params.keys() in [dims.keys() for dims in problem.space]
        tuner.tell(params, problem.score(params))


@pytest.mark.parametrize("name", overhead.SOLVERS)
def test_solver_is_timed(name):
    libraries, search, make = overhead.SOLVERS[name]
    for library in libraries:
        pytest.importorskip(library)
    assert overhead.search_seconds(search, 3, 0) > 0
    assert overhead.ask_seconds(make, 3, 0) > 0


def test_skopt_keeps_workers_waiting():
    pytest.importorskip("skopt")
    row = utilisation.measure("skopt", 2, seed=0, n_trials=4, mean=0.01)
    assert 0 < float(row["until_end"]) <= 1


@pytest.mark.parametrize("solver", [halving, optuna_hyperband])
def test_race_is_over_at_its_budget(solver):
    if solver is optuna_hyperband:
        pytest.importorskip("optuna")
    race = Race(budget=0.2)
    solver.race(TASKS["svc-digits"], 0, race)
    assert race.seconds >= 0.2
