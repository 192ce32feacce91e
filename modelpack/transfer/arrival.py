"""One blob while it arrives: which bytes are here, and the hash of their prefix."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final, Protocol

from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest

_BLOCK: Final = 1 << 20


class Slot(Protocol):
    """Where a blob's bytes go: a place of the blob's full size.

    ``finished`` are the ranges that an earlier run has written; their bytes are
    hashed again, so that the record need not be trusted.
    """

    def write(self, offset: int, block: memoryview, /) -> None: ...
    def read_into(self, offset: int, buffer: memoryview, /) -> int: ...
    def finished(self) -> Sequence[tuple[int, int]]: ...
    def record(self, start: int, end: int, /) -> None: ...

    def discard(self) -> None:
        """Forget all that was written."""
        ...

    def complete(self) -> None:
        """Every byte is written and the digest holds."""
        ...


class Extents:
    """Disjoint ranges of bytes that are present; neighbours melt together."""

    def __init__(self) -> None:
        self._ends: dict[int, int] = {}
        self._starts: dict[int, int] = {}

    def add(self, start: int, end: int) -> None:
        """Note a range that overlaps none before it."""
        if start == end:
            return
        start = self._starts.pop(start, start)
        end = self._ends.pop(end, end)
        self._ends[start] = end
        self._starts[end] = start

    @property
    def prefix(self) -> int:
        """How many bytes are present from 0 on without a gap."""
        return self._ends.get(0, 0)

    def gaps(self, size: int) -> list[tuple[int, int]]:
        """Return what is missing of ``size`` bytes, in order."""
        missing = []
        at = 0
        for start in sorted(self._ends):
            if start > at:
                missing.append((at, start))
            at = self._ends[start]
        if at < size:
            missing.append((at, size))
        return missing


class Arrival:
    """A blob, its slot, and the hash of the bytes that are there without a gap.

    Rule: no two threads write one byte twice, since a block that extends the
    prefix is hashed from the buffer it arrived in. What arrived ahead of the
    prefix is hashed from the slot once the gap before it has closed.
    """

    def __init__(self, name: str, blob: Descriptor, slot: Slot) -> None:
        self.name = name
        self.blob = blob
        self.slot = slot
        self.resumed = 0
        self._lock = threading.Lock()
        self._hashing = threading.Lock()
        self._start_over()
        self._take_over()

    def _start_over(self) -> None:
        self._extents = Extents()
        self._hasher = self.blob.digest.hasher()
        self._hashed = 0

    def _take_over(self) -> None:
        """Count in what an earlier run has recorded, as far as it makes sense."""
        at = 0
        for start, end in sorted(self.slot.finished()):
            begin = max(start, at)
            if begin < end <= self.blob.size:
                self._extents.add(begin, end)
                self.resumed += end - begin
                at = end

    @property
    def hashed(self) -> int:
        """How many bytes from 0 on have gone into the hash."""
        return self._hashed

    def missing(self) -> list[tuple[int, int]]:
        """Return the ranges that are still to come, in order."""
        return self._extents.gaps(self.blob.size)

    def wrote(self, offset: int, block: memoryview) -> None:
        """Write a block that arrived, and hash it if it extends the prefix."""
        self.slot.write(offset, block)
        with self._lock:
            self._extents.add(offset, offset + len(block))
        if offset == self._hashed and self._hashing.acquire(blocking=False):
            try:
                if offset == self._hashed:
                    self._hasher.update(block)
                    self._hashed += len(block)
            finally:
                self._hashing.release()

    def catch_up(self, buffer: memoryview, *, wait: bool) -> None:
        """Hash what is present beyond the prefix's hash, from the slot.

        Returns at once when another thread is at it, unless ``wait``.
        """
        while self._hashed < self._extents.prefix:
            if not self._hashing.acquire(blocking=wait):
                return
            try:
                self._hash_some(buffer)
            finally:
                self._hashing.release()

    def _hash_some(self, buffer: memoryview) -> None:
        while self._hashed < self._extents.prefix:
            want = min(len(buffer), self._extents.prefix - self._hashed)
            count = self.slot.read_into(self._hashed, buffer[:want])
            self._hasher.update(buffer[:count])
            self._hashed += count

    def holds(self) -> bool:
        """Whether all bytes are here and their digest is the one promised."""
        return self._hashed == self.blob.size and (
            Digest(self.blob.digest.algorithm, self._hasher.hexdigest())
            == self.blob.digest
        )

    def begin_again(self) -> None:
        """Throw away all that is here: it is not what was promised."""
        # A stream that ended just now may still be hashing what it brought.
        with self._hashing:
            self.slot.discard()
            self.resumed = 0
            self._start_over()
