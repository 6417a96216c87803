"""The loop and its workers."""
