"""What a signature looks like in a store, and what a second one adds."""

import json
from dataclasses import replace

import pytest

from modelpack.attestation.legacy import PAYLOAD
from modelpack.attestation.predicates import MODEL_SIGNATURE, PROVENANCE, SIGNATURE
from modelpack.errors import RegistryError
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Document, Manifest
from modelpack.oci.memory import MemoryStore
from tests.workflows.signing import CREATED, Person, put_files, put_model

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
EMPTY = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def model(store: MemoryStore) -> Document:
    return put_model(store, w=b"weights")


def test_a_signature_is_stored_as_cosign_3_does(
    store: MemoryStore, model: Document
) -> None:
    done = Person.new().signing(store).signature(model, {"build": "7"})
    assert done.referrer is not None
    document = json.loads(store.get_manifest(done.referrer.digest).raw)
    layer = document["layers"][0]
    assert document == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": BUNDLE,
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": EMPTY,
            "size": 2,
            "artifactType": BUNDLE,
        },
        "layers": [
            {"mediaType": BUNDLE, "digest": layer["digest"], "size": layer["size"]}
        ],
        "annotations": {
            "dev.sigstore.bundle.content": "dsse-envelope",
            "dev.sigstore.bundle.predicateType": SIGNATURE,
            "org.opencontainers.image.created": CREATED,
        },
        "subject": {
            "mediaType": model.media_type,
            "digest": str(model.descriptor.digest),
            "size": len(model.raw),
        },
    }
    assert json.loads(done.statement.raw) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {
                "digest": {"sha256": model.descriptor.digest.hex},
                "annotations": {"build": "7"},
            }
        ],
        "predicateType": SIGNATURE,
        "predicate": {},
    }


def test_signing_twice_with_one_key_adds_nothing(
    store: MemoryStore, model: Document
) -> None:
    anna, ben = Person.new(), Person.new()
    first = anna.signing(store).signature(model)
    again = anna.signing(store).signature(model)
    other = ben.signing(store).signature(model)
    differently = anna.signing(store).signature(model, {"stage": "prod"})
    assert first.referrer is not None
    assert again.referrer is None
    assert other.referrer is not None
    assert differently.referrer is not None
    listed = {found.digest for found in store.referrers(model.descriptor.digest)}
    assert listed == {
        first.referrer.digest,
        other.referrer.digest,
        differently.referrer.digest,
    }


def test_an_attestation_replaces_the_signers_own_of_its_type(
    store: MemoryStore, model: Document
) -> None:
    anna, ben = Person.new(), Person.new()
    kind = "https://example.com/scan"
    theirs = ben.signing(store).attestation(model, kind, {"result": "PASSED"})
    old = anna.signing(store).attestation(model, kind, {"result": "PASSED"})
    other = anna.signing(store).attestation(model, PROVENANCE, {"x": 1})
    new = anna.signing(store).attestation(model, kind, {"result": "FAILED"})
    assert old.referrer is not None
    assert new.replaced == (str(old.referrer.digest),)
    left = {found.digest for found in store.referrers(model.descriptor.digest)}
    assert left == {
        each.referrer.digest for each in (theirs, other, new) if each.referrer
    }
    results = [
        found.statement.predicate["result"]
        for found in anna.evidence(store, model).of_type(kind)
    ]
    assert results == ["FAILED"]


def test_append_keeps_what_was_said_before(store: MemoryStore, model: Document) -> None:
    signing = Person.new().signing(store)
    kind = "https://example.com/scan"
    signing.attestation(model, kind, {"result": "PASSED"})
    done = signing.attestation(model, kind, {"result": "FAILED"}, append=True)
    assert done.replaced == ()
    assert len(store.referrers(model.descriptor.digest)) == 2


class _Undeletable(MemoryStore):
    """A registry where nothing is ever deleted, as many are set up."""

    def delete(self, selector: str | Digest) -> None:
        raise RegistryError(f"{selector} stays", status=405)


def test_what_cannot_be_replaced_is_reported() -> None:
    store = _Undeletable()
    model = put_model(store, w=b"weights")
    signing = Person.new().signing(store)
    old = signing.attestation(model, "https://example.com/scan", {"n": 1})
    new = signing.attestation(model, "https://example.com/scan", {"n": 2})
    assert old.referrer is not None
    assert (new.replaced, new.kept) == ((), (str(old.referrer.digest),))
    assert new.referrer is not None


def test_the_older_form_has_room_for_many_signers(
    store: MemoryStore, model: Document
) -> None:
    anna, ben = Person.new(), Person.new()
    for person in (anna, ben, anna):
        person.signing(store, older=True).signature(model)
    anna.signing(store, older=True).attestation(model, PROVENANCE, {"x": 1})
    hexadecimal = model.descriptor.digest.hex
    image = Manifest.parse(store.get_manifest(f"sha256-{hexadecimal}.sig").raw)
    assert [layer.media_type for layer in image.layers] == [PAYLOAD, PAYLOAD]
    # Anna's newer form, Anna's older form; her attestation in both.
    kinds = [s.statement.predicate_type for s in anna.evidence(store, model).statements]
    assert sorted(kinds) == sorted([SIGNATURE, SIGNATURE, PROVENANCE, PROVENANCE])
    assert len(ben.evidence(store, model).statements) == 2


def test_a_model_signature_lists_the_files(store: MemoryStore) -> None:
    model = put_files(store, {"a": b"1", "b/c": b"2", ".gitattributes": b"3"})
    done = Person.new().signing(store).model_signature(model, "model")
    assert done is not None
    assert done.statement.predicate_type == MODEL_SIGNATURE
    resources = json.loads(done.statement.raw)["predicate"]["resources"]
    assert [(r["name"], r["digest"]) for r in resources] == [
        ("a", Digest.of(b"1").hex),
        ("b/c", Digest.of(b"2").hex),
    ]


def test_what_is_no_model_has_no_model_signature(store: MemoryStore) -> None:
    model = put_model(store, w=b"weights")
    person = Person.new()
    signed = person.signing(store).signature(model)
    assert signed.referrer is not None
    document = store.get_manifest(signed.referrer.digest)
    assert person.signing(store).model_signature(document, "x") is None


def test_a_signer_that_cannot_tell_its_own_adds_each_time(
    store: MemoryStore, model: Document
) -> None:
    signing = replace(Person.new().signing(store), own=None)
    signing.signature(model)
    signing.signature(model)
    assert len(store.referrers(model.descriptor.digest)) == 2
