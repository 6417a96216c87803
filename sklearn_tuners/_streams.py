"""The random streams of a search: one name and one number each.

Every random choice depends on the seed of the search, the number of its stream and its
position in the search. It does not depend on how many choices were made before, so a
resumed search makes the same ones.
"""

from __future__ import annotations

from enum import IntEnum, unique

import numpy as np

__all__ = ["Stream", "generator"]


@unique
class Stream(IntEnum):
    """Purpose of the draws. A number never changes, and no two streams share one.

    Numbers need not be consecutive: 4 is free.
    """

    EVEN = 0  # the scrambled Sobol points that fill a space
    FILLING = 1  # random rows once those points are used up
    SUBSET = 2  # the trials that a process of limited size is given
    CLOUD = 3  # candidates from which a proposal is chosen
    REGRET = 5  # candidates that bound what can still be gained
    HYPERPARAMETERS = 6  # draws of the surrogate's hyper-parameters
    RANDOM_CANDIDATE = 7  # Hyperband's random candidates
    ROWS = 8  # the order in which rungs take the training rows
    ANOVA = 9  # designs on which variance is attributed to parameters


def generator(seed: int, stream: Stream, *position: int) -> np.random.Generator:
    """Return the generator of one random choice.

    Parameters
    ----------
    seed : int
        Seed of the search.
    stream : Stream
        Purpose of the draws.
    *position : int
        Position in the search, such as the number of trials seen.

    Returns
    -------
    Generator

    Examples
    --------
    >>> first = generator(0, Stream.CLOUD, 7).random()
    >>> first == generator(0, Stream.CLOUD, 7).random()
    True
    >>> first == generator(0, Stream.CLOUD, 8).random()
    False
    """
    return np.random.default_rng([seed, stream, *position])
