"""A point of a search space in the three forms that a search needs."""

from __future__ import annotations

from dataclasses import dataclass

from sklearn_tuners._typing import FloatArray, Params

__all__ = ["Point"]


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """Params with their row of the unit cube, encoded once and handed on.

    Attributes
    ----------
    params : dict
        Arguments of `set_params`.
    row : ndarray of shape (n_dims,)
        The row of the unit cube that `Space.encode` gives for them.
    key : bytes
        Equal for two points if and only if their rows are.
    """

    params: Params
    row: FloatArray
    key: bytes
