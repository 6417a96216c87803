"""Algorithm 1 of Hyperband, against the paper and against a second implementation."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import spearmanr

from sklearn_tuners._hyperband.brackets import (
    bracket_from,
    make_brackets,
    promoted,
    rung_resources,
    unrestricted_correlation,
)

FACTORS = st.sampled_from([2, 3, 4, 1.5, 1.6, 2.2, 2.5, math.e])


def by_the_book(R: int, eta: Fraction) -> list[list[tuple[int, int]]]:
    """Algorithm 1 of the paper, line by line, in exact arithmetic; r rounded down."""
    s_max = 0
    while eta ** (s_max + 1) <= R:
        s_max += 1
    B = (s_max + 1) * R
    brackets = []
    for s in range(s_max, -1, -1):
        n = math.ceil(Fraction(B, R) * eta**s / (s + 1))
        r = R * eta**-s
        rungs = [
            (math.floor(n * eta**-i), math.floor(r * eta**i)) for i in range(s + 1)
        ]
        brackets.append(rungs)
    return brackets


def as_pairs(brackets):
    return [list(zip(b.n_candidates, b.resources, strict=True)) for b in brackets]


def test_the_brackets_of_the_paper():
    brackets = make_brackets(rung_resources(1, 81, 3), 3)
    assert [b.n_candidates[0] for b in brackets] == [81, 34, 15, 8, 5]
    assert as_pairs(brackets)[:2] == [
        [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        [(34, 3), (11, 9), (3, 27), (1, 81)],
    ]


@pytest.mark.parametrize("power", range(1, 9))
@pytest.mark.parametrize("factor", [2, 3, 5, 6, 7, 10])
def test_powers_of_the_factor_lose_no_rung(power, factor):
    """``floor(log(243, 3))`` is 4 in floating point."""
    expected = [factor**i for i in range(power + 1)]
    assert rung_resources(1, factor**power, factor) == expected


def test_a_factor_is_the_decimal_number_that_is_written():
    """The float next to 1.6 is a little larger, and would lose 160."""
    for factor in (1.6, np.float64(1.6), np.float32(1.6), Fraction(8, 5)):
        assert rung_resources(100, 256, factor) == [100, 160, 256]


def test_rungs_that_are_the_same_integer_are_one():
    assert rung_resources(1, 5, 1.5) == [1, 2, 3, 5]
    assert len(by_the_book(5, Fraction(3, 2))) == 4
    assert rung_resources(1, 9, 1.2) == [1, 2, 3, 4, 5, 6, 7, 9]
    assert len(by_the_book(9, Fraction(6, 5))) == 13


def test_rungs_of_243():
    assert rung_resources(1, 243, 3) == [1, 3, 9, 27, 81, 243]
    assert len(make_brackets(rung_resources(1, 243, 3))) == 6


@given(R=st.integers(1, 3000), factor=FACTORS)
def test_brackets_are_those_of_a_second_implementation(R, factor):
    eta = Fraction(str(factor))
    expected = by_the_book(R, eta)
    # A factor below 2 gives several rungs the same integer; they are one here.
    assume(all(len({r for _, r in b}) == len(b) for b in expected))
    found = as_pairs(make_brackets(rung_resources(1, R, factor), factor))
    assert [[r for _, r in b] for b in found] == [[r for _, r in b] for b in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert [n for n, _ in ours] == [max(n, 1) for n, _ in theirs]


@given(
    bounds=st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)).map(sorted),
    factor=FACTORS,
)
def test_rungs_rise_to_the_full_resource(bounds, factor):
    least, largest = bounds
    rungs = rung_resources(least, largest, factor)
    assert all(type(r) is int for r in rungs)
    assert rungs[-1] == largest
    parts = {math.floor(largest / Fraction(str(factor)) ** k) for k in range(40)}
    assert rungs == sorted(part for part in parts if part >= least)
    for bracket in make_brackets(rungs, factor):
        assert all(type(n) is int for n in bracket.n_candidates)
        assert list(bracket.resources) == rungs[-len(bracket.resources) :]
        assert list(bracket.n_candidates) == sorted(bracket.n_candidates, reverse=True)
        assert bracket.n_candidates[-1] >= 1


@given(n=st.integers(1, 200), fewer=st.integers(1, 200), factor=FACTORS)
def test_a_bracket_of_fewer_candidates(n, fewer, factor):
    bracket = bracket_from(n, [1, 3, 9], factor)
    shrunk = bracket.limited_to(fewer, factor)
    assert shrunk.resources == bracket.resources
    assert shrunk.n_candidates[0] == min(n, fewer)
    assert all(
        a <= b for a, b in zip(shrunk.n_candidates, bracket.n_candidates, strict=True)
    )


def test_a_single_rung():
    assert as_pairs(make_brackets(rung_resources(50, 50))) == [[(1, 50)]]
    assert rung_resources(40, 50, 3) == [50]


@given(
    scores=st.lists(
        st.sampled_from([0.0, 0.5, 1.0, math.nan, math.inf, -math.inf]), max_size=12
    ),
    n=st.integers(0, 12),
)
def test_who_is_promoted(scores, n):
    by_candidate = dict(enumerate(scores))
    chosen = promoted(by_candidate, n)
    finite = [c for c in by_candidate if math.isfinite(by_candidate[c])]
    assert len(chosen) == min(n, len(finite))
    assert set(chosen) <= set(finite)
    keys = [(-by_candidate[c], c) for c in chosen]
    assert keys == sorted(keys)
    left = [(-by_candidate[c], c) for c in finite if c not in chosen]
    assert not keys or not left or max(keys) < min(left)


def test_the_correlation_of_all_is_estimated_from_the_best():
    rng = np.random.default_rng(0)
    found, naive, true = [], [], []
    for _ in range(200):
        low = rng.normal(size=243)
        high = 0.7 * low + 0.5 * rng.normal(size=243)
        best = np.argsort(-low)[:81]
        found.append(unrestricted_correlation(low, low[best], high[best]))
        naive.append(spearmanr(low[best], high[best]).statistic)
        true.append(spearmanr(low, high).statistic)
    assert np.mean(naive) < np.mean(true) - 0.2
    assert_allclose(np.mean(found), np.mean(true), atol=0.05)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([5.0, 6.0, 7.0], [1.0, 2.0, 3.0], 1.0),
        ([5.0, 6.0, 7.0], [3.0, 2.0, 1.0], -1.0),
        ([5.0, 6.0, 7.0], [1.0, 1.0, 1.0], math.nan),
        ([5.0, 5.0, 5.0], [1.0, 2.0, 3.0], math.nan),
    ],
)
def test_correlations_of_extremes(before, after, expected):
    found = unrestricted_correlation(np.arange(9.0), np.array(before), np.array(after))
    assert_allclose(found, expected)
