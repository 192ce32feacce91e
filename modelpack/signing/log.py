"""Transparency logs: their keys, and whether an entry is what it claims to be.

Rekor v1 and v2. The log's own key signs a checkpoint; the entry's proof leads to
that checkpoint's root; and the entry's body names the signature that it is about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from modelpack.attestation.log_entry import (
    Checkpoint,
    InclusionProof,
    LogEntry,
    check_inclusion,
)
from modelpack.attestation.wire import decoded, encoded
from modelpack.errors import InvalidInput, VerificationError
from modelpack.oci.fields import Fields
from modelpack.oci.manifest import compact
from modelpack.oci.strict_json import strict_json
from modelpack.signing.public_key import PublicKey
from modelpack.signing.validity import Validity

MAX_TRUSTED_ROOT: Final = 1 << 20
_HASH_NAMES: Final = {"sha256": "SHA2_256", "sha384": "SHA2_384", "sha512": "SHA2_512"}


@dataclass(frozen=True, slots=True)
class LogKey:
    """A log's key, and from when to when what it signs is believed."""

    key: PublicKey
    valid: Validity


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The logs that are trusted: key by log id."""

    by_id: Mapping[bytes, LogKey]

    @classmethod
    def of_trusted_root(cls, raw: bytes, where: str = "trusted root") -> Self:
        """Read the logs of a Sigstore trusted root (``sigstore_trustroot.proto``)."""
        if len(raw) > MAX_TRUSTED_ROOT:
            raise InvalidInput("is too large to be a trusted root", where=where)
        return cls.of_document(strict_json(raw, where=where), where)

    @classmethod
    def of_document(cls, document: object, where: str = "trusted root") -> Self:
        """Take the logs of a trusted root that is parsed already."""
        fields = Fields(document, where)
        found = {}
        for index, value in enumerate(fields.array("tlogs")):
            log = Fields(value, f"{where}.tlogs[{index}]")
            key = Fields(log.get("publicKey"), log.path("publicKey"))
            name = Fields(log.get("logId"), log.path("logId"))
            found[decoded(name, "keyId")] = LogKey(
                PublicKey.parse(decoded(key, "rawBytes"), key.path("rawBytes")),
                Validity.of(key),
            )
        if not found:
            raise InvalidInput("names no transparency log", where=where)
        return cls(found)


def check_entry(
    entry: LogEntry, logs: LogKeys, signed: bytes, signature: bytes, key: PublicKey
) -> None:
    """Raise ``VerificationError`` unless a trusted log holds this very signature.

    1. The log is one of those trusted.
    2. A proof leads from the entry's body to a checkpoint that the log has signed,
       or the log has signed a promise about it; what is there has to hold.
    3. The log was trusted when it signed: at the time that its promise tells, or
       else now, for a log that is trusted no more could have signed it since.
    4. The body is about this signature, by this key, over these bytes.
    """
    trusted = logs.by_id.get(entry.log_id)
    if trusted is None:
        raise VerificationError(
            f"its log {entry.log_id.hex()[:16]}… is not in the trusted root"
        )
    log = trusted.key
    if entry.proof is None and entry.promise is None:
        raise VerificationError("its log entry has no proof of inclusion")
    if entry.proof is not None:
        _check_proof(entry.body, entry.proof, log, entry.log_id)
    if entry.promise is not None:
        log.check(entry.promise, _promised(entry))
    told = entry.promise is not None and entry.integrated
    when = datetime.fromtimestamp(entry.integrated, UTC) if told else datetime.now(UTC)
    if not trusted.valid.holds(when):
        raise VerificationError(
            f"its log is not trusted for {when:%Y-%m-%d}"
            + ("" if told else ", and tells no time at which it was entered")
        )
    check_about(entry, signed, signature, key)


def _promised(entry: LogEntry) -> bytes:
    """Return what Rekor v1 signs: these four members, as RFC 8785 writes them."""
    return compact(
        {
            "body": encoded(entry.body),
            "integratedTime": entry.integrated,
            "logID": entry.log_id.hex(),
            "logIndex": entry.index,
        }
    )


def _check_proof(
    body: bytes, proof: InclusionProof, log: PublicKey, log_id: bytes
) -> None:
    checkpoint = Checkpoint.parse(proof.checkpoint)
    _check_signed(checkpoint, log, log_id)
    if (checkpoint.size, checkpoint.root) != (proof.size, proof.root):
        raise VerificationError("its proof is not about the log's signed checkpoint")
    check_inclusion(body, proof)


def _check_signed(checkpoint: Checkpoint, log: PublicKey, log_id: bytes) -> None:
    for hint, signature in checkpoint.signatures:
        # Others may have countersigned; the log's own signature is what counts.
        if hint == log_id[:4]:
            log.check(signature, checkpoint.signed)
            return
    raise VerificationError("its checkpoint is not signed by the log")


def check_about(
    entry: LogEntry, signed: bytes, signature: bytes, key: PublicKey
) -> None:
    """Raise ``VerificationError`` unless an entry is about this very signature."""
    digest = hashlib.new(key.hash.name, signed).digest()
    text = encoded(signature)
    wanted: dict[tuple[str, str], object] = {
        ("hashedrekord", "0.0.2"): {
            "hashedRekordV002": {
                "data": {
                    "algorithm": _HASH_NAMES[key.hash.name],
                    "digest": encoded(digest),
                },
                "signature": {
                    "content": text,
                    "verifier": {
                        "keyDetails": key.details,
                        "publicKey": {"rawBytes": encoded(key.der)},
                    },
                },
            }
        },
        ("hashedrekord", "0.0.1"): {
            "data": {"hash": {"algorithm": key.hash.name, "value": digest.hex()}},
            "signature": {
                "content": text,
                "publicKey": {"content": encoded(key.pem)},
            },
        },
    }
    kind = (entry.kind, entry.version)
    if kind not in wanted:
        raise VerificationError(f"its log entry is a {' '.join(kind)[:80]}")
    body = {"apiVersion": kind[1], "kind": kind[0], "spec": wanted[kind]}
    if strict_json(entry.body, where="log entry") != body:
        raise VerificationError("its log entry is about something else")
