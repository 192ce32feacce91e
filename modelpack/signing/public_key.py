"""Public keys, and the one way in which each kind signs.

sigstore/protobuf-specs, "Algorithm Registry": the hash follows from the key, so
that nobody can claim a weaker one.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Final, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from modelpack.errors import InvalidInput, VerificationError

Key = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

_SMALLEST_RSA: Final = 2048
_CURVES: Final = {
    "secp256r1": ("PKIX_ECDSA_P256_SHA_256", hashes.SHA256()),
    "secp384r1": ("PKIX_ECDSA_P384_SHA_384", hashes.SHA384()),
    "secp521r1": ("PKIX_ECDSA_P521_SHA_512", hashes.SHA512()),
}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that can check signatures. ``der`` is its SubjectPublicKeyInfo."""

    key: Key
    der: bytes

    @classmethod
    def of(cls, key: object, where: str = "key") -> Self:
        """Take a key of one of the kinds that are supported."""
        supported = (
            (isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES)
            or (isinstance(key, rsa.RSAPublicKey) and key.key_size >= _SMALLEST_RSA)
            or isinstance(key, ed25519.Ed25519PublicKey)
        )
        if not supported:
            raise InvalidInput(
                "is not of a kind that is supported",
                where=where,
                hint="ECDSA on P-256, P-384 or P-521, RSA from 2048 bits on, Ed25519",
            )
        der = key.public_bytes(  # type: ignore[attr-defined]
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return cls(key, der)  # type: ignore[arg-type]

    @classmethod
    def parse(cls, content: bytes, where: str = "key") -> Self:
        """Parse PEM or DER."""
        pem = content.lstrip().startswith(b"-----BEGIN")
        load = (
            serialization.load_pem_public_key
            if pem
            else serialization.load_der_public_key
        )
        try:
            return cls.of(load(content), where)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise InvalidInput("is not a public key", where=where) from error

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER form, in hexadecimal."""
        return hashlib.sha256(self.der).hexdigest()

    @property
    def hint(self) -> str:
        """The same in base64: how cosign names a key in a bundle."""
        return base64.b64encode(hashlib.sha256(self.der).digest()).decode()

    @property
    def oms_hint(self) -> str:
        """SHA-256 of the PEM form: how ``model_signing`` names a key in a bundle."""
        return hashlib.sha256(self.pem).hexdigest()

    @property
    def pem(self) -> bytes:
        """The PEM form, as ``cosign.pub`` has it."""
        return self.key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def details(self) -> str:
        """The name of how it signs (``PublicKeyDetails``)."""
        if isinstance(self.key, ec.EllipticCurvePublicKey):
            return _CURVES[self.key.curve.name][0]
        if isinstance(self.key, rsa.RSAPublicKey):
            return f"PKIX_RSA_PKCS1V15_{self.key.key_size}_SHA256"
        return "PKIX_ED25519"

    @property
    def hash(self) -> hashes.HashAlgorithm:
        """What it hashes a message with; Ed25519 does not let one choose."""
        if isinstance(self.key, ec.EllipticCurvePublicKey):
            return _CURVES[self.key.curve.name][1]
        if isinstance(self.key, rsa.RSAPublicKey):
            return hashes.SHA256()
        return hashes.SHA512()

    def check(self, signature: bytes, message: bytes) -> None:
        """Raise ``VerificationError`` unless the signature over ``message`` holds."""
        try:
            if isinstance(self.key, ec.EllipticCurvePublicKey):
                self.key.verify(signature, message, ec.ECDSA(self.hash))
            elif isinstance(self.key, rsa.RSAPublicKey):
                self.key.verify(signature, message, padding.PKCS1v15(), self.hash)
            else:
                self.key.verify(signature, message)
        except InvalidSignature as error:
            raise VerificationError(
                f"the signature was not made with key sha256:{self.fingerprint}"
            ) from error
