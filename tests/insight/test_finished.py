"""What is read from a finished search."""

import math
import pickle

import numpy as np
import pytest
from scipy.stats import uniform
from sklearn.linear_model import Ridge

from sklearn_tuners._insight.finished import Facts, scale_of
from sklearn_tuners._space.space import Space


class Words:
    """Draws one of many words, and has nothing but `rvs`."""

    def rvs(self, random_state=None):
        return "".join(random_state.choice(list("xyz"), size=12))


class Finished:
    """A fitted search in which all scores are equal."""

    estimator, refit, scoring = Ridge(), True, None

    def __init__(self, distributions, params):
        self.param_distributions = distributions
        scores = {f"split{k}_test_score": np.ones(len(params)) for k in range(2)}
        self.cv_results_ = {
            "params": params,
            "mean_test_score": np.ones(len(params)),
            **scores,
        }


def facts_of(search):
    return Facts.of(search, metric=None, directions=None, test_share=None)


def test_the_space_of_the_search_is_used():
    given = {"word": Words()}
    space = Space.parse(given, random_state=7)
    rows = space.quantile(np.random.default_rng(0).random((9, 1)))
    search = Finished(given, [space.decode(row) for row in rows])
    search.space_ = space
    facts = facts_of(search)
    assert facts.space is space
    np.testing.assert_array_equal(facts.U, rows)


def test_a_parsed_space_survives_pickling():
    given = {"word": Words(), "number": uniform(0, 1)}
    space = Space.parse(given, random_state=7)
    row = space.quantile(np.full((1, 2), 0.3))[0]
    copy = pickle.loads(pickle.dumps(space))
    assert copy.decode(row) == space.decode(row)


def test_the_space_of_another_search_has_what_it_tried():
    rng = np.random.RandomState(7)
    words = [Words().rvs(rng) for _ in range(30)]
    given = [{"word": Words()}, {"number": uniform(0, 1)}]
    params = [{"word": word} for word in words] + [{"number": 0.3}]
    facts = facts_of(Finished(given, params))
    assert facts.space.n_distinct == math.inf  # others may be drawn
    assert [facts.space.decode(u) for u in facts.U[:30]] == params[:30]


def test_a_space_without_what_was_tried_is_not_understood():
    facts = facts_of(Finished({"word": ["a", "b"]}, [{"word": "c"}]))
    assert facts.space is None
    assert "word" in facts.why_no_space


def test_a_search_without_a_space_is_not_understood():
    search = Finished({}, [{"word": "c"}])
    del search.param_distributions
    facts = facts_of(search)
    assert facts.space is None
    assert facts.why_no_space.startswith("Finished has no param_distributions")


@pytest.mark.parametrize(
    ("metric", "n_classes", "score", "skill"),
    [
        ("accuracy", 2, 0.75, 0.5),
        ("balanced_accuracy", 10, 0.1, 0.0),
        ("roc_auc", 2, 0.75, 0.5),
        ("neg_log_loss", 3, -math.log(3), 0.0),
        ("r2", None, 0.3, 0.3),
    ],
)
def test_skill(metric, n_classes, score, skill):
    assert scale_of(metric, n_classes).skill(score) == pytest.approx(skill)


@pytest.mark.parametrize("metric", ["accuracy", "neg_log_loss", "f1", "max_error", ""])
def test_scales_that_are_not_known(metric):
    assert not scale_of(metric, None).is_known
