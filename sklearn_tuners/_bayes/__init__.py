"""From the scores of the trials so far to the next proposal.

`Optimizer` is asked and told. It fits Gaussian processes to what it was told, and
proposes the most promising row of the unit cube. Everything below it is a function of
arrays: no module knows about estimators, cross-validation or the search.

- `optimizer.py`: ask and tell, the first points, what has been told
- `budgets.py`: how many evaluations each dict of the space has
- `proposal.py`: the row to propose, given the processes
- `regret.py`: how much can still be gained, given a process
- `surrogate.py`: from trials to processes; the two scales of scores
- `acquisition.py`: criteria, what an evaluation is worth
- `maximise.py`: the search for the best rows of any surface
- `gp.py`: the Gaussian process: kernel, priors, fit, posterior
- `threads.py`: BLAS on one thread
"""
