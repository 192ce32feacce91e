"""The private folder of a pull, beside its target or in it, where files are collected.

Nothing stands under the target's name before every file is complete and
verified. The folder outlives a killed pull: its journal says which ranges were
written, and the next pull hashes them again from the disk and goes on.

The folder is 0700 and ours, no link is followed in it, and a lock keeps a second
pull into the same target out.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from modelpack.disk.local import OPEN_OWN, local_error
from modelpack.disk.target.journal import Journal
from modelpack.disk.target.pieces import PieceSlot, StagedFile
from modelpack.errors import LocalError
from modelpack.oci.digest import Digest

_JOURNAL: Final = "journal.jsonl"
_FILLING: Final = "filling"
_BLOCK: Final = 512  # of st_blocks, whatever the file system's own


class Staging:
    """The folder, locked for this pull. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                self.folder.mkdir(mode=0o700)
            self._lock = _locked(self.folder)
            self.tree = self.folder / "tree"
            self._files = self.folder / "files"
            self._files.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise local_error(error, error.filename or self.folder) from error
        self._journal = Journal(self.folder / _JOURNAL)
        self._handed_out: list[StagedFile] = []

    def file(self, digest: Digest, size: int, pieces: int) -> StagedFile:
        """Return the place of one file's content, by its digest."""
        file = StagedFile(self._files / digest.hex, size, pieces)
        self._handed_out.append(file)
        return file

    def slot(self, file: StagedFile, piece: Digest, base: int, size: int) -> PieceSlot:
        """Return the place of one piece within a staged file."""
        key = f"{piece}+{base}"
        if not file.path.exists():
            self._journal.forget(key)
        return PieceSlot(self._journal, key, file, base, size)

    def require_room(self, sizes: Mapping[Digest, int]) -> None:
        """Raise unless the disk has room for what these files still lack.

        Known before the first byte arrives, rather than after an hour.
        """
        lacking = 0
        try:
            for digest, size in sizes.items():
                place = self._files / digest.hex
                there = place.lstat().st_blocks * _BLOCK if place.exists() else 0
                lacking += max(0, size - there)
            system = os.statvfs(self.folder)
        except OSError as error:
            raise local_error(error, self.folder) from error
        free = system.f_bavail * system.f_frsize
        # Some file systems in user space tell nothing, which is 0 of 0.
        if lacking > free and system.f_blocks:
            said = f"has {free} bytes left; the model needs {lacking} more"
            raise local_error(OSError(errno.ENOSPC, said), self.folder.parent)

    def recover(self, names: Mapping[str, Digest]) -> None:
        """Take back what a killed run had already put under its name.

        ``names`` maps the paths of the model to the digests of their files.
        """
        for name, digest in names.items():
            named, place = self.tree / name, self._files / digest.hex
            if not place.exists() and named.is_file() and not named.is_symlink():
                named.rename(place)
        shutil.rmtree(self.tree, ignore_errors=True)

    def arrange(self, file: StagedFile, name: str, mode: int, *, last: bool) -> Path:
        """Put a complete file under its name into the staged tree.

        ``last`` says that no other name needs the same content.
        """
        path = self.tree / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if last:
                file.path.rename(path)
            else:
                shutil.copyfile(file.path, path)
            path.chmod(mode)
        except OSError as error:
            raise local_error(error, path) from error
        return path

    def note_filling(self) -> None:
        """Note that the target was free, and gets file after file from now on."""
        try:
            (self.folder / _FILLING).touch()
        except OSError as error:
            raise local_error(error, self.folder) from error

    def remove(self) -> None:
        """Take the folder away: the pull is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # After Ctrl-C a thread may still write, and a number that was closed can
        # be another file's by then.
        if kind is None or issubclass(kind, Exception):
            for file in self._handed_out:
                file.close()
        self._journal.close()
        os.close(self._lock)


def was_filling(folder: Path) -> bool:
    """Whether a pull was interrupted while it filled its target, file after file."""
    return (folder / _FILLING).exists()


def _locked(folder: Path) -> int:
    """Check that the folder is ours alone, and lock it; return the lock."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise LocalError(
            "is not a folder of this user", where=str(folder), hint="remove it by hand"
        )
    folder.chmod(0o700)
    lock = os.open(folder / "lock", OPEN_OWN, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise LocalError(
            "another pull into the same target is under way", where=str(folder)
        ) from error
    return lock
