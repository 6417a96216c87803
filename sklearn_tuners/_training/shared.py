"""Data that all evaluations read, sent to each worker process once."""

from __future__ import annotations

import gc
import pickle
import uuid
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_tuners._compat.joblib import cloudpickle_dumps
from sklearn_tuners._typing import Params

__all__ = ["Shared", "forget"]

_Bytes = NDArray[np.uint8]
_Pickled = tuple[str, _Bytes, list[_Bytes]]
"""An identity, a pickle and its buffers."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Shared:
    """Data that all evaluations of a search read.

    ``joblib`` maps large plain arrays into the memory of its workers, but pickles a
    data frame again for each call. Here the data are pickled once, with their buffers
    apart from the rest. The buffers are plain arrays: joblib writes them to disk once
    and maps them, and a data frame is rebuilt from them without a copy.

    Parameters
    ----------
    X, y : array-like
        All rows.
    scorer : callable
        As `fit_and_score` takes it.
    fit_params, score_params : dict
        Arguments of ``fit`` and of the scorer.
    return_train_score : bool
        Whether to score the training rows too.
    error_score : float or "raise"
        Score of a fit that fails.
    verbose : int
        As in ``GridSearchCV``.
    """

    X: Any
    y: Any = None
    scorer: Any = None
    fit_params: Params | None = None
    score_params: Params | None = None
    return_train_score: bool = False
    error_score: Any = np.nan
    verbose: int = 0
    _parts: _Pickled | None = field(init=False, default=None)
    _reference: Any = field(init=False, default=None)

    @property
    def values(self) -> dict[str, Any]:
        """The data by name, as `fit_and_score` takes them."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.init}

    def put_into_ray(self) -> None:
        """Store the data in ray's object store, so that only a reference is sent.

        Ray does not recognise an array that it has sent before.
        """
        import ray

        object.__setattr__(self, "_reference", ray.put(self._pickled()))

    def __sizeof__(self) -> int:
        """Return the size of what is sent: dask scatters large objects."""
        _, stem, buffers = self._pickled()
        return int(stem.nbytes) + sum(int(buffer.nbytes) for buffer in buffers)

    def __reduce__(self) -> tuple[Any, ...]:
        if self._reference is not None:
            return _fetch, (self._pickled()[0], self._reference)
        return _restore, self._pickled()

    def _pickled(self) -> _Pickled:
        """Return the pickled data, always as the same arrays.

        joblib recognises an array that it has mapped before by its identity.
        """
        if self._parts is None:
            buffers: list[pickle.PickleBuffer] = []
            stem = cloudpickle_dumps(
                self.values, protocol=5, buffer_callback=buffers.append
            )
            parts = (
                uuid.uuid4().hex,
                np.frombuffer(stem, dtype=np.uint8),
                [np.frombuffer(buffer.raw(), dtype=np.uint8) for buffer in buffers],
            )
            object.__setattr__(self, "_parts", parts)
            return parts
        return self._parts


_restored: dict[str, Shared] = {}
"""The data that this worker process read last, by its identity."""


def _restore(identity: str, stem: _Bytes, buffers: list[_Bytes]) -> Shared:
    """Rebuild the data in a worker, or return those that it has rebuilt before."""
    if identity not in _restored:
        shared = Shared(**pickle.loads(stem.data, buffers=buffers))
        # Data passed on to nested workers keep their identity.
        object.__setattr__(shared, "_parts", (identity, stem, buffers))
        _restored.clear()
        _restored[identity] = shared
    return _restored[identity]


def forget() -> None:
    """Forget the data of a search that is over.

    A worker that kept them would keep joblib from removing their copy in shared memory.
    """
    _restored.clear()
    gc.collect()


def _fetch(identity: str, reference: Any) -> Shared:
    """Do what `_restore` does, from ray's object store."""
    if identity not in _restored:
        import ray

        return _restore(*ray.get(reference))
    return _restored[identity]
