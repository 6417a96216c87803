"""The tuner behind `HyperbandSearchCV`: who is tried next, and at which resource.

Everything is decided from the trials told and the trials pending, so that replaying
them gives the same proposals, and from the user's seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

import numpy as np

from sklearn_tuners._engine.loop import Proposal, Trial
from sklearn_tuners._hyperband.brackets import (
    Bracket,
    make_brackets,
    promoted,
    unrestricted_correlation,
)
from sklearn_tuners._space.space import Space

__all__ = ["HalvingTuner", "Sampler", "Stage"]

Params = dict[str, Any]
Chain = tuple[int, ...]

_MIN_SHARED, _MIN_CORRELATION = 8, 0.3
"""Candidates that two rungs must share before they are compared, and the rank
correlation with the full resource below which a rung no longer drops candidates."""

_MAX_RETURNING = 50
"""Candidates dropped on lower rungs among which the model may look for a better one."""


@dataclass(frozen=True)
class Stage:
    """Where a trial stands.

    Attributes
    ----------
    candidate : int
        Number of the candidate, in the order in which they were sampled.
    bracket, rung : int
        The bracket, counted over all passes, and the rung in it.
    resource : int
        What the candidate is trained with.
    chain : tuple of int
        Resources of the steps in which it is trained, the last is `resource`.
    """

    candidate: int
    bracket: int
    rung: int
    resource: int
    chain: Chain


class Sampler(Protocol):
    """Where new candidates come from."""

    @property
    def n_initial_points(self) -> int:
        """Candidates before the first one that depends on scores."""

    def ask(
        self,
        number: int,
        pending: Sequence[tuple[Params, float]],
        again: Sequence[Params],
    ) -> Params | None:
        """Return params, new ones or one of `again`; None if there are no more."""

    def tell(self, params: Params, score: float, fidelity: float) -> None:
        """Report a score, and how near to the full resource it was had, 0 to 1."""

    def regret_bound(self) -> float:
        """Return how much better than the best told trial any params could be."""


@dataclass
class _Rung:
    """Candidates of a rung: scores of those told, and who is pending."""

    scores: dict[int, float] = field(default_factory=dict)
    pending: set[int] = field(default_factory=set)

    def __contains__(self, candidate: int) -> bool:
        return candidate in self.scores or candidate in self.pending

    def __len__(self) -> int:
        return len(self.scores) + len(self.pending)


class HalvingTuner:
    """Runs brackets of successive halving one after the other.

    A rung is left when all its candidates have a score. Workers that would wait for
    that begin with the next bracket; when there is none, candidates are promoted early,
    as in ASHA [1]_.

    Parameters
    ----------
    space : Space
        The search space.
    sampler : Sampler
        Where new candidates come from.
    rungs : sequence of int
        Ascending resources.
    factor : int or float
        The share of candidates that goes on is one in `factor`.
    n_brackets : int
        Brackets of a pass, from the one with most candidates on.
    n_candidates : int or None
        Candidates that begin in a bracket, who returns is counted again; passes repeat
        until then. With None passes repeat only if `repeats` is true, and then without
        an end.
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
        self._latest: dict[int, Trial] = {}
        self._at: dict[tuple[int, int], Trial] = {}
        self._score_at: dict[tuple[int, int], float] = {}
        # How many of these there were when a rung of a bracket had its last one.
        self._n_known_at: dict[tuple[int, int], int] = {}
        self._keys: dict[int, bytes] = {}
        self._verdicts: dict[tuple[int, int], tuple[int, set[int]]] = {}
        self._brackets: dict[int, list[_Rung]] = {}
        self._resources: dict[int, int] = {}
        self._first_open = 0

    # ------------------------------------------------------------------ interface

    @property
    def n_initial_points(self) -> int:
        """Candidates before the first one that depends on scores."""
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
        known = self._latest.get(stage.candidate)
        if known is None or known.stage.resource <= stage.resource:
            self._latest[stage.candidate] = trial
        is_new = (stage.candidate, stage.resource) not in self._at
        self._at[stage.candidate, stage.resource] = trial
        self._score_at[stage.candidate, stage.resource] = score
        self._enter(self._brackets, stage).scores[stage.candidate] = score
        self._n_known_at[stage.bracket, stage.rung] = len(self._score_at)
        if stage.rung == 0:
            self._resources[stage.bracket] = stage.resource
        if is_new:
            self.sampler.tell(trial.params, score, self._fidelity(stage.resource))

    def regret_bound(self) -> float:
        """Return how much better than the best told trial any params could be."""
        return self.sampler.regret_bound()

    def ask(self, pending: Sequence[Trial]) -> Proposal | None:
        """Return the next (candidate, resource), or None if that depends on others."""
        view = _View(self, pending)
        b = self._first_open
        while b < self._n_in_all:
            if self._is_over(b, view):
                # In a space that has run out candidates may still join a bracket.
                if b == self._first_open and not view.is_exhausted:
                    self._first_open += 1
                b += 1
                continue
            proposal = self._promotion(b, view) or self._newcomer(b, view)
            if proposal is not None:
                return proposal
            if not view.brackets.get(b):
                break  # nobody can begin, in this bracket or a later one
            b += 1
        for b in sorted(view.brackets):
            if b >= self._first_open:
                proposal = self._promotion(b, view, early=True)
                if proposal is not None:
                    return proposal
        return None

    # ------------------------------------------------------------------- schedule

    @property
    def untrusted(self) -> set[int]:
        """Resources whose scores do not rank candidates as the full resource does."""
        return self._untrusted_after(len(self._score_at))

    def _untrusted_after(self, n: int) -> set[int]:
        """Return what the first `n` scores say of `untrusted`.

        The rank correlation with the full resource is the product of those from each
        rung to the next, as if each knew no more of the end than the next one does.
        """
        scores: dict[int, dict[int, float]] = {r: {} for r in self.rungs}
        for (candidate, resource), score in islice(self._score_at.items(), n):
            if math.isfinite(score):
                scores[resource][candidate] = score
        found, product = set(), 1.0
        for low, high in list(zip(self.rungs, self.rungs[1:], strict=False))[::-1]:
            product *= self._correlation(scores, low, high)
            if product < _MIN_CORRELATION:
                found.add(low)
        return found

    def _untrusted_when_over(self, b: int, i: int) -> set[int]:
        """Return `untrusted` as it was when a rung had its last score."""
        n = self._n_known_at.get((b, i), 0)
        if self._verdicts.get((b, i), (-1, set()))[0] != n:
            self._verdicts[b, i] = (n, self._untrusted_after(n))
        return self._verdicts[b, i][1]

    @staticmethod
    def _correlation(scores: dict[int, dict[int, float]], low: int, high: int) -> float:
        """Rank correlation of two neighbouring rungs, 1 as long as it is not known."""
        shared = sorted(scores[low].keys() & scores[high].keys())
        if len(shared) < _MIN_SHARED:
            return 1.0
        before, after = (np.array([scores[r][c] for c in shared]) for r in (low, high))
        everyone = np.array(list(scores[low].values()))
        found = unrestricted_correlation(everyone, before, after)
        return 1.0 if math.isnan(found) else max(found, 0.0)

    def _plan(self, b: int, resources: dict[int, int]) -> Bracket:
        """Return the bracket number `b`, which begins above untrusted rungs."""
        if b in resources:
            level = self.rungs.index(resources[b])
        else:
            level = b % self.n_brackets
            untrusted = self.untrusted
            while self.rungs[level] in untrusted:
                level += 1
        return self._plans[level].limited_to(
            int(min(self.space.n_distinct, 2**31)), self.factor
        )

    def _fidelity(self, resource: int) -> float:
        """Return the position of a resource among the rungs, 1 for the full one."""
        if len(self.rungs) == 1:
            return 1.0
        low, high = math.log(self.rungs[0]), math.log(self.rungs[-1])
        return (math.log(resource) - low) / (high - low)

    @staticmethod
    def _enter(brackets: dict[int, list[_Rung]], stage: Stage) -> _Rung:
        rungs = brackets.setdefault(stage.bracket, [])
        while len(rungs) <= stage.rung:
            rungs.append(_Rung())
        return rungs[stage.rung]

    # ------------------------------------------------------------------ proposals

    def _is_over(self, b: int, view: _View) -> bool:
        """Return whether a bracket has nobody left to begin or to promote."""
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
            or self._is_used_up(view)
            or (view.is_exhausted and not self._returning(b, view))
        )

    def _is_used_up(self, view: _View) -> bool:
        return self.n_candidates is not None and view.n_begun >= self.n_candidates

    def _chosen(self, b: int, i: int, view: _View) -> list[int]:
        """Return who goes on from a rung on which everybody has a score.

        The best; but those proposed first if the rung had turned out to rank wrongly by
        the time it had its last score. A later verdict changes nothing.
        """
        plan, scores = view.plan(b), view.brackets[b][i].scores
        n = len(view.brackets[b][0])
        n_next = plan.limited_to(n, self.factor).n_candidates[i + 1]
        untrusted = self._untrusted_when_over(b, i)
        return self._best(scores, n_next, plan.resources[i] not in untrusted)

    @staticmethod
    def _best(scores: dict[int, float], n: int, is_trusted: bool) -> list[int]:
        if not is_trusted:
            scores = {c: 0.0 for c, score in scores.items() if math.isfinite(score)}
        return promoted(scores, n)

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
                chosen = self._best(rungs[i].scores, n, is_trusted)
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
        """Return whether all who will ever be on a rung have a score there."""
        rungs = view.brackets[b]
        if rungs[i].pending:
            return False
        if i == 0:
            return self._is_full(b, view)
        return self._is_complete(b, i - 1, view) and all(
            c in rungs[i] for c in self._chosen(b, i - 1, view)
        )

    def _newcomer(self, b: int, view: _View) -> Proposal | None:
        """Return a candidate that begins in a bracket: new, else one from another."""
        if self._is_full(b, view):
            return None
        plan = view.plan(b)
        if not view.is_exhausted:
            dropped = self._dropped(b, view)
            params = self.sampler.ask(
                view.n_known,
                view.pending_params(self),
                [self._latest[c].params for c in dropped.values()],
            )
            if params is not None:
                known = dropped.get(self.space.key(self.space.encode(params)))
                if known is not None:
                    return self._proposal(known, b, 0, plan, view)
                resource = plan.resources[0]
                chain = self.extend(params, (), resource)
                return Proposal(params, Stage(view.n_known, b, 0, resource, chain))
            view.is_exhausted = True
        if not view.touched <= {b}:
            return None  # who is in a bracket that still runs may get further there
        for candidate in self._returning(b, view):
            proposal = self._proposal(candidate, b, 0, plan, view)
            if proposal is not None:
                return proposal
        return None

    def _dropped(self, b: int, view: _View) -> dict[bytes, int]:
        """Return, by key, who may begin in a bracket and has had less than its first.

        The best ones, if there are many.
        """
        begins = view.plan(b).resources[0]
        if begins == self.rungs[0] or view.n_known < self.n_initial_points:
            return {}
        busy = {candidate for candidate, _ in view.running}
        fit = [
            c
            for c in self._returning(b, view)
            if self._latest[c].stage.resource < begins and c not in busy
        ]
        for c in fit[:_MAX_RETURNING]:
            if c not in self._keys:
                row = self.space.encode(self._latest[c].params)
                self._keys[c] = self.space.key(row)
        # Of several with one key the best one.
        return {self._keys[c]: c for c in reversed(fit[:_MAX_RETURNING])}

    def _returning(self, b: int, view: _View) -> list[int]:
        """Return known candidates that may join a bracket, the best first.

        Those that have failed, or have the full resource already, do not return:
        nothing would be learnt, and passes that repeat would not end.
        """
        rung = view.brackets[b][0] if view.brackets.get(b) else _Rung()
        out = {c for (c, r) in self._at if r == self.rungs[-1]}
        out |= {c for (c, _), s in self._score_at.items() if not math.isfinite(s)}

        def merit(candidate: int) -> tuple[float, float, int]:
            resource = self._latest[candidate].stage.resource
            return -resource, -self._score_at[candidate, resource], candidate

        return sorted(
            (c for c in self._latest if c not in rung and c not in out), key=merit
        )

    def _proposal(
        self, candidate: int, b: int, rung: int, plan: Bracket, view: _View
    ) -> Proposal | None:
        """Return a known candidate at another resource; None if that is running."""
        resource = plan.resources[rung]
        if (candidate, resource) in view.running:
            return None
        latest = self._latest[candidate]
        done = self._at.get((candidate, resource))
        if done is not None:
            stage = Stage(candidate, b, rung, resource, done.stage.chain)
            return Proposal(done.params, stage, done.finished)
        is_further = latest.stage.resource < resource
        chain = latest.stage.chain if is_further else ()
        chain = self.extend(latest.params, chain, resource)
        return Proposal(latest.params, Stage(candidate, b, rung, resource, chain))


class _View:
    """The tuner's trials and the pending ones, put together for one `ask`."""

    def __init__(self, tuner: HalvingTuner, pending: Sequence[Trial]) -> None:
        self._tuner = tuner
        self._pending = pending
        self._plans: dict[int, Bracket] = {}
        self.resources = dict(tuner._resources)
        self.touched = {trial.stage.bracket for trial in pending}
        # Only the brackets with something pending differ from what the tuner has.
        self.brackets = dict(tuner._brackets)
        for b in self.touched:
            self.brackets[b] = [
                _Rung(rung.scores) for rung in tuner._brackets.get(b, [])
            ]
        self.running: set[tuple[int, int]] = set()
        for trial in pending:
            stage: Stage = trial.stage
            tuner._enter(self.brackets, stage).pending.add(stage.candidate)
            self.running.add((stage.candidate, stage.resource))
            if stage.rung == 0:
                self.resources[stage.bracket] = stage.resource
        known = tuner._latest.keys() | {trial.stage.candidate for trial in pending}
        self.n_known = len(known)
        self.n_begun = sum(len(rungs[0]) for rungs in self.brackets.values() if rungs)
        self.is_exhausted = self.n_known >= tuner.space.n_distinct

    def plan(self, b: int) -> Bracket:
        """Return the plan of a bracket."""
        if b not in self._plans:
            self._plans[b] = self._tuner._plan(b, self.resources)
        return self._plans[b]

    def pending_params(self, tuner: HalvingTuner) -> list[tuple[Params, float]]:
        """Return params and fidelity of what is pending."""
        return [
            (trial.params, tuner._fidelity(trial.stage.resource))
            for trial in self._pending
        ]
