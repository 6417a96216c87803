"""Which candidate to refit: what selection rules do to the score on unseen data.

    python -m benchmarks.rules run --space ours
    python -m benchmarks.rules table

Takes the candidates of the searches that `benchmarks.defaults` made, with their scores
on the inner folds, and lets each rule choose one. What was not yet scored on the outer
test part is fitted and scored now. A line a run and rule goes to `results/rules.csv`.

The complexity of a candidate is its mean rank among those of its branch, from 0 for the
most regularised value of every parameter to 1.
"""

from __future__ import annotations

import argparse
import ast
import warnings
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import get_scorer
from threadpoolctl import threadpool_limits

from benchmarks import peers
from benchmarks.defaults import (
    RESULTS,
    RUNS,
    TIE,
    append,
    corrected_t,
    holm,
    outer_splits,
    read,
    read_candidates,
    verdict,
)
from benchmarks.pairs import PAIRS, Pair
from benchmarks.report import table
from sklearn_tuners import BestScore, KeepDefault, OneStandardError, WithinPercent
from sklearn_tuners._insight.complexity import branch_of, complexity, positions
from sklearn_tuners.spaces import directions

RULES_FILE = RESULTS / "rules.csv"
COLUMNS = ["space", "pair", "fold", "rule", "index", "cv", "test", "complexity"]
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


SCORINGS = {"neg_log_loss": "-log-loss", "r2": "R2"}


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
    branches = [branch_of(candidate) for candidate in params]
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
            "cv": results["mean_test_score"][index],
            "test": test_scores[index],
            "complexity": round(float(complex_[index]), 4),
        }
        for name, index in picks.items()
    ]


def run_all(space: str) -> None:
    """Let the rules choose in every run that has no line yet."""
    lines = {(r["pair"], r["fold"]): r for r in read(RUNS) if r["space"] == space}
    done = {(r["pair"], r["fold"]) for r in read(RULES_FILE) if r["space"] == space}
    tables: dict[int, Any] = {}
    by_number = {pair.number: pair for pair in PAIRS}
    for record in read_candidates(space):
        key = (record["pair"], record["fold"])
        if key in done or key not in lines:
            continue
        done.add(key)
        pair = by_number[record["pair"]]
        if pair.number not in tables:
            tables[pair.number] = pair.load()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            chosen = choose(pair, record, lines[key], *tables[pair.number])
        for line in chosen:
            append(RULES_FILE, COLUMNS, line)


def print_table(space: str) -> None:
    """Print a line a rule: against the default, and against the best score."""
    lines = [r for r in read(RULES_FILE) if r["space"] == space]
    by_rule = {
        rule: {(r["pair"], r["fold"]): r for r in lines if r["rule"] == rule}
        for rule in dict.fromkeys(r["rule"] for r in lines)
    }
    best = by_rule[ARGMAX]
    out = []
    for rule, own in by_rule.items():
        same = np.mean([own[run]["index"] == best[run]["index"] for run in best])
        mean = np.mean([r["complexity"] for r in own.values()])
        out.append(
            [
                rule,
                *compare(own, by_rule["default"]),
                *compare(own, best),
                *(change(own, best, scoring) for scoring in SCORINGS),
                f"{same:.0%}",
                f"{mean:.2f}",
            ]
        )
    header = ["rule"]
    for other in ("default", ARGMAX):
        header += [f"pairs + / = / - to {other}", "significantly worse", "runs worse"]
    header += [f"change of {name}" for name in SCORINGS.values()]
    header += ["same as best score", "complexity"]
    n_pairs = len({pair for pair, _ in best})
    print(f"{space}: {n_pairs} pairs, {len(best)} runs\n")
    print(table(header, out))


def change(own: dict[Any, Any], other: dict[Any, Any], scoring: str) -> str:
    """Return the mean difference of the test score over the pairs with a metric."""
    by_pair = [
        np.mean([own[r]["test"] - other[r]["test"] for r in own if r[0] == pair.number])
        for pair in PAIRS
        if pair.scoring == scoring and any(r[0] == pair.number for r in own)
    ]
    return f"{np.mean(by_pair):+.4f}"


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["run", "table"])
    parser.add_argument("--space", choices=["ours", *peers.SOURCES], default="ours")
    args = parser.parse_args()
    if args.command == "run":
        with threadpool_limits(1):
            run_all(args.space)
    else:
        print_table(args.space)


if __name__ == "__main__":
    main()
