"""Stand-ins for all that the loop of the engine works with.

They run nothing and are fast. Workers end their calls in a random order, or by a clock
of their own; some calls kill their worker.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from sklearn_tuners._engine.loop import Failure
from sklearn_tuners._engine.observer import Observer
from sklearn_tuners._engine.trial import Proposal, Trial
from sklearn_tuners._engine.workers import WorkerDeath
from sklearn_tuners._space.point import Point

__all__ = [
    "FakeEvaluator",
    "FakeWorkers",
    "ListTuner",
    "Recorder",
    "TimedWorkers",
    "numbered",
]

Token = tuple[int, int]  # numbers of a trial and of a split


def numbered(number: int) -> Point:
    """Return a point of one parameter, 'x'."""
    row = np.array([float(number)])
    return Point({"x": number}, row, row.tobytes())


class ListTuner:
    """Proposes 0, 1, 2, ... and notes what it knew at each proposal."""

    exhausted = "space exhausted"

    def __init__(self, size: float = math.inf, n_independent: int = 0) -> None:
        self.size = size
        self.n_independent = n_independent
        self.told: list[tuple[int, float]] = []
        self.log: list[Any] = []

    def ask(self, pending: Sequence[Trial]) -> Proposal | None:
        number = len(self.log)
        if number >= self.size:
            return None
        known = [value for value, _ in self.told]
        self.log.append((known, [trial.params["x"] for trial in pending]))
        return Proposal(numbered(number))

    def tell(self, trial: Trial, score: float) -> None:
        self.told.append((trial.params["x"], score))


class FakeWorkers:
    """Finishes running calls in a random order.

    A call in `killers` kills its worker whenever it would end. After `kill_after` calls
    the process itself is killed.
    """

    def __init__(
        self,
        n_workers: int,
        seed: int = 0,
        *,
        killers: Collection[Token] = (),
        kill_after: float = math.inf,
    ) -> None:
        self.n_workers = n_workers
        self.killers = killers
        self.kill_after = kill_after
        self.random = random.Random(seed)
        self.running: list[Token] = []
        self.log: list[tuple[Token, ...]] = []  # what runs after each start
        self.n_done = self.n_deaths = 0

    @property
    def n_running(self) -> int:
        return len(self.running)

    @property
    def max_running(self) -> int:
        return max(map(len, self.log), default=0)

    def start(self, token: Token) -> None:
        self.running.append(token)
        self.log.append(tuple(self.running))

    def next_done(self) -> tuple[Token, tuple[dict[str, Any], bool]]:
        token = self.running.pop(self.random.randrange(len(self.running)))
        if self.n_done >= self.kill_after:
            raise KeyboardInterrupt
        if token in self.killers:
            self.n_deaths += 1
            lost, self.running = [token, *self.running], []
            raise WorkerDeath(lost, None, "killed")
        self.n_done += 1
        return token, ({"test_scores": float(sum(token))}, False)


class TimedWorkers:
    """Workers with a clock of their own, on which a call takes a given time."""

    def __init__(self, n_workers: int, duration: Callable[[Token], float]) -> None:
        self.n_workers = n_workers
        self.duration = duration
        self.now = 0.0
        self.running: list[tuple[float, Token]] = []
        self.intervals: list[tuple[float, float]] = []  # begin and end of each call

    @property
    def n_running(self) -> int:
        return len(self.running)

    def start(self, token: Token) -> None:
        end = self.now + self.duration(token)
        self.intervals.append((self.now, end))
        heapq.heappush(self.running, (end, token))

    def next_done(self) -> tuple[Token, tuple[dict[str, Any], bool]]:
        self.now, token = heapq.heappop(self.running)
        return token, ({"test_scores": 0.0}, False)

    def share_used(self) -> float:
        """Return the share of the workers' time in use until the last call begins."""
        last = max(begin for begin, _ in self.intervals)
        busy = sum(min(end, last) - begin for begin, end in self.intervals)
        return busy / (self.n_workers * last)


class FakeEvaluator:
    """Starts calls on fake workers."""

    def __init__(
        self,
        workers: FakeWorkers | TimedWorkers,
        score: Callable[[Trial], float] | None = None,
    ) -> None:
        self.workers = workers
        self.score = score or self.mean_score
        self.failures: list[Token] = []

    @staticmethod
    def mean_score(trial: Trial) -> float:
        scores = [outcome["test_scores"] for outcome in trial.finished]
        return sum(scores) / len(scores)

    def submit(self, trial: Trial, split: int) -> None:
        assert trial.outcomes[split] is None
        self.workers.start((trial.number, split))

    def failed(self, trial: Trial, split: int, failure: Failure) -> dict[str, Any]:
        self.failures.append((trial.number, split))
        return {"test_scores": math.nan, "fit_error": failure.text}


class Recorder(Observer):
    """Notes what it hears of.

    Attributes
    ----------
    trials : list of Trial
        Those proposed.
    finished_splits : list of (int, int)
        Trial and split of each outcome.
    told_scores : list of float
        In the order of the tells.
    """

    def __init__(self) -> None:
        self.trials: list[Trial] = []
        self.finished_splits: list[Token] = []
        self.told_scores: list[float] = []

    def proposed(self, trial: Trial) -> None:
        self.trials.append(trial)

    def finished(self, trial: Trial, split: int, outcome: dict[str, Any]) -> None:
        self.finished_splits.append((trial.number, split))

    def told(self, trial: Trial, score: float) -> None:
        self.told_scores.append(score)
