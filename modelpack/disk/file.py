"""One local file: what it was when it was listed, and its bytes while it stays so."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from modelpack.errors import InvalidInput, LocalError
from modelpack.formats.window import Window
from modelpack.model.paths import shown
from modelpack.oci.digest import Digest

BLOCK: Final = 1 << 20

# O_NONBLOCK: should a FIFO have taken the file's place, open returns at once.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_REPLACED = (errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.ENXIO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What changes when a file does. ``touch`` cannot set the ctime."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        return cls(
            device=status.st_dev,
            inode=status.st_ino,
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
            ctime_ns=status.st_ctime_ns,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFile:
    """A regular file to be packed: ``path`` in the artifact, ``source`` here.

    ``source`` has no symlink in it: a link was followed when it was listed.
    """

    path: str
    source: Path
    fingerprint: Fingerprint
    executable: bool

    @property
    def size(self) -> int:
        return self.fingerprint.size


class FileContent:
    """The bytes of an open file; safe to read from several threads at once.

    Read with ``pread``, never mapped: a file that is cut short meanwhile must
    give an error, and a mapping would give SIGBUS.
    """

    def __init__(self, file: LocalFile) -> None:
        self.file = file
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            self._descriptor = os.open(self.file.source, _FLAGS)
        except OSError as error:
            if error.errno in _REPLACED:
                raise self._changed() from error
            raise self._unreadable(error) from error
        try:
            self.check_unchanged()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def blocks(self, start: int, end: int) -> Iterator[memoryview]:
        """Yield the bytes in between, 1 MiB at a time.

        Each view is valid until the next one is asked for: one buffer is reused.
        """
        buffer = memoryview(bytearray(min(BLOCK, max(0, end - start))))
        for offset in range(start, end, BLOCK):
            block = buffer[: min(BLOCK, end - offset)]
            self._fill(block, offset)
            yield block

    def check_unchanged(self) -> None:
        """Raise ``InvalidInput`` unless the file is what it was when listed."""
        try:
            status = os.fstat(self._descriptor)
        except OSError as error:
            raise self._unreadable(error) from error
        regular = stat.S_ISREG(status.st_mode)
        if not regular or Fingerprint.of(status) != self.file.fingerprint:
            raise self._changed()

    def window(self) -> Window:
        """Let a parser look at the file while it is open."""
        return Window(self.file.path, self.file.size, self._read_at)

    def _read_at(self, offset: int, count: int) -> bytes:
        content = bytearray(count)
        self._fill(memoryview(content), offset)
        return bytes(content)

    def _fill(self, buffer: memoryview, offset: int) -> None:
        filled = 0
        while filled < len(buffer):
            try:
                count = os.preadv(self._descriptor, [buffer[filled:]], offset + filled)
            except OSError as error:
                raise self._unreadable(error) from error
            if count == 0:
                raise self._changed()
            filled += count

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _changed(self) -> InvalidInput:
        return InvalidInput(
            "changed while it was read",
            where=shown(self.file.path),
            hint="run again when nothing writes to the directory",
        )

    def _unreadable(self, error: OSError) -> LocalError:
        return LocalError(
            f"cannot be read: {error.strerror}", where=shown(self.file.path)
        )


def hash_file(file: LocalFile, check: Callable[[], None]) -> Digest:
    """Hash a file from end to end; raise if it changes meanwhile."""
    sha256 = hashlib.sha256()
    with FileContent(file) as content:
        for block in content.blocks(0, file.size):
            check()
            sha256.update(block)
        content.check_unchanged()
    return Digest.made(sha256)
