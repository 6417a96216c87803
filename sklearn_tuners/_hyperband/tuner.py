"""The tuner behind `HyperbandSearchCV`: which candidate is next, at which resource.

Every decision depends on the trials told, the trials pending and the seed only. So a
tuner that is told the same trials again makes the same proposals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sklearn_tuners._engine.trial import Proposal, Trial
from sklearn_tuners._hyperband.brackets import (
    Bracket,
    make_brackets,
    promoted,
    unrestricted_correlation,
)
from sklearn_tuners._hyperband.sampler import Sampler
from sklearn_tuners._space.point import Point
from sklearn_tuners._space.space import Space
from sklearn_tuners._typing import Params

__all__ = ["HalvingTuner", "Stage"]

Chain = tuple[int, ...]

_MIN_SHARED, _MIN_CORRELATION = 8, 0.3
"""Candidates that two rungs must share before they are compared, and the rank
correlation with the full resource below which a rung drops no more candidates
(conventions; docs/measured/hyperband.md has searches with a rung that ranks wrongly).
"""

_MAX_RETURNING = 50
"""Candidates dropped on lower rungs among which the model may look for a better one:
each costs a row in every search for a proposal (convention)."""


@dataclass(frozen=True)
class Stage:
    """Position of a trial in its bracket.

    Attributes
    ----------
    candidate : int
        Number of the candidate, in the order of sampling.
    bracket, rung : int
        The bracket, counted over all passes, and the rung in it.
    resource : int
        Resource that the candidate is trained with.
    chain : tuple of int
        Resources of the steps in which it is trained; the last is `resource`.
    """

    candidate: int
    bracket: int
    rung: int
    resource: int
    chain: Chain


@dataclass
class _Candidate:
    """What is known of a candidate: its trials and scores by resource."""

    latest: Trial
    trials: dict[int, Trial] = field(default_factory=dict)
    scores: dict[int, float] = field(default_factory=dict)

    @property
    def point(self) -> Point:
        return self.latest.point

    @property
    def resource(self) -> int:
        """The largest resource that it has had."""
        resource: int = self.latest.stage.resource
        return resource

    @property
    def has_failed(self) -> bool:
        return not all(map(math.isfinite, self.scores.values()))


@dataclass
class _Rung:
    """Candidates of a rung: those with a score there, and those pending."""

    resource: int = 0
    scores: dict[int, float] = field(default_factory=dict)
    pending: set[int] = field(default_factory=set)
    n_scores_known: int = 0
    """Number of scores, of any rung, at the last tell of this one."""

    def __contains__(self, candidate: int) -> bool:
        return candidate in self.scores or candidate in self.pending

    def __len__(self) -> int:
        return len(self.scores) + len(self.pending)


class HalvingTuner:
    """Runs brackets of successive halving one after the other.

    A rung is complete when all its candidates have a score. A worker that would wait
    for that begins with the next bracket; if there is none, candidates are promoted
    early, as in ASHA [1]_.

    Parameters
    ----------
    space : Space
        The search space.
    sampler : Sampler
        Source of new candidates.
    rungs : sequence of int
        Ascending resources.
    factor : int or float
        One in `factor` candidates is promoted.
    n_brackets : int
        Brackets per pass, starting with the one with the most candidates.
    n_candidates : int or None
        Number of candidates that begin in a bracket; one that returns counts again.
        Passes repeat until it is reached. With None passes repeat only if `repeats` is
        true, and then forever.
    repeats : bool
        See `n_candidates`.
    extend : callable
        ``extend(params, chain, resource)`` returns the chain that leads to `resource`.

    References
    ----------
    .. [1] L. Li et al. (2020). A System for Massively Parallel Hyperparameter Tuning.
       MLSys. arXiv:1810.05934.
    """

    def __init__(
        self,
        space: Space,
        sampler: Sampler,
        *,
        rungs: Sequence[int],
        factor: float,
        n_brackets: int,
        n_candidates: int | None,
        repeats: bool,
        extend: Callable[[Params, Chain, int], Chain],
    ) -> None:
        self.space, self.sampler = space, sampler
        self.rungs, self.factor = list(rungs), factor
        self.n_brackets, self.n_candidates = n_brackets, n_candidates
        self.extend = extend
        self._plans = make_brackets(rungs, factor)
        self._n_in_all = math.inf if repeats or n_candidates is not None else n_brackets
        self._candidates: dict[int, _Candidate] = {}
        self._brackets: dict[int, list[_Rung]] = {}
        # Scores in the order told, and the rungs that the first n of them show to be
        # untrusted.
        self._history: list[tuple[int, int, float]] = []
        self._untrusted: dict[int, set[int]] = {}
        self._first_open = 0

    @property
    def n_initial_points(self) -> int:
        """Number of candidates before the first one that depends on scores."""
        return self.sampler.n_initial_points

    @property
    def n_independent(self) -> int:
        """Number of first proposals that depend on no score."""
        counts = [self.n_initial_points, self._plan(0, {}).n_candidates[0]]
        if self.n_candidates is not None:
            counts.append(self.n_candidates)
        return min(counts)

    @property
    def exhausted(self) -> str:
        """Why there are no more proposals."""
        n_begun = sum(len(rungs[0]) for rungs in self._brackets.values() if rungs)
        if self.n_candidates is not None and n_begun >= self.n_candidates:
            return "n_iter"
        return "brackets" if math.isfinite(self._n_in_all) else "space exhausted"

    def tell(self, trial: Trial, score: float) -> None:
        """Report the score of a trial."""
        stage: Stage = trial.stage
        known = self._candidates.setdefault(stage.candidate, _Candidate(trial))
        if known.resource <= stage.resource:
            known.latest = trial
        if stage.resource not in known.scores:
            self._history.append((stage.candidate, stage.resource, score))
            fidelity = self._fidelity(stage.resource)
            self.sampler.tell(trial.point, score, fidelity)
        known.trials[stage.resource] = trial
        known.scores[stage.resource] = score
        rung = _enter(self._brackets, stage)
        rung.scores[stage.candidate] = score
        rung.n_scores_known = len(self._history)

    def regret_bound(self) -> float:
        """Return how much better than the best told point any could be."""
        return self.sampler.regret_bound()

    def ask(self, pending: Sequence[Trial]) -> Proposal | None:
        """Return the next (candidate, resource), or None if that depends on others."""
        view = _View(self, pending)
        b = self._first_open
        while b < self._n_in_all:
            if self._is_over(b, view):
                # When the space is used up, candidates may still join a bracket.
                if b == self._first_open and not view.is_exhausted:
                    self._first_open += 1
                b += 1
                continue
            proposal = self._promotion(b, view) or self._newcomer(b, view)
            if proposal is not None:
                return proposal
            if not view.brackets.get(b):
                break  # no candidate can begin, in this bracket or a later one
            b += 1
        for b in sorted(view.brackets):
            if b >= self._first_open:
                proposal = self._promotion(b, view, early=True)
                if proposal is not None:
                    return proposal
        return None

    # Which rungs are trusted.

    @property
    def untrusted(self) -> set[int]:
        """Resources whose scores do not rank candidates as the full resource does."""
        return self._untrusted_after(len(self._history))

    def _untrusted_after(self, n: int) -> set[int]:
        """Return `untrusted` as of the first `n` scores.

        The rank correlation with the full resource is taken as the product of those
        from each rung to the next, as if each rung predicted the end only through the
        next one.
        """
        if n not in self._untrusted:
            scores: dict[int, dict[int, float]] = {r: {} for r in self.rungs}
            for candidate, resource, score in self._history[:n]:
                if math.isfinite(score):
                    scores[resource][candidate] = score
            found, product = set(), 1.0
            for low, high in list(zip(self.rungs, self.rungs[1:], strict=False))[::-1]:
                product *= _correlation(scores[low], scores[high])
                if product < _MIN_CORRELATION:
                    found.add(low)
            self._untrusted[n] = found
        return self._untrusted[n]

    # The plan of a bracket.

    def _plan(self, b: int, brackets: dict[int, list[_Rung]]) -> Bracket:
        """Return the plan of a bracket, which begins above untrusted rungs."""
        if brackets.get(b):
            level = self.rungs.index(brackets[b][0].resource)
        else:
            level = b % self.n_brackets
            untrusted = self.untrusted
            while self.rungs[level] in untrusted:
                level += 1
        plan, n_distinct = self._plans[level], self.space.n_distinct
        if math.isinf(n_distinct):
            return plan
        return plan.limited_to(int(n_distinct), self.factor)

    def _fidelity(self, resource: int) -> float:
        """Return the position of a resource among the rungs, 1 for the full one."""
        if len(self.rungs) == 1:
            return 1.0
        low, high = math.log(self.rungs[0]), math.log(self.rungs[-1])
        return (math.log(resource) - low) / (high - low)

    # Proposals.

    def _is_over(self, b: int, view: _View) -> bool:
        """Return whether no candidate is left to begin or to promote in a bracket."""
        plan, rungs = view.plan(b), view.brackets.get(b, [])
        if not rungs or not self._is_full(b, view):
            return False
        for i, rung in enumerate(rungs):
            if rung.pending:
                return False
            if i + 1 < len(plan.resources):
                goes_on = self._chosen(b, i, view)
                following = rungs[i + 1] if i + 1 < len(rungs) else _Rung()
                if any(c not in following for c in goes_on):
                    return False
        return True

    def _is_full(self, b: int, view: _View) -> bool:
        """Return whether no more candidates begin in a bracket."""
        rung = view.brackets[b][0] if view.brackets.get(b) else _Rung()
        return (
            len(rung) >= view.plan(b).n_candidates[0]
            or (self.n_candidates is not None and view.n_begun >= self.n_candidates)
            or (view.is_exhausted and not self._returning(b, view))
        )

    def _chosen(self, b: int, i: int, view: _View) -> list[int]:
        """Return the candidates promoted from a rung on which all have a score.

        These are the best, or the ones proposed first if the rung was known to rank
        wrongly when it got its last score. A later verdict changes nothing.
        """
        plan, rung = view.plan(b), view.brackets[b][i]
        n = len(view.brackets[b][0])
        n_next = plan.limited_to(n, self.factor).n_candidates[i + 1]
        untrusted = self._untrusted_after(rung.n_scores_known)
        return _best(rung.scores, n_next, plan.resources[i] not in untrusted)

    def _promotion(
        self, b: int, view: _View, *, early: bool = False
    ) -> Proposal | None:
        """Return the next promotion in a bracket, from its highest rung first."""
        plan, rungs = view.plan(b), view.brackets.get(b, [])
        for i in reversed(range(min(len(rungs), len(plan.resources) - 1))):
            if self._is_complete(b, i, view):
                chosen = self._chosen(b, i, view)
            elif early:
                n = int(len(rungs[i].scores) // float(self.factor))
                is_trusted = plan.resources[i] not in self.untrusted
                n = min(n, plan.n_candidates[i + 1])
                chosen = _best(rungs[i].scores, n, is_trusted)
            else:
                continue
            for candidate in chosen:
                if i + 1 < len(rungs) and candidate in rungs[i + 1]:
                    continue
                proposal = self._proposal(candidate, b, i + 1, plan, view)
                if proposal is not None:
                    return proposal
        return None

    def _is_complete(self, b: int, i: int, view: _View) -> bool:
        """Return whether all candidates that will reach a rung have a score there."""
        rungs = view.brackets[b]
        if rungs[i].pending:
            return False
        if i == 0:
            return self._is_full(b, view)
        return self._is_complete(b, i - 1, view) and all(
            c in rungs[i] for c in self._chosen(b, i - 1, view)
        )

    def _newcomer(self, b: int, view: _View) -> Proposal | None:
        """Return a candidate that begins in a bracket: a new one, else a known one."""
        if self._is_full(b, view):
            return None
        plan = view.plan(b)
        if not view.is_exhausted:
            dropped = self._dropped(b, view)
            point = self.sampler.ask(
                view.n_known,
                view.pending_points,
                [self._candidates[c].point for c in dropped.values()],
            )
            if point is not None:
                known = dropped.get(point.key)
                if known is not None:
                    return self._proposal(known, b, 0, plan, view)
                resource = plan.resources[0]
                chain = self.extend(point.params, (), resource)
                return Proposal(point, Stage(view.n_known, b, 0, resource, chain))
            view.is_exhausted = True
        if not view.touched <= {b}:
            return None  # a running bracket may still promote them
        for candidate in self._returning(b, view):
            proposal = self._proposal(candidate, b, 0, plan, view)
            if proposal is not None:
                return proposal
        return None

    def _dropped(self, b: int, view: _View) -> dict[bytes, int]:
        """Return, by key, the candidates that may begin in a bracket once more.

        They have had less than its first resource. If there are many, the best ones.
        """
        begins = view.plan(b).resources[0]
        if begins == self.rungs[0] or view.n_known < self.n_initial_points:
            return {}
        busy = {candidate for candidate, _ in view.running}
        fit = [
            c
            for c in self._returning(b, view)
            if self._candidates[c].resource < begins and c not in busy
        ]
        # Of several with the same key, the best one.
        return {
            self._candidates[c].point.key: c for c in reversed(fit[:_MAX_RETURNING])
        }

    def _returning(self, b: int, view: _View) -> list[int]:
        """Return known candidates that may join a bracket, the best first.

        Candidates that have failed, or have the full resource already, do not return:
        nothing would be learned, and repeated passes would never end. Nor do any
        in a space whose dicts have numbers of their own, which would count them twice.
        """
        if any(branch.n_iter is not None for branch in self.space.branches):
            return []
        rung = view.brackets[b][0] if view.brackets.get(b) else _Rung()

        def merit(number: int) -> tuple[float, float, int]:
            candidate = self._candidates[number]
            return -candidate.resource, -candidate.scores[candidate.resource], number

        return sorted(
            (
                number
                for number, candidate in self._candidates.items()
                if number not in rung
                and self.rungs[-1] not in candidate.scores
                and not candidate.has_failed
            ),
            key=merit,
        )

    def _proposal(
        self, number: int, b: int, rung: int, plan: Bracket, view: _View
    ) -> Proposal | None:
        """Return a known candidate at another resource; None if that is running."""
        resource = plan.resources[rung]
        if (number, resource) in view.running:
            return None
        candidate = self._candidates[number]
        done = candidate.trials.get(resource)
        if done is not None:
            stage = Stage(number, b, rung, resource, done.stage.chain)
            return Proposal(done.point, stage, done.finished)
        chain = candidate.latest.stage.chain if candidate.resource < resource else ()
        chain = self.extend(candidate.point.params, chain, resource)
        return Proposal(candidate.point, Stage(number, b, rung, resource, chain))


class _View:
    """The trials of a tuner and the pending ones, put together for one `ask`."""

    def __init__(self, tuner: HalvingTuner, pending: Sequence[Trial]) -> None:
        self._tuner = tuner
        self._plans: dict[int, Bracket] = {}
        self.pending_points = [trial.point for trial in pending]
        self.touched = {trial.stage.bracket for trial in pending}
        # Only the brackets with something pending differ from what the tuner has.
        self.brackets = dict(tuner._brackets)
        for b in self.touched:
            self.brackets[b] = [
                replace(rung, pending=set()) for rung in tuner._brackets.get(b, [])
            ]
        self.running: set[tuple[int, int]] = set()
        for trial in pending:
            stage: Stage = trial.stage
            _enter(self.brackets, stage).pending.add(stage.candidate)
            self.running.add((stage.candidate, stage.resource))
        known = tuner._candidates.keys() | {trial.stage.candidate for trial in pending}
        self.n_known = len(known)
        self.n_begun = sum(len(rungs[0]) for rungs in self.brackets.values() if rungs)
        self.is_exhausted = self.n_known >= tuner.space.n_distinct

    def plan(self, b: int) -> Bracket:
        """Return the plan of a bracket."""
        if b not in self._plans:
            self._plans[b] = self._tuner._plan(b, self.brackets)
        return self._plans[b]


def _enter(brackets: dict[int, list[_Rung]], stage: Stage) -> _Rung:
    """Return the rung of a stage, made if need be."""
    rungs = brackets.setdefault(stage.bracket, [])
    while len(rungs) <= stage.rung:
        rungs.append(_Rung())
    rungs[stage.rung].resource = stage.resource
    return rungs[stage.rung]


def _best(scores: dict[int, float], n: int, is_trusted: bool) -> list[int]:
    """Return the `n` best candidates, or the first ones where scores mean nothing."""
    if not is_trusted:
        scores = {c: 0.0 for c, score in scores.items() if math.isfinite(score)}
    return promoted(scores, n)


def _correlation(low: dict[int, float], high: dict[int, float]) -> float:
    """Return the rank correlation of two neighbouring rungs, 1 until it is known."""
    shared = sorted(low.keys() & high.keys())
    if len(shared) < _MIN_SHARED:
        return 1.0
    before, after = (np.array([rung[c] for c in shared]) for rung in (low, high))
    found = unrestricted_correlation(np.array(list(low.values())), before, after)
    return 1.0 if math.isnan(found) else max(found, 0.0)
