"""The library in ``policies/``: what it admits and what it refuses."""
