"""A directory as the place where a model is delivered."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from modelpack.disk.digests import SETTLED_NS, DigestCache, FileDigests
from modelpack.disk.file import Fingerprint, LocalFile, hash_file
from modelpack.disk.target.directory import Target
from modelpack.disk.target.pieces import PieceSlot, StagedFile
from modelpack.disk.target.staging import Staging
from modelpack.errors import ContentError
from modelpack.model.files import PackedFile
from modelpack.oci.digest import Digest

# A file system that keeps nanoseconds counts them in ticks of 10 ms at most.
_TICK_NS: Final = 40_000_000
_SECOND_NS: Final = 1_000_000_000
_WORTH_A_PAUSE: Final = 256 << 20  # bytes that take longer to hash than a tick


class DirectoryDestination:
    """Delivers into a directory, by the rules of ``Target``.

    The cache spares hashing a file that is known to be what it was.
    """

    def __init__(
        self,
        path: Path,
        *,
        overwrite: bool,
        cache: DigestCache,
        check: Callable[[], None],
        pause: Callable[[float], None],
    ) -> None:
        self.target = Target(path)
        self._pause = pause
        self._whole = False
        self._overwrite = overwrite
        self._cache = cache
        self._check = check

    def needed(self, files: Sequence[PackedFile]) -> Sequence[PackedFile]:
        """Return what has to be fetched; raise if it may not be put there."""
        # What appears there from now on is not ours to replace.
        self._whole = self.target.is_free
        if self._whole:
            return files
        survey = self.target.survey(files, self._digest_of)
        if not self._overwrite:
            self.target.refuse_changes(survey)
        return survey.needed

    def _digest_of(self, file: LocalFile) -> Digest:
        known = self._cache.get(file.fingerprint)
        if known is not None:
            return known.whole
        started = self._cache.clock()
        digest = hash_file(file, self._check)
        self._cache.put(file.fingerprint, FileDigests(whole=digest), started=started)
        return digest

    @contextmanager
    def stage(self, files: Sequence[PackedFile]) -> Iterator[StagedModel]:
        with Staging(self.target.staging) as staging:
            staged = StagedModel(staging, self.target, files, self._check, self._whole)
            yield staged
            self._remember(files)

    def _remember(self, files: Sequence[PackedFile]) -> None:
        """Note the digests of what was just delivered, for the next pull.

        Nobody but this process has written these files, so that a clock tick
        between their last change and now is all it takes to see a later one.
        """
        if sum(file.size for file in files) >= _WORTH_A_PAUSE:
            self._pause(_TICK_NS / 1e9)
        now = self._cache.clock()
        for file in files:
            try:
                fingerprint = Fingerprint.of((self.target.path / file.path).lstat())
            except OSError:
                continue
            fine = fingerprint.ctime_ns % _SECOND_NS != 0
            self._cache.put(
                fingerprint,
                FileDigests(whole=file.digest),
                started=now,
                settled=_TICK_NS if fine else SETTLED_NS,
            )


class StagedModel:
    """The files of one model in a staging folder."""

    def __init__(
        self,
        staging: Staging,
        target: Target,
        files: Sequence[PackedFile],
        check: Callable[[], None],
        whole: bool,  # noqa: FBT001 - the target was free
    ) -> None:
        self._staging = staging
        self._whole = whole
        self._target = target
        self._files = files
        self._check = check
        self._places: dict[Digest, StagedFile] = {}
        staging.recover({file.path: file.digest for file in files})
        staging.require_room({file.digest: file.size for file in files})

    def slots(self, file: PackedFile) -> Sequence[PieceSlot]:
        """Return a slot for each piece of a file, in order."""
        place = self._staging.file(file.digest, file.size, len(file.pieces))
        self._places[file.digest] = place
        return [
            self._staging.slot(
                place, piece.descriptor.digest, piece.offset, piece.descriptor.size
            )
            for piece in file.pieces
        ]

    def check(self, file: PackedFile) -> None:
        """Hash a file that was joined from parts, from its first byte to its last."""
        path = self._places[file.digest].path
        joined = LocalFile(
            path=file.path,
            source=path,
            fingerprint=Fingerprint.of(path.lstat()),
            executable=file.executable,
        )
        if hash_file(joined, self._check) != file.digest:
            raise ContentError(
                f"its parts do not add up to {file.digest}", where=file.path
            )

    def finish(self) -> None:
        """Give each file its name, and the target the whole."""
        umask = os.umask(0o022)
        os.umask(umask)
        uses = Counter(file.digest for file in self._files)
        for file in self._files:
            uses[file.digest] -= 1
            self._staging.arrange(
                self._places[file.digest],
                file.path,
                (0o755 if file.executable else 0o644) & ~umask,
                last=not uses[file.digest],
            )
        if self._whole:
            if self._target.is_filled:
                self._staging.note_filling()
            self._target.receive_whole(self._staging.tree)
        else:
            names = [file.path for file in self._files]
            self._target.receive_files(self._staging.tree, names)
        self._staging.remove()
