"""A certificate transparency log that only signs (RFC 6962)."""

import base64
import hashlib
import struct
import time
from dataclasses import dataclass, field
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.interop.sigstore.keys import spki

PATH = "/ct/v1/add-pre-chain"
"""The one request that Fulcio sends."""

_POISON = x509.PrecertPoison.oid
_ENTRY = 1  # precert_entry
_SHA256_ECDSA = (4, 3)


@dataclass(frozen=True, slots=True)
class CtLog:
    """Its answers are good for Fulcio and for every verifier: none asks for more."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def make(cls) -> Self:
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @property
    def log_id(self) -> bytes:
        return hashlib.sha256(spki(self.key)).digest()

    def answer(self, chain: list[str]) -> object:
        """Sign for a precertificate, whose issuer is the next in the chain."""
        certificate, issuer = (
            x509.load_der_x509_certificate(base64.b64decode(text)) for text in chain[:2]
        )
        stamp = int(time.time() * 1000)
        body = _without_poison(certificate, self.key)
        issuer_hash = hashlib.sha256(spki(issuer)).digest()
        # Section 3.2: version, kind of signature, time, entry, no extensions.
        signed = (
            struct.pack("!BBQH", 0, 0, stamp, _ENTRY)
            + issuer_hash
            + len(body).to_bytes(3, "big")
            + body
            + struct.pack("!H", 0)
        )
        signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        digitally_signed = struct.pack("!BBH", *_SHA256_ECDSA, len(signature))
        return {
            "sct_version": 0,
            "id": base64.b64encode(self.log_id).decode(),
            "timestamp": stamp,
            "extensions": "",
            "signature": base64.b64encode(digitally_signed + signature).decode(),
        }


def _without_poison(
    certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> bytes:
    """Return what an SCT signs: the TBSCertificate as it will be.

    It is built anew, as cryptography can take other extensions out, but not this one.
    Any key of the issuer's kind will do, since its signature is not looked at.
    """
    builder = x509.CertificateBuilder(
        certificate.issuer,
        certificate.subject,
        certificate.public_key(),
        certificate.serial_number,
        certificate.not_valid_before_utc.replace(tzinfo=None),
        certificate.not_valid_after_utc.replace(tzinfo=None),
    )
    for extension in certificate.extensions:
        if extension.oid != _POISON:
            value = extension.value.public_bytes()
            builder = builder.add_extension(
                x509.UnrecognizedExtension(extension.oid, value),
                critical=extension.critical,
            )
    return builder.sign(key, hashes.SHA256()).tbs_certificate_bytes
