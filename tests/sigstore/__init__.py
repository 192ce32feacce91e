"""A private Sigstore on loopback: OIDC, Fulcio, Rekor v2 and a time-stamping authority.

In Python, for tests that need no other program; ``tests/interop`` has the real one.
"""
