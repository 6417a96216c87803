"""A search and its journal: what makes two searches the same, and what comes back."""

from __future__ import annotations

import os
from collections.abc import Callable
from numbers import Integral
from typing import Any

from sklearn.base import BaseEstimator

from sklearn_tuners._engine.trial import Trial
from sklearn_tuners._journal.file import Synchronous
from sklearn_tuners._journal.identity import describe_data, identify, identify_space
from sklearn_tuners._journal.journal import Identity, Journal
from sklearn_tuners._journal.records import damaged_params, params_from_record
from sklearn_tuners._search.problem import Data
from sklearn_tuners._space.space import Space

__all__ = ["identify_proposals", "open_journal", "restored_trials"]


def open_journal(
    path: str | os.PathLike[str],
    *,
    search: str,
    estimator: BaseEstimator,
    data: Data,
    scoring: Any,
    metric: str | None,
    error_score: Any,
    return_train_score: bool,
    random_state: Any,
    synchronous: Synchronous,
) -> Journal:
    """Open the journal of a search, and check that it belongs to this search.

    Parameters
    ----------
    path : str or path-like
        The file.
    search : str
        Class of the search.
    estimator : estimator
        The estimator that is tuned.
    data : Data
        Data that it is tuned on.
    scoring : str, callable, list, tuple, dict or None
        Parameter of the search.
    metric : str or None
        The metric that `refit` names. Nothing else of `refit` matters to the journal.
    error_score, return_train_score, random_state
        Parameters of the search.
    synchronous : {"NORMAL", "FULL"}
        See `Journal`.

    Returns
    -------
    Journal
        Not yet confirmed.
    """
    is_fixed = isinstance(random_state, Integral)
    return Journal.open(
        path,
        identity={
            "search": identify(search),
            "estimator": identify(estimator, name="estimator"),
            "data": identify(
                (data.X, data.y, data.fit_params, data.score_params, data.split_params),
                describe_data(data.X, data.y),
                name="the data",
            ),
            # Of several metrics without a name in `refit` the search follows the first.
            "scoring": identify(
                (scoring, metric, list(scoring) if isinstance(scoring, dict) else None),
                f"scoring={scoring!r}, refit={metric!r}",
                name="scoring",
            ),
            "error_score": identify(error_score),
            "return_train_score": identify(return_train_score),
            "random_state": identify(
                int(random_state) if is_fixed else type(random_state).__name__
            ),
        },
        synchronous=synchronous,
    )


def identify_proposals(space: Space, initial_params: Any) -> dict[str, Identity]:
    """Return what must match a journal before anything is proposed.

    Parameters
    ----------
    space : Space
        The parsed space.
    initial_params : dict, list of dicts or None
        Parameter of the search.
    """
    return {
        "search space": identify_space(space),
        "initial_params": identify(initial_params, name="initial_params"),
    }


def restored_trials(
    journal: Journal,
    space: Space,
    n_splits: int,
    restore: Callable[[str | None], Any],
) -> list[Trial]:
    """Return the trials of a journal as they were.

    Parameters
    ----------
    journal : Journal
        A confirmed journal.
    space : Space
        The space of the search.
    n_splits : int
        Number of splits.
    restore : callable
        ``restore(note)`` returns the stage of a trial.

    Raises
    ------
    ValueError
        If the params of a trial cannot be read.
    """
    trials = []
    for kept in journal.trials():
        params = params_from_record(space, kept)
        try:
            point = space.point(params)
        except ValueError as error:
            raise damaged_params(kept.number, error) from error
        outcomes = [kept.outcomes.get(split) for split in range(n_splits)]
        trials.append(Trial(kept.number, point, outcomes, restore(kept.note)))
    return trials
