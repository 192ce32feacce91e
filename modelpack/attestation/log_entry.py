"""An entry of a transparency log, and the proof that the log holds it.

The proof is RFC 6962's (section 2.1.1): hashing upwards from the entry, with the
hashes beside the path, has to end in the root that the log has signed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from modelpack.attestation.wire import decoded, known, number
from modelpack.errors import InvalidInput, VerificationError
from modelpack.oci.fields import Fields

_MOST_HASHES: Final = 64
_HASH: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """Where an entry stands in a tree, and the hashes beside its path."""

    index: int
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One entry. ``body`` is what the log holds, byte for byte.

    ``integrated`` is seconds since 1970, or 0 where the log tells no time, as
    Rekor v2 does not; only ``promise`` (the log's signature over both, which Rekor
    v1 gives) makes it more than a claim. ``document`` is the JSON it came in.
    """

    index: int
    log_id: bytes
    kind: str
    version: str
    integrated: int
    body: bytes
    proof: InclusionProof | None
    promise: bytes | None
    document: Mapping[str, object]

    @classmethod
    def parse(cls, value: object, where: str) -> Self:
        """Parse one ``TransparencyLogEntry`` (``sigstore_rekor.proto``)."""
        fields = known(
            value,
            where,
            "logIndex",
            "logId",
            "kindVersion",
            "integratedTime",
            "inclusionPromise",
            "inclusionProof",
            "canonicalizedBody",
        )
        kind = known(
            fields.get("kindVersion"), fields.path("kindVersion"), "kind", "version"
        )
        log = known(fields.get("logId"), fields.path("logId"), "keyId")
        return cls(
            index=number(fields, "logIndex"),
            log_id=decoded(log, "keyId"),
            kind=kind.text("kind"),
            version=kind.text("version"),
            integrated=number(fields, "integratedTime"),
            body=decoded(fields, "canonicalizedBody"),
            proof=_proof(fields),
            promise=_promise(fields),
            document={key: fields.get(key) for key in fields},
        )


def _promise(fields: Fields) -> bytes | None:
    if not fields.has("inclusionPromise"):
        return None
    where = fields.path("inclusionPromise")
    promise = known(fields.get("inclusionPromise"), where, "signedEntryTimestamp")
    return decoded(promise, "signedEntryTimestamp")


def _proof(fields: Fields) -> InclusionProof | None:
    if not fields.has("inclusionProof"):
        return None
    where = fields.path("inclusionProof")
    proof = known(
        fields.get("inclusionProof"),
        where,
        "logIndex",
        "rootHash",
        "treeSize",
        "hashes",
        "checkpoint",
    )
    # The only entry of a log has no hash beside its path: Go leaves the list out.
    hashes = proof.array("hashes") if proof.has("hashes") else ()
    if len(hashes) > _MOST_HASHES:
        raise InvalidInput(f"more than {_MOST_HASHES}", where=proof.path("hashes"))
    checkpoint = known(proof.get("checkpoint"), proof.path("checkpoint"), "envelope")
    return InclusionProof(
        index=number(proof, "logIndex"),
        size=number(proof, "treeSize"),
        root=decoded(proof, "rootHash"),
        hashes=tuple(
            decoded(Fields({"": value}, proof.path(f"hashes[{index}]")), "")
            for index, value in enumerate(hashes)
        ),
        checkpoint=checkpoint.text("envelope"),
    )


def check_inclusion(body: bytes, proof: InclusionProof) -> None:
    """Raise ``VerificationError`` unless ``body`` is in the tree of ``proof``.

    RFC 9162, 2.1.3.2, which says how to verify what RFC 6962 defines.
    """
    if proof.index >= proof.size:
        raise VerificationError(f"entry {proof.index} of a log of {proof.size}")
    node, last = proof.index, proof.size - 1
    found = _leaf(body)
    for beside in proof.hashes:
        if len(beside) != _HASH:
            raise VerificationError("a hash in the proof is not 32 bytes long")
        if last == 0:
            raise VerificationError("the proof is longer than the log is deep")
        if node & 1 or node == last:
            found = _node(beside, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = _node(found, beside)
        node, last = node >> 1, last >> 1
    if last:
        raise VerificationError("the proof is shorter than the log is deep")
    if found != proof.root:
        raise VerificationError("the log's root does not follow from the entry")


def _leaf(body: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + body).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log has signed: its name, size and root (C2SP tlog-checkpoint).

    ``signatures`` are (key hint of 4 bytes, signature) over ``signed``.
    """

    origin: str
    size: int
    root: bytes
    signed: bytes
    signatures: Sequence[tuple[bytes, bytes]]

    @classmethod
    def parse(cls, note: str) -> Self:
        """Parse a signed note; ``InvalidInput`` says what is wrong with it."""
        text, blank, rest = note.partition("\n\n")
        lines = text.split("\n")
        if not blank or len(lines) < 3:  # noqa: PLR2004 - origin, size, root
            raise InvalidInput("not a checkpoint", where="checkpoint")
        parsed = Fields(
            {"size": lines[1], "root": lines[2]},
            "checkpoint",
        )
        signatures = []
        signing = rest.splitlines()
        if len(signing) > _MOST_HASHES:
            raise InvalidInput("too many signatures", where="checkpoint")
        for line in signing:
            words = line.split(" ")
            if len(words) != 3 or words[0] != "\u2014":  # noqa: PLR2004
                raise InvalidInput("not a signature line", where="checkpoint")
            signature = decoded(Fields({"": words[2]}, "checkpoint"), "")
            signatures.append((signature[:4], signature[4:]))
        return cls(
            origin=lines[0],
            size=number(parsed, "size"),
            root=decoded(parsed, "root"),
            signed=f"{text}\n".encode(),
            signatures=tuple(signatures),
        )
