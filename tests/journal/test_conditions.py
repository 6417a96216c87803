"""Conditions in the journal: params, the identity of a space, a resumed search."""

import numpy as np
import pytest
from hypothesis import given, settings
from scipy import stats
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from sklearn_tuners import BayesSearchCV, When
from sklearn_tuners._journal.identity import identify_space
from sklearn_tuners._journal.journal import JournaledTrial
from sklearn_tuners._journal.records import params_from_record, point_to_record
from sklearn_tuners._space.space import Space
from sklearn_tuners._space.values import same_value
from sklearn_tuners.testing import search_spaces

X, y = load_iris(return_X_y=True)


@settings(max_examples=30)
@given(search_spaces())
def test_plain_params_come_back(spec):
    space = Space.parse(spec)
    for u in space.quantile(np.random.default_rng(0).random((4, space.n_dims))):
        params = space.decode(u)
        record = point_to_record(space.point(params))
        back = params_from_record(space, JournaledTrial(0, outcomes={}, **record))
        assert list(back) == list(params)
        assert all(same_value(back[name], params[name]) for name in params)


def test_the_condition_is_part_of_what_a_space_is_known_by():
    specs = [
        {"a": [1, 2, 3], "b": [1, 2]},
        {"a": [1, 2, 3], "b": When([1, 2], {"a": [1]})},
        {"a": [1, 2, 3], "b": When([1, 2], {"a": [1, 2]})},
        {"a": When([1, 2, 3], {"b": [1]}), "b": [1, 2]},
    ]
    assert len({identify_space(Space.parse(spec)) for spec in specs}) == 4
    always = {"a": [1, 2, 3], "b": When([1, 2], {"a": [3, 2, 1]})}
    assert identify_space(Space.parse(always)) == identify_space(Space.parse(specs[0]))
    again = Space.parse({"a": [1, 2, 3], "b": When([1, 2], {"a": np.array([2, 1])})})
    assert identify_space(again) == identify_space(Space.parse(specs[2]))


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
