"""Diagnosis of a finished search: its best estimator, its space and its budget."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from sklearn_tuners._bayes.optimizer import Optimizer
from sklearn_tuners._compat.sklearn import parameter_limits
from sklearn_tuners._compat.warnings import silenced
from sklearn_tuners._defaults.registry import rows_of
from sklearn_tuners._estimators import owner_of, split_name
from sklearn_tuners._insight.complexity import Direction, branch_key, positions
from sklearn_tuners._insight.edges import Edge, find_edge
from sklearn_tuners._insight.finished import Facts
from sklearn_tuners._insight.report import Diagnosis, Finding
from sklearn_tuners._insight.sensitivity import (
    SWITCH,
    columns_of,
    explained,
    probability_better,
    shares,
)
from sklearn_tuners._space.space import Space
from sklearn_tuners._split_scores import (
    indistinguishable,
    paired_errors,
    selection_bias,
    standard_error,
)
from sklearn_tuners._typing import FloatArray

__all__ = ["Diagnosis", "Finding", "diagnose"]

# The thresholds are conventions, described in docs/guide/diagnosis.md. They tell the
# made-up data of tests/test_diagnosis.py apart with room to spare.

_LARGE_GAP = 0.15
"""Gap between train and test skill from which a model overfits (convention)."""

_LARGE_RATIO = 1.5
"""The same where skill is not known: test loss over train loss (convention)."""

_CLEAR = 2.0
"""Standard errors that the gap must exceed too (convention: about 95 %)."""

_LOW_SKILL = 0.5
"""Train skill below which the bias is high (convention)."""

_UNSTEADY = 0.15
"""Standard deviation of skill over the splits from which it is high (convention)."""

_MATTERS = 0.1
"""Share of the variance from which a parameter matters (convention)."""

_EXPLAINED = 0.2
"""Share of the variance of scores that the surrogate must predict (convention).

Below it, nothing is said about parameters.
"""

_ENOUGH = 20
"""Candidates from which a surrogate that predicts nothing is a finding (convention)."""

_RISING = 0.8
"""Probability from which scores count as rising towards an edge (convention)."""


def diagnose(
    search: Any,
    metric: str | None = None,
    *,
    directions: Mapping[str, Direction] | None = None,
    test_share: float | None = None,
) -> Diagnosis:
    """Report what a finished search shows in addition to its best parameters.

    Parameters
    ----------
    search : fitted search
        A `BayesSearchCV`, `HyperbandSearchCV` (its rows with the full resource),
        `GridSearchCV` or `RandomizedSearchCV`. No estimator is fitted again. With
        ``return_train_score=True`` more can be said.

    metric : str, default=None
        Name of the metric to use. None takes the one that `refit` names; with several
        metrics, either `metric` or `refit` must name one.

    directions : dict, default=None
        Which values of each parameter are simpler, as for `OneStandardError`. None
        takes the directions of the registry.

    test_share : float, default=None
        Share of the samples that is in a test set, as for `OneStandardError`.

    Returns
    -------
    Diagnosis
        Shown as text, in notebooks as a table; ``to_frame()`` returns a data frame. The
        findings, by check:

        - ``"fit"``: train and test scores of the best candidate. "overfitting", "high
          bias", "high variance over folds", "fine" or "unknown";
        - ``"optimism"``: by how much the best score is too good because it was
          selected, and the corrected score [1]_. "large", "small" or "unknown";
        - ``"ties"``: how many candidates the splits cannot tell from the best one, by
          a corrected resampled t-test at 5 % [2]_. "many", "few" or "unknown";
        - ``"budget"``: whether more candidates would pay, that is, whether the bound on
          the possible gain is above what the splits resolve [3]_. "more may pay",
          "more will hardly pay", "space exhausted" or "unknown";
        - ``("edge", name)`` for each numeric parameter of the best candidate: "at the
          lower edge", "at the upper edge" (with a wider range to try), "at its limit"
          (the estimator accepts nothing beyond), "flat" (at the edge, but the scores do
          not rise towards it) or "inside";
        - ``("importance", name)`` for each parameter: its share of the variance of the
          score over the space, with an 80 % interval [4]_. "matters", "no sign that it
          matters", "unclear" or "unknown".

    Raises
    ------
    ValueError
        If the search is not fitted, or no candidate was scored on all splits.

    Notes
    -----
    The verdicts of ``"fit"`` use a scale on which 0 is a guess and 1 is perfect. It is
    known for accuracy (with a chance of one over the number of classes), ROC AUC,
    log-loss, R2 and similar metrics. For losses of unknown scale overfitting is judged
    by the ratio of test loss to train loss, and high bias is not judged.

    References
    ----------
    .. [1] R. J. Tibshirani, R. Tibshirani (2009). A bias correction for the minimum
       error rate in cross-validation. Annals of Applied Statistics 3(2).
    .. [2] C. Nadeau, Y. Bengio (2003). Inference for the generalization error. Machine
       Learning 52.
    .. [3] A. Makarova et al. (2022). Automatic termination for hyperparameter
       optimization. AutoML-Conf.
    .. [4] A. Marrel, B. Iooss, B. Laurent, O. Roustant (2009). Calculations of Sobol
       indices for the Gaussian process metamodel. Reliability Engineering & System
       Safety 94.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from sklearn_tuners import diagnose
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> tree = DecisionTreeClassifier(random_state=0)
    >>> grid = {"max_depth": [1, 2, 3, 4, 5], "min_samples_leaf": [1, 2, 5, 10]}
    >>> search = GridSearchCV(tree, grid, return_train_score=True).fit(X, y)
    >>> diagnosis = diagnose(search)
    >>> diagnosis["fit"].verdict
    'fine'
    >>> diagnosis["budget"].verdict
    'space exhausted'
    """
    facts = Facts.of(search, metric, directions, test_share)
    found = [_fit(facts), _optimism(facts), _ties(facts), _budget(facts)]
    found += _edge_findings(facts)
    found += _importances(facts)
    n, n_splits = facts.S.shape
    title = (
        f"Diagnosis of {type(search).__name__}({type(search.estimator).__name__}): "
        f"{n} candidates, {n_splits} splits, {facts.metric} "
        f"{facts.best_score:.4g}"
    )
    return Diagnosis(title, tuple(found))


# The checks ---------------------------------------------------------------------------


def _fit(facts: Facts) -> Finding:
    """Compare train and test scores of the best candidate."""
    test = facts.S[facts.best]
    scale = facts.scale
    unit = scale.perfect - scale.chance if scale.is_known else math.nan
    spread = float(np.std(test, ddof=1)) if len(test) > 1 else 0.0
    unsteady = spread / unit > _UNSTEADY
    text = (
        f"test {test.mean():.4g} with a standard deviation of {spread:.2g} over the "
        "splits"
    )
    if not facts.T.size:
        if unsteady:
            return _unsteady(text, spread)
        advice = "fit the search with return_train_score=True"
        return Finding("fit", "", "unknown", False, text, advice)
    train = facts.T[facts.best]
    gap = float(np.mean(train - test))
    error = float(standard_error(train - test, facts.test_share))
    text = f"train {train.mean():.4g}, {text}"
    if scale.is_known:
        is_large = gap / unit > _LARGE_GAP
    else:  # also False if the perfect score is NaN
        train_loss = scale.perfect - train.mean()
        test_loss = scale.perfect - test.mean()
        is_large = test_loss > _LARGE_RATIO * train_loss
    interval = (gap, gap - _CLEAR * error, gap + _CLEAR * error)
    if is_large and gap > _CLEAR * error:
        return Finding(
            "fit", "", "overfitting", True, text, _moves(facts, "simpler"), *interval
        )
    if scale.is_known and scale.skill(float(train.mean())) < _LOW_SKILL:
        text += ": even the training data are not fitted well"
        advice = (
            _moves(facts, "complex") + ", or add features (unless the target is noise)"
        )
        return Finding("fit", "", "high bias", True, text, advice, *interval)
    if unsteady:
        return _unsteady(text, spread)
    is_judged = scale.is_known or math.isfinite(scale.perfect)
    verdict = "fine" if is_judged else "unknown"
    return Finding("fit", "", verdict, False, text, "", *interval)


def _unsteady(text: str, spread: float) -> Finding:
    advice = "use more splits or repeat them (RepeatedKFold), or get more data"
    return Finding("fit", "", "high variance over folds", True, text, advice, spread)


def _moves(facts: Facts, where: str) -> str:
    """Say which tuned parameters to move for a simpler or a more complex model.

    They are sorted by how well their complexity correlates, among the candidates tried,
    with the gap between train and test scores (for a simpler model) or with the train
    score (for a more complex one).
    """
    best = facts.params[facts.best]
    own = branch_key(best)
    branch = [i for i, params in enumerate(facts.params) if branch_key(params) == own]
    names = sorted(name for name in facts.directions if name in best)
    train = facts.T[branch].mean(axis=1)
    symptom = train - facts.S[branch].mean(axis=1) if where == "simpler" else train
    strength = {}
    for name in names:
        tried = [facts.params[i] for i in branch]
        P = positions(tried, {name: facts.directions[name]})
        varies = P.shape[1] and np.isfinite(P).all() and np.ptp(symptom) > 0
        rho = float(spearmanr(P[:, 0], symptom).statistic) if varies else 0.0
        strength[name] = rho
    names.sort(key=lambda name: -strength[name])
    moves = [_move(name, facts.directions[name], best[name], where) for name in names]
    if moves:
        return "; ".join(moves)
    untuned = sorted(facts.directions)[:3]
    if untuned:
        return f"tune parameters that regularise: {', '.join(untuned)}"
    return "use a simpler model" if where == "simpler" else "use a more flexible model"


def _move(name: str, direction: Direction, value: Any, where: str) -> str:
    """Say in which direction to move one parameter."""
    if not isinstance(direction, str):
        wanted = list(direction) if where == "simpler" else list(direction)[::-1]
        return f"{name} (now {value!r}) towards {wanted[0]!r}"
    down = (direction == "low") == (where == "simpler")
    shown = f"{value:.3g}" if isinstance(value, float) else repr(value)
    return f"{'lower' if down else 'raise'} {name} (now {shown})"


def _optimism(facts: Facts) -> Finding:
    """Estimate how much of the best score is due to its selection."""
    n, n_splits = facts.S.shape
    if n_splits < 2 or n < 2:
        text = "at least two splits and two candidates are needed"
        return Finding("optimism", "", "unknown", False, text)
    top = int(np.argmax(facts.means))
    score, bias = float(facts.means[top]), selection_bias(facts.S, top)
    error = float(standard_error(facts.S[top], facts.test_share))
    lead = score - float(np.median(facts.means))
    text = (
        f"the best score {score:.4g} is too high by about {bias:.2g}, which "
        f"leaves {score - bias:.4g}; it is {lead:.2g} above the median candidate"
    )
    if facts.best_score < score:
        text += f"; refit chose a candidate with {facts.best_score:.4g}"
    is_large = bias > error
    advice = ""
    if is_large:
        advice = (
            "do not report the best score; use nested cross-validation or a held-out "
            "test set"
        )
    return Finding(
        "optimism", "", "large" if is_large else "small", is_large, text, advice, bias
    )


def _ties(facts: Facts) -> Finding:
    """Count the candidates that the splits cannot tell from the best one."""
    n, n_splits = facts.S.shape
    if n_splits < 2:
        text = "one split says nothing about noise"
        return Finding("ties", "", "unknown", False, text)
    top = int(np.argmax(facts.means))  # refit may have chosen another
    alike = int(indistinguishable(facts.S, top, facts.test_share).sum()) - 1
    behind, error = paired_errors(facts.S, top, facts.test_share)
    close = int((behind <= error).sum()) - 1
    text = (
        f"these splits cannot tell {alike} of the {n - 1} other candidates from the "
        f"best one; {close} are within one standard error"
    )
    if alike <= (n - 1) / 2:
        return Finding("ties", "", "few", False, text, "", float(alike))
    advice = ""
    if not callable(facts.search.refit):  # else the user has chosen a rule already
        advice = (
            "any of them will do: refit=WithinPercent(estimator) takes a simple one"
        )
    return Finding("ties", "", "many", False, text, advice, float(alike))


def _budget(facts: Facts) -> Finding:
    """Say whether more candidates would pay."""
    space = facts.space
    if space is None:
        return Finding("budget", "", "unknown", False, facts.why_no_space)
    n_tried = len({space.key(u) for u in facts.U})
    reason = _why_it_ended(facts.search)
    if reason == "space exhausted" or space.n_distinct <= n_tried:
        text = "all points of the space were tried"
        return Finding("budget", "", "space exhausted", False, text)
    resolution = float(standard_error(facts.S[facts.best]))
    if facts.processes is None or resolution == 0.0:
        text = "too few candidates or splits"
        return Finding("budget", "", "unknown", False, text)
    optimizer = Optimizer(space, n_initial_points=1, random_state=0)
    for params, score in zip(facts.params, facts.means, strict=True):
        optimizer.tell(params, float(score))
    bound = optimizer.regret_bound()
    text = (
        f"no other params are better by more than {bound:.2g} (with probability 0.9, "
        f"if the surrogate is right); the splits resolve {resolution:.2g}"
    )
    if bound < resolution:
        return Finding(
            "budget", "", "more will hardly pay", False, text, "", bound, 0.0, bound
        )
    advice = _GO_ON.get(reason, "")
    return Finding("budget", "", "more may pay", True, text, advice, bound, 0.0, bound)


_GO_ON = {
    "n_iter": "raise n_iter",
    "brackets": "set n_iter to more candidates than one pass has",
    "max_time": "raise max_time",
    "target_score": "raise target_score",
    "n_iter_no_change": "raise n_iter_no_change",
    "stopping": "set stopping=None",
}
"""What to change to get more candidates, by the reason the search ended."""


def _why_it_ended(search: Any) -> str:
    """Return `stop_reason_`, or what it would be for a search of scikit-learn."""
    own = "n_iter" if hasattr(search, "n_iter") else "space exhausted"  # a grid
    return str(getattr(search, "stop_reason_", own))


def _edge_findings(facts: Facts) -> list[Finding]:
    """Find the best values that are at the ends of their ranges."""
    if facts.space is None:
        return []
    best = facts.params[facts.best]
    branch = facts.space.branch_at(facts.U[facts.best])
    found = []
    for name, dimension in branch.dimensions.items():
        column = branch.columns.get(name)
        if column is None or name not in best:  # a constant, or not active
            continue
        if dimension.is_categorical or dimension.n_levels < 3:
            continue
        owner = owner_of(facts.best_estimator, name)
        limits = parameter_limits(owner, split_name(name)[1])
        edge = find_edge(dimension, best[name], limits)
        if edge is None:
            text = f"best value {_shown(best[name])}"
            found.append(Finding("edge", name, "inside", False, text))
        else:
            found.append(_edge_finding(facts, name, column, edge))
    return found


def _edge_finding(facts: Facts, name: str, column: int, edge: Edge) -> Finding:
    """Say whether a wider range is worth trying, and which."""
    value = facts.params[facts.best][name]
    text = f"best value {_shown(value)}"
    if edge.wider is None:
        text += ", beyond which the estimator accepts nothing"
        return Finding("edge", name, "at its limit", False, text)
    probability = math.nan
    if facts.processes is not None and facts.space is not None:
        probability = float(
            probability_better(
                facts.space,
                facts.processes,
                facts.U[facts.best],
                _further_inside(facts.space, facts.U[facts.best], column, edge),
            )[0]
        )
        text += f", better than further inside with probability {probability:.2f}"
        if probability < _RISING:
            advice = "a wider range may not be better"
            return Finding("edge", name, "flat", False, text, advice, probability)
    low, high = edge.wider
    scale = " on a log scale" if edge.is_log else ""
    advice = f"try {low:.6g} to {high:.6g}{scale}"
    if _is_bounded_by_data(facts.best_estimator, name, edge.side):
        advice += ", if the size of the data allows it"
    verdict = f"at the {edge.side} edge"
    return Finding("edge", name, verdict, True, text, advice, probability)


def _is_bounded_by_data(estimator: Any, name: str, side: str) -> bool:
    """Whether the bound of a parameter in the registry depends on the data."""
    return any(
        quantity
        for row in rows_of(owner_of(estimator, name))
        if row.parameter == split_name(name)[1]
        for _, quantity in (row.low if side == "lower" else row.high)
    )


def _further_inside(
    space: Space, row: FloatArray, column: int, edge: Edge
) -> FloatArray:
    """Return the row a quarter of the range away from an edge.

    Of three levels, the row of the middle one: a quarter away is still the edge.
    """
    quarter = 0.25 if edge.side == "lower" else 0.75
    rows = np.tile(row, (2, 1))
    rows[:, column] = (quarter, 0.5)
    rows = space.snap(rows)
    return rows[:1] if rows[0, column] != row[column] else rows[1:]


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else repr(value)


def _importances(facts: Facts) -> list[Finding]:
    """Say which parameters the score depends on."""
    if facts.space is None:
        return []
    names = list(columns_of(facts.space))
    if SWITCH in names and isinstance(
        getattr(facts.search, "param_distributions_", None), Mapping
    ):
        names.remove(SWITCH)  # between the estimator's own params and its default space
    if facts.processes is None:
        text = "too few candidates"
        return [Finding("importance", name, "unknown", False, text) for name in names]
    share = explained(facts.processes[0], facts.means)
    if share < _EXPLAINED:
        text = "the parameters hardly predict the scores of left-out candidates"
        is_clear = len(facts.S) >= _ENOUGH
        verdict = "no sign that it matters" if is_clear else "unclear"
        return [Finding("importance", name, verdict, False, text) for name in names]
    with silenced(RuntimeWarning):
        found = shares(facts.space, facts.processes)
    findings = []
    for name, middle, low, high in zip(
        found.names, found.median, found.low, found.high, strict=True
    ):
        if name not in names:
            continue
        text = f"share of the variance {middle:.2f} ({low:.2f} to {high:.2f})"
        verdict = "unclear"
        if low > _MATTERS:
            verdict = "matters"
        elif high < _MATTERS:
            verdict = "no sign that it matters"
        findings.append(
            Finding(
                "importance",
                name,
                verdict,
                False,
                text,
                estimate=float(middle),
                low=float(low),
                high=float(high),
            )
        )
    findings.sort(key=lambda finding: -finding.estimate)
    return findings
