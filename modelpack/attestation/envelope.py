"""DSSE: what exactly is signed (secure-systems-lab/dsse, protocol.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from modelpack.attestation.statement import PAYLOAD_TYPE, Statement
from modelpack.attestation.wire import decoded, encoded, known
from modelpack.errors import InvalidInput, VerificationError
from modelpack.oci.fields import Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A payload and its one signature. ``signature`` is over ``signed``."""

    payload: bytes
    payload_type: str
    signature: bytes

    @classmethod
    def parse(cls, value: object, where: str) -> Self:
        """Parse the JSON form; exactly one signature, as Sigstore wants it."""
        fields = known(value, where, "payload", "payloadType", "signatures")
        signatures = fields.array("signatures")
        if len(signatures) != 1:
            raise InvalidInput(
                f"{len(signatures)} signatures; there has to be exactly one",
                where=fields.path("signatures"),
            )
        signature = Fields(signatures[0], f"{where}.signatures[0]")
        return cls(
            payload=decoded(fields, "payload"),
            payload_type=fields.text("payloadType"),
            signature=decoded(signature, "sig"),
        )

    @property
    def signed(self) -> bytes:
        """The pre-authentication encoding: the bytes that the signature covers."""
        return pae(self.payload_type, self.payload)

    def document(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "payload": encoded(self.payload),
            "payloadType": self.payload_type,
            "signatures": [{"sig": encoded(self.signature)}],
        }

    def statement(self) -> Statement:
        """Return what the payload says, if it is an in-toto statement."""
        if self.payload_type != PAYLOAD_TYPE:
            raise VerificationError(
                f"the payload is {self.payload_type[:160]!r}, not a statement"
            )
        return Statement.parse(self.payload)


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return DSSE's pre-authentication encoding."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
