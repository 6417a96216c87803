"""Names for the types that many modules share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BoolArray", "FloatArray", "IntArray", "Params", "Split"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

Params = dict[str, Any]
"""Parameter names to the values that `set_params` takes."""

Split = tuple[IntArray, IntArray]
"""Row numbers to train on, and row numbers to test on."""
