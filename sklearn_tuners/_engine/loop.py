"""The loop that every search runs: ask for a point, run its splits, tell the score.

The loop asks for one trial at a time and hands its splits to the workers one at a time.
So no worker waits for another, and no proposal is made before a worker is free to try
it. `ask`, `tell` and the observers are called in the calling thread only.

With a `lag` the outcome does not depend on timing: the loop asks for trial ``m`` when
it has told exactly the trials before ``m - lag``, in their order, whatever else has
finished by then. Without a lag it tells every trial as soon as it has finished.
"""

from __future__ import annotations

import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from sklearn_tuners._compat.sklearn import Outcome
from sklearn_tuners._engine.observer import Observer
from sklearn_tuners._engine.trial import Proposal, Trial
from sklearn_tuners._engine.workers import Overdue, WorkerDeath, Workers

__all__ = ["Engine", "Evaluator", "Failure", "Tuner"]

Token = tuple[int, int]  # number of a trial, split

_SUSPECT, _GUILTY = 2, 3
"""Deaths of workers during one evaluation: after the first number it runs alone, after
the second it is given up. This gives an evaluation that merely shared a machine with
the culprit two chances (convention)."""


class Tuner(Protocol):
    """What proposes points."""

    @property
    def n_independent(self) -> int:
        """Number of first proposals that depend on no score."""

    @property
    def exhausted(self) -> str:
        """Why there is no proposal although nothing is pending."""

    def ask(self, pending: Sequence[Trial]) -> Proposal | None:
        """Return what to try, given the trials asked for and not yet told.

        None if that depends on a trial that is pending, or if nothing is left.
        """

    def tell(self, trial: Trial, score: float) -> None:
        """Report the score of a trial; NaN if it failed."""


@dataclass(frozen=True)
class Failure:
    """Why an evaluation did not finish.

    Attributes
    ----------
    kind : {"timeout", "death"}
        Whether it exceeded its time, or its worker died too often.
    text : str
        Message for users.
    """

    kind: Literal["timeout", "death"]
    text: str


class Evaluator(Protocol):
    """What hands evaluations to the workers."""

    def submit(self, trial: Trial, split: int) -> None:
        """Hand one evaluation to the workers under the token (trial.number, split).

        Its result must be ``(outcome, stop)``, where the outcome is None after the
        deadline.
        """

    def failed(self, trial: Trial, split: int, failure: Failure) -> Outcome:
        """Return the outcome of an evaluation that cannot run, or raise."""

    def score(self, trial: Trial) -> float:
        """Return the score of a complete trial."""


class Engine:
    """Runs trials on workers until the budget or the space is used up.

    Parameters
    ----------
    tuner : Tuner
        Proposes points and learns from their scores.
    workers : Workers
        The workers, already started.
    evaluator : Evaluator
        Hands evaluations to the workers.
    n_iter : int
        Largest number of trials.
    n_splits : int
        Evaluations per trial.
    lag : int or None
        Number of latest trials whose scores a proposal does not know; with None every
        trial is told when it finishes.
    stop : callable, default=None
        ``stop(trial, score)`` is called after each tell and returns why to stop, or
        None to continue.
    observers : sequence of Observer, default=()
        Called in this order.
    deadline : float, default=None
        Time, as `time.time`, from which no evaluation begins.
    trials : iterable of Trial, default=()
        Trials of an earlier run that this one continues.

    Attributes
    ----------
    trials : list of Trial
        All trials that have begun, in the order of proposal.
    stop_reason : str
        Why no more trials were asked for.
    """

    def __init__(
        self,
        tuner: Tuner,
        workers: Workers,
        evaluator: Evaluator,
        *,
        n_iter: int,
        n_splits: int,
        lag: int | None,
        stop: Callable[[Trial, float], str | None] | None = None,
        observers: Sequence[Observer] = (),
        deadline: float | None = None,
        trials: Iterable[Trial] = (),
    ) -> None:
        self.tuner = tuner
        self.workers = workers
        self.evaluator = evaluator
        self.stop = stop
        self.observers = observers
        self.n_splits = n_splits
        self.lag = lag
        self.deadline = deadline
        self.trials = list(trials)
        self.stop_reason = ""
        self._limit = n_iter
        self._n_told = 0
        self._untold = deque(self.trials)
        self._waiting = deque(
            (trial.number, split)
            for trial in self.trials[:n_iter]
            for split, outcome in enumerate(trial.outcomes)
            if outcome is None
        )
        self._n_begun = len(self.trials)
        # How often the tuner has declined since its last proposal, and how many trials
        # it knew then: the loop asks again when it knows more.
        self._n_refusals, self._n_known = 0, -1
        self._n_died = 0
        self._n_deaths: Counter[Token] = Counter()
        self._suspects: deque[Token] = deque()
        self._runs_alone = False

    def run(self) -> None:
        """Run to the end."""
        for observer in self.observers:
            observer.began(self.trials)
        # Told first, so that no evaluation begins after a stop.
        if self.lag is None:
            for trial in [trial for trial in self._untold if trial.is_complete]:
                self._tell(trial)
        else:
            self._tell_what_is_due()
        while True:
            self._fill_workers()
            if not self.workers.n_running:
                break
            self._collect()
        self.stop_reason = self.stop_reason or "n_iter"
        for observer in self.observers:
            observer.ended(self.stop_reason)

    @property
    def rows(self) -> list[Trial]:
        """The trials that count: complete, and within the limit."""
        return [trial for trial in self.trials[: self._limit] if trial.is_complete]

    def _fill_workers(self) -> None:
        while self.workers.n_running < self.workers.n_workers:
            if self.deadline is not None and time.time() >= self.deadline:
                if self._waiting or self._suspects or len(self.trials) < self._limit:
                    self._stop("max_time", limit=self._limit)
                return
            token = self._next_evaluation()
            if token is None:
                return
            number, split = token
            try:
                self.evaluator.submit(self.trials[number], split)
            except WorkerDeath as death:
                self._run_again(death)
        if self.lag is not None and not self._waiting:
            self._tell_what_is_due()
            if self._may_ask():
                # Waiting for a free worker would not tell the tuner anything new.
                self._ask()

    def _next_evaluation(self) -> Token | None:
        """Return what to run next, or None if that must wait for something."""
        if self._suspects or self._runs_alone:
            if self.workers.n_running:
                return None
            self._runs_alone = bool(self._suspects)
            if self._runs_alone:
                return self._suspects.popleft()
        while not self._waiting:
            self._tell_what_is_due()
            if not self._may_ask():
                break
            self._ask()
        while self._waiting:
            number, split = self._waiting.popleft()
            if number < self._limit:
                self._n_begun = max(self._n_begun, number + 1)
                return number, split
        return None

    def _n_to_know(self) -> int:
        """Return how many trials the next proposal must know, if there is a lag."""
        assert self.lag is not None
        # Each time the tuner declines, this grows by one.
        return len(self.trials) - self.lag + self._n_refusals

    def _tell_what_is_due(self) -> None:
        """Tell the complete trials that the next proposal must know, in order."""
        if self.lag is None:
            return
        n_known = self._n_to_know()
        while self._untold and self._untold[0].number < n_known:
            if not self._untold[0].is_complete:
                break
            self._tell(self._untold[0])

    def _may_ask(self) -> bool:
        """Return whether the next trial may be asked for now."""
        number = len(self.trials)
        if self.stop_reason or number >= self._limit:
            return False
        if self.lag is None:
            return self._n_known != self._n_told
        if number < self.tuner.n_independent and not self._n_refusals:
            return True
        return not self._untold or self._untold[0].number >= self._n_to_know()

    def _ask(self) -> None:
        proposal = self.tuner.ask(pending=list(self._untold))
        if proposal is None:
            self._n_refusals += 1
            self._n_known = self._n_told
            if not self._untold:
                self._stop(self.tuner.exhausted, limit=len(self.trials))
            return
        self._n_refusals, self._n_known = 0, -1
        trial = Trial(
            len(self.trials), proposal.point, [None] * self.n_splits, proposal.stage
        )
        self.trials.append(trial)
        self._untold.append(trial)
        for observer in self.observers:
            observer.proposed(trial)
        if proposal.outcomes is None:
            splits = range(self.n_splits)
            self._waiting.extend((trial.number, split) for split in splits)
            return
        self._n_begun = trial.number + 1
        for split, outcome in enumerate(proposal.outcomes):
            self._finish(trial, split, outcome)

    def _collect(self) -> None:
        """Wait for something to happen, and react to it."""
        try:
            done = self.workers.next_done()
        except WorkerDeath as death:
            self._run_again(death)
            return
        except Overdue as overdue:
            self._waiting.extendleft(reversed(overdue.lost))
            for token in overdue.tokens:
                text = "fit_timeout: the fit did not end, so its worker was killed"
                self._give_up(token, Failure("timeout", text))
            return
        (number, split), (outcome, stop) = done
        if outcome is None:
            self._stop("max_time", limit=self._limit)
            return
        self._finish(self.trials[number], split, outcome)
        if stop:
            # Candidates that have begun are finished: no finished split is lost.
            self._stop("callback", limit=self._n_begun)

    def _finish(self, trial: Trial, split: int, outcome: Outcome) -> None:
        trial.outcomes[split] = outcome
        for observer in self.observers:
            observer.finished(trial, split, outcome)
        if self.lag is None and trial.is_complete:
            self._tell(trial)

    def _tell(self, trial: Trial) -> None:
        self._untold.remove(trial)
        score = self.evaluator.score(trial)
        self._n_told += 1
        self.tuner.tell(trial, score)
        for observer in self.observers:
            observer.told(trial, score)
        if self.stop is None or self.stop_reason:
            return
        reason = self.stop(trial, score)
        if reason is not None:
            # Without a lag the trials that have begun by now depend on timing; with a
            # lag, the trials that have begun do not depend on timing.
            limit = self._n_begun if self.lag is None else trial.number + self.lag + 1
            self._stop(reason, limit=limit)

    def _stop(self, reason: str, limit: int) -> None:
        self.stop_reason = self.stop_reason or reason
        self._limit = min(self._limit, limit)

    def _run_again(self, death: WorkerDeath) -> None:
        """Run again what was lost, unless it keeps killing workers."""
        self._n_died += 1
        warnings.warn(  # numbered, because Python shows the same text only once
            f"A worker died ({death}): death {self._n_died} in this search. The "
            f"workers were restarted; {len(death.lost)} evaluation(s) were lost and "
            "will run again, unless they keep killing workers.",
            RuntimeWarning,
            stacklevel=2,
        )
        for token in death.lost:
            self._n_deaths[token] += 1
            n_deaths = self._n_deaths[token]
            if n_deaths >= _GUILTY or token == death.culprit:
                self._give_up(token, Failure("death", f"worker died: {death}"))
            elif n_deaths >= _SUSPECT:
                self._suspects.append(token)
            else:
                self._waiting.appendleft(token)

    def _give_up(self, token: Token, failure: Failure) -> None:
        number, split = token
        trial = self.trials[number]
        self._finish(trial, split, self.evaluator.failed(trial, split, failure))
