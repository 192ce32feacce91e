"""What is believed: by whom it is signed, what it is about, and nothing less."""

import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelpack.attestation.any_of import AnyOf
from modelpack.attestation.bundle import Bundle
from modelpack.attestation.envelope import Envelope, pae
from modelpack.attestation.evidence import (
    About,
    Candidate,
    KeySigner,
    VerifiedStatement,
    judge,
    verified,
)
from modelpack.attestation.predicates import CUSTOM, SIGNATURE
from modelpack.attestation.statement import PAYLOAD_TYPE, Statement
from modelpack.errors import InvalidInput, RegistryError, VerificationError
from modelpack.oci.digest import Digest
from modelpack.signing.managed import KeySigning, KeyVerifier
from modelpack.signing.private_key import PrivateKey

DIGEST, OTHER = Digest.of(b"a model"), Digest.of(b"another model")
ABOUT = About(DIGEST)
KEY, STRANGER = PrivateKey.generate(), PrivateKey.generate()
SIGNER, VERIFIER = KeySigning(key=KEY), KeyVerifier(key=KEY.public)
GOOD = SIGNER.sign(Statement.signature(DIGEST))


def given_as(*bundles: Bundle) -> list[Candidate]:
    return [Candidate(str(n), partial(_same, b)) for n, b in enumerate(bundles)]


def _same(bundle: Bundle) -> Bundle:
    return bundle


def test_a_good_bundle_is_believed() -> None:
    found = verified(GOOD, ABOUT, VERIFIER)
    assert found.subject == DIGEST
    assert found.statement.raw == GOOD.envelope.payload
    assert found.proven.signer == KeySigner(KEY.public.fingerprint)
    assert not found.proven.logged


def test_nobody_else_makes_a_verified_statement() -> None:
    found = verified(GOOD, ABOUT, VERIFIER)
    with pytest.raises(TypeError):
        VerifiedStatement(DIGEST, found.statement, found.proven, GOOD, "")
    with pytest.raises(TypeError):
        VerifiedStatement(DIGEST, found.statement, found.proven, GOOD, "", object())
    with pytest.raises(TypeError):
        replace(found, subject=Digest.of(b"another"))


def signed(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> Bundle:
    """Sign anything with the right key."""
    signature = KEY.sign(pae(payload_type, payload))
    envelope = Envelope(payload=payload, payload_type=payload_type, signature=signature)
    return Bundle.build(envelope, "")


def test_a_right_signature_over_another_payload_type_is_refused() -> None:
    with pytest.raises(VerificationError, match="not a statement"):
        verified(signed(GOOD.envelope.payload, "text/plain"), ABOUT, VERIFIER)


def test_a_right_signature_over_no_statement_is_refused() -> None:
    with pytest.raises(InvalidInput):
        verified(signed(b"{}"), ABOUT, VERIFIER)


def test_a_statement_about_another_artifact_is_refused() -> None:
    with pytest.raises(VerificationError, match="is not about"):
        verified(GOOD, About(OTHER), VERIFIER)


def test_another_key_is_refused_whatever_the_hint_says() -> None:
    theirs = json.loads(KeySigning(key=STRANGER).sign(Statement.signature(DIGEST)).raw)
    theirs["verificationMaterial"]["publicKey"]["hint"] = KEY.public.hint
    bundle = Bundle.parse(json.dumps(theirs).encode())
    with pytest.raises(VerificationError, match="not made with key"):
        verified(bundle, ABOUT, VERIFIER)


Change = Callable[[dict[str, Any], dict[str, Any]], None]
SWAPS: dict[str, Change] = {
    "payload": lambda a, b: a.update(payload=b["payload"]),
    "signature": lambda a, b: a.update(signatures=b["signatures"]),
    "payload type": lambda a, _: a.update(payloadType="application/json"),
}


@pytest.mark.parametrize("swap", SWAPS.values(), ids=SWAPS.keys())
def test_parts_of_two_good_bundles_make_no_good_one(swap: Change) -> None:
    mine = json.loads(GOOD.raw)
    theirs = json.loads(SIGNER.sign(Statement.signature(OTHER)).raw)
    swap(mine["dsseEnvelope"], theirs["dsseEnvelope"])
    bundle = Bundle.parse(json.dumps(mine).encode())
    for about in (ABOUT, About(OTHER)):
        with pytest.raises(VerificationError):
            verified(bundle, about, VERIFIER)


@given(at=st.integers(0, len(GOOD.raw) - 1), to=st.integers(0, 255))
@settings(max_examples=600, deadline=None)
def test_no_changed_byte_makes_it_say_something_else(at: int, to: int) -> None:
    raw = bytearray(GOOD.raw)
    raw[at] = to
    try:
        found = verified(Bundle.parse(bytes(raw)), ABOUT, VERIFIER)
    except (VerificationError, InvalidInput):
        return
    assert found.statement == verified(GOOD, ABOUT, VERIFIER).statement


@given(at=st.integers(0, len(GOOD.raw) - 1), to=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_no_changed_byte_makes_a_refused_bundle_good(at: int, to: int) -> None:
    raw = bytearray(GOOD.raw)
    raw[at] = to
    for about, verifier in (
        (About(OTHER), VERIFIER),
        (ABOUT, KeyVerifier(key=STRANGER.public)),
    ):
        with pytest.raises((VerificationError, InvalidInput)):
            verified(Bundle.parse(bytes(raw)), about, verifier)


def test_a_broken_candidate_beside_a_good_one_is_set_aside() -> None:
    def broken() -> Bundle:
        raise InvalidInput("nonsense", where="bundle")

    found = judge([Candidate("bad", broken), *given_as(GOOD)], ABOUT, VERIFIER)
    assert len(found.statements) == 1
    assert [(a.name, a.reason) for a in found.set_aside] == [
        ("bad", "bundle: nonsense")
    ]


def test_a_registry_that_fails_is_no_broken_candidate() -> None:
    def down() -> Bundle:
        raise RegistryError("503", status=503)

    with pytest.raises(RegistryError):
        judge([*given_as(GOOD), Candidate("down", down)], ABOUT, VERIFIER)


def test_the_same_bundle_twice_counts_once() -> None:
    assert len(judge(given_as(GOOD, GOOD), ABOUT, VERIFIER).statements) == 1


def test_types_are_told_apart() -> None:
    scan = SIGNER.sign(Statement.build(DIGEST, CUSTOM, {"result": "FAILED"}))
    found = judge(given_as(scan, GOOD), ABOUT, VERIFIER)
    assert [s.statement.predicate_type for s in found.of_type(SIGNATURE)] == [SIGNATURE]
    assert len(found.of_type(SIGNATURE, CUSTOM)) == 2


def test_any_of_several_may_have_signed() -> None:
    theirs = KeySigning(key=STRANGER).sign(Statement.signature(DIGEST))
    both = AnyOf((VERIFIER, KeyVerifier(key=STRANGER.public)))
    assert len(judge(given_as(GOOD, theirs), ABOUT, both).statements) == 2
    with pytest.raises(VerificationError, match="nobody may sign"):
        AnyOf(()).verify(GOOD)


def test_1000_bundles_take_little_memory() -> None:
    documents = [
        SIGNER.sign(Statement.build(DIGEST, CUSTOM, {"n": n})).raw for n in range(1000)
    ]
    candidates = (
        Candidate(str(n), partial(Bundle.parse, raw)) for n, raw in enumerate(documents)
    )
    tracemalloc.start()
    found = judge(candidates, ABOUT, VERIFIER)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.statements) == 1000
    assert peak < 100 << 20
