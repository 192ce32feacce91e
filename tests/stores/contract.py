"""What every store promises, as tests that any store can be put under.

A test class in another module inherits from one of these and brings the
fixtures: ``reopen`` opens the same store anew (as another process would),
``store`` is the first opening of it, ``kept`` writes and then reads from a
fresh opening.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from modelpack.errors import ContentError, InvalidInput, NotFound, RegistryError
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import EMPTY_JSON, Document, Index, Manifest, parse_any
from modelpack.oci.store import Source, Store, blocks_of, read_whole

OCTETS = "application/octet-stream"
KIND = "application/vnd.example.kind"

Reopen = Callable[[], Store]
Kept = Callable[[Callable[[Store], object]], Source]


def push_blob(store: Store, content: bytes, media_type: str = OCTETS) -> Descriptor:
    blob = Descriptor.of(content, media_type)
    if not store.has(blob):
        store.put_blob(blob, blocks_of(content))
    return blob


def push(
    store: Store,
    content: bytes,
    tag: str = "",
    *,
    kind: str = KIND,
    subject: Descriptor | None = None,
) -> Manifest:
    """Push an artifact of one layer."""
    manifest = Manifest.build(
        artifact_type=kind,
        config=push_blob(store, b"{}", EMPTY_JSON),
        layers=(push_blob(store, content),),
        subject=subject,
        annotations={"note": "as the manifest says"},
    )
    store.put_manifest(manifest.document, tag)
    return manifest


def read_range(source: Source, blob: Descriptor, start: int, end: int | None) -> bytes:
    """Read with a buffer that fits badly, and from where the store began."""
    content = bytearray()
    buffer = memoryview(bytearray(1000))
    with source.open(blob, start, end) as body:
        assert body.start in (0, start)
        while count := body.read_into(buffer):
            content += buffer[:count]
        stop = len(content) if end is None else end - body.start
        return bytes(content[start - body.start : stop])


class SourceContract:
    """What can be read from a store after something else wrote to it."""

    def test_a_manifest_is_found_by_tag_and_by_digest(self, kept: Kept) -> None:
        pushed: list[Manifest] = []
        source = kept(lambda store: pushed.append(push(store, b"weights", "v1")))
        wanted = pushed[0].document
        assert source.get_manifest("v1") == wanted
        assert source.get_manifest(wanted.descriptor.digest) == wanted

    def test_a_manifest_keeps_its_very_bytes(self, kept: Kept) -> None:
        config = Descriptor.of(b"{}", EMPTY_JSON)
        spaced = Manifest.build(artifact_type=KIND, config=config, layers=()).raw
        spaced = spaced.replace(b",", b" ,\n\t")

        def write(store: Store) -> None:
            push_blob(store, b"{}", EMPTY_JSON)
            store.put_manifest(Document(spaced, Manifest.parse(spaced).media_type), "v")

        assert kept(write).get_manifest("v").raw == spaced

    @pytest.mark.parametrize(
        ("start", "end"),
        [
            (0, None),
            (0, 5000),
            (0, 1),
            (4999, None),
            (4999, 5000),
            (1, 4000),
            (999, 2001),
        ],
    )
    def test_a_blob_is_read_from_any_byte_to_any_other(
        self, kept: Kept, start: int, end: int | None
    ) -> None:
        content = os.urandom(5000)
        source = kept(lambda store: push(store, content, "v"))
        blob = Descriptor.of(content, OCTETS)
        assert read_range(source, blob, start, end) == content[start:end]

    def test_an_empty_blob_is_a_blob(self, kept: Kept) -> None:
        source = kept(lambda store: push(store, b"", "v"))
        assert read_whole(source, Descriptor.of(b"", OCTETS), limit=0) == b""

    def test_a_blob_larger_than_every_buffer(self, kept: Kept) -> None:
        content = os.urandom((5 << 20) + 3)
        source = kept(lambda store: push(store, content, "v"))
        blob = Descriptor.of(content, OCTETS)
        assert read_whole(source, blob, limit=blob.size) == content

    def test_tags_are_sorted_and_complete(self, kept: Kept) -> None:
        def write(store: Store) -> None:
            for tag in ("v2", "latest", "v10", "V1", "_x"):
                push(store, tag.encode(), tag)
            push(store, b"untagged")

        assert list(kept(write).tags()) == ["V1", "_x", "latest", "v10", "v2"]

    def test_referrers_are_listed_and_filtered(self, kept: Kept) -> None:
        pushed: list[Manifest] = []

        def write(store: Store) -> None:
            subject = push(store, b"weights", "v1")
            pushed.append(subject)
            for kind in ("application/a", "application/b"):
                to = subject.descriptor
                pushed.append(push(store, kind.encode(), kind=kind, subject=to))
            other = push(store, b"other")
            push(store, b"to another", subject=other.descriptor)

        source = kept(write)
        subject, first, second = (manifest.descriptor for manifest in pushed)
        found = {found.digest: found for found in source.referrers(subject.digest)}
        assert set(found) == {first.digest, second.digest}
        assert found[first.digest].artifact_type == "application/a"
        assert found[first.digest].size == first.size
        assert found[first.digest].annotations == {"note": "as the manifest says"}
        (only,) = source.referrers(subject.digest, "application/b")
        assert only.digest == second.digest
        assert not source.referrers(subject.digest, "application/c")
        assert not source.referrers(first.digest)

    def test_a_referrer_may_come_before_its_subject(self, kept: Kept) -> None:
        absent = Descriptor.of(b"not pushed", KIND)
        source = kept(lambda store: push(store, b"sig", subject=absent))
        assert len(source.referrers(absent.digest)) == 1

    def test_an_index_and_its_children(self, kept: Kept) -> None:
        made: list[Index] = []

        def write(store: Store) -> None:
            children = tuple(push(store, c).descriptor for c in (b"one", b"two"))
            made.append(Index.build(children))
            store.put_manifest(made[0].document, "both")

        source = kept(write)
        found = parse_any(source.get_manifest("both"))
        assert found == made[0]
        for child in found.children():
            assert source.get_manifest(child.digest).descriptor.digest == child.digest

    def test_what_is_not_there_is_not_found(self, kept: Kept) -> None:
        source = kept(lambda store: push(store, b"weights", "v1"))
        absent = Descriptor.of(b"absent", OCTETS)
        with pytest.raises(NotFound):
            source.get_manifest("v2")
        with pytest.raises(NotFound):
            source.get_manifest(absent.digest)
        with pytest.raises(NotFound):
            source.open(absent)
        assert not source.referrers(absent.digest)


class StoreContract:
    """What a store does while it is written to."""

    def test_what_was_put_is_there(self, store: Store) -> None:
        blob = Descriptor.of(b"content", OCTETS)
        assert not store.has(blob)
        store.put_blob(blob, blocks_of(b"content"))
        assert store.has(blob)
        assert read_whole(store, blob, limit=100) == b"content"
        store.put_blob(blob, blocks_of(b"content"))
        assert store.has(blob)

    def test_a_blob_of_another_size_is_another_blob(self, store: Store) -> None:
        blob = push_blob(store, b"content")
        wrong = Descriptor(media_type=OCTETS, digest=blob.digest, size=blob.size + 1)
        assert not store.has(wrong)

    def test_an_upload_in_chunks(self, store: Store) -> None:
        content = os.urandom(3_000_000)
        upload = store.begin()
        assert upload.offset == 0
        for size in (1_000_000, 1_999_999, 1):
            upload.append(blocks_of(content), size)
        assert upload.offset == len(content)
        upload.commit(Digest.of(content))
        blob = Descriptor.of(content, OCTETS)
        assert read_whole(store, blob, limit=blob.size) == content

    def test_an_upload_goes_on_where_it_was_left(
        self, store: Store, reopen: Reopen
    ) -> None:
        content = os.urandom(2_000_000)
        upload = store.begin()
        upload.append(blocks_of(content), 1_500_000)
        session = upload.session
        del upload
        again = reopen().begin(session)
        assert again.sync() == 1_500_000
        again.append(blocks_of(content), 500_000)
        again.commit(Digest.of(content))
        assert store.has(Descriptor.of(content, OCTETS))

    def test_an_upload_of_other_bytes_is_refused(self, store: Store) -> None:
        promised = Descriptor.of(b"promised", OCTETS)
        upload = store.begin()
        upload.append(blocks_of(b"received"), 8)
        with pytest.raises(ContentError):
            upload.commit(promised.digest)
        assert not store.has(promised)
        assert not store.has(Descriptor.of(b"received", OCTETS))
        with pytest.raises(NotFound):
            store.open(promised)

    def test_a_blob_of_other_bytes_is_refused(self, store: Store) -> None:
        promised = Descriptor.of(b"promised", OCTETS)
        with pytest.raises(ContentError):
            store.put_blob(promised, blocks_of(b"received"))
        assert not store.has(promised)

    def test_resumed_bytes_are_checked_too(self, store: Store, reopen: Reopen) -> None:
        promised = Descriptor.of(b"promised", OCTETS)
        upload = store.begin()
        upload.append(blocks_of(b"other"), 5)
        again = reopen().begin(upload.session)
        again.append(blocks_of(b"promised"), 3)
        with pytest.raises(ContentError):
            again.commit(promised.digest)
        assert not store.has(promised)

    def test_a_cancelled_upload_is_forgotten(self, store: Store) -> None:
        upload = store.begin()
        upload.append(blocks_of(b"some"), 4)
        session = upload.session
        upload.cancel()
        upload.cancel()
        with pytest.raises(NotFound):
            store.begin(session)

    def test_a_manifest_before_its_children_is_refused(self, store: Store) -> None:
        manifest = Manifest.build(
            artifact_type=KIND,
            config=push_blob(store, b"{}", EMPTY_JSON),
            layers=(Descriptor.of(b"never pushed", OCTETS),),
        )
        with pytest.raises((InvalidInput, RegistryError)):
            store.put_manifest(manifest.document, "v1")
        assert not store.tags()
        with pytest.raises(NotFound):
            store.get_manifest("v1")

    def test_a_tag_moves(self, store: Store) -> None:
        first = push(store, b"first", "v1")
        second = push(store, b"second", "v1")
        assert store.get_manifest("v1").raw == second.raw
        assert store.get_manifest(first.descriptor.digest).raw == first.raw
        assert list(store.tags()) == ["v1"]

    def test_a_manifest_may_have_many_tags(self, store: Store) -> None:
        manifest = push(store, b"weights", "v1")
        store.put_manifest(manifest.document, "latest")
        store.put_manifest(manifest.document)
        assert list(store.tags()) == ["latest", "v1"]

    def test_a_deleted_tag_leaves_the_manifest(self, store: Store) -> None:
        manifest = push(store, b"weights", "v1")
        store.delete("v1")
        assert not store.tags()
        with pytest.raises(NotFound):
            store.get_manifest("v1")
        digest = manifest.descriptor.digest
        assert store.get_manifest(digest).raw == manifest.raw

    def test_a_deleted_manifest_takes_its_tags_along(self, store: Store) -> None:
        gone = push(store, b"gone", "v1")
        stays = push(store, b"stays", "v2", subject=gone.descriptor)
        store.put_manifest(gone.document, "latest")
        store.delete(gone.descriptor.digest)
        assert list(store.tags()) == ["v2"]
        with pytest.raises(NotFound):
            store.get_manifest(gone.descriptor.digest)
        assert store.get_manifest("v2").raw == stays.raw

    def test_a_deleted_referrer_is_not_listed(self, store: Store) -> None:
        subject = push(store, b"weights", "v1").descriptor
        referrer = push(store, b"sig", subject=subject)
        assert store.referrers(subject.digest)
        store.delete(referrer.descriptor.digest)
        assert not store.referrers(subject.digest)

    def test_nothing_can_be_deleted_twice(self, store: Store) -> None:
        manifest = push(store, b"weights", "v1")
        store.delete("v1")
        with pytest.raises(NotFound):
            store.delete("v1")
        store.delete(manifest.descriptor.digest)
        with pytest.raises(NotFound):
            store.delete(manifest.descriptor.digest)

    def test_a_new_store_is_empty(self, store: Store) -> None:
        assert not store.has(Descriptor.of(b"", OCTETS))
        with pytest.raises(NotFound):
            store.get_manifest("latest")
        with pytest.raises(NotFound):
            store.delete("latest")

    def test_threads_push_at_once(self, store: Store) -> None:
        contents = [os.urandom(200_000 + n) for n in range(24)]
        # docker-registry 2.8 reads its own half-written link where two threads
        # send it the same blob, and calls a manifest that names it invalid.
        push_blob(store, b"{}", EMPTY_JSON)

        def one(number: int) -> None:
            content = contents[number]
            upload = store.begin()
            while upload.offset < len(content):
                rest = len(content) - upload.offset
                upload.append(blocks_of(content), min(70_000, rest))
            upload.commit(Digest.of(content))
            push(store, content, f"v{number:02}")

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(one, range(len(contents))))
        assert list(store.tags()) == [f"v{n:02}" for n in range(len(contents))]
        for number, content in enumerate(contents):
            manifest = parse_any(store.get_manifest(f"v{number:02}"))
            assert isinstance(manifest, Manifest)
            blob = manifest.layers[0]
            assert read_whole(store, blob, limit=blob.size) == content
