"""What a worker does: it trains one candidate on one split, and scores it.

A candidate may be trained in steps, each from where the last one stopped. What is known
of estimators that can be is kept in tables here; tests compare each with a single fit.

- ``evaluate``: one evaluation.
- ``guard``: when a worker may run it and for how long; the end of an orphaned worker.
- ``shared``: the data that all evaluations read, sent to each worker once.
- ``steps``: how an estimator is trained up to a resource, in one step or several.
- ``continuation``: which estimators go on, and whether that equals a single fit.
- ``libraries``: one record each for XGBoost, LightGBM and CatBoost.
- ``settings``: what depends on the number of rows: penalties, "auto" options, labels.
- ``store``: fitted states on disk, between two steps.
"""
