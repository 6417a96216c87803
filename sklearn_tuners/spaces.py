"""Default search spaces, and what is known of the parameters of estimators."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sklearn_tuners._defaults.default_space import find_default_space
from sklearn_tuners._defaults.registry import Row, register, rows_of
from sklearn_tuners._estimators import nested, parameters

__all__ = ["default_space", "directions", "register_space", "resources"]


def default_space(
    estimator: Any,
    X: Any = None,
    y: Any = None,
    *,
    n_train: int | None = None,
    fixed: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Search space of an estimator on some data, from the registry.

    Parameters
    ----------
    estimator : estimator object
        Any estimator, or composition of estimators at any depth. Parameters that have
        another value than their class gives them by default are left alone.
    X : array-like of shape (n_samples, n_features), default=None
        The data: their numbers of samples and features and their variances bound the
        space. None assumes few samples and features, with variance one.
    y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
        The target: the sizes of its classes, or its standard deviation.
    n_train : int, default=None
        Samples in the smallest training set that the search will use: of a fold, or of
        the lowest rung. None takes four fifths of those in `X`.
    fixed : dict, default=None
        Full names of parameters to values that they are to have: the space is that of
        the estimator with these set, and has them as lists of one value. What counts
        only with other values is not in it.

    Returns
    -------
    dict
        Full names of parameters to domains, for `BayesSearchCV`: lists, tuples
        ``(low, high)`` and ``(low, high, "log-uniform")``, and `When` for parameters
        that act only for some values of others. It is a plain dict to be edited; see
        the examples. Empty if there is nothing to tune.

    See Also
    --------
    register_space : Makes the space of another class known.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_tuners import default_space
    >>> X, y = load_iris(return_X_y=True)
    >>> space = default_space(make_pipeline(PCA(), KNeighborsClassifier(p=1)), X, y)
    >>> for name, domain in space.items():
    ...     print(name, domain)
    pca__n_components (0.5, 0.999)
    kneighborsclassifier__n_neighbors (1, 60, 'log-uniform')
    kneighborsclassifier__weights ['uniform', 'distance']

    Fix one, narrow another, add a third:

    >>> fixed = {"kneighborsclassifier__weights": "uniform"}
    >>> space = default_space(
    ...     make_pipeline(PCA(), KNeighborsClassifier(p=1)), X, y, fixed=fixed
    ... )
    >>> space["kneighborsclassifier__weights"]
    ['uniform']
    >>> space |= {
    ...     "kneighborsclassifier__n_neighbors": (1, 15),
    ...     "pca__whiten": [False, True],
    ... }
    """
    return find_default_space(estimator, X, y, n_train, fixed).space


def directions(estimator: Any) -> dict[str, str | list[Any]]:
    """Which end of each parameter is the simpler one.

    Parameters
    ----------
    estimator : estimator object
        Any estimator or composition of estimators.

    Returns
    -------
    dict of str to {"low", "high"} or list
        Full names of parameters, at any depth, to the end of the range that
        regularises more: ``"low"`` where smaller values are simpler. For a choice, its
        values from simple to complex. Parameters without such an order are left out:
        learning rates and numbers of trees of boosting, which regularise only jointly.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn.svm import SVR
    >>> from sklearn_tuners.spaces import directions
    >>> found = directions(make_pipeline(StandardScaler(), SVR()))
    >>> found["svr__C"], found["svr__epsilon"]
    ('low', 'high')
    """
    found: dict[str, str | list[Any]] = {}
    for name, row in _all_rows(estimator):
        if row.simpler and name not in found:
            from_simple = row.values if row.simpler == "low" else row.values[::-1]
            found[name] = list(from_simple) or row.simpler
    return found


def resources(estimator: Any) -> dict[str, int]:
    """Parameters of which more only costs more, with their smallest sensible values.

    Parameters
    ----------
    estimator : estimator object
        Any estimator or composition of estimators.

    Returns
    -------
    dict of str to int
        Full names of parameters, at any depth, to the smallest value at which a score
        says something about the score at a larger one.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn_tuners.spaces import resources
    >>> resources(RandomForestClassifier())
    {'n_estimators': 10}
    """
    return {
        name: row.resource
        for name, row in _all_rows(estimator)
        if row.resource is not None
    }


def _all_rows(estimator: Any, prefix: str = "") -> Iterator[tuple[str, Row]]:
    """Yield the rows of all parameters at any depth, with their full names."""
    known = parameters(estimator)
    for row in rows_of(estimator):
        if row.parameter in known:
            yield prefix + row.parameter, row
    for name, inner in nested(estimator):
        yield from _all_rows(inner, f"{prefix}{name}__")


def register_space(estimator_class: type, rows: Iterable[Mapping[str, Any]]) -> None:
    """Make the space of a class known.

    Parameters
    ----------
    estimator_class : type
        The class. Its subclasses have the space too, as far as they have no other one
        and have the parameters.
    rows : iterable of dicts
        A dict per parameter, with the columns of the table as keys; all but
        ``parameter`` may be missing. They take the place of all rows that it has.

        - ``parameter`` : its name;
        - ``kind`` : ``"float"``, ``"int"`` or ``"choice"``;
        - ``low``, ``high`` : a number, or text such as ``"0.5*n 100"``: bounds with
          spaces between them, all of which hold, each a number or a multiple of one
          of the quantities of the table;
        - ``scale`` : ``"linear"`` or ``"log"``;
        - ``values`` : the values of a choice;
        - ``condition`` : a dict of other parameters to the values under which this one
          acts;
        - ``simpler`` : ``"low"`` or ``"high"``;
        - ``resource`` : the smallest sensible value of a resource.

    Raises
    ------
    ValueError, TypeError
        If a row is not understood, or names a parameter that the class does not have.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn_tuners.spaces import directions, register_space
    >>> class Mine(Ridge):
    ...     pass
    >>> register_space(
    ...     Mine,
    ...     [
    ...         {
    ...             "parameter": "alpha",
    ...             "kind": "float",
    ...             "low": 0.1,
    ...             "high": 10,
    ...             "scale": "log",
    ...             "simpler": "high",
    ...         },
    ...     ],
    ... )
    >>> directions(Mine())
    {'alpha': 'high'}
    """
    register(estimator_class, rows)
