"""Parameters as rows of the unit cube."""
