"""What makes two searches the same: digests of data, estimators, spaces, scorers."""

from __future__ import annotations

import re
from pickle import PicklingError
from types import CodeType, FunctionType
from typing import Any

import numpy as np
import pandas as pd
from joblib.hashing import NumpyHasher
from scipy import sparse

from sklearn_tuners._journal.journal import Identity
from sklearn_tuners._space.space import Space

__all__ = ["describe_data", "identify", "identify_space"]

_PLAIN = (bool, int, float, str, type(None))
_MAX_LISTED = 100_000
"""Values of a domain that are looked at one by one."""


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
        for name, rule in sorted(branch.rules.items())
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
