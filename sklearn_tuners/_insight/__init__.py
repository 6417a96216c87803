"""What a finished search says."""
