"""Which candidate to refit? What selection rules do to the score on unseen data.

    python -m benchmarks defaults run --space ours --file NEW/defaults.csv
    python -m benchmarks rules run --space ours --file NEW/rules.csv
    python -m benchmarks rules table

Takes the candidates of the searches that `benchmarks defaults run` made, with their
scores on the inner folds, and lets each rule choose one. `defaults run` writes them
beside its results; as they are large, they are not kept in `results/`, so both studies
need a folder of their own. What was not yet scored on the outer test part is fitted and
scored now.

The complexity of a candidate is its mean rank among those of its branch, from 0 for the
most regularised value of every parameter to 1.
"""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import get_scorer

from benchmarks.core.report import table as markdown
from benchmarks.core.statistics import TIE, corrected_t, holm, verdict
from benchmarks.core.store import Store
from benchmarks.studies import defaults
from benchmarks.studies.defaults import SCORES, outer_splits, read_candidates
from benchmarks.tasks.pairs import PAIRS, Pair
from sklearn_tuners import BestScore, KeepDefault, OneStandardError, WithinPercent
from sklearn_tuners._insight.complexity import complexity, positions
from sklearn_tuners.spaces import directions

KEYS = ("space", "pair", "fold", "rule")
SMOKE = {"pairs": (20,)}  # after the smallest run of `benchmarks defaults`
ARGMAX = "best score"


def rules(estimator: Any) -> dict[str, Any]:
    """Return the rules by name."""
    return {
        "best score, ties to the simpler": BestScore(estimator),
        "one standard error": OneStandardError(estimator),
        "within 1 %": WithinPercent(estimator, loss=1),
        "within 5 %": WithinPercent(estimator, loss=5),
        "default kept": KeepDefault(),
    }


def results_of(record: dict[str, Any]) -> dict[str, Any]:
    """Return ``cv_results_`` of a run, as far as rules look at it."""
    scores = np.array(record["scores"])
    means = scores.mean(axis=1)
    ranks = rankdata(np.where(np.isnan(means), np.inf, -means), method="min")
    splits = {f"split{i}_test_score": s for i, s in enumerate(scores.T)}
    return splits | {
        "params": [ast.literal_eval(text) for text in record["params"]],
        "mean_test_score": means,
        "rank_test_score": ranks.astype(int),
        "mean_fit_time": np.array(record["fit_time"]),
    }


def complexities(estimator: Any, params: list[dict[str, Any]]) -> np.ndarray:
    """Return the complexity of each candidate in its own branch."""
    branches = [frozenset(candidate) for candidate in params]  # by their names
    found = np.zeros(len(params))
    for branch in set(branches):
        rows = [i for i, own in enumerate(branches) if own == branch]
        known = directions(estimator)
        found[rows] = complexity(positions([params[i] for i in rows], known))
    return found


def choose(
    pair: Pair, record: dict[str, Any], line: dict[str, Any], X: Any, y: Any
) -> list[dict[str, Any]]:
    """Return a line per rule for one run."""
    results = results_of(record)
    estimator = pair.make()
    picks = {"default": 0, ARGMAX: line["best_index"]}
    picks |= {name: int(rule(results)) for name, rule in rules(estimator).items()}
    test_scores = {0: line["default_test"], line["best_index"]: line["best_test"]}
    train, test = outer_splits(pair, y)[record["fold"]]
    scorer = get_scorer(pair.scoring)
    for index in set(picks.values()) - set(test_scores):
        fitted = pair.make().set_params(**results["params"][index])
        fitted.fit(X[train], y[train])
        test_scores[index] = scorer(fitted, X[test], y[test])
    complex_ = complexities(estimator, results["params"])
    return [
        {
            "space": record["space"],
            "pair": pair.number,
            "fold": record["fold"],
            "rule": name,
            "index": index,
            "test": float(f"{test_scores[index]:.6g}"),
            "complexity": float(f"{complex_[index]:.4g}"),
        }
        for name, index in picks.items()
    ]


def run(
    store: Store,
    *,
    space: str = "ours",
    pairs: tuple[int, ...] = tuple(pair.number for pair in PAIRS),
) -> None:
    """Let the rules choose in every search that has no rows yet."""
    path = store.path and store.path.with_name("defaults.csv")
    searches = Store(path, defaults.KEYS)
    lines = searches.by_key()
    loaded: dict[int, Any] = {}
    for record in read_candidates(searches, space):
        pair = next(own for own in PAIRS if own.number == record["pair"])
        key = (space, pair.number, record["fold"])
        if (*key, ARGMAX) in store or key not in lines or pair.number not in pairs:
            continue
        if pair.number not in loaded:
            loaded[pair.number] = pair.load()
        for row in choose(pair, record, lines[key], *loaded[pair.number]):
            store.append(row)


def table(store: Store, *, space: str = "ours") -> str:
    """Return a line a rule: against the default, and against the best score."""
    by_rule: dict[str, dict[Any, Any]] = {
        rule: {(r["pair"], r["fold"]): r for r in store.where(space=space, rule=rule)}
        for rule in store.values("rule")
    }
    best = by_rule[ARGMAX]
    lines = []
    for rule, own in by_rule.items():
        same = np.mean([own[run]["index"] == best[run]["index"] for run in best])
        mean = np.mean([r["complexity"] for r in own.values()])
        cells = [*compare(own, by_rule["default"]), *compare(own, best)]
        cells += [change(own, best, scoring) for scoring in SCORES]
        lines.append([rule, *cells, f"{same:.0%}", f"{mean:.2f}"])
    header = ["rule"]
    for other in ("default", ARGMAX):
        header += [f"pairs + / = / - to {other}", "significantly worse", "runs worse"]
    header += [f"change of {name}" for name in SCORES.values()]
    header += ["same as best score", "complexity"]
    return markdown(header, lines)


def change(own: dict[Any, Any], other: dict[Any, Any], scoring: str) -> str:
    """Return the mean difference of the test score over the pairs with a metric."""
    by_pair = [
        np.mean([own[r]["test"] - other[r]["test"] for r in own if r[0] == pair.number])
        for pair in PAIRS
        if pair.scoring == scoring and any(r[0] == pair.number for r in own)
    ]
    return f"{np.mean(by_pair):+.4f}" if by_pair else ""


def compare(own: dict[Any, Any], other: dict[Any, Any]) -> list[str]:
    """Return pairs better, equal and worse; those significantly worse; runs worse."""
    by_pair = [
        np.array([own[r]["test"] - other[r]["test"] for r in own if r[0] == pair])
        for pair in dict.fromkeys(pair for pair, _ in own)
    ]
    verdicts = [verdict(d) for d in by_pair]
    adjusted = holm([corrected_t(d) for d in by_pair])
    worse = sum(
        v == "loss" and p < 0.05 for v, p in zip(verdicts, adjusted, strict=True)
    )
    share = np.mean(np.concatenate(by_pair) < -TIE)
    counts = " / ".join(str(verdicts.count(v)) for v in ("win", "tie", "loss"))
    return [counts, str(worse), f"{share:.0%}"]
