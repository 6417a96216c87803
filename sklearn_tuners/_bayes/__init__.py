"""From scores to a proposal."""
