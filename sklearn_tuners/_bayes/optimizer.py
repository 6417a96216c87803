"""Bayesian optimisation by ask and tell.

Notation
--------
``n, d``               told trials, columns of the unit cube
``U``      (n, d)      told rows of the unit cube (encoded, snapped)
``Z``      (n, p)      their features, what the surrogate sees
``seen``               told and pending together

Everything is a function of the constructor's arguments, the sequence of tells and
``pending``. Results kept between calls are caches of such functions, so replaying the
tells into a new object gives the same proposals bit for bit.

References
----------
.. [1] Ginsbourger, Le Riche, Carraro (2010). Kriging is well-suited to parallelize
       optimization.
.. [2] Cranley, Patterson (1976). Randomization of number theoretic methods for
       multiple integration.
.. [3] Makarova et al. (2022). Automatic Termination for Hyperparameter
       Optimization. AutoML-Conf. arXiv:2104.08166.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from scipy.stats import qmc

from sklearn_tuners._bayes import acquisition
from sklearn_tuners._bayes.gp import single_threaded
from sklearn_tuners._bayes.proposal import Surface
from sklearn_tuners._bayes.surrogate import SCALES, Surrogate, wide_scores
from sklearn_tuners._space.point import Point
from sklearn_tuners._space.space import Space
from sklearn_tuners._space.values import equivalent
from sklearn_tuners._typing import FloatArray, Params

__all__ = ["Optimizer"]

#: Rows of the candidate cloud: a power of two, as Sobol points want.
_N_CLOUD = 512
#: Copies made of each of the best told rows, and how far away they are.
_N_COPIES, _N_CENTRES = 64, 5
_SCALES = np.array([0.15, 0.05, 0.015])
#: Proposals closer than this to a seen row, along every column, are near-repeats: on
#: the close scale, which is to refine, and on the wide one, which is to look elsewhere.
_RADII = (1e-3, 0.03)
#: Attempts at a new point where nothing says how many there are.
_N_RETRIES = 3


class Optimizer:
    """Propose parameters, learn from their scores, propose better ones.

    The first proposals are ``initial_params`` and points that fill the space; each
    later one maximises log expected improvement under a Gaussian process fitted to
    all scores told so far. A finite space of no more than `n_iter` points is
    enumerated instead.

    Parameters
    ----------
    space : dict, list of dict, or Space
        Parameter names and what to choose their values from: lists, ranges, scipy
        distributions and the other dialects of :class:`BayesSearchCV`.
    n_iter : int, default=None
        Number of trials that will be made. It decides whether a finite space is
        enumerated and how many first points there are; `ask` can be called more
        often. None means unknown.
    n_initial_points : int or "auto", default="auto"
        Trials before the first one that is proposed by the model, `initial_params`
        included. "auto" is one more than the dimensions, at least 4 and at most a
        quarter of `n_iter`; or two for each branch of a conditional space, at most
        half of `n_iter`, if that is more.
    initial_params : dict or list of dict, default=None
        Proposed first, as they are, and never again.
    random_state : int, RandomState, Generator or None, default=None
        Seed of all random choices. None draws one from the operating system.

    Attributes
    ----------
    space : Space
        The parsed space.
    n_told : int
        Trials told so far.
    best_params_ : dict
        Params of the largest score told; the earliest one of several.
    best_score_ : float
        That score.

    Notes
    -----
    Scores are maximised. A score that is NaN or infinite marks a failed trial; it
    is kept, as a point to stay away from.

    Examples
    --------
    >>> from scipy.stats import uniform
    >>> from sklearn_tuners import Optimizer
    >>> optimizer = Optimizer({"x": uniform(-5, 10)}, n_iter=20, random_state=0)
    >>> for _ in range(20):
    ...     params = optimizer.ask()
    ...     optimizer.tell(params, score=-((params["x"] - 2.0) ** 2))
    >>> round(optimizer.best_params_["x"], 1)
    2.0
    """

    def __init__(
        self,
        space: Any,
        *,
        n_iter: int | None = None,
        n_initial_points: int | str = "auto",
        initial_params: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        random_state: Any = None,
    ) -> None:
        self._seed = _draw_seed(random_state)
        self.space = (
            space
            if isinstance(space, Space)
            else Space.parse(space, name="space", random_state=self._seed)
        )
        if n_iter is not None:
            n_iter = _positive_int(n_iter, "n_iter")
        self._initial = self._distinct_points(initial_params, n_iter)
        self._enumerates = n_iter is not None and n_iter >= self.space.size
        self._even = _sobol(self.space.n_dims, _N_CLOUD, self._seed)
        self._stream = self._filling_stream()
        self._n_initial = (
            self._auto_initial_points(n_iter)
            if n_initial_points == "auto"
            else _positive_int(n_initial_points, "n_initial_points", ' or "auto"')
        )
        self._points: list[Point] = []
        self._scores: list[float] = []
        self._fidelities: list[float] = []
        self._times_told: Counter[bytes] = Counter()
        self._surrogate = Surrogate(self.space, self._seed)
        self._listed: list[Point] | None = None

    # ------------------------------------------------------------------ interface

    @property
    def n_told(self) -> int:
        """Number of trials told."""
        return len(self._scores)

    @property
    def initial_params(self) -> list[Params]:
        """What is proposed first, without repeats."""
        return [dict(point.params) for point in self._initial]

    @property
    def n_initial_points(self) -> int:
        """Trials before the first one that is proposed by the model."""
        return self._n_initial

    @property
    def n_independent(self) -> int:
        """Number of first proposals that depend on no score.

        A caller that runs trials in parallel need not wait for scores before it has
        asked for that many.
        """
        if self._enumerates:
            return int(self.space.size)
        return max(self._n_initial, len(self._initial))

    @property
    def best_score_(self) -> float:
        """Largest finite score told."""
        return self._scores[self._best_index()]

    @property
    def best_params_(self) -> Params:
        """Params of the largest finite score told, the earliest of several."""
        return dict(self._points[self._best_index()].params)

    def tell(
        self, params: Mapping[str, Any], score: float, *, fidelity: float = 1.0
    ) -> None:
        """Report the score of params, asked for or not.

        Parameters
        ----------
        params : dict
            Any point of the space.
        score : float
            Larger is better; NaN or infinite if the trial failed.
        fidelity : float, default=1.0
            How near to a full evaluation this one was, from 0 to 1. As soon as one is
            below 1 the model has the fidelity as a further input, and what is proposed
            is meant for a full evaluation. The same params may be told at several.

        Raises
        ------
        ValueError
            If `params` is not in the space, or `fidelity` not between 0 and 1.
        TypeError
            If `score` is not a number.
        """
        self.tell_point(self._point(params, "params"), score, fidelity=fidelity)

    def ask(
        self,
        pending: Iterable[Mapping[str, Any]] = (),
        again: Iterable[Mapping[str, Any]] = (),
    ) -> Params | None:
        """Propose the next params to evaluate. Changes nothing.

        Parameters
        ----------
        pending : iterable of dict, default=()
            Params asked for earlier whose scores have not been told. They are not
            proposed again, and neither are their near neighbours, as the model
            expects of each the score that it would predict there (Ginsbourger et al.,
            2010, kriging believer).
        again : iterable of dict, default=()
            Params told before that the model may propose again, as they would be
            evaluated at a higher fidelity now.

        Returns
        -------
        dict or None
            None if every point of a finite space has been told or is pending.
        """
        point = self.ask_point(
            self._all_points(pending, "pending"), self._all_points(again, "again")
        )
        return None if point is None else dict(point.params)

    # ------------------------------------------------- the same for points (internal)

    @property
    def initial_points(self) -> list[Point]:
        """The points of `initial_params`."""
        return list(self._initial)

    def tell_point(self, point: Point, score: float, *, fidelity: float = 1.0) -> None:
        """Report the score of a point of the space: `tell` without encoding.

        Parameters
        ----------
        point : Point
            From `ask_point`, or `Space.point` of any params.
        score, fidelity : float
            As for `tell`.
        """
        if not 0.0 <= fidelity <= 1.0:
            raise ValueError(f"fidelity must be between 0 and 1, got {fidelity!r}")
        try:
            value = float(score)
        except (TypeError, ValueError):
            value = None
        if value is None or isinstance(score, str | bytes):
            raise TypeError(f"score must be a number, got {score!r}")
        self._points.append(point)
        self._scores.append(value)
        self._fidelities.append(float(fidelity))
        self._times_told[point.key] += 1

    def ask_point(
        self, pending: Sequence[Point] = (), again: Sequence[Point] = ()
    ) -> Point | None:
        """Propose the next point to evaluate: `ask` for points. Changes nothing.

        Parameters
        ----------
        pending, again : sequence of Point, default=()
            As for `ask`.

        Returns
        -------
        Point or None
            Encoded once. Its params belong to the optimiser: copy them before you hand
            them to anyone who may change them.
        """
        waiting = [point.row for point in pending]
        returning = [point.row for point in again]
        seen = self._times_told + Counter(point.key for point in pending)
        if (point := _first_left(self._initial, seen)) is not None:
            return point
        if self._enumerates:
            return self._next_listed(seen)
        n_seen = self.n_told + len(waiting)
        with single_threaded():
            row = None
            if n_seen >= self._n_initial and self._can_model() and self.space.n_dims:
                row = self._model_based(waiting, returning, seen)
            if row is None:
                row = self._fill(seen, n_seen)
        if row is not None:
            return self.space.point(self.space.decode(row))
        return self._first_unlisted(seen) or self._next_listed(seen)

    def regret_bound(self, probability: float = 0.9) -> float:
        """Bound how much better than the best trial told any params could be.

        That is the largest upper confidence bound anywhere less the largest lower one
        among the trials told (Makarova et al., 2022, Eq. 2), with their confidence
        parameter ``2 log(d n^2 pi^2 / (6 (1 - probability))) / 5``.

        Parameters
        ----------
        probability : float, default=0.9
            With which the bound is meant to hold.

        Returns
        -------
        float
            In units of the scores; infinite as long as there is no model.
        """
        has_model = self.n_told >= self._n_initial and self._can_model()
        if not has_model or not self.space.n_dims:
            return np.inf
        scores = np.array(self._scores)
        ok = np.isfinite(scores)
        warped = wide_scores(scores)
        # The wide scale is linear from the median of the better half upwards.
        order = np.argsort(np.where(ok, -scores, np.inf))[: np.sum(ok)]
        others = order[len(order) // 4 :]
        others = others[warped[others] != warped[order[0]]]  # than those that tie
        if not len(others):
            return np.inf
        top, other = order[0], others[0]
        unit = (scores[top] - scores[other]) / (warped[top] - warped[other])
        n, told = self.n_told, self._told_rows()
        context = self._context(self._fidelities)
        beta = 0.4 * np.log(self.space.n_dims * n**2 * np.pi**2 / 6 / (1 - probability))
        with single_threaded():
            scale = SCALES.index(wide_scores)
            gp = self._surrogate.processes(told, scores, scale, context)[0]
            ranked = told[order]
            rng = np.random.default_rng([self._seed, 5, n])
            cloud = self._cloud(ranked[:_N_CENTRES], self._usual(ranked), rng)
            U = np.concatenate([told[ok], cloud])
            full = np.ones((len(U), context.shape[1]))
            mean, sd = gp.posterior(np.hstack([self.space.features(U), full]))
        width = np.sqrt(beta) * sd
        lower = (mean - width)[: np.count_nonzero(ok)]
        return float(unit * ((mean + width).max() - lower.max()))

    # --------------------------------------------------------------- construction

    def _distinct_points(
        self,
        initial_params: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None,
        n_iter: int | None,
    ) -> list[Point]:
        """Return the points of the initial params, without repeats."""
        if initial_params is None:
            return []
        if isinstance(initial_params, Mapping):
            initial_params = [initial_params]
        distinct: list[Point] = []
        for params in initial_params:
            try:
                point = self._point(params, "each of initial_params")
            except ValueError as error:
                raise ValueError(f"initial_params: {error}") from error
            # Extreme values may differ and yet share a coordinate.
            if not any(
                point.key == other.key and equivalent(point.params, other.params)
                for other in distinct
            ):
                distinct.append(point)
        if n_iter is not None and len(distinct) > n_iter:
            raise ValueError(
                f"initial_params has {len(distinct)} different points, more than "
                f"n_iter={n_iter}"
            )
        return distinct

    def _point(self, params: Any, name: str) -> Point:
        """Return the point of what the caller gave as the argument `name`."""
        if not isinstance(params, Mapping):
            raise TypeError(f"{name} must be a dict of parameters, got {params!r}")
        return self.space.point(params)

    def _all_points(self, given: Iterable[Mapping[str, Any]], name: str) -> list[Point]:
        if isinstance(given, Mapping) or not isinstance(given, Iterable):
            raise TypeError(f"{name} must be a list of params, got {given!r}")
        return [self._point(params, name) for params in given]

    def _auto_initial_points(self, n_iter: int | None) -> int:
        """Points before the model: see the class docstring."""
        n_points = max(4, self.space.n_dims + 1)
        n_branches = self.space.n_branches
        for_branches = 2 * n_branches if n_branches > 1 else 0
        if n_iter is not None:
            n_points = min(n_points, max(4, n_iter // 4))
            for_branches = min(for_branches, max(4, n_iter // 2))
        return max(n_points, for_branches)

    def _switch(self, U: FloatArray) -> FloatArray:
        """Return the column that tells branches apart; zeros if there is only one."""
        return U[:, 0] if self.space.n_branches > 1 else np.zeros(len(U))

    def _filling_stream(self) -> FloatArray:
        """Rows that fill the space: the centre, then scrambled Sobol points.

        The first two rows of each branch come before all others, so that the
        surrogate has seen every branch when it starts to choose among them.
        """
        Q = self._even
        U = self.space.quantile(Q)
        _, first = np.unique(self._switch(U), return_index=True)
        centres = np.full((len(first), self.space.n_dims), 0.5)
        if self.space.n_branches > 1:
            centres[:, 0] = Q[first, 0]
        U = np.concatenate([self.space.quantile(centres), U])
        switch = self._switch(U)
        turn = np.zeros(len(U))
        for value in np.unique(switch):
            turn[switch == value] = np.arange(np.count_nonzero(switch == value))
        return np.asarray(U[np.argsort(np.minimum(turn, 2), kind="stable")])

    # ------------------------------------------------------------- without a model

    def _next_listed(self, seen: Counter[bytes]) -> Point | None:
        """Return the first point of a finite space, in grid order, that is left."""
        if self._listed is None:
            self._listed = [self.space.point(params) for params in self.space.grid()]
        return _first_left(self._listed, seen)

    def _fill(self, seen: Counter[bytes], n_seen: int) -> FloatArray | None:
        """Next unseen row of the filling stream, or random rows when that is used up.

        None if a finite space may have no unseen row left.
        """
        for row in self._stream:
            if not seen[self.space.key(row)]:
                return np.asarray(row)
        rng = np.random.default_rng([self._seed, 1, n_seen])
        for _ in range(_N_RETRIES):
            for row in self.space.quantile(rng.random((256, self.space.n_dims))):
                if not seen[self.space.key(row)]:
                    return np.asarray(row)
        return np.asarray(row) if np.isinf(self.space.size) else None

    def _first_unlisted(self, seen: Counter[bytes]) -> Point | None:
        """Return the first point of a finite space that was never seen."""
        points = (self.space.point(params) for params in self.space.grid())
        return next((point for point in points if not seen[point.key]), None)

    # ---------------------------------------------------------------- with a model

    def _told_rows(self) -> FloatArray:
        return np.stack([point.row for point in self._points])

    def _best_index(self) -> int:
        scores = np.array(self._scores)
        if not np.isfinite(scores).any():
            raise AttributeError("no finite score has been told yet")
        return int(np.argmax(np.where(np.isfinite(scores), scores, -np.inf)))

    def _can_model(self) -> bool:
        """Whether there is anything to learn: two scores that differ."""
        finite = [score for score in self._scores if np.isfinite(score)]
        return bool(finite) and (len(finite) < self.n_told or min(finite) < max(finite))

    def _model_based(
        self,
        waiting: list[FloatArray],
        returning: list[FloatArray],
        seen: Counter[bytes],
    ) -> FloatArray | None:
        """Return the row of largest log expected improvement that is found.

        An unseen one, or one of those that may return.
        """
        space, told, scores = self.space, self._told_rows(), np.array(self._scores)
        n_seen = len(told) + len(waiting)
        scale = n_seen % len(SCALES)
        context = self._context(self._fidelities)
        processes = self._surrogate.processes(told, scores, scale, context)
        ok = np.isfinite(scores)
        # What those told would score in full is what has to be improved upon.
        full = np.ones((np.count_nonzero(ok), context.shape[1]))
        Z = np.hstack([space.features(told[ok]), full])
        best = [float(gp.posterior_mean(Z).max()) for gp in processes]
        if waiting:
            new = space.features(np.stack(waiting))
            new = np.hstack([new, np.ones((len(new), context.shape[1]))])
            processes = [gp.append(new) for gp in processes]
        rng = np.random.default_rng([self._seed, 3, n_seen])
        ranked = told[np.argsort(np.where(ok, -scores, np.inf))]
        usual = self._usual(ranked)
        surface = Surface(space, processes, best, usual)
        cloud = self._cloud(ranked[:_N_CENTRES], usual, rng)
        taken = np.concatenate([told, *[row[None] for row in waiting]])
        if not returning:
            return self._first_new(surface.search(cloud), taken, seen, _RADII[scale])
        back = {space.key(row): row for row in returning}
        candidates = surface.search(np.concatenate([np.stack(returning), cloud]))
        taken = taken[[space.key(row) not in back for row in taken]]
        seen = Counter({key: n for key, n in seen.items() if key not in back})
        row = self._first_new(candidates, taken, seen, _RADII[scale])
        if row is None:
            return None
        gap = self._gaps(row[None], np.stack(returning))[0]
        return returning[gap.argmin()] if gap.min() <= _RADII[scale] else row

    @staticmethod
    def _context(fidelities: list[float]) -> FloatArray:
        """Return the inputs of the model besides the params: none if all are full."""
        context = np.array(fidelities)[:, None]
        return context if np.any(context < 1.0) else context[:, :0]

    def _usual(self, ranked: FloatArray) -> FloatArray:
        """Coordinates that columns start with when a condition comes to hold.

        Those of the best told row that has them. In spaces without conditions, where
        moves from branch to branch are few, the middle.
        """
        if not self.space.is_source.any():
            return np.full(self.space.n_dims, 0.5)
        return acquisition.first_active(ranked, self.space.active(ranked), 0.5)

    def _cloud(
        self, leaders: FloatArray, usual: FloatArray, rng: np.random.Generator
    ) -> FloatArray:
        """Candidates: the whole space evenly, and the surroundings of the best rows."""
        space = self.space
        active = space.active(leaders)
        # A random rotation makes a new even set of the one that there is [2].
        everywhere = space.quantile((self._even + rng.random(space.n_dims)) % 1.0)
        near = acquisition.perturb(
            np.where(active, leaders, usual),
            np.asarray(space.is_categorical),
            active,
            _N_COPIES,
            rng,
            _SCALES,
        )
        return np.concatenate([everywhere, space.snap(near)])

    def _first_new(
        self,
        candidates: FloatArray,
        taken: FloatArray,
        seen: Counter[bytes],
        radius: float,
    ) -> FloatArray | None:
        """First row that is no near-repeat of a seen one, else that is no repeat."""
        for start in range(0, len(candidates), 64):
            rows = candidates[start : start + 64]
            gap = self._gaps(rows, taken).min(axis=1, initial=np.inf)
            for row in rows[gap > radius]:
                if not seen[self.space.key(row)]:
                    return np.asarray(row)
        unseen = (row for row in candidates if not seen[self.space.key(row)])
        return next(unseen, None)

    def _gaps(self, rows: FloatArray, others: FloatArray) -> FloatArray:
        """Largest difference along a column, of each row to each other one."""
        far = np.where(self.space.is_categorical, 1e6, 1.0)
        return np.asarray(np.abs((rows[:, None] - others) * far).max(axis=2))


def _first_left(points: Sequence[Point], seen: Counter[bytes]) -> Point | None:
    """Return the first point that is not used up.

    Two points may share a key, such as those of a value listed twice: the second is
    used up when the key has been seen twice.
    """
    left = Counter(seen)
    for point in points:
        if not left[point.key]:
            return point
        left[point.key] -= 1
    return None


def _sobol(d: int, n: int, seed: int) -> FloatArray:
    """``n`` scrambled Sobol points in ``d`` dimensions, ``n`` a power of two."""
    if not d:
        return np.empty((n, 0))
    points = qmc.Sobol(d, scramble=True, seed=np.random.default_rng([seed, 0]))
    return np.asarray(points.random_base2(n.bit_length() - 1))


def _draw_seed(random_state: Any) -> int:
    """Draw a fixed seed from anything that scikit-learn calls a random state."""
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31 - 1))
    if _is_int(random_state) and random_state >= 0:
        return int(random_state)
    raise ValueError(
        "random_state must be a non-negative int, a RandomState, a Generator or None, "
        f"got {random_state!r}"
    )


def _is_int(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _positive_int(value: Any, name: str, alternative: str = "") -> int:
    if _is_int(value) and value >= 1:
        return int(value)
    raise ValueError(f"{name} must be an int of at least 1{alternative}, got {value!r}")
