"""Image layouts on the disk: what others write, and what nobody should."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.disk.layout.directory import LayoutStore
from modelpack.disk.layout.entries import REF_NAME, Entries
from modelpack.errors import (
    ContentError,
    InvalidInput,
    LocalError,
    NotFound,
    RegistryError,
)
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import (
    EMPTY_JSON,
    INDEX,
    MANIFEST,
    MAX_BYTES,
    Index,
    Manifest,
    compact,
)
from modelpack.oci.store import blocks_of, read_whole
from tests.oci.strategies import descriptors, tags
from tests.stores.contract import KIND, OCTETS, push, push_blob

Json = dict[str, object]


def layout_of(root: Path, *documents: bytes, index: Json | None = None) -> LayoutStore:
    """Write a layout as another program would: each document is an entry."""
    blobs = root / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for document in documents:
        (blobs / Digest.of(document).hex).write_bytes(document)
    (root / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    entries = [dict(Descriptor.of(d, MANIFEST).document()) for d in documents]
    written = index or {"schemaVersion": 2, "manifests": entries}
    (root / "index.json").write_text(json.dumps(written, indent=2))
    return LayoutStore(root)


def manifest(note: str = "", subject: Descriptor | None = None) -> Manifest:
    return Manifest.build(
        artifact_type=KIND,
        config=Descriptor.of(b"{}", EMPTY_JSON),
        layers=(),
        subject=subject,
        annotations={"note": note},
    )


def blob_path(root: Path, digest: Digest) -> Path:
    return root / "blobs" / digest.algorithm / digest.hex


def test_reading_makes_nothing(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path / "absent")
    blob = Descriptor.of(b"x", OCTETS)
    assert not store.has(blob)
    assert not store.tags()
    assert not store.referrers(blob.digest)
    for absent in ("v1", blob.digest):
        with pytest.raises(NotFound):
            store.get_manifest(absent)
        with pytest.raises(NotFound):
            store.delete(absent)
    with pytest.raises(NotFound):
        store.begin("../../etc/passwd")
    assert not (tmp_path / "absent").exists()


def test_after_a_push_only_the_layout_is_there(tmp_path: Path) -> None:
    push(LayoutStore(tmp_path), b"weights", "v1")
    assert {p.name for p in tmp_path.iterdir()} == {"blobs", "index.json", "oci-layout"}


def test_uploads_are_private_while_they_last(tmp_path: Path) -> None:
    upload = LayoutStore(tmp_path).begin()
    assert (tmp_path / ".uploads").stat().st_mode & 0o777 == 0o700
    upload.cancel()
    assert not (tmp_path / ".uploads").exists()


def test_a_directory_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InvalidInput, match="not an image layout, and not empty"):
        LayoutStore(tmp_path).begin()
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("oci-layout", b'{"imageLayoutVersion": "2.0.0"}', id="version"),
        pytest.param("oci-layout", b"{}", id="no version"),
        pytest.param("oci-layout", b"", id="empty mark"),
        pytest.param("index.json", b"", id="empty index"),
        pytest.param("index.json", b"{}", id="index without schema"),
        pytest.param("index.json", b" " * (MAX_BYTES + 1), id="too large"),
        pytest.param(
            "index.json",
            b'{"schemaVersion": 2, "manifests": [], "manifests": []}',
            id="duplicate keys",
        ),
        pytest.param(
            "index.json",
            compact(
                {
                    "schemaVersion": 2,
                    "manifests": [
                        {
                            "mediaType": MANIFEST,
                            "digest": "sha256:../../../../etc/passwd",
                            "size": 1,
                        }
                    ],
                }
            ),
            id="a digest that is a path",
        ),
    ],
)
def test_a_hostile_layout_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    layout_of(tmp_path, manifest().raw)
    (tmp_path / name).write_bytes(content)
    store = LayoutStore(tmp_path)
    with pytest.raises(InvalidInput, match=name):
        store.get_manifest("v1")
    with pytest.raises(InvalidInput, match=name):
        store.put_manifest(Index.build(()).document)


def test_an_index_without_a_mark_is_no_layout(tmp_path: Path) -> None:
    layout_of(tmp_path, manifest().raw)
    (tmp_path / "oci-layout").unlink()
    with pytest.raises(InvalidInput, match="no image layout"):
        LayoutStore(tmp_path).tags()


def _link_to_file(path: Path, elsewhere: Path) -> None:
    path.unlink()
    path.symlink_to(elsewhere)


def _pipe(path: Path, _elsewhere: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _folder(path: Path, _elsewhere: Path) -> None:
    path.unlink()
    path.mkdir()


def _linked_parent(path: Path, elsewhere: Path) -> None:
    path.parent.rename(elsewhere.parent / "moved")
    path.parent.symlink_to(elsewhere.parent / "moved")


@pytest.mark.parametrize("spoil", [_link_to_file, _pipe, _folder, _linked_parent])
def test_what_is_no_file_of_the_layout_is_not_read(
    tmp_path: Path, spoil: Callable[[Path, Path], None]
) -> None:
    store = LayoutStore(tmp_path / "layout")
    blob = push_blob(store, b"secret")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"secret")
    spoil(blob_path(tmp_path / "layout", blob.digest), elsewhere)
    with pytest.raises(InvalidInput, match=r"link|special|regular"):
        store.open(blob)


def test_a_linked_folder_of_blobs_is_not_written_to(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path / "layout")
    store.begin().cancel()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "layout" / "blobs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises((InvalidInput, LocalError)):
        push_blob(store, b"content")
    assert not list((tmp_path / "elsewhere").rglob("*/*"))


def test_a_changed_manifest_is_a_content_error(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path)
    made = push(store, b"weights", "v1")
    path = blob_path(tmp_path, made.descriptor.digest)
    path.write_bytes(path.read_bytes().replace(b"manifest says", b"mAnifest says"))
    for selector in ("v1", made.descriptor.digest):
        with pytest.raises(ContentError):
            store.get_manifest(selector)


def test_a_blob_of_another_size_is_a_content_error(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path)
    blob = push_blob(store, b"content")
    blob_path(tmp_path, blob.digest).write_bytes(b"short")
    with pytest.raises(ContentError, match="5 bytes, 7 were promised"):
        store.open(blob)


def test_a_blob_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path)
    blob = push_blob(store, b"x" * 1000)
    with store.open(blob) as body:
        os.truncate(blob_path(tmp_path, blob.digest), 10)
        with pytest.raises(RegistryError, match="ended at byte 10"):
            body.read_into(memoryview(bytearray(1000)))


def test_what_another_program_wrote_is_kept(tmp_path: Path) -> None:
    document = manifest("theirs").raw
    entry: Json = {
        **Descriptor.of(document, MANIFEST).document(),
        "platform": {"os": "linux", "architecture": "amd64"},
        "annotations": {REF_NAME: "theirs", "com.example": "kept"},
        "x-future": [1, {"a": None}],
    }
    index: Json = {"schemaVersion": 2, "annotations": {"a": "b"}, "manifests": [entry]}
    store = layout_of(tmp_path, document, index=index)
    push(store, b"weights", "ours")
    written = json.loads((tmp_path / "index.json").read_bytes())
    assert written["annotations"] == {"a": "b"}
    assert written["manifests"][0] == entry
    store.delete("theirs")
    written = json.loads((tmp_path / "index.json").read_bytes())
    assert written["manifests"][0] == {**entry, "annotations": {"com.example": "kept"}}


def test_a_sole_image_without_a_name_is_the_latest(tmp_path: Path) -> None:
    """As crane and skopeo write it."""
    store = layout_of(tmp_path, manifest().raw)
    assert not store.tags()
    assert store.get_manifest("latest").raw == manifest().raw
    with pytest.raises(NotFound):
        store.get_manifest("v1")


def test_of_two_images_without_a_name_none_is_the_latest(tmp_path: Path) -> None:
    store = layout_of(tmp_path, manifest("a").raw, manifest("b").raw)
    with pytest.raises(NotFound):
        store.get_manifest("latest")


def test_a_manifest_within_nested_indexes_is_found(tmp_path: Path) -> None:
    inner = manifest("inner")
    middle = Index.build((inner.descriptor,))
    outer = Index.build((middle.document.descriptor,))
    index: Json = {
        "schemaVersion": 2,
        "manifests": [dict(outer.document.descriptor.document())],
    }
    store = layout_of(tmp_path, inner.raw, middle.raw, outer.raw, index=index)
    assert store.get_manifest(inner.descriptor.digest).raw == inner.raw


def test_a_blob_is_no_manifest(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path)
    raw = manifest("only a layer").raw
    push_blob(store, raw)
    push(store, b"weights", "v1")
    with pytest.raises(NotFound):
        store.get_manifest(Digest.of(raw))


def test_a_tag_for_two_manifests_is_refused(tmp_path: Path) -> None:
    entries = [
        {**Descriptor.of(d, MANIFEST).document(), "annotations": {REF_NAME: "v1"}}
        for d in (manifest("a").raw, manifest("b").raw)
    ]
    index: Json = {"schemaVersion": 2, "manifests": entries}
    store = layout_of(tmp_path, manifest("a").raw, manifest("b").raw, index=index)
    with pytest.raises(InvalidInput, match="two manifests"):
        store.get_manifest("v1")


def test_names_that_are_no_tags_are_not_listed(tmp_path: Path) -> None:
    entry = Descriptor.of(manifest().raw, MANIFEST).document()
    entries = [
        {**entry, "annotations": {REF_NAME: name}}
        for name in ("v1", "docker.io/library/x:1", "\x1b[2J", "")
    ]
    index: Json = {"schemaVersion": 2, "manifests": entries}
    store = layout_of(tmp_path, manifest().raw, index=index)
    assert store.tags() == ["v1"]


def test_the_fallback_tag_is_honoured_where_its_word_is_true(tmp_path: Path) -> None:
    """distribution-spec, "Referrers Tag Schema"."""
    subject = manifest("subject")
    true = manifest("true", subject.descriptor)
    false = manifest("false")
    absent = manifest("absent", subject.descriptor)
    listed = Index.build((true.descriptor, false.descriptor, absent.descriptor))
    tag = f"sha256-{subject.descriptor.digest.hex}"
    index: Json = {
        "schemaVersion": 2,
        "manifests": [
            dict(subject.descriptor.document()),
            {
                **Descriptor.of(listed.raw, INDEX).document(),
                "annotations": {REF_NAME: tag},
            },
        ],
    }
    written = (subject.raw, true.raw, false.raw, listed.raw)
    store = layout_of(tmp_path, *written, index=index)
    (found,) = store.referrers(subject.descriptor.digest)
    assert found.digest == true.descriptor.digest


def test_a_layer_that_may_be_elsewhere_need_not_be_here(tmp_path: Path) -> None:
    """image-spec, "Non-Distributable Layers"."""
    store = LayoutStore(tmp_path)
    foreign = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    made = Manifest.build(
        artifact_type=KIND,
        config=push_blob(store, b"{}", EMPTY_JSON),
        layers=(Descriptor.of(b"elsewhere", foreign),),
    )
    store.put_manifest(made.document, "v1")
    assert store.tags() == ["v1"]


def test_a_tag_that_is_none_is_refused(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path)
    made = push(store, b"weights")
    with pytest.raises(InvalidInput, match="is not a tag"):
        store.put_manifest(made.document, "../v1")


@pytest.mark.parametrize("session", ["", "x", "../index.json", "a" * 36, "/etc/passwd"])
def test_only_a_session_of_ours_is_found(tmp_path: Path, session: str) -> None:
    store = LayoutStore(tmp_path)
    push(store, b"weights", "v1")
    if session:
        with pytest.raises(NotFound):
            store.begin(session)


def test_an_upload_that_went_on_elsewhere_is_out_of_step(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path)
    first = store.begin()
    store.begin(first.session).append(blocks_of(b"abc"), 3)
    with pytest.raises(RegistryError) as caught:
        first.append(blocks_of(b"abc"), 3)
    assert caught.value.status == 416
    assert first.sync() == 3
    first.commit(Digest.of(b"abc"))


def test_uploads_that_nobody_came_back_for_are_forgotten(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path)
    old, recent = store.begin(), store.begin()
    path = tmp_path / ".uploads" / old.session
    long_ago = path.stat().st_mtime - 8 * 24 * 3600
    os.utime(path, (long_ago, long_ago))
    store.begin()
    assert recent.sync() == 0
    with pytest.raises(NotFound):
        old.sync()


def test_a_full_disk_is_told_with_the_path(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path)
    content = bytes(3 << 20)
    blob = Descriptor.of(content, OCTETS)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limit[1]))
    try:
        with pytest.raises(LocalError) as caught:
            store.put_blob(blob, blocks_of(content))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert str(tmp_path) in caught.value.where
    assert not store.has(blob)
    assert not (tmp_path / ".uploads").exists()


def test_a_place_that_cannot_be_is_told_with_the_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LocalError) as caught:
        LayoutStore(tmp_path / "file" / "layout").begin()
    assert "file" in caught.value.where


def test_a_blob_is_shared_between_layouts(tmp_path: Path) -> None:
    one, two = LayoutStore(tmp_path / "1"), LayoutStore(tmp_path / "2")
    blob = push_blob(one, b"weights")
    assert two.take_over(blob.digest, one)
    assert two.take_over(blob.digest, one)
    assert not two.take_over(Digest.of(b"absent"), one)
    same = [blob_path(tmp_path / n, blob.digest).stat().st_ino for n in ("1", "2")]
    assert same[0] == same[1]
    one.delete_blob(blob.digest)
    assert read_whole(two, blob, limit=100) == b"weights"


def test_a_manifest_is_not_deleted_as_a_blob(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path)
    made = push(store, b"weights", "v1")
    with pytest.raises(InvalidInput):
        store.delete_blob(made.descriptor.digest)
    with pytest.raises(NotFound):
        store.delete_blob(Digest.of(b"absent"))


_PUSH_MANY = """
import sys
from pathlib import Path
from modelpack.disk.layout.directory import LayoutStore
from tests.stores.contract import push
for n in range(20):
    push(LayoutStore(Path(sys.argv[1])), n.to_bytes(), f"{sys.argv[2]}-{n}")
"""


def test_processes_push_at_once(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _PUSH_MANY, str(tmp_path / "layout"), name],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        for name in "abc"
    ]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    assert len(LayoutStore(tmp_path / "layout").tags()) == 60


@given(st.lists(st.tuples(descriptors, st.just("") | tags), max_size=8))
def test_entries_say_of_each_tag_what_was_said_last(
    said: list[tuple[Descriptor, str]],
) -> None:
    entries = Entries()
    wanted: dict[str, Digest] = {}
    for descriptor, tag in said:
        entries = entries.with_manifest(descriptor, [tag] if tag else [])
        if tag:
            wanted[tag] = descriptor.digest
    read = Entries.parse(entries.raw)
    assert {e.tag: e.digest for e in read if e.tag} == wanted
    assert {e.digest for e in read} == {descriptor.digest for descriptor, _ in said}
    for tag, digest in wanted.items():
        left = read.without_tag(tag)
        assert left.tag(tag) is None
        assert left.digest(digest) is not None
    for descriptor, _ in said:
        assert read.without(descriptor.digest).digest(descriptor.digest) is None
