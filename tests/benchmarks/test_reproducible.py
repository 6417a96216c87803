"""A seed gives the same proposals whichever kernels BLAS uses."""

import pytest

from benchmarks.core.store import Store
from benchmarks.studies import reproducible


@pytest.mark.parametrize("problem", ["waves", "forest", "two dicts"])
def test_kernels_do_not_change_proposals(problem):
    store = Store(None, reproducible.KEYS)
    reproducible.run(
        store,
        seeds=1,
        n_iter=14,
        problems=(problem,),
        kernels=("Haswell", "Prescott"),
    )
    if len({row["in use"] for row in store.rows}) == 1:
        pytest.skip("BLAS here has one kernel")
    assert [row["equal"] for row in store.rows] == [14] * 2


def test_the_table_counts_what_differs():
    store = Store(None, reproducible.KEYS)
    for kernel, equal in (("Haswell", 9), ("Prescott", 4), ("numpy", 9)):
        row = {"problem": "waves", "seed": 0, "kernel": kernel}
        store.append({**row, "n_iter": 9, "equal": equal})
    last = reproducible.table(store).splitlines()[-1]
    assert [cell.strip() for cell in last.split("|")[1:-1]] == [
        "all",
        "1",
        "0",
        "1",
        "0",
    ]
