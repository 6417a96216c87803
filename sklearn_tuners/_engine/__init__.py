"""The loop that every search runs, and the workers that it keeps busy.

The loop knows trials, a tuner that asks and tells, and an evaluator that hands
evaluations to workers. It knows neither estimators nor scores.

- `loop.py`: ask for a point, run its splits, tell the score
- `trial.py`: a point and what became of it on every split
- `observer.py`: what wants to hear of a run
- `workers.py`: workers that take one call at a time and survive a death
"""
