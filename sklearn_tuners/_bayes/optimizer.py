"""Bayesian optimisation by ask and tell.

A proposal is a function of the constructor's arguments, the sequence of tells and the
pending points. What is kept between calls caches such functions, so replaying the tells
into a new object gives the same proposals bit for bit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from scipy.stats import qmc

from sklearn_tuners._bayes.acquisition import Criterion, log_ei
from sklearn_tuners._bayes.budgets import Budgets, total_n_iter
from sklearn_tuners._bayes.proposal import propose
from sklearn_tuners._bayes.regret import regret_bound
from sklearn_tuners._bayes.surrogate import SCALES, Surrogate, Trials, wide_scores
from sklearn_tuners._bayes.threads import single_threaded
from sklearn_tuners._space.decimals import N_CELLS
from sklearn_tuners._space.point import Point
from sklearn_tuners._space.space import Space
from sklearn_tuners._space.values import equivalent
from sklearn_tuners._streams import Stream, generator
from sklearn_tuners._typing import FloatArray, Params

__all__ = ["Optimizer"]

_N_EVEN = 512
"""Points that fill the space evenly; Sobol points need a power of two. With the sizes
in `proposal` an ask takes below 20 ms at 50 trials (docs/measured/overhead.md)."""
_RADII = (0.5 / N_CELLS, 0.03)
"""Rows closer than this to a seen row, along every column, are nearly repeats: on the
close scale, which refines, half a cell of round values, and on the wide scale, which
looks elsewhere. A tie with 0.001 on both (docs/measured/ablation.md), kept because
repeats of the best row tell nothing new."""
_N_DRAWN, _N_TRIES = 256, 3
"""Random rows drawn at a time, and how often, to find one that is new."""


class Optimizer:
    """Propose parameters, learn from their scores, propose better ones.

    The first proposals are ``initial_params`` and points that fill the space. Each
    later one maximises log expected improvement under Gaussian processes fitted to all
    scores told so far. A finite space of no more than `n_iter` points is enumerated
    instead.

    Parameters
    ----------
    space : dict, list of dict, or Space
        Parameter names and what to choose their values from: lists, ranges, scipy
        distributions and the other dialects of :class:`BayesSearchCV`.
    n_iter : int, default=None
        Planned number of trials. It decides whether a finite space is enumerated and
        how many first points there are; `ask` may be called more often. None means
        unknown.
    n_initial_points : int or "auto", default="auto"
        Trials before the model makes the first proposal, `initial_params` included.
        "auto" is one more than the dimensions, at least 4 and at most a quarter of
        `n_iter`; or two for each branch of a conditional space, at most half of
        `n_iter`, if that is more.
    initial_params : dict or list of dict, default=None
        Proposed first, unchanged, and never again.
    random_state : int, RandomState, Generator or None, default=None
        Seed of all random choices. None draws one from the operating system.

    Attributes
    ----------
    space : Space
        The parsed space.
    n_told : int
        Trials told so far.
    best_params_ : dict
        Params of the largest score told, the earliest of several.
    best_score_ : float
        Largest finite score told.

    Notes
    -----
    Scores are maximised. A score that is NaN or infinite marks a failed trial; the
    model stays away from such points.

    Proposed numbers are round: to three digits of the range from 0 to 1 on which the
    model sees a parameter, and to the shortest decimal there. The bounds of a range and
    of ``loguniform`` are proposed exactly; of other distributions, only values between
    their quantiles 0.001 and 0.999. `initial_params` and params that are told may have
    any values of the space.

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
        n_iter = total_n_iter(self.space, n_iter)
        self._budgets = Budgets(self.space, n_iter)
        self._initial = self._distinct_points(initial_params, n_iter)
        self._enumerates = n_iter is not None and n_iter >= self.space.size
        self._even = _sobol(self.space.n_dims, _N_EVEN, self._seed)
        self._filling = _filling_rows(self.space, self._even)
        self._rounded: list[FloatArray] = []
        self._n_initial = (
            self._auto_initial_points(n_iter)
            if n_initial_points == "auto"
            else _positive_int(n_initial_points, "n_initial_points", ' or "auto"')
        )
        self._criterion: Criterion = log_ei  # what proposals maximise
        self._points: list[Point] = []
        self._scores: list[float] = []
        self._fidelities: list[float] = []
        self._times_told: Counter[bytes] = Counter()
        self._surrogate = Surrogate(self.space, self._seed)
        self._listed: dict[Space, list[Point]] = {}

    # ------------------------------------------------------------------ interface

    @property
    def n_told(self) -> int:
        """Number of trials told."""
        return len(self._scores)

    @property
    def initial_params(self) -> list[Params]:
        """Params that are proposed first, without repeats."""
        return [dict(point.params) for point in self._initial]

    @property
    def n_initial_points(self) -> int:
        """Trials before the model makes the first proposal."""
        return self._n_initial

    @property
    def n_independent(self) -> int:
        """Number of first proposals that depend on no score.

        A caller that runs trials in parallel may ask for these without waiting for
        scores.
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
            How close this was to a full evaluation, from 0 to 1. As soon as one is
            below 1, the fidelity is another input of the model, and proposals are for
            full evaluations. The same params may be told at several fidelities.

        Raises
        ------
        ValueError
            If `params` are not in the space, or `fidelity` is not between 0 and 1.
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
            Params asked for earlier, with scores not yet told. Neither they nor their
            near neighbours are proposed again: each counts with the score that the
            model predicts for it (Ginsbourger et al., 2010, kriging believer).
        again : iterable of dict, default=()
            Params told before that the model may propose again, as they would now be
            evaluated at a higher fidelity.

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
        self._scores.append(_number(score))
        self._points.append(point)
        self._fidelities.append(float(fidelity))
        self._times_told[point.key] += 1

    def ask_point(
        self, pending: Sequence[Point] = (), again: Sequence[Point] = ()
    ) -> Point | None:
        """Propose the next point to evaluate: `ask` without encoding. Changes nothing.

        Parameters
        ----------
        pending, again : sequence of Point, default=()
            As for `ask`.

        Returns
        -------
        Point or None
            Its params belong to the optimiser: copy them before changing them.
        """
        seen = self._times_told + Counter(point.key for point in pending)
        if (point := _first_left(self._initial, seen)) is not None:
            return point
        branches = self._budgets.open_branches(seen)
        if not branches:
            return None
        space = self._budgets.open_space(branches)
        if self._enumerates:
            return self._next_listed(space, seen)
        again = [p for p in again if self._budgets.branch_of(p.key) in branches]
        row, n_seen = None, self.n_told + len(pending)
        if self._has_model(n_seen):
            row = self._propose(space, pending, again)
        if row is None or self._budgets.branch_of(space.key(row)) not in branches:
            row = self._fill(space, branches, seen, n_seen)
        if row is not None:
            return self.space.point(self.space.decode(row))
        return self._first_unlisted(space, seen) or self._next_listed(space, seen)

    def regret_bound(self, probability: float = 0.9) -> float:
        """Bound how much better than the best trial told any params could be.

        The bound is the largest upper confidence bound anywhere minus the largest lower
        one among the trials told (Makarova et al., 2022, Eq. 2).

        Parameters
        ----------
        probability : float, default=0.9
            Probability that the bound holds, if the model is right.

        Returns
        -------
        float
            In units of the scores; infinite while there is no model.
        """
        if not self._has_model(self.n_told):
            return np.inf
        trials = self._trials()
        with single_threaded():
            gp = self._surrogate.processes(trials, SCALES.index(wide_scores))[0]
            return regret_bound(
                self.space,
                gp,
                trials,
                probability=probability,
                even=self._even,
                rng=generator(self._seed, Stream.REGRET, self.n_told),
            )

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
        """Return the trials before the model, see the class docstring.

        Other numbers of first points were a tie (docs/measured/ablation.md).
        """
        n_points = max(4, self.space.n_dims + 1)
        n_branches = self.space.n_branches
        for_branches = 2 * n_branches if n_branches > 1 else 0
        if n_iter is not None:
            n_points = min(n_points, max(4, n_iter // 4))
            for_branches = min(for_branches, max(4, n_iter // 2))
        return max(n_points, for_branches)

    # ------------------------------------------------------------- without a model

    def _next_listed(self, space: Space, seen: Counter[bytes]) -> Point | None:
        """Return the first point of a finite space, in grid order, that is left."""
        if space not in self._listed:
            self._listed[space] = [self.space.point(p) for p in space.grid()]
        return _first_left(self._listed[space], seen)

    def _fill(
        self,
        space: Space,
        branches: frozenset[int],
        seen: Counter[bytes],
        n_seen: int,
    ) -> FloatArray | None:
        """Return the next unseen row that fills the space, else a random one.

        None if the space is finite and no unseen row was found.
        """
        of = self._budgets.branch_of
        for i in range(len(self._filling)):
            row = self._filling_row(i)
            key = space.key(row)
            if not seen[key] and of(key) in branches:
                return row
        rng = generator(self._seed, Stream.FILLING, n_seen)
        for _ in range(_N_TRIES):
            drawn = space.quantile(rng.random((_N_DRAWN, space.n_dims)))
            for row in drawn:
                rounded = space.rounded(row)
                key = space.key(rounded)
                if not seen[key] and of(key) in branches:
                    return rounded
        # All round values were seen, so another one is better than a repeat.
        return drawn[-1] if np.isinf(space.size) else None

    def _filling_row(self, i: int) -> FloatArray:
        """Return a rounded row of those that fill the space."""
        while len(self._rounded) <= i:
            row = self._filling[len(self._rounded)]
            self._rounded.append(self.space.rounded(row))
        return self._rounded[i]

    def _first_unlisted(self, space: Space, seen: Counter[bytes]) -> Point | None:
        """Return the first point of a finite space that was never seen."""
        points = (self.space.point(params) for params in space.grid())
        return next((point for point in points if not seen[point.key]), None)

    # ---------------------------------------------------------------- with a model

    def _best_index(self) -> int:
        scores = np.array(self._scores)
        if not np.isfinite(scores).any():
            raise AttributeError("no finite score has been told yet")
        return int(np.argmax(np.where(np.isfinite(scores), scores, -np.inf)))

    def _has_model(self, n_seen: int) -> bool:
        """Whether the model makes the next proposal, with `n_seen` told and pending.

        There must be something to learn: two scores that differ.
        """
        if n_seen < self._n_initial or not self.space.n_dims:
            return False
        finite = [score for score in self._scores if np.isfinite(score)]
        return bool(finite) and (len(finite) < self.n_told or min(finite) < max(finite))

    def _trials(self) -> Trials:
        rows = np.stack([point.row for point in self._points])
        fidelities = np.array(self._fidelities)[:, None]
        if np.all(fidelities == 1.0):
            fidelities = fidelities[:, :0]  # the same for all: no input of the model
        return Trials(rows, np.array(self._scores), fidelities)

    def _propose(
        self, space: Space, pending: Sequence[Point], again: Sequence[Point]
    ) -> FloatArray | None:
        """Return the row that the model proposes: a new one, or one of `again`."""
        trials, n_seen = self._trials(), self.n_told + len(pending)
        scale = n_seen % len(SCALES)
        with single_threaded():
            return propose(
                space,
                self._surrogate.processes(trials, scale),
                trials,
                pending=_rows(pending, self.space.n_dims),
                again=_rows(again, self.space.n_dims),
                even=self._even,
                radius=_RADII[scale],
                rng=generator(self._seed, Stream.CLOUD, n_seen),
                criterion=self._criterion,
            )


def _rows(points: Sequence[Point], n_dims: int) -> FloatArray:
    return np.array([point.row for point in points]).reshape(-1, n_dims)


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


def _filling_rows(space: Space, even: FloatArray) -> FloatArray:
    """Return rows that fill the space: the centre of each branch, then even points.

    The first two rows of each branch precede all others, so that the model has seen
    every branch when it starts to choose among them.
    """
    U = space.quantile(even)
    _, first = np.unique(_branches(space, U), return_index=True)
    centres = np.full((len(first), space.n_dims), 0.5)
    if space.n_branches > 1:
        centres[:, 0] = even[first, 0]
    U = np.concatenate([space.quantile(centres), U])
    branches = _branches(space, U)
    turn = np.zeros(len(U))
    for branch in np.unique(branches):
        turn[branches == branch] = np.arange(np.count_nonzero(branches == branch))
    return np.asarray(U[np.argsort(np.minimum(turn, 2), kind="stable")])


def _branches(space: Space, U: FloatArray) -> FloatArray:
    """Return the column that tells branches apart; zeros if there is only one."""
    return U[:, 0] if space.n_branches > 1 else np.zeros(len(U))


def _sobol(d: int, n: int, seed: int) -> FloatArray:
    """Return ``n`` scrambled Sobol points, ``n`` a power of two."""
    if not d:
        return np.empty((n, 0))
    points = qmc.Sobol(d, scramble=True, seed=generator(seed, Stream.EVEN))
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


def _number(score: Any) -> float:
    message = f"score must be a number, got {score!r}"
    if isinstance(score, str | bytes):  # `float` would parse them
        raise TypeError(message)
    try:
        return float(score)
    except (TypeError, ValueError) as error:
        raise TypeError(message) from error


def _is_int(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _positive_int(value: Any, name: str, alternative: str = "") -> int:
    if _is_int(value) and value >= 1:
        return int(value)
    raise ValueError(f"{name} must be an int of at least 1{alternative}, got {value!r}")
