"""What a finished search says about its estimator, its space and its budget.

`sklearn_tuners.diagnose` reads a finished search, also one of scikit-learn, and fits no
estimator again. The selection rules use the same measure of complexity.

- `finished.py`: a finished search in the form that the checks read; what a score means
- `complexity.py`: which of two candidates is simpler
- `edges.py`: whether a value is at the edge of its range, and which wider range to try
- `sensitivity.py`: what a Gaussian process fitted to the scores says about parameters
- `report.py`: the findings, and how they are shown
"""
