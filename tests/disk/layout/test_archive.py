"""Layouts in a tar: read in place, written so that the bytes repeat."""

from __future__ import annotations

import contextlib
import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelpack.disk.layout.archive import ArchiveStore
from modelpack.disk.layout.directory import LayoutStore
from modelpack.disk.layout.tar import TarReader
from modelpack.errors import ContentError, InvalidInput, LocalError, NotFound
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import MANIFEST, Manifest
from modelpack.oci.store import blocks_of, read_whole
from tests.stores.contract import OCTETS, push, push_blob

_MARK = b'{"imageLayoutVersion": "1.0.0"}'
_INDEX = b'{"schemaVersion": 2, "manifests": []}'


def member(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE) -> bytes:
    header = tarfile.TarInfo(name)
    header.type = kind
    header.size = len(content)
    header.linkname = (
        "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
    )
    return header.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)


def tar_of(path: Path, *members: bytes) -> Path:
    path.write_bytes(b"".join(members) + bytes(1024))
    return path


def archive_of(path: Path, *artifacts: tuple[bytes, str]) -> Path:
    for content, tag in artifacts:
        with ArchiveStore(path) as archive:
            push(archive, content, tag)
    return path


def test_the_same_contents_give_the_same_bytes(tmp_path: Path) -> None:
    one, two = (b"weights" * 1000, "v1"), (b"others", "v2")
    first = archive_of(tmp_path / "1.tar", one, two)
    second = archive_of(tmp_path / "2.tar", two, one)
    assert first.read_bytes() == second.read_bytes()


def test_what_a_tar_of_ours_looks_like(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "a.tar", (b"weights", "v1"), (b"others", "v2"))
    with tarfile.open(path, "r:") as archive:
        members = archive.getmembers()
    names = [m.name for m in members]
    assert names[:2] == ["oci-layout", "index.json"]
    assert names[2:] == sorted(names[2:])
    for found in members:
        assert found.isreg()
        assert (found.mtime, found.uid, found.gid) == (0, 0, 0)
        assert (found.uname, found.gname, found.mode) == ("", "", 0o644)
    last = members[-1]
    end = last.offset_data + last.size + -last.size % 512
    assert path.read_bytes()[end:] == bytes(1024)


def test_an_archive_without_changes_is_left_as_it_is(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "a.tar", (b"weights", "v1"))
    before = path.stat()
    with ArchiveStore(path) as archive:
        push(archive, b"weights", "v1")
        assert archive.tags() == ["v1"]
    assert path.stat() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.tar"]


def test_what_is_deleted_takes_no_room(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "a.tar", (b"x" * 100_000, "big"), (b"y", "small"))
    small = archive_of(tmp_path / "b.tar", (b"y", "small"))
    with ArchiveStore(path) as archive:
        archive.delete(archive.get_manifest("big").descriptor.digest)
    assert path.read_bytes() == small.read_bytes()


def test_what_nothing_refers_to_is_taken_along(tmp_path: Path) -> None:
    other = b"for a program that knows"
    blob = Descriptor.of(other, OCTETS)
    path = tar_of(
        tmp_path / "a.tar",
        member("oci-layout", _MARK),
        member("index.json", _INDEX),
        member(f"blobs/sha256/{blob.digest.hex}", other),
    )
    archive_of(path, (b"weights", "v1"))
    with ArchiveStore(path) as archive:
        assert read_whole(archive, blob, limit=100) == other


def test_an_error_leaves_the_file_as_it_was_and_the_next_run_goes_on(
    tmp_path: Path,
) -> None:
    path = archive_of(tmp_path / "a.tar", (b"weights", "v1"))
    before = path.read_bytes()
    blob = Descriptor.of(b"sent already", OCTETS)
    session = ""

    def fail() -> None:
        nonlocal session
        with ArchiveStore(path) as archive:
            push(archive, b"new", "v2")
            push_blob(archive, b"sent already")
            upload = archive.begin()
            upload.append(blocks_of(b"half"), 2)
            session = upload.session
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_bytes() == before
    with ArchiveStore(path) as archive:
        assert archive.has(blob)
        assert archive.tags() == ["v1"]
        upload = archive.begin(session)
        upload.append(blocks_of(b"half"), 2)
        upload.commit(Digest.of(b"half"))
        push(archive, b"half", "v3")
    with ArchiveStore(path) as archive:
        assert archive.tags() == ["v1", "v3"]
        assert not archive.has(blob)
    assert [p.name for p in tmp_path.iterdir()] == ["a.tar"]


def test_only_one_program_writes_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with ArchiveStore(path) as first:
        push(first, b"weights", "v1")
        with pytest.raises(LocalError, match="another program is writing"):
            ArchiveStore(path).begin()
    assert ArchiveStore(path).tags() == ["v1"]


def test_a_staging_folder_that_others_may_enter_is_not_used(tmp_path: Path) -> None:
    (tmp_path / ".a.tar.staging").mkdir(mode=0o755)
    with pytest.raises(LocalError, match="not a private folder"):
        ArchiveStore(tmp_path / "a.tar").begin()
    (tmp_path / ".b.tar.staging").symlink_to(tmp_path)
    with pytest.raises(LocalError):
        ArchiveStore(tmp_path / "b.tar").begin()


def test_reading_what_is_not_there_makes_nothing(tmp_path: Path) -> None:
    with ArchiveStore(tmp_path / "a.tar") as archive:
        assert not archive.tags()
        assert not archive.has(Descriptor.of(b"", OCTETS))
        with pytest.raises(NotFound):
            archive.get_manifest("latest")
        with pytest.raises(NotFound):
            archive.begin("00000000-0000-0000-0000-000000000000")
        with pytest.raises(NotFound):
            archive.delete("latest")
    assert not list(tmp_path.iterdir())


def test_an_archive_of_another_program_is_read(tmp_path: Path) -> None:
    """Folders, other names for the same place, other formats of headers."""
    push(LayoutStore(tmp_path / "layout"), b"weights", "v1")
    for number, format_ in enumerate((tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT)):
        path = tmp_path / f"{number}.tar"
        with tarfile.open(path, "w", format=format_) as archive:
            archive.add(tmp_path / "layout", arcname=".")
        with ArchiveStore(path) as store:
            blob = Descriptor.of(b"weights", OCTETS)
            assert store.tags() == ["v1"]
            assert read_whole(store, blob, limit=100) == b"weights"


@pytest.mark.parametrize(
    ("pack", "name"),
    [
        pytest.param(gzip.compress, "gunzip", id="gzip"),
        pytest.param(lambda _: b"BZh91AY&SY", "bunzip2", id="bzip2"),
        pytest.param(lambda _: b"\xfd7zXZ\0\0\0", "unxz", id="xz"),
        pytest.param(lambda _: b"\x28\xb5\x2f\xfd\0\0\0\0", "unzstd", id="zstd"),
    ],
)
def test_a_compressed_tar_is_refused_by_name(
    tmp_path: Path, pack: Callable[[bytes], bytes], name: str
) -> None:
    path = archive_of(tmp_path / "a.tar", (b"weights", "v1"))
    path.write_bytes(pack(path.read_bytes()))
    with pytest.raises(InvalidInput, match="compressed with") as caught:
        ArchiveStore(path).tags()
    assert name in caught.value.hint


_LONG = "x" * 200


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        pytest.param([], "holds no oci-layout|not a tar", id="empty"),
        pytest.param([b"not a tar at all" * 64], "not a tar", id="text"),
        pytest.param(
            [member("oci-layout", _MARK)], "holds no index.json", id="no index"
        ),
        pytest.param(
            [member("index.json", _INDEX)], "holds no oci-layout", id="no mark"
        ),
        pytest.param(
            [member("oci-layout", _MARK)] * 2, "'oci-layout' twice", id="twice"
        ),
        pytest.param(
            [member("oci-layout", _MARK), member("./oci-layout", _MARK)],
            "'oci-layout' twice",
            id="twice by other names",
        ),
        pytest.param([member("../oci-layout", _MARK)], "a member named", id="up"),
        pytest.param([member("/oci-layout", _MARK)], "a member named", id="absolute"),
        pytest.param(
            [member("oci-layout", kind=tarfile.SYMTYPE), member("index.json", _INDEX)],
            "not a whole regular file",
            id="a symbolic link",
        ),
        pytest.param(
            [member("oci-layout", kind=tarfile.LNKTYPE), member("index.json", _INDEX)],
            "not a whole regular file",
            id="a hard link",
        ),
        pytest.param(
            [member("oci-layout", kind=tarfile.FIFOTYPE), member("index.json", _INDEX)],
            "not a whole regular file",
            id="a pipe",
        ),
        pytest.param(
            [member("oci-layout", _MARK), member("index.json", b" " * (5 << 20))],
            "index.json",
            id="index too large",
        ),
        pytest.param(
            [member("x", b"y" * (2 << 20), tarfile.GNUTYPE_LONGNAME)],
            "a header of",
            id="a name without end",
        ),
        pytest.param(
            [member("x", b"9" * (2 << 20), tarfile.XHDTYPE)],
            "a header of",
            id="a pax header without end",
        ),
    ],
)
def test_a_hostile_tar_is_refused(
    tmp_path: Path, members: list[bytes], reason: str
) -> None:
    path = tar_of(tmp_path / "a.tar", *members)
    with pytest.raises(InvalidInput, match=reason):
        ArchiveStore(path).tags()


def test_a_blob_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "a.tar", (b"x" * 10_000, "v1"))
    with tarfile.open(path, "r:") as archive:
        cut = max(m.offset_data for m in archive if m.size == 10_000)
    path.write_bytes(path.read_bytes()[: cut + 100])
    with ArchiveStore(path) as store, pytest.raises((InvalidInput, NotFound)):
        store.open(Descriptor.of(b"x" * 10_000, OCTETS))


def test_a_changed_manifest_is_a_content_error(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "a.tar", (b"weights", "v1"))
    path.write_bytes(path.read_bytes().replace(b"manifest says", b"mAnifest says"))
    with ArchiveStore(path) as store, pytest.raises(ContentError):
        store.get_manifest("v1")


def test_a_long_digest_has_a_long_name(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    digest = Digest("sha512", Digest.parse("sha512:" + "0" * 128).hex)
    hasher = digest.hasher()
    hasher.update(b"weights")
    blob = Descriptor(
        media_type=OCTETS, digest=Digest("sha512", hasher.hexdigest()), size=7
    )
    with ArchiveStore(path) as archive:
        archive.put_blob(blob, blocks_of(b"weights"))
        made = Manifest.build(
            artifact_type=MANIFEST, config=push_blob(archive, b"{}"), layers=(blob,)
        )
        archive.put_manifest(made.document, "v1")
    with ArchiveStore(path) as archive:
        assert read_whole(archive, blob, limit=7) == b"weights"


@given(st.binary(max_size=3000))
@settings(max_examples=200)
def test_any_bytes_are_a_tar_or_invalid_input(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.tar"
    path.write_bytes(raw)
    with contextlib.suppress(InvalidInput):
        TarReader(path).close()


@given(
    st.lists(st.tuples(st.integers(0, 5119), st.binary(max_size=12)), max_size=6),
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
@settings(max_examples=300)
def test_any_damage_gives_an_archive_or_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory,
    damage: list[tuple[int, bytes]],
    format_: int,
) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=format_) as archive:
        for name, content in (
            ("oci-layout", _MARK),
            ("index.json", _INDEX),
            (_LONG, b""),
        ):
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    raw = bytearray(file.getvalue())
    for position, written in damage:
        raw[position : position + len(written)] = written
    path = tmp_path_factory.getbasetemp() / "damaged.tar"
    path.write_bytes(raw)
    with contextlib.suppress(InvalidInput), ArchiveStore(path) as archive:
        assert not archive.tags()
