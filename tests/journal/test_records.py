"""Params and splits come back from a journal as they were put in."""

import numpy as np
import pytest
from scipy.stats import uniform
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import (
    KFold,
    RepeatedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
)
from sklearn.svm import SVC

from sklearn_tuners._journal.journal import JournaledTrial
from sklearn_tuners._journal.records import (
    kept_splits,
    params_from_record,
    point_to_record,
    splits_from_text,
    splits_to_settings,
    splits_to_text,
)
from sklearn_tuners._space.space import Space

X = np.arange(40.0).reshape(-1, 2)


def test_plain_params_come_back():
    svc, forest = SVC(), RandomForestClassifier()
    space = Space.parse(
        [
            {"clf": [svc, forest], "n": range(1, 5), "x": uniform(0, 1)},
            {"clf": [None], "t": [(1, 2), (3,)], "s": ["a", "b"]},
        ]
    )
    rows = space.quantile(np.random.default_rng(0).random((50, space.n_dims)))
    for u in rows:
        params = space.decode(u)
        record = point_to_record(space.point(params))
        kinds = (bool, int, float, str, type(None))
        assert all(type(value) in kinds for value in record["params"].values())
        back = params_from_record(space, JournaledTrial(0, outcomes={}, **record))
        assert list(back) == list(params)
        assert all(
            back[name] is params[name] or back[name] == params[name] for name in back
        )
        assert back["clf"] is params["clf"]


def test_splits_come_back():
    splits = list(KFold(3).split(X))
    for ours, theirs in zip(
        splits_from_text(splits_to_text(splits)), splits, strict=True
    ):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one, other)
    mask = np.array([True, False, True])
    ((train, test),) = splits_from_text(splits_to_text([(mask, ~mask)]))
    np.testing.assert_array_equal(train, [0, 2])
    np.testing.assert_array_equal(test, [1])


def settings_of(cv):
    return splits_to_settings(list(cv.split(X)), cv)


def same_splits(ours, theirs):
    return splits_to_text(ours) == splits_to_text(theirs)


class Own:
    """A splitter of the user's, without parameters."""

    def __init__(self, at):
        self.at = at

    def split(self, X):
        yield np.arange(self.at), np.arange(self.at, len(X))


@pytest.mark.parametrize(
    "cv",
    [
        ShuffleSplit(3),
        ShuffleSplit(3, random_state=np.random.RandomState(0)),
        KFold(3, shuffle=True),
        RepeatedKFold(n_splits=2, n_repeats=2),
    ],
)
def test_splits_that_are_drawn_anew_each_time_are_those_of_the_journal(cv):
    settings, fresh = settings_of(cv), list(cv.split(X))
    kept = kept_splits(settings, fresh, cv, "journal='j'")
    assert not same_splits(kept, fresh)
    assert splits_to_text(kept) == settings["splits"]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (KFold(4), [*KFold(4).split(X)]),
        (KFold(4), Own(3)),
        (ShuffleSplit(3, random_state=0), ShuffleSplit(3, random_state=0)),
    ],
)
def test_equal_splits_are_the_same_whatever_drew_them(ours, theirs):
    settings = settings_of(ours)
    kept = kept_splits(settings, list(ours.split(X)), theirs, "journal='j'")
    assert splits_to_text(kept) == settings["splits"]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (KFold(4), KFold(5)),
        (ShuffleSplit(3), ShuffleSplit(4)),
        (ShuffleSplit(3), ShuffleSplit(3, random_state=0)),
        (ShuffleSplit(3, random_state=0), ShuffleSplit(3)),
        (ShuffleSplit(3), ShuffleSplit(3, test_size=0.5)),
        (ShuffleSplit(3), KFold(3, shuffle=True)),
        (Own(3), Own(4)),
    ],
)
def test_splits_of_another_splitter_are_refused(ours, theirs):
    refused = r"^journal='j' belongs .*\n  splits: .* differ from those of cv=.*"
    with pytest.raises(ValueError, match=refused) as raised:
        kept_splits(settings_of(ours), list(theirs.split(X)), theirs, "journal='j'")
    assert repr(theirs) in str(raised.value)


@pytest.mark.parametrize("cv", [KFold(4), TimeSeriesSplit(4), Own(3)])
def test_a_splitter_that_does_not_shuffle_has_other_splits_on_other_data(cv):
    """Its random_state, None by default, has no part in that."""
    fresh = list(cv.split(X[:-4]))
    with pytest.raises(ValueError, match="belongs to another search"):
        kept_splits(settings_of(cv), fresh, cv, "journal='j'")


class Stream:
    """A splitter that keeps what cannot be pickled, and counts."""

    random_state = None

    def __init__(self, random_state=0):
        self.random_state = random_state
        self.stream = KFold(3, shuffle=True).split(X)
        self.n_calls = 0

    def split(self, X):
        self.n_calls += 1
        return list(self.stream)


@pytest.mark.parametrize("random_state", [0, None])
def test_any_splitter_may_have_a_journal(random_state):
    """One that cannot be told from others can only have equal splits."""
    cv = Stream(random_state)
    splits = cv.split(X)
    settings = splits_to_settings(splits, cv)
    other = Stream(random_state)
    assert same_splits(kept_splits(settings, splits, other, "journal='j'"), splits)
    with pytest.raises(ValueError, match="belongs to another search"):
        kept_splits(settings, other.split(X), other, "journal='j'")
