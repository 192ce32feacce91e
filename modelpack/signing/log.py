"""Transparency logs: their keys, and whether an entry is what it claims to be.

Rekor v1 and v2. The log's own key signs a checkpoint; the entry's proof leads to
that checkpoint's root; and the entry's body names the signature that it is about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from modelpack.attestation.envelope import Envelope
from modelpack.attestation.legacy import SimpleSigning
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signature by ``key`` over ``message``: what a log entry has to be about.

    ``payload`` is that of the DSSE envelope, where it is one; ``certificate``, in PEM
    form, names the key where it is a certificate's.
    """

    message: bytes
    signature: bytes
    key: PublicKey
    payload: bytes | None = None
    certificate: bytes | None = None

    @classmethod
    def of(
        cls,
        envelope: Envelope | SimpleSigning,
        key: PublicKey,
        certificate: bytes | None = None,
    ) -> Self:
        """Return what a log has to say of an envelope that ``key`` signed."""
        return cls(
            message=envelope.signed,
            signature=envelope.signature,
            key=key,
            payload=envelope.payload if isinstance(envelope, Envelope) else None,
            certificate=certificate,
        )

    @property
    def verifier(self) -> bytes:
        """What Rekor v1 knows the signer by."""
        return self.certificate or self.key.pem

    @property
    def digest(self) -> bytes:
        """The digest that was signed."""
        return hashlib.new(self.key.hash.name, self.message).digest()


def check_entry(entry: LogEntry, logs: LogKeys, signed: Signed) -> None:
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
        _check_by_log(log, entry.promise, _promised(entry), "promise")
    told = entry.promise is not None and entry.integrated
    try:
        told_at = datetime.fromtimestamp(entry.integrated, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise VerificationError("its log tells a time that is none") from error
    when = told_at if told else datetime.now(UTC)
    if not trusted.valid.holds(when):
        raise VerificationError(
            f"its log is not trusted for {when:%Y-%m-%d}"
            + ("" if told else ", and tells no time at which it was entered")
        )
    check_about(entry, signed)


def _check_by_log(log: PublicKey, signature: bytes, message: bytes, what: str) -> None:
    try:
        log.check(signature, message)
    except VerificationError as error:
        raise VerificationError(f"its log did not sign that {what}") from error


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
            _check_by_log(log, signature, checkpoint.signed, "checkpoint")
            return
    raise VerificationError("its checkpoint is not signed by the log")


def check_about(entry: LogEntry, signed: Signed) -> None:
    """Raise ``VerificationError`` unless an entry is about this very signature."""
    kind = (entry.kind, entry.version)
    if kind not in _SPECS:
        raise VerificationError(f"its log entry is a {' '.join(kind)[:80]}")
    found = strict_json(entry.body, where="log entry")
    spec = _SPECS[kind](signed, found)
    if found != {"apiVersion": kind[1], "kind": kind[0], "spec": spec}:
        raise VerificationError("its log entry is about something else")


def _hashed_v2(signed: Signed, _: object) -> object:
    return {
        "hashedRekordV002": {
            "data": {
                "algorithm": _HASH_NAMES[signed.key.hash.name],
                "digest": encoded(signed.digest),
            },
            "signature": {
                "content": encoded(signed.signature),
                "verifier": {
                    "keyDetails": signed.key.details,
                    "publicKey": {"rawBytes": encoded(signed.key.der)},
                },
            },
        }
    }


def _hashed_v1(signed: Signed, _: object) -> object:
    algorithm, value = signed.key.hash.name, signed.digest.hex()
    return {
        "data": {"hash": {"algorithm": algorithm, "value": value}},
        "signature": {
            "content": encoded(signed.signature),
            "publicKey": {"content": encoded(signed.verifier)},
        },
    }


def _envelope_v1(signed: Signed, found: object) -> object:
    """Return what Rekor v1 keeps of a DSSE envelope.

    Its hash of the envelope's JSON as it was posted is nobody's to compute again: the
    payload and the signature over it are what is compared.
    """
    body = Fields(found, "log entry")
    spec = Fields(body.get("spec"), body.path("spec"))
    if signed.payload is None:
        raise VerificationError("its log entry is about an envelope, and it is none")
    return {
        "envelopeHash": spec.get("envelopeHash"),
        "payloadHash": {
            "algorithm": "sha256",
            "value": hashlib.sha256(signed.payload).hexdigest(),
        },
        "signatures": [
            {
                "signature": encoded(signed.signature),
                "verifier": encoded(signed.verifier),
            }
        ],
    }


_SPECS: Final[Mapping[tuple[str, str], Callable[[Signed, object], object]]] = {
    ("hashedrekord", "0.0.2"): _hashed_v2,
    ("hashedrekord", "0.0.1"): _hashed_v1,
    ("dsse", "0.0.1"): _envelope_v1,
}
"""What an entry of each kind has to say of a signature."""
