"""The store, the clock, the race and the command line of the benchmarks."""

import argparse

import numpy as np
import pytest

from benchmarks.__main__ import main, overview
from benchmarks.core import study
from benchmarks.core.clock import Stopwatch
from benchmarks.core.race import Race, curve_of
from benchmarks.core.store import Store
from benchmarks.core.variants import replaced

KEYS = ("name", "seed")


def test_store_is_resumed(tmp_path):
    path = tmp_path / "new" / "runs.csv"
    Store(path, KEYS).append({"name": "a", "seed": 0, "score": "0.5", "curve": "1:2"})
    again = Store(path, KEYS)
    assert again.rows == [{"name": "a", "seed": 0, "score": 0.5, "curve": "1:2"}]
    assert ("a", 0) in again
    assert list(again.missing([("a", 0), ("a", 1)])) == [("a", 1)]
    again.append({"name": "a", "seed": 1, "score": "0.6", "curve": ""})
    assert len(Store(path, KEYS).where(name="a")) == 2


def test_store_in_memory():
    store = Store(None, KEYS)
    store.append({"name": "a", "seed": 0})
    assert store.by_key() == {("a", 0): {"name": "a", "seed": 0}}


def test_columns_stay_those_of_the_file(tmp_path):
    path = tmp_path / "runs.csv"
    Store(path, KEYS).append({"name": "a", "seed": 0, "score": 1})
    with pytest.raises(ValueError, match="other"):
        Store(path, KEYS).append({"name": "a", "seed": 1, "other": 1})


class Counter:
    def count(self, n):
        return sum(range(n))


def test_methods_are_watched_and_left_as_they_were():
    method, seen = Counter.count, []
    with Stopwatch().watch(Counter, "count", lambda: seen.append(1)) as watch:
        assert Counter().count(10_000) == sum(range(10_000))
    assert watch.n_calls == len(seen) == 1
    assert watch.thread > 0
    assert Counter.count is method
    with pytest.raises(AttributeError), Stopwatch().watch(Counter, "renamed"):
        pass


def test_a_name_that_is_gone_is_noticed():
    with pytest.raises(AttributeError), replaced({"sklearn_tuners._gone": 1}):
        pass


def results(rows, resources):
    scores = np.array(rows, dtype=float)
    return {
        "split0_test_score": scores[:, 0],
        "split1_test_score": scores[:, 1],
        "mean_test_score": scores.mean(axis=1),
        "n_resources": resources,
    }


def test_a_race_notes_rows_with_the_full_resource():
    race = Race()
    race.scores = [(1, 0.1), (2, 0.3), (3, 0.4), (4, 0.6), (5, 0.7), (6, 0.9)]
    # The third row is taken over from the second; the fourth failed on a split.
    rows = [(0.1, 0.3), (0.4, 0.6), (0.4, 0.6), (np.nan, 0.7), (0.9, 0.2)]
    race.note_rows(results(rows, [1, 3, 3, 3, 1]), n_splits=2)
    assert race.curve == [(4, 0.5)]


def test_a_race_is_over_at_its_target_or_budget():
    race = Race(budget=1e9, target=0.5)
    race.check()
    race.note(0.6)
    with pytest.raises(KeyboardInterrupt):
        race.check()
    with pytest.raises(KeyboardInterrupt):
        Race(budget=0.0).check()


def test_curve_of():
    assert curve_of("0.5:-1 2:3.25") == [(0.5, -1.0), (2.0, 3.25)]


def test_options_are_the_keywords_of_the_function():
    def run(
        store,
        *,
        full: bool = False,
        seeds: tuple[int, ...] = (0,),
        mean: float | None = None,
    ):
        """Do nothing."""

    parser = argparse.ArgumentParser()
    study.add_options(parser, run)
    given = parser.parse_args(["--full", "--seeds", "1", "2", "--mean", "0.5"])
    assert vars(given) == {"full": True, "seeds": [1, 2], "mean": 0.5}
    assert vars(parser.parse_args([])) == {"full": False, "seeds": (0,), "mean": None}


def test_all_studies_are_listed(capsys):
    main([])
    shown = overview()
    assert capsys.readouterr().out.strip() == shown.strip()
    for name in study.names():
        assert f"  {name} " in shown


def test_an_unknown_study_is_refused():
    with pytest.raises(SystemExit, match="no study 'unknown'"):
        main(["unknown"])
