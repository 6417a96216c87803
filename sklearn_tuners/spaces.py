"""Default search spaces, and what the registry knows about parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sklearn_tuners._defaults.default_space import find_default_space
from sklearn_tuners._defaults.lookup import directions, resources
from sklearn_tuners._defaults.registry import register

__all__ = ["default_space", "directions", "register_space", "resources"]


def default_space(
    estimator: Any,
    X: Any = None,
    y: Any = None,
    *,
    n_train: int | None = None,
    fixed: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Search space of an estimator, from the registry and the data.

    Parameters
    ----------
    estimator : estimator object
        Any estimator, or composition of estimators at any depth. Parameters with
        another value than the default of their class are left alone.
    X : array-like of shape (n_samples, n_features), default=None
        The data. The numbers of samples and features and the variances bound the
        space. None assumes few samples and features, with variance one.
    y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
        The target. The sizes of its classes or its standard deviation bound the space.
    n_train : int, default=None
        Samples in the smallest training set of the search: that of a fold, or of the
        lowest rung. None takes four fifths of the samples in `X`.
    fixed : dict, default=None
        Full names of parameters to the values to fix. The space is that of the
        estimator with these values set, and has each of them as a list of one value.
        Parameters that act only with other values are not in it.

    Returns
    -------
    dict
        Full names of parameters to domains, for `BayesSearchCV`: lists, tuples
        ``(low, high)`` and ``(low, high, "log-uniform")``, and `When` for parameters
        that act only for some values of others. It is a plain dict, which you may edit
        as in the examples. Empty if the registry has nothing to tune.

    See Also
    --------
    register_space : Add the space of another class to the registry.

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

    Fix one parameter, narrow another, add a third:

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


def register_space(estimator_class: type, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add the space of a class to the registry.

    Parameters
    ----------
    estimator_class : type
        The class. The rows count for its subclasses too, unless those have rows of
        their own; parameters that a subclass does not have are ignored.
    rows : iterable of dicts
        A dict per parameter, with the columns of the table as keys; all but
        ``parameter`` may be missing. They replace all rows that the class has.

        - ``parameter`` : its name;
        - ``kind`` : ``"float"``, ``"int"`` or ``"choice"``;
        - ``low``, ``high`` : a number, or text such as ``"0.5*n 100"``: bounds
          separated by spaces, all of which hold, each a number, a quantity of the
          table, or a multiple of one;
        - ``scale`` : ``"linear"`` or ``"log"``;
        - ``values`` : the values of a choice;
        - ``condition`` : a dict of other parameters to the values with which this one
          acts;
        - ``simpler`` : ``"low"`` or ``"high"``;
        - ``resource`` : for a parameter of which more is never worse and only costs
          more, its smallest sensible value.

    Raises
    ------
    ValueError, TypeError
        If a row is invalid, or names a parameter that the class does not have.

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
