"""A server that a cluster asks before a model gets in."""
