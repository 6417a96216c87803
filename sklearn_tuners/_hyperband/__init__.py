"""What is spent on which candidate."""
