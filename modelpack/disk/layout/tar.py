"""Tar files: read in place, without extracting; written so that bytes repeat."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from modelpack.disk.layout.extent import Extent
from modelpack.disk.local import local, write_all
from modelpack.errors import InvalidInput

_COMPRESSED: Final = {
    b"\x1f\x8b": ("gzip", "gunzip"),
    b"BZh": ("bzip2", "bunzip2"),
    b"\xfd7zXZ": ("xz", "unxz"),
    b"\x28\xb5\x2f\xfd": ("zstd", "unzstd"),
}
_MAX_MEMBERS: Final = 100_000
_MAX_READ: Final = 1 << 20
# What a reader of damaged headers has been seen to raise.
_DAMAGED: Final = (
    tarfile.TarError,
    ValueError,
    ArithmeticError,
    LookupError,
    EOFError,
    RecursionError,
)


class TarReader:
    """The regular files of a tar: found once, read where they lie."""

    def __init__(self, path: Path) -> None:
        self._where = str(path)
        with local(path):
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            self._members = self._scan()
        except BaseException:
            os.close(self._file)
            raise

    def _scan(self) -> Mapping[str, tuple[int, int]]:
        with local(self._where):
            start = os.pread(self._file, 8, 0)
            size = os.fstat(self._file).st_size
        for magic, (name, program) in _COMPRESSED.items():
            if start.startswith(magic):
                raise InvalidInput(
                    f"compressed with {name}; only a plain tar is read in place",
                    where=self._where,
                    hint=f"unpack it first: {program} FILE",
                )
        members: dict[str, tuple[int, int]] = {}
        with local(self._where), _Bounded(io.FileIO(os.dup(self._file))) as file:
            try:
                with tarfile.open(fileobj=file, mode="r:") as archive:
                    for count, member in enumerate(archive):
                        self._take(members, member, size, count)
            except _DAMAGED as error:
                raise InvalidInput(
                    f"not a tar, or a damaged one: {error}", where=self._where
                ) from error
        return members

    def _take(
        self,
        members: dict[str, tuple[int, int]],
        member: tarfile.TarInfo,
        size: int,
        count: int,
    ) -> None:
        if count >= _MAX_MEMBERS:
            raise InvalidInput(f"more than {_MAX_MEMBERS} members", where=self._where)
        name = self._normal(member.name)
        if member.isdir():
            return
        if name in members:
            raise InvalidInput(f"holds {name[:160]!r} twice", where=self._where)
        # A sparse file counts as regular, but does not lie there as it is read.
        plain = member.isreg() and member.sparse is None
        if not plain or member.offset_data + member.size > size:
            # Kept by name, so that a link in a blob's place is told from no blob.
            members[name] = (-1, 0)
            return
        members[name] = (member.offset_data, member.size)

    def _normal(self, name: str) -> str:
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or ".." in parts:
            raise InvalidInput(f"a member named {name[:160]!r}", where=self._where)
        return "/".join(parts)

    def names(self) -> list[str]:
        """Return the names of all files, in order."""
        return list(self._members)

    def find(self, name: str) -> Extent | None:
        """Open a file of the tar; refused if it is a link or cut off."""
        if name not in self._members:
            return None
        start, size = self._members[name]
        where = f"{self._where}:{name}"
        if start < 0:
            raise InvalidInput("not a whole regular file", where=where)
        with local(self._where):
            return Extent(os.dup(self._file), start, size, where)

    def close(self) -> None:
        os.close(self._file)


class _Bounded(io.BufferedReader):
    """A file from which no header can have much memory allocated."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= _MAX_READ:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return super().read(size)


class TarWriter:
    """Appends files to a new tar. The same files give the same bytes."""

    def __init__(self, path: Path) -> None:
        self._where = str(path)
        self._at = 0
        with local(path):
            flags = os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC
            self._file = os.open(path, flags, 0o666)

    def add(self, name: str, content: bytes) -> None:
        """Append a small file."""
        self._header(name, len(content))
        self._write(memoryview(content))
        self._pad()

    def add_extent(self, name: str, extent: Extent) -> None:
        """Append a file block by block."""
        self._header(name, extent.size)
        for block in extent.blocks():
            self._write(block)
        self._pad()

    def finish(self) -> None:
        """End the tar with exactly two blocks of zeros, and bring it to the disk."""
        self._write(memoryview(bytes(2 * tarfile.BLOCKSIZE)))
        with local(self._where):
            os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)

    def _header(self, name: str, size: int) -> None:
        # tarfile's defaults: mode 0644, owner and time 0, no names of owners.
        header = tarfile.TarInfo(name)
        header.size = size
        self._write(memoryview(header.tobuf(tarfile.GNU_FORMAT)))

    def _pad(self) -> None:
        self._write(memoryview(bytes(-self._at % tarfile.BLOCKSIZE)))

    def _write(self, view: memoryview) -> None:
        with local(self._where):
            write_all(self._file, view, self._at)
        self._at += len(view)
