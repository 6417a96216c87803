"""A run of `HyperbandSearchCV`: what is spent on whom."""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone, is_classifier

from sklearn_tuners._compat.sklearn import CallbackTask
from sklearn_tuners._engine.loop import Trial
from sklearn_tuners._estimators import last_step
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
from sklearn_tuners._hyperband.rows import (
    first_rows,
    is_series,
    label_codes,
    least_samples,
    nested_order,
    smallest_samples,
    stratifies,
    subset,
)
from sklearn_tuners._hyperband.sampler import CandidateSampler
from sklearn_tuners._hyperband.tuner import HalvingTuner, Stage
from sklearn_tuners._journal.journal import Identity, JournaledTrial
from sklearn_tuners._journal.records import identify
from sklearn_tuners._search.run import Run
from sklearn_tuners._training.continuation import EPOCHS, SAMPLES, continuation
from sklearn_tuners._training.settings import (
    labels_of,
    resolved_settings,
    scale_factors,
)
from sklearn_tuners._training.steps import Training, set_resource
from sklearn_tuners._training.store import Store

if TYPE_CHECKING:
    from sklearn_tuners._hyperband_search import HyperbandSearchCV

__all__ = [
    "HyperbandRun",
    "Schedule",
    "make_schedule",
    "planned_brackets",
    "steps",
    "warn_of_single_rung",
]

_MAX_AUTO_BRACKETS = 3
"""Brackets of a pass where `min_resources` is "auto": five cost more than they found
(docs/hyperband_measured.md)."""
_STATE_BYTES = 2**30
"""Fitted states on disk, at the most (docs/hyperband.md)."""


@dataclass(frozen=True)
class Schedule:
    """What a search spends, known before any fit.

    Attributes
    ----------
    resource : str
        Full name of a parameter, "n_samples" or "n_epochs".
    rungs : tuple of int
        Ascending resources.
    brackets : tuple of Bracket
        One pass.
    """

    resource: str
    rungs: tuple[int, ...]
    brackets: tuple[Bracket, ...]


def make_schedule(
    search: HyperbandSearchCV,
    searched: set[str],
    *,
    n_samples: int,
    y: Any,
    n_splits: int,
) -> Schedule:
    """Return the schedule of a search.

    Parameters
    ----------
    search : HyperbandSearchCV
        Its parameters count.
    searched : set of str
        Parameters in its space.
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
    estimator, resource, least = search.estimator, search.resource, 1
    if resource == "auto":
        resource, least = auto_resource(estimator)
        # Either itself, by whatever name, or the estimator whose it is.
        names = synonyms(estimator, resource)
        if searched.intersection(names) or any(
            resource.startswith(f"{name}__") for name in searched
        ):
            resource, least = SAMPLES, 1
    else:
        check_resource(estimator, resource, searched)
        least = least_sensible(estimator, resource)
    if resource == SAMPLES:
        least = least_samples(estimator, y, n_splits)
    largest = _largest(search, resource, n_samples)
    smallest = _smallest(search, resource, least, largest, y, n_splits)
    rungs = rung_resources(smallest, largest, search.factor)
    brackets = make_brackets(rungs, search.factor)
    if search.brackets is not None:
        if search.brackets > len(brackets):
            raise ValueError(
                f"brackets={search.brackets} is more than the {len(brackets)} that "
                f"there are from min_resources={smallest} to max_resources={largest} "
                f"with factor={search.factor}"
            )
        brackets = brackets[: search.brackets]
    return Schedule(resource, tuple(rungs), tuple(brackets))


def planned_brackets(
    search: HyperbandSearchCV, schedule: Schedule, n_distinct: float
) -> list[Bracket]:
    """Return the brackets of one pass, or of `n_iter` candidates if these are fewer.

    Parameters
    ----------
    search : HyperbandSearchCV
        Its `n_iter` and `factor` count.
    schedule : Schedule
        Of the search.
    n_distinct : int or float
        Candidates that there are in the space.

    Returns
    -------
    list of Bracket
    """
    n_left = n_distinct
    n_wanted = math.inf if search.n_iter is None else search.n_iter
    brackets: list[Bracket] = []
    for bracket in schedule.brackets:
        size = int(min(n_left, n_wanted, bracket.n_candidates[0]))
        if size <= 0:
            break
        brackets.append(bracket.limited_to(size, search.factor))
        n_left -= brackets[-1].n_candidates[-1]  # the others may return
        n_wanted -= size
    return brackets


def warn_of_single_rung(search: HyperbandSearchCV, schedule: Schedule) -> None:
    """Warn if a search that chose its least resource has nothing to choose from."""
    if len(schedule.rungs) > 1 or not isinstance(search.min_resources, str):
        return
    one = "one candidate in a pass, " if search.n_iter is None else "every candidate "
    warnings.warn(
        f"The search has a single rung: {one}with the full resource "
        f"({schedule.resource}={schedule.rungs[0]}). "
        f"min_resources={search.min_resources!r} finds no smaller resource with "
        f"factor={search.factor}: give min_resources as an integer, or a larger "
        "max_resources.",
        UserWarning,
        stacklevel=2,
    )


def _largest(search: HyperbandSearchCV, resource: str, n_samples: int) -> int:
    if search.max_resources != "auto":
        largest = int(search.max_resources)
        if resource == SAMPLES and largest > n_samples:
            raise ValueError(
                f"max_resources={largest} is more than the {n_samples} rows of X"
            )
        return largest
    if resource == SAMPLES:
        return n_samples
    value = full_value(search.estimator, resource)
    if value is None:
        raise ValueError(
            f"max_resources='auto' is the value that resource={resource!r} has on the "
            "estimator, and it has no number there: give max_resources as an integer"
        )
    return value


def _smallest(
    search: HyperbandSearchCV,
    resource: str,
    least: int,
    largest: int,
    y: Any,
    n_splits: int,
) -> int:
    given = search.min_resources
    if isinstance(given, str):
        lowest = 1
        if resource == SAMPLES:
            lowest = smallest_samples(search.estimator, y, n_splits)
        if given == "auto":
            share = exact(search.factor) ** (_MAX_AUTO_BRACKETS - 1)
            sensible = max(least, math.floor(largest / share))
            # A second rung that is not sensible is better than a single one.
            below = math.floor(largest / exact(search.factor))
            lowest = max(lowest, min(sensible, below))
        return min(lowest, largest)
    smallest = int(given)
    if smallest > largest:
        raise ValueError(
            f"min_resources={smallest} is more than max_resources={largest}"
        )
    return smallest


def steps(
    how: str, chain: tuple[int, ...], resource: int, largest: int, rule: str
) -> tuple[int, ...]:
    """Return the steps that lead to a resource.

    Parameters
    ----------
    how : {"exact", "inexact", "none"}
        See `continuation`.
    chain : tuple of int
        Steps that were made before.
    resource : int
        Where to.
    largest : int
        The full resource.
    rule : {"auto", "always", "never"}
        Parameter `continuation` of the search.

    Returns
    -------
    tuple of int
        `resource` alone if it is reached in one go.
    """
    in_one_go = (
        how == "none"
        or rule == "never"
        or (how == "inexact" and rule == "auto" and resource == largest)
    )
    return (resource,) if in_one_go else (*chain, resource)


class HyperbandRun(Run):
    """One run of the trials, each at a resource."""

    search: HyperbandSearchCV
    tuner: HalvingTuner
    store: Store | None = None

    def _make_tuner(self, n_initial_points: int | str) -> HalvingTuner:
        search, X, y = self.search, self.shared.X, self.shared.y
        searched = {name for b in self.space.branches for name in b.dimensions}
        n_samples = X.shape[0] if hasattr(X, "shape") else len(X)
        self.schedule = make_schedule(
            search, searched, n_samples=n_samples, y=y, n_splits=len(self.splits)
        )
        self.n_samples, self._has_warned = n_samples, False
        if self.schedule.resource == SAMPLES:
            self._order_rows()
        self._labels: dict[tuple[bool, type], Any] = {}
        self._full_scores: list[float] = []
        return HalvingTuner(
            self.space,
            CandidateSampler(
                self.space,
                is_random=search.sampler == "random",
                seed=self.seed,
                n_initial_points=n_initial_points,
                initial_params=search._first_params(),
            ),
            rungs=self.schedule.rungs,
            factor=search.factor,
            n_brackets=len(self.schedule.brackets),
            n_candidates=search.n_iter,
            repeats=search.max_time is not None,
            extend=self._extend,
        )

    def _order_rows(self) -> None:
        """Order the training rows of each split as rungs use them."""
        y, self.codes = self.shared.y, None
        if stratifies(self.base_estimator, y):
            self.codes = label_codes(y)
        in_time = is_series(self.cv)  # the latest rows, of whatever group
        self.row_groups = None
        if self.groups is not None and not in_time:
            self.row_groups = np.asarray(self.groups)
        self.orders = [
            nested_order(
                np.flatnonzero(train) if np.asarray(train).dtype == bool else train,
                self.codes,
                groups=self.row_groups,
                is_series=in_time,
                rng=np.random.default_rng([self.seed, 8, split]),
            )
            for split, (train, _) in enumerate(self.splits)
        ]
        if self.codes is not None:
            self._check_labels(self.codes)

    def _check_labels(self, codes: NDArray[np.intp]) -> None:
        """Raise ``ValueError`` if the first rung is too small to have each label."""
        given, begins = self.search.min_resources, self.schedule.rungs[0]
        share = Fraction(begins, self.n_samples)
        for order in self.orders:
            # Where there are not two rows of each, `subset` takes a few more.
            n_rows, n_needed = int(len(order) * share), len(first_rows(codes[order], 1))
            if n_rows < n_needed:
                raise ValueError(
                    f"min_resources={given!r} makes a first rung of {begins} rows: "
                    f"{n_rows} of the training rows of a split, and {n_needed} are "
                    "needed to have every class of y; give at least "
                    f"{math.ceil(n_needed / len(order) * self.n_samples)}"
                )

    def _most_trials(self) -> int:
        """Trials to run at the most: the tuner says when it is done."""
        return sys.maxsize

    def _n_evaluations(self) -> int | None:
        # Promotions ahead of time, where there are several workers, come on top.
        is_one_pass = self.search.n_iter is None and self.search.max_time is None
        if not is_one_pass or self.workers.n_workers > 1:
            return None
        planned = planned_brackets(self.search, self.schedule, self.space.n_distinct)
        n_trials = sum(sum(b.n_candidates) for b in planned)
        return n_trials * len(self.splits)

    def _announcement(self) -> str:
        planned = planned_brackets(self.search, self.schedule, self.space.n_distinct)
        brackets = "; ".join(
            ", ".join(
                f"{n} x {r}" for n, r in zip(b.n_candidates, b.resources, strict=True)
            )
            for b in planned
        )
        return (
            f"Fitting {len(self.splits)} folds for candidates x "
            f"{self.schedule.resource}: {brackets}"
        )

    def _run(self, lag: int | None, before: list[Trial], root: CallbackTask) -> str:
        with ExitStack() as stack:
            if self.schedule.resource != SAMPLES:
                folder = stack.enter_context(self.workers.folder())
                self.store = Store(folder, _STATE_BYTES)
                # Threads that silence warnings may restore the filters of each other.
                stack.enter_context(warnings.catch_warnings())
            return super()._run(lag, before, root)

    # Stages ---------------------------------------------------------------------------

    def _with_params(self, params: dict[str, Any]) -> BaseEstimator:
        estimator = clone(self.base_estimator)
        return estimator.set_params(**clone(params, safe=False))

    def _is_trainable(self, candidate: BaseEstimator) -> bool:
        """Return whether a candidate has the resource; its fit says so if it has not.

        A step that the space swaps may have no such parameter.
        """
        name = self.schedule.resource
        if name in (SAMPLES, EPOCHS):
            return True
        try:
            set_resource(candidate, name, self.schedule.rungs[-1])
        except ValueError:
            return False
        return True

    def _labels_for(self, candidate: BaseEstimator) -> Any:
        """Return `labels_of` a candidate, reading y once for each kind of them."""
        if self.schedule.resource != EPOCHS:
            return None
        kind = is_classifier(candidate), type(last_step(candidate)[1])
        if kind not in self._labels:
            self._labels[kind] = labels_of(candidate, self.shared.y)
        return self._labels[kind]

    def _extend(
        self, params: dict[str, Any], chain: tuple[int, ...], resource: int
    ) -> tuple[int, ...]:
        """Return the steps that lead candidates from one resource to the next."""
        name = self.schedule.resource
        how = "none"
        if name != SAMPLES:
            candidate = self._with_params(params)
            if self._is_trainable(candidate):
                how = continuation(candidate, name, self.shared.fit_params or ())
        is_wanted = name != SAMPLES and self.search.continuation != "never"
        if how == "none" and is_wanted and chain and not self._has_warned:
            self._has_warned = True
            warnings.warn(
                f"What is promoted is trained from the start: "
                f"{type(self.base_estimator).__name__} cannot go on with a larger "
                f"{name!r}, as it is set here and with what fit is given.",
                UserWarning,
                stacklevel=2,
            )
        largest = self.schedule.rungs[-1]
        return steps(how, chain, resource, largest, self.search.continuation)

    def _to_fit(self, trial: Trial, split: int) -> dict[str, Any]:
        stage: Stage = trial.stage
        train, test = self.splits[split]
        factors: dict[str, float] = {}
        estimator = self._with_params(trial.params)
        is_trainable = self._is_trainable(estimator)
        if self.schedule.resource == SAMPLES:
            share = Fraction(stage.resource, self.n_samples)
            order = self.orders[split]
            if share < 1:
                codes = None if self.codes is None else self.codes[order]
                groups = None if self.row_groups is None else self.row_groups[order]
                train = subset(order, share, codes, groups)
                factors = scale_factors(estimator, len(order) / len(train))
        training = Training(
            resource=self.schedule.resource,
            chain=stage.chain,
            settings=resolved_settings(estimator, self.n_samples),
            factors=factors,
            classes=self._labels_for(estimator),
            store=self.store,
            key=f"{stage.candidate}-{split}",
            full=self.schedule.rungs[-1],
        )
        params = self.search._all_params(trial) if is_trainable else trial.params
        return {
            "parameters": params,
            "train": train,
            "test": test,
            "training": training,
        }

    # Journal --------------------------------------------------------------------------

    def _plain(self, trial: Trial) -> dict[str, Any]:
        stage: Stage = trial.stage
        numbers = (stage.candidate, stage.bracket, stage.rung, stage.resource)
        return super()._plain(trial) | {"#stage": json.dumps([*numbers, stage.chain])}

    def _trial(self, journaled: JournaledTrial) -> Trial:
        trial = super()._trial(journaled)
        stage = json.loads(str(journaled.params["#stage"]))
        candidate, bracket, rung, resource, chain = stage
        trial.stage = Stage(candidate, bracket, rung, resource, tuple(chain))
        return trial

    def _identity(self) -> dict[str, Identity]:
        search, schedule = self.search, self.schedule
        return {
            "resources": identify((schedule.resource, schedule.rungs)),
            "factor": identify(float(search.factor)),
            "brackets": identify(len(schedule.brackets)),
            "sampler": identify(search.sampler),
            "continuation": identify(search.continuation),
        }

    # Stopping -------------------------------------------------------------------------

    def stop_reason(self, trial: Trial, scores: Sequence[float]) -> str | None:
        """Return why to stop; only what has the full resource says so."""
        if trial.stage.resource < self.schedule.rungs[-1]:
            return None
        self._full_scores.append(scores[-1])
        return super().stop_reason(trial, self._full_scores)
