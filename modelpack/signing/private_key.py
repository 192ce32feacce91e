"""Private keys in files: cosign's encrypted form, and plain PEM.

cosign (``pkg/cosign/keys.go``) encrypts PKCS#8 with NaCl's secretbox under a key
that scrypt makes of the password; parameters beyond cosign's are refused, since
whoever writes the file could make the reader wait for ever.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from modelpack.attestation.wire import decoded, encoded
from modelpack.errors import InvalidInput, VerificationError
from modelpack.oci.fields import Fields
from modelpack.oci.manifest import compact
from modelpack.signing import secretbox
from modelpack.signing.public_key import PublicKey

Password = Callable[[], str]
"""Asked only where a key is encrypted."""

_WRITTEN: Final = "ENCRYPTED SIGSTORE PRIVATE KEY"
_PEM: Final = re.compile(
    rb"-----BEGIN (ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY)-----\s"
    rb"([A-Za-z0-9+/=\s]+)-----END \1-----\s*"
)
_COSTS: Final = (1 << 15, 1 << 16, 1 << 17)
_COST: Final = 1 << 16
_SALT: Final = 32
_LINE: Final = 64
_SCRYPT_MEMORY: Final = 256 << 20

_Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key that can sign."""

    _key: _Private
    public: PublicKey

    @classmethod
    def generate(cls) -> Self:
        """Make a new key: ECDSA on P-256, which everything in the field reads."""
        return cls.of(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def of(cls, key: object, where: str = "key") -> Self:
        """Take a key of one of the kinds that are supported."""
        if not isinstance(key, _Private):
            raise InvalidInput("is not of a kind that is supported", where=where)
        return cls(key, PublicKey.of(key.public_key(), where))

    @classmethod
    def parse(cls, content: bytes, password: Password, where: str = "key") -> Self:
        """Parse either form; ``VerificationError`` where the password is wrong."""
        match = _PEM.fullmatch(content.strip() + b"\n")
        try:
            if match is not None:
                der = _decrypted(b"".join(match[2].split()), password, where)
                return cls.of(serialization.load_der_private_key(der, None), where)
            if b"ENCRYPTED" in content:
                secret = password().encode(errors="surrogateescape")
                return cls.of(
                    serialization.load_pem_private_key(content, secret), where
                )
            return cls.of(serialization.load_pem_private_key(content, None), where)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise InvalidInput(
                "is not a private key, or the password is not its own", where=where
            ) from error

    def encrypted(self, password: str) -> bytes:
        """Return the file that cosign reads."""
        der = self._key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        salt, nonce = os.urandom(_SALT), os.urandom(secretbox.NONCE)
        sealed = secretbox.seal(_stretched(password, salt, _COST), nonce, der)
        kdf = {
            "name": "scrypt",
            "params": {"N": _COST, "r": 8, "p": 1},
            "salt": encoded(salt),
        }
        cipher = {"name": "nacl/secretbox", "nonce": encoded(nonce)}
        text = encoded(
            compact({"kdf": kdf, "cipher": cipher, "ciphertext": encoded(sealed)})
        )
        lines = [text[at : at + _LINE] for at in range(0, len(text), _LINE)]
        return "\n".join(
            (f"-----BEGIN {_WRITTEN}-----", *lines, f"-----END {_WRITTEN}-----", "")
        ).encode()

    def sign(self, message: bytes) -> bytes:
        """Sign in the one way that the key's kind has."""
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(message, ec.ECDSA(self.public.hash))
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(message, padding.PKCS1v15(), self.public.hash)
        return self._key.sign(message)


def _decrypted(body: bytes, password: Password, where: str) -> bytes:
    try:
        document = base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise InvalidInput("is damaged", where=where) from error
    fields = Fields.of_json(document, where=where)
    kdf = Fields(fields.get("kdf"), fields.path("kdf"))
    cipher = Fields(fields.get("cipher"), fields.path("cipher"))
    params = Fields(kdf.get("params"), kdf.path("params"))
    cost = params.count("N")
    nonce = decoded(cipher, "nonce")
    known = (
        kdf.text("name") == "scrypt"
        and (params.count("r"), params.count("p")) == (8, 1)
        and cost in _COSTS
        and cipher.text("name") == "nacl/secretbox"
        and len(nonce) == secretbox.NONCE
    )
    if not known:
        raise InvalidInput("is encrypted in a way that is not read here", where=where)
    stretched = _stretched(password(), decoded(kdf, "salt"), cost)
    try:
        return secretbox.unseal(stretched, nonce, decoded(fields, "ciphertext"))
    except VerificationError as error:
        raise VerificationError("the password is not the key's", where=where) from error


def _stretched(password: str, salt: bytes, cost: int) -> bytes:
    return hashlib.scrypt(
        password.encode(errors="surrogateescape"),
        salt=salt,
        n=cost,
        r=8,
        p=1,
        dklen=secretbox.KEY,
        maxmem=_SCRYPT_MEMORY,
    )
