"""How the sizes of the data change on their way through a composition.

A step of a pipeline hands on other features (`after`), transformers side by side hand
on the features of all (`together`), and an ensemble hands part of the samples to what
is inside it (`inside`). Estimators are identified by the names of their class and base
classes. Parameters that are searched count with their smallest value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from numbers import Integral, Real
from typing import Any

from sklearn_tuners._defaults.sizes import Sizes
from sklearn_tuners._typing import Params

__all__ = ["after", "inside", "together"]

HALF = 0.5
"""Guess of a share that is known only after the fit (convention)."""

FEW = 0.2
"""Guess of the share of samples that is left, if nothing is known about the target
(convention)."""

# From step to step --------------------------------------------------------------------


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
    """Return sizes with part of the features.

    The parameter `by` is their number or share; half of them if it is neither.
    """
    value = params.get(by)
    p = sizes.p // 2 if by else 1
    if isinstance(value, Integral):
        p = min(int(value), sizes.p)
    elif isinstance(value, Real):
        p = int(sizes.p * float(value))
    return replace(sizes, p=max(p, 1), spread=_share(sizes, HALF))


def _from_model(sizes: Sizes, params: Params) -> Sizes:
    # A threshold above zero may leave a single feature.
    is_count = params.get("threshold") == "0*mean"
    return _fewer(sizes, params if is_count else {}, by="max_features" * is_count)


def _percentile(sizes: Sizes, params: Params) -> Sizes:
    p = int(sizes.p * _real(params.get("percentile", params.get("param"))) / 100)
    return replace(sizes, p=max(p, 1), spread=_share(sizes, HALF))


def _share(sizes: Sizes, share: float) -> float | None:
    return None if sizes.spread is None else share * sizes.spread


def _components(
    sizes: Sizes, params: Params, *, by: str = "n_components", keeps: bool = False
) -> Sizes:
    """Return sizes with features that are combinations of the old ones.

    With `keeps`, the sum of variances stays the same.
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
    """Return a number of features; `default` for None and names."""
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    return 1 if isinstance(value, Real) else default


def _real(value: Any) -> float:
    return float(value) if isinstance(value, Real) else 0.0


Change = Callable[[Sizes, Params], Sizes]
AFTER: dict[str, Change] = {
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
"""How a transformer changes the sizes, by the name of its class."""


def after(sizes: Sizes, names: Sequence[str], params: Params) -> Sizes:
    """Sizes of what a transformer hands on.

    Parameters
    ----------
    sizes : Sizes
        Sizes of what it gets.
    names : sequence of str
        Names of its class and base classes.
    params : dict
        Values of its parameters; the smallest ones of those that are searched.
    """
    change = next((AFTER[name] for name in names if name in AFTER), None)
    if change is None:
        return replace(sizes, p=1, p_max=None, spread=None, sparse=True)
    return change(sizes, params)


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
    """Return sizes with a share of the samples, stratified."""
    counts = sizes.counts
    if counts is not None:
        counts = tuple(max(int(count * share) - 1, 1) for count in counts)
    return replace(sizes, n=max(int(sizes.n * share), 1), counts=counts)


def _folds(sizes: Sizes, params: Params) -> Sizes:
    """Return sizes of the training sets of an inner cross-validation."""
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
        return replace(sizes, n=max(int(FEW * sizes.n), 2))
    pair = sorted(sizes.counts)[:2]
    return replace(sizes, n=max(sum(pair), 2))


def _one_target(sizes: Sizes, params: Params) -> Sizes:
    return replace(sizes, q=1, counts=None)


def _chained(sizes: Sizes, params: Params) -> Sizes:
    return replace(_one_target(sizes, params), p_max=None, spread=None)


def _unknown_classes(sizes: Sizes, params: Params) -> Sizes:
    return replace(sizes, counts=None)


def _few_samples(sizes: Sizes, params: Params) -> Sizes:
    return _of_samples(sizes, _as_share(params.get("min_samples", FEW), sizes.n))


def _labelled(sizes: Sizes, params: Params) -> Sizes:
    """Return sizes of the rows that have a label.

    Rows without one count as a class; as the largest one, to be on the safe side.
    """
    counts = sizes.counts
    share = FEW
    if counts is not None:
        share = 1 - max(counts) / max(sum(counts), 1)
    return replace(_of_samples(sizes, share), counts=None)


def _value_known(sizes: Sizes, params: Params) -> Sizes:
    """Return sizes of the rows where a feature is known, which is then the target."""
    share = HALF if sizes.missing else 1.0
    return replace(_of_samples(sizes, share), p=1, q=1, counts=None, sd_y=None)


def _one_feature(sizes: Sizes, params: Params) -> Sizes:
    return replace(sizes, p=1)


INSIDE: dict[str, Change] = {
    **dict.fromkeys(["BaggingClassifier", "BaggingRegressor"], _bag),
    **dict.fromkeys(
        [
            "CalibratedClassifierCV", "RFECV", "StackingClassifier",
            "StackingRegressor",
        ],
        _folds,
    ),
    # With a validation split instead of folds, no fewer samples than this.
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
"""How sizes change on the way into an estimator, by the name of its class."""


def inside(sizes: Sizes, names: Sequence[str], params: Params) -> Sizes:
    """Sizes of what an estimator hands to those inside it; arguments as in `after`."""
    change = next((INSIDE[name] for name in names if name in INSIDE), _same)
    return change(sizes, params)
