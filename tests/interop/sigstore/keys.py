"""Keys in the forms that the services and the trusted root want."""

from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificatePublicKeyTypes,
    PrivateKeyTypes,
)

_SPKI = serialization.PublicFormat.SubjectPublicKeyInfo


class HasPublic(Protocol):
    """A private key or a certificate."""

    def public_key(self) -> CertificatePublicKeyTypes: ...


def spki(holder: HasPublic) -> bytes:
    return holder.public_key().public_bytes(serialization.Encoding.DER, _SPKI)


def write_public(path: Path, holder: HasPublic) -> None:
    pem = holder.public_key().public_bytes(serialization.Encoding.PEM, _SPKI)
    path.write_bytes(pem)


def write_private(path: Path, key: PrivateKeyTypes) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(pem)
