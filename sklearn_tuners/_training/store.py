"""Fitted states on disk, from which a candidate's training continues."""

from __future__ import annotations

import os
import pickle
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sklearn_tuners._compat.joblib import cloudpickle_dumps

__all__ = ["Chain", "State", "Store"]

Chain = tuple[int, ...]
"""The resource at the end of each step."""

_WORTH = 0.25
"""A state is kept if storing and loading it takes less than this share of the training
that it saves: at least 96 % of the units that could be saved are then saved
(docs/measured/hyperband.md, "Training that continuation saves")."""


class State(NamedTuple):
    """How far the training of a candidate on a split has come.

    Attributes
    ----------
    chain : tuple of int
        The steps made.
    has_ended : bool
        Whether training stopped early.
    seconds : float
        Time that the steps took.
    estimator : estimator
        The result, without callbacks.
    """

    chain: Chain
    has_ended: bool
    seconds: float
    estimator: Any


@dataclass(frozen=True)
class Store:
    """Fitted states on disk, for workers that may each take any step.

    Parameters
    ----------
    folder : str
        An existing folder for the states alone.
    max_bytes : int
        Largest total size; the oldest states are deleted to make room.
    """

    folder: str
    max_bytes: int

    def load(self, key: str, chain: Chain) -> State | None:
        """Return the state that a chain of steps led to, or None if it is lost."""
        try:
            with open(self._path(key), "rb") as file:
                state: State = pickle.load(file)
        except Exception:  # damaged bytes can raise any error; the steps are repeated
            return None
        is_expected = isinstance(state, State) and state.chain == chain
        return state if is_expected else None

    def save(self, key: str, state: State) -> None:
        """Store a state if it fits and storing it saves time.

        Parameters
        ----------
        key : str
            Key of the candidate and the split.
        state : State
            State that `load` will return.
        """
        start = time.perf_counter()
        with suppress(Exception):  # a state that cannot be stored is trained again
            data = cloudpickle_dumps(state, protocol=5)
            if 2.0 * (time.perf_counter() - start) > _WORTH * state.seconds:
                self._path(key).unlink(missing_ok=True)
            elif self._make_room(len(data)):
                handle, name = tempfile.mkstemp(dir=self.folder, suffix=".part")
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                os.replace(name, self._path(key))

    def is_first(self, name: str) -> bool:
        """Return whether no one with this folder has asked for that name before."""
        try:
            Path(self.folder, f"{name}.once").touch(exist_ok=False)
        except OSError:
            return False
        return True

    def _make_room(self, n_bytes: int) -> bool:
        """Remove the oldest states until `n_bytes` fit; return whether they do."""
        if n_bytes > self.max_bytes:
            return False
        files: list[tuple[float, int, str]] = []
        for entry in os.scandir(self.folder):
            if entry.name.endswith(".once"):
                continue
            with suppress(OSError):  # another worker may have removed it
                found = entry.stat()
                files.append((found.st_mtime, found.st_size, entry.path))
        excess = sum(size for _, size, _ in files) + n_bytes - self.max_bytes
        for _, size, path in sorted(files):
            if excess <= 0:
                break
            Path(path).unlink(missing_ok=True)
            excess -= size
        return excess <= 0

    def _path(self, key: str) -> Path:
        return Path(self.folder, f"{key}.pickle")
