"""Numbers of evaluations that dicts of a search space have of their own."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np

from sklearn_tuners._space.space import Space

__all__ = ["Budgets", "total_n_iter"]


def total_n_iter(space: Space, n_iter: int | None) -> int | None:
    """Return the number of evaluations of a search.

    Parameters
    ----------
    space : Space
        If all its dicts have a number of their own, the sum takes the place of
        `n_iter`.
    n_iter : int or None
        What the user gave.

    Raises
    ------
    ValueError
        If some dicts have a number and `n_iter` leaves nothing to the others.

    Examples
    --------
    >>> space = Space.parse([({"C": (1.0, 9.0)}, 20), ({"nu": (0.1, 0.9)}, 10)])
    >>> total_n_iter(space, 50)
    30
    """
    own = [branch.n_iter for branch in space.branches if branch.n_iter is not None]
    if not own:
        return n_iter
    n_others = space.n_branches - len(own)
    if not n_others:
        return sum(own)
    if n_iter is not None and n_iter < sum(own) + n_others:
        raise ValueError(
            f"n_iter={n_iter} is too small: the tuples (dict, n) of the search space "
            f"ask for {sum(own)} evaluations, and {n_others} more dict(s) share what "
            f"is left. Give n_iter={sum(own) + n_others} or more, or an n to each dict."
        )
    return n_iter


class Budgets:
    """Says which dicts may still be proposed.

    Parameters
    ----------
    space : Space
        Dicts with a number of their own have that many points; the others share what
        is left.
    n_iter : int or None
        See `total_n_iter`; None does not limit the others.
    """

    def __init__(self, space: Space, n_iter: int | None) -> None:
        self.space = space
        self._limits = {
            b: branch.n_iter
            for b, branch in enumerate(space.branches)
            if branch.n_iter is not None
        }
        self._others = frozenset(range(space.n_branches)) - self._limits.keys()
        self._left = math.inf if n_iter is None else n_iter - sum(self._limits.values())
        self._views: dict[frozenset[int], Space] = {}

    @property
    def capacity(self) -> float:
        """Number of points that there are to propose."""
        size = {b: branch.size for b, branch in enumerate(self.space.branches)}
        others = sum(size[b] for b in self._others)
        return min(self._left, others) + sum(
            min(n, size[b]) for b, n in self._limits.items()
        )

    def open_branches(self, keys: Iterable[bytes]) -> frozenset[int]:
        """Return the branches that may be proposed.

        Parameters
        ----------
        keys : iterable of bytes
            Of the points that were proposed so far, each one once.
        """
        if not self._limits:
            return self._others
        n_used = Counter(self.branch_of(key) for key in keys)
        found = {b for b, n in self._limits.items() if n_used[b] < n}
        if sum(n_used[b] for b in self._others) < self._left:
            found |= self._others
        return frozenset(found)

    def open_space(self, branches: frozenset[int]) -> Space:
        """Return the space without the branches that may not be proposed."""
        if len(branches) == self.space.n_branches:
            return self.space
        if branches not in self._views:
            self._views[branches] = self.space.within(branches)
        return self._views[branches]

    def branch_of(self, key: bytes) -> int:
        """Return the branch of a point."""
        if self.space.n_branches == 1:
            return 0
        return int(np.frombuffer(key)[0] * self.space.n_branches)
