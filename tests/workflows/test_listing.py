"""A registry can list whatever it likes as referrers: nothing follows it for ever."""

from collections.abc import Callable, Sequence

import pytest

from modelpack.attestation.evidence import Unjudgeable
from modelpack.errors import UnusableArtifact
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import MANIFEST, Manifest
from modelpack.oci.memory import MemoryStore
from modelpack.oci.store import blocks_of
from modelpack.workflows.gather import MAX_TOTAL
from modelpack.workflows.listing import Branch, Tree

EMPTY = Descriptor.of(b"{}", "application/vnd.oci.empty.v1+json")


def tree(store: MemoryStore, selector: str) -> Branch:
    return Tree(store, lambda _: "nobody").grow(selector)


def named(number: int) -> Descriptor:
    return Descriptor.of(str(number).encode(), MANIFEST)


class Lying(MemoryStore):
    """Lists what ``script`` says."""

    script: Callable[[Digest], Sequence[Descriptor]]

    def referrers(
        self, subject: Digest, artifact_type: str = ""
    ) -> Sequence[Descriptor]:
        del artifact_type
        return self.script(subject)


def lying(script: Callable[[Digest], Sequence[Descriptor]]) -> Lying:
    store = Lying()
    store.script = script
    store.put_blob(EMPTY, blocks_of(b"{}"))
    root = Manifest.build(artifact_type="x/y", config=EMPTY, layers=(EMPTY,))
    store.put_manifest(root.document, "v1")
    return store


def test_a_loop_of_referrers_is_refused() -> None:
    one, two = named(1), named(2)
    store = lying(lambda subject: [one] if subject != one.digest else [two])
    with pytest.raises(UnusableArtifact, match="listed twice"):
        tree(store, "v1")


def test_a_chain_without_end_is_refused() -> None:
    counted = iter(range(10_000))
    with pytest.raises(UnusableArtifact, match="levels"):
        tree(lying(lambda _: [named(next(counted))]), "v1")


def test_a_list_without_end_is_refused() -> None:
    many = [named(number) for number in range(2_000)]
    store = lying(
        lambda subject: [] if subject in {d.digest for d in many[:1]} else many
    )
    with pytest.raises(UnusableArtifact, match=r"listed twice|more than"):
        tree(store, "v1")


def test_referrers_are_shown_with_theirs() -> None:
    one, two = named(1), named(2)
    root = lying(lambda _: []).get_manifest("v1").descriptor.digest
    store = lying(lambda s: {root: [one], one.digest: [two]}.get(s, []))
    grown = tree(store, "v1")
    assert [b.descriptor for b in grown.referrers] == [one]
    assert [b.descriptor for b in grown.referrers[0].referrers] == [two]


def test_one_budget_holds_for_the_whole_tree() -> None:
    """Each referrer has a large one of its own: together they are too much."""
    store = lying(lambda _: [])
    root = store.get_manifest("v1").descriptor
    listed: dict[Digest, list[Descriptor]] = {root.digest: []}
    for number in range(MAX_TOTAL // (3 << 20) + 1):
        first = named(number)
        filling = {"x": f"{number}" + "x" * (3 << 20)}
        large = Manifest.build(
            artifact_type="x/y", config=EMPTY, layers=(EMPTY,), annotations=filling
        ).document
        store.put_manifest(large)
        listed[root.digest].append(first)
        listed[first.digest] = [large.descriptor]
    store.script = lambda subject: listed.get(subject, [])
    with pytest.raises(Unjudgeable, match="more than 64 MiB"):
        tree(store, "v1")
