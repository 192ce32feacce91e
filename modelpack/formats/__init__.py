"""Bytes become facts: strict parsers for files that may be hostile."""
