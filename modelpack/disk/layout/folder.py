"""The files of an image layout: its mark, its index, its blobs, and their locks."""

from __future__ import annotations

import contextlib
import fcntl
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from modelpack.disk.layout.entries import Entries
from modelpack.disk.layout.extent import Extent
from modelpack.disk.local import (
    local,
    open_folder,
    open_regular,
    opened,
    write_all,
)
from modelpack.errors import InvalidInput
from modelpack.oci.digest import Digest
from modelpack.oci.fields import Fields
from modelpack.oci.manifest import MAX_BYTES, compact

MARK: Final = "oci-layout"
MARK_CONTENT: Final = compact({"imageLayoutVersion": "1.0.0"})
INDEX_FILE: Final = "index.json"
_NEW_MARK: Final = f".{MARK}."


def check_mark(content: bytes, where: str) -> None:
    """Check the content of an ``oci-layout`` file."""
    version = Fields.of_json(content, where=where).text("imageLayoutVersion")
    if version != "1.0.0":
        raise InvalidInput(f"layout version {version[:40]!r}", where=where)


def parse_index(raw: bytes, where: str) -> Entries:
    """Parse an ``index.json``; an error names the file."""
    try:
        return Entries.parse(raw)
    except InvalidInput as error:
        raise InvalidInput(str(error), where=where) from error


class LayoutFolder:
    """An image layout on the disk. Safe between threads and between processes.

    ``durable`` brings each file to the disk before it gets its name;
    ``among_others`` lets the layout begin where other things are already.
    """

    def __init__(self, root: Path, *, durable: bool, among_others: bool) -> None:
        self.root = root
        self._durable = durable
        self._among_others = among_others
        self._marked = False
        self._read: tuple[tuple[int, ...], Entries] = ((), Entries())

    @property
    def exists(self) -> bool:
        """Whether there is a layout already."""
        return (self.root / MARK).is_file()

    def find(self, digest: Digest) -> Extent | None:
        """Open a blob, if it is there."""
        file = open_regular(self.root, "blobs", digest.algorithm, digest.hex)
        if file is None:
            return None
        where = self.root / "blobs" / digest.algorithm / digest.hex
        return Extent(file, 0, os.fstat(file).st_size, str(where))

    def entries(self) -> Entries:
        """Read the index; empty where there is none yet."""
        file = open_regular(self.root, INDEX_FILE)
        if file is None:
            return Entries()
        where = str(self.root / INDEX_FILE)
        with opened(file):
            self._check_mark()
            status = os.fstat(file)
            # Every writer renames a new file into place.
            version = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
            known, entries = self._read
            if known == version:
                return entries
            if status.st_size > MAX_BYTES:
                raise InvalidInput(f"more than {MAX_BYTES} bytes", where=where)
            raw = Extent(file, 0, status.st_size, where).content()
        entries = parse_index(raw, where)
        self._read = (version, entries)
        return entries

    def change(self, change: Callable[[Entries], Entries]) -> None:
        """Replace the index by what ``change`` makes of it; nobody comes between."""
        with self._locked():
            before = self.entries()
            after = change(before)
            if after != before:
                self._write_index(after)

    def keep(self, path: Path, digest: Digest) -> None:
        """Give a finished file, whose bytes were checked, its name."""
        blobs = self.root / "blobs" / digest.algorithm
        with local(path):
            if self._durable:
                with opened(os.open(path, os.O_RDONLY | os.O_CLOEXEC)) as file:
                    os.fsync(file)
            blobs.mkdir(parents=True, exist_ok=True)
            with self._blobs(digest) as folder:
                os.replace(path, digest.hex, dst_dir_fd=folder)

    def link(self, digest: Digest, origin: LayoutFolder) -> bool:
        """Share a blob of another layout; False where the disk cannot do that."""
        blobs = self.root / "blobs" / digest.algorithm
        with local(blobs):
            blobs.mkdir(parents=True, exist_ok=True)
        try:
            with origin._blobs(digest) as source, self._blobs(digest) as target:
                os.link(
                    digest.hex,
                    digest.hex,
                    src_dir_fd=source,
                    dst_dir_fd=target,
                    follow_symlinks=False,
                )
        except FileExistsError:
            return True
        except OSError:
            return False
        return True

    def remove(self, digest: Digest) -> bool:
        """Remove a blob; False where there is none."""
        with local(self.root / "blobs" / digest.algorithm / digest.hex):
            try:
                with self._blobs(digest) as folder:
                    os.unlink(digest.hex, dir_fd=folder)
            except FileNotFoundError:
                return False
        return True

    @contextlib.contextmanager
    def _blobs(self, digest: Digest) -> Iterator[int]:
        with opened(open_folder(self.root, "blobs", digest.algorithm)) as folder:
            yield folder

    def create(self) -> None:
        """Make the directory an image layout, if it is none."""
        if self._marked:
            return
        with local(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            if not self.exists:
                self._refuse_others()
                self._place_mark()
        self._check_mark()
        with self._locked():
            if not (self.root / INDEX_FILE).exists():
                self._write_index(Entries())

    def _refuse_others(self) -> None:
        found = [p for p in self.root.iterdir() if not p.name.startswith(_NEW_MARK)]
        # Another process may have made it a layout just now.
        if found and not self._among_others and not self.exists:
            raise InvalidInput(
                "not an image layout, and not empty",
                where=str(self.root),
                hint="name a directory that is new, empty, or an image layout",
            )

    def _place_mark(self) -> None:
        new = self.root / f"{_NEW_MARK}{uuid.uuid4()}"
        new.write_bytes(MARK_CONTENT)
        try:
            # A link, not a rename: the mark is our lock, and must not change.
            with contextlib.suppress(FileExistsError):
                os.link(new, self.root / MARK)
        finally:
            new.unlink()

    def _check_mark(self) -> None:
        if self._marked:
            return
        with self._mark() as mark:
            check_mark(os.pread(mark, 4096, 0), str(self.root / MARK))
        self._marked = True

    @contextlib.contextmanager
    def _mark(self) -> Iterator[int]:
        mark = open_regular(self.root, MARK)
        if mark is None:
            raise InvalidInput(
                "missing: this is no image layout", where=str(self.root / MARK)
            )
        with opened(mark):
            yield mark

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with self._mark() as mark:
            fcntl.flock(mark, fcntl.LOCK_EX)
            yield

    def _write_index(self, entries: Entries) -> None:
        new = self.root / f".{INDEX_FILE}.{uuid.uuid4()}"
        with local(self.root / INDEX_FILE):
            try:
                flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
                with opened(os.open(new, flags, 0o666)) as file:
                    write_all(file, memoryview(entries.raw), 0)
                    if self._durable:
                        os.fsync(file)
                new.replace(self.root / INDEX_FILE)
            finally:
                new.unlink(missing_ok=True)
