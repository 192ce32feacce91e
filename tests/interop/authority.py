"""A certificate authority that lives as long as one test."""

import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """An authority, and the files of one server that it certified for loopback."""

    certificate: Path
    server_certificate: Path
    server_key: Path

    @classmethod
    def make(cls, folder: Path, names: Sequence[str] = ()) -> Self:
        """Write the three PEM files into `folder`; `names` are the server's, too."""
        root_key = ec.generate_private_key(ec.SECP256R1())
        root_name = _name("modelpack test authority")
        root = (
            _builder(root_key.public_key(), subject=root_name, issuer_key=root_key)
            .issuer_name(root_name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(certifies=True), critical=True)
            .sign(root_key, hashes.SHA256())
        )
        key = ec.generate_private_key(ec.SECP256R1())
        loopback = x509.SubjectAlternativeName(
            [
                x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
                *map(x509.DNSName, ("localhost", *names)),
            ]
        )
        server_use = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        leaf = (
            _builder(key.public_key(), subject=_name("127.0.0.1"), issuer_key=root_key)
            .issuer_name(root_name)
            .add_extension(
                x509.BasicConstraints(ca=False, path_length=None), critical=True
            )
            .add_extension(_key_usage(certifies=False), critical=True)
            .add_extension(server_use, critical=False)
            .add_extension(loopback, critical=False)
            .sign(root_key, hashes.SHA256())
        )
        made = cls(
            certificate=folder / "ca.pem",
            server_certificate=folder / "server.pem",
            server_key=folder / "server.key",
        )
        made.certificate.write_bytes(pem(root))
        made.server_certificate.write_bytes(pem(leaf))
        made.server_key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return made


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _builder(
    key: ec.EllipticCurvePublicKey,
    *,
    subject: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(identifier, critical=False)
        .add_extension(issuer, critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, certifies: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certifies,
        crl_sign=certifies,
        encipher_only=False,
        decipher_only=False,
    )
