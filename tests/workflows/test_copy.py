"""A copy brings along what is signed, and its tag comes last."""

from collections.abc import Sequence

import pytest

from modelpack.errors import ModelpackError, UnusableArtifact
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Document
from modelpack.oci.memory import MemoryStore
from modelpack.oci.store import Source, Store
from modelpack.transfer.copy import Copy
from modelpack.workflows.attach import legacy_tag
from modelpack.workflows.copy import MAX_DEPTH, Copied, copy
from modelpack.workflows.verify import NotVerified, Wanted, verify
from tests.transfer.making import MIB, crew, sender, sending
from tests.workflows.signing import Person, put_model, refer

ANNA = Person.new()
KIND = "application/x.note"


def carry(source: Source, target: Store, *, referrers: bool = True) -> Copied:
    copying = Copy(source, sender(target, sending(chunk=MIB), []), crew(2))
    return copy("1", copying, tag="1", referrers=referrers)


def test_what_was_signed_is_signed_there() -> None:
    source, target = MemoryStore(), MemoryStore()
    model = put_model(source, w=b"weights")
    ANNA.signing(source, older=True).signature(model)
    copied = carry(source, target)
    assert len(copied.referrers) == 1
    assert copied.tags == (legacy_tag(model.descriptor.digest, "sig"),)
    assert verify(target, "1", ANNA.verifier, Wanted()).counted
    assert (
        target.get_manifest(copied.tags[0]).raw
        == source.get_manifest(copied.tags[0]).raw
    )
    assert carry(source, target) == copied


def test_what_refers_to_a_referrer_comes_along() -> None:
    source, target = MemoryStore(), MemoryStore()
    model = put_model(source, w=b"weights")
    first = refer(source, model.descriptor, KIND, (b"bom", KIND))
    second = refer(source, first.descriptor, KIND, (b"about the bom", KIND))
    assert len(carry(source, target).referrers) == 2
    (there,) = target.referrers(first.descriptor.digest)
    assert there.digest == second.descriptor.digest


def test_signatures_can_be_left_behind() -> None:
    source, target = MemoryStore(), MemoryStore()
    ANNA.signing(source).signature(put_model(source, w=b"weights"))
    assert carry(source, target, referrers=False).referrers == ()
    with pytest.raises(NotVerified):
        verify(target, "1", ANNA.verifier, Wanted())


class Lying(MemoryStore):
    """Lists what it likes."""

    listed: Sequence[Descriptor] = ()

    def referrers(
        self, subject: Digest, artifact_type: str = ""
    ) -> Sequence[Descriptor]:
        del subject, artifact_type
        return self.listed


def test_what_is_no_referrer_is_not_copied_as_one() -> None:
    source, target = Lying(), MemoryStore()
    put_model(source, w=b"weights")
    source.listed = [put_model(source, tag="2", w=b"other").descriptor]
    with pytest.raises(UnusableArtifact, match="is listed as a referrer, and is none"):
        carry(source, target)
    with pytest.raises(ModelpackError):
        target.get_manifest("1")


def test_a_chain_of_referrers_has_an_end() -> None:
    source = MemoryStore()
    last = put_model(source, w=b"weights").descriptor
    for number in range(MAX_DEPTH + 1):
        last = refer(source, last, KIND, (b"%d" % number, KIND)).descriptor
    with pytest.raises(UnusableArtifact, match="levels"):
        carry(source, MemoryStore())


class Failing(MemoryStore):
    """Takes no manifest that refers to another."""

    def put_manifest(self, document: Document, tag: str = "") -> None:
        if b'"subject"' in document.raw:
            raise UnusableArtifact("takes no referrers")
        super().put_manifest(document, tag)


def test_the_tag_moves_only_when_all_is_there() -> None:
    source, target = MemoryStore(), Failing()
    ANNA.signing(source).signature(put_model(source, w=b"weights"))
    with pytest.raises(UnusableArtifact, match="takes no referrers"):
        carry(source, target)
    assert target.tags() == []
