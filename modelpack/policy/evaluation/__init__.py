"""Policies are evaluated over requests and evidence: no I/O, no clock."""
