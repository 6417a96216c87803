"""The random streams of a search: one name and one number each.

Every random choice comes from the seed of the search, the number of its stream and
where in the search it is made. So no choice depends on how many others were made
before it, and a search that is resumed makes the same ones.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

__all__ = ["Stream", "generator"]


class Stream(IntEnum):
    """What is drawn. A number is never used for two things, nor changed."""

    EVEN = 0  # the scrambled Sobol points that fill a space
    FILLING = 1  # random rows when those points are used up
    HYPERPARAMETERS = 2  # draws of the surrogate's hyper-parameters
    CLOUD = 3  # candidates that a proposal is chosen from
    REGRET = 5  # candidates that bound what may still be gained
    RESTARTS = 6  # starts of the fit of the surrogate
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
        What is drawn.
    *position : int
        Where in the search, such as the number of trials seen.

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
