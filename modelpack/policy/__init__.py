"""Admission: whether a model may be handed out."""
