"""Features of rows of the unit cube, between which the surrogate measures distances.

========================================= ============================================
column of U                               features
========================================= ============================================
numeric, active in all branches           u
numeric, active in some branches          (sin(a u), cos(a u)); (0, 0) where inactive
categorical                               one-hot / sqrt(2); zeros where inactive
categorical of more than 272 levels       272 features, see below; zeros where inactive
========================================= ============================================

Two categories are at distance 1, however many there are. More than 272 are written as
the words of a Reed-Solomon code ("Polynomial codes over certain finite fields", 1960):
the digits of a level to the base 17 are the coefficients of a polynomial, and a word
has its values, modulo 17, at 0, 1, ..., 15. Each value is one-hot. Polynomials of
degree m agree at m points at most, so two of 17^4 = 83,521 categories are at a distance
from 0.9 to 1. The number of features does not grow with that of the categories.

The arc is that of Hutter and
Osborne ("A kernel for hierarchical parameter spaces", arXiv:1310.5738, 2013) with
a = pi / 3. Its chord is then 1, as is the distance of an active value from an inactive
one (the radius), and distances grow with |u - u'|. No distance depends on an inactive
column.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sklearn_tuners._space.dimensions import Dimension, Discrete
from sklearn_tuners._typing import BoolArray, FloatArray, IntArray

__all__ = ["FeatureMap"]

_ARC = math.pi / 3
"""The a of Hutter and Osborne, see above."""

_BASE, _LENGTH = 17, 16
"""Base, a prime, and length of the words for many categories: they have as many
features as one-hot categories that `drawn` may give, 256, and no more."""

_MAX_ONE_HOT = _BASE * _LENGTH
"""Categories up to which each is a feature."""

_ONE_HOT = math.sqrt(0.5)
"""Value of the feature of a row's category: two categories are at distance 1."""


class FeatureMap:
    """Map from the d columns of rows to p features.

    Parameters
    ----------
    dimensions : sequence of Dimension, length d
        Dimensions of the columns.
    is_private : array of shape (d,), bool
        Whether a column is inactive in some rows.

    Attributes
    ----------
    source : array of shape (p,), int
        Column that each feature comes from.
    """

    def __init__(self, dimensions: Sequence[Dimension], is_private: BoolArray) -> None:
        source: list[int] = []
        plain: list[int] = []
        arcs: list[int] = []
        self._one_hots: list[tuple[int, int, Discrete]] = []
        for j, dimension in enumerate(dimensions):
            if dimension.is_categorical and isinstance(dimension, Discrete):
                self._one_hots.append((j, len(source), dimension))
                source += [j] * min(dimension.n_coded, _MAX_ONE_HOT)
            elif is_private[j]:
                arcs.append(len(source))
                source += [j, j]
            else:
                plain.append(len(source))
                source.append(j)
        self.source: IntArray = np.array(source, dtype=np.intp)
        self._plain = np.array(plain, dtype=np.intp)
        self._arcs = np.array(arcs, dtype=np.intp)

    def __call__(self, U: FloatArray, active: BoolArray) -> FloatArray:
        """Return the features of rows, snapped or not.

        Parameters
        ----------
        U : array of shape (n, d)
            Rows of coordinates.
        active : array of shape (n, d), bool
            Whether a column is active in a row.

        Returns
        -------
        array of shape (n, p)
        """
        Z = np.zeros((len(U), len(self.source)))
        Z[:, self._plain] = U[:, self.source[self._plain]]
        angle, on = self._angles(U, active)
        Z[:, self._arcs] = np.sin(angle) * on
        Z[:, self._arcs + 1] = np.cos(angle) * on
        rows = np.arange(len(U))[:, None]
        for j, start, dimension in self._one_hots:
            word = _words(dimension.level(U[:, j]), dimension.n_coded)
            value = _ONE_HOT / math.sqrt(word.shape[1])
            Z[rows, start + word] = value * active[:, [j]]
        return Z

    def jac(self, U: FloatArray, active: BoolArray) -> FloatArray:
        """Return the derivative of each feature by its column; 0 for categoricals.

        Parameters
        ----------
        U : array of shape (n, d)
            Rows of coordinates.
        active : array of shape (n, d), bool
            Whether a column is active in a row.

        Returns
        -------
        array of shape (n, p)
        """
        J = np.zeros((len(U), len(self.source)))
        J[:, self._plain] = 1.0
        angle, on = self._angles(U, active)
        J[:, self._arcs] = _ARC * np.cos(angle) * on
        J[:, self._arcs + 1] = -_ARC * np.sin(angle) * on
        return J

    def _angles(self, U: FloatArray, active: BoolArray) -> tuple[FloatArray, BoolArray]:
        columns = self.source[self._arcs]
        return _ARC * U[:, columns], active[:, columns]


def _words(level: IntArray, n_levels: int) -> IntArray:
    """Return the features, among those of its column, that are not zero for a level.

    Parameters
    ----------
    level : array of shape (n,), int
        Indices of categories.
    n_levels : int
        Number of categories.

    Returns
    -------
    array of shape (n, 1) or (n, 16), int
    """
    if n_levels <= _MAX_ONE_HOT:
        return level[:, None]
    points = np.arange(_LENGTH)
    values = np.zeros((len(level), _LENGTH), dtype=np.intp)
    power = np.ones(_LENGTH, dtype=np.intp)
    left = level
    while n_levels > 0:
        values += (left % _BASE)[:, None] * power
        left, n_levels = left // _BASE, n_levels // _BASE
        power = power * points % _BASE
    return points * _BASE + values % _BASE
