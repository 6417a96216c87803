"""What a score means: the scores of a constant guess and of a perfect model.

Accuracy 0.6 is poor for two classes and good for ten. On the scale of *skill*, 0 is a
guess that does not look at the features and 1 is perfect, so that one threshold serves
all metrics whose two ends are known from their definition.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Scale", "scale_of"]


@dataclass(frozen=True)
class Scale:
    """The two ends of a metric.

    Attributes
    ----------
    chance, perfect : float
        Scores of a guess and of a perfect model; NaN if not known.
    """

    chance: float
    perfect: float

    @property
    def is_known(self) -> bool:
        """Whether differences of scores can be turned into differences of skill."""
        return math.isfinite(self.chance) and math.isfinite(self.perfect)

    def skill(self, score: float) -> float:
        """0 for a guess, 1 for perfect.

        Examples
        --------
        >>> Scale(chance=0.5, perfect=1.0).skill(0.75)
        0.5
        """
        return (score - self.chance) / (self.perfect - self.chance)


#: Perfect is 1 and a guess is worth 0, whatever the data.
_ZERO_TO_ONE = (
    "r2",
    "explained_variance",
    "d2_absolute_error_score",
    "d2_brier_score",
    "d2_log_loss_score",
    "matthews_corrcoef",
    "adjusted_rand_score",
    "adjusted_mutual_info_score",
)
#: A guess has one over the number of classes, if they are equally frequent.
_SHARE_OF_CLASSES = ("accuracy", "balanced_accuracy")
_HALF = ("roc_auc", "roc_auc_ovr", "roc_auc_ovo", "roc_auc_ovr_weighted")


def scale_of(metric: str, n_classes: int | None) -> Scale:
    """Scale of a metric by its name in scikit-learn.

    Parameters
    ----------
    metric : str
        As accepted by ``scoring=``.
    n_classes : int or None
        Of a classifier.

    Returns
    -------
    Scale
        For `accuracy` chance is that of equally frequent classes.

    Examples
    --------
    >>> scale_of("accuracy", n_classes=4)
    Scale(chance=0.25, perfect=1.0)
    >>> scale_of("neg_root_mean_squared_error", n_classes=None)
    Scale(chance=nan, perfect=0.0)
    """
    if metric in _ZERO_TO_ONE:
        return Scale(0.0, 1.0)
    if metric in _HALF:
        return Scale(0.5, 1.0)
    if metric in _SHARE_OF_CLASSES:
        return Scale(1 / n_classes if n_classes else math.nan, 1.0)
    if metric == "neg_log_loss":
        return Scale(-math.log(n_classes) if n_classes else math.nan, 0.0)
    return Scale(math.nan, 0.0 if metric.startswith("neg_") else math.nan)
