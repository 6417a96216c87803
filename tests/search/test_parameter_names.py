"""Whether an estimator has the parameters that a space names."""

import pytest
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    StandardScaler,
)
from sklearn.svm import SVC

from sklearn_tuners import When
from sklearn_tuners._search.parameter_names import check_parameter_names
from sklearn_tuners._space.space import Space


@pytest.mark.parametrize(
    ("changes", "culprit"),
    [
        ({"clf__degre": ["clf__kernel", "poly", [2]]}, "clf__degre"),
        ({"clf__max_dept": ["clf", 1, [2]]}, "clf__max_dept"),
        ({"clf__max_depth": ["clf", 0, [2]]}, "clf__max_depth"),
        ({"scale__with_men": ["clf", 1, [True]]}, "scale__with_men"),
        # A step with a condition is looked at with each of its values.
        ({"scale": ["clf__kernel", "poly", [StandardScaler(), PCA()]]}, "scale__copi"),
        ({"scale": ["clf", 1, [StandardScaler(), SVC()]]}, "scale__with_mean"),
    ],
)
def test_names_are_checked_where_they_count(changes, culprit):
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
