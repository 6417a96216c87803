"""What do 10,000 candidates cost? CPU seconds and memory, thousand by thousand.

    python -m benchmarks load run                      a grid
    python -m benchmarks load run --extra bar          with scikit-learn's ProgressBar
    python -m benchmarks load run --extra journal      with a journal
    python -m benchmarks load run --search random      RandomizedSearchCV, to compare
    python -m benchmarks load table

The estimator does nothing, and a grid of all candidates is searched. Seconds are CPU
seconds, which other programs do not change. Linux only, for the memory.
"""

from __future__ import annotations

import io
import os
import tempfile
import time
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.core.clock import Stopwatch
from benchmarks.core.report import table as markdown
from benchmarks.core.store import Store
from benchmarks.solvers import bayes, random_search
from benchmarks.tasks.estimators import Free
from sklearn_tuners import Optimizer

KEYS = ("search", "extra", "trials", "after")
SMOKE = {"trials": 100}
SEARCHES = {"bayes": bayes.search, "random": random_search.search}


def resident_mb() -> float:
    """Return the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Milestones:
    """Notes what the process has spent, each time after a number of watched calls."""

    def __init__(self, every: int) -> None:
        self.every, self.asking = every, Stopwatch()
        self.rows: list[dict[str, Any]] = []
        self._start = time.thread_time(), time.process_time()

    def called(self) -> None:
        """Take note if it is time."""
        if self.asking.n_calls % self.every == 0:
            self.note()

    def note(self) -> None:
        """Note the state now: all seconds are those since the start."""
        own = time.thread_time() - self._start[0]
        row = {
            "after": self.asking.n_calls,
            "seconds": f"{own:.2f}",
            "asking": f"{self.asking.thread:.2f}",
            "other_threads": f"{time.process_time() - self._start[1] - own:.2f}",
            "mb": f"{resident_mb():.0f}",
        }
        self.rows.append(row)


def run(
    store: Store, *, search: str = "bayes", extra: str = "nothing", trials: int = 10_000
) -> None:
    """Search a grid of about `trials` points."""
    side = round(trials**0.5)
    if any(store.where(search=search, extra=extra, trials=side**2)):
        return
    space = dict.fromkeys(("x0", "x1"), np.linspace(0, 1, side).tolist())
    made = SEARCHES[search](Free(), space, side**2, 0, refit=False)
    milestones = Milestones(every=max(side**2 // 10, 1))
    with ExitStack() as stack:
        if extra == "bar":
            from sklearn.callback import ProgressBar

            made.set_callbacks(ProgressBar())
        if extra == "journal":
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            made.set_params(journal=str(Path(folder) / "journal.sqlite"))
        stack.enter_context(redirect_stdout(io.StringIO()))
        watched = milestones.asking.watch(Optimizer, "ask", milestones.called)
        stack.enter_context(watched)
        made.fit(np.zeros((50, 1)), np.zeros(50))
    milestones.note()
    key = {"search": search, "extra": extra, "trials": side**2}
    for row in milestones.rows[:-1]:
        store.append(key | row)
    store.append(key | milestones.rows[-1] | {"after": "all"})


def table(store: Store) -> str:
    """Return what each tenth of each search took, and the whole."""
    lines = []
    for key in dict.fromkeys(store.key(row)[:3] for row in store.rows):
        own = store.where(**dict(zip(KEYS, key, strict=False)))
        before = [0.0] * 3
        for row in own:
            now = [float(row[c]) for c in ("seconds", "asking", "other_threads")]
            if row["after"] == "all":
                before = [0.0] * 3
            own_s, asking, other = (b - a for a, b in zip(before, now, strict=True))
            cells = f"{own_s - asking:.1f}", f"{asking:.1f}", f"{other:.1f}"
            lines.append([key[0], key[1], str(row["after"]), *cells, str(row["mb"])])
            before = now
    header = ["search", "with", "after", "s", "s in ask", "s of other threads"]
    return markdown([*header, "resident MB"], lines)
