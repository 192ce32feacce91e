"""Keyless: who signs with an identity, and which identities are believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from modelpack.api.files import content_of
from modelpack.api.signing import SignWith
from modelpack.attestation.evidence import Verifier
from modelpack.signing.keyless import Expected, KeylessSigning, KeylessVerifier, Pattern
from modelpack.signing.trust import private_instance, public_instance

if TYPE_CHECKING:
    from pathlib import Path

    from sigstore.models import ClientTrustConfig

Token = Callable[[str], str]
"""Gets the issuer's URL; returns an OIDC token in its compact form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sigstore:
    """Which Sigstore: that of these files, or without any the public one.

    ``config`` is a client trust config, which holds the other two.
    """

    config: Path | None = None
    trusted_root: Path | None = None
    signing_config: Path | None = None

    def load(self) -> ClientTrustConfig:
        """Read the files, or fetch the public instance's keys."""
        files = (self.config, self.trusted_root, self.signing_config)
        if not any(files):
            return public_instance()
        config, root, services = (content_of(f) if f else None for f in files)
        return private_instance(
            config=config, trusted_root=root, signing_config=services
        )


def sign_keyless(
    token: Token, sigstore: Sigstore, *, model_signature: bool = True
) -> SignWith:
    """Return what signs with the identity that a token proves.

    The identity, and that it has signed, are published for good in the logs of
    the Sigstore instance.
    """
    signing = KeylessSigning(cache(sigstore.load), token)
    return SignWith(signer=signing, own=signing.own(), model_signature=model_signature)


def believe_identity(
    identity: str,
    issuer: str,
    sigstore: Sigstore,
    *,
    identity_is_regexp: bool = False,
    issuer_is_regexp: bool = False,
) -> Verifier:
    """Return what accepts signatures of an identity under an issuer.

    Regular expressions have to match all of a name.
    """
    expected = Expected(
        identity=Pattern(identity, is_regexp=identity_is_regexp),
        issuer=Pattern(issuer, is_regexp=issuer_is_regexp),
    )
    verifier = KeylessVerifier(expected, cache(sigstore.load))
    verifier.load()  # what is wrong with the trust is no fault of any bundle
    return verifier
