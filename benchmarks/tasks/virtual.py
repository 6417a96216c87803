"""Searches on workers with a virtual clock: evaluations cost no real time.

`simulate` follows the rule of the package's trial engine: with a lag, a trial is asked
for when exactly the trials before it less the lag have been told; without one, every
complete trial is told at once. A test holds that it proposes what `BayesSearchCV` does.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "N_SPLITS",
    "N_TRIALS",
    "FloatArray",
    "VirtualRun",
    "batch_schedule",
    "draw_durations",
    "list_schedule",
    "replay",
    "simulate",
    "utilisation",
]

N_TRIALS, N_SPLITS = 160, 5

FloatArray = NDArray[np.float64]
Params = dict[str, Any]


def draw_durations(
    seed: int, mean: float = 1.0, n_splits: int = N_SPLITS, n_trials: int = N_TRIALS
) -> FloatArray:
    """Lognormal durations of all evaluations, sigma 1, one row a trial."""
    rng = np.random.default_rng([seed, 2])
    return mean * rng.lognormal(mean=-0.5, sigma=1.0, size=(n_trials, n_splits))


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
    """Begin and end of each evaluation when each free worker takes the next one.

    The ideal: no worker waits for a score, and nothing has to be decided.

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


@dataclass
class VirtualRun:
    """What became of one run.

    Attributes
    ----------
    params : list of dict
        Of each trial, in the order of proposal.
    intervals : list of (float, float)
        Begin and end of each evaluation.
    done_at : ndarray of shape (n_trials,)
        When each trial was complete.
    """

    params: list[Params] = field(default_factory=list)
    intervals: list[tuple[float, float]] = field(default_factory=list)
    done_at: FloatArray = field(default_factory=lambda: np.empty(0))


@dataclass
class _Trials:
    """Which trials are untold, and whether the next one may be asked for."""

    lag: int | None
    n_independent: int
    tell: Callable[[int], None]
    n_asked: int = 0
    untold: deque[int] = field(default_factory=deque)
    complete: set[int] = field(default_factory=set)

    def tell_what_is_due(self) -> None:
        """Tell what the next proposal has to know, in order, if it is complete."""
        assert self.lag is not None
        while self.untold and self.untold[0] < self.n_asked - self.lag:
            if self.untold[0] not in self.complete:
                return
            self.tell(self.untold.popleft())

    def may_ask(self) -> bool:
        """Return whether the next proposal knows exactly what it has to."""
        if self.lag is None:
            return True
        self.tell_what_is_due()
        if self.n_asked < self.n_independent:
            return True
        return not self.untold or self.untold[0] >= self.n_asked - self.lag

    def finish(self, number: int) -> None:
        """Note that a trial is complete; without a lag it is told at once."""
        self.complete.add(number)
        if self.lag is None:
            self.untold.remove(number)
            self.tell(number)


def simulate(
    optimizer: Any,
    durations: FloatArray,
    *,
    n_workers: int,
    lag: int | None,
    score: Callable[[Params], float] = lambda params: 0.0,
) -> VirtualRun:
    """Run as many trials as there are rows of durations.

    Parameters
    ----------
    optimizer : Optimizer
        Or anything with its ``ask(pending=)``, ``tell`` and ``n_independent``.
    durations : ndarray of shape (n_trials, n_splits)
        Of all evaluations.
    n_workers : int
        Number of workers.
    lag : int or None
        Trials that a proposal does not wait for.
    score : callable
        Of params.
    """
    n_trials, n_splits = durations.shape
    run = VirtualRun(done_at=np.zeros(n_trials))
    trials = _Trials(
        lag,
        optimizer.n_independent,
        lambda m: optimizer.tell(run.params[m], score(run.params[m])),
    )
    waiting: deque[tuple[int, int]] = deque()
    running: list[tuple[float, int, int]] = []
    n_left = np.full(n_trials, n_splits)
    now = 0.0

    def ask_if_needed() -> None:
        if not waiting and trials.n_asked < n_trials and trials.may_ask():
            pending = [run.params[number] for number in trials.untold]
            run.params.append(optimizer.ask(pending=pending))
            waiting.extend((trials.n_asked, split) for split in range(n_splits))
            trials.untold.append(trials.n_asked)
            trials.n_asked += 1

    while True:
        while len(running) < n_workers:
            ask_if_needed()
            if not waiting:
                break
            number, split = waiting.popleft()
            duration = durations[number, split]
            heapq.heappush(running, (now + duration, number, split))
            run.intervals.append((now, now + duration))
        if lag is not None:
            # It would know nothing more once a worker is free, and need not wait.
            ask_if_needed()
        if not running:
            return run
        now, number, _ = heapq.heappop(running)
        n_left[number] -= 1
        if not n_left[number]:
            run.done_at[number] = now
            trials.finish(number)


class _Replay:
    """Proposes what another run has proposed."""

    def __init__(self, params: Sequence[Params], n_independent: int) -> None:
        self.n_independent = n_independent
        self._params = iter(params)

    def ask(self, pending: Sequence[Params]) -> Params:
        """Return the next of the list."""
        return next(self._params)

    def tell(self, params: Params, score: float) -> None:
        """Learn nothing."""


def replay(
    params: Sequence[Params],
    durations: FloatArray,
    *,
    n_workers: int,
    lag: int | None,
    n_independent: int,
) -> VirtualRun:
    """Return the run of given proposals with other durations and workers."""
    again = _Replay(params, n_independent)
    return simulate(again, durations, n_workers=n_workers, lag=lag)
