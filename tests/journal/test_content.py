"""Digests: equal for equal content in every process, different for any other."""

import functools
import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import dirichlet, norm, randint, rv_discrete, rv_histogram
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from sklearn_tuners._journal.content import UnknownContentError, digest

SCRIPT = Path(__file__).with_name("script_of_objects.py")
ROOT = Path(__file__).parents[2]


def start_script(constant, seed):
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), constant],
        env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def digests():
    """By name: those of a script, of another run of it, and of one with an edit."""
    runs = [start_script(*args) for args in (("3", "0"), ("3", "1"), ("4", "0"))]
    texts = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0]
    return [dict(line.split(" ", 1) for line in text.splitlines()) for text in texts]


def test_objects_of_a_script_are_the_same_in_another_process(digests):
    ours, again, _ = digests
    assert len(ours) > 50
    assert [name for name in ours if not ours[name].endswith(" same")] == []
    assert again == ours


def test_a_constant_that_was_edited_is_noticed_wherever_it_stands(digests):
    ours, _, edited = digests
    assert [name for name in ours if edited[name] == ours[name]] == []


# Containers ---------------------------------------------------------------------------

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from([0.0, -0.0, 1.0, 2.0, float("nan"), 1j])
    | st.text("ab", max_size=2)
    | st.binary(max_size=1)
)
hashable = st.recursive(
    scalars,
    lambda inner: st.frozensets(inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=5,
)
values = st.recursive(
    hashable | st.sets(hashable, max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(hashable, inner, max_size=3)
    ),
    max_leaves=8,
)


def written(value):
    """Return a text that two values have in common if and only if they are the same."""
    kind = type(value).__name__
    if isinstance(value, dict):
        items = sorted(f"{written(key)}: {written(value[key])}" for key in value)
        return f"{kind}({', '.join(items)})"
    if isinstance(value, set | frozenset):
        return f"{kind}({', '.join(sorted(map(written, value)))})"
    if isinstance(value, list | tuple):
        return f"{kind}({', '.join(map(written, value))})"
    return f"{kind} {value!r}"


def rebuilt(value):
    """Return an equal value that shares no part, dicts and sets in reverse order."""
    if isinstance(value, dict):
        return {rebuilt(key): rebuilt(value[key]) for key in reversed(value)}
    if isinstance(value, list | tuple | set | frozenset):
        parts = [rebuilt(part) for part in value]
        return type(value)(reversed(parts) if isinstance(value, set) else parts)
    if isinstance(value, str):
        return "".join(list(value))
    return value


@given(values)
def test_neither_order_nor_shared_parts_matter(value):
    assert digest(rebuilt(value)) == digest(value)
    assert digest([value, value]) == digest([value, rebuilt(value)])


@given(values, values)
def test_digests_are_equal_if_and_only_if_values_are(one, other):
    assert (digest(one) == digest(other)) == (written(one) == written(other))


@given(values, st.integers(0, 20))
def test_a_change_far_inside_is_noticed(value, depth):
    one, other = [value], [value, value]
    for level in range(depth):
        one, other = ({"a": one}, {"a": other}) if level % 2 else ([one], [other])
    assert digest(one) != digest(other)


# Arrays and frames are read in the script ---------------------------------------------

rows = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize(
    "other",
    [
        rows.copy(order="F"),
        np.repeat(rows, 2, axis=0)[::2],
        np.ma.MaskedArray(rows).filled(),
    ],
)
def test_the_layout_of_an_array_does_not_matter(other):
    assert digest(other) == digest(rows)


def test_an_array_mapped_from_a_file_is_its_values(tmp_path):
    np.save(tmp_path / "rows.npy", rows)
    assert digest(np.load(tmp_path / "rows.npy", mmap_mode="r")) == digest(rows)


@pytest.mark.parametrize(
    "other",
    [
        rows.T,
        rows.ravel(),
        rows.astype(np.float32),
        rows.astype(">f8"),
        rows + 1e-15,
        rows.astype(object),
        rows.view(np.recarray),
        np.ma.masked_greater(rows, 5),
    ],
)
def test_shape_type_and_values_of_an_array_matter(other):
    assert digest(other) != digest(rows)


def test_a_large_array_is_read_to_its_end():
    large = np.zeros((2**21 + 1, 3), dtype=np.int32)
    before = digest(large)
    assert digest(np.asfortranarray(large)) == before
    large[-1, -1] = 1
    assert digest(large) != before
    assert digest(np.asfortranarray(large)) == digest(large)


DISTRIBUTIONS = {
    "frozen": (lambda: norm(0, 1), lambda: norm(0, 2)),
    "of integers": (lambda: randint(0, 4), lambda: randint(0, 5)),
    "of a histogram": (
        lambda: rv_histogram(([1, 2], [0, 1, 2])),
        lambda: rv_histogram(([2, 1], [0, 1, 2])),
    ),
    "of values": (
        lambda: rv_discrete(values=([1, 2], [0.5, 0.5])),
        lambda: rv_discrete(values=([1, 3], [0.5, 0.5])),
    ),
    "of vectors": (lambda: dirichlet([1, 2]), lambda: dirichlet([1, 3])),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_distribution_is_the_same_after_it_was_drawn_from(name):
    make, make_other = DISTRIBUTIONS[name]
    distribution = make()
    before = digest(distribution)
    distribution.rvs()
    assert digest(distribution) == before == digest(make())
    assert digest(make_other()) != before


# What cannot be told ------------------------------------------------------------------


def generator():
    return (i for i in range(3))


def encloses(value):
    return lambda X: value


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (generator, ""),
        (lambda: {"a": [sqlite3.connect(":memory:")]}, "['a'][0]"),
        (lambda: functools.partial(max, key=socket.socket()), "[2]['key']"),
        (
            lambda: make_pipeline(FunctionTransformer(encloses(generator())), SVC()),
            ".steps[0][1].func, its variable value",
        ),
        (lambda: FunctionTransformer(np.frompyfunc(encloses(1), 1, 1)), ".func"),
    ],
)
def test_what_is_neither_a_name_nor_a_content_is_refused(make, where):
    with pytest.raises(UnknownContentError) as raised:
        digest(make())
    assert raised.value.where == where


def test_what_is_nested_too_deeply_is_refused():
    value = []
    for _ in range(10_000):
        value = [value]
    with pytest.raises(UnknownContentError, match="nested too deeply"):
        digest(value)


def test_an_object_that_is_no_longer_there_is_not_taken_for_another():
    """Python gives the address of one to the next."""

    class Made:
        def __reduce__(self):
            return list, ([[i] for i in range(100)],)

    class Other:
        def __reduce__(self):
            return list, ([[-i] for i in range(100)],)

    assert digest([Made(), Other()]) != digest([Made(), Made()])
