"""Fitted states on disk, where a candidate's training waits for its next step."""

from __future__ import annotations

import os
import pickle
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sklearn_tuners._compat.sklearn import cloudpickle_dumps

__all__ = ["State", "Store"]

Chain = tuple[int, ...]

_WORTH = 0.25
"""A state is kept if storing and loading it takes less than this share of the fit."""


class State(NamedTuple):
    """How far the training of a candidate on a split has come.

    Attributes
    ----------
    chain : tuple of int
        Steps that were made.
    has_ended : bool
        Whether training has ended by itself.
    seconds : float
        What the steps took.
    estimator : estimator
        As they left it, without its callbacks.
    """

    chain: Chain
    has_ended: bool
    seconds: float
    estimator: Any


@dataclass(frozen=True)
class Store:
    """Fitted states on disk, for workers that have no affinity.

    Parameters
    ----------
    folder : str
        Private; whoever made it removes it.
    max_bytes : int
        Before a state is written the oldest ones make room.
    """

    folder: str
    max_bytes: int

    def load(self, key: str, chain: Chain) -> State | None:
        """Return what a chain of steps led to, or None if it is lost."""
        try:
            with open(self._path(key), "rb") as file:
                state: State = pickle.load(file)
        except Exception:  # whatever damaged bytes raise: it is trained again
            return None
        is_ours = isinstance(state, State) and state.chain == chain
        return state if is_ours else None

    def save(self, key: str, state: State) -> None:
        """Keep a state, if that is worth its while and it fits.

        Parameters
        ----------
        key : str
            Of the candidate and the split.
        state : State
            To `load`.
        """
        start = time.perf_counter()
        with suppress(Exception):  # what cannot be stored is trained again
            data = cloudpickle_dumps(state, protocol=5)
            if 2.0 * (time.perf_counter() - start) > _WORTH * state.seconds:
                self._path(key).unlink(missing_ok=True)
            elif self._make_room(len(data)):
                handle, name = tempfile.mkstemp(dir=self.folder, suffix=".part")
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                os.replace(name, self._path(key))

    def _make_room(self, n_bytes: int) -> bool:
        if n_bytes > self.max_bytes:
            return False
        files: list[tuple[float, int, str]] = []
        for entry in os.scandir(self.folder):
            with suppress(OSError):  # another worker has removed it
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
