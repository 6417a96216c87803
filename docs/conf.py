"""Configuration of the documentation; build it with ``sphinx-build -W docs DIR``."""

import sklearn_tuners

project = "sklearn_tuners"
author = "the sklearn_tuners developers"
copyright = f"2026, {author}"
release = version = sklearn_tuners.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
]
html_theme = "furo"
exclude_patterns = ["_build"]

# Single backticks in docstrings are names of code, as in scikit-learn's.
default_role = "code"
numpydoc_show_class_members = False
# Properties inherited from scikit-learn point into its glossary, which is not ours.
suppress_warnings = ["ref.term"]
autodoc_typehints = "none"
myst_heading_anchors = 2
