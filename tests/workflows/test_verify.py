"""What counts as a signature, and what a store can do about it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from modelpack.attestation.any_of import AnyOf
from modelpack.attestation.bundle import MEDIA_TYPE
from modelpack.attestation.evidence import KeySigner, Unjudgeable
from modelpack.attestation.model_signature import ModelFiles
from modelpack.attestation.predicates import MODEL_SIGNATURE, PROVENANCE, SIGNATURE
from modelpack.errors import InvalidInput, RegistryError, VerificationError
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import EMPTY_JSON, Document, Manifest
from modelpack.oci.memory import MemoryStore
from modelpack.oci.store import blocks_of
from modelpack.workflows.gather import MAX_TOTAL
from modelpack.workflows.verify import (
    NotVerified,
    Verified,
    Wanted,
    model_signatures,
    verify,
)
from tests.workflows.signing import Person, put_files, put_model, refer

ANNA, BEN = Person.new(), Person.new()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def model(store: MemoryStore) -> Document:
    return put_model(store, w=b"weights")


def check(
    store: MemoryStore, *types: str, person: Person = ANNA, signers: int = 1
) -> Verified:
    wanted = Wanted(types=types or (SIGNATURE,), signers=signers)
    return verify(store, "1", person.verifier, wanted)


def why(store: MemoryStore) -> list[str]:
    """Refuse, and return the reasons."""
    with pytest.raises(NotVerified) as caught:
        check(store)
    return [aside.reason for aside in caught.value.evidence.set_aside]


def signed_bundle(person: Person, artifact: Document) -> bytes:
    """Return the bundle of a new signature, which is not in the store."""
    elsewhere = MemoryStore()
    done = person.signing(elsewhere).signature(artifact)
    assert done.referrer is not None
    manifest = Manifest.parse(elsewhere.get_manifest(done.referrer.digest).raw)
    with elsewhere.open(manifest.layers[0]) as body:
        buffer = memoryview(bytearray(manifest.layers[0].size))
        body.read_into(buffer)
    return bytes(buffer)


def test_a_signature_is_found_and_says_who(store: MemoryStore, model: Document) -> None:
    ANNA.signing(store).signature(model)
    found = check(store)
    assert found.descriptor.digest == model.descriptor.digest
    assert found.signers == {KeySigner(ANNA.key.public.fingerprint)}


def test_nothing_attached_is_refused(store: MemoryStore, model: Document) -> None:
    del model
    assert why(store) == []


def test_another_key_is_refused(store: MemoryStore, model: Document) -> None:
    BEN.signing(store).signature(model)
    assert "not made with key" in why(store)[0]


def test_an_attestation_by_the_right_key_is_no_signature(
    store: MemoryStore, model: Document
) -> None:
    ANNA.signing(store).attestation(model, PROVENANCE, {"scan": "FAILED"})
    with pytest.raises(NotVerified) as caught:
        check(store)
    assert PROVENANCE in caught.value.hint
    assert check(store, PROVENANCE).counted[0].statement.predicate == {"scan": "FAILED"}


def test_a_model_signature_is_no_signature_of_the_artifact(
    store: MemoryStore, model: Document
) -> None:
    ANNA.signing(store).model_signature(model, "model")
    with pytest.raises(NotVerified):
        check(store)
    assert len(check(store, MODEL_SIGNATURE).counted) == 1


def test_a_model_signature_about_other_files_is_set_aside(
    store: MemoryStore, model: Document
) -> None:
    other = put_model(store, tag="other", w=b"other weights")
    done = ANNA.signing(MemoryStore()).model_signature(other, "model")
    assert done is not None
    bundle = ANNA.signer.sign(done.statement)
    refer(store, model.descriptor, MEDIA_TYPE, (bundle.raw, MEDIA_TYPE))
    assert why(store) == ["is about other files: 'w' differ"]


@pytest.mark.parametrize("signers", [1, 2])
def test_many_signers_live_side_by_side(
    store: MemoryStore, model: Document, signers: int
) -> None:
    for person in (ANNA, BEN):
        person.signing(store).signature(model)
    both = AnyOf((ANNA.verifier, BEN.verifier))
    wanted = Wanted(signers=signers)
    assert len(verify(store, "1", both, wanted).signers) == 2
    with pytest.raises(NotVerified, match="only 2 of 3 signers"):
        verify(store, "1", both, Wanted(signers=3))


def test_one_signer_twice_is_one_signer(store: MemoryStore, model: Document) -> None:
    ANNA.signing(store).signature(model)
    ANNA.signing(store).signature(model, {"a": "b"})
    with pytest.raises(NotVerified, match="only 1 of 2 signers"):
        check(store, signers=2)


def test_every_type_asked_for_has_to_be_there(
    store: MemoryStore, model: Document
) -> None:
    ANNA.signing(store).signature(model)
    with pytest.raises(NotVerified, match=r"slsa\.dev/provenance/v1"):
        check(store, SIGNATURE, PROVENANCE)


def test_a_signature_of_another_artifact_is_refused(
    store: MemoryStore, model: Document
) -> None:
    other = put_model(store, tag="other", w=b"other weights")
    bundle = signed_bundle(ANNA, other)
    refer(store, model.descriptor, MEDIA_TYPE, (bundle, MEDIA_TYPE))
    assert why(store) == [f"is not about {model.descriptor.digest}"]


BROKEN: dict[str, tuple[tuple[bytes, str], ...]] = {
    "not JSON": ((b"nonsense", MEDIA_TYPE),),
    "empty": ((b"", MEDIA_TYPE),),
    "no layer": (),
    "two layers": ((b"{}", MEDIA_TYPE), (b"{ }", MEDIA_TYPE)),
    "another type": ((b"{}", "text/plain"),),
    "duplicate keys": ((b'{"mediaType":"a","mediaType":"b"}', MEDIA_TYPE),),
    "8 MiB": ((b" " * (8 << 20), MEDIA_TYPE),),
}


@pytest.mark.parametrize("layers", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_bundle_beside_a_good_one_does_no_harm(
    store: MemoryStore, model: Document, layers: Sequence[tuple[bytes, str]]
) -> None:
    refer(store, model.descriptor, MEDIA_TYPE, *layers)
    assert len(why(store)) == 1
    ANNA.signing(store).signature(model)
    found = check(store)
    assert len(found.counted) == 1
    assert len(found.evidence.set_aside) == 1


def test_other_referrers_are_not_worth_a_word(
    store: MemoryStore, model: Document
) -> None:
    refer(store, model.descriptor, "application/spdx+json", (b"{}", "text/plain"))
    assert why(store) == []


@dataclass(slots=True)
class Lying(MemoryStore):
    """A registry whose list of referrers is what a test makes of it."""

    listed: Sequence[Descriptor] | None = None

    def referrers(
        self, subject: Digest, artifact_type: str = ""
    ) -> Sequence[Descriptor]:
        if self.listed is not None:
            return self.listed
        # Two-argument form: a dataclass with slots is not the class that was written.
        return MemoryStore.referrers(self, subject, artifact_type)


@pytest.fixture
def lying() -> tuple[Lying, Document, Descriptor]:
    store = Lying()
    model = put_model(store, w=b"weights")
    done = ANNA.signing(store).signature(model)
    assert done.referrer is not None
    return store, model, store.referrers(model.descriptor.digest)[0]


def test_a_list_that_hides_the_signature_refuses(
    lying: tuple[Lying, Document, Descriptor],
) -> None:
    store, _, _ = lying
    store.listed = []
    assert why(store) == []


def test_a_list_that_lies_about_the_type_hides_nothing(
    lying: tuple[Lying, Document, Descriptor],
) -> None:
    store, _, entry = lying
    for kind in ("", "application/spdx+json"):
        store.listed = [replace(entry, artifact_type=kind)]
        assert len(check(store).counted) == 1


def test_a_list_that_calls_something_else_a_bundle_is_seen_through(
    lying: tuple[Lying, Document, Descriptor],
) -> None:
    store, model, _ = lying
    store.listed = [replace(model.descriptor, artifact_type=MEDIA_TYPE)]
    assert why(store) == ["is listed as a bundle, and is none"]


def test_a_list_that_lies_about_the_size_is_set_aside(
    lying: tuple[Lying, Document, Descriptor],
) -> None:
    store, _, entry = lying
    store.listed = [replace(entry, size=entry.size + 1)]
    assert "is listed with" in why(store)[0]


def test_a_list_with_a_digest_that_is_not_there_is_set_aside(
    lying: tuple[Lying, Document, Descriptor],
) -> None:
    store, _, entry = lying
    store.listed = [replace(entry, digest=Digest.of(b"absent")), entry]
    assert len(check(store).evidence.set_aside) == 1


def test_a_referrer_of_another_artifact_is_set_aside(
    lying: tuple[Lying, Document, Descriptor],
) -> None:
    store, _, _ = lying
    other = put_model(store, tag="other", w=b"other weights")
    done = ANNA.signing(store).signature(other)
    assert done.referrer is not None
    store.listed = [done.referrer]
    assert why(store) == ["refers to another artifact"]


@pytest.mark.parametrize("added", [".git/config", ".github/workflows/x.yml"])
def test_what_a_model_signature_leaves_out_cannot_be_slipped_in(
    store: MemoryStore, added: str
) -> None:
    signed = put_files(store, {"w": b"weights", ".gitattributes": b"*"})
    done = ANNA.signing(store).model_signature(signed, "model")
    assert done is not None
    assert check(store, MODEL_SIGNATURE).counted
    more = put_files(store, {"w": b"weights", added: b"[core]"})
    bundle = ANNA.signer.sign(done.statement)
    refer(store, more.descriptor, MEDIA_TYPE, (bundle.raw, MEDIA_TYPE))
    with pytest.raises(NotVerified) as caught:
        check(store, MODEL_SIGNATURE)
    assert added in caught.value.hint
    assert ANNA.signing(store).model_signature(more, "model") is None


def test_a_model_signature_of_no_file_is_none(store: MemoryStore) -> None:
    bare = put_files(store, {".gitattributes": b"*"})
    bundle = ANNA.signer.sign(ModelFiles.of({}).statement("model"))
    refer(store, bare.descriptor, MEDIA_TYPE, (bundle.raw, MEDIA_TYPE))
    with pytest.raises(NotVerified) as caught:
        check(store, MODEL_SIGNATURE)
    assert "lists no file" in caught.value.hint


def test_a_model_signature_has_no_annotations(
    store: MemoryStore, model: Document
) -> None:
    ANNA.signing(store).model_signature(model, "model")
    wanted = Wanted(types=(MODEL_SIGNATURE,), annotations={"a": "b"})
    with pytest.raises(NotVerified, match="with the annotations"):
        verify(store, "1", ANNA.verifier, wanted)


def test_more_than_1000_referrers_are_refused(
    lying: tuple[Lying, Document, Descriptor],
) -> None:
    store, _, entry = lying
    store.listed = [entry] * 1001
    with pytest.raises(Unjudgeable, match="1001 referrers"):
        check(store)


def test_more_than_64_mib_are_refused_also_beside_a_good_one(
    store: MemoryStore, model: Document
) -> None:
    ANNA.signing(store).signature(model)
    each = 7 << 20
    for number in range(MAX_TOTAL // each + 1):
        filling = bytes([number]) * each
        refer(store, model.descriptor, MEDIA_TYPE, (filling, MEDIA_TYPE))
    with pytest.raises(Unjudgeable, match="more than 64 MiB"):
        check(store)


def test_a_list_that_lies_about_sizes_is_charged_what_was_read(
    lying: tuple[Lying, Document, Descriptor],
) -> None:
    store, _, _ = lying
    empty = Descriptor.of(b"{}", EMPTY_JSON)
    store.put_blob(empty, blocks_of(b"{}"))
    store.listed = []
    for number in range(MAX_TOTAL // (3 << 20) + 1):
        filling = {"x": f"{number}" + "x" * (3 << 20)}
        big = Manifest.build(
            artifact_type="x/y", config=empty, layers=(empty,), annotations=filling
        ).document
        store.put_manifest(big)
        store.listed += [replace(big.descriptor, size=0)]
    with pytest.raises(Unjudgeable, match="more than 64 MiB"):
        check(store)


class _Down(MemoryStore):
    """A registry that fails when the referrers are asked for."""

    def referrers(
        self, subject: Digest, artifact_type: str = ""
    ) -> Sequence[Descriptor]:
        raise RegistryError(f"500 for {subject} {artifact_type}", status=500)


def test_a_registry_that_fails_is_not_a_missing_signature() -> None:
    store = _Down()
    put_model(store, w=b"weights")
    with pytest.raises(RegistryError, match="500"):
        check(store)


def test_older_forms_are_read_as_well(store: MemoryStore, model: Document) -> None:
    digest = model.descriptor.digest
    ANNA.signing(store, older=True).signature(model)
    for referrer in store.referrers(digest):
        store.delete(referrer.digest)
    (only,) = check(store).counted
    assert only.name == f"sha256-{digest.hex}.sig[0]"
    assert why_of(store, BEN) == [
        f"the signature was not made with key sha256:{BEN.key.public.fingerprint}"
    ]


def why_of(store: MemoryStore, person: Person) -> list[str]:
    with pytest.raises(NotVerified) as caught:
        check(store, person=person)
    return [aside.reason for aside in caught.value.evidence.set_aside]


def test_an_older_signature_moved_to_another_artifact_is_refused(
    store: MemoryStore, model: Document
) -> None:
    other = put_model(store, tag="other", w=b"other weights")
    ANNA.signing(store, older=True).signature(other)
    image = store.get_manifest(f"sha256-{other.descriptor.digest.hex}.sig")
    store.put_manifest(image, f"sha256-{model.descriptor.digest.hex}.sig")
    assert why(store) == [f"is not about {model.descriptor.digest}"]


def test_an_older_signature_beside_a_broken_certificate_is_named_as_such(
    store: MemoryStore, model: Document
) -> None:
    ANNA.signing(store, older=True).signature(model)
    tag = f"sha256-{model.descriptor.digest.hex}.sig"
    document = json.loads(store.get_manifest(tag).raw)
    document["layers"][0]["annotations"]["dev.sigstore.cosign/certificate"] = "PEM"
    raw = json.dumps(document).encode()
    store.put_manifest(Document(raw, document["mediaType"]), tag)
    for referrer in store.referrers(model.descriptor.digest):
        store.delete(referrer.digest)
    assert why(store) == ["dev.sigstore.cosign/certificate: not one certificate"]


def test_a_tag_that_moves_changes_nothing(store: MemoryStore, model: Document) -> None:
    other = put_model(store, tag="other", w=b"other weights")
    signing = ANNA.signing(store)
    artifact = store.get_manifest("1")
    store.put_manifest(other, "1")
    signing.signature(artifact)
    with pytest.raises(NotVerified):
        check(store)
    store.put_manifest(model, "1")
    assert check(store).descriptor.digest == model.descriptor.digest


def test_model_signatures_are_found_beside_others_and_told_apart(
    store: MemoryStore, model: Document
) -> None:
    assert model_signatures(store, "1") == []
    for person in (ANNA, BEN):
        person.signing(store).signature(model)
        person.signing(store).model_signature(model, "model")
    assert len(model_signatures(store, "1")) == 2
    (hers,) = model_signatures(store, "1", ANNA.verifier)
    assert hers.hint == ANNA.key.public.oms_hint
    other = put_model(store, tag="other", w=b"other weights")
    refer(store, other.descriptor, MEDIA_TYPE, (hers.raw, MEDIA_TYPE))
    assert model_signatures(store, "other") == []


def test_1000_bundles_of_one_digest_are_all_judged(
    store: MemoryStore, model: Document
) -> None:
    signing = replace(ANNA.signing(store), own=None)
    for number in range(1000):
        signing.signature(model, {"n": str(number)})
    assert len(check(store).counted) == 1000


def test_a_refusal_says_what_was_set_aside(store: MemoryStore, model: Document) -> None:
    for _ in range(7):
        Person.new().signing(store).signature(model)
    with pytest.raises(VerificationError) as caught:
        check(store)
    assert caught.value.hint.count("sha256:") >= 5
    assert "and 2 more" in caught.value.hint


@pytest.mark.parametrize(("types", "signers"), [((SIGNATURE,), 0), ((), 1), ((), -1)])
def test_nothing_asked_for_is_not_found_in_everything(
    types: tuple[str, ...], signers: int
) -> None:
    with pytest.raises(InvalidInput, match="at least one"):
        Wanted(types=types, signers=signers)
