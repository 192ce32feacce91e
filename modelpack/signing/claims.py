"""Who a bundle says has signed it. Nothing is verified: for people who look around."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from modelpack.attestation.bundle import Bundle

_SHA256: Final = 32


def claimed_signer(bundle: Bundle) -> str:
    """Return the name that a bundle's own material gives to its signer."""
    if bundle.certificates:
        return _of_certificate(bundle.certificates[0])
    if not bundle.hint:
        return "a key"
    try:
        digest = base64.b64decode(bundle.hint, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    # cosign's hint is the key's fingerprint in base64; others say what they like.
    named = f"sha256:{digest.hex()}" if len(digest) == _SHA256 else repr(bundle.hint)
    return f"key {named}"


def _of_certificate(der: bytes) -> str:
    from cryptography import x509

    try:
        certificate = x509.load_der_x509_certificate(der)
        extension = certificate.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
        names = [str(name.value) for name in extension.value]
    except (
        ValueError,
        x509.DuplicateExtension,
        x509.ExtensionNotFound,
        x509.InvalidVersion,
        x509.UnsupportedGeneralNameType,
    ):
        names = []
    return names[0] if names else "a certificate without a name"
