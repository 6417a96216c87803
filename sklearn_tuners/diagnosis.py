"""What a finished search says about its estimator, its space and its budget."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from sklearn_tuners._bayes.optimizer import Optimizer
from sklearn_tuners._compat.sklearn import parameter_limits
from sklearn_tuners._defaults.registry import rows_of
from sklearn_tuners._estimators import owner_of, split_name
from sklearn_tuners._insight.complexity import Direction, branch_of, positions
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
from sklearn_tuners._search.stopping import fold_resolution
from sklearn_tuners._space.space import Space
from sklearn_tuners._split_scores import (
    indistinguishable,
    paired_errors,
    selection_bias,
    standard_error,
)

__all__ = ["Diagnosis", "Finding", "diagnose"]

FloatArray = NDArray[np.float64]

# Thresholds in units of skill (0 a guess, 1 perfect). They are conventions, chosen so
# that the made-up data in tests/test_diagnosis.py are told apart with room to spare.
_LARGE_GAP, _LOW_SKILL, _UNSTEADY = 0.15, 0.5, 0.15
#: Where the scale is not known: a loss is this many times that on the training data.
_LARGE_RATIO = 1.5
#: Standard errors that a gap between train and test has to exceed.
_CLEAR = 2.0
#: Share of the variance from which a parameter matters, and the share of differences
#: that the surrogate has to predict for anything to be said about parameters at all.
_MATTERS, _EXPLAINED = 0.1, 0.2
#: From this probability on that the edge is better than the inside, the scores rise.
_RISING = 0.8


def diagnose(
    search: Any,
    metric: str | None = None,
    *,
    directions: Mapping[str, Direction] | None = None,
    test_share: float | None = None,
) -> Diagnosis:
    """Say what a finished search tells besides its best parameters.

    Parameters
    ----------
    search : fitted search
        A `BayesSearchCV`, `HyperbandSearchCV` (of which the rows with the full
        resource count), `GridSearchCV` or `RandomizedSearchCV`. Nothing is fitted
        again. With ``return_train_score=True`` more can be said.

    metric : str, default=None
        Name of the metric to go by. None is the one of `refit`; only needed with
        several if that does not name one.

    directions : dict, default=None
        In which direction each parameter regularises, as for `OneStandardError`. None
        takes those of the registry.

    test_share : float, default=None
        Samples in a test set as a share of all, as for `OneStandardError`.

    Returns
    -------
    Diagnosis
        Prints itself; in notebooks as a table; ``to_frame()`` gives a data frame. The
        findings, by check:

        - ``"fit"``: train and test scores of the best candidate. "overfitting", "high
          bias", "high variance over folds", "fine" or "unknown";
        - ``"optimism"``: how much the best score owes to its selection, and the score
          less that [1]_. "large", "small" or "unknown";
        - ``"ties"``: how many candidates the splits cannot tell from the best one, by
          a corrected resampled t-test at 5 % [2]_. "many", "few" or "unknown";
        - ``"budget"``: whether more iterations would pay: whether the bound on what may
          be gained is above what the splits resolve [3]_. "more may pay", "more will
          hardly pay", "space exhausted" or "unknown";
        - ``("edge", name)`` for each numeric parameter of the best candidate: "at the
          lower edge", "at the upper edge" (with the wider range to try), "at its limit"
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
    On the scale of the verdicts 0 is a guess and 1 is perfect, which is known for
    accuracy (chance taken as one over the number of classes), ROC AUC, log-loss, R2 and
    the like. For losses of unknown scale overfitting is judged by the ratio of the test
    loss to the training loss, and high bias is not judged.

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
    text = f"test {test.mean():.4g} with a deviation of {spread:.2g} over the splits"
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
    else:  # False too if the perfect score is not known
        loss_train, loss_test = (
            scale.perfect - train.mean(),
            scale.perfect - test.mean(),
        )
        is_large = loss_test > _LARGE_RATIO * loss_train
    interval = (gap, gap - _CLEAR * error, gap + _CLEAR * error)
    if is_large and gap > _CLEAR * error:
        return Finding(
            "fit", "", "overfitting", True, text, _moves(facts, "simpler"), *interval
        )
    if scale.is_known and scale.skill(float(train.mean())) < _LOW_SKILL:
        text += ": even the training data are not fitted well"
        advice = _moves(facts, "complex") + ", or add features (or the rest is noise)"
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

    Those come first whose complexity goes along with the gap between train and test
    scores (for simpler models) or with the train score among the candidates tried.
    """
    best = facts.params[facts.best]
    own = branch_of(best)
    branch = [i for i, params in enumerate(facts.params) if branch_of(params) == own]
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
        return f"tune what regularises: {', '.join(untuned)}"
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
        text = "it takes at least two splits and two candidates to tell"
        return Finding("optimism", "", "unknown", False, text)
    top = int(np.argmax(facts.means))
    score, bias = float(facts.means[top]), selection_bias(facts.S, top)
    error = float(standard_error(facts.S[top], facts.test_share))
    lead = score - float(np.median(facts.means))
    text = (
        f"the best score {score:.4g} is too good by about {bias:.2g}: "
        f"{score - bias:.4g}; it leads the median candidate by {lead:.2g}"
    )
    if facts.best_score < score:
        text += f"; refit chose one of {facts.best_score:.4g}, not selected for that"
    is_large = bias > error
    advice = ""
    if is_large:
        advice = (
            "do not report the best score: nested cross-validation or a held out set "
            "does not suffer from selection"
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
    top = int(np.argmax(facts.means))  # refit may have chosen another one
    alike = int(indistinguishable(facts.S, top, facts.test_share).sum()) - 1
    behind, error = paired_errors(facts.S, top, facts.test_share)
    close = int((behind <= error).sum()) - 1
    text = (
        f"{alike} of the {n - 1} other candidates cannot be told from the best one by "
        f"these splits; {close} are within one standard error"
    )
    is_many = alike > (n - 1) / 2
    advice = "any will do: refit=WithinPercent(estimator) takes a simple one"
    return Finding(
        "ties",
        "",
        "many" if is_many else "few",
        False,
        text,
        advice if is_many else "",
        float(alike),
    )


def _budget(facts: Facts) -> Finding:
    """Say whether more iterations would pay."""
    space = facts.space
    if space is None:
        return Finding("budget", "", "unknown", False, facts.why_no_space)
    tried = {space.key(u) for u in facts.U}
    if space.n_distinct <= len(tried):
        text = f"all {len(tried)} points of the space were tried"
        return Finding("budget", "", "space exhausted", False, text)
    resolution = fold_resolution(facts.S[facts.best].tolist())
    if facts.processes is None or resolution == 0.0:
        text = "too few candidates or splits to tell"
        return Finding("budget", "", "unknown", False, text)
    optimizer = Optimizer(space, n_initial_points=1, random_state=0)
    for params, score in zip(facts.params, facts.means, strict=True):
        optimizer.tell(params, float(score))
    bound = optimizer.regret_bound()
    text = (
        f"any other params are better by at most {bound:.2g} (with probability 0.9, "
        f"if the surrogate is right); the splits resolve {resolution:.2g}"
    )
    if bound < resolution:
        return Finding(
            "budget", "", "more will hardly pay", False, text, "", bound, 0.0, bound
        )
    return Finding(
        "budget", "", "more may pay", True, text, "raise n_iter", bound, 0.0, bound
    )


def _edge_findings(facts: Facts) -> list[Finding]:
    """Look for the best values at the ends of their ranges."""
    if facts.space is None:
        return []
    best = facts.params[facts.best]
    branch = facts.space.branch_of(facts.U[facts.best])
    found = []
    for name, dimension in branch.dimensions.items():
        column = branch.columns.get(name)
        if column is None or name not in best:  # a constant; its condition fails
            continue
        if dimension.is_categorical or dimension.n_levels < 3:
            continue
        owner = owner_of(facts.best_estimator, name)
        limits = parameter_limits(owner, split_name(name)[1])
        edge = find_edge(dimension, best[name], limits)
        if edge is None:
            text = f"best {_shown(best[name])}"
            found.append(Finding("edge", name, "inside", False, text))
        else:
            found.append(_edge_finding(facts, name, column, edge))
    return found


def _edge_finding(facts: Facts, name: str, column: int, edge: Edge) -> Finding:
    """Say whether it is worth going beyond an edge, and where to."""
    value = facts.params[facts.best][name]
    text = f"best {_shown(value)}"
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
            advice = "a wider range need not be better"
            return Finding("edge", name, "flat", False, text, advice, probability)
    low, high = edge.wider
    scale = " on a log scale" if edge.is_log else ""
    advice = f"try {low:.6g} to {high:.6g}{scale}"
    if _is_bounded_by_data(facts.best_estimator, name, edge.side):
        advice += ", as far as the size of the data allows"
    verdict = f"at the {edge.side} edge"
    return Finding("edge", name, verdict, True, text, advice, probability)


def _is_bounded_by_data(estimator: Any, name: str, side: str) -> bool:
    """Whether the registry bounds a parameter by samples, features or classes there."""
    return any(
        quantity
        for row in rows_of(owner_of(estimator, name))
        if row.parameter == split_name(name)[1]
        for _, quantity in (row.low if side == "lower" else row.high)
    )


def _further_inside(
    space: Space, row: FloatArray, column: int, edge: Edge
) -> FloatArray:
    """Return the row a quarter inside of an edge, or in the middle if that is nearest.

    Of three levels the middle one: a quarter inside is the edge again.
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
    if getattr(facts.search, "_own", None) is not None and SWITCH in names:
        names.remove(SWITCH)  # its dicts are the default, and all else: no parameter
    if facts.processes is None:
        text = "too few candidates to tell"
        return [Finding("importance", name, "unknown", False, text) for name in names]
    share = explained(facts.processes[0], facts.means)
    if share < _EXPLAINED:
        text = "the parameters hardly predict the scores of candidates left out"
        verdict = "no sign that it matters" if len(facts.S) >= 20 else "unclear"
        return [Finding("importance", name, verdict, False, text) for name in names]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
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
