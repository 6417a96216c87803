"""What we use of scikit-learn's and joblib's privates, against each version."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer

from sklearn_tuners._compat.sklearn import _NoCallbacks, fit_and_score


def test_fit_and_score_on_this_version():
    X = np.r_[np.zeros((10, 1)), np.ones((10, 1))]
    y = np.repeat([0, 1], 10)
    outcome, stop = fit_and_score(
        LogisticRegression(),
        X,
        y,
        task=_task(),
        caller=None,
        parameters={"C": 10.0},
        train=np.arange(0, 20, 2),
        test=np.arange(1, 20, 2),
        scorer=get_scorer("accuracy"),
        fit_params=None,
        score_params=None,
        return_train_score=True,
        error_score=np.nan,
        verbose=0,
        split_progress=(0, 1),
        candidate_progress=(0, 1),
    )
    assert outcome["test_scores"] == outcome["train_scores"] == 1.0
    assert outcome["n_test_samples"] == 10
    assert outcome["fit_error"] is None
    assert outcome["fit_time"] >= 0
    assert stop is False


def _task():
    from sklearn_tuners._bayes_search import BayesSearchCV

    search = BayesSearchCV(LogisticRegression(), {"C": [1]})
    root = search._root_task(n_phases=2)
    task = search._search_task(root, 1)
    return task.subcontext(task_name="candidate-split-evaluation", task_id=0)


def test_versions_without_callbacks_get_a_tree_that_does_nothing():
    task = _NoCallbacks()
    assert (
        task.subcontext(task_name="search").call_on_fit_task_begin(estimator=None)
        is task
    )
    assert task.call_on_fit_task_end(estimator=None) is False
    with task.propagate_callback_context(None):
        pass
