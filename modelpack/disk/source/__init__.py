"""A model directory as a push reads it."""
