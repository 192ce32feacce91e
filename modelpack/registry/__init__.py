"""Registries over HTTP, by the OCI distribution-spec 1.1."""
