"""Kyverno's documents: parsed strictly, or refused by name."""
