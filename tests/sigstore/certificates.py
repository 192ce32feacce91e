"""A certificate authority like Fulcio: short-lived certificates with an SCT in them."""

import base64
import datetime as dt
import hashlib
import struct
from dataclasses import dataclass, field

from asn1crypto import core  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_ISSUER_V1 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_ISSUER_V2 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_MINUTES = 10
_SHA256_ECDSA = (4, 3)  # TLS SignatureAndHashAlgorithm

Private = ec.EllipticCurvePrivateKey


def new_key() -> Private:
    return ec.generate_private_key(ec.SECP256R1())


def spki(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def der_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def usage(*, signs: bool = False, certifies: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certifies,
        crl_sign=certifies,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass(frozen=True)
class Authority:
    """A key that issues certificates, and its own certificate."""

    key: Private
    certificate: x509.Certificate

    @classmethod
    def new(cls, name: str, above: "Authority | None" = None) -> "Authority":
        key = new_key()
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "private sigstore"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        signer = above.key if above else key
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(above.certificate.subject if above else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now() - dt.timedelta(hours=1))
            .not_valid_after(now() + dt.timedelta(days=30))
            .add_extension(
                x509.BasicConstraints(ca=True, path_length=None), critical=True
            )
            .add_extension(usage(certifies=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
                critical=False,
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
                critical=False,
            )
        )
        return cls(key, builder.sign(signer, hashes.SHA256()))

    def begin(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        """Begin a certificate for somebody who is no authority."""
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.certificate.subject)
            .public_key(key)
            .add_extension(usage(signs=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    self.key.public_key()
                ),
                critical=False,
            )
        )


@dataclass
class Fulcio:
    """Issues certificates for identities, and signs that a log has them.

    ``wrong_log`` spoils the latter; ``ago`` lets certificates begin in the past.
    """

    root: Authority = field(default_factory=lambda: Authority.new("fulcio root"))
    log_key: Private = field(default_factory=new_key)
    wrong_log: bool = False
    ago: dt.timedelta = dt.timedelta()
    issued: int = 0

    def __post_init__(self) -> None:
        self.authority = Authority.new("fulcio intermediate", self.root)

    @property
    def chain(self) -> list[x509.Certificate]:
        return [self.authority.certificate, self.root.certificate]

    @property
    def log_id(self) -> bytes:
        return hashlib.sha256(spki(self.log_key.public_key())).digest()

    def issue(
        self, key: ec.EllipticCurvePublicKey, identity: str, issuer: str
    ) -> x509.Certificate:
        """Return a certificate that says: this key is this identity's, for a while."""
        self.issued += 1
        begin = now() - self.ago
        name: x509.GeneralName = (
            x509.RFC822Name(identity)
            if "@" in identity and ":" not in identity
            else x509.UniformResourceIdentifier(identity)
        )
        builder = (
            self.authority.begin(x509.Name([]), key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + dt.timedelta(minutes=_MINUTES))
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]),
                critical=False,
            )
            .add_extension(x509.SubjectAlternativeName([name]), critical=True)
            .add_extension(
                x509.UnrecognizedExtension(_ISSUER_V1, issuer.encode()), critical=False
            )
            .add_extension(
                x509.UnrecognizedExtension(_ISSUER_V2, core.UTF8String(issuer).dump()),
                critical=False,
            )
        )
        without = builder.sign(self.authority.key, hashes.SHA256())
        listed = core.OctetString(self._sct_list(without.tbs_certificate_bytes)).dump()
        return builder.add_extension(
            x509.UnrecognizedExtension(_SCT_LIST, listed), critical=False
        ).sign(self.authority.key, hashes.SHA256())

    def _sct_list(self, tbs: bytes) -> bytes:
        """Return what RFC 6962, 3.3 embeds: a log's signature over the rest."""
        milliseconds = int((now() - self.ago).timestamp() * 1000)
        issuer = hashlib.sha256(spki(self.authority.key.public_key())).digest()
        signed = (
            struct.pack("!BBQH", 0, 0, milliseconds, 1)
            + issuer
            + len(tbs).to_bytes(3, "big")
            + tbs
            + b"\0\0"
        )
        key = new_key() if self.wrong_log else self.log_key
        signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
        sct = (
            b"\0"
            + self.log_id
            + struct.pack("!QHBBH", milliseconds, 0, *_SHA256_ECDSA, len(signature))
            + signature
        )
        entry = struct.pack("!H", len(sct)) + sct
        return struct.pack("!H", len(entry)) + entry
