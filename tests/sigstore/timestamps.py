"""A time-stamping authority (RFC 3161)."""

import datetime as dt
import hashlib
import os
from dataclasses import dataclass, field

from asn1crypto import algos, cms, core, tsp  # type: ignore[import-untyped]
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.sigstore.certificates import Authority, Private, der_of, new_key, now

_POLICY = "1.3.6.1.4.1.57264.2"
_SET_OF = b"\x31"


@dataclass
class TimestampAuthority:
    """Signs that it has seen something, and when. ``ago`` shifts its clock back."""

    root: Authority = field(default_factory=lambda: Authority.new("tsa root"))
    key: Private = field(default_factory=new_key)
    ago: dt.timedelta = dt.timedelta()
    down: bool = False

    def __post_init__(self) -> None:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tsa")])
        self.certificate = (
            self.root.begin(name, self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now() - dt.timedelta(hours=1))
            .not_valid_after(now() + dt.timedelta(days=30))
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]),
                critical=True,
            )
            .sign(self.root.key, hashes.SHA256())
        )

    @property
    def chain(self) -> list[x509.Certificate]:
        return [self.certificate, self.root.certificate]

    def answer(self, request: bytes) -> bytes:
        """Answer a ``TimeStampReq`` with a ``TimeStampResp``, both DER."""
        asked = tsp.TimeStampReq.load(request)
        info = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": _POLICY,
                "message_imprint": asked["message_imprint"],
                "serial_number": int.from_bytes(os.urandom(8), "big"),
                "gen_time": now() - self.ago,
                "nonce": asked["nonce"].native,
            }
        ).dump()
        token = cms.ContentInfo(
            {"content_type": "signed_data", "content": self._signed(info)}
        )
        return bytes(
            tsp.TimeStampResp(
                {"status": {"status": "granted"}, "time_stamp_token": token}
            ).dump()
        )

    def _signed(self, info: bytes) -> cms.SignedData:
        own = der_of(self.certificate)
        certificate = asn1_x509.Certificate.load(own)
        used = tsp.SigningCertificateV2(
            {
                "certs": [
                    tsp.ESSCertIDv2(
                        {
                            "hash_algorithm": algos.DigestAlgorithm(
                                {"algorithm": "sha256"}
                            ),
                            "cert_hash": hashlib.sha256(own).digest(),
                        }
                    )
                ]
            }
        )
        attributes = cms.CMSAttributes(
            [
                cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
                cms.CMSAttribute(
                    {
                        "type": "message_digest",
                        "values": [hashlib.sha256(info).digest()],
                    }
                ),
                cms.CMSAttribute({"type": "signing_certificate_v2", "values": [used]}),
            ]
        )
        # Signed as a SET OF, whatever tag stands in the message (RFC 5652, 5.4).
        signature = self.key.sign(
            _SET_OF + attributes.dump()[1:], ec.ECDSA(hashes.SHA256())
        )
        signer = cms.SignerInfo(
            {
                "version": "v1",
                "sid": cms.SignerIdentifier(
                    {
                        "issuer_and_serial_number": {
                            "issuer": certificate.issuer,
                            "serial_number": certificate.serial_number,
                        }
                    }
                ),
                "digest_algorithm": {"algorithm": "sha256"},
                "signed_attrs": attributes,
                "signature_algorithm": {"algorithm": "sha256_ecdsa"},
                "signature": signature,
            }
        )
        return cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [{"algorithm": "sha256"}],
                "encap_content_info": {
                    "content_type": "tst_info",
                    "content": core.ParsableOctetString(info),
                },
                "certificates": [certificate],
                "signer_infos": [signer],
            }
        )
