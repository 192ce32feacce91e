"""Keyless signatures as cosign 2 lays them beside an artifact.

A certificate, and Rekor v1's promise; no proof of inclusion, which sigstore-python
insists on. So the steps of its ``Verifier`` are taken one by one here: its pieces check
certificates, their log and timestamps, and ``check_entry`` the promise.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from modelpack.attestation.bundle import Bundle
from modelpack.attestation.evidence import CertificateSigner, Proven
from modelpack.errors import VerificationError
from modelpack.signing.log import Signed, check_entry
from modelpack.signing.public_key import PublicKey
from modelpack.signing.trusted import Trusted

if TYPE_CHECKING:
    from cryptography import x509
    from sigstore.verify import Verifier as SigstoreVerifier

__all__ = ["verify_older"]

Whose = Callable[["x509.Certificate"], CertificateSigner]
"""Returns whose a certificate is; raises where it is nobody's who is expected."""


def verify_older(
    bundle: Bundle, times: list[datetime], trusted: Trusted, whose: Whose
) -> Proven:
    """Check a signature by a certificate that has a log's promise beside it.

    1. The certificate's key signed the envelope.
    2. A trusted log promises to hold this very signature, and tells when.
    3. Each timestamp is by a trusted authority, and over this signature.
    4. The certificate is one to sign code with, is in a trusted certificate log, and at
       each of these times it was valid and led to a trusted authority.
    5. It is that of whoever is expected.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    if len(bundle.entries) != 1 or bundle.entries[0].promise is None:
        raise VerificationError("no transparency log promises to hold it")
    certificate = x509.load_der_x509_certificate(bundle.certificates[0])
    key = PublicKey.of(certificate.public_key(), "its certificate")
    envelope, entry = bundle.envelope, bundle.entries[0]
    key.check(envelope.signature, envelope.signed)
    pem = certificate.public_bytes(Encoding.PEM)
    check_entry(entry, trusted.logs, Signed.of(envelope, key, pem))
    verifier = trusted.at(times)
    for raw in bundle.timestamps:
        _check_timestamp(verifier, raw, envelope.signature)
    for time in times:
        _check_certificate(verifier, certificate, time)
    signer = whose(certificate)
    # As in the newer form: with two times nobody says which it was.
    signed_at = (
        datetime.fromtimestamp(entry.integrated, UTC) if len(times) == 1 else None
    )
    return Proven(signer=signer, signed_at=signed_at, logged=True)


def _check_timestamp(verifier: SigstoreVerifier, raw: bytes, signature: bytes) -> None:
    from rfc3161_client import decode_timestamp_response

    response = decode_timestamp_response(raw)
    if verifier._verify_signed_timestamp(response, signature) is None:  # noqa: SLF001
        raise VerificationError("its timestamp is by no authority that is trusted")


def _check_certificate(
    verifier: SigstoreVerifier, certificate: x509.Certificate, time: datetime
) -> None:
    from cryptography.x509 import ExtendedKeyUsage, KeyUsage
    from cryptography.x509.oid import ExtendedKeyUsageOID
    from sigstore._internal.sct import verify_sct
    from sigstore._internal.timestamp import (
        TimestampSource,
        TimestampVerificationResult,
    )
    from sigstore._internal.trust import KeyringPurpose

    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not begin <= time <= end:
        raise VerificationError(
            f"its certificate was not valid at {time:%Y-%m-%d %H:%M}"
        )
    extensions = certificate.extensions
    uses = extensions.get_extension_for_class(ExtendedKeyUsage).value
    if (
        not extensions.get_extension_for_class(KeyUsage).value.digital_signature
        or ExtendedKeyUsageOID.CODE_SIGNING not in uses
    ):
        raise VerificationError("its certificate is not one to sign code with")
    told = TimestampVerificationResult(TimestampSource.TRANSPARENCY_SERVICE, time)
    chain = verifier._verify_chain_at_time(certificate, told)  # noqa: SLF001
    root = verifier._trusted_root  # noqa: SLF001 - nothing that is public leads there
    verify_sct(certificate, chain, root.ct_keyring(KeyringPurpose.VERIFY))
