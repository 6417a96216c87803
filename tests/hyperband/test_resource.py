"""Rows, epochs and integer parameters: what is accepted, and which rows a rung has."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_breast_cancer, make_regression
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LassoLars,
    LassoLarsIC,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
    SGDClassifier,
    SGDOneClassSVM,
)
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_tuners import HyperbandSearchCV
from sklearn_tuners._hyperband.resource import (
    auto_resource,
    check_resource,
    first_rows,
    full_value,
    label_codes,
    labels_of,
    least_samples,
    least_sensible,
    n_rows_with_all_labels,
    nested_order,
    resolved_settings,
    scale_factors,
    smallest_samples,
    stratifies,
    subset,
    synonyms,
)

SHARES = [Fraction(1, 27), Fraction(1, 9), Fraction(1, 3), Fraction(2, 3), Fraction(1)]
LABELS = st.lists(st.integers(0, 3), min_size=2, max_size=60)


def rng():
    return np.random.default_rng(0)


def has_two_of_each(labels, everything):
    """Whether each label is there twice, or once where there is only one."""
    counts = Counter(labels.tolist())
    return all(counts[v] >= min(n, 2) for v, n in Counter(everything.tolist()).items())


def subsets(train, y, **kwargs):
    """Rows of each rung, from the smallest share on."""
    codes = None if y is None else label_codes(y)
    order = nested_order(train, codes, rng=rng(), **kwargs)
    return [subset(order, s, None if y is None else codes[order]) for s in SHARES]


@given(LABELS, st.sampled_from(["plain", "labels", "series"]))
def test_a_larger_subset_contains_the_smaller_one(labels, kind):
    y = np.array(labels)
    n = len(y)
    train = np.arange(n)[::2] if n > 3 else np.arange(n)
    found = subsets(train, y if kind == "labels" else None, is_series=kind == "series")
    for small, large in pairwise(found):
        assert set(small) <= set(large)
    assert_array_equal(found[-1], np.sort(train))
    for rows, share in zip(found, SHARES, strict=True):
        assert (np.diff(rows) > 0).all()
        assert len(rows) >= max(1, int(len(train) * share))
        if kind == "labels":
            assert has_two_of_each(y[rows], y[train])
        else:
            assert len(rows) == max(1, int(len(train) * share))


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=2, max_size=60
    ),
    is_labelled=st.booleans(),
    shares=st.lists(st.fractions(0, 1), min_size=2, max_size=5).map(sorted),
)
def test_subsets_with_groups_are_nested_and_of_whole_groups(rows, is_labelled, shares):
    y, groups = np.array(rows).T
    train = np.arange(len(y))[:: 2 if len(y) > 3 else 1]
    codes = label_codes(y) if is_labelled else None
    order = nested_order(train, codes, groups=groups, rng=rng())
    labels = codes[order] if is_labelled else None
    found = [subset(order, share, labels, groups[order]) for share in shares]
    for small, large in pairwise(found):
        assert set(small) <= set(large)
    sizes = {g: np.count_nonzero(groups[train] == g) for g in set(groups[train])}
    for chosen, share in zip(found, shares, strict=True):
        taken = set(groups[chosen])
        assert len(chosen) == sum(sizes[g] for g in taken) > 0
        # One group less would be too few: none at all, or without some label.
        if len(chosen) > len(train) * share:
            last = groups[[row for row in order if row in set(chosen)][-1]]
            rest = chosen[groups[chosen] != last]
            is_short = is_labelled and not has_two_of_each(y[rest], y[train])
            assert not len(rest) or is_short
        # One more would be too many.
        following = [groups[row] for row in order if groups[row] not in taken]
        if following:
            assert len(chosen) + sizes[following[0]] > len(train) * share
        if is_labelled:
            assert has_two_of_each(y[chosen], y[train])


def test_labels_are_in_proportion():
    y = np.repeat([0, 1, 2], [60, 30, 10])
    order = nested_order(np.arange(100), label_codes(y), rng=rng())
    for share in (Fraction(1, 5), Fraction(1, 2), Fraction(3, 4)):
        rows = subset(order, share, label_codes(y)[order])
        counts = np.bincount(y[rows])
        assert len(rows) == 100 * share
        assert_allclose(counts, np.array([60, 30, 10]) * float(share), atol=1.5)


@pytest.mark.parametrize("rare", [[17], [17, 600], [17, 600, 900]])
def test_a_rare_label_is_twice_in_every_subset_if_it_can_be(rare):
    y = np.zeros(1000, dtype=int)
    y[rare] = 1
    order = nested_order(np.arange(1000), label_codes(y), rng=rng())
    rows = subset(order, Fraction(4, 1000), label_codes(y)[order])
    assert len(rows) == 4
    assert len({*rows} & {*rare}) == min(len(rare), 2)


def test_the_order_is_random_but_follows_the_generator():
    train = np.arange(50)
    first = nested_order(train, None, rng=rng())
    assert_array_equal(first, nested_order(train, None, rng=rng()))
    assert (first != train).any()
    other = nested_order(train, None, rng=np.random.default_rng(1))
    assert (first != other).any()


def test_the_latest_rows_of_a_series():
    train = np.arange(30)
    order = nested_order(train, None, is_series=True, rng=rng())
    assert_array_equal(subset(order, Fraction(1, 3), None), np.arange(20, 30))


def test_a_series_with_labels_reaches_back_until_all_are_there():
    y = np.zeros(30, dtype=int)
    y[5] = 1
    order = nested_order(np.arange(30), label_codes(y), is_series=True, rng=rng())
    assert_array_equal(
        subset(order, Fraction(1, 3), label_codes(y)[order]), np.arange(5, 30)
    )


def test_groups_come_one_after_the_other():
    groups = np.tile(np.arange(6), 10)
    order = nested_order(np.arange(60), None, groups=groups, rng=rng())
    changes = np.count_nonzero(np.diff(groups[order]))
    assert changes == 5
    for share in (Fraction(1, 6), Fraction(1, 2)):
        rows = subset(order, share, None)
        assert len(set(groups[rows])) == 6 * share


def test_the_first_groups_show_every_label():
    groups = np.repeat(np.arange(10), 10)
    y = np.zeros(100, dtype=int)
    y[groups == 7] = 1
    y[groups == 3] = 2
    order = nested_order(np.arange(100), label_codes(y), groups=groups, rng=rng())
    assert {3, 7} <= set(groups[order[:30]])
    assert set(y[subset(order, Fraction(3, 10), label_codes(y)[order])]) == {0, 1, 2}


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 2), st.booleans(), st.sampled_from("ab")),
        min_size=1,
        max_size=40,
    ),
    groups=st.none() | st.integers(1, 5),
)
def test_every_label_of_every_column_is_in_every_subset(rows, groups):
    n = len(rows)
    codes = label_codes(np.array(rows, dtype=object))
    assert [len(set(c)) for c in codes.T] == [
        len(set(c)) for c in zip(*rows, strict=True)
    ]
    assert set(codes.ravel()) == set(range(len(set(codes.ravel()))))
    groups = None if groups is None else np.arange(n) % groups
    order = nested_order(np.arange(n), codes, groups=groups, rng=rng())
    assert sorted(order) == list(range(n))
    for share in SHARES:
        of_rows = None if groups is None else groups[order]
        chosen = subset(order, share, codes[order], of_rows)
        assert has_two_of_each(codes[chosen].ravel(), codes.ravel())
    if groups is None:
        n_first = len(subset(order, Fraction(1, 100), codes[order]))
        assert (
            n_first
            == len(first_rows(codes[order]))
            <= 2 * n_rows_with_all_labels(np.array(rows, dtype=object))
        )


def test_labels_of_a_sparse_target():
    y = np.array([[0, 1], [1, 1], [0, 0]])
    assert_array_equal(label_codes(csr_array(y)), label_codes(y))


# Which resource -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (HistGradientBoostingClassifier(), ("max_iter", 10)),
        (RandomForestClassifier(), ("n_estimators", 10)),
        (MLPClassifier(), ("max_iter", 10)),
        (SGDClassifier(), ("max_iter", 5)),
        (SVC(), ("n_samples", 1)),
        (Ridge(), ("n_samples", 1)),
        (
            make_pipeline(StandardScaler(), make_pipeline(RandomForestClassifier())),
            ("pipeline__randomforestclassifier__n_estimators", 10),
        ),
        (make_pipeline(StandardScaler(), "passthrough"), ("n_samples", 1)),
        (make_pipeline(RandomForestClassifier(), "passthrough"), ("n_samples", 1)),
        (make_pipeline(RandomForestClassifier(), None), ("n_samples", 1)),
    ],
)
def test_auto_picks_what_suits_the_estimator(estimator, expected):
    assert auto_resource(estimator) == expected
    assert least_sensible(estimator, expected[0]) == expected[1]


def test_auto_knows_a_subclass():
    class Mine(RandomForestClassifier):
        pass

    assert auto_resource(Mine()) == ("n_estimators", 10)


@pytest.mark.parametrize(
    ("estimator", "resource", "expected"),
    [
        (RandomForestClassifier(n_estimators=50), "n_estimators", 50),
        (RandomForestClassifier(max_depth=None), "max_depth", None),
        (SGDClassifier(max_iter=70), "n_epochs", 70),
        (make_pipeline(StandardScaler(), SGDClassifier(max_iter=7)), "n_epochs", 7),
        (
            make_pipeline(RandomForestClassifier(n_estimators=9)),
            "randomforestclassifier__n_estimators",
            9,
        ),
    ],
)
def test_the_full_value_is_the_one_of_the_estimator(estimator, resource, expected):
    assert full_value(estimator, resource) == expected


# Bad combinations ---------------------------------------------------------------------


class PartialFitOnly(BaseEstimator):
    def partial_fit(self, X, y=None):
        return self


class NoConstraints(BaseEstimator):
    def __init__(
        self,
        rounds=None,
        rate=0.5,
        kind: str | None = None,
        share: float | None = None,
        depth: int | float | None = None,
        is_quick=False,
        n_bins="auto",
        steps: Integral = 5,
        anything: Any = 5,
        weights: list[float] | None = None,
    ):
        self.steps = steps
        self.anything = anything
        self.weights = weights
        self.rounds = rounds
        self.rate = rate
        self.kind = kind
        self.share = share
        self.depth = depth
        self.is_quick = is_quick
        self.n_bins = n_bins


@pytest.mark.parametrize(
    ("estimator", "resource", "searched", "message"),
    [
        (SVC(), "n_epochs", set(), "resource='n_epochs' needs .* partial_fit.* SVC"),
        (GaussianNB(), "n_epochs", set(), "resource='n_epochs' changes .*GaussianNB"),
        (
            make_pipeline(StandardScaler(), MultinomialNB()),
            "n_epochs",
            set(),
            "changes the model of MultinomialNB",
        ),
        (SVC(), "max_itre", set(), "resource='max_itre' .* did you mean 'max_iter'"),
        (SVC(), "n_sample", set(), "did you mean 'n_samples'"),
        (
            RandomForestClassifier(),
            "n_estimators",
            {"n_estimators"},
            "resource='n_estimators' is in the search space too",
        ),
        (SVC(), "C", set(), "resource='C' must be a parameter that takes integers"),
        (
            RandomForestClassifier(),
            "bootstrap",
            set(),
            "resource='bootstrap' must be .* integers",
        ),
        (
            RandomForestClassifier(),
            "criterion",
            set(),
            "resource='criterion' must be .* integers",
        ),
        (
            make_pipeline(StandardScaler(), SVC()),
            "svc__kernel",
            set(),
            "resource='svc__kernel' must be",
        ),
        (
            make_pipeline(StandardScaler(), "passthrough"),
            "passthrough",
            set(),
            "resource='passthrough' must be",
        ),
        (make_pipeline(SVC(), "passthrough"), "passthrough__C", set(), "is not a para"),
        *[
            (NoConstraints(**given), name, set(), f"resource='{name}' must be")
            for given, name in [
                ({}, "rate"),
                ({"rate": 1}, "rate"),
                ({}, "kind"),
                ({}, "share"),
                ({}, "weights"),
                ({}, "is_quick"),
                ({}, "n_bins"),
                ({"rounds": 10.0}, "rounds"),
                ({"rounds": True}, "rounds"),
            ]
        ],
    ],
)
def test_bad_combinations_name_the_parameter(estimator, resource, searched, message):
    with pytest.raises(ValueError, match=message):
        check_resource(estimator, resource, searched)


@pytest.mark.parametrize(
    ("estimator", "resource"),
    [
        (SVC(), "n_samples"),
        (SVC(), "max_iter"),
        (RandomForestClassifier(max_depth=None), "max_depth"),
        (RandomForestClassifier(n_estimators=10.0), "n_estimators"),
        (SGDClassifier(), "n_epochs"),
        (PartialFitOnly(), "n_epochs"),
        (NoConstraints(), "rounds"),
        (NoConstraints(), "depth"),
        (NoConstraints(), "steps"),
        (NoConstraints(), "anything"),
        (NoConstraints(n_bins=8), "n_bins"),
        (
            MultiOutputRegressor(HistGradientBoostingRegressor()),
            "estimator__max_iter",
        ),
    ],
)
def test_good_ones_are_judged_by_the_constraints_not_by_the_value(estimator, resource):
    check_resource(estimator, resource, {"C"})


@pytest.mark.parametrize(
    ("package", "name", "given", "resource", "full"),
    [
        ("xgboost", "XGBClassifier", {}, "n_estimators", 100),
        ("xgboost", "XGBRegressor", {"n_estimators": 30}, "n_estimators", 30),
        ("lightgbm", "LGBMClassifier", {}, "n_estimators", 100),
        ("lightgbm", "LGBMRegressor", {"num_iterations": 30}, "num_iterations", 30),
        ("catboost", "CatBoostClassifier", {}, "iterations", 1000),
        ("catboost", "CatBoostRegressor", {"iterations": 30}, "iterations", 30),
        ("catboost", "CatBoostClassifier", {"num_trees": 30}, "num_trees", 30),
    ],
)
@pytest.mark.parametrize("is_step", [False, True])
def test_rounds_of_boosting_libraries(package, name, given, resource, full, is_step):
    estimator = getattr(pytest.importorskip(package), name)(**given)
    prefix = ""
    if is_step:
        estimator = make_pipeline(StandardScaler(), estimator)
        prefix = f"{name.lower()}__"
    found, least = auto_resource(estimator)
    assert found == prefix + resource
    assert least == least_sensible(estimator, found) > 1
    assert full_value(estimator, found) == full
    check_resource(estimator, found, {"C"})
    assert found in synonyms(estimator, found)
    for other in synonyms(estimator, found):
        with pytest.raises(ValueError, match="is in the search space too"):
            check_resource(estimator, found, {other})
        if given and other != found:
            with pytest.raises(ValueError, match=f"is another name of '{resource}'"):
                check_resource(estimator, other, set())


@pytest.mark.parametrize(
    ("package", "name", "resource"),
    [
        ("xgboost", "XGBClassifier", "learning_rate"),
        ("xgboost", "XGBClassifier", "booster"),
        ("lightgbm", "LGBMClassifier", "subsample"),
        ("lightgbm", "LGBMClassifier", "boosting_type"),
        ("catboost", "CatBoostClassifier", "learning_rate"),
        ("catboost", "CatBoostRegressor", "l2_leaf_reg"),
        ("catboost", "CatBoostRegressor", "eta"),
        ("catboost", "CatBoostClassifier", "loss_function"),
        ("catboost", "CatBoostClassifier", "verbose"),
        ("xgboost", "XGBClassifier", "callbacks"),
    ],
)
def test_what_libraries_take_no_integer_for(package, name, resource):
    estimator = getattr(pytest.importorskip(package), name)()
    with pytest.raises(ValueError, match=f"resource='{resource}' must be .* integers"):
        check_resource(estimator, resource, set())


def test_xgboost_makes_its_own_number_of_rounds_unless_it_is_searched():
    xgboost = pytest.importorskip("xgboost")
    X, y = load_breast_cancer(return_X_y=True)
    model = xgboost.XGBClassifier(n_jobs=1, max_depth=1)
    space = {"min_child_weight": [1.0, 2.0]}
    search = HyperbandSearchCV(model, space, cv=2, brackets=1).fit(X, y)
    assert search.n_resources_ == [11, 33, 100]
    assert search.best_estimator_.get_booster().num_boosted_rounds() == 100
    plan = HyperbandSearchCV(model, {"n_estimators": [1, 2]}).plan(X, y)
    assert plan["n_resources"].max() == len(y)


def test_least_samples_are_enough_for_the_classes():
    y = np.repeat([0, 1, 2], 100)
    assert least_samples(SVC(), y, n_splits=5) == 60
    assert least_samples(SVC(), y, n_splits=20) == 120
    assert least_samples(Ridge(), y, n_splits=5) == 40
    assert least_samples(SVC(), y[:, None], n_splits=5) == 60
    assert least_samples(SVC(), np.c_[y, y > 0], n_splits=5) == 80
    assert smallest_samples(SVC(), y, n_splits=5) == 30
    assert smallest_samples(SVC(), np.c_[y, y > 0], n_splits=5) == 40
    assert smallest_samples(Ridge(), y, n_splits=5) == 10


def test_labels_are_for_classifiers():
    assert labels_of(SGDClassifier(), [2, 1, 2]).tolist() == [1, 2]
    assert labels_of(Ridge(), [2, 1, 2]) is None
    assert labels_of(SGDClassifier(), None) is None
    outputs = np.array([[0, 5], [1, 6], [0, 7]])
    pipeline = make_pipeline(StandardScaler(), MultiOutputClassifier(SGDClassifier()))
    assert [a.tolist() for a in labels_of(pipeline, outputs)] == [[0, 1], [5, 6, 7]]
    sparse = csr_array([[0, 1], [1, 1], [0, 1]])
    assert [a.tolist() for a in labels_of(pipeline, sparse)] == [[0, 1], [1]]
    indicator = np.array([[0, 1, 1], [1, 0, 0]])
    assert labels_of(MLPClassifier(), indicator).tolist() == [0, 1, 2]
    assert stratifies(SVC(), [0, 1, 1])
    assert not stratifies(Ridge(), [0, 1, 1])
    assert stratifies(SVC(), np.array([[0], [1]]))
    assert stratifies(SVC(), np.array([[0, 1], [1, 1]]))
    assert stratifies(SVC(), csr_array([[0, 1], [1, 1]]))
    assert stratifies(SVC(), np.array([[0, 1], [2, 1]]))
    assert not stratifies(SVC(), None)


# What depends on the number of rows ---------------------------------------------------


@pytest.mark.parametrize("n_samples", [9_999, 10_000, 10_001])
def test_auto_early_stopping_is_decided_by_all_rows(n_samples):
    rows = np.random.default_rng(0).integers(0, 3, size=(n_samples, 1))
    model = HistGradientBoostingRegressor(max_iter=1).fit(rows, rows.ravel())
    expected = model.do_early_stopping_
    found = resolved_settings(
        make_pipeline(StandardScaler(), HistGradientBoostingRegressor()), n_samples
    )
    assert found == {"histgradientboostingregressor__early_stopping": expected}


def test_what_was_chosen_is_left_alone():
    assert (
        resolved_settings(HistGradientBoostingClassifier(early_stopping=True), 100)
        == {}
    )
    assert resolved_settings(MLPClassifier(), 100) == {}


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (Lasso(), {"alpha": 4.0}),
        (ElasticNet(), {"alpha": 4.0}),
        (LassoLars(), {"alpha": 4.0}),
        (LassoLarsIC(), {}),  # has no alpha, though it is a LassoLars
        (QuantileRegressor(), {"alpha": 4.0}),
        (PoissonRegressor(), {"alpha": 4.0}),
        (SGDClassifier(), {"alpha": 4.0}),
        (
            make_pipeline(StandardScaler(), SGDClassifier()),
            {"sgdclassifier__alpha": 4.0},
        ),
        (MultiOutputRegressor(Lasso()), {"estimator__alpha": 4.0}),
        (Ridge(), {}),
        (LogisticRegression(), {}),
        (SVC(), {}),
        (RandomForestClassifier(), {}),
        (SGDOneClassSVM(), {}),  # has no alpha, though it is one of SGD's
    ],
)
def test_penalties_of_a_mean_grow_on_a_part_of_the_rows(estimator, expected):
    found = scale_factors(estimator, 4.0)
    assert found == expected
    assert scale_factors(estimator, 1.0) == {}
    given_ = clone(estimator).get_params()
    assert all(given_[name] == estimator.get_params()[name] for name in found)


@pytest.mark.parametrize(
    ("estimator", "is_mean"),
    [
        (Lasso(alpha=0.1), True),
        (ElasticNet(alpha=0.1), True),
        (LassoLars(alpha=0.1), True),
        (QuantileRegressor(alpha=0.05), True),
        (PoissonRegressor(alpha=0.1, tol=1e-9), True),
        (Ridge(alpha=10.0), False),
    ],
)
def test_losses_are_a_mean_if_rows_that_come_twice_change_nothing(estimator, is_mean):
    X, y = make_regression(60, 4, noise=1.0, random_state=0)
    y = np.exp(y / 100)
    once = clone(estimator).fit(X, y).coef_
    twice = clone(estimator).fit(np.vstack([X, X]), np.hstack([y, y])).coef_
    assert np.allclose(once, twice, rtol=1e-3) == is_mean
    assert bool(scale_factors(estimator, 2.0)) == is_mean
