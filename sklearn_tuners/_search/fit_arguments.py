"""Arguments of ``fit`` that searches of other libraries take."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import Any

__all__ = ["check_fit_arguments"]

_CALLBACK = (
    "fit has no argument 'callback', unlike that of scikit-optimize, and fit of {} "
    "does not take it either. To stop a search, give {} the parameter max_time "
    "(instead of DeadlineStopper), target_score (instead of ThresholdStopper) or "
    "n_iter_no_change (instead of DeltaYStopper); to see progress, verbose=1 (instead "
    "of VerboseCallback); to save it, journal='FILE' (instead of CheckpointSaver). For "
    "code of your own there are scikit-learn's callbacks, set_callbacks, from version "
    "1.9 on."
)


def check_fit_arguments(estimator: Any, arguments: Collection[str], owner: str) -> None:
    """Raise ``TypeError`` for the argument `callback` if no ``fit`` takes it.

    Parameters
    ----------
    estimator : estimator
        What is tuned.
    arguments : collection of str
        Names of the arguments besides the data.
    owner : str
        Class of the search, for the message.
    """
    if "callback" in arguments and not _takes(estimator, "callback"):
        raise TypeError(_CALLBACK.format(type(estimator).__name__, owner))


def _takes(estimator: Any, name: str) -> bool:
    """Return whether the ``fit`` of an estimator, or of one inside it, takes a name."""
    if not hasattr(estimator, "fit"):
        return False
    try:
        parameters = inspect.signature(estimator.fit).parameters
    except (TypeError, ValueError):  # compiled code may have no signature
        return True
    if name in parameters:
        return True
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    if not takes_any or not hasattr(estimator, "get_params"):
        return takes_any
    inner = [
        value for value in estimator.get_params().values() if hasattr(value, "fit")
    ]
    # One that takes any argument and has nothing inside passes it on to other code.
    return not inner or any(_takes(value, name) for value in inner)
