"""What split scores say about candidates."""

import numpy as np
import pytest
from scipy.stats import ttest_rel
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.svm import SVC

from sklearn_tuners._split_scores import (
    comparable_rows,
    indistinguishable,
    metric_of,
    paired_errors,
    residual_variance,
    selection_bias,
    split_scores,
    standard_error,
)


def test_split_scores_are_those_of_the_search():
    X, y = load_iris(return_X_y=True)
    search = GridSearchCV(SVC(), {"C": [1, 10]}, cv=4, return_train_score=True)
    results = search.fit(X, y).cv_results_
    S = split_scores(results)
    assert S.shape == (2, 4)
    np.testing.assert_allclose(S[0], cross_val_score(SVC(), X, y, cv=4))
    train = split_scores(results, kind="train")
    np.testing.assert_allclose(train.mean(axis=1), results["mean_train_score"])
    assert split_scores(results, "f1").size == 0


def test_metric_is_found_or_asked_for():
    several = {"mean_test_a": [1.0], "mean_test_b": [1.0]}
    assert metric_of({"mean_test_a": [1.0]}) == "a"
    assert metric_of(several, "b") == "b"
    with pytest.raises(ValueError, match=r"give one of \['a', 'b'\]"):
        metric_of(several)
    with pytest.raises(ValueError, match="metric='c' is not in the results"):
        metric_of(several, "c")


def test_the_only_metric_of_a_search_has_no_name():
    assert metric_of({"mean_test_score": [1.0]}, "roc_auc") == "score"


def test_paired_errors_are_those_of_the_corrected_t_test():
    rng = np.random.default_rng(0)
    S = rng.normal(size=(3, 5))
    behind, error = paired_errors(S, reference=1)
    plain = ttest_rel(S[1], S[0]).statistic
    # The plain t statistic has 1 / K where the corrected one has 1 / K + 1 / (K - 1).
    corrected = plain / np.sqrt((1 / 5 + 1 / 4) * 5)
    assert behind[0] / error[0] == pytest.approx(corrected)
    assert behind[1] == error[1] == 0.0


def test_what_is_common_to_all_candidates_cancels():
    rng = np.random.default_rng(1)
    S = rng.normal(scale=0.01, size=(4, 5))
    shifted = S + np.array([0.0, 5.0, -3.0, 1.0, 9.0])
    for a, b in zip(paired_errors(S, 0), paired_errors(shifted, 0), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_share_of_the_test_set():
    D = np.array([0.1, 0.0, 0.3, 0.1])
    expected = np.sqrt((1 / 4 + 0.1 / 0.9) * D.var(ddof=1))
    assert standard_error(D, rho=0.1) == pytest.approx(expected)


def test_the_standard_error_is_that_of_automatic_termination():
    """Makarova et al. (2022) have 1 / K + 1 / (K - 1) as the factor."""
    scores = np.array([0.90, 0.94, 0.92, 0.95, 0.89])
    expected = np.sqrt((1 / 5 + 1 / 4) * scores.var(ddof=1))
    assert standard_error(scores) == pytest.approx(expected)
    assert standard_error(scores[:1]) == 0.0


def test_one_split_says_nothing_about_noise():
    S = np.array([[0.9], [0.9], [0.8]])
    assert indistinguishable(S, 0).tolist() == [True, True, False]


def test_rounding_errors_are_not_differences():
    S = np.array([[0.1 + 0.2, 0.5], [0.3, 0.5]])
    assert paired_errors(S, 0)[0][1] == 0.0


def test_incomplete_candidates_are_not_compared():
    S = np.array([[0.9, np.nan], [0.8, 0.7], [np.inf, 0.7]])
    assert comparable_rows({}, S).tolist() == [False, True, False]


def test_the_corrected_test_holds_its_level():
    """Two equal candidates, training sets that overlap as in 5-fold CV."""
    rng = np.random.default_rng(2)
    wrong = 0
    for _ in range(2000):
        # Correlation rho between the differences of two folds (Nadeau and Bengio).
        D = rng.normal(size=5) * np.sqrt(0.8) + rng.normal() * np.sqrt(0.2)
        wrong += not indistinguishable(np.stack([D, np.zeros(5)]), best=0)[1]
    assert wrong / 2000 == pytest.approx(0.05, abs=0.015)


def test_selection_bias_of_noise_and_of_signal():
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(50, 5))
    best = int(noise.mean(axis=1).argmax())
    # The truth is 0, so all of the best mean score is bias.
    assert selection_bias(noise, best) == pytest.approx(noise[best].mean(), rel=0.5)
    signal = np.arange(50)[:, None] + 0.01 * noise
    assert selection_bias(signal, 49) < 0.01


def test_residuals_are_explained_by_neither_candidate_nor_split():
    rng = np.random.default_rng(4)
    S = rng.normal(size=(60, 1)) + rng.normal(size=5) + 0.1 * rng.normal(size=(60, 5))
    assert residual_variance(S) == pytest.approx(0.01, rel=0.3)
    assert residual_variance(S[:1]) == residual_variance(S[:, :1]) == 0.0


def test_all_residuals_count_if_the_best_scores_are_equal():
    S = np.tile([0.9, 0.8, 0.7], (20, 1))
    S[10:] -= np.linspace(0.1, 0.4, 30).reshape(10, 3) ** 2
    assert residual_variance(S) > 0.0
    assert residual_variance(S[:10]) == 0.0
