"""The loop that every search runs, and the workers that it keeps busy.

The loop handles trials, a tuner that asks and tells, and an evaluator that hands
evaluations to workers. It knows nothing about estimators or metrics.

- `loop.py`: ask for a point, run its splits, tell the score
- `trial.py`: a point and its outcome on each split
- `observer.py`: what is notified during a run
- `workers.py`: workers that take one call at a time and survive the death of one
"""
