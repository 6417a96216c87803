"""What runs in a worker: one candidate on one split.

Nothing here knows the search.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from sklearn_tuners._compat.sklearn import Outcome, failed_outcome, fit_and_score
from sklearn_tuners._training.guard import FitTimeoutError, Guard
from sklearn_tuners._training.shared import Shared
from sklearn_tuners._training.steps import Training

__all__ = ["evaluate"]


def evaluate(
    *,
    guard: Guard,
    start_mark: str | None,
    shared: Shared,
    training: Training | None = None,
    **kwargs: Any,
) -> tuple[Outcome | None, bool]:
    """Evaluate one candidate on one split, in a worker.

    Parameters
    ----------
    guard : Guard
        Conditions under which the evaluation runs.
    start_mark : str or None
        File to write the id of this process to, see `Workers.start_mark`.
    shared : Shared
        The data of all evaluations.
    training : Training, default=None
        How to train the estimator; None calls its ``fit``.
    **kwargs : dict
        Passed on to `fit_and_score`, in addition to what is shared.

    Returns
    -------
    outcome : dict or None
        See `fit_and_score`; None if the deadline had passed.
    stop : bool
        Whether a callback asked to stop.
    """
    guard.leave_if_orphaned()
    if guard.is_late:
        return None, False
    if start_mark is not None:
        Path(start_mark).write_text(str(os.getpid()))
    start = time.time()
    if training is not None:
        training.take_over(kwargs["estimator"])
    try:
        with guard.alarm():
            return fit_and_score(**shared.values, **kwargs)
    except FitTimeoutError as error:
        # The alarm went off where `fit_and_score` does not catch it; inside `fit` it
        # would count as a failed fit.
        if shared.error_score == "raise":
            raise
        outcome = failed_outcome(
            str(error),
            scorer=shared.scorer,
            error_score=shared.error_score,
            n_test_samples=len(kwargs["test"]),
            return_train_score=shared.return_train_score,
            fit_time=time.time() - start,
        )
        return outcome, False
    finally:
        if start_mark is not None:
            Path(start_mark).unlink(missing_ok=True)
