"""The files of a model directory as a push takes them: opened, named, remembered."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from modelpack.disk.digests import DigestCache, FileDigests
from modelpack.disk.file import FileContent, LocalFile
from modelpack.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class LocalParcel:
    """One file to be packed, and what is remembered of it.

    With ``rehash`` nothing that was computed before is believed.
    """

    file: LocalFile
    cache: DigestCache
    rehash: bool = False

    @property
    def path(self) -> str:
        return self.file.path

    @property
    def size(self) -> int:
        return self.file.size

    @property
    def executable(self) -> bool:
        return self.file.executable

    @property
    def key(self) -> str:
        """Name this very state of the file, for uploads that go on later."""
        state = dataclasses.astuple(self.file.fingerprint)
        return ":".join((*map(str, state), self.path))

    def open(self) -> FileContent:
        return FileContent(self.file)

    def known(self, split: int) -> tuple[Digest, tuple[Digest, ...]] | None:
        """Return the digests of the whole and of its parts, if remembered."""
        found = None if self.rehash else self.cache.get(self.file.fingerprint, split)
        return (found.whole, found.parts) if found else None

    def started(self) -> int:
        """Return the time to hand to ``remember``; ask before the first read."""
        return self.cache.clock()

    def remember(
        self, whole: Digest, split: int, parts: Sequence[Digest], started: int
    ) -> None:
        """Keep digests for the next push of this file in this state."""
        digests = FileDigests(whole=whole, split=split, parts=tuple(parts))
        self.cache.put(self.file.fingerprint, digests, started=started)
