"""The private folder beside a target, where a pull collects its files.

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
import json
import os
import shutil
import stat
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from modelpack.errors import InvalidInput, LocalError
from modelpack.oci.digest import Digest
from modelpack.oci.fields import Fields

PREFIX: Final = ".modelpack-pull-"
_JOURNAL: Final = "journal.jsonl"
_BLOCK: Final = 512  # of st_blocks, whatever the file system's own
# The page cache takes what one call writes in one piece of memory. Up to 8 pages
# Linux keeps such pieces at hand for each CPU (PAGE_ALLOC_COSTLY_ORDER); larger
# ones it asks for anew. On a virtual machine that memory is mostly the host's
# again: 1 MiB at a time took three times the system time (docs/performance.md).
_WRITE: Final = 32 << 10
_MAX_JOURNAL: Final = 64 << 20
_OPEN: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def local_error(error: OSError, path: Path | str) -> LocalError:
    """Say what this machine could not do, where, and what would help."""
    hint = {
        errno.ENOSPC: "free some space; the next run goes on from here",
        errno.EDQUOT: "free some space; the next run goes on from here",
        errno.EACCES: "choose a place that you may write to",
        errno.EROFS: "choose a place that you may write to",
        # A bind mount looks like any folder before something is renamed into it.
        errno.EXDEV: "a mount is in the way: pull into a folder below it",
        errno.EBUSY: "a mount is in the way: pull into a folder below it",
    }.get(error.errno or 0, "")
    return LocalError(error.strerror or str(error), where=str(path), hint=hint)


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
                    self._fd = os.open(self.path, _OPEN, 0o600)
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


class Journal:
    """Which ranges of which pieces were written; one JSON object a line.

    A line that a kill cut short, or that anything else has damaged, ends the
    reading there: less is known, nothing is believed too much.
    """

    def __init__(self, path: Path) -> None:
        self._ranges: dict[str, list[tuple[int, int]]] = defaultdict(list)
        try:
            self._fd = os.open(path, _OPEN | os.O_APPEND, 0o600)
            for line in os.pread(self._fd, _MAX_JOURNAL, 0).splitlines():
                self._take(line)
        except OSError as error:
            raise local_error(error, path) from error
        except InvalidInput:
            os.ftruncate(self._fd, 0)
            for key, ranges in self._ranges.items():
                for start, end in ranges:
                    self.append({"piece": key, "start": start, "end": end})

    def _take(self, line: bytes) -> None:
        fields = Fields.of_json(line)
        key, start, end = (
            fields.text("piece"),
            fields.count("start"),
            fields.count("end"),
        )
        if start < end:
            self._ranges[key].append((start, end))
        else:
            self._ranges.pop(key, None)

    def ranges(self, key: str, size: int) -> Sequence[tuple[int, int]]:
        return [(s, e) for s, e in self._ranges.get(key, ()) if e <= size]

    def forget(self, key: str) -> None:
        """Note that nothing of a piece is there."""
        self._ranges.pop(key, None)
        self.append({"piece": key, "start": 0, "end": 0})

    def append(self, entry: dict[str, str | int]) -> None:
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        # A journal that cannot be written costs a resume, never the pull.
        with contextlib.suppress(OSError):
            os.write(self._fd, line)

    def close(self) -> None:
        os.close(self._fd)


class Staging:
    """The folder, locked for this pull. Use as a context manager."""

    def __init__(self, target: Path) -> None:
        self.folder = target.parent / f"{PREFIX}{target.name}"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
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


def _locked(folder: Path) -> int:
    """Check that the folder is ours alone, and lock it; return the lock."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise LocalError(
            "is not a folder of this user", where=str(folder), hint="remove it by hand"
        )
    folder.chmod(0o700)
    lock = os.open(folder / "lock", _OPEN, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise LocalError(
            "another pull into the same target is under way", where=str(folder)
        ) from error
    return lock
