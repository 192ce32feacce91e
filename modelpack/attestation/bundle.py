"""Sigstore bundles: a signed statement, and what it takes to check it.

sigstore/protobuf-specs, ``sigstore_bundle.proto``: versions 0.1 to 0.3 are read,
0.3 is written. Only bundles with a DSSE envelope can say something about an
artifact in a registry; a bare message signature is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from modelpack.attestation.envelope import Envelope
from modelpack.attestation.legacy import SimpleSigning
from modelpack.attestation.log_entry import LogEntry
from modelpack.attestation.wire import decoded, known
from modelpack.errors import InvalidInput
from modelpack.oci.digest import Digest
from modelpack.oci.fields import Fields
from modelpack.oci.manifest import compact

MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
MEDIA_TYPE_PREFIX: Final = "application/vnd.dev.sigstore.bundle"
MAX_BYTES: Final = (8 << 20) - 1
_READ: Final = (
    MEDIA_TYPE,
    *(f"{MEDIA_TYPE_PREFIX}+json;version=0.{minor}" for minor in (1, 2, 3)),
)
_MOST: Final = 32  # entries, timestamps, certificates: nobody writes as many
_MATERIALS: Final = ("publicKey", "certificate", "x509CertificateChain")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle, and the exact bytes that it was parsed from.

    Either ``certificates`` (DER, the leaf first) or none: then a key signed, of
    which ``hint`` is the signer's own name, and proves nothing. ``older``: put together
    from what cosign 2 lays beside a signature, and ``raw`` is no bundle's JSON.
    """

    raw: bytes
    envelope: Envelope | SimpleSigning
    hint: str = ""
    certificates: tuple[bytes, ...] = ()
    entries: tuple[LogEntry, ...] = ()
    timestamps: tuple[bytes, ...] = ()
    older: bool = False

    @property
    def digest(self) -> Digest:
        return Digest.of(self.raw)

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Parse a bundle; ``InvalidInput`` names the field at fault."""
        if len(raw) > MAX_BYTES:
            raise InvalidInput(f"a bundle of {len(raw)} bytes; the limit is 8 MiB")
        top = known(
            Fields.of_json(raw, where="bundle").members,
            "bundle",
            "mediaType",
            "verificationMaterial",
            "dsseEnvelope",
            "messageSignature",
        )
        if top.text("mediaType") not in _READ:
            raise InvalidInput(
                f"{top.text('mediaType')[:160]!r} is not a version that is read here",
                where=top.path("mediaType"),
            )
        if "messageSignature" in top:
            raise InvalidInput(
                "signs bare bytes, not a statement", where=top.path("messageSignature")
            )
        material = known(
            top.get("verificationMaterial"),
            "bundle.verificationMaterial",
            *_MATERIALS,
            "tlogEntries",
            "timestampVerificationData",
        )
        if sum(key in material for key in _MATERIALS) != 1:
            raise InvalidInput(
                f"expected one of {', '.join(_MATERIALS)}",
                where="bundle.verificationMaterial",
            )
        return cls(
            raw=raw,
            envelope=Envelope.parse(top.get("dsseEnvelope"), "bundle.dsseEnvelope"),
            hint=_hint(material),
            certificates=_certificates(material),
            entries=tuple(
                LogEntry.parse(value, f"{material.path('tlogEntries')}[{index}]")
                for index, value in enumerate(_some(material, "tlogEntries"))
            ),
            timestamps=_timestamps(material),
        )

    @classmethod
    def build(
        cls, envelope: Envelope, hint: str, entries: tuple[LogEntry, ...] = ()
    ) -> Self:
        """Write the bundle of a key's signature, in the form of version 0.3."""
        return cls.parse(
            compact(
                {
                    "mediaType": MEDIA_TYPE,
                    "verificationMaterial": {
                        "publicKey": {"hint": hint},
                        "tlogEntries": [dict(entry.document) for entry in entries],
                    },
                    "dsseEnvelope": envelope.document(),
                }
            )
        )


def _hint(material: Fields) -> str:
    if "publicKey" not in material:
        return ""
    key = known(material.get("publicKey"), material.path("publicKey"), "hint")
    return key.text("hint", default="")


def _certificates(material: Fields) -> tuple[bytes, ...]:
    if "certificate" in material:
        where = material.path("certificate")
        return (
            decoded(known(material.get("certificate"), where, "rawBytes"), "rawBytes"),
        )
    if "x509CertificateChain" not in material:
        return ()
    where = material.path("x509CertificateChain")
    chain = known(material.get("x509CertificateChain"), where, "certificates")
    found = tuple(
        decoded(known(value, f"{where}.certificates[{index}]", "rawBytes"), "rawBytes")
        for index, value in enumerate(_some(chain, "certificates"))
    )
    if not found:
        raise InvalidInput("holds no certificate", where=where)
    return found


def _timestamps(material: Fields) -> tuple[bytes, ...]:
    if not material.has("timestampVerificationData"):
        return ()
    where = material.path("timestampVerificationData")
    data = known(material.get("timestampVerificationData"), where, "rfc3161Timestamps")
    return tuple(
        decoded(known(value, f"{where}[{index}]", "signedTimestamp"), "signedTimestamp")
        for index, value in enumerate(_some(data, "rfc3161Timestamps"))
    )


def _some(fields: Fields, key: str) -> list[object]:
    found = list(fields.array(key)) if fields.has(key) else []
    if len(found) > _MOST:
        raise InvalidInput(f"more than {_MOST}", where=fields.path(key))
    return found
