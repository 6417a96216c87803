"""The gate to private names of scikit-learn and joblib.

No other package may import an underscore name of either library, nor name a private
class of scikit-learn by its path; a new release is checked here first. Supported are
scikit-learn 1.7 to 1.9, and joblib from 1.5.

- `sklearn.py`: the base class of searches, the evaluation of one split, callbacks, and
  the constraints of parameters
- `classes.py`: paths of private classes, for tables that list estimators by base class
- `joblib.py`: the workers of a joblib backend, fed one call at a time
- `warnings.py`: warning filters that several threads can change
"""
