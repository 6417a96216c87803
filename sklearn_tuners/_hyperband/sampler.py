"""Where Hyperband's new candidates come from: random draws, or the optimiser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sklearn_tuners._bayes.optimizer import Optimizer
from sklearn_tuners._space.space import Space

__all__ = ["CandidateSampler"]

Params = dict[str, Any]

_RANDOM_SHARE = 0.25
"""Share of random candidates beside the proposed ones, so that Hyperband's guarantee
stays (BOHB, Falkner et al., 2018, takes 1/3)."""
_N_TRIES = 1000
"""Draws before a new point is looked for one by one, or a repeat is accepted."""


class CandidateSampler:
    """New candidates, none of them twice as long as there are others.

    Parameters
    ----------
    space : Space
        The search space.
    is_random : bool
        Whether all candidates are random draws, as in plain Hyperband.
    seed : int
        Seed of the draws.
    n_initial_points : int or "auto"
        Candidates that fill the space before the model is used.
    initial_params : dict, list of dict or None
        The first candidates.
    """

    def __init__(
        self,
        space: Space,
        *,
        is_random: bool,
        seed: int,
        n_initial_points: int | str = "auto",
        initial_params: Any = None,
    ) -> None:
        self.space, self.seed, self.is_random = space, seed, is_random
        self.optimizer = Optimizer(
            space,
            n_initial_points=n_initial_points,
            initial_params=initial_params,
            random_state=seed,
        )
        self._initial = self.optimizer.initial_params
        self._seen: set[bytes] = set()

    @property
    def n_initial_points(self) -> int:
        """Candidates before the first one that depends on scores."""
        return 2**31 - 1 if self.is_random else self.optimizer.n_initial_points

    def tell(self, params: Params, score: float, fidelity: float) -> None:
        """Report a score.

        Parameters
        ----------
        params : dict
            Of a candidate.
        score : float
            NaN if it failed.
        fidelity : float
            1 for the full resource.
        """
        self._seen.add(self._key(params))
        if not self.is_random:
            self.optimizer.tell(params, score, fidelity=fidelity)

    def ask(
        self,
        number: int,
        pending: Sequence[tuple[Params, float]],
        again: Sequence[Params] = (),
    ) -> Params | None:
        """Return the params of a candidate.

        Parameters
        ----------
        number : int
            Candidates there are already.
        pending : sequence of (params, fidelity)
            Trials asked for and not yet told.
        again : sequence of dict
            Known ones that have had less than this one would get. If the model expects
            most of one of them, it is returned; otherwise the candidate is new.

        Returns
        -------
        dict or None
            None if all points of a finite space are known.
        """
        if number < len(self._initial):
            return self._initial[number]
        rng = np.random.default_rng([self.seed, 7, number])
        is_turn = number >= self.optimizer.n_initial_points
        if self.is_random or (is_turn and rng.random() < _RANDOM_SHARE):
            return self._random(rng, {self._key(params) for params, _ in pending})
        return self.optimizer.ask([params for params, _ in pending], again)

    def regret_bound(self) -> float:
        """Return how much better than the best told trial any params could be."""
        return self.optimizer.regret_bound()

    def _key(self, params: Params) -> bytes:
        return self.space.key(self.space.encode(params))

    def _random(self, rng: np.random.Generator, pending: set[bytes]) -> Params | None:
        seen = self._seen | pending
        rows = self.space.quantile(rng.random((_N_TRIES, self.space.n_dims)))
        for row in rows:
            if self.space.key(row) not in seen:
                return self.space.decode(row)
        if np.isinf(self.space.size):
            return self.space.decode(rows[0])
        for params in self.space.grid():
            if self._key(params) not in seen:
                return params
        return None
