"""What cosign 2 lays beside a signature, as annotations of its layer.

sigstore/cosign, ``specs/SIGNATURE_SPEC.md``: the certificate of whoever signed keyless,
what Rekor v1 promised (``pkg/cosign/bundle/rekor.go``), and a timestamp (RFC 3161).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from modelpack.attestation.log_entry import LogEntry
from modelpack.attestation.wire import decoded, known
from modelpack.errors import InvalidInput
from modelpack.oci.fields import Fields

__all__ = ["Beside"]

_CERTIFICATE: Final = "dev.sigstore.cosign/certificate"
_LOG: Final = "dev.sigstore.cosign/bundle"
_TIMESTAMP: Final = "dev.sigstore.cosign/rfc3161timestamp"
_PEM: Final = re.compile(
    r"-----BEGIN CERTIFICATE-----\s([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*"
)
_LOG_ID: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Who signed, who promises to hold it, and who tells when.

    The chain that cosign adds is not looked at: whom a certificate has to lead to is
    for the trusted root to say.
    """

    certificates: tuple[bytes, ...]
    entries: tuple[LogEntry, ...]
    timestamps: tuple[bytes, ...]

    @classmethod
    def of(cls, annotations: Mapping[str, str]) -> Self:
        """Read a layer's annotations; ``InvalidInput`` names the one at fault."""
        found = {name: [text] for name, text in annotations.items() if text}
        return cls(
            certificates=tuple(map(_der, found.get(_CERTIFICATE, ()))),
            entries=tuple(map(_entry, found.get(_LOG, ()))),
            timestamps=tuple(map(_timestamp, found.get(_TIMESTAMP, ()))),
        )


def _der(pem: str) -> bytes:
    match = _PEM.fullmatch(pem)
    if match is None:
        raise InvalidInput("not one certificate", where=_CERTIFICATE)
    try:
        return base64.b64decode("".join(match[1].split()), validate=True)
    except binascii.Error as error:
        raise InvalidInput("not base64", where=_CERTIFICATE) from error


def _entry(text: str) -> LogEntry:
    fields = _object(text, _LOG, "SignedEntryTimestamp", "Payload")
    said = known(
        fields.get("Payload"),
        fields.path("Payload"),
        *("body", "integratedTime", "logIndex", "logID"),
    )
    log_id = said.text("logID")
    if not _LOG_ID.fullmatch(log_id):
        raise InvalidInput("not the name of a log", where=said.path("logID"))
    body = decoded(said, "body")
    entry = Fields.of_json(body, where=said.path("body"))
    return LogEntry(
        index=said.count("logIndex"),
        log_id=bytes.fromhex(log_id),
        kind=entry.text("kind"),
        version=entry.text("apiVersion"),
        integrated=said.count("integratedTime"),
        body=body,
        proof=None,
        promise=decoded(fields, "SignedEntryTimestamp"),
        document={},
    )


def _timestamp(text: str) -> bytes:
    return decoded(
        _object(text, _TIMESTAMP, "SignedRFC3161Timestamp"), "SignedRFC3161Timestamp"
    )


def _object(text: str, where: str, *keys: str) -> Fields:
    return known(Fields.of_json(text.encode(), where=where).members, where, *keys)
