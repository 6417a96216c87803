"""What every search shares.

`fit` reads the parameters of a search once, makes the parts below from them, and hands
these down: data and splits, the parsed space, the strategy, the workers. Nothing here
knows which search it works for. What a search does differently is its strategy.

- `base.py`: the constructor and the fit
- `problem.py`: data, splits and where the space comes from
- `parameter_names.py`: whether the estimator has the parameters that a space names
- `fit_arguments.py`: arguments of `fit` that other libraries have
- `strategy.py`: what a search does differently, with working defaults
- `run.py`: evaluations on the workers
- `observers.py`: verbose lines, the journal and callbacks, which listen to a run
- `journaling.py`: what a journal compares, and the trials that it gives back
- `scores.py`: the score of a trial on each split
- `stopping.py`: when a search ends, and how far proposals lag behind scores
- `reevaluate.py`: the best candidates once more, on fresh splits
"""
