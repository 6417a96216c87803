"""Hypothesis strategies, for the tests of this package and of code that builds on it.

They need hypothesis: `pip install sklearn-tuners[testing]`. No other module imports
this one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy import stats

from sklearn_tuners._space.conditions import When
from sklearn_tuners._space.dimensions import MAX_TABLE
from sklearn_tuners._space.space import Space

__all__ = ["params_of", "search_spaces"]

_NAMES = ("C", "alpha", "gamma", "kernel", "max_depth")


def search_spaces(
    *,
    names: Sequence[str] = _NAMES,
    max_branches: int = 3,
    finite: bool = False,
    conditions: bool = True,
) -> st.SearchStrategy[Any]:
    """Search spaces as a user writes them, in all dialects that need no other package.

    Parameters
    ----------
    names : sequence of str, default=("C", "alpha", "gamma", "kernel", "max_depth")
        Parameters to choose from.
    max_branches : int, default=3
        Largest number of dicts in a list of dicts. 1: always a dict.
    finite : bool, default=False
        Whether to draw only spaces that can be enumerated, of some thousand points.
    conditions : bool, default=True
        Whether some of the parameters may be conditional, see `When`.

    Returns
    -------
    strategy of dict or list of dicts
        Values for the parameter `param_distributions` of `BayesSearchCV`.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(search_spaces(finite=True, max_branches=1))
    ... def test_is_a_dict(space):
    ...     assert isinstance(space, dict)
    >>> test_is_a_dict()
    """
    dimensions = _finite_dimensions()
    if not finite:
        dimensions |= _infinite_dimensions()
    dicts = st.dictionaries(
        st.sampled_from(names), dimensions, min_size=1, max_size=3 if finite else 5
    )
    if conditions:
        dicts |= dicts.flatmap(_with_conditions)
    if max_branches == 1:
        return dicts
    return dicts | st.lists(dicts, min_size=1, max_size=max_branches)


def params_of(
    space: Space | Mapping[str, Any] | Sequence[Mapping[str, Any]],
) -> st.SearchStrategy[dict[str, Any]]:
    """Parameters from a search space.

    Parameters
    ----------
    space : Space, dict or list of dicts
        The space to draw from.

    Returns
    -------
    strategy of dict

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(params_of({"C": (1, 10), "kernel": ["rbf", None]}))
    ... def test_is_inside(params):
    ...     assert 1 <= params["C"] <= 10
    >>> test_is_inside()
    """
    parsed = space if isinstance(space, Space) else Space.parse(space)
    rows = st.lists(st.floats(0.0, 1.0), min_size=parsed.n_dims, max_size=parsed.n_dims)
    return rows.map(lambda q: parsed.decode(parsed.quantile(np.array([q]))[0]))


@st.composite
def _with_conditions(draw: st.DrawFn, spec: dict[str, Any]) -> dict[str, Any]:
    """Draw conditions for some parameters of a dict, on parameters before them.

    A condition takes its values from points of the parameters before, so that it holds
    somewhere.
    """
    names = draw(st.permutations(sorted(spec)))
    made = {names[0]: spec[names[0]]}
    for name in names[1:]:
        made[name] = domain = spec[name]
        if draw(st.booleans()):
            before = Space.parse(
                {other: made[other] for other in made if other != name}
            )
            points = draw(st.lists(params_of(before), min_size=1, max_size=3))
            own = before.branches[0].dimensions
            usable = [o for o in points[0] if own[o].n_levels <= MAX_TABLE]
            if usable:
                others = draw(
                    st.lists(
                        st.sampled_from(usable), min_size=1, max_size=2, unique=True
                    )
                )
                condition = {o: [p[o] for p in points if o in p] for o in others}
                made[name] = When(domain, condition)
    return made


def _finite_dimensions() -> st.SearchStrategy[Any]:
    """Draw lists of numbers or of anything, ranges, bounded discrete distributions."""
    numbers = st.integers(-100, 100) | st.floats(-1e6, 1e6)
    positive = st.integers(-8, 8).map(lambda k: 10.0**k)
    anything = st.sampled_from(
        [None, True, False, 0, 1, 1.0, "rbf", "", (50,), (50, 20), np.float64(3)]
    )
    bounds = st.tuples(st.integers(1, 50), st.integers(1, 12))
    return st.one_of(
        st.lists(numbers, min_size=1, max_size=8),
        st.lists(positive, min_size=1, max_size=8),
        st.lists(anything, min_size=1, max_size=6),
        st.lists(numbers, min_size=1, max_size=8).map(np.array),
        st.builds(range, st.integers(0, 5), st.integers(6, 30), st.integers(1, 5)),
        bounds.map(lambda b: (b[0], b[0] + b[1])),
        bounds.map(lambda b: (b[0], b[0] + b[1], "log-uniform")),
        bounds.map(lambda b: stats.randint(b[0], b[0] + b[1])),
        bounds.map(lambda b: stats.binom(b[1], 0.3)),
    )


def _infinite_dimensions() -> st.SearchStrategy[Any]:
    """Draw ranges of floats, distributions, integer ranges too long to enumerate."""
    low = st.floats(1e-6, 1e3)
    ratio = st.floats(1.5, 1e6)
    pairs = st.tuples(low, ratio).map(lambda p: (p[0], p[0] * p[1]))
    scale = st.floats(1e-3, 1e3)
    return st.one_of(
        pairs,
        pairs.map(lambda p: (*p, "log-uniform")),
        pairs.map(lambda p: stats.loguniform(*p)),
        st.builds(stats.uniform, st.floats(-1e3, 1e3), scale),
        st.builds(stats.norm, st.floats(-10, 10), st.floats(0.1, 100)),
        st.builds(stats.expon, scale=scale),
        st.builds(stats.poisson, st.floats(0.1, 100)),
        st.builds(stats.randint, st.just(1), st.integers(10**4, 10**9)),
        st.integers(10**4, 10**9).map(lambda high: (1, high, "log-uniform")),
    )
