"""The space nobody wrote."""
