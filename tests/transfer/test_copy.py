from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from modelpack.disk.layout.directory import LayoutStore
from modelpack.errors import ContentError, NotFound
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Document, Index, Manifest
from modelpack.oci.memory import MemoryBody, MemoryStore
from modelpack.oci.reference import Repository
from modelpack.oci.store import Source, Store, read_whole
from modelpack.registry.connections import Connecting
from modelpack.registry.credentials import Login
from modelpack.registry.http import Http
from modelpack.registry.store import RegistryStore
from modelpack.serve.registry import RegistryServer
from modelpack.transfer.copy import Copy, stored_blocks
from modelpack.transfer.progress import Done, Event
from tests.stores.contract import KIND, push_blob
from tests.transfer.making import MIB, crew, noise, patience, sender, sending

CONTENTS = [b"", b"small", noise(2 * MIB + 1), noise(3 * MIB, 2)]
KINDS = ("memory", "layout", "registry")

Make = Callable[[str, str], Store]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def open_store(kind: str, name: str) -> Store:
            if kind == "memory":
                return MemoryStore()
            if kind == "layout":
                return LayoutStore(tmp_path / name)
            server = stack.enter_context(RegistryServer(tmp_path / name))
            place = Repository(server.address, f"team/{name}")
            http = Http(place, Connecting(plain_http=True), Login())
            return RegistryStore(place, http, patience())

        yield open_store


def artifact(store: Store) -> Manifest:
    manifest = Manifest.build(
        artifact_type=KIND,
        config=push_blob(store, b"{}"),
        layers=tuple(push_blob(store, content) for content in (*CONTENTS, b"small")),
    )
    store.put_manifest(manifest.document, "v1")
    return manifest


def copy(source: Source, target: Store, events: list[Event] | None = None) -> Copy:
    heard = events if events is not None else []
    sends = sender(target, sending(chunk=MIB), heard)
    return Copy(source, sends, crew(3))


@pytest.mark.parametrize(("origin", "goal"), [*itertools.product(KINDS, KINDS)])
def test_an_artifact_is_copied_between_any_two_stores(
    make: Make, origin: str, goal: str
) -> None:
    source, target = make(origin, "origin"), make(goal, "goal")
    manifest = artifact(source)
    copy(source, target).artifact(manifest.descriptor, "v2")
    assert target.get_manifest("v2") == manifest.document
    for layer in manifest.layers:
        assert read_whole(target, layer, limit=4 * MIB) == read_whole(
            source, layer, limit=4 * MIB
        )


def test_an_index_is_copied_with_all_that_it_points_to(make: Make) -> None:
    source, target = make("memory", "origin"), make("layout", "goal")
    manifest = artifact(source)
    index = Index.build((manifest.descriptor,))
    source.put_manifest(index.document, "all")
    copy(source, target).artifact(index.document.descriptor, "all")
    assert target.get_manifest("all") == index.document
    assert target.get_manifest(manifest.descriptor.digest) == manifest.document


def test_each_blob_is_sent_once_and_a_second_copy_sends_none() -> None:
    source, target, events = MemoryStore(), MemoryStore(), list[Event]()
    manifest = artifact(source)
    copy(source, target, events).artifact(manifest.descriptor)
    copy(source, target, events).artifact(manifest.descriptor)
    how = [event.how for event in events if isinstance(event, Done)]
    unique = len(CONTENTS) + 1
    assert how == ["moved"] * unique + ["exists"] * unique


class Damaged(MemoryStore):
    """Gives out other bytes than it took."""

    def open(
        self, blob: Descriptor, start: int = 0, end: int | None = None
    ) -> MemoryBody:
        stop = blob.size if end is None else end
        return MemoryBody(b"x" * blob.size, start, stop)


def test_damaged_bytes_are_not_copied_and_no_manifest_appears() -> None:
    source, target = Damaged(), MemoryStore()
    manifest = artifact(source)
    with pytest.raises(ContentError):
        copy(source, target).artifact(manifest.descriptor, "v1")
    assert list(target.tags()) == []
    for layer in manifest.layers:
        if layer.size:
            assert not target.has(layer)


def test_an_artifact_with_a_hole_is_not_copied() -> None:
    source, target = MemoryStore(), MemoryStore()
    with pytest.raises(NotFound):
        copy(source, target).artifact(
            Descriptor(media_type="x/y", digest=Digest.of(b"none"), size=4), "v1"
        )
    assert list(target.tags()) == []


class Whole(MemoryStore):
    """Begins each body at 0, whatever was asked for."""

    def open(
        self, blob: Descriptor, start: int = 0, end: int | None = None
    ) -> MemoryBody:
        del start, end
        return MemoryStore.open(self, blob)


class Short(MemoryStore):
    """Ends each body early, in silence."""

    def open(
        self, blob: Descriptor, start: int = 0, end: int | None = None
    ) -> MemoryBody:
        stop = blob.size if end is None else end
        return MemoryStore.open(self, blob, start, stop - 1)


def test_blocks_of_a_store_are_exactly_those_asked_for() -> None:
    content = CONTENTS[2]
    for store in (MemoryStore(), Whole()):
        blob = push_blob(store, content)
        blocks = stored_blocks(store, blob)
        for start, end in ((0, len(content)), (7, 7), (MIB + 3, 2 * MIB), (5, 6)):
            assert b"".join(map(bytes, blocks(start, end))) == content[start:end]


def test_a_source_that_ends_early_is_noticed() -> None:
    store = Short()
    blob = push_blob(store, CONTENTS[2])
    with pytest.raises(ContentError, match="ends at"):
        for _ in stored_blocks(store, blob)(0, blob.size):
            pass


def test_an_index_that_names_itself_over_and_over_is_walked_once() -> None:
    source = MemoryStore()
    inner = artifact(source).document.descriptor
    for level in range(6):
        index = Index.build((inner,) * 8)
        source.put_manifest(index.document, f"level{level}")
        inner = index.document.descriptor
    asked: list[object] = []

    class Counted(MemoryStore):
        def get_manifest(self, selector: str | Digest) -> Document:
            asked.append(selector)
            return source.get_manifest(selector)

    copied = Counted()
    copied.open = source.open  # type: ignore[method-assign]
    copy(copied, MemoryStore()).artifact(inner, "copied")
    assert len(asked) == 7
