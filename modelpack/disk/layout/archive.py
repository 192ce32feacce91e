"""OCI archives: an image layout in one tar file, as a store.

Read in place. What is written is first collected in a private folder beside the
file, ``.FILE.staging``; ``close`` makes the tar there and renames it. After an
error the folder stays, so that the next run need not send everything again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from modelpack.disk.layout.directory import LayoutStore
from modelpack.disk.layout.entries import Entries
from modelpack.disk.layout.extent import Extent, ExtentBody
from modelpack.disk.layout.folder import (
    INDEX_FILE,
    MARK,
    MARK_CONTENT,
    check_mark,
    parse_index,
)
from modelpack.disk.layout.reading import LayoutReader
from modelpack.disk.layout.tar import TarReader, TarWriter
from modelpack.disk.layout.uploads import LayoutUpload
from modelpack.disk.local import local, open_folder
from modelpack.errors import InvalidInput, LocalError, NotFound
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import MAX_BYTES, Document
from modelpack.oci.store import Blocks

_BLOBS: Final = "blobs"


class ArchiveContents(LayoutReader):
    """Implements ``Source`` over the layout in a tar; empty if there is no file."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._tar = TarReader(path) if path.exists() else None
        try:
            self._entries = self._read_index() if self._tar else Entries()
        except BaseException:
            self.close()
            raise

    def _read_index(self) -> Entries:
        check_mark(self._small(MARK), f"{self._where}:{MARK}")
        return parse_index(self._small(INDEX_FILE), f"{self._where}:{INDEX_FILE}")

    def _small(self, name: str) -> bytes:
        extent = self._tar.find(name) if self._tar else None
        if extent is None:
            raise InvalidInput(f"holds no {name}", where=self._where)
        with extent:
            if extent.size > MAX_BYTES:
                raise InvalidInput(f"{extent.size} bytes", where=extent.where)
            return extent.content()

    def find(self, digest: Digest) -> Extent | None:
        return self._tar.find(_member(digest)) if self._tar else None

    def entries(self) -> Entries:
        return self._entries

    def blobs(self) -> set[Digest]:
        """Return every blob that the tar holds, whether or not anything needs it."""
        found = set()
        for name in self._tar.names() if self._tar else ():
            folder, _, rest = name.partition("/")
            if folder == _BLOBS:
                with contextlib.suppress(InvalidInput):
                    found.add(Digest.parse(rest.replace("/", ":", 1)))
        return found

    def close(self) -> None:
        """Close the file."""
        if self._tar is not None:
            self._tar.close()


class ArchiveStore:
    """Implements ``Store``. What was written is in the file after ``close``.

    Used with ``with``: an error in the block leaves the file as it was.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._staging = path.parent / f".{path.name}.staging"
        self._lock = threading.Lock()
        self._held: int | None = None
        self._contents: ArchiveContents | None = None
        self._store: LayoutStore | None = None

    # Reading: what is staged lies over what is in the file.

    def get_manifest(self, selector: str | Digest) -> Document:
        return self._reader().get_manifest(selector)

    def open(
        self, blob: Descriptor, start: int = 0, end: int | None = None
    ) -> ExtentBody:
        return self._reader().open(blob, start, end)

    def referrers(
        self, subject: Digest, artifact_type: str = ""
    ) -> Sequence[Descriptor]:
        return self._reader().referrers(subject, artifact_type)

    def tags(self) -> Sequence[str]:
        return self._reader().tags()

    def has(self, blob: Descriptor) -> bool:
        # What an earlier run staged need not be staged again.
        return (self._staged() if self._staging.exists() else self._reader()).has(blob)

    def _reader(self) -> LayoutReader:
        return self._store or self._file()

    def _file(self) -> ArchiveContents:
        with self._lock:
            if self._contents is None:
                with local(self._path):
                    self._contents = ArchiveContents(self._path)
            return self._contents

    # Writing.

    def begin(self, session: str = "") -> LayoutUpload:
        if session and not self._staging.exists():
            raise NotFound(f"upload {session[:80]!r} is not known", status=404)
        return self._staged().begin(session)

    def put_blob(self, blob: Descriptor, blocks: Blocks) -> None:
        self._staged().put_blob(blob, blocks)

    def mount(self, blob: Descriptor, origin: str) -> bool:
        del origin  # one archive is one repository
        return self.has(blob)

    def put_manifest(self, document: Document, tag: str = "") -> None:
        self._staged().put_manifest(document, tag)

    def delete(self, selector: str | Digest) -> None:
        self._reader().resolve(selector)
        self._staged().delete(selector)

    def _staged(self) -> LayoutStore:
        contents = self._file()
        with self._lock:
            if self._store is None:
                self._held = self._hold()
                store = LayoutStore(
                    self._staging / "layout",
                    durable=False,  # the tar is what has to last
                    beneath=contents.find,
                )
                # An earlier run's index may belong to another file.
                store.change(lambda _: contents.entries())
                self._store = store
            return self._store

    def _hold(self) -> int:
        """Make the staging folder ours, and keep others from it."""
        with local(self._staging):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                self._staging.mkdir(mode=0o700)
            folder = open_folder(self._path.parent, self._staging.name)
        try:
            self._take(folder)
        except BaseException:
            os.close(folder)
            raise
        return folder

    def _take(self, folder: int) -> None:
        status = os.fstat(folder)
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
            raise LocalError("not a private folder", where=str(self._staging))
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LocalError(
                "another program is writing this archive", where=str(self._path)
            ) from error

    # The end.

    def close(self) -> None:
        """Write the file, if anything has changed, and let go of it."""
        try:
            if self._store is not None and self._contents is not None:
                if self._store.entries() != self._contents.entries():
                    self._write(self._store, self._contents)
                shutil.rmtree(self._staging, ignore_errors=True)
        finally:
            self._release()

    def _release(self) -> None:
        if self._contents is not None:
            self._contents.close()
        if self._held is not None:
            os.close(self._held)
        self._held = self._contents = self._store = None

    def _write(self, store: LayoutStore, contents: ArchiveContents) -> None:
        # What nothing known refers to may still matter to who put it there.
        unknown = contents.blobs() - contents.reachable()
        new = self._staging / "archive.tar"
        tar = TarWriter(new)
        try:
            tar.add(MARK, MARK_CONTENT)
            tar.add(INDEX_FILE, store.entries().ordered().raw)
            for digest in sorted(store.reachable() | unknown):
                extent = store.find(digest)
                if extent is None:
                    continue  # an index may list what it does not hold
                with extent:
                    tar.add_extent(_member(digest), extent)
                # So that a model needs its room on the disk once, not twice.
                store.discard(digest)
            tar.finish()
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        finally:
            tar.close()
        with local(self._path):
            new.replace(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
        /,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._release()


def _member(digest: Digest) -> str:
    return f"{_BLOBS}/{digest.algorithm}/{digest.hex}"
