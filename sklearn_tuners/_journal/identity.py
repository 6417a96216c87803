"""What makes two searches the same: digests of data, estimators, spaces, scorers."""

from __future__ import annotations

import re
from typing import Any

from sklearn_tuners._journal.content import UnknownContentError, digest
from sklearn_tuners._journal.journal import Identity
from sklearn_tuners._space.space import Space

__all__ = ["describe_data", "identify", "identify_space"]


def identify(
    value: Any, description: str | None = None, *, name: str = "the search"
) -> Identity:
    """Return a digest that identifies an estimator, a data set and so on.

    Parameters
    ----------
    value : object
        Identified by its content.
    description : str, default=None
        For error messages; its ``repr`` by default.
    name : str, default="the search"
        Name of the value in error messages, such as that of its parameter.

    Returns
    -------
    Identity

    Raises
    ------
    TypeError
        If there is something in it that has neither a name nor a content.
    """
    try:
        found = digest(value)
    except UnknownContentError as error:
        raise TypeError(
            f"journal: {name} cannot be recognised when it is resumed, as "
            f"{type(value).__name__}{error.where} is {error.found!r}, which is known "
            f"neither by its name nor by its content ({error}). Leave it out, or give "
            "journal=None."
        ) from error
    text = repr(value) if description is None else description
    # Addresses differ from process to process.
    return Identity(found, re.sub(r" at 0x[0-9a-fA-F]+", "", text))


def identify_space(space: Space) -> Identity:
    """Return a digest of what a search space can propose.

    Parameters
    ----------
    space : Space
        Parsed with any seed.

    Returns
    -------
    Identity
    """
    return identify(space.signature(), repr(space), name="the search space")


def describe_data(X: Any, y: Any) -> str:
    """Return the kind and the shape of data, for error messages."""
    described = []
    for name, part in (("X", X), ("y", y)):
        if part is not None:
            shape = part.shape if hasattr(part, "shape") else (len(part),)
            described.append(f"{name} a {type(part).__name__} of shape {shape}")
    return ", ".join(described)
