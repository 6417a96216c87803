"""Where Hyperband's new candidates come from: random draws, or the optimiser."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from sklearn_tuners._bayes.budgets import Budgets
from sklearn_tuners._bayes.optimizer import Optimizer
from sklearn_tuners._search.problem import Searched
from sklearn_tuners._space.point import Point
from sklearn_tuners._space.space import Space
from sklearn_tuners._streams import Stream, generator

__all__ = ["ModelSampler", "RandomSampler", "Sampler", "make_sampler"]

_RANDOM_SHARE = 0.25
"""Share of random candidates beside the proposed ones, which keeps Hyperband's
guarantee (BOHB, Falkner et al., 2018, takes 1/3)."""

_N_TRIES = 1000
"""Draws before a finite space is searched for a new point, or a repeat is accepted.
After 1000 failures, fewer than one draw in a hundred is new."""

_NEVER = sys.maxsize
"""Number of a candidate that never begins: no random candidate depends on scores."""


class Sampler(Protocol):
    """Where new candidates come from."""

    @property
    def n_initial_points(self) -> int:
        """Number of candidates before the first one that depends on scores."""

    def ask(
        self, number: int, pending: Sequence[Point], again: Sequence[Point]
    ) -> Point | None:
        """Return the point of a candidate.

        Parameters
        ----------
        number : int
            Number of candidates so far.
        pending : sequence of Point
            Asked for and not yet told.
        again : sequence of Point
            Known points evaluated with less of the resource than this candidate would
            get. If the model prefers one of them, it is returned; otherwise the point
            is new.

        Returns
        -------
        Point or None
            None if all points of a finite space are known.
        """

    def tell(self, point: Point, score: float, fidelity: float) -> None:
        """Report a score.

        Parameters
        ----------
        point : Point
            Point of a candidate.
        score : float
            NaN if it failed.
        fidelity : float
            Position of its resource, from 0 (smallest) to 1 (full).
        """

    def regret_bound(self) -> float:
        """Return how much better than the best told point any could be."""


class RandomSampler:
    """Random candidates, as in plain Hyperband; no repeats while there are new ones.

    Parameters
    ----------
    space : Space
        The search space.
    first : sequence of Point
        Candidates to begin with.
    seed : int
        Seed of the draws.
    n_iter : int, default=None
        Number of candidates, if it is known.
    """

    n_initial_points = _NEVER

    def __init__(
        self,
        space: Space,
        first: Sequence[Point],
        seed: int,
        n_iter: int | None = None,
    ) -> None:
        self.space, self.first, self.seed = space, first, seed
        self._budgets = Budgets(space, n_iter)
        self._told: set[bytes] = set()

    def ask(
        self, number: int, pending: Sequence[Point], again: Sequence[Point]
    ) -> Point | None:
        """Return a new random point, see `Sampler`."""
        if number < len(self.first):
            return self.first[number]
        rng = generator(self.seed, Stream.RANDOM_CANDIDATE, number)
        return self.draw(rng, pending)

    def draw(self, rng: np.random.Generator, pending: Sequence[Point]) -> Point | None:
        """Return a new point drawn with `rng`."""
        space, branch_of = self.space, self._budgets.branch_of
        seen = self._told | {point.key for point in pending}
        branches = self._budgets.open_branches(seen)
        if not branches:
            return None
        inside = self._budgets.open_space(branches)
        rows = inside.quantile(rng.random((_N_TRIES, space.n_dims)))
        for row in map(space.rounded, rows):
            key = space.key(row)
            if key not in seen and branch_of(key) in branches:
                return space.point(space.decode(row))
        if np.isinf(inside.size):
            return space.point(space.decode(rows[0]))
        points = (space.point(params) for params in inside.grid())
        return next((point for point in points if point.key not in seen), None)

    def tell(self, point: Point, score: float, fidelity: float) -> None:
        """Mark a point as known."""
        self._told.add(point.key)

    def regret_bound(self) -> float:
        """Return infinity: there is no model."""
        return math.inf


class ModelSampler:
    """Candidates from the optimiser, a share of them random.

    Parameters
    ----------
    optimizer : Optimizer
        An optimiser that has not been told anything.
    seed : int
        Seed of the random share.
    n_iter : int, default=None
        Number of candidates, if it is known.
    """

    def __init__(
        self, optimizer: Optimizer, seed: int, n_iter: int | None = None
    ) -> None:
        self._optimizer = optimizer
        self._first, self._seed = optimizer.initial_points, seed
        self._random = RandomSampler(optimizer.space, (), seed, n_iter)
        self.n_initial_points = optimizer.n_initial_points

    def ask(
        self, number: int, pending: Sequence[Point], again: Sequence[Point]
    ) -> Point | None:
        """Return a point, see `Sampler`."""
        if number < len(self._first):
            return self._first[number]
        if number >= self.n_initial_points:
            rng = generator(self._seed, Stream.RANDOM_CANDIDATE, number)
            if rng.random() < _RANDOM_SHARE:
                return self._random.draw(rng, pending)
        return self._optimizer.ask_point(pending, again)

    def tell(self, point: Point, score: float, fidelity: float) -> None:
        """Report a score, see `Sampler`."""
        self._random.tell(point, score, fidelity)
        self._optimizer.tell_point(point, score, fidelity=fidelity)

    def regret_bound(self) -> float:
        """Return how much better than the best told point any could be."""
        return self._optimizer.regret_bound()


def make_sampler(
    kind: str,
    searched: Searched,
    n_initial_points: int | str,
    seed: int,
    n_iter: int | None,
) -> Sampler:
    """Return the sampler of a search.

    Parameters
    ----------
    kind : {"bayes", "random"}
        Parameter `sampler` of the search.
    searched : Searched
        The space, and the candidates to begin with.
    n_initial_points : int or "auto"
        Candidates that fill the space before a model is used.
    seed : int
        Seed of the search.
    n_iter : int or None
        Number of candidates. It limits proposals only where dicts of the space have
        numbers of their own.
    """
    if all(branch.n_iter is None for branch in searched.space.branches):
        n_iter = None
    optimizer = Optimizer(
        searched.space,
        n_iter=n_iter,
        n_initial_points=n_initial_points,
        initial_params=searched.first,
        random_state=seed,
    )
    if kind == "random":
        return RandomSampler(searched.space, optimizer.initial_points, seed, n_iter)
    return ModelSampler(optimizer, seed, n_iter)
