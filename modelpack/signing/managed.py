"""Sign and verify with a managed key: no certificate, and no log unless asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from modelpack.attestation.bundle import Bundle
from modelpack.attestation.envelope import Envelope, pae
from modelpack.attestation.evidence import KeySigner, Proven
from modelpack.attestation.legacy import SimpleSigning
from modelpack.attestation.log_entry import LogEntry
from modelpack.attestation.predicates import MODEL_SIGNATURE
from modelpack.attestation.statement import PAYLOAD_TYPE, Statement
from modelpack.errors import VerificationError
from modelpack.signing.log import LogKeys, Signed, check_entry
from modelpack.signing.public_key import PublicKey


class SigningKey(Protocol):
    """A private key: in a file, on a token, or in somebody's service."""

    @property
    def public(self) -> PublicKey: ...

    def sign(self, message: bytes) -> bytes:
        """Sign in the one way that the key's kind has."""
        ...


class Log(Protocol):
    """A transparency log that takes entries; ``keys``, where they are known."""

    @property
    def keys(self) -> LogKeys | None: ...

    def enter(self, signed: Signed) -> LogEntry:
        """Enter a signature; return the entry with its proof of inclusion."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySigning:
    """Implements ``Signer`` with a private key, wherever that is kept."""

    key: SigningKey
    log: Log | None = None

    @property
    def identity(self) -> KeySigner:
        return KeySigner(self.key.public.fingerprint)

    def sign(self, statement: Statement) -> Bundle:
        public = self.key.public
        signature = self.key.sign(pae(PAYLOAD_TYPE, statement.raw))
        envelope = Envelope(
            payload=statement.raw, payload_type=PAYLOAD_TYPE, signature=signature
        )
        entries = (self.log.enter(Signed.of(envelope, public)),) if self.log else ()
        # Each tool has its own name for a key, and model_signing refuses others.
        oms = statement.predicate_type == MODEL_SIGNATURE
        return Bundle.build(envelope, public.oms_hint if oms else public.hint, entries)

    def sign_simple(self, payload: bytes, /) -> SimpleSigning:
        """Sign a payload in cosign's older form."""
        return SimpleSigning(payload=payload, signature=self.key.sign(payload))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyVerifier:
    """Implements ``Verifier``: signatures of one key.

    With ``logs`` every entry in a bundle has to hold; without, entries are not
    looked at. ``require_log`` asks for one that holds.
    """

    key: PublicKey
    logs: LogKeys | None = None
    require_log: bool = False

    def verify(self, bundle: Bundle) -> Proven:
        """Check the signature, and what stands beside it.

        1. A key signed, not a certificate's owner.
        2. The signature over the envelope, by this key.
        3. Every log entry, where the logs are known: that the log holds it, and
           that it is about this signature, by this key, over these bytes.
        """
        if bundle.certificates:
            raise VerificationError("was signed keyless, not with a key")
        envelope = bundle.envelope
        self.key.check(envelope.signature, envelope.signed)
        times = []
        if self.logs is not None:
            for entry in bundle.entries:
                check_entry(entry, self.logs, Signed.of(envelope, self.key))
                times.append(entry.integrated if entry.promise else 0)
        if self.require_log and not times:
            raise VerificationError(
                "no transparency log holds it, and one is asked for",
            )
        told = [time for time in times if time]
        return Proven(
            signer=KeySigner(self.key.fingerprint),
            signed_at=datetime.fromtimestamp(min(told), UTC) if told else None,
            logged=bool(times),
        )
