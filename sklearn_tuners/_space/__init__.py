"""The search space: parameters as rows of the unit cube, and back.

What a user writes, in any dialect, is parsed once into dimensions, one per parameter,
each with a coordinate from 0 to 1. A `Space` turns params into rows of coordinates and
rows into params, draws rows from the user's distributions, and gives the features in
which the surrogate measures distances. Nothing here depends on scikit-learn.

- `space.py`: `Space`, the whole; the meaning of a row
- `point.py`: params with their row, encoded once
- `branches.py`: the dicts of a list of dicts
- `conditions.py`: `When`, parameters that are active only for some values of others
- `own_values.py`: whether an estimator's own values are a point of a space
- `dialects.py`: what users may write, and which module parses it
- `lists.py`: lists of values and choices
- `ranges.py`: ranges from low to high
- `distributions.py`: distributions with quantiles
- `integers.py`: distributions that are discrete
- `drawn.py`: objects that can only draw
- `dimensions.py`: the domains of one parameter and their coordinates
- `coordinates.py`: how finely coordinates are resolved
- `decimals.py`: the round values that are proposed
- `features.py`: rows as the surrogate sees them
- `values.py`: which listed values are the same
"""
