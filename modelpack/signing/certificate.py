"""Keys that a certificate holds, for policies that name one."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509 import verification

from modelpack.errors import InvalidInput
from modelpack.signing.public_key import PublicKey

__all__ = ["certificates_of", "certified_key"]

_MOST = 11  # ten intermediates and a root: what Kyverno takes


def certified_key(pem: bytes, chain: bytes, where: str) -> PublicKey:
    """Return a certificate's key; with a ``chain``, only if it leads to its root.

    As in cosign it is asked whether the certificate was good when it was issued.
    """
    found = certificates_of(pem, where)
    if len(found) != 1:
        raise InvalidInput(f"holds {len(found)} certificates, not one", where=where)
    leaf = found[0]
    if chain:
        _check_chain(leaf, certificates_of(chain, where), where)
    return PublicKey.of(leaf.public_key(), where)


def certificates_of(pem: bytes, where: str) -> list[x509.Certificate]:
    """Parse certificates in PEM form."""
    if pem.count(b"-----BEGIN CERTIFICATE-----") > _MOST:
        raise InvalidInput(f"holds more than {_MOST} certificates", where=where)
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise InvalidInput("is no certificate in PEM form", where=where) from error


def _check_chain(
    leaf: x509.Certificate, chain: list[x509.Certificate], where: str
) -> None:
    roots = [each for each in chain if each.issuer == each.subject]
    between = [each for each in chain if each.issuer != each.subject]
    if not roots:
        raise InvalidInput("its chain has no root", where=where)
    anything = verification.ExtensionPolicy.permit_all()
    builder = (
        verification.PolicyBuilder()
        .store(verification.Store(roots))
        .time(leaf.not_valid_before_utc)
        .extension_policies(ca_policy=anything, ee_policy=anything)
    )
    try:
        builder.build_client_verifier().verify(leaf, between)
    except verification.VerificationError as error:
        raise InvalidInput(
            f"does not lead to the root of its chain: {error}", where=where
        ) from error
