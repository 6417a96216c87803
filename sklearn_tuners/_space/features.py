"""Features of rows of the unit cube: what the surrogate measures distances in.

========================================= ============================================
column of U                               features
========================================= ============================================
numeric, active in all branches           u
numeric, active in some branches          (sin(a u), cos(a u)); (0, 0) where inactive
categorical                               one-hot / sqrt(2); zeros where inactive
========================================= ============================================

Two categories are at distance 1, whatever their number. The arc is Hutter and Osborne's
("A kernel for hierarchical parameter spaces", arXiv:1310.5738, 2013) with a = pi / 3:
then its chord is 1 too, as is the distance of any active value to an inactive one (the
radius), and distances grow with |u - u'|. No distance depends on an inactive column.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sklearn_tuners._space.dimensions import Dimension, Discrete, FloatArray

__all__ = ["FeatureMap"]

BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

ARC = math.pi / 3
ONE_HOT = math.sqrt(0.5)


class FeatureMap:
    """Layout of the p features of d columns, and the map.

    Parameters
    ----------
    dimensions : sequence of Dimension, length d
        Of the columns.
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
                source += [j] * dimension.n_coded
            elif is_private[j]:
                arcs.append(len(source))
                source += [j, j]
            else:
                plain.append(len(source))
                source.append(j)
        self.source: IndexArray = np.array(source, dtype=np.intp)
        self._plain = np.array(plain, dtype=np.intp)
        self._arcs = np.array(arcs, dtype=np.intp)

    def __call__(self, U: FloatArray, active: BoolArray) -> FloatArray:
        """Features of rows, snapped or not.

        Parameters
        ----------
        U : array of shape (n, d)
            Rows.
        active : array of shape (n, d), bool
            Which columns are active in which rows.

        Returns
        -------
        array of shape (n, p)
        """
        Z = np.zeros((len(U), len(self.source)))
        Z[:, self._plain] = U[:, self.source[self._plain]]
        angle, on = self._angles(U, active)
        Z[:, self._arcs] = np.sin(angle) * on
        Z[:, self._arcs + 1] = np.cos(angle) * on
        rows = np.arange(len(U))
        for j, start, dimension in self._one_hots:
            Z[rows, start + dimension.level(U[:, j])] = ONE_HOT * active[:, j]
        return Z

    def jac(self, U: FloatArray, active: BoolArray) -> FloatArray:
        """Differentiate each feature by its column; 0 for categoricals.

        Parameters
        ----------
        U : array of shape (n, d)
            Rows.
        active : array of shape (n, d), bool
            Which columns are active in which rows.

        Returns
        -------
        array of shape (n, p)
        """
        J = np.zeros((len(U), len(self.source)))
        J[:, self._plain] = 1.0
        angle, on = self._angles(U, active)
        J[:, self._arcs] = ARC * np.cos(angle) * on
        J[:, self._arcs + 1] = -ARC * np.sin(angle) * on
        return J

    def _angles(self, U: FloatArray, active: BoolArray) -> tuple[FloatArray, BoolArray]:
        columns = self.source[self._arcs]
        return ARC * U[:, columns], active[:, columns]
