"""What a fit is about: data, splits, and where the search space comes from.

Everything here is made once in a `fit`, does not change afterwards, and is handed down.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_tuners._defaults.default_space import find_default_space
from sklearn_tuners._defaults.lookup import explain_no_space
from sklearn_tuners._search.parameter_names import check_parameter_names
from sklearn_tuners._space.own_values import space_with_own
from sklearn_tuners._space.space import Space
from sklearn_tuners._typing import Params, Split

__all__ = [
    "Data",
    "GivenSpace",
    "Problem",
    "SearchSpace",
    "Searched",
    "draw_splits",
    "least_training_rows",
]

SearchSpace = Mapping[str, Any] | Sequence[Any]
"""A space as users write it: a dict, or a list of dicts."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """Data of a fit, and what metadata routing passes on.

    Attributes
    ----------
    X, y : array-like
        As given to `fit`; y may be None.
    fit_params, score_params, split_params : dict
        Further arguments of the estimator's ``fit``, the scorer and the splitter.
    """

    X: Any
    y: Any = None
    fit_params: Params
    score_params: Params
    split_params: Params

    @property
    def n_samples(self) -> int:
        """Number of rows of X."""
        return int(self.X.shape[0]) if hasattr(self.X, "shape") else len(self.X)


@dataclass(frozen=True)
class Searched:
    """The space of a search.

    Attributes
    ----------
    space : Space
        The parsed space.
    written : dict or list of dicts
        As the user wrote it, or the default space.
    first : dict, list of dicts or None
        Candidates to begin with.
    """

    space: Space
    written: SearchSpace
    first: Any

    @property
    def names(self) -> set[str]:
        """Names of the parameters that are searched."""
        return {name for branch in self.space.branches for name in branch.dimensions}


@dataclass(frozen=True)
class GivenSpace:
    """What a user says about the space.

    Attributes
    ----------
    space : dict, list of dicts or None
        None asks for the default space of the estimator.
    name : {"param_distributions", "param_grid"}
        The parameter that it was given as.
    initial_params : dict, list of dicts or None
        Candidates to begin with; None takes the estimator's own parameters where the
        space is a default one.
    owner : str
        Class of the search, for error messages.
    """

    space: SearchSpace | None
    name: str
    initial_params: Any
    owner: str

    @classmethod
    def choose(
        cls,
        param_distributions: SearchSpace | None,
        param_grid: SearchSpace | None,
        initial_params: Any,
        owner: str,
    ) -> GivenSpace:
        """Return the space that one of two parameters gives.

        Raises
        ------
        ValueError
            If both are given.
        """
        if param_grid is None:
            return cls(
                param_distributions, "param_distributions", initial_params, owner
            )
        if param_distributions is not None:
            raise ValueError(
                "param_grid is another name for param_distributions: give one of "
                "them, not both."
            )
        return cls(param_grid, "param_grid", initial_params, owner)

    def parse(self, seed: int) -> Searched:
        """Return the space that was given, parsed.

        Parameters
        ----------
        seed : int
            Seed for drawing from objects that have only ``rvs``.
        """
        assert self.space is not None
        space = Space.parse(
            self.space,
            name=self.name,
            tuples_as_ranges=self.name != "param_grid",
            random_state=seed,
        )
        return Searched(space, self.space, self.initial_params)

    def default(
        self,
        estimator: BaseEstimator,
        data: Data,
        *,
        n_train: int,
        seed: int,
        without: Collection[str] = (),
    ) -> Searched:
        """Return the default space of an estimator, parsed.

        Parameters
        ----------
        estimator : estimator
            Estimator whose own parameters are the first candidate.
        data : Data
            Data that the bounds depend on.
        n_train : int
            Rows of the smallest training set.
        seed : int
            As for `parse`.
        without : collection of str, default=()
            Parameters that are not searched.

        Raises
        ------
        ValueError
            If the registry has no parameters to search.
        """
        found = find_default_space(estimator, data.X, data.y, n_train)
        if not found.space:
            raise ValueError(
                f"{self.owner} has no default search space for {estimator!r}: "
                f"{explain_no_space(estimator)}"
            )
        written = {k: v for k, v in found.space.items() if k not in without}
        own = {k: v for k, v in found.own.items() if k not in without}
        first = own if self.initial_params is None else self.initial_params
        spec = space_with_own(written, own)
        return Searched(Space.parse(spec, random_state=seed), written, first)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What a strategy is made for.

    Attributes
    ----------
    estimator : estimator
        A clone; nothing may fit it or set its parameters.
    data : Data
        Data that candidates are trained and tested on.
    cv : splitter
        The splitter that made the splits.
    splits : list of (ndarray, ndarray)
        Row numbers to train and to test on.
    given : GivenSpace
        The space parameters of the search.
    seed : int
        Seed of all random choices.
    n_initial_points : int or "auto"
        Candidates that fill the space before a model is used.
    """

    estimator: BaseEstimator
    data: Data
    cv: Any
    splits: list[Split]
    given: GivenSpace
    seed: int
    n_initial_points: int | str = "auto"

    def find_space(
        self, *, n_train: int | None = None, without: Collection[str] = ()
    ) -> Searched:
        """Return the space, parsed: the one given, or the default one.

        Parameters
        ----------
        n_train : int, default=None
            Rows that the bounds of a default space must suit; by default those of the
            smallest training set.
        without : collection of str, default=()
            Parameters that a default space must not have.

        Raises
        ------
        ValueError, TypeError
            If the space is invalid, names a parameter that the estimator does not have,
            or if there is no default space.
        """
        if self.given.space is not None:
            searched = self.given.parse(self.seed)
        else:
            searched = self.given.default(
                self.estimator,
                self.data,
                n_train=n_train or least_training_rows(self.splits),
                seed=self.seed,
                without=without,
            )
        check_parameter_names(searched.space, self.estimator)
        return searched


def least_training_rows(splits: list[Split]) -> int:
    """Return the size of the smallest training set."""
    return min(len(train) for train, _ in splits)


def draw_splits(cv: Any, data: Data) -> list[Split]:
    """Return the splits of `cv` as row numbers.

    Each call draws new ones if `cv` shuffles without a seed.

    Raises
    ------
    ValueError
        If `cv` gives no splits, or a number of them that differs from `get_n_splits`.
    """
    n_splits = cv.get_n_splits(data.X, data.y, **data.split_params)
    splits = [
        (_row_numbers(train), _row_numbers(test))
        for train, test in cv.split(data.X, data.y, **data.split_params)
    ]
    if len(splits) != n_splits:
        raise ValueError(
            "cv.split and cv.get_n_splits return inconsistent results. "
            f"Expected {n_splits} splits, got {len(splits)}"
        )
    if not splits:
        raise ValueError(
            "No fits were performed. Was the CV iterator empty? Were there no "
            f"candidates? cv={cv!r} gives no splits."
        )
    return splits


def _row_numbers(part: Any) -> Any:
    """Return one side of a split as row numbers: splitters may give masks or lists."""
    rows = np.asarray(part)
    if rows.dtype == np.bool_:
        return np.flatnonzero(rows)
    return rows.astype(np.intp) if rows.dtype.kind in "iu" or not rows.size else rows
