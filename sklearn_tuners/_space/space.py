"""The search space: parameters as rows of the unit cube, and back.

Notation
--------
u, U
    A row of the unit cube, shape (n_dims,), and a matrix of rows, (n, n_dims).
Q
    Uniform random numbers of the shape of U.
Z
    Features of rows, (n, p): what the surrogate measures distances in.
branch
    One dict of a list of dicts. If there are several, column 0 of U is the *switch*, a
    categorical of the branches. A column is *active* in a row if the row's branch has
    its parameter and the parameter's condition, if any, holds (see `conditions`).
    Inactive columns hold 0.5, and no feature depends on them.

The other columns are in the order of the parameters' names, and so are the keys of what
is decoded: the order in which a dict is written does not matter.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Any, Self, cast

import numpy as np

from sklearn_tuners._space.branches import (
    INACTIVE,
    Branch,
    ParameterError,
    countable,
    make_branches,
    make_gates,
    may_share_points,
)
from sklearn_tuners._space.conditions import When, parse_conditions
from sklearn_tuners._space.coordinates import round_coordinate
from sklearn_tuners._space.dialects import parse_dimension, parse_subspaces
from sklearn_tuners._space.dimensions import (
    Continuous,
    Dimension,
    Discrete,
    NotInDomainError,
    Table,
)
from sklearn_tuners._space.features import FeatureMap
from sklearn_tuners._space.point import Point
from sklearn_tuners._space.values import same_value
from sklearn_tuners._typing import BoolArray, FloatArray, IntArray, Params

__all__ = ["Space"]

_MAX_COUNTED = 10_000
"""Number of points up to which shared points of several branches are counted once.

Enumerating them takes a second.
"""


class Space:
    """A parsed search space. Made by `Space.parse`; immutable; picklable.

    Parameters
    ----------
    branches : sequence of Branch
        At least one.
    dimensions : sequence of Dimension
        One per column of U; the first is the switch if there are several branches.

    Attributes
    ----------
    branches : tuple of Branch
        The dicts.
    n_branches : int
        Their number.
    n_dims : int
        Number of columns of U.
    is_categorical : array of shape (n_dims,), bool
        Whether a column has no order.
    n_levels : array of shape (n_dims,), float
        Distinct values of each column; inf if continuous or only drawn.
    is_source : array of shape (n_dims,), bool
        Whether conditions of others depend on the value of a column.
    feature_source : array of shape (p,), int
        Column of U that each feature comes from.

    Examples
    --------
    >>> C = (0.0, 2.0)
    >>> space = Space.parse({"C": C, "kernel": ["rbf", "poly"]})
    >>> u = space.encode({"C": 1.0, "kernel": "poly"})
    >>> u.tolist()
    [0.5, 0.75]
    >>> space.decode(u)
    {'C': 1.0, 'kernel': 'poly'}
    """

    def __init__(
        self, branches: Sequence[Branch], dimensions: Sequence[Dimension]
    ) -> None:
        self.branches = tuple(branches)
        self.n_branches = len(self.branches)
        self._allowed: IntArray | None = None  # branches, all of them if None
        self._dimensions = tuple(dimensions)
        self.n_dims = len(self._dimensions)
        self.is_categorical: BoolArray = np.array(
            [d.is_categorical for d in self._dimensions], dtype=np.bool_
        )
        self.n_levels: FloatArray = np.array(
            [d.n_levels for d in self._dimensions], dtype=np.float64
        )
        self._active = np.zeros((self.n_branches, self.n_dims), dtype=np.bool_)
        self._active[:, : self._first_column] = True
        for b, branch in enumerate(self.branches):
            self._active[b, list(branch.columns.values())] = True
        # The continuous columns are snapped together, the others one by one.
        dims = list(enumerate(self._dimensions))
        smooth = [(j, d) for j, d in dims if isinstance(d, Continuous)]
        self._smooth = np.array([j for j, _ in smooth], dtype=np.intp)
        self._lowest = np.array([d.lowest for _, d in smooth])
        self._highest = np.array([d.highest for _, d in smooth])
        self._exponents = np.array([d.exponent for _, d in smooth], dtype=np.intp)
        self._first = np.array([d.first for _, d in smooth])
        self._last = np.array([d.last for _, d in smooth])
        self._stepped = [(j, d) for j, d in dims if isinstance(d, Discrete)]
        self._twins = [
            [a for a in range(b) if may_share_points(self.branches[a], branch)]
            for b, branch in enumerate(self.branches)
        ]
        self._gates = make_gates(self.branches, self._dimensions)
        self.is_source: BoolArray = np.zeros(self.n_dims, dtype=np.bool_)
        self.is_source[[j for j, _, _ in self._gates]] = True
        always = [is_open.all(axis=(0, 1)) for _, _, is_open in self._gates]
        is_private = ~np.all([*self._active, *always], axis=0)
        self._feature_map = FeatureMap(self._dimensions, is_private)
        self.feature_source: IntArray = self._feature_map.source

    @classmethod
    def parse(
        cls,
        spec: Mapping[str, Any] | Sequence[Any],
        *,
        name: str = "param_distributions",
        tuples_as_ranges: bool = True,
        random_state: int = 0,
    ) -> Self:
        """Parse what a user wrote.

        Parameters
        ----------
        spec : dict or list of dicts
            Parameters and their domains in any dialect, see `dialects`. An element of
            the list may be a tuple (dict, n), as in scikit-optimize, where n is the
            number of evaluations of the dict.
        name : str, default="param_distributions"
            Name of `spec` in error messages.
        tuples_as_ranges : bool, default=True
            Whether a tuple of two numbers is a range and not a list of values.
        random_state : int, default=0
            Seed of the draws from objects that have only `rvs`.

        Returns
        -------
        Space

        Raises
        ------
        TypeError, ValueError
            If `spec` is not understood; the message names the parameter.

        Examples
        --------
        >>> Space.parse([{"C": [1, 10]}, {"C": [1, 10], "gamma": [0.1, 1, 10]}]).size
        8
        """
        subspaces = parse_subspaces(spec, name)
        # Equal domains of one name are one dimension, whichever dicts they are in.
        known: dict[str, list[Dimension]] = {}
        parsed = []
        for subspace, _ in subspaces:
            dimensions, written = {}, {}
            for key, value in sorted(subspace.items()):
                if isinstance(value, When):
                    written[key] = value.condition
                    value = value.domain
                found = parse_dimension(
                    key,
                    value,
                    name=name,
                    tuples_as_ranges=tuples_as_ranges,
                    random_state=random_state,
                )
                dimensions[key] = _known(known.setdefault(key, []), found)
            conditions = parse_conditions(written, dimensions, name)
            parsed.append((dimensions, conditions))
        columns = [d for key in sorted(known) for d in known[key] if not d.is_constant]
        branches = make_branches(parsed, [n for _, n in subspaces], columns)
        return cls(branches, _switch(branches) + columns)

    @cached_property
    def size(self) -> int | float:
        """Number of points as listed, with a value that is listed twice counted twice.

        inf if there are infinitely many, or more than 2**62.
        """
        return countable(sum(branch.size for branch in self._open_branches))

    @cached_property
    def n_distinct(self) -> int | float:
        """Number of distinct points, or inf.

        In spaces of at most 10,000 points, those that several branches have in common
        are counted once; in larger ones this is an upper bound.
        """
        if any(self._twins) and self.size <= _MAX_COUNTED:
            return len({self.key(self.encode(params)) for params in self.grid()})
        return countable(sum(branch.n_distinct for branch in self._open_branches))

    def grid(self) -> Iterator[Params]:
        """Yield all points in the order of scikit-learn's ParameterGrid.

        Branch after branch, keys sorted, the last key varying fastest. Combinations
        that differ only in inactive parameters are one point, at the place of the
        first.

        Yields
        ------
        dict
            Active parameters, as often as they are listed.

        Raises
        ------
        ValueError
            If the space is infinite.
        """
        if math.isinf(self.size):
            raise ValueError("an infinite space cannot be enumerated")
        for branch in self._open_branches:
            yield from branch.grid()

    @property
    def _open_branches(self) -> list[Branch]:
        """The branches that rows are made in, see `within`."""
        if self._allowed is None:
            return list(self.branches)
        return [self.branches[b] for b in self._allowed]

    def quantile(self, Q: FloatArray) -> FloatArray:
        """Return snapped rows, distributed as the user's space if Q is uniform.

        Listed values are equally likely. So are branches, except for those of less than
        16 points, which have a share in proportion.

        Parameters
        ----------
        Q : array of shape (n, n_dims)
            In [0, 1].

        Returns
        -------
        array of shape (n, n_dims)
        """
        Q = np.asarray(Q, dtype=np.float64)
        U = np.empty_like(Q)
        for j, dimension in enumerate(self._dimensions):
            U[:, j] = dimension.quantile(Q[:, j])
        return self._canonical(U)

    def snap(self, U: FloatArray) -> FloatArray:
        """Return the nearest rows that `encode` can return, encode(decode(u)).

        Parameters
        ----------
        U : array of shape (n, n_dims)
            Rows; values outside [0, 1] are clipped.

        Returns
        -------
        array of shape (n, n_dims)
        """
        U = np.asarray(U, dtype=np.float64)
        snapped = np.empty_like(U)
        snapped[:, self._smooth] = round_coordinate(
            U[:, self._smooth], self._lowest, self._highest, self._exponents
        )
        for j, dimension in self._stepped:
            snapped[:, j] = dimension.snap(U[:, j])
        return self._canonical(snapped)

    def within(self, branches: Collection[int]) -> Space:
        """Return the same space, except that it makes rows in some branches only.

        Its `size` and `grid` are those of these branches. Rows that `quantile` and
        `snap` would return in another branch are moved to these branches in turn.

        Parameters
        ----------
        branches : collection of int
            At least one.
        """
        space = copy(self)
        for counted in ("size", "n_distinct"):
            vars(space).pop(counted, None)
        space._dimensions = (*_switch(self.branches, branches), *self._dimensions[1:])
        space._allowed = np.array(sorted(branches), dtype=np.intp)
        return space

    def _moved(self, U: FloatArray) -> FloatArray:
        """Move rows of branches that are not allowed to the others, in turn."""
        if self._allowed is not None:
            wrong = np.flatnonzero(~np.isin(self._branch(U), self._allowed))
            to = self._allowed[np.arange(len(wrong)) % len(self._allowed)]
            U[wrong, 0] = (to + 0.5) / self.n_branches
        return U

    def inside(self, U: FloatArray) -> FloatArray:
        """Return the nearest snapped rows in which no value is in a tail.

        Parameters
        ----------
        U : array of shape (n, n_dims)
            Rows; values outside [0, 1] are clipped.

        Returns
        -------
        array of shape (n, n_dims)
        """
        U = np.array(U, dtype=np.float64)
        U[:, self._smooth] = round_coordinate(
            np.clip(U[:, self._smooth], self._first, self._last),
            self._lowest,
            self._highest,
            self._exponents,
        )
        for j, dimension in self._stepped:
            U[:, j] = dimension.inside(U[:, j])
        return self._canonical(U)

    def rounded(self, u: FloatArray) -> FloatArray:
        """Return the row that is proposed for a snapped one: with short values.

        Parameters
        ----------
        u : array of shape (n_dims,)
            A snapped row.

        Returns
        -------
        array of shape (n_dims,)
            Of values that are short decimals and in no tail, see `decimals`.
        """
        row = [d.rounded(x) for d, x in zip(self._dimensions, u.tolist(), strict=True)]
        return np.asarray(self._canonical(np.array([row]).reshape(1, -1))[0])

    def _canonical(self, U: FloatArray) -> FloatArray:
        """Fill inactive columns, and move points that two branches share to the first.

        Points are moved row by row. That is rare: except for parameters with a
        condition, such branches have equal names and differ in discrete domains only.
        """
        if self.n_branches == 1 and not self._gates:
            return U
        U = self._moved(U)
        U[~self.active(U)] = INACTIVE
        if any(self._twins):
            for i, b in enumerate(self._branch(U)):
                if self._twins[b]:
                    U[i] = self._first_twin(U[i], b)
        return U

    def _first_twin(self, u: FloatArray, b: int) -> FloatArray:
        """Return the row of the same point in an earlier branch, or `u` itself."""
        params = self.branches[b].decode(u)
        for a in self._twins[b]:
            try:
                twin = self._encode_in(a, params)
            except NotInDomainError:
                continue
            if _same_params(self.branches[a].decode(twin), params):
                return twin
        return u

    def decode(self, u: FloatArray) -> Params:
        """Return the parameters of a row, with the user's own objects.

        Parameters
        ----------
        u : array of shape (n_dims,)
            A row; it is snapped first.

        Returns
        -------
        dict
            Keys in sorted order, as in scikit-learn's searches.
        """
        row = self.snap(np.asarray(u, dtype=np.float64)[None, :])[0]
        branch: Branch = self.branches[self._branch(row[None, :])[0]]
        return branch.decode(row)

    def encode(self, params: Mapping[str, Any]) -> FloatArray:
        """Return the snapped row of parameters.

        A value is matched to the same object in the list, else to an equal one of the
        same type, else to an equal one of another type (1.0 for 1).

        Parameters
        ----------
        params : dict
            A value for each active parameter of one branch.

        Returns
        -------
        array of shape (n_dims,)

        Raises
        ------
        ValueError
            If a parameter is unknown, missing, inactive or has a value outside its
            domain.
        """
        if not isinstance(params, Mapping):
            raise TypeError(f"params must be a dict, got {params!r}")
        named = [
            b
            for b, branch in enumerate(self.branches)
            if branch.has_names(params.keys())
        ]
        if not named:
            raise ValueError(self._wrong_names(params))
        rows: dict[int, FloatArray] = {}
        errors: list[ParameterError] = []
        for b in named:
            try:
                rows[b] = self._encode_in(b, params)
            except ParameterError as error:
                errors.append(error)
        if not rows:
            nearest = max(errors, key=lambda error: error.n_accepted)
            raise ValueError(str(nearest)) from None
        if len(rows) > 1:
            for b, row in rows.items():
                if _same_params(self.branches[b].decode(row), params):
                    return row
        return next(iter(rows.values()))

    def _encode_in(self, b: int, params: Mapping[str, Any]) -> FloatArray:
        """Return the row in one branch; `ParameterError` if params are not in it."""
        u = np.full(self.n_dims, INACTIVE)
        if self.n_branches > 1:
            u[0] = self._dimensions[0].encode(b)
        if not self.branches[b].has_names(params.keys()):
            raise ParameterError("other names", 0)
        self.branches[b].encode(params, u)
        return u

    def _wrong_names(self, params: Mapping[str, Any]) -> str:
        known = sorted({key for branch in self.branches for key in branch.dimensions})
        for key in params:
            if key not in known:
                close = difflib.get_close_matches(str(key), known, 1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                return f"Parameter {key!r} is not in the space of {known}{hint}"
        if self.n_branches == 1:
            optional = self.branches[0].conditions
            missing = [k for k in known if k not in params and k not in optional]
            return f"Parameter {missing[0]!r} has no value, got {dict(params)!r}"
        return (
            f"No dict of the space has just the parameters {sorted(params)}; they have "
            f"{[list(branch.dimensions) for branch in self.branches]}"
        )

    def key(self, u: FloatArray) -> bytes:
        """Return a hashable key of a snapped row, equal if and only if params are.

        Parameters
        ----------
        u : array of shape (n_dims,)
            A row as returned by `snap`, `quantile` or `encode`.

        Returns
        -------
        bytes
        """
        return (np.asarray(u, dtype=np.float64) + 0.0).tobytes()  # -0.0 becomes 0.0

    def point(self, params: Mapping[str, Any]) -> Point:
        """Return the point of params, encoded once.

        Parameters
        ----------
        params : dict
            A value for each active parameter of one branch.

        Returns
        -------
        Point

        Raises
        ------
        ValueError
            As `encode` does.
        """
        row = self.encode(params)
        return Point(dict(params), row, self.key(row))

    def neighbours(self, u: FloatArray, column: int, n: int = 16) -> FloatArray:
        """Return other coordinates of one discrete column.

        Parameters
        ----------
        u : array of shape (n_dims,)
            A snapped row.
        column : int
            Column of U.
        n : int, default=16
            Largest number to return.

        Returns
        -------
        array of shape (at most n,)
            Nearest first if the column has an order. None if it is continuous or
            inactive.
        """
        if not self.active(u[None, :])[0, column]:
            return np.empty(0)
        return self._dimensions[column].neighbours(float(u[column]), n)

    @property
    def _first_column(self) -> int:
        return int(self.n_branches > 1)

    def _branch(self, U: FloatArray) -> IntArray:
        """Return the number of the branch of each row."""
        if self.n_branches == 1:
            return np.zeros(len(U), dtype=np.intp)
        switch = cast(Discrete, self._dimensions[0])
        return switch.level(U[:, 0])

    def branch_at(self, u: FloatArray) -> Branch:
        """Return the branch that a row is in.

        Parameters
        ----------
        u : array of shape (n_dims,)
            A snapped row.

        Returns
        -------
        Branch
        """
        return self.branches[int(self._branch(u[None, :])[0])]

    def active(self, U: FloatArray) -> BoolArray:
        """Mark the columns that are active in each row.

        Parameters
        ----------
        U : array of shape (n, n_dims)
            Rows of coordinates.

        Returns
        -------
        array of shape (n, n_dims), bool
        """
        branch = self._branch(U)
        active = self._active[branch]
        for column, dimension, is_open in self._gates:
            active &= is_open[branch, dimension.level(U[:, column])]
        return active

    def features(self, U: FloatArray) -> FloatArray:
        """Return the features of rows, see `features`.

        The distance of two rows never depends on inactive columns.

        Parameters
        ----------
        U : array of shape (n, n_dims)
            Rows, snapped or not.

        Returns
        -------
        array of shape (n, p)
        """
        U = np.asarray(U, dtype=np.float64)
        return self._feature_map(U, self.active(U))

    def features_jac(self, U: FloatArray) -> FloatArray:
        """Return the derivative of each feature by its column; 0 for categoricals.

        Parameters
        ----------
        U : array of shape (n, n_dims)
            Rows, snapped or not.

        Returns
        -------
        array of shape (n, p)
        """
        U = np.asarray(U, dtype=np.float64)
        return self._feature_map.jac(U, self.active(U))

    def signature(self) -> tuple[Any, ...]:
        """Return what the space is, without the seed that it was parsed with.

        Listed values are identified by themselves, ranges by their bounds,
        distributions by some quantiles, and objects that have only `rvs` by draws with
        a fixed seed. The shares of dicts are left out, as the number of evaluations is.
        The cost is linear in the number of listed values.

        Returns
        -------
        tuple
            One element per dict, made of tuples, lists, plain values and the user's own
            objects: to be compared or hashed by content.

        Examples
        --------
        >>> Space.parse({"C": (1.0, 10.0, "log-uniform")}).signature()
        ((('C', ('interval', 1.0, 10.0, True, 0.0), []),),)
        """
        return tuple(branch.signature() for branch in self.branches)

    def __repr__(self) -> str:
        dicts = [branch.describe() for branch in self.branches]
        inside = dicts[0] if len(dicts) == 1 else "[" + ",\n ".join(dicts) + "]"
        return f"Space({inside})"


def _known(own: list[Dimension], found: Dimension) -> Dimension:
    """Return the dimension of the same domain that is already known, if any."""
    for dimension in own:
        if dimension.same_domain(found):
            return dimension
    own.append(found)
    return found


def _switch(
    branches: Sequence[Branch], allowed: Collection[int] | None = None
) -> list[Dimension]:
    """Return the categorical of the branches, if there are several."""
    n = len(branches)
    open_ones = range(n) if allowed is None else allowed
    if n == 1:
        return []
    return [
        Table(
            range(n),
            (np.arange(n) + 0.5) / n,
            np.array([b.weight * (i in open_ones) for i, b in enumerate(branches)]),
            is_categorical=True,
        )
    ]


def _same_params(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    return all(same_value(value, b[key]) for key, value in a.items())
