"""From the scores of the trials so far to the next proposal.

`Optimizer` is asked and told. It fits Gaussian processes to what it was told, and
proposes the row of the unit cube that promises most. Everything below it is a function
of arrays: no module knows estimators, cross-validation or the search.

- ``optimizer``: ask and tell, the first points, what has been told
- ``budgets``: how many evaluations each dict of the space has
- ``proposal``: the row to propose, given the processes
- ``regret``: how much can still be gained, given a process
- ``surrogate``: from trials to processes; the two scales of scores
- ``acquisition``: criteria, what an evaluation is worth
- ``maximise``: the search for the best rows of any surface
- ``gp``: the Gaussian process: kernel, priors, fit, posterior
- ``threads``: BLAS on one thread
"""
