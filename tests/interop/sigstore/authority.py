"""The certificate authority that Fulcio signs with."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ORGANIZATION = "modelpack tests"
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningAuthority:
    """A root, and the intermediate below it whose key signs."""

    root: x509.Certificate
    intermediate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def make(cls) -> Self:
        root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root = _builder("root", root_key, issuer="root", issuer_key=root_key, below=1)
        # Fulcio refuses an intermediate that may not sign code.
        signs_code = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
        intermediate = _builder(
            "intermediate", key, issuer="root", issuer_key=root_key, below=0
        ).add_extension(signs_code, critical=False)
        return cls(
            root=root.sign(root_key, hashes.SHA256()),
            intermediate=intermediate.sign(root_key, hashes.SHA256()),
            key=key,
        )

    @property
    def chain(self) -> list[x509.Certificate]:
        return [self.intermediate, self.root]


def _builder(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    *,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    below: int,
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=below), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )


def _name(common_name: str) -> x509.Name:
    # Both are needed: sigstore-python refuses a trusted root whose CA lacks one.
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
