"""Which candidate gets how much of the resource.

Hyperband begins many candidates with a small resource and promotes the best. This
package defines the resource, its schedule, and which candidate is next.

- `resource.py`: what is spent on a candidate: rows, epochs or an integer parameter
- `schedule.py`: resource, rungs and brackets of a search, known before any fit
- `brackets.py`: the arithmetic of Hyperband, and which candidates are promoted
- `tuner.py`: which candidate is next, at which resource
- `sampler.py`: where new candidates come from
- `rows.py`: labels, groups and nested subsets of rows
- `rung_rows.py`: the training rows of each split in the order of the rungs
- `strategy.py`: what `HyperbandSearchCV` does differently from other searches
- `results.py`: ranks and times of candidates with different resources
"""
