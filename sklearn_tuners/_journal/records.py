"""What of a search goes into its journal, and how it comes back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pickle import PicklingError
from types import CodeType, FunctionType
from typing import Any

import numpy as np
import pandas as pd
from joblib.hashing import NumpyHasher
from scipy import sparse

from sklearn_tuners._engine.loop import Trial
from sklearn_tuners._journal.journal import Identity, JournaledTrial
from sklearn_tuners._space.space import Space

__all__ = [
    "describe_data",
    "identify",
    "identify_space",
    "params_from_plain",
    "params_to_plain",
    "splits_from_text",
    "splits_to_text",
    "trial_from_journal",
]

Split = tuple[Any, Any]

_PLAIN = (bool, int, float, str, type(None))
_MAX_LISTED = 100_000
"""Values of a domain that are looked at one by one."""

_OBJECTS, _ROW = "#objects", "#row"
"""Entries besides those of the parameters: no parameter has a "#" in its name."""


class _Hasher(NumpyHasher):
    """joblib's hash, also of functions and classes that cannot be imported by name.

    Those are known by what they do: their code, constants, defaults and what they
    enclose. Where they stand in a file does not matter.

    Data frames and sparse matrices are known by their values: how they are laid out in
    memory, and what they remember about that, changes when they are used.
    """

    def __init__(self) -> None:
        super().__init__(hash_name="md5", coerce_mmap=True)
        self._met: set[int] = set()

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, frozenset):  # its order differs from process to process
            return tuple, (("frozenset", *sorted(map(repr, obj))),)
        if isinstance(obj, pd.DataFrame | pd.Series):
            return tuple, ((type(obj).__name__, *_columns(obj)),)
        if sparse.issparse(obj) and obj.ndim == 2:
            rows = obj.tocsr(copy=True)
            rows.sum_duplicates()  # sorts too
            parts = (rows.data, rows.indices, rows.indptr)
            return tuple, ((type(obj).__name__, obj.shape, *parts),)
        if isinstance(obj, CodeType):
            return tuple, ((obj.co_code, obj.co_consts, obj.co_names),)
        if not isinstance(obj, FunctionType | type) or not _is_local(obj):
            return NotImplemented
        if id(obj) in self._met:  # a method that encloses its own class
            return tuple, ((obj.__qualname__,),)
        self._met.add(id(obj))
        if isinstance(obj, type):
            members = {name: _content(member) for name, member in vars(obj).items()}
            bases = [base.__qualname__ for base in obj.__bases__]
            return tuple, ((obj.__qualname__, bases, sorted(members.items())),)
        cells = [cell.cell_contents for cell in obj.__closure__ or ()]
        return tuple, ((obj.__code__, obj.__defaults__, obj.__kwdefaults__, cells),)


def _columns(data: pd.DataFrame | pd.Series) -> list[Any]:
    """Return the names, the index and a hash of each column."""
    frame = data.to_frame() if isinstance(data, pd.Series) else data
    columns = [frame.iloc[:, position] for position in range(frame.shape[1])]
    values = [
        np.ascontiguousarray(column.to_numpy())
        if isinstance(column.dtype, np.dtype)
        else column.array
        for column in columns
    ]
    return [frame.columns, frame.index, [_Hasher().hash(value) for value in values]]


def _content(member: Any) -> Any:
    """Return what a member of a class does, or None of what Python has put there."""
    if isinstance(member, property):
        return (member.fget, member.fset)
    member = getattr(member, "__func__", member)
    return member if isinstance(member, (FunctionType, *_PLAIN, tuple, list)) else None


def _is_local(obj: Any) -> bool:
    """Whether a function or class is not found under its name in another process."""
    return "<" in obj.__qualname__ or obj.__module__ == "__main__"


def identify(value: Any, description: str | None = None) -> Identity:
    """Return what tells one estimator, data set, ... from another.

    Parameters
    ----------
    value : object
        Hashed by what it holds.
    description : str, default=None
        For error messages; its ``repr`` by default.

    Returns
    -------
    Identity

    Raises
    ------
    TypeError
        If there is something in it that can be neither pickled nor read.
    """
    try:
        digest = _Hasher().hash(value)
    except (PicklingError, AttributeError, TypeError) as error:
        raise TypeError(
            "journal: the search cannot be recognised again, as it has something in it "
            f"that cannot be pickled ({error}): {value!r}"
        ) from error
    text = repr(value) if description is None else description
    # Addresses differ from process to process.
    return Identity(str(digest), re.sub(r" at 0x[0-9a-fA-F]+", "", text))


def params_to_plain(space: Space, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return params as numbers and text.

    Numbers, strings, booleans and None stand for themselves, numpy's too. Of other
    objects, such as estimators, the text is for people to read, and the row of the unit
    cube beside it says which of the listed objects it was.

    Parameters
    ----------
    space : Space
        The space that they are from.
    params : dict
        As set on the estimator.

    Returns
    -------
    dict of str to bool, int, float, str or None
    """
    plain: dict[str, Any] = {}
    objects = []
    for name, value in params.items():
        if type(value) in _PLAIN:
            plain[name] = value
            continue
        item = value.item() if isinstance(value, np.generic) else None
        plain[name] = item if type(item) in _PLAIN and item is not None else repr(value)
        objects.append(name)
    if objects:
        plain[_OBJECTS] = json.dumps(objects)
        plain[_ROW] = json.dumps(space.encode(params).tolist())
    return plain


def params_from_plain(space: Space, plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the params that `params_to_plain` was given.

    Parameters
    ----------
    space : Space
        The same space.
    plain : dict
        What came out of the journal.

    Returns
    -------
    dict
        With the objects that the space lists.
    """
    params = {name: plain[name] for name in plain if not name.startswith("#")}
    if _OBJECTS in plain:
        listed = space.decode(np.array(json.loads(plain[_ROW])))
        for name in json.loads(plain[_OBJECTS]):
            # A number of numpy's, in a range, is as it was given; the row is rounded.
            if isinstance(plain[name], str) or listed[name] == plain[name]:
                params[name] = listed[name]
    return params


def trial_from_journal(space: Space, journaled: JournaledTrial, n_splits: int) -> Trial:
    """Return a trial as it was when the journal was left.

    Parameters
    ----------
    space : Space
        The space of the search.
    journaled : JournaledTrial
        What the journal knows of it.
    n_splits : int
        Number of splits.

    Returns
    -------
    Trial

    Raises
    ------
    ValueError
        If the params cannot be read.
    """
    try:
        params = params_from_plain(space, journaled.params)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"journal: the file is damaged, as the params of trial {journaled.number} "
            f"are not from the search space ({error}): give another path, or delete "
            "the file if it is not needed"
        ) from error
    outcomes = [journaled.outcomes.get(split) for split in range(n_splits)]
    return Trial(journaled.number, params, outcomes)


def splits_to_text(splits: list[Split]) -> str:
    """Return the indices of splits as text."""
    return json.dumps([[_indices(part).tolist() for part in split] for split in splits])


def _indices(part: Any) -> Any:
    """Return one side of a split as indices: it may be a mask."""
    part = np.asarray(part)
    return np.flatnonzero(part) if part.dtype == bool else part


def splits_from_text(text: str) -> list[Split]:
    """Return the splits that `splits_to_text` was given, as arrays."""
    return [
        (np.array(train, dtype=np.intp), np.array(test, dtype=np.intp))
        for train, test in json.loads(text)
    ]


def identify_space(space: Space) -> Identity:
    """Return what tells one search space from another: what it can propose.

    Listed values are known by themselves, distributions by their quantiles, as scipy's
    objects hold a random state.

    Parameters
    ----------
    space : Space
        Parsed with a fixed ``random_state``.

    Returns
    -------
    Identity
    """
    probes = np.linspace(0.0, 1.0, 65)
    domains = [
        (
            name,
            list(domain.levels())
            if domain.size <= _MAX_LISTED
            else [domain.decode(u) for u in domain.quantile(probes).tolist()],
        )
        for branch in space.branches
        for name, domain in sorted(branch.dimensions.items())
    ]
    n_parameters = [len(branch.dimensions) for branch in space.branches]
    conditions = [
        (b, name, [(other, mask.tolist()) for other, mask in rule.items()])
        for b, branch in enumerate(space.branches)
        for name, rule in sorted(branch.conditions.items())
    ]
    # Without conditions, what it always was: old journals stay valid.
    known_by = [n_parameters, domains, *([conditions] if conditions else [])]
    return identify(tuple(known_by), description=repr(space))


def describe_data(X: Any, y: Any) -> str:
    """Return the kind and the shape of data, for error messages."""
    described = []
    for name, part in (("X", X), ("y", y)):
        if part is not None:
            shape = part.shape if hasattr(part, "shape") else (len(part),)
            described.append(f"{name} a {type(part).__name__} of shape {shape}")
    return ", ".join(described)
