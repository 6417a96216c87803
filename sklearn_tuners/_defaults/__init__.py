"""The search space of an estimator for which the user gives none.

A table lists which parameters of a class are worth tuning, and between which bounds.
Bounds may depend on the data that the estimator gets, so an estimator inside a
composition needs the sizes of what the steps before it hand on.

- `registry.py`: the table, ``spaces.csv``, and the rows that users register
- `spaces_left_out.csv`: classes of scikit-learn without rows, each with the reason
- `sizes.py`: the sizes of the data of one estimator, and the bounds that depend on them
- `flow.py`: how sizes change from step to step, and from an ensemble to its parts
- `requirements.py`: what the later steps of a pipeline require of the earlier ones
- `default_space.py`: the default space of an estimator or composition
- `lookup.py`: which values are simpler and which parameters are resources, at any depth
"""
