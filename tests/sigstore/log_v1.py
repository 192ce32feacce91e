"""A transparency log like Rekor v1: it promises to hold an entry, and tells a time."""

import base64
import hashlib
import json
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.sigstore.certificates import Private, encoded, new_key, spki
from tests.sigstore.log import Object, leaf

ORIGIN = "rekor-v1.test"


@dataclass
class RekorV1:
    """Promises whatever it is asked to; what is in the entry is the test's to say."""

    key: Private = field(default_factory=new_key)

    @property
    def log_id(self) -> bytes:
        return hashlib.sha256(spki(self.key.public_key())).digest()

    def trusted(self) -> Object:
        """Return its entry in a trusted root."""
        return {
            "baseUrl": f"https://{ORIGIN}",
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": encoded(spki(self.key.public_key())),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "validFor": {"start": "2020-01-01T00:00:00Z"},
            },
            "logId": {"keyId": encoded(self.log_id)},
        }

    def promise(self, body: Object, time: int, index: int = 7) -> Object:
        """Return a ``TransparencyLogEntry`` with a promise and no proof."""
        raw = _canonical(body)
        return {
            "logIndex": str(index),
            "logId": {"keyId": encoded(self.log_id)},
            "kindVersion": {"kind": body["kind"], "version": body["apiVersion"]},
            "integratedTime": str(time),
            "inclusionPromise": {
                "signedEntryTimestamp": encoded(self._sign(raw, time, index))
            },
            "canonicalizedBody": encoded(raw),
        }

    def annotation(self, body: Object, time: int, index: int = 7) -> str:
        """Return the same as cosign 2 writes it beside a signature."""
        raw = _canonical(body)
        return json.dumps(
            {
                "SignedEntryTimestamp": encoded(self._sign(raw, time, index)),
                "Payload": {
                    "body": encoded(raw),
                    "integratedTime": time,
                    "logIndex": index,
                    "logID": self.log_id.hex(),
                },
            }
        )

    def proof(self, body: Object) -> Object:
        """Return a proof for the only entry of a tree, as the log's API has it."""
        root = leaf(_canonical(body))
        # Rekor v1's trees have a number behind the log's name.
        note = f"{ORIGIN} - 7\n1\n{encoded(root)}\n"
        signature = self.key.sign(note.encode(), ec.ECDSA(hashes.SHA256()))
        signed = encoded(self.log_id[:4] + signature)
        return {
            "hashes": [],
            "logIndex": 0,
            "rootHash": root.hex(),
            "treeSize": 1,
            "checkpoint": f"{note}\n\u2014 {ORIGIN} {signed}\n",
        }

    def _sign(self, body: bytes, time: int, index: int) -> bytes:
        promised = _canonical(
            {
                "body": base64.b64encode(body).decode(),
                "integratedTime": time,
                "logID": self.log_id.hex(),
                "logIndex": index,
            }
        )
        return self.key.sign(promised, ec.ECDSA(hashes.SHA256()))


def _canonical(document: Object) -> bytes:
    """Write ASCII as RFC 8785 has it."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def hashedrekord(digest: bytes, signature: bytes, verifier: bytes) -> Object:
    """Return the body of an entry about a digest. ``verifier`` is in PEM form."""
    return {
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": digest.hex()}},
            "signature": {
                "content": encoded(signature),
                "publicKey": {"content": encoded(verifier)},
            },
        },
    }


def envelope(payload: bytes, signature: bytes, verifier: bytes) -> Object:
    """Return the body of an entry about a DSSE envelope."""
    return {
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "envelopeHash": {"algorithm": "sha256", "value": "ab" * 32},
            "payloadHash": {
                "algorithm": "sha256",
                "value": hashlib.sha256(payload).hexdigest(),
            },
            "signatures": [
                {"signature": encoded(signature), "verifier": encoded(verifier)}
            ],
        },
    }
