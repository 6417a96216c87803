"""Trials and splits as what a journal holds, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

from sklearn_tuners._journal.file import another_search
from sklearn_tuners._journal.identity import identify
from sklearn_tuners._journal.journal import JournaledTrial, Plain
from sklearn_tuners._space.point import Point
from sklearn_tuners._space.space import Space
from sklearn_tuners._typing import IntArray, Params, Split

__all__ = [
    "Record",
    "damaged_params",
    "kept_splits",
    "params_from_record",
    "point_to_record",
    "splits_from_text",
    "splits_to_settings",
    "splits_to_text",
]

_PLAIN = (bool, int, float, str, type(None))


class Record(TypedDict):
    """A point as the columns of a journal, see `Journal.add_trial`."""

    params: dict[str, Plain]
    listed: list[str] | None
    row: list[float] | None


def point_to_record(point: Point) -> Record:
    """Return a point as numbers and text.

    Numbers (numpy's too), strings, booleans and None are stored as they are. Of other
    objects, such as estimators, the text is for people to read, and the row of the unit
    cube says which of the listed objects it was.

    Parameters
    ----------
    point : Point
        Point of the search space.

    Returns
    -------
    Record
    """
    plain: dict[str, Plain] = {}
    listed = []
    for name, value in point.params.items():
        if type(value) in _PLAIN:
            plain[name] = value
            continue
        item = value.item() if isinstance(value, np.generic) else None
        plain[name] = item if type(item) in _PLAIN and item is not None else repr(value)
        listed.append(name)
    if not listed:
        return {"params": plain, "listed": None, "row": None}
    return {"params": plain, "listed": listed, "row": point.row.tolist()}


def params_from_record(space: Space, journaled: JournaledTrial) -> Params:
    """Return the params of a trial of the journal.

    Parameters
    ----------
    space : Space
        The space of the search.
    journaled : JournaledTrial
        Added as `point_to_record` returned it.

    Returns
    -------
    dict
        With the objects that the space lists.

    Raises
    ------
    ValueError
        If the params cannot be read.
    """
    params: Params = dict(journaled.params)
    if journaled.listed is None or journaled.row is None:
        return params
    try:
        decoded = space.decode(np.array(journaled.row))
        for name in journaled.listed:
            # A numpy number in a range is kept as given; the row is rounded.
            if isinstance(params[name], str) or decoded[name] == params[name]:
                params[name] = decoded[name]
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise damaged_params(journaled.number, error) from error
    return params


def damaged_params(number: int, error: Exception) -> ValueError:
    """Return the error for params of a trial that are no point of the space."""
    return ValueError(
        f"journal: the file is damaged, as the params of trial {number} are not from "
        f"the search space ({error}): give another path, or delete the file if it is "
        "not needed"
    )


# Splits -------------------------------------------------------------------------------


def splits_to_text(splits: Sequence[tuple[Any, Any]]) -> str:
    """Return the row numbers of splits, or those of the masks, as text."""
    return json.dumps([[_indices(part).tolist() for part in split] for split in splits])


def splits_from_text(text: str) -> list[Split]:
    """Return the splits that `splits_to_text` was given, as row numbers."""
    return [
        (np.array(train, dtype=np.intp), np.array(test, dtype=np.intp))
        for train, test in json.loads(text)
    ]


def _indices(part: Any) -> IntArray:
    rows = np.asarray(part)
    return np.flatnonzero(rows) if rows.dtype == np.bool_ else rows.astype(np.intp)


def splits_to_settings(splits: Sequence[tuple[Any, Any]], cv: Any) -> dict[str, Plain]:
    """Return what a new journal remembers of the splits, for `kept_splits`.

    Parameters
    ----------
    splits : sequence of (train, test)
        Splits that `cv` made.
    cv : splitter
        With a ``split`` method.

    Returns
    -------
    dict
        With the keys "splits" and "splitter".
    """
    return {"splits": splits_to_text(splits), "splitter": _shuffler(cv)}


def kept_splits(
    settings: Mapping[str, Plain],
    fresh: Sequence[tuple[Any, Any]],
    cv: Any,
    name: str,
) -> list[Split]:
    """Return the splits of a journal if they may replace those of the search.

    They may if they are equal, or if `cv` is the journal's splitter and makes new
    splits each time.

    Parameters
    ----------
    settings : mapping
        Settings of the journal, including those from `splits_to_settings`.
    fresh : sequence of (train, test)
        Splits that `cv` has just made.
    cv : splitter
        Splitter of this search.
    name : str
        Name of the journal in the message.

    Returns
    -------
    list of (train, test)
        Row numbers.

    Raises
    ------
    ValueError
        If the journal belongs to a search with other splits.
    """
    text = str(settings["splits"])
    if splits_to_text(fresh) != text and (
        settings["splitter"] is None or settings["splitter"] != _shuffler(cv)
    ):
        line = f"  splits: those in the journal differ from those of cv={cv!r}"
        raise another_search(name, [line])
    return splits_from_text(text)


def _shuffler(cv: Any) -> str | None:
    """Return a digest of a splitter that may draw other splits from the same data.

    The digest covers class and parameters except `random_state`, which changes with
    each draw. Any other splitter has none.
    """
    params = dict(getattr(cv, "__dict__", {}))
    is_unseeded = _is_unseeded(params.pop("random_state", 0))
    if not is_unseeded or not params.get("shuffle", True):
        return None
    try:
        return identify((type(cv), params), name="cv").digest
    except TypeError:
        return None  # cannot be identified


def _is_unseeded(random_state: Any) -> bool:
    return random_state is None or isinstance(
        random_state, np.random.RandomState | np.random.Generator
    )
