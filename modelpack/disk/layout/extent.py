"""A run of bytes within an open file: a blob in a folder, or in a tar."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from modelpack.disk.local import local
from modelpack.errors import RegistryError
from modelpack.oci.digest import Digest

_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Extent:
    """``size`` bytes of a file from ``start`` on. Owns the file descriptor."""

    file: int
    start: int
    size: int
    where: str

    def read_at(self, offset: int, buffer: memoryview) -> int:
        """Fill ``buffer`` from ``offset``, as far as the extent goes."""
        wanted = max(0, min(len(buffer), self.size - offset))
        done = 0
        while done < wanted:
            with local(self.where):
                count = os.preadv(
                    self.file, [buffer[done:wanted]], self.start + offset + done
                )
            if count == 0:
                # Somebody cut the file while it was read.
                raise RegistryError(f"ended at byte {offset + done}", where=self.where)
            done += count
        return done

    def blocks(self) -> Iterator[memoryview]:
        """Yield all bytes, in order, as views of one reused buffer."""
        buffer = memoryview(bytearray(min(_BLOCK, max(self.size, 1))))
        offset = 0
        while count := self.read_at(offset, buffer):
            yield buffer[:count]
            offset += count

    def content(self) -> bytes:
        """Return all bytes; for what has been found to be small."""
        content = bytearray(self.size)
        self.read_at(0, memoryview(content))
        return bytes(content)

    def has_digest(self, digest: Digest) -> bool:
        """Whether the bytes on the disk have ``digest``."""
        hasher = digest.hasher()
        for block in self.blocks():
            hasher.update(block)
        return hasher.hexdigest() == digest.hex

    def close(self) -> None:
        os.close(self.file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ExtentBody:
    """Implements ``Body`` over an extent, which it closes."""

    def __init__(self, extent: Extent, start: int, end: int | None) -> None:
        self._extent = extent
        self._end = extent.size if end is None else min(end, extent.size)
        self._at = start
        self.start = start

    def read_into(self, buffer: memoryview, /) -> int:
        wanted = max(0, self._end - self._at)
        count = self._extent.read_at(self._at, buffer[:wanted])
        self._at += count
        return count

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._extent.close()
