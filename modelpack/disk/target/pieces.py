"""The files of a pull while their pieces arrive."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from modelpack.disk.local import OPEN_OWN, local_error
from modelpack.disk.target.journal import Journal
from modelpack.errors import LocalError

# The page cache takes what one call writes in one piece of memory. Up to 8 pages
# Linux keeps such pieces at hand for each CPU (PAGE_ALLOC_COSTLY_ORDER); larger
# ones it asks for anew. On a virtual machine that memory is mostly the host's
# again: 1 MiB at a time took three times the system time (docs/performance.md).
_WRITE: Final = 32 << 10


class StagedFile:
    """One file on its way in; its pieces are written side by side.

    It grows as they arrive: into blocks that were reserved before, ext4 writes
    the same bytes with twice the system time.
    """

    def __init__(self, path: Path, size: int, pieces: int) -> None:
        self.path = path
        self._size = size
        self._open_pieces = pieces
        self._fd = -1
        self._lock = threading.Lock()

    def descriptor(self) -> int:
        """Open the file on first use; it is never longer than it has to be."""
        with self._lock:
            if self._fd < 0:
                try:
                    self._fd = os.open(self.path, OPEN_OWN, 0o600)
                    if os.fstat(self._fd).st_size > self._size:
                        os.ftruncate(self._fd, self._size)
                except OSError as error:
                    raise local_error(error, self.path) from error
            return self._fd

    @property
    def length(self) -> int:
        """How many bytes are on the disk; a gap before the last counts, too."""
        try:
            return self.path.lstat().st_size
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise local_error(error, self.path) from error

    def finished_one(self) -> None:
        """Close the file when its last piece is complete."""
        self.descriptor()  # a file of zero bytes has to exist, too
        with self._lock:
            self._open_pieces -= 1
        if not self._open_pieces:
            self.close()

    def close(self) -> None:
        """Close the file, if it is open."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1


class PieceSlot:
    """Implements ``Slot``: ``size`` bytes of a staged file, from ``base`` on."""

    def __init__(
        self, journal: Journal, key: str, file: StagedFile, base: int, size: int
    ) -> None:
        self._journal = journal
        self._key = key
        self._file = file
        self._base = base
        self._size = size

    def write(self, offset: int, block: memoryview, /) -> None:
        fd = self._file.descriptor()
        done = 0
        try:
            while done < len(block):
                part = block[done : done + _WRITE]
                done += os.pwrite(fd, part, self._base + offset + done)
        except OSError as error:
            raise local_error(error, self._file.path) from error

    def read_into(self, offset: int, buffer: memoryview, /) -> int:
        fd = self._file.descriptor()
        try:
            count = os.preadv(fd, [buffer], self._base + offset)
        except OSError as error:
            raise local_error(error, self._file.path) from error
        if not count:
            raise LocalError("is shorter than it was", where=str(self._file.path))
        return count

    def finished(self) -> Sequence[tuple[int, int]]:
        # After a power cut the journal may know more than the disk.
        there = min(self._size, self._file.length - self._base)
        return self._journal.ranges(self._key, there)

    def record(self, start: int, end: int, /) -> None:
        if start < end:
            self._journal.append({"piece": self._key, "start": start, "end": end})

    def discard(self) -> None:
        self._journal.forget(self._key)

    def complete(self) -> None:
        self._file.finished_one()
