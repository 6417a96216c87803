"""What a search spends, known before any fit: resource, rungs, brackets, costs."""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator

from sklearn_tuners._hyperband.brackets import (
    Bracket,
    exact,
    make_brackets,
    rung_resources,
)
from sklearn_tuners._hyperband.resource import (
    auto_resource,
    check_resource,
    full_value,
    least_sensible,
    synonyms,
)
from sklearn_tuners._hyperband.rows import least_samples, smallest_samples
from sklearn_tuners._search.problem import Problem, Searched, least_training_rows
from sklearn_tuners._training.continuation import SAMPLES

__all__ = [
    "Budget",
    "Schedule",
    "make_schedule",
    "plan_table",
    "planned_brackets",
    "prepare",
    "training_steps",
    "warn_of_single_rung",
]

_MAX_AUTO_BRACKETS = 3
"""Brackets of a pass where `min_resources` is "auto": five cost more than they found
(docs/measured/hyperband.md)."""


@dataclass(frozen=True)
class Budget:
    """What a user says about the resource: parameters of `HyperbandSearchCV`."""

    resource: str
    min_resources: int | str
    max_resources: int | str
    factor: float
    brackets: int | None


@dataclass(frozen=True)
class Schedule:
    """What a search spends.

    Attributes
    ----------
    resource : str
        Full name of a parameter, "n_samples" or "n_epochs".
    rungs : tuple of int
        Ascending resources.
    brackets : tuple of Bracket
        One pass.
    factor : int or float
        One in `factor` candidates is promoted.
    """

    resource: str
    rungs: tuple[int, ...]
    brackets: tuple[Bracket, ...]
    factor: float


def prepare(problem: Problem, budget: Budget) -> tuple[Searched, Schedule]:
    """Return the space and the schedule of a search.

    A default space does not have the resource, and its bounds suit the rows of the
    first rung. A space that is given may decide which resource "auto" takes.

    Parameters
    ----------
    problem : Problem
        Data, splits and space of the search.
    budget : Budget
        The parameters for the resource.

    Raises
    ------
    ValueError, TypeError
        If the space is invalid or the resource cannot be spent.
    """
    estimator, data = problem.estimator, problem.data
    n_splits = len(problem.splits)
    if problem.given.space is not None:
        searched = problem.find_space()
        schedule = make_schedule(
            estimator, budget, searched.names, data.n_samples, data.y, n_splits
        )
        return searched, schedule
    schedule = make_schedule(estimator, budget, (), data.n_samples, data.y, n_splits)
    n_train = least_training_rows(problem.splits)
    if schedule.resource == SAMPLES:
        n_train = max(1, n_train * schedule.rungs[0] // schedule.rungs[-1])
    searched = problem.find_space(n_train=n_train, without={schedule.resource})
    return searched, schedule


def make_schedule(
    estimator: BaseEstimator,
    budget: Budget,
    searched: Collection[str],
    n_samples: int,
    y: Any,
    n_splits: int,
) -> Schedule:
    """Return the schedule of a search.

    Parameters
    ----------
    estimator : estimator
        The estimator that is tuned.
    budget : Budget
        The parameters for the resource.
    searched : collection of str
        Parameters in the space.
    n_samples : int
        Rows of the data.
    y : array-like or None
        Target.
    n_splits : int
        Splits of `cv`.

    Returns
    -------
    Schedule

    Raises
    ------
    ValueError
        If the resource cannot be spent, or the least is more than the largest.
    """
    resource, least = _resource(estimator, budget.resource, set(searched))
    if resource == SAMPLES:
        least = least_samples(estimator, y, n_splits)
    largest = _largest(estimator, budget.max_resources, resource, n_samples)
    lowest = smallest_samples(estimator, y, n_splits) if resource == SAMPLES else 1
    smallest = _smallest(budget.min_resources, budget.factor, least, lowest, largest)
    rungs = rung_resources(smallest, largest, budget.factor)
    brackets = make_brackets(rungs, budget.factor)
    if budget.brackets is not None:
        if budget.brackets > len(brackets):
            raise ValueError(
                f"brackets={budget.brackets} is more than the {len(brackets)} that "
                f"there are from min_resources={smallest} to max_resources={largest} "
                f"with factor={budget.factor}"
            )
        brackets = brackets[: budget.brackets]
    return Schedule(resource, tuple(rungs), tuple(brackets), budget.factor)


def _resource(
    estimator: BaseEstimator, given: str, searched: set[str]
) -> tuple[str, int]:
    """Return the resource and its smallest sensible value."""
    if given != "auto":
        check_resource(estimator, given, searched)
        return given, least_sensible(estimator, given)
    resource, least = auto_resource(estimator)
    # The space may contain the parameter under one of its names, or the estimator that
    # owns it.
    is_searched = searched.intersection(synonyms(estimator, resource)) or any(
        resource.startswith(f"{name}__") for name in searched
    )
    return (SAMPLES, 1) if is_searched else (resource, least)


def _largest(
    estimator: BaseEstimator, given: int | str, resource: str, n_samples: int
) -> int:
    """Return the full resource."""
    if given != "auto":
        largest = int(given)
        if resource == SAMPLES and largest > n_samples:
            raise ValueError(
                f"max_resources={largest} is more than the {n_samples} rows of X"
            )
        return largest
    if resource == SAMPLES:
        return n_samples
    value = full_value(estimator, resource)
    if value is None:
        raise ValueError(
            f"max_resources='auto' means the value of resource={resource!r} on the "
            "estimator, which is not a number: give max_resources as an integer"
        )
    return value


def _smallest(
    given: int | str, factor: float, least: int, lowest: int, largest: int
) -> int:
    """Return the resource of the first rung.

    Parameters
    ----------
    given : int or str
        Parameter `min_resources`.
    factor : int or float
        One in `factor` candidates is promoted.
    least, lowest : int
        Smallest sensible and smallest possible resource.
    largest : int
        The full resource.
    """
    if not isinstance(given, str):
        if given > largest:
            raise ValueError(
                f"min_resources={given} is more than max_resources={largest}"
            )
        return int(given)
    if given == "auto":
        share = exact(factor) ** (_MAX_AUTO_BRACKETS - 1)
        sensible = max(least, math.floor(largest / share))
        # A second rung that is not sensible is better than a single one.
        below = math.floor(largest / exact(factor))
        lowest = max(lowest, min(sensible, below))
    return min(lowest, largest)


def planned_brackets(
    schedule: Schedule, n_iter: int | None, n_distinct: float
) -> list[Bracket]:
    """Return the brackets of one pass, or of `n_iter` candidates if these are fewer.

    Parameters
    ----------
    schedule : Schedule
        Schedule of the search.
    n_iter : int or None
        Number of candidates that begin.
    n_distinct : int or float
        Number of candidates in the space.

    Returns
    -------
    list of Bracket
    """
    n_left = n_distinct
    n_wanted = math.inf if n_iter is None else n_iter
    brackets: list[Bracket] = []
    for bracket in schedule.brackets:
        size = int(min(n_left, n_wanted, bracket.n_candidates[0]))
        if size <= 0:
            break
        brackets.append(bracket.limited_to(size, schedule.factor))
        n_left -= brackets[-1].n_candidates[-1]  # the others may return
        n_wanted -= size
    return brackets


def training_steps(
    how: str, chain: tuple[int, ...], resource: int, largest: int, continuation: str
) -> tuple[int, ...]:
    """Return the training steps that lead to a resource.

    Parameters
    ----------
    how : {"exact", "inexact", "none"}
        See `continuation`.
    chain : tuple of int
        Steps made so far.
    resource : int
        Resource to reach.
    largest : int
        The full resource.
    continuation : {"auto", "always", "never"}
        Parameter of the search.

    Returns
    -------
    tuple of int
        `resource` alone if it is reached in one go.
    """
    in_one_go = (
        how == "none"
        or continuation == "never"
        or (how == "inexact" and continuation == "auto" and resource == largest)
    )
    return (resource,) if in_one_go else (*chain, resource)


def plan_table(
    schedule: Schedule, brackets: list[Bracket], how: str, continuation: str
) -> pd.DataFrame:
    """Return what brackets will train, a row for each rung.

    Parameters
    ----------
    schedule : Schedule
        Schedule of the search.
    brackets : list of Bracket
        The brackets that will run.
    how, continuation : str
        As for `training_steps`.
    """
    rows = []
    for b, bracket in enumerate(brackets):
        chain: tuple[int, ...] = ()
        for i, (n, r) in enumerate(
            zip(bracket.n_candidates, bracket.resources, strict=True)
        ):
            full = schedule.rungs[-1]
            chain = training_steps(how, chain, r, full, continuation)
            added = r - (chain[-2] if len(chain) > 1 else 0)
            rows.append((b, i, n, r, n * added / schedule.rungs[-1]))
    names = ["bracket", "iter", "n_candidates", "n_resources", "cost"]
    return pd.DataFrame(rows, columns=names)


def warn_of_single_rung(
    schedule: Schedule, min_resources: int | str, n_iter: int | None
) -> None:
    """Warn if the automatic smallest resource leaves a single rung."""
    if len(schedule.rungs) > 1 or not isinstance(min_resources, str):
        return
    one = "one candidate in a pass, " if n_iter is None else "every candidate "
    warnings.warn(
        f"The search has a single rung: {one}with the full resource "
        f"({schedule.resource}={schedule.rungs[0]}). "
        f"min_resources={min_resources!r} finds no smaller resource with "
        f"factor={schedule.factor}: give min_resources as an integer, or a larger "
        "max_resources.",
        UserWarning,
        stacklevel=2,
    )
