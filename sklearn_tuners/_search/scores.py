"""The score of a trial: the metric that the search follows, split by split."""

from __future__ import annotations

from sklearn_tuners._engine.trial import Trial

__all__ = ["split_scores"]


def split_scores(trial: Trial, metric: str | None) -> list[float]:
    """Return the scores of a trial on the splits that have an outcome.

    Parameters
    ----------
    trial : Trial
        A trial with at least one outcome.
    metric : str or None
        The metric to follow, if there are several; None or an unknown one takes the
        first.

    Returns
    -------
    list of float
    """
    scores = [outcome["test_scores"] for outcome in trial.finished]
    named = next((score for score in scores if isinstance(score, dict)), None)
    if named is None:
        return scores
    if metric not in named:
        metric = next(iter(named))
    # A failed fit of a scorer that returns a dict has a bare `error_score`.
    return [s[metric] if isinstance(s, dict) else s for s in scores]
