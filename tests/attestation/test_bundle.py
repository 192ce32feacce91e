"""Bundles: versions that are read, and all that makes one unusable."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from modelpack.attestation.bundle import MAX_BYTES, Bundle
from modelpack.attestation.envelope import Envelope, pae
from modelpack.attestation.statement import Statement
from modelpack.errors import InvalidInput, VerificationError
from modelpack.oci.digest import Digest
from modelpack.signing.managed import KeySigning
from modelpack.signing.private_key import PrivateKey

GOOD = KeySigning(key=PrivateKey.generate()).sign(
    Statement.signature(Digest.of(b"a model"))
)
ENTRY: dict[str, Any] = {
    "logIndex": "7",
    "logId": {"keyId": "AAAA"},
    "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"},
    "inclusionProof": {
        "rootHash": "AAAA",
        "treeSize": "8",
        "hashes": ["AAAA"],
        "checkpoint": {"envelope": "x"},
    },
    "canonicalizedBody": "AAAA",
}


def changed(change: Callable[[dict[str, Any]], object]) -> Bundle:
    document = json.loads(GOOD.raw)
    change(document)
    return Bundle.parse(json.dumps(document).encode())


def test_the_pre_authentication_encoding_is_the_specifications() -> None:
    # secure-systems-lab/dsse, protocol.md, "Test vectors"
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_a_bundle_keeps_its_bytes() -> None:
    assert Bundle.parse(GOOD.raw) == GOOD
    spaced = json.dumps(json.loads(GOOD.raw), indent=3).encode()
    assert Bundle.parse(spaced).raw == spaced


@pytest.mark.parametrize(
    "version",
    [
        "application/vnd.dev.sigstore.bundle+json;version=0.1",
        "application/vnd.dev.sigstore.bundle+json;version=0.2",
        "application/vnd.dev.sigstore.bundle+json;version=0.3",
        "application/vnd.dev.sigstore.bundle.v0.3+json",
    ],
)
def test_known_versions_are_read(version: str) -> None:
    assert changed(lambda d: d.update(mediaType=version)).hint == GOOD.hint


def test_what_go_leaves_out_is_read_as_zero() -> None:
    def change(document: dict[str, Any]) -> None:
        document["verificationMaterial"] = {
            "publicKey": {},
            "tlogEntries": [{k: v for k, v in ENTRY.items() if k != "logIndex"}],
        }

    (entry,) = changed(change).entries
    assert entry.index == 0
    assert entry.proof is not None
    assert (entry.proof.index, entry.proof.size) == (0, 8)


def material(**parts: object) -> Callable[[dict[str, Any]], object]:
    return lambda d: d["verificationMaterial"].update(parts)


def entry(**parts: object) -> Callable[[dict[str, Any]], object]:
    return material(tlogEntries=[ENTRY | parts])


def envelope(**parts: object) -> Callable[[dict[str, Any]], object]:
    return lambda d: d["dsseEnvelope"].update(parts)


REFUSED: dict[str, Callable[[dict[str, Any]], object]] = {
    "a later version": lambda d: d.update(
        mediaType="application/vnd.dev.sigstore.bundle.v0.4+json"
    ),
    "no version": lambda d: d.pop("mediaType"),
    "an unknown field": lambda d: d.update(more=1),
    "an unknown field inside": material(more=1),
    "a bare message signature": lambda d: d.update(messageSignature={}),
    "no envelope": lambda d: d.pop("dsseEnvelope"),
    "no material": lambda d: d.pop("verificationMaterial"),
    "key and certificate": material(certificate={"rawBytes": "AAAA"}),
    "neither": lambda d: d["verificationMaterial"].pop("publicKey"),
    "an empty chain": lambda d: d.update(
        verificationMaterial={"x509CertificateChain": {"certificates": []}}
    ),
    "a certificate that is not base64": lambda d: d.update(
        verificationMaterial={"certificate": {"rawBytes": "%"}}
    ),
    "too many entries": material(tlogEntries=[ENTRY] * 33),
    "an entry that is text": material(tlogEntries=["x"]),
    "an entry without a log": entry(logId=None),
    "a negative index": entry(logIndex="-1"),
    "an index that is true": entry(logIndex=True),
    "an index beyond 64 bits": entry(logIndex="9" * 20),
    "a body that is not base64": entry(canonicalizedBody="%"),
    "no checkpoint": entry(inclusionProof={"rootHash": "AAAA", "treeSize": "1"}),
    "too many hashes": entry(
        inclusionProof=ENTRY["inclusionProof"] | {"hashes": ["AAAA"] * 65}
    ),
    "no signature": envelope(signatures=[]),
    "two signatures": envelope(signatures=[{"sig": "AAAA"}, {"sig": "AAAA"}]),
    "a signature that is not base64": envelope(signatures=[{"sig": "?"}]),
    "a payload that is not base64": envelope(payload="not base64!"),
    "no payload type": lambda d: d["dsseEnvelope"].pop("payloadType"),
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED.keys())
def test_a_bundle_that_cannot_be_used_says_why(
    change: Callable[[dict[str, Any]], object],
) -> None:
    with pytest.raises(InvalidInput) as caught:
        changed(change)
    assert "bundle" in str(caught.value)


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"null", b'{"mediaType":"a","mediaType":"b"}', b"\xfe\xff", b"{" * 99],
)
def test_what_is_no_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        Bundle.parse(raw)


def test_8_mib_are_too_many() -> None:
    filled = GOOD.raw + b" " * (MAX_BYTES - len(GOOD.raw))
    assert Bundle.parse(filled).envelope == GOOD.envelope
    with pytest.raises(InvalidInput, match="8 MiB"):
        Bundle.parse(filled + b" ")


def test_another_payload_type_is_no_statement() -> None:
    other = Envelope(
        payload=GOOD.envelope.payload, payload_type="application/json", signature=b""
    )
    with pytest.raises(VerificationError, match="not a statement"):
        other.statement()
