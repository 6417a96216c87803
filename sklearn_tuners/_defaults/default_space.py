"""The default space of an estimator or composition: rows of the registry, with numbers.

The estimators of a composition are visited in the order in which the data pass through
them. For each, the rows of its parameters are bounded by the `Sizes` of the data that
it gets; the sizes of what it hands on are those that the next one gets.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sklearn.base import clone, is_classifier

from sklearn_tuners._compat.sklearn import safe_indexing
from sklearn_tuners._defaults.flow import after, inside, together
from sklearn_tuners._defaults.registry import Bounds, Row, rows_of
from sklearn_tuners._defaults.requirements import (
    features_needed,
    is_positive_only,
    is_untouched,
    needed_inside,
)
from sklearn_tuners._defaults.sizes import Sizes, measure, measure_features, quantity
from sklearn_tuners._estimators import is_estimator, nested, parameters
from sklearn_tuners._space.conditions import When
from sklearn_tuners._space.values import equivalent

__all__ = ["DefaultSpace", "find_default_space"]

DIGITS = 3
"""Significant digits of bounds that are computed (convention: easy to read)."""

MIN_WORDS = 20
"""Words below which frequency limits of a vectorizer are not searched (convention)."""

MAX_DOCUMENTS = 1_000
"""Documents, evenly spaced, in which words are counted (convention)."""


@dataclass
class DefaultSpace:
    """A space, and the parameters of the estimator itself.

    Attributes
    ----------
    space : dict
        Full names to domains, as a user would write them.
    own : dict
        Full names to the values that the estimator has, of the parameters that are
        active with these values. They may be outside the space.
    """

    space: dict[str, Any] = field(default_factory=dict)
    own: dict[str, Any] = field(default_factory=dict)


def find_default_space(
    estimator: Any,
    X: Any = None,
    y: Any = None,
    n_train: int | None = None,
    fixed: Mapping[str, Any] | None = None,
) -> DefaultSpace:
    """Default space of an estimator on data; see `spaces.default_space`."""
    found = DefaultSpace()
    if fixed:
        estimator = clone(estimator).set_params(**fixed)
    sizes = measure(X, y, n_train, classes=is_classifier(estimator))
    _Visit(found, X, frozenset(fixed or ())).visit(estimator, "", sizes)
    # Added last: what depends on them was found with the values set.
    found.space |= {name: [value] for name, value in (fixed or {}).items()}
    settable = estimator.get_params() if found.own else {}
    found.own = {
        name: value
        for name, value in found.own.items()
        # CatBoost does not list parameters that are not set, and rejects None.
        if name in settable and _is_active(found.space[name], found.own)
    }
    return found


def _is_active(domain: Any, point: Mapping[str, Any]) -> bool:
    return not isinstance(domain, When) or all(
        any(equivalent(point[other], value) for value in values)
        for other, values in domain.condition.items()
    )


@dataclass
class _Visit:
    """A walk through a composition.

    Attributes
    ----------
    found : DefaultSpace
        Collects the result.
    X : array-like or None
        The data; None once a transformer has changed them.
    fixed : frozenset of str
        Full names of parameters that are not searched.
    """

    found: DefaultSpace
    X: Any
    fixed: frozenset[str] = frozenset()

    def visit(self, estimator: Any, prefix: str, sizes: Sizes) -> Sizes:
        """Add the space of an estimator, and return the sizes of what it hands on."""
        names = [base.__name__ for base in type(estimator).__mro__]
        inner_needs = needed_inside(estimator, sparse=sizes.sparse)
        needed = max(sizes.needed, inner_needs)
        fixed = {name.removeprefix(prefix) for name in self.fixed}
        own = _Parameters(estimator, replace(sizes, needed=needed), fixed)
        if {"CountVectorizer", "TfidfVectorizer"} & {*names}:
            n_words = _count_words(estimator, own, self.X, sizes.n)
            if n_words < MIN_WORDS and self.X is not None:
                own.drop("min_df", "max_df")
            sizes = replace(sizes, p=n_words)
        for name, domain in own.domains().items():
            self.found.space[prefix + name] = _with_prefix(domain, prefix)
            self.found.own[prefix + name] = own.values[name]
        compose = next((_COMPOSE[name] for name in names if name in _COMPOSE), None)
        if compose is not None:
            return compose(self, estimator, prefix, sizes)
        params = own.least_values()
        handed = replace(inside(sizes, names, params), transforms=False)
        for name, inner in nested(estimator):
            self.visit(inner, f"{prefix}{name}__", handed)
        return after(sizes, names, params)

    def apart(self, X: Any) -> _Visit:
        """Return a walk on other data that adds to the same space."""
        return replace(self, X=X)


def _with_prefix(domain: Any, prefix: str) -> Any:
    """Return a domain with the full names of parameters in its condition."""
    if not isinstance(domain, When):
        return domain
    condition = {prefix + other: values for other, values in domain.condition.items()}
    return When(domain.domain, condition)


# Compositions -------------------------------------------------------------------------


def _pipeline(visit: _Visit, estimator: Any, prefix: str, sizes: Sizes) -> Sizes:
    transforms = sizes.transforms
    steps = [step for step in estimator.steps if is_estimator(step[1])]
    needed, positive = sizes.needed, sizes.positive
    for i, (name, step) in enumerate(steps):
        later = [other for _, other in steps[i + 1 :]]
        needs = (features_needed(other, sparse=sizes.sparse) for other in later)
        sizes = replace(
            sizes,
            transforms=transforms or bool(later),
            needed=max([needed, *needs]),
            positive=positive or any(map(is_positive_only, later)),
        )
        handed_on = visit.visit(step, f"{prefix}{name}__", sizes)
        if later and hasattr(step, "fit_resample"):
            continue  # a sampler of imbalanced-learn leaves the features unchanged
        sizes = handed_on
        visit = visit.apart(None)
    return replace(sizes, transforms=transforms, needed=needed, positive=positive)


def _feature_union(visit: _Visit, estimator: Any, prefix: str, sizes: Sizes) -> Sizes:
    parts = []
    for name, transformer in estimator.transformer_list:
        part = replace(sizes, transforms=True)
        if is_estimator(transformer):
            parts.append(visit.visit(transformer, f"{prefix}{name}__", part))
        elif transformer == "passthrough":
            parts.append(sizes)
    return replace(together(parts, sizes), transforms=sizes.transforms)


def _columns(visit: _Visit, estimator: Any, prefix: str, sizes: Sizes) -> Sizes:
    parts = []
    triples = [*estimator.transformers, ("remainder", estimator.remainder, None)]
    for name, transformer, columns in triples:
        X = None if columns is None else _take_columns(visit.X, columns)
        if X is None:
            listed = isinstance(columns, Iterable) and not isinstance(columns, str)
            p = len([*columns]) if listed else 1
            part = replace(sizes, p=max(p, 1), p_max=p if listed else None, spread=None)
        else:
            own = measure_features(X)
            part = replace(
                sizes,
                p=own.p,
                p_max=own.p_max,
                spread=own.spread,
                sparse=own.sparse,
                missing=own.missing,
            )
            if not part.p:
                continue  # without columns it is not fitted
        part = replace(part, transforms=True)
        if is_estimator(transformer):
            inner = visit.apart(X).visit(transformer, f"{prefix}{name}__", part)
            parts.append(inner)
        elif transformer == "passthrough" and columns is not None:
            parts.append(part)
        elif transformer == "passthrough":
            # No column may be left.
            parts.append(replace(part, p=0))
    return replace(together(parts, sizes), transforms=sizes.transforms)


def _take_columns(X: Any, columns: Any) -> Any:
    """Return some columns of the data, or None if that fails."""
    if X is None:
        return None
    try:
        return safe_indexing(X, columns(X) if callable(columns) else columns, axis=1)
    except (ValueError, TypeError, KeyError, IndexError):
        return None


def _stacking(visit: _Visit, estimator: Any, prefix: str, sizes: Sizes) -> Sizes:
    params = estimator.get_params(deep=False)
    handed = replace(inside(sizes, ["StackingClassifier"], params), transforms=False)
    for name, inner in nested(estimator):
        if name != "final_estimator":
            visit.visit(inner, f"{prefix}{name}__", handed)
    if is_estimator(estimator.final_estimator):
        p = max(sum(e != "drop" for _, e in estimator.estimators), 1)
        predictions = replace(
            sizes, p=p, p_max=None, spread=None, sparse=False, missing=False
        )
        predictions = replace(predictions, transforms=False)
        final = f"{prefix}final_estimator__"
        visit.apart(None).visit(estimator.final_estimator, final, predictions)
    return after(sizes, [], {})


def _target(visit: _Visit, estimator: Any, prefix: str, sizes: Sizes) -> Sizes:
    inner = replace(sizes, transforms=False)
    if is_estimator(estimator.transformer):
        of_target = replace(
            sizes,
            p=sizes.q,
            p_max=sizes.q,
            spread=None if sizes.sd_y is None else sizes.q * sizes.sd_y**2,
            sparse=False,
            missing=False,
            transforms=True,
        )
        of_target = visit.apart(None).visit(
            estimator.transformer, f"{prefix}transformer__", of_target
        )
        spread = of_target.spread
        inner = replace(
            inner, sd_y=None if spread is None else math.sqrt(spread / sizes.q)
        )
    elif estimator.func is not None:
        inner = replace(inner, sd_y=None)
    if is_estimator(estimator.regressor):
        visit.visit(estimator.regressor, f"{prefix}regressor__", inner)
    return sizes


_Compose = Callable[[_Visit, Any, str, Sizes], Sizes]
_COMPOSE: dict[str, _Compose] = {
    "Pipeline": _pipeline,
    "FeatureUnion": _feature_union,
    "ColumnTransformer": _columns,
    "StackingClassifier": _stacking,
    "StackingRegressor": _stacking,
    "TransformedTargetRegressor": _target,
}
"""How the data pass through a composition, by the name of its class."""


def _count_words(estimator: Any, own: _Parameters, X: Any, n: int) -> int:
    """Return a lower bound of the words that a vectorizer keeps.

    It is fitted, with its narrowest limits, to as many documents as the smallest
    training set has. As another training set has other words, the bound is half of
    their number.
    """
    if X is None:
        return 1
    n_documents = min(n, MAX_DOCUMENTS)
    step = max((X.shape[0] if hasattr(X, "shape") else len(X)) // n_documents, 1)
    sample = [document for i, document in enumerate(X) if i % step == 0][:n_documents]
    domains = own.domains()
    limits = {
        name: domain[end]
        for name, end in {"min_df": 1, "max_df": 0}.items()
        if isinstance(domain := domains.get(name), tuple)
    }
    try:
        fitted = clone(estimator).set_params(**limits).fit(sample)
    except (ValueError, AttributeError, TypeError):
        return 1  # no word is left, or the data are not text
    return max(len(fitted.vocabulary_) // 2, 1)


# The parameters of one estimator ------------------------------------------------------


class _Parameters:
    """The searched parameters of one estimator, by their own names.

    Attributes
    ----------
    values : dict
        Values that the estimator has, of all its parameters.
    """

    def __init__(self, estimator: Any, sizes: Sizes, fixed: Collection[str]) -> None:
        self._sizes = sizes
        known = parameters(estimator)
        self.values = {name: value for name, (value, _) in known.items()}
        self._rows: dict[str, list[Row]] = {}
        for row in rows_of(estimator):
            name = row.parameter
            is_free = name not in fixed and name in known
            if row.kind and is_free and is_untouched(name, *known[name]):
                self._rows.setdefault(name, []).append(row)
        self._domains: dict[str, Any] = {}
        for name in list(self._rows):
            self._domain(name)
        if all(map(self._is_effort, self.domains())):
            self._domains = {}  # the user has set everything worth tuning

    def domains(self) -> dict[str, Any]:
        """Return the domains of all parameters that are searched."""
        return {name: d for name, d in self._domains.items() if d is not None}

    def drop(self, *names: str) -> None:
        """Do not search these parameters."""
        for name in names:
            self._domains.pop(name, None)

    def least_values(self) -> dict[str, Any]:
        """Return values of all parameters: the smallest number, the last choice.

        These values leave the fewest features, or change the data most.
        """
        least = dict(self.values)
        for name, domain in self.domains().items():
            inner = domain.domain if isinstance(domain, When) else domain
            least[name] = inner[-1] if isinstance(inner, list) else inner[0]
        return least

    def _domain(self, name: str) -> Any:
        """Return the domain of a parameter, None if it is not searched."""
        if name not in self._domains:
            self._domains[name] = None
            for row in self._rows.get(name, []):
                condition = self._condition_left(row)
                if condition is None:
                    continue
                domain = _DOMAINS[row.kind](row, self._sizes)
                if len(domain) == 1 and self._is_idle(row, domain[0]):
                    continue  # nothing to choose: the class has a value
                self._domains[name] = When(domain, condition) if condition else domain
                break
        return self._domains[name]

    def _is_effort(self, name: str) -> bool:
        """Whether a parameter is only set so that the fit converges."""
        domain = self._domains[name]
        listed = domain.domain if isinstance(domain, When) else domain
        return name in _EFFORT and isinstance(listed, list) and len(listed) == 1

    def _is_idle(self, row: Row, only: Any) -> bool:
        """Whether a parameter keeps its value if its range has only one value left.

        It does not if that value is known to be needed: more features than the default
        leaves, or fewer neighbours than the default takes.
        """
        value, sizes = self.values[row.parameter], self._sizes
        bounds = {name for _, name in (*row.low, *row.high)}
        if row.kind == "choice":
            return False
        if equivalent(value, only):
            return True
        if sizes.needed > 1 and _NEEDED & bounds:
            return False
        is_guess = sizes.p != sizes.p_max and bool(_OF_FEATURES & bounds)
        return is_guess or value in (None, "auto")

    def _condition_left(self, row: Row) -> dict[str, list[Any]] | None:
        """Return the part of a condition that depends on other searched parameters.

        None if the condition cannot hold.
        """
        left: dict[str, list[Any]] = {}
        facts = self._sizes.facts
        # Facts first: a row that they rule out needs no domain of another parameter.
        if not all(
            _is_among(facts[name], wanted)
            for name, wanted in row.condition
            if name in facts
        ):
            return None
        for other, wanted in row.condition:
            if other in facts:
                continue
            other, holds = _holds(other, wanted)
            domain = self._domain(other)
            if domain is None:
                value = self.values.get(other, _ABSENT)
                if value is not _ABSENT and not holds(value):
                    return None
                continue
            listed, required = domain, {}
            if isinstance(domain, When):
                listed, required = domain.domain, dict(domain.condition)
            if isinstance(listed, tuple):  # a range has no value that a row lists
                listed = [_IN_RANGE]
            kept = [value for value in listed if holds(value)]
            if not kept:
                return None
            if len(kept) == len(listed) and holds(self.values[other]):
                continue  # it also holds if the other parameter is not active
            if len(kept) < len(listed):
                required[other] = kept
            for name, values in required.items():
                before = left.get(name, values)
                left[name] = [value for value in values if _is_among(value, before)]
        return left if all(left.values()) else None


_NEEDED = {"m", "m/p"}
"""Quantities that depend on what later steps need."""

_OF_FEATURES = {"p", "p-1", "1/p", *_NEEDED}
"""Quantities that mean little if the number of features is not known."""

_EFFORT = {"enet_tol", "max_iter", "solver", "tol"}
"""Parameters that say how a fit converges, not to what."""

_ABSENT = object()
"""Stands for the value of a parameter that this version does not have."""

_IN_RANGE = object()
"""Stands for the values of a range."""


def _holds(name: str, values: Iterable[Any]) -> tuple[str, Callable[[Any], bool]]:
    """Return the parameter of a part of a condition, and the check of its value."""
    if name.endswith("!"):
        return name[:-1], lambda value: not _is_among(value, values)
    return name, lambda value: _is_among(value, values)


def _is_among(value: Any, values: Iterable[Any]) -> bool:
    return any(equivalent(value, other) for other in values)


def _bound(bounds: Bounds, sizes: Sizes, *, low: bool) -> float:
    """Return the tightest bound, rounded into the range."""
    found = (max if low else min)(quantity(*bound, sizes) for bound in bounds)
    if any(name for _, name in bounds):
        found = _rounded(found, math.ceil if low else math.floor)
    return found


def _rounded(number: float, towards: Callable[[float], int]) -> float:
    if number == 0 or not math.isfinite(number):
        return number
    # 1e-9: a number with no more than these digits must keep the last one.
    exponent = DIGITS - 1 - math.floor(math.log10(abs(number)))
    nudge = 1e-9 if towards is math.floor else -1e-9
    digits = towards(number * 10.0**exponent + nudge)
    return float(f"{digits}e{-exponent}")


def _float_domain(row: Row, sizes: Sizes) -> Any:
    low = _bound(row.low, sizes, low=True)
    high = _bound(row.high, sizes, low=False)
    if low >= high:
        return [float(high)]
    ends = (float(low), float(high))
    return (*ends, "log-uniform") if row.log else ends


def _int_domain(row: Row, sizes: Sizes) -> Any:
    low = math.ceil(max(quantity(*bound, sizes) for bound in row.low))
    high = math.floor(min(quantity(*bound, sizes) for bound in row.high))
    if low >= high:
        return [low]
    return (low, high, "log-uniform") if row.log else (low, high)


def _choice_domain(row: Row, sizes: Sizes) -> Any:
    return list(row.values)


_DOMAINS: dict[str, Callable[[Row, Sizes], Any]] = {
    "float": _float_domain,
    "int": _int_domain,
    "choice": _choice_domain,
}
