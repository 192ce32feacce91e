"""A directory as a pull writes it: staged, then shown at once."""
