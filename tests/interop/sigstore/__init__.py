"""A private Sigstore on loopback, made of the real programs.

Fulcio, Rekor v2 and the time-stamping authority are processes. What they need besides
is small and runs in the tests' own process: an OpenID Connect issuer, and a certificate
transparency log that signs and keeps nothing, since nobody asks it for more.
"""
