"""Tests of searches of spaces with conditions."""

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_array_equal
from scipy import stats
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.kernel_approximation import Nystroem
from sklearn.model_selection import ParameterGrid
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC

from sklearn_tuners import BayesSearchCV, When
from sklearn_tuners._journal.records import (
    params_from_plain,
    params_to_plain,
)
from sklearn_tuners._search.parameter_names import check_parameter_names
from sklearn_tuners._space.space import Space
from sklearn_tuners._space.values import same_value
from sklearn_tuners.testing import search_spaces

X, y = load_iris(return_X_y=True)


SVC_SPACE = {
    "kernel": ["rbf", "poly", "linear"],
    "degree": When([2, 3, 4], {"kernel": ["poly"]}),
    "gamma": When(stats.loguniform(1e-4, 1), {"kernel": ["rbf", "poly"]}),
}


@settings(max_examples=30)
@given(search_spaces())
def test_plain_params_come_back(spec):
    space = Space.parse(spec)
    for u in space.quantile(np.random.default_rng(0).random((4, space.n_dims))):
        params = space.decode(u)
        back = params_from_plain(space, params_to_plain(space, params))
        assert list(back) == list(params)
        assert all(same_value(back[name], params[name]) for name in params)


def test_entries_of_inactive_parameters_are_masked():
    search = BayesSearchCV(SVC(), SVC_SPACE, n_iter=8, cv=2, random_state=0).fit(X, y)
    results = search.cv_results_
    for params, kernel in zip(results["params"], results["param_kernel"], strict=True):
        assert ("degree" in params) == (kernel == "poly")
    assert_array_equal(
        np.ma.getmaskarray(results["param_degree"]), results["param_kernel"] != "poly"
    )


def test_a_small_grid_is_enumerated_like_a_list_of_dicts():
    spec = {"kernel": ["linear", "poly"], "degree": When([2, 3], {"kernel": ["poly"]})}
    search = BayesSearchCV(SVC(), param_grid=spec, cv=2).fit(X, y)
    theirs = ParameterGrid(
        [{"kernel": ["linear"]}, {"kernel": ["poly"], "degree": [2, 3]}]
    )
    made = search.cv_results_["params"]
    assert sorted(map(str, made)) == sorted(map(str, theirs))


def test_whole_estimators_as_values():
    svc, forest = SVC(), RandomForestClassifier(n_estimators=2)
    pipe = Pipeline([("scale", StandardScaler()), ("clf", GaussianNB())])
    space = {
        "clf": [svc, forest],
        "clf__C": When(stats.loguniform(1e-3, 1e3), {"clf": [svc]}),
        "clf__kernel": When(["rbf", "poly"], {"clf": [svc]}),
        "clf__degree": When([2, 3], {"clf__kernel": ["poly"]}),
        "clf__max_depth": When([None, 2, 3], {"clf": [forest]}),
    }
    search = BayesSearchCV(pipe, space, n_iter=12, cv=2, random_state=0)
    search = clone(search).fit(X, y)  # which copies the values, and the conditions
    for params in search.cv_results_["params"]:
        is_svc = isinstance(params["clf"], SVC)
        assert ("clf__C" in params) == is_svc == ("clf__max_depth" not in params)
        assert ("clf__degree" in params) == (params.get("clf__kernel") == "poly")


@pytest.mark.parametrize(
    ("changes", "culprit"),
    [
        ({"clf__degre": ["clf__kernel", "poly", [2]]}, "clf__degre"),
        ({"clf__max_dept": ["clf", 1, [2]]}, "clf__max_dept"),
        ({"clf__max_depth": ["clf", 0, [2]]}, "clf__max_depth"),
        ({"scale__with_men": ["clf", 1, [True]]}, "scale__with_men"),
        # A step with a condition is tried with each of its values.
        ({"scale": ["clf__kernel", "poly", [StandardScaler(), PCA()]]}, "scale__copi"),
        ({"scale": ["clf", 1, [StandardScaler(), SVC()]]}, "scale__with_mean"),
    ],
)
def test_names_are_checked_where_they_are_active(changes, culprit):
    values = [SVC(), RandomForestClassifier()]
    pipe = Pipeline([("scale", StandardScaler()), ("clf", SVC())])
    space = {"clf": values, "clf__kernel": When(["rbf", "poly"], {"clf": values[:1]})}
    for name, (other, value, domain) in changes.items():
        value = values[value] if other == "clf" else value
        space[name] = When(domain, {other: [value]})
    if culprit not in space:
        space[culprit] = [True]
    with pytest.raises(ValueError, match=f"parameter '{culprit}', which cannot be set"):
        check_parameter_names(Space.parse(space), pipe)


def test_a_search_goes_on_from_its_journal(tmp_path):
    svc, forest = SVC(), RandomForestClassifier(n_estimators=2, random_state=0)
    pipe = Pipeline([("clf", GaussianNB())])

    def search(n_iter, journal, condition=(svc,)):
        space = {
            "clf": [svc, forest],
            "clf__C": When(stats.loguniform(1e-3, 1e3), {"clf": list(condition)}),
            "clf__max_depth": When([2, 3], {"clf": [forest]}),
        }
        # What is proposed depends on the budget only through the first points.
        own = {"n_iter": n_iter, "n_initial_points": 4, "journal": journal}
        return BayesSearchCV(pipe, space, cv=2, random_state=0, **own)

    whole = search(10, tmp_path / "whole").fit(X, y)
    search(6, tmp_path / "parts").fit(X, y)
    resumed = search(10, tmp_path / "parts").fit(X, y)
    made = [[repr(p) for p in s.cv_results_["params"]] for s in (whole, resumed)]
    assert made[0] == made[1]
    assert any("clf__C" in params for params in made[0])
    with pytest.raises(ValueError, match="search space"):
        search(10, tmp_path / "whole", condition=(svc, forest)).fit(X, y)


def test_five_steps_with_three_variants_stay_one_dict():
    scale = [StandardScaler(), MinMaxScaler(), RobustScaler()]
    expand = [
        PolynomialFeatures(include_bias=False),
        Nystroem(random_state=0),
        "passthrough",
    ]
    select = [SelectKBest(), VarianceThreshold(), "passthrough"]
    reduce = [PCA(), Nystroem(random_state=1), "passthrough"]
    clf = [SVC(), GaussianNB(), RandomForestClassifier(random_state=0)]
    pipe = Pipeline(
        [(n, "passthrough") for n in ("scale", "expand", "select", "reduce")]
        + [("clf", SVC())]
    )
    space = {
        "scale": scale,
        "scale__with_mean": When([True, False], {"scale": scale[:1]}),
        "scale__with_centering": When([True, False], {"scale": scale[2:]}),
        "expand": expand,
        "expand__interaction_only": When([True, False], {"expand": expand[:1]}),
        "expand__n_components": When((5, 20), {"expand": expand[1:2]}),
        "select": select,
        "select__k": When([2, 3, 4], {"select": select[:1]}),
        "select__threshold": When((0.0, 1e-4), {"select": select[1:2]}),
        "reduce": reduce,
        "reduce__n_components": When([1, 2], {"reduce": reduce[:2]}),
        "reduce__whiten": When([True, False], {"reduce": reduce[:1]}),
        "clf": clf,
        "clf__C": When(stats.loguniform(1e-2, 1e3), {"clf": clf[:1]}),
        "clf__var_smoothing": When(stats.loguniform(1e-9, 1), {"clf": clf[1:2]}),
        "clf__kernel": When(["rbf", "poly"], {"clf": clf[:1]}),
        "clf__degree": When([2, 3], {"clf__kernel": ["poly"]}),
        "clf__n_estimators": When((2, 10), {"clf": clf[2:]}),
    }
    parsed = Space.parse(space)
    assert (parsed.n_branches, parsed.n_dims) == (1, len(space))
    search = BayesSearchCV(pipe, space, n_iter=20, cv=2, random_state=0)
    search.fit(X, y)
    assert search.best_score_ > 0.9
    made = search.cv_results_["params"]
    assert len({parsed.key(parsed.encode(params)) for params in made}) == 20
    variants = {
        (name, str(params[name])) for params in made for name in pipe.named_steps
    }
    assert len(variants) == 15  # each was tried
