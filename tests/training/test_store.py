"""Fitted states on disk: what is kept, and what makes room."""

from __future__ import annotations

import os

import numpy as np

from sklearn_tuners._training.store import State, Store


def fill(store, name, n_bytes, age):
    store.save(name, State((1,), False, 1e9, np.zeros(n_bytes // 8)))
    path = os.path.join(store.folder, f"{name}.pickle")
    if os.path.exists(path):
        os.utime(path, (1e9 - age, 1e9 - age))


def test_the_oldest_states_make_room(tmp_path):
    store = Store(str(tmp_path), 10_000)
    for i in range(4):
        fill(store, str(i), 4000, age=10 - i)
        assert sum(f.stat().st_size for f in os.scandir(tmp_path)) <= 10_000
    assert sorted(os.listdir(tmp_path)) == ["2.pickle", "3.pickle"]


def test_a_state_that_never_fits_drives_nobody_out(tmp_path):
    store = Store(str(tmp_path), 10_000)
    fill(store, "small", 4000, age=1)
    fill(store, "huge", 20_000, age=0)
    assert os.listdir(tmp_path) == ["small.pickle"]


def test_what_is_quick_to_train_is_not_stored(tmp_path):
    store = Store(str(tmp_path), 2**30)
    big = np.zeros(10**6)
    store.save("slow", State((1,), False, 1e3, big))
    store.save("quick", State((1,), False, 1e-6, big))
    assert os.listdir(tmp_path) == ["slow.pickle"]
    # An older state under the key would be of other steps: it goes.
    store.save("slow", State((1, 2), False, 1e-6, big))
    assert os.listdir(tmp_path) == []
