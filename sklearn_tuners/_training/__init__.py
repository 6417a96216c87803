"""What a worker does: it trains one candidate on one split, and scores it.

A candidate may be trained in steps, each from where the last one stopped. Which
estimators support this is listed in tables here; tests compare each with a single fit.

- `evaluate.py`: one evaluation
- `guard.py`: when a worker may run it and for how long; the end of an orphaned worker
- `shared.py`: the data that all evaluations read, sent to each worker once
- `steps.py`: how an estimator is trained up to a resource, in one step or several
- `continuation.py`: which estimators continue, and whether that equals a single fit
- `libraries.py`: one record each for XGBoost, LightGBM and CatBoost
- `settings.py`: what depends on the number of rows: penalties, "auto" options, labels
- `store.py`: fitted states on disk, between two steps
"""
