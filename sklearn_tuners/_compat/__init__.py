"""The gate to private names of scikit-learn and joblib."""
