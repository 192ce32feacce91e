"""Entries of Rekor v1 beside a key's signature: a promise, and the time it tells."""

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelpack.attestation.bundle import Bundle
from modelpack.attestation.statement import Statement
from modelpack.errors import InvalidInput, VerificationError
from modelpack.oci.digest import Digest
from modelpack.signing.log import LogKeys
from modelpack.signing.managed import KeySigning, KeyVerifier
from modelpack.signing.private_key import PrivateKey
from tests.sigstore.log import Object
from tests.sigstore.log_v1 import RekorV1, envelope, hashedrekord

KEY = PrivateKey.generate()
LOG = RekorV1()
TIME = 1_700_000_000
GOOD = KeySigning(key=KEY).sign(Statement.signature(Digest.of(b"a model")))
OTHER = KeySigning(key=KEY).sign(Statement.signature(Digest.of(b"another")))


def body_of(kind: str, bundle: Bundle = GOOD, key: PrivateKey = KEY) -> Object:
    signed = bundle.envelope
    if kind == "dsse":
        return envelope(signed.payload, signed.signature, key.public.pem)
    digest = hashlib.sha256(signed.signed).digest()
    return hashedrekord(digest, signed.signature, key.public.pem)


def with_entry(entry: Object, bundle: Bundle = GOOD) -> Bundle:
    document = json.loads(bundle.raw)
    document["verificationMaterial"]["tlogEntries"] = [entry]
    return Bundle.parse(json.dumps(document).encode())


def verifier(**validity: str) -> KeyVerifier:
    trusted: Any = LOG.trusted()
    if validity:
        trusted["publicKey"]["validFor"] = validity
    logs = LogKeys.of_document({"tlogs": [trusted]})
    return KeyVerifier(key=KEY.public, logs=logs, require_log=True)


@pytest.mark.parametrize("kind", ["hashedrekord", "dsse"])
def test_a_promise_says_that_it_is_held_and_since_when(kind: str) -> None:
    proven = verifier().verify(with_entry(LOG.promise(body_of(kind), TIME)))
    assert proven.logged
    assert proven.signed_at == dt.datetime.fromtimestamp(TIME, dt.UTC)


Change = Callable[[Any], object]
CHANGES: dict[str, tuple[Change, str]] = {
    "another time": (
        lambda e: e.update(integratedTime=str(TIME - 1)),
        "did not sign that promise",
    ),
    "no time": (lambda e: e.pop("integratedTime"), "did not sign that promise"),
    "another index": (lambda e: e.update(logIndex="8"), "did not sign that promise"),
    "another log": (
        lambda e: e["logId"].update(keyId="AA" * 22),
        "not in the trusted root",
    ),
    "no promise": (lambda e: e.pop("inclusionPromise"), "no proof"),
    "a promise of nobody": (
        lambda e: e["inclusionPromise"].update(signedEntryTimestamp="AAAA"),
        "did not sign that promise",
    ),
    "another body": (
        lambda e: e.update(LOG.promise(body_of("dsse", OTHER), TIME)),
        "about something else",
    ),
    "another kind": (
        lambda e: e["kindVersion"].update(kind="hashedrekord"),
        "about something else",
    ),
    "a kind of in-toto's": (
        lambda e: e["kindVersion"].update(kind="intoto", version="0.0.2"),
        "is a intoto 0.0.2",
    ),
}


@pytest.mark.parametrize(("change", "said"), CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_entry_is_refused(change: Change, said: str) -> None:
    entry = LOG.promise(body_of("dsse"), TIME)
    change(entry)
    with pytest.raises(VerificationError, match=said):
        verifier().verify(with_entry(entry))


BODIES: dict[str, Object] = {
    "another signature": body_of("dsse", OTHER),
    "another key": body_of("dsse", key=PrivateKey.generate()),
    "nothing": {"apiVersion": "0.0.1", "kind": "dsse"},
    "more than is known": {**body_of("dsse"), "more": 1},
    "two signatures": {
        **body_of("dsse"),
        "spec": {
            **body_of("dsse")["spec"],  # type: ignore[dict-item]
            "signatures": [*[{"signature": "AA==", "verifier": "AA=="}] * 2],
        },
    },
    "a body that says another kind": {**body_of("hashedrekord"), "kind": "dsse"},
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_promise_about_something_else_is_refused(body: Object) -> None:
    entry: Any = LOG.promise(body, TIME)
    with pytest.raises((VerificationError, InvalidInput)):
        verifier().verify(with_entry(entry))


def test_a_promise_of_another_log_is_refused() -> None:
    entry = RekorV1().promise(body_of("dsse"), TIME)
    with pytest.raises(VerificationError, match="not in the trusted root"):
        verifier().verify(with_entry(entry))


def test_a_time_beyond_all_calendars_is_refused() -> None:
    entry = LOG.promise(body_of("dsse"), 1 << 60)
    with pytest.raises(VerificationError, match="a time that is none"):
        verifier().verify(with_entry(entry))


def test_a_log_counts_for_the_time_that_it_promised() -> None:
    bundle = with_entry(LOG.promise(body_of("dsse"), TIME))
    ended = {"start": "2020-01-01T00:00:00Z", "end": "2024-01-01T00:00:00Z"}
    assert verifier(**ended).verify(bundle).logged  # the log has ended since
    with pytest.raises(VerificationError, match="not trusted for 2023-11-14"):
        verifier(start="2024-01-01T00:00:00Z").verify(bundle)


_RAW = with_entry(LOG.promise(body_of("dsse"), TIME)).raw


@given(at=st.integers(0, len(_RAW) - 1), bit=st.integers(0, 7))
@settings(max_examples=200, deadline=None)
def test_no_flipped_bit_tells_another_time(at: int, bit: int) -> None:
    raw = bytearray(_RAW)
    raw[at] ^= 1 << bit
    try:
        proven = verifier().verify(Bundle.parse(bytes(raw)))
    except (VerificationError, InvalidInput):
        return
    assert proven.signed_at == dt.datetime.fromtimestamp(TIME, dt.UTC)
    assert proven.signer == verifier().verify(Bundle.parse(_RAW)).signer
