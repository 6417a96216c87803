"""Does a search over a default space pay? 30 pairs, against the estimator's defaults.

    python -m benchmarks.defaults run --space ours
    python -m benchmarks.defaults table

A run is one pair of `benchmarks.pairs` on one of 3 x 5 outer folds: `BayesSearchCV`
with 25 candidates, the first of them the estimator's own parameters, scored by 5 inner
folds on the outer training part; its choice and the default are then fitted on that
part and scored on the outer test part. Folds and seeds are the same for every space:

ours
    `sklearn_tuners.default_space`.
flaml, genetic
    What those packages ship, see `benchmarks.peers`; only for the pairs they have
    something for. The optimiser and the budget are the same.

Each run is one line of `results/defaults.csv`, written as it ends, and one line of
`results/candidates.jsonl.gz` with the scores of all its candidates. A run that has its
line is not repeated. All pairs finish a fold before any begins the next.

What counts was laid down before the first run. A pair is a tie if the mean difference
over its folds is zero, as it is when every search keeps the default. The share is wins
plus half the ties over pairs, with Wilson's 95 % interval. Significance is that of the
t test of Nadeau and Bengio (2003), whose variance allows for training sets that
overlap, two-sided at 5 % by Holm over the pairs.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import itertools
import json
import math
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm, t
from sklearn.base import clone
from sklearn.metrics import get_scorer
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold
from threadpoolctl import threadpool_limits

from benchmarks import data, peers
from benchmarks.pairs import PAIRS, Pair
from benchmarks.report import table
from sklearn_tuners import BayesSearchCV, Optimizer

RESULTS = Path(__file__).parent / "results"
RUNS = RESULTS / "defaults.csv"
CANDIDATES = RESULTS / "candidates.jsonl.gz"
N_ITER = 25
N_FOLDS, N_REPEATS, INNER = 5, 3, 5
COLUMNS = [
    *("space", "pair", "fold", "default_cv", "best_cv", "default_test", "best_test"),
    *("best_index", "n_failed", "seconds"),
]
TIE = 1e-12  # Scores of equal parameters can differ in the last bits.


def outer_splits(pair: Pair, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the train and test rows of the 15 outer folds."""
    is_classification = pair.scoring == "neg_log_loss"
    kind = RepeatedStratifiedKFold if is_classification else RepeatedKFold
    cv = kind(n_splits=N_FOLDS, n_repeats=N_REPEATS, random_state=0)
    return list(cv.split(np.zeros(len(y)), y if is_classification else None))


def make_space(name: str, estimator: Any, X: np.ndarray, y: np.ndarray) -> Any:
    """Return the space of that name, or None if it has nothing for the estimator."""
    if name == "ours":
        from sklearn_tuners import default_space

        smallest_fold = len(y) - math.ceil(len(y) / INNER)
        return default_space(estimator, X, y, n_train=smallest_fold) or None
    return peers.space(name, estimator, *X.shape) or None


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


def run(
    space_name: str, pair: Pair, fold: int, X: Any, y: Any, n_jobs: int
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
        n_iter=N_ITER,
        scoring=pair.scoring,
        cv=INNER,
        n_jobs=n_jobs,
        random_state=fold,
        initial_params=default,
    )
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Solvers that did not converge, mostly.
        search.fit(X[train], y[train])
        seconds = time.perf_counter() - start
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
        "seconds": round(seconds, 3),
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


def run_all(space: str, n_folds: int, numbers: list[int], n_jobs: int) -> None:
    """Make the runs that the file does not hold yet, fold after fold."""
    done = {(r["space"], r["pair"], r["fold"]) for r in read(RUNS)}
    chosen = [p for p in PAIRS if p.number in numbers and data.available(p.data)]
    tables = {pair: pair.load() for pair in chosen}
    for fold, pair in itertools.product(range(n_folds), chosen):
        if (space, pair.number, fold) in done:
            continue
        outcome = run(space, pair, fold, *tables[pair], n_jobs)
        if outcome is None:
            continue
        line, candidates = outcome
        with gzip.open(CANDIDATES, "at") as file:
            file.write(json.dumps(candidates) + "\n")
        append(RUNS, COLUMNS, line)
        print(
            f"{space} {pair.number} {pair.estimator} {pair.data} fold {fold}: "
            f"{line['default_test']:.4f} -> {line['best_test']:.4f}, "
            f"{line['seconds']:.1f} s",
            flush=True,
        )


def append(path: Path, columns: list[str], line: dict[str, Any]) -> None:
    """Write a line at the end of a CSV file, with the header if it is the first."""
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, columns)
        if is_new:
            writer.writeheader()
        writer.writerow(line)


def read(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a CSV file, numbers as numbers."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            {k: v if k in ("space", "rule") else _number(v) for k, v in row.items()}
            for row in csv.DictReader(file)
        ]


def _number(text: str) -> float | int:
    try:
        return int(text)
    except ValueError:
        return float(text)


def read_candidates(space: str) -> Iterator[dict[str, Any]]:
    """Yield the candidates of every run over a space."""
    with gzip.open(CANDIDATES, "rt") as file:
        for line in file:
            record = json.loads(line)
            if record["space"] == space:
                yield record


# ------------------------------------------------------------------------ statistics


def corrected_t(differences: np.ndarray) -> float:
    """Two-sided p value of Nadeau and Bengio (2003) for a mean difference of zero."""
    k = len(differences)
    ratio = 1 / (N_FOLDS - 1)  # Test rows over training rows.
    variance = (1 / k + ratio) * differences.var(ddof=1)
    if variance == 0:
        return 1.0 if differences.mean() == 0 else 0.0
    return float(2 * t.sf(abs(differences.mean()) / math.sqrt(variance), k - 1))


def holm(p_values: list[float]) -> list[float]:
    """Return p values adjusted for their number by Holm's method."""
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(np.argsort(p_values)):
        running = max(running, (len(p_values) - rank) * p_values[i])
        adjusted[i] = min(running, 1.0)
    return adjusted


def wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of n."""
    z = norm.ppf(0.975)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2)
    return centre - half, centre + half


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


def verdict(d: np.ndarray) -> str:
    """Win, tie or loss of a pair."""
    if abs(d.mean()) <= TIE:
        return "tie"
    return "win" if d.mean() > 0 else "loss"


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


def print_tables() -> None:
    """Print what the runs so far say."""
    runs = read(RUNS)
    spaces = list(dict.fromkeys(r["space"] for r in runs))
    lines = []
    for space in spaces:
        keys = {(r["pair"], r["fold"]) for r in runs if r["space"] == space}
        lines.append(summary_line(f"{space} to the default", by_pair(runs, space)))
        if space != "ours":
            same = [r for r in runs if (r["pair"], r["fold"]) in keys]
            ours = f"ours to the default, runs of {space}"
            lines.append(summary_line(ours, by_pair(same, "ours")))
            lines.append(summary_line(f"ours to {space}", by_pair(runs, "ours", space)))
    header = ["", "pairs", "runs", "wins / ties / losses", "share (95 %)"]
    header += ["significantly better", "significantly worse"]
    print(table(header, [line for line in lines if line]))
    for space in spaces:
        print(f"\n{space}\n")
        print_pairs(runs, space)


def summary_line(name: str, found: dict[Pair, np.ndarray]) -> list[str]:
    """Return a line of the first table; an empty one if there is nothing to say."""
    if not found:
        return []
    n_runs = sum(len(d) for d in found.values())
    return [name, str(len(found)), str(n_runs), *summary(found)]


def print_pairs(runs: list[dict[str, Any]], space: str) -> None:
    """Print a line a pair."""
    found = by_pair(runs, space)
    p_values = [corrected_t(d) for d in found.values()]
    lines = []
    for (pair, d), p, q in zip(found.items(), p_values, holm(p_values), strict=True):
        own = [r for r in runs if (r["space"], r["pair"]) == (space, pair.number)]
        default, best = (
            np.mean([r[f"{which}_test"] for r in own]) for which in ("default", "best")
        )
        kept = sum(r["best_index"] == 0 for r in own)
        lines.append(
            [
                str(pair.number),
                pair.estimator,
                pair.data,
                "R2" if pair.scoring == "r2" else "-log-loss",
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
    print(table(header, lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run")
    runner.add_argument("--space", choices=["ours", *peers.SOURCES], default="ours")
    runner.add_argument("--folds", type=int, default=N_FOLDS * N_REPEATS)
    runner.add_argument(
        "--pairs", type=int, nargs="+", default=[pair.number for pair in PAIRS]
    )
    runner.add_argument("--jobs", type=int, default=1)
    commands.add_parser("table")
    args = parser.parse_args()
    if args.command == "run":
        with threadpool_limits(1):
            run_all(args.space, args.folds, args.pairs, args.jobs)
    else:
        print_tables()


if __name__ == "__main__":
    main()
