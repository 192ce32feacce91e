"""Statements: what is read, and what is not taken for one."""

import json
from typing import Any

import pytest

from modelpack.attestation.legacy import SimpleSigning, payload
from modelpack.attestation.predicates import CUSTOM, SIGNATURE, predicate_type
from modelpack.attestation.statement import Statement
from modelpack.errors import InvalidInput, VerificationError
from modelpack.oci.digest import Digest

DIGEST = Digest.of(b"a model")


def document(**changes: object) -> dict[str, Any]:
    whole = json.loads(Statement.build(DIGEST, CUSTOM, {"a": 1}).raw) | changes
    return {key: value for key, value in whole.items() if value != "left out"}


def parse(**changes: object) -> Statement:
    return Statement.parse(json.dumps(document(**changes)).encode())


def test_what_was_built_is_what_is_read() -> None:
    built = Statement.build(DIGEST, CUSTOM, {"a": [1, None]}, annotations={"k": "v"})
    read = Statement.parse(built.raw)
    assert read == built
    assert read.subject_of(DIGEST).annotations == {"k": "v"}
    assert read.predicate == {"a": [1, None]}


@pytest.mark.parametrize("version", ["v1", "v0.1"])
def test_both_versions_in_use_are_read(version: str) -> None:
    assert parse(_type=f"https://in-toto.io/Statement/{version}").predicate == {"a": 1}


def test_a_missing_predicate_is_an_empty_one() -> None:
    # cosign 3.0.0 to 3.0.4 signed without one.
    assert parse(predicate="left out").predicate == {}


def test_a_subject_needs_no_name() -> None:
    digest = {"sha256": DIGEST.hex}
    for subject in ({"digest": digest}, {"name": None, "digest": digest}):
        assert parse(subject=[subject]).subject_of(DIGEST).name == ""


def test_one_of_several_subjects_is_enough() -> None:
    other = {"name": "b", "digest": {"sha256": "b" * 64}}
    mine = {"name": "a", "digest": {"sha256": DIGEST.hex}}
    assert parse(subject=[other, mine]).subject_of(DIGEST).name == "a"


REFUSED: dict[str, dict[str, object]] = {
    "no type": {"_type": "left out"},
    "another type": {"_type": "https://in-toto.io/Statement/v2"},
    "a type that is a number": {"_type": 1},
    "no subject": {"subject": "left out"},
    "no subject in the list": {"subject": []},
    "null": {"subject": None},
    "a subject that is text": {"subject": ["sha256"]},
    "a subject without a digest": {"subject": [{"name": "a"}]},
    "an empty digest": {"subject": [{"digest": {}}]},
    "a digest that is a number": {"subject": [{"digest": {"sha256": 1}}]},
    "no predicate type": {"predicateType": "left out"},
    "a predicate that is a list": {"predicate": []},
    "too many subjects": {"subject": [{"digest": {"sha256": "a"}}] * 10_001},
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_statement_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises((InvalidInput, VerificationError)):
        parse(**changes)


@pytest.mark.parametrize(
    "raw",
    [b"", b"null", b"[]", b"{", b'{"_type":"a","_type":"b"}', b"\xff", b'{"a":NaN}'],
)
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        Statement.parse(raw)


OTHERS: dict[str, list[dict[str, object]]] = {
    "another digest": [{"digest": {"sha256": "b" * 64}}],
    "another algorithm": [{"digest": {"sha512": DIGEST.hex}}],
    "upper case": [{"digest": {"sha256": DIGEST.hex.upper()}}],
    "a part of it": [{"digest": {"sha256": DIGEST.hex[:-1]}}],
    "several digests": [{"digest": {"sha256": DIGEST.hex, "sha512": "c" * 128}}],
}


@pytest.mark.parametrize("subject", OTHERS.values(), ids=OTHERS.keys())
def test_a_statement_about_something_else_is_refused(
    subject: list[dict[str, object]],
) -> None:
    with pytest.raises(VerificationError):
        parse(subject=subject).subject_of(DIGEST)


def test_short_names_are_those_of_cosign() -> None:
    assert predicate_type("cyclonedx") == "https://cyclonedx.org/bom"
    assert predicate_type("https://example.com/x") == "https://example.com/x"
    for wrong in ("", "cyclone", "https:", "a" * 600):
        with pytest.raises(InvalidInput):
            predicate_type(wrong)


def simple(change: str = "", to: str = "") -> Statement:
    content = payload(DIGEST, "registry.test/model", {}).decode().replace(change, to)
    return SimpleSigning(payload=content.encode(), signature=b"").statement()


def test_the_older_form_means_the_same() -> None:
    statement = simple()
    assert statement.predicate_type == SIGNATURE
    statement.subject_of(DIGEST)


@pytest.mark.parametrize(
    ("change", "to"),
    [
        ("cosign container image signature", "atomic container signature"),
        ("docker-manifest-digest", "Docker-manifest-digest"),
        ("sha256:", "sha256-"),
        ("critical", "optional2"),
        ('"type":', '"type":"x","type":'),
    ],
)
def test_an_older_form_that_is_none_is_refused(change: str, to: str) -> None:
    with pytest.raises((InvalidInput, VerificationError)):
        simple(change, to)
