"""What `HyperbandSearchCV` chooses by itself."""

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.linear_model import SGDClassifier

from sklearn_tuners import HyperbandSearchCV

X = np.random.default_rng(0).random((6000, 2))
y = (X[:, 0] > X[:, 1]).astype(int)


@pytest.mark.parametrize(
    ("resource", "largest", "rungs"),
    [("n_epochs", 81, [9, 27, 81]), ("n_samples", "auto", [666, 2000, 6000])],
)
def test_by_itself_a_search_has_three_brackets_at_the_most(resource, largest, rungs):
    search = HyperbandSearchCV(
        SGDClassifier(),
        {"alpha": loguniform(1e-6, 1e-1)},
        resource=resource,
        max_resources=largest,
    )
    plan = search.plan(X, y)
    assert plan["bracket"].nunique() == 3
    assert plan.loc[plan["bracket"] == 0, "n_resources"].tolist() == rungs


def test_more_brackets_can_be_had():
    search = HyperbandSearchCV(
        SGDClassifier(),
        {"alpha": loguniform(1e-6, 1e-1)},
        resource="n_epochs",
        min_resources=1,
        max_resources=81,
    )
    assert search.plan(X, y)["bracket"].nunique() == 5
