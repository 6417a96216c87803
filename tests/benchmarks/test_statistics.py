"""The tests over folds and pairs, against scipy's."""

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_1samp

from benchmarks.core import statistics


def test_wilson():
    expected = binomtest(23, 30).proportion_ci(method="wilson")
    assert statistics.wilson(23 / 30, 30) == pytest.approx(tuple(expected))


def test_holm():
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx(
        [0.03, 0.06, 0.06, 0.02]
    )
    assert statistics.holm([0.7, 0.6]) == [1.0, 1.0]


def test_corrected_t_is_the_usual_one_with_a_larger_variance():
    d = np.random.default_rng(0).normal(0.3, 1.0, 15)
    inflated = d.mean() + (d - d.mean()) * np.sqrt(1 + 15 / 4)
    assert statistics.corrected_t(d) == pytest.approx(ttest_1samp(inflated, 0).pvalue)
    assert statistics.corrected_t(np.zeros(15)) == 1.0


@pytest.mark.parametrize(
    ("differences", "expected"),
    [([0.0, 0.0], "tie"), ([0.1, -0.05], "win"), ([-0.1, 0.05], "loss")],
)
def test_verdict(differences, expected):
    assert statistics.verdict(np.array(differences)) == expected


def test_mean_and_error():
    assert statistics.mean_and_error([1.0, 3.0], digits=1) == "2.0 ± 1.0"
    assert statistics.mean_and_error([1.0], digits=1) == "1.0 ± nan"


def test_ratio_and_error():
    ratio, error = statistics.ratio_and_error([1.0, 4.0], [2.0, 2.0])
    assert ratio == pytest.approx(1.0)
    assert error == pytest.approx(np.exp(np.log(2) / np.sqrt(2)))
