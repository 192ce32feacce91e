"""A transparency log like Rekor v2: a Merkle tree, and checkpoints that it signs."""

import base64
import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils

from tests.sigstore.certificates import encoded

Object = dict[str, object]


def leaf(body: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + body).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the tree's hash, as RFC 6962, 2.1 defines it."""
    if len(leaves) == 1:
        return leaves[0]
    half = _half(len(leaves))
    pair = root_of(leaves[:half]) + root_of(leaves[half:])
    return hashlib.sha256(b"\x01" + pair).digest()


def path_of(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return the audit path of a leaf (RFC 6962, 2.1.1)."""
    if len(leaves) == 1:
        return []
    half = _half(len(leaves))
    if index < half:
        return [*path_of(index, leaves[:half]), root_of(leaves[half:])]
    return [*path_of(index - half, leaves[half:]), root_of(leaves[:half])]


def _half(size: int) -> int:
    """Return the largest power of two below ``size``."""
    return int(1 << (size - 1).bit_length() - 1)


@dataclass
class Rekor:
    """Enters signatures. ``lies`` lets the entry be about something else."""

    origin: str = "rekor.test"
    key: ed25519.Ed25519PrivateKey = field(
        default_factory=ed25519.Ed25519PrivateKey.generate
    )
    lies: bool = False
    _leaves: list[bytes] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def log_id(self) -> bytes:
        """The name of an Ed25519 log (C2SP, signed-note)."""
        raw = self.key.public_key().public_bytes_raw()
        return hashlib.sha256(self.origin.encode() + b"\n\x01" + raw).digest()

    def enter(self, request: Object) -> Object:
        """Answer ``POST /api/v2/log/entries``; a bad signature is a ``ValueError``."""
        body = self._body(request)
        with self._lock:
            self._leaves.append(leaf(body))
            leaves = list(self._leaves)
        return self._entry(body, leaves)

    def _body(self, request: Object) -> bytes:
        asked = request["hashedRekordRequestV002"]
        assert isinstance(asked, dict)
        signature = asked["signature"]
        verifier = signature["verifier"]
        key = _key(verifier)
        digest = base64.b64decode(asked["digest"])
        content = base64.b64decode(signature["content"])
        size = str(verifier["keyDetails"])[-3:]
        algorithm = {"256": hashes.SHA256(), "384": hashes.SHA384()}[size]
        key.verify(content, digest, ec.ECDSA(utils.Prehashed(algorithm)))
        if self.lies:
            digest = bytes(len(digest))
        return rfc8785.dumps(
            {
                "apiVersion": "0.0.2",
                "kind": "hashedrekord",
                "spec": {
                    "hashedRekordV002": {
                        "data": {
                            "algorithm": f"SHA2_{size}",
                            "digest": encoded(digest),
                        },
                        "signature": {
                            "content": signature["content"],
                            "verifier": verifier,
                        },
                    }
                },
            }
        )

    def _entry(self, body: bytes, leaves: Sequence[bytes]) -> Object:
        index, root = len(leaves) - 1, root_of(leaves)
        note = f"{self.origin}\n{len(leaves)}\n{encoded(root)}\n"
        signature = encoded(self.log_id[:4] + self.key.sign(note.encode()))
        return {
            "logIndex": str(index),
            "logId": {"keyId": encoded(self.log_id)},
            "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"},
            "integratedTime": "0",
            "inclusionProof": {
                "logIndex": str(index),
                "rootHash": encoded(root),
                "treeSize": str(len(leaves)),
                "hashes": [encoded(each) for each in path_of(index, leaves)],
                "checkpoint": {
                    "envelope": f"{note}\n\u2014 {self.origin} {signature}\n"
                },
            },
            "canonicalizedBody": encoded(body),
        }


def _key(verifier: dict[str, dict[str, str]]) -> ec.EllipticCurvePublicKey:
    if "x509Certificate" in verifier:
        raw = base64.b64decode(verifier["x509Certificate"]["rawBytes"])
        key: object = x509.load_der_x509_certificate(raw).public_key()
    else:
        raw = base64.b64decode(verifier["publicKey"]["rawBytes"])
        key = serialization.load_der_public_key(raw)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key
