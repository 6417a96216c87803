"""The one loop of every search: ask for params, run their splits, tell the score.

Trials are asked for one at a time and their splits are handed to the workers one at a
time, so that no worker waits for others and no proposal is made before a worker is free
to try it. `ask` and `tell` happen in the calling thread only.

With a `lag` the outcome does not depend on timing: trial ``m`` is asked for when
exactly the trials before ``m - lag`` have been told, in their order, whatever else has
finished by then. Without one every finished trial is told at once.
"""

from __future__ import annotations

import time
import warnings
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sklearn_tuners._compat.sklearn import Outcome
from sklearn_tuners._engine.workers import Overdue, WorkerDeath, Workers

__all__ = ["Engine", "Proposal", "Trial", "Tuner"]

Params = dict[str, Any]
Token = tuple[int, int]  # number of a trial, split

_SUSPECT, _GUILTY = 2, 3
"""Deaths of workers that an evaluation was running at: from the first on it is run
alone, at the second it is given up."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a tuner wants to be tried.

    Attributes
    ----------
    params : dict
        The parameters to set on the estimator.
    stage : object
        What else the tuner wants to find on the trial.
    outcomes : sequence of dict or None
        Outcomes of an earlier trial of the same, which need not be run again.
    """

    params: Params
    stage: Any = None
    outcomes: Sequence[Outcome] | None = None


class Tuner(Protocol):
    """What proposes params."""

    @property
    def n_independent(self) -> int:
        """Number of first proposals that depend on no score."""

    @property
    def exhausted(self) -> str:
        """Why there is no proposal although nothing is pending."""

    def ask(self, pending: Sequence[Trial]) -> Proposal | None:
        """Return what to try, given the trials asked for and not yet told.

        None if that cannot be said before another one is told.
        """

    def tell(self, trial: Trial, score: float) -> None:
        """Report the score of a trial; NaN if it failed."""


@dataclass(slots=True, eq=False)
class Trial:
    """Params and what became of them on every split.

    Attributes
    ----------
    number : int
        Position in the order of proposal.
    params : dict
        The parameters to set on the estimator.
    outcomes : list of dict or None
        What `fit_and_score` returned for each split, None as long as it has not run.
    stage : object
        What the tuner noted on it.
    """

    number: int
    params: Params
    outcomes: list[Outcome | None] = field(repr=False)
    stage: Any = None

    @property
    def is_complete(self) -> bool:
        """Whether every split has run."""
        return None not in self.outcomes

    @property
    def finished(self) -> list[Outcome]:
        """The outcomes there are."""
        return [outcome for outcome in self.outcomes if outcome is not None]


class Hooks(Protocol):
    """What the engine needs of the search."""

    def submit(self, trial: Trial, split: int) -> None:
        """Hand one evaluation to the workers under the token (trial.number, split).

        Its result must be ``(outcome, stop)``, the outcome None if it was too late.
        """

    def proposed(self, trial: Trial) -> None:
        """Take note of a new trial."""

    def finished(self, trial: Trial, split: int, outcome: Outcome) -> None:
        """Take note of a new outcome."""

    def failed(self, trial: Trial, split: int, reason: str) -> Outcome:
        """Return the outcome of an evaluation that cannot be run, or raise."""

    def score(self, trial: Trial) -> float:
        """Return what to tell of a complete trial."""

    def stop_reason(self, trial: Trial, scores: Sequence[float]) -> str | None:
        """Return why to stop after telling `trial`, the last of `scores`, or None."""


class Engine:
    """Runs trials on workers until the budget or the space is used up.

    Parameters
    ----------
    tuner : Tuner
        Proposes params and learns from their scores.
    workers : Workers
        Entered.
    hooks : Hooks
        The search.
    n_iter : int
        Trials to run at the most.
    n_splits : int
        Evaluations a trial.
    lag : int or None
        How many of the last trials a proposal does not know the score of; None tells
        every trial when it finishes.
    deadline : float, default=None
        Time, as `time.time`, from which no evaluation is begun.
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
        hooks: Hooks,
        *,
        n_iter: int,
        n_splits: int,
        lag: int | None,
        deadline: float | None = None,
        trials: Iterable[Trial] = (),
    ) -> None:
        self.tuner = tuner
        self.workers = workers
        self.hooks = hooks
        self.n_splits = n_splits
        self.lag = lag
        self.deadline = deadline
        self.trials = list(trials)
        self.stop_reason = ""
        self._limit = n_iter
        self._scores: list[float] = []
        self._untold = deque(self.trials)
        self._waiting = deque(
            (trial.number, split)
            for trial in self.trials[:n_iter]
            for split, outcome in enumerate(trial.outcomes)
            if outcome is None
        )
        self._n_begun = len(self.trials)
        # How often the tuner had no proposal since the last one, and how many trials
        # were told then: it is asked again when it knows more.
        self._n_refusals, self._n_known = 0, -1
        self._n_died = 0
        self._n_deaths: Counter[Token] = Counter()
        self._suspects: deque[Token] = deque()
        self._runs_alone = False

    def run(self) -> None:
        """Run to the end."""
        if self.lag is None:
            for trial in [trial for trial in self._untold if trial.is_complete]:
                self._tell(trial)
        else:
            self._may_ask()  # tells: no evaluation begins that a stop has made useless
        while True:
            self._fill_workers()
            if not self.workers.n_running:
                self.stop_reason = self.stop_reason or "n_iter"
                return
            self._collect()

    @property
    def rows(self) -> list[Trial]:
        """The trials that count: complete, and within the limit."""
        return [trial for trial in self.trials[: self._limit] if trial.is_complete]

    # Submitting -----------------------------------------------------------------------

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
                self.hooks.submit(self.trials[number], split)
            except WorkerDeath as death:
                self._run_again(death)
        if self.lag is not None and not self._waiting and self._may_ask():
            # It would know nothing more once a worker is free, and that need not wait.
            self._ask()

    def _next_evaluation(self) -> Token | None:
        """Return what to run next, or None if it has to wait for something."""
        if self._suspects or self._runs_alone:
            if self.workers.n_running:
                return None
            self._runs_alone = bool(self._suspects)
            if self._runs_alone:
                return self._suspects.popleft()
        while not self._waiting and self._may_ask():
            self._ask()
        while self._waiting:
            number, split = self._waiting.popleft()
            if number < self._limit:
                self._n_begun = max(self._n_begun, number + 1)
                return number, split
        return None

    def _may_ask(self) -> bool:
        """Return whether the next trial may be asked for, telling what it must know."""
        number = len(self.trials)
        if self.lag is not None:
            # Each refusal moves on by one what has to be known.
            known = number - self.lag + self._n_refusals
            while self._untold and self._untold[0].number < known:
                if not self._untold[0].is_complete:
                    break
                self._tell(self._untold[0])
        if self.stop_reason or number >= self._limit:
            return False
        if self.lag is None:
            return self._n_known != len(self._scores)
        if number < self.tuner.n_independent and not self._n_refusals:
            return True
        return not self._untold or self._untold[0].number >= known

    def _ask(self) -> None:
        proposal = self.tuner.ask(pending=list(self._untold))
        if proposal is None:
            self._n_refusals += 1
            self._n_known = len(self._scores)
            if not self._untold:
                self._stop(self.tuner.exhausted, limit=len(self.trials))
            return
        self._n_refusals, self._n_known = 0, -1
        trial = Trial(
            len(self.trials), proposal.params, [None] * self.n_splits, proposal.stage
        )
        self.trials.append(trial)
        self._untold.append(trial)
        self.hooks.proposed(trial)
        if proposal.outcomes is None:
            splits = range(self.n_splits)
            self._waiting.extend((trial.number, split) for split in splits)
            return
        self._n_begun = trial.number + 1
        for split, outcome in enumerate(proposal.outcomes):
            self._finish(trial, split, outcome)

    # Collecting -----------------------------------------------------------------------

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
                self._give_up(token, "fit_timeout: did not end; worker killed")
            return
        assert done is not None  # no timeout was given
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
        self.hooks.finished(trial, split, outcome)
        if self.lag is None and trial.is_complete:
            self._tell(trial)

    def _tell(self, trial: Trial) -> None:
        self._untold.remove(trial)
        self._scores.append(self.hooks.score(trial))
        self.tuner.tell(trial, self._scores[-1])
        if not self.stop_reason:
            reason = self.hooks.stop_reason(trial, self._scores)
            if reason is not None:
                # What has begun by now depends on timing where proposals do not wait
                # for scores; what the lag lets begin does not.
                self._stop(
                    reason,
                    limit=self._n_begun
                    if self.lag is None
                    else trial.number + self.lag + 1,
                )

    def _stop(self, reason: str, limit: int) -> None:
        self.stop_reason = self.stop_reason or reason
        self._limit = min(self._limit, limit)

    # Deaths of workers ----------------------------------------------------------------

    def _run_again(self, death: WorkerDeath) -> None:
        """Have what was lost run again, unless workers keep dying of it."""
        self._n_died += 1
        warnings.warn(  # numbered, as Python shows the same text only once
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
                self._give_up(token, f"worker died: {death}")
            elif n_deaths >= _SUSPECT:
                self._suspects.append(token)
            else:
                self._waiting.appendleft(token)

    def _give_up(self, token: Token, reason: str) -> None:
        number, split = token
        trial = self.trials[number]
        self._finish(trial, split, self.hooks.failed(trial, split, reason))
