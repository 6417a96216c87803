"""Does a search over a default space pay? 30 pairs of an estimator and a real table.

    pip install -e ".[bench]"
    python -m benchmarks defaults run --space ours
    python -m benchmarks defaults table

A run is one pair of `tasks/pairs.csv` on one of 3 x 5 outer folds: `BayesSearchCV`
with 25 candidates, the first of them the estimator's own parameters, scored by 5 inner
folds on the outer training part; its choice and the default are then fitted on that
part and scored on the outer test part. Folds and seeds are the same for every space:

ours
    `sklearn_tuners.default_space`.
flaml, genetic
    What those packages ship, see `tasks/ranges.py`; only for the pairs they have
    something for. The optimiser and the budget are the same.

The scores of all candidates go to `candidates.jsonl.gz`, for `benchmarks rules`.
All pairs finish a fold before any begins the next.

What counts was laid down before the first run. A pair is a tie if the mean difference
over its folds is zero, as it is when every search keeps the default. The share is wins
plus half the ties over pairs, with Wilson's 95 % interval. Significance is that of the
t test of Nadeau and Bengio (2003); its variance allows for training sets that
overlap, two-sided at 5 % by Holm over the pairs.
"""

from __future__ import annotations

import gzip
import itertools
import json
import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.metrics import get_scorer
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold

from benchmarks.core.clock import Stopwatch
from benchmarks.core.report import table as markdown
from benchmarks.core.statistics import TIE, corrected_t, holm, verdict, wilson
from benchmarks.core.store import Store
from benchmarks.tasks import ranges, tables
from benchmarks.tasks.pairs import PAIRS, Pair
from sklearn_tuners import BayesSearchCV, Optimizer, default_space

KEYS = ("space", "pair", "fold")
SMOKE = {"folds": 2, "pairs": (20,), "n_iter": 6}
N_ITER = 25
N_FOLDS, N_REPEATS, INNER = 5, 3, 5
SCORES = {"neg_log_loss": "-log-loss", "r2": "R2"}


def outer_splits(pair: Pair, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the train and test rows of the 15 outer folds."""
    is_classification = pair.scoring == "neg_log_loss"
    kind = RepeatedStratifiedKFold if is_classification else RepeatedKFold
    cv = kind(n_splits=N_FOLDS, n_repeats=N_REPEATS, random_state=0)
    return list(cv.split(np.zeros(len(y)), y if is_classification else None))


def make_space(name: str, estimator: Any, X: np.ndarray, y: np.ndarray) -> Any:
    """Return the space of that name, or None if it has nothing for the estimator."""
    if name == "ours":
        smallest_fold = len(y) - math.ceil(len(y) / INNER)
        return default_space(estimator, X, y, n_train=smallest_fold) or None
    return ranges.space(name, estimator, *X.shape) or None


def with_default(space: dict[str, Any], estimator: Any) -> tuple[Any, dict[str, Any]]:
    """Return a space that has the estimator's own parameters, and these.

    Where they are no point of the space, as with ``max_depth=None`` and a range of
    integers, they become a branch of their own with that one point.
    """
    own = estimator.get_params()
    default = {
        name: own[name]
        for name, domain in space.items()
        if all(own[k] in v for k, v in getattr(domain, "condition", {}).items())
    }
    try:
        Optimizer(space, n_iter=N_ITER, initial_params=default)
    except ValueError:
        return [{name: [value] for name, value in default.items()}, space], default
    return space, default


def measure(
    space_name: str, pair: Pair, fold: int, X: Any, y: Any, n_iter: int
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Make one run; return its line and its candidates."""
    train, test = outer_splits(pair, y)[fold]
    estimator = pair.make()
    space = make_space(space_name, estimator, X[train], y[train])
    if space is None:
        return None
    space, default = with_default(space, estimator)
    search = BayesSearchCV(
        estimator,
        space,
        n_iter=n_iter,
        scoring=pair.scoring,
        cv=INNER,
        random_state=fold,
        initial_params=default,
    )
    with Stopwatch() as watch:
        search.fit(X[train], y[train])
    scorer = get_scorer(pair.scoring)
    reference = clone(estimator).fit(X[train], y[train])
    default_test = scorer(reference, X[test], y[test])
    best_test = scorer(search.best_estimator_, X[test], y[test])
    results = search.cv_results_
    scores = np.column_stack([results[f"split{i}_test_score"] for i in range(INNER)])
    key = {"space": space_name, "pair": pair.number, "fold": fold}
    line = key | {
        "default_cv": results["mean_test_score"][0],
        "best_cv": search.best_score_,
        "default_test": default_test,
        "best_test": best_test,
        "best_index": search.best_index_,
        "n_failed": int(np.isnan(scores).any(axis=1).sum()),
        "seconds": round(watch.wall, 3),
    }
    candidates = key | {
        "params": [repr(plain(params)) for params in results["params"]],
        "scores": [[float(f"{v:.9g}") for v in row] for row in scores],
        "fit_time": [float(f"{v:.2g}") for v in results["mean_fit_time"]],
    }
    return line, candidates


def plain(params: dict[str, Any]) -> dict[str, Any]:
    """Turn numpy's scalars into Python's, so that `repr` can be read again."""
    return {k: v.item() if hasattr(v, "item") else v for k, v in params.items()}


def run(
    store: Store,
    *,
    space: str = "ours",
    folds: int = N_FOLDS * N_REPEATS,
    pairs: tuple[int, ...] = tuple(pair.number for pair in PAIRS),
    n_iter: int = N_ITER,
) -> None:
    """Make the runs that are missing, fold after fold."""
    chosen = [p for p in PAIRS if p.number in pairs and tables.available(p.data)]
    loaded = {pair: pair.load() for pair in chosen}
    for fold, pair in itertools.product(range(folds), chosen):
        if (space, pair.number, fold) in store:
            continue
        outcome = measure(space, pair, fold, *loaded[pair], n_iter)
        if outcome is None:
            continue
        row, candidates = outcome
        if store.path is not None:
            with gzip.open(store.path.with_name("candidates.jsonl.gz"), "at") as file:
                file.write(json.dumps(candidates) + "\n")
        store.append(row)
        print(space, pair.number, pair.estimator, pair.data, fold, flush=True)


def read_candidates(store: Store, space: str) -> Iterator[dict[str, Any]]:
    """Yield the candidates of every run over a space, written beside a store."""
    assert store.path is not None
    path = store.path.with_name("candidates.jsonl.gz")
    if not path.exists():
        sys.exit(f"no {path.name} beside {store.path}; make both with defaults run")
    with gzip.open(path, "rt") as file:
        for line in file:
            record = json.loads(line)
            if record["space"] == space:
                yield record


# The table ----------------------------------------------------------------------------


def by_pair(
    runs: list[dict[str, Any]], space: str, other: str | None = None
) -> dict[Pair, np.ndarray]:
    """Return differences of test scores by pair, of pairs with two folds or more.

    Of a space's choice to the default; with `other`, to the choice of that space on the
    folds that both have.
    """
    own = {(r["pair"], r["fold"]): r for r in runs if r["space"] == space}
    if other is None:
        base = {key: r["default_test"] for key, r in own.items()}
    else:
        base = {
            (r["pair"], r["fold"]): r["best_test"] for r in runs if r["space"] == other
        }
    found = {}
    for pair in PAIRS:
        keys = [key for key in own if key[0] == pair.number and key in base]
        if len(keys) > 1:
            found[pair] = np.array([own[key]["best_test"] - base[key] for key in keys])
    return found


def summary(found: dict[Any, np.ndarray]) -> list[str]:
    """Wins, ties, losses, their share with interval, significant ones either way."""
    verdicts = [verdict(d) for d in found.values()]
    wins, ties, losses = (verdicts.count(v) for v in ("win", "tie", "loss"))
    n = len(verdicts)
    share = (wins + ties / 2) / n
    low, high = wilson(share, n)
    adjusted = holm([corrected_t(d) for d in found.values()])
    better, worse = (
        sum(p < 0.05 and v == side for p, v in zip(adjusted, verdicts, strict=True))
        for side in ("win", "loss")
    )
    interval = f"{share:.0%} ({low:.0%} to {high:.0%})"
    return [f"{wins} / {ties} / {losses}", interval, str(better), str(worse)]


def table(store: Store) -> str:
    """Return wins, ties and losses of every space, and then pair by pair."""
    lines = []
    for space in store.values("space"):
        lines.append(_line(f"{space} to the default", by_pair(store.rows, space)))
        if space != "ours":
            keys = {(r["pair"], r["fold"]) for r in store.where(space=space)}
            same = [r for r in store.rows if (r["pair"], r["fold"]) in keys]
            ours = f"ours to the default, runs of {space}"
            lines.append(_line(ours, by_pair(same, "ours")))
            lines.append(_line(f"ours to {space}", by_pair(store.rows, "ours", space)))
    header = ["", "pairs", "runs", "wins / ties / losses", "share (95 %)"]
    header += ["significantly better", "significantly worse"]
    parts = [markdown(header, [line for line in lines if line])]
    for space in store.values("space"):
        parts += [space, pairs_table(store, space)]
    return "\n\n".join(parts)


def _line(name: str, found: dict[Pair, np.ndarray]) -> list[str]:
    """Return a line of the first table; an empty one if there is nothing to say."""
    if not found:
        return []
    n_runs = sum(len(d) for d in found.values())
    return [name, str(len(found)), str(n_runs), *summary(found)]


def pairs_table(store: Store, space: str) -> str:
    """Return a line a pair."""
    found = by_pair(store.rows, space)
    p_values = [corrected_t(d) for d in found.values()]
    lines = []
    for (pair, d), p, q in zip(found.items(), p_values, holm(p_values), strict=True):
        own = store.where(space=space, pair=pair.number)
        default, best = (
            np.mean([r[f"{which}_test"] for r in own]) for which in ("default", "best")
        )
        kept = sum(r["best_index"] == 0 for r in own)
        lines.append(
            [
                str(pair.number),
                pair.estimator,
                pair.data,
                SCORES[pair.scoring],
                f"{default:.4f}",
                f"{best:.4f}",
                f"{d.mean():+.4f}",
                verdict(d),
                f"{(d > TIE).sum()} / {(abs(d) <= TIE).sum()} / {(d < -TIE).sum()}",
                str(kept),
                f"{p:.3f}",
                f"{q:.3f}",
            ]
        )
    header = ["pair", "estimator", "data", "score", "default", "searched", "change"]
    header += ["", "folds + / = / -", "default kept", "p", "p by Holm"]
    return markdown(header, lines)
