"""The trial engine on workers that sleep in virtual time, which costs none.

`VirtualWorkers` stand in for the pool and `Timeline` for the search: the engine that is
measured is the real one, only the fits are numbers in a table of durations.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_tuners._engine.loop import Engine, Proposal, Trial, Tuner

N_TRIALS, N_SPLITS = 160, 5

FloatArray = NDArray[np.float64]
Params = Mapping[str, Any]


def draw_durations(
    seed: int, mean: float = 1.0, n_splits: int = N_SPLITS
) -> FloatArray:
    """Lognormal durations of all evaluations, sigma 1, one row a trial."""
    rng = np.random.default_rng([seed, 2])
    return mean * rng.lognormal(mean=-0.5, sigma=1.0, size=(N_TRIALS, n_splits))


def utilisation(intervals: FloatArray, n_workers: int, start: float = 0.0) -> float:
    """Share of the workers' time that is spent on evaluations.

    From `start` until the last evaluation begins: from then on workers run out of work
    whatever the scheduler does.

    Parameters
    ----------
    intervals : ndarray of shape (n_evaluations, 2)
        Begin and end of each evaluation.
    n_workers : int
        Number of workers.
    start : float, default=0.0
        Time from which workers were there to be used.

    Returns
    -------
    float
        Between 0 and 1.

    Examples
    --------
    Two workers, of which one idles for a second before the last evaluation begins:

    >>> utilisation(np.array([[0.0, 2.0], [0.0, 1.0], [2.0, 9.0]]), n_workers=2)
    0.75
    """
    last = intervals[:, 0].max()
    busy = np.minimum(intervals[:, 1], last) - intervals[:, 0]
    return float(busy.sum() / (n_workers * (last - start)))


def list_schedule(durations: Sequence[float], n_workers: int) -> FloatArray:
    """Begin and end of each evaluation when whoever is free takes the next one.

    The ideal: nobody waits for a score, and nothing has to be decided.

    Parameters
    ----------
    durations : sequence of float
        In the order in which they begin.
    n_workers : int
        Number of workers.

    Returns
    -------
    ndarray of shape (n_evaluations, 2)

    Examples
    --------
    >>> list_schedule([2.0, 1.0, 7.0], n_workers=2).tolist()
    [[0.0, 2.0], [0.0, 1.0], [1.0, 8.0]]
    """
    free_at = [0.0] * n_workers
    intervals = []
    for duration in durations:
        begin = heapq.heappop(free_at)
        heapq.heappush(free_at, begin + duration)
        intervals.append((begin, begin + duration))
    return np.array(intervals)


def batch_schedule(durations: FloatArray, n_workers: int) -> FloatArray:
    """Begin and end of each evaluation when all wait for a batch of `n_workers` trials.

    Parameters
    ----------
    durations : ndarray of shape (n_trials, n_splits)
        Of all evaluations.
    n_workers : int
        Number of workers, and of trials in a batch.

    Returns
    -------
    ndarray of shape (n_trials * n_splits, 2)

    Examples
    --------
    >>> batch_schedule(np.array([[1.0], [3.0], [1.0], [1.0]]), n_workers=2).tolist()
    [[0.0, 1.0], [0.0, 3.0], [3.0, 4.0], [3.0, 4.0]]
    """
    intervals, begin = [], 0.0
    for first in range(0, len(durations), n_workers):
        batch = durations[first : first + n_workers].ravel().tolist()
        intervals.append(begin + list_schedule(batch, n_workers))
        begin = intervals[-1].max()
    return np.concatenate(intervals)


class VirtualWorkers:
    """Workers whose calls take a given time on a clock of their own."""

    def __init__(self, n_workers: int) -> None:
        self.n_workers = n_workers
        self.now = 0.0
        self._running: list[tuple[float, tuple[int, int]]] = []

    @property
    def n_running(self) -> int:
        """Calls submitted and not yet returned."""
        return len(self._running)

    def start(self, token: tuple[int, int], duration: float) -> None:
        """Begin a call now."""
        heapq.heappush(self._running, (self.now + duration, token))

    def next_done(self) -> tuple[tuple[int, int], tuple[dict[str, float], bool]]:
        """Move the clock to the next end of a call."""
        self.now, token = heapq.heappop(self._running)
        return token, ({}, False)


class Timeline:
    """Hooks that write down when what began and ended.

    Attributes
    ----------
    intervals : list of (float, float)
        Begin and end of each evaluation.
    done_at : ndarray of shape (N_TRIALS,)
        When each trial was complete.
    """

    def __init__(
        self,
        workers: VirtualWorkers,
        durations: FloatArray,
        score: Callable[[Params], float],
    ) -> None:
        self.workers = workers
        self.durations = durations
        self.score_of = score
        self.intervals: list[tuple[float, float]] = []
        self.done_at = np.zeros(N_TRIALS)

    def submit(self, trial: Trial, split: int) -> None:
        """Begin an evaluation."""
        now, duration = self.workers.now, self.durations[trial.number, split]
        self.workers.start((trial.number, split), duration)
        self.intervals.append((now, now + duration))

    def proposed(self, trial: Trial) -> None:
        """Nothing to note."""

    def finished(self, trial: Trial, split: int, outcome: dict[str, Any]) -> None:
        """Note the time."""
        self.done_at[trial.number] = self.workers.now

    def failed(self, trial: Trial, split: int, reason: str) -> dict[str, Any]:
        """Nothing fails here."""
        raise AssertionError(reason)

    def score(self, trial: Trial) -> float:
        """Score the params."""
        return self.score_of(trial.params)

    def stop_reason(self, trial: Trial, scores: Sequence[float]) -> None:
        """Never stop early."""


@dataclass(frozen=True)
class VirtualRun:
    """What became of one run.

    Attributes
    ----------
    params : list of dict
        Of each trial, in the order of proposal.
    done_at : ndarray of shape (N_TRIALS,)
        When each trial was complete.
    utilisation : float
        See `utilisation`.
    seconds : float
        Time of the whole run, until the last evaluation has ended.
    """

    params: list[Params]
    done_at: FloatArray
    utilisation: float
    seconds: float


def run_virtually(
    tuner: Tuner,
    durations: FloatArray,
    *,
    n_workers: int,
    lag: int | None,
    score: Callable[[Params], float] = lambda params: 0.0,
) -> VirtualRun:
    """Run `N_TRIALS` trials of a tuner on virtual workers."""
    workers = VirtualWorkers(n_workers)
    timeline = Timeline(workers, durations, score)
    engine = Engine(
        tuner,
        workers,  # type: ignore[arg-type]
        timeline,
        n_iter=N_TRIALS,
        n_splits=durations.shape[1],
        lag=lag,
    )
    engine.run()
    return VirtualRun(
        [trial.params for trial in engine.trials],
        timeline.done_at,
        utilisation(np.array(timeline.intervals), n_workers),
        workers.now,
    )


class Replay:
    """A tuner that proposes what another one has proposed."""

    exhausted = "space exhausted"

    def __init__(self, params: Sequence[Params], n_independent: int) -> None:
        self.params = params
        self.n_independent = n_independent
        self._n_asked = 0

    def ask(self, pending: Sequence[Trial]) -> Proposal:
        """Return the next of the list."""
        self._n_asked += 1
        return Proposal(dict(self.params[self._n_asked - 1]))

    def tell(self, trial: Trial, score: float) -> None:
        """Learn nothing."""
