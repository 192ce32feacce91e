"""Statements about artifacts, and what it takes to believe them. No I/O, no clock."""
