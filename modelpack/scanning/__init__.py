"""Facts become verdicts: whether a file is safe to load."""
