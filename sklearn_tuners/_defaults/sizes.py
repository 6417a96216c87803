"""What is known of the data where an estimator stands, and what follows for bounds.

`Sizes` describes the data that one estimator inside a composition gets. It starts with
the data of the whole (`measure`), and changes on the way: a step of a pipeline hands
on other features (`after`), an ensemble hands a part of the samples to what is inside
(`inside`). A number of features is a lower bound: how many columns an encoder makes,
or how many components explain half of the variance, is known only once it is fitted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "Sizes",
    "after",
    "inside",
    "measure",
    "measure_features",
    "quantity",
    "together",
]

N_UNKNOWN, P_UNKNOWN = 100, 2
"""Sizes that are assumed without data: few, so that little is out of bounds."""

SPREAD_UNKNOWN = 10.0
"""Sum of variances where nothing is known: some ten standardised features."""

MAX_MEASURED = 10_000
"""Rows, evenly spaced, of which variances are taken."""

MAX_TERMS = 5_000
"""Features that a polynomial of a higher degree than that of the class may make."""


@dataclass(frozen=True)
class Sizes:
    """What is known of the data that an estimator gets.

    Attributes
    ----------
    n : int
        Samples in the smallest training set.
    p : int
        Features, at least.
    p_max : int or None
        Features, at most; None if there may be any number.
    needed : int
        Features that later steps need.
    positive : bool
        Whether a later step refuses negative values.
    q : int
        Targets.
    counts : tuple of int or None
        Samples of each class in the smallest training set, at least; None if unknown or
        if the target is no class.
    spread : float or None
        Sum of the features' variances.
    sd_y : float or None
        Standard deviation of the target.
    sparse, missing : bool
        Whether the features may be a sparse matrix; may have missing values.
    transforms : bool
        Whether the estimator is used to transform, as all but the last of a pipeline.
    """

    n: int = N_UNKNOWN
    p: int = P_UNKNOWN
    p_max: int | None = None
    needed: int = 1
    positive: bool = False
    q: int = 1
    counts: tuple[int, ...] | None = None
    spread: float | None = None
    sd_y: float | None = None
    sparse: bool = False
    missing: bool = True
    transforms: bool = False

    @property
    def facts(self) -> dict[str, Any]:
        """What conditions of the registry can ask for, by the names that they use."""
        return {
            "@sparse": self.sparse,
            "@missing": self.missing,
            "@transforms": self.transforms,
            "@scale_known": self.spread is not None,
            "@needs_positive": self.positive,
            "@needs_features": self.needed > 1,
            "@classes_under_p": self.counts is None
            or self.p_max is None
            or min(self.counts) <= self.p_max,
            # A random subset of a fifth of the samples determines a linear model.
            "@p_under_fifth": self.p_max is not None and 5 * (self.p_max + 1) <= self.n,
        }


def measure(X: Any, y: Any, n_train: int | None, *, classes: bool) -> Sizes:
    """Sizes of a whole data set.

    Parameters
    ----------
    X, y : array-like or None
        The data.
    n_train : int or None
        Samples in the smallest training set. None for four fifths of the data, which
        is what five folds leave.
    classes : bool
        Whether `y` has classes.
    """
    if X is None:
        return Sizes() if n_train is None else Sizes(n=n_train)
    n_all = _length(X)
    n = max(n_all * 4 // 5, 1) if n_train is None else min(n_train, n_all)
    sizes = replace(measure_features(X), n=n)
    if y is None:
        return sizes
    target = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
    sizes = replace(sizes, q=target.shape[1] if target.ndim == 2 else 1)
    if not classes:
        return replace(sizes, sd_y=_sd(target))
    if target.ndim > 1:
        return sizes
    _, counts = np.unique(target, return_counts=True)
    # Stratified splits are exact to one sample for each class.
    kept = [max(int(count * n / n_all) - 1, 1) for count in counts]
    return replace(sizes, counts=tuple(kept))


def measure_features(X: Any) -> Sizes:
    """Return the number of columns of the features, and what their values tell."""
    rows = slice(None, None, max(_length(X) // MAX_MEASURED, 1))
    if hasattr(X, "toarray"):  # a sparse matrix
        p = int(X.shape[1])
        squares = X.multiply(X).mean(axis=0) - np.square(X.mean(axis=0))
        return Sizes(
            p=p, p_max=p, spread=_positive(np.sum(squares)), sparse=True, missing=False
        )
    if not hasattr(X, "shape"):
        first = X[0]
        if isinstance(first, str | bytes | Mapping):
            return Sizes(p=1, missing=False)
        p = len(first)
        sample = X[rows]
    elif len(X.shape) == 1:
        return Sizes(p=1, missing=False)
    else:
        p = int(X.shape[1])
        sample = X.iloc[rows] if hasattr(X, "iloc") else X[rows]
    spread, missing = _spread_and_missing(sample)
    return Sizes(p=p, p_max=p, spread=spread, missing=missing)


def _length(X: Any) -> int:
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def _spread_and_missing(sample: Any) -> tuple[float | None, bool]:
    """Return `Sizes.spread` (None unless all are numbers) and `missing`."""
    try:
        values = np.asarray(sample, dtype=np.float64)
    except (TypeError, ValueError):
        return None, True
    is_missing = np.isnan(values)
    if not values.size or is_missing.all(axis=0).any():
        return None, True
    with np.errstate(all="ignore"):  # infinite values: the estimator may complain
        spread = np.nanvar(values, axis=0).sum()
    return _positive(spread), bool(is_missing.any())


def _sd(target: npt.NDArray[Any]) -> float | None:
    try:
        return _positive(np.mean(np.std(target.astype(np.float64), axis=0)))
    except (TypeError, ValueError):
        return None


def _positive(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) and number > 0 else None


# Quantities ---------------------------------------------------------------------------


def _nu(sizes: Sizes) -> float:
    """Return the largest nu that is feasible for a support vector classifier.

    It is 2 min(n_i, n_j) / (n_i + n_j) for each pair of classes (Crisp and Burges,
    1999). Counts are lower bounds, good to two samples.
    """
    if sizes.counts is None or len(sizes.counts) < 2:
        return 0.2
    least, most = min(sizes.counts), max(sizes.counts) + 2
    return 0.95 * 2 * least / (least + most)


def _degree(sizes: Sizes) -> int:
    """Return 3 if that makes few terms, else 2, which the class does by itself."""
    p = sizes.p_max
    return 3 if p is not None and math.comb(p + 3, 3) <= MAX_TERMS else 2


def _needed(sizes: Sizes) -> int:
    # More than there are cannot be kept: other columns have to make up for it.
    return min(sizes.needed, sizes.p) if sizes.p == sizes.p_max else sizes.needed


def _spread(sizes: Sizes) -> float:
    return SPREAD_UNKNOWN if sizes.spread is None else sizes.spread


def _var(sizes: Sizes) -> float:
    known = sizes.spread is not None and sizes.p_max == sizes.p
    return _spread(sizes) / sizes.p if known else 1.0


def _sd_y(sizes: Sizes) -> float:
    return 1.0 if sizes.sd_y is None else sizes.sd_y


RULES: dict[str, Callable[[Sizes], float]] = {
    "n": lambda s: s.n,
    "n-1": lambda s: s.n - 1,
    "1/n": lambda s: 1 / s.n,
    "p": lambda s: s.p,
    "p-1": lambda s: s.p - 1,
    "1/p": lambda s: 1 / s.p,
    "m": _needed,
    "m/p": lambda s: _needed(s) / s.p,
    "1/sqrt(p)": lambda s: 1 / math.sqrt(s.p_max or 10),
    "min(p,q)": lambda s: min(s.p, s.q),
    "k-1": lambda s: len(s.counts or (0, 0)) - 1,
    "degree(p)": _degree,
    "nu(y)": _nu,
    "gamma(X)": lambda s: 1 / _spread(s),
    "distance(X)": lambda s: math.sqrt(_spread(s)),
    "sd(X)": lambda s: math.sqrt(_var(s)),
    "var(X)": _var,
    "sd(y)": _sd_y,
    "var(y)": lambda s: _sd_y(s) ** 2,
    "sd(X)*sd(y)": lambda s: math.sqrt(_var(s)) * _sd_y(s),
}
"""The quantities of `_registry.QUANTITIES` as functions of the sizes."""


def quantity(factor: float, name: str, sizes: Sizes) -> float:
    """Return a factor times a quantity; the factor itself if there is none."""
    return factor * RULES[name](sizes) if name else factor


# From step to step --------------------------------------------------------------------

Params = Mapping[str, Any]
"""Values of an estimator's parameters, the smallest where they are searched."""


def _same(sizes: Sizes, params: Params) -> Sizes:
    return sizes


def _standard(sizes: Sizes, params: Params, *, variance: float = 1.0) -> Sizes:
    """Return sizes with features of known variance."""
    p = sizes.p_max
    return replace(sizes, spread=None if p is None else variance * p)


def _imputed(sizes: Sizes, params: Params) -> Sizes:
    p_max = None if params.get("add_indicator") else sizes.p_max
    return replace(sizes, p_max=p_max, missing=False)


def _grown(sizes: Sizes, params: Params, *, sparse: bool | None = None) -> Sizes:
    """Return sizes with at least as many features."""
    kept = sizes.sparse if sparse is None else sparse
    return replace(sizes, p_max=None, spread=None, sparse=kept, missing=False)


def _one_hot(sizes: Sizes, params: Params) -> Sizes:
    p = sizes.p if params.get("drop") is None else 1
    return replace(
        _grown(sizes, params, sparse=params.get("sparse_output", True) is True), p=p
    )


def _binned(sizes: Sizes, params: Params) -> Sizes:
    if params.get("encode") == "ordinal":
        return replace(sizes, spread=None)
    return _grown(sizes, params, sparse=params.get("encode") == "onehot")


def _fewer(sizes: Sizes, params: Params, *, by: str = "") -> Sizes:
    """Return sizes with some of the features only.

    Their number or share is the parameter `by`; half of them where that is none.
    """
    value = params.get(by)
    p = sizes.p // 2 if by else 1
    if isinstance(value, Integral):
        p = min(int(value), sizes.p)
    elif isinstance(value, Real):
        p = int(sizes.p * float(value))
    return replace(sizes, p=max(p, 1), spread=_share(sizes, 0.5))


def _from_model(sizes: Sizes, params: Params) -> Sizes:
    # Any threshold above zero may leave a single feature.
    is_count = params.get("threshold") == "0*mean"
    return _fewer(sizes, params if is_count else {}, by="max_features" * is_count)


def _percentile(sizes: Sizes, params: Params) -> Sizes:
    p = int(sizes.p * _real(params.get("percentile", params.get("param"))) / 100)
    return replace(sizes, p=max(p, 1), spread=_share(sizes, 0.5))


def _share(sizes: Sizes, share: float) -> float | None:
    return None if sizes.spread is None else share * sizes.spread


def _components(
    sizes: Sizes, params: Params, *, by: str = "n_components", keeps: bool = False
) -> Sizes:
    """Return sizes with features that are combinations of the old ones.

    With `keeps`, their variances sum up to that of the old ones.
    """
    p = max(_number(params.get(by), min(sizes.n, sizes.p)), 1)
    if params.get("whiten") is True:
        keeps = False
    return replace(
        sizes,
        p=p,
        p_max=None,
        spread=sizes.spread if keeps else None,
        sparse=False,
        missing=False,
    )


def _discriminant(sizes: Sizes, params: Params) -> Sizes:
    return _components(sizes, params) if sizes.counts else replace(sizes, p=1)


def _words(sizes: Sizes, params: Params) -> Sizes:
    p = _number(params.get("n_features"), sizes.p)
    return replace(sizes, p=p, p_max=None, spread=1.0, sparse=True, missing=False)


def _number(value: Any, default: int) -> int:
    """Return a number of features: a count, or the default for None and names."""
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    return 1 if isinstance(value, Real) else default


def _real(value: Any) -> float:
    return float(value) if isinstance(value, Real) else 0.0


Step = Callable[[Sizes, Params], Sizes]
STEPS: dict[str, Step] = {
    **dict.fromkeys(
        [
            "Binarizer", "FunctionTransformer", "MaxAbsScaler", "OrdinalEncoder",
            "TargetEncoder", "KernelCenterer",
        ],
        lambda sizes, params: replace(sizes, spread=None),
    ),
    **dict.fromkeys(["StandardScaler", "RobustScaler", "PowerTransformer"], _standard),
    "QuantileTransformer": partial(_standard, variance=1 / 12),
    "MinMaxScaler": partial(_standard, variance=1 / 12),
    "Normalizer": lambda sizes, params: replace(sizes, spread=1.0),
    "TfidfTransformer": lambda sizes, params: replace(sizes, spread=1.0, sparse=True),
    **dict.fromkeys(["SimpleImputer", "KNNImputer", "IterativeImputer"], _imputed),
    **dict.fromkeys(["PolynomialFeatures", "SplineTransformer"], _grown),
    "AdditiveChi2Sampler": _grown,
    "OneHotEncoder": _one_hot,
    "KBinsDiscretizer": _binned,
    "SelectKBest": partial(_fewer, by="k"),
    "SelectPercentile": _percentile,
    "SelectFromModel": _from_model,
    **dict.fromkeys(
        ["RFE", "SequentialFeatureSelector"], partial(_fewer, by="n_features_to_select")
    ),
    **dict.fromkeys(
        [
            "GenericUnivariateSelect", "RFECV", "SelectFdr", "SelectFpr", "SelectFwe",
            "VarianceThreshold",
        ],
        _fewer,
    ),
    "PCA": partial(_components, keeps=True),
    "TruncatedSVD": partial(_components, keeps=True),
    **dict.fromkeys(
        [
            "BernoulliRBM", "CCA", "DictionaryLearning", "FactorAnalysis", "FastICA",
            "GaussianRandomProjection", "IncrementalPCA", "Isomap", "KernelPCA",
            "LatentDirichletAllocation", "LocallyLinearEmbedding",
            "MiniBatchDictionaryLearning", "MiniBatchNMF", "MiniBatchSparsePCA",
            "NMF", "NeighborhoodComponentsAnalysis", "Nystroem", "PLSCanonical",
            "PLSRegression", "PLSSVD", "PolynomialCountSketch", "RBFSampler",
            "SkewedChi2Sampler", "SparsePCA", "SparseRandomProjection",
        ],
        _components,
    ),
    **dict.fromkeys(
        [
            "Birch", "BisectingKMeans", "FeatureAgglomeration", "KMeans",
            "MiniBatchKMeans",
        ],
        partial(_components, by="n_clusters"),
    ),
    "LinearDiscriminantAnalysis": _discriminant,
    **dict.fromkeys(["CountVectorizer", "TfidfVectorizer"], _words),
    **dict.fromkeys(["HashingVectorizer", "FeatureHasher"], _words),
    "DictVectorizer": lambda sizes, params: _words(replace(sizes, p=1), {}),
}  # fmt: skip
"""What a transformer does to the sizes, by the name of its class."""


def after(sizes: Sizes, names: Sequence[str], params: Params) -> Sizes:
    """Sizes of what a transformer hands on.

    Parameters
    ----------
    sizes : Sizes
        Of what it gets.
    names : sequence of str
        Names of its class and base classes.
    params : dict
        Values of its parameters; the smallest of those that are searched.
    """
    step = next((STEPS[name] for name in names if name in STEPS), None)
    if step is None:
        return replace(sizes, p=1, p_max=None, spread=None, sparse=True)
    return step(sizes, params)


def together(parts: Sequence[Sizes], sizes: Sizes) -> Sizes:
    """Sizes of the features of several transformers side by side."""
    if not parts:
        return sizes
    p_max = [part.p_max for part in parts]
    spreads = [part.spread for part in parts]
    return replace(
        sizes,
        p=max(sum(part.p for part in parts), 1),
        p_max=None if None in p_max else sum(p for p in p_max if p is not None),
        spread=None if None in spreads else sum(s for s in spreads if s is not None),
        sparse=any(part.sparse for part in parts),
        missing=any(part.missing for part in parts),
    )


# From an ensemble to what is inside ---------------------------------------------------


def _of_samples(sizes: Sizes, share: float) -> Sizes:
    """Return sizes with a share of the samples."""
    counts = sizes.counts
    if counts is not None:
        counts = tuple(max(int(count * share) - 1, 1) for count in counts)
    return replace(sizes, n=max(int(sizes.n * share), 1), counts=counts)


def _folds(sizes: Sizes, params: Params) -> Sizes:
    """Return sizes of the training sets of a cross-validation inside."""
    cv = params.get("cv")
    if isinstance(cv, str):
        return sizes
    k = 5 if cv is None else cv if isinstance(cv, Integral) else 2
    return _of_samples(sizes, 1 - 1 / max(int(k), 2))


def _bag(sizes: Sizes, params: Params) -> Sizes:
    samples, features = params.get("max_samples"), params.get("max_features")
    share = _as_share(samples, sizes.n)
    p = max(int(sizes.p * _as_share(features, sizes.p)), 1)
    smaller = replace(_of_samples(sizes, share), p=p, p_max=sizes.p_max)
    return replace(smaller, counts=None)  # drawn at random


def _as_share(value: Any, total: int) -> float:
    if value is None or isinstance(value, bool) or not isinstance(value, Real):
        return 1.0
    return min(int(value) / total, 1.0) if isinstance(value, Integral) else float(value)


def _one_against_rest(sizes: Sizes, params: Params) -> Sizes:
    counts = sizes.counts
    if counts is None or len(counts) < 3:
        return sizes
    return replace(sizes, counts=(min(counts), sizes.n - min(counts)))


def _one_against_one(sizes: Sizes, params: Params) -> Sizes:
    if sizes.counts is None:
        return replace(sizes, n=max(sizes.n // 5, 2))
    pair = sorted(sizes.counts)[:2]
    return replace(sizes, n=max(sum(pair), 2))


def _one_target(sizes: Sizes, params: Params) -> Sizes:
    return replace(sizes, q=1, counts=None)


def _chained(sizes: Sizes, params: Params) -> Sizes:
    return replace(_one_target(sizes, params), p_max=None, spread=None)


def _unknown_classes(sizes: Sizes, params: Params) -> Sizes:
    return replace(sizes, counts=None)


def _few_samples(sizes: Sizes, params: Params) -> Sizes:
    return _of_samples(sizes, _as_share(params.get("min_samples", 0.2), sizes.n))


def _labelled(sizes: Sizes, params: Params) -> Sizes:
    """Return sizes of the rows that have a label.

    The others count as a class, by the largest one at most.
    """
    counts = sizes.counts
    share = 0.2 if counts is None else 1 - max(counts) / max(sum(counts), 1)
    return replace(_of_samples(sizes, share), counts=None)


def _value_known(sizes: Sizes, params: Params) -> Sizes:
    """Return sizes of the rows where a feature is known, the target of the others.

    How many these are depends on the feature; half of them is a guess.
    """
    share = 0.5 if sizes.missing else 1.0
    return replace(_of_samples(sizes, share), p=1, q=1, counts=None, sd_y=None)


def _one_feature(sizes: Sizes, params: Params) -> Sizes:
    return replace(sizes, p=1)


INSIDE: dict[str, Step] = {
    **dict.fromkeys(["BaggingClassifier", "BaggingRegressor"], _bag),
    **dict.fromkeys(
        [
            "CalibratedClassifierCV", "RFECV", "StackingClassifier",
            "StackingRegressor",
        ],
        _folds,
    ),
    # Less than that of a cross-validation with an unknown number of folds.
    "TunedThresholdClassifierCV": _folds,
    "SequentialFeatureSelector": lambda s, params: _one_feature(_folds(s, params), {}),
    "RFE": _one_feature,
    "OneVsRestClassifier": _one_against_rest,
    "OneVsOneClassifier": _one_against_one,
    **dict.fromkeys(["MultiOutputClassifier", "MultiOutputRegressor"], _one_target),
    **dict.fromkeys(["ClassifierChain", "RegressorChain"], _chained),
    **dict.fromkeys(
        ["AdaBoostClassifier", "OutputCodeClassifier"], _unknown_classes
    ),
    "SelfTrainingClassifier": _labelled,
    "IterativeImputer": _value_known,
    "RANSACRegressor": _few_samples,
}  # fmt: skip
"""What an estimator hands to those inside, by the name of its class."""


def inside(sizes: Sizes, names: Sequence[str], params: Params) -> Sizes:
    """Sizes of what an estimator hands to those inside; arguments as for `after`."""
    step = next((INSIDE[name] for name in names if name in INSIDE), _same)
    return step(sizes, params)
