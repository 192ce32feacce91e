"""Remember digests, so that an unchanged file is not read again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from modelpack.disk.file import Fingerprint
from modelpack.errors import InvalidInput
from modelpack.oci.digest import Digest

if TYPE_CHECKING:
    import sqlite3

SETTLED_NS: Final = 2_000_000_000
"""A younger file may be written again without a change of its times."""

_WAIT = 1.0  # seconds for another process to let go of the database
_CORRUPT = 11  # SQLITE_CORRUPT
_NOT_A_DATABASE = 26  # SQLITE_NOTADB
# The number in the name changes with the columns: versions share the file.
_CREATE = """
    CREATE TABLE IF NOT EXISTS digests_1 (
        file TEXT NOT NULL, state TEXT NOT NULL, split INTEGER NOT NULL,
        digests TEXT NOT NULL, PRIMARY KEY (file, state, split)
    ) WITHOUT ROWID
"""
_FIND = "SELECT digests FROM digests_1 WHERE file = ? AND state = ? AND split = ?"
_FORGET = "DELETE FROM digests_1 WHERE file = ? AND state != ?"
_KEEP = "INSERT OR REPLACE INTO digests_1 VALUES (?, ?, ?, ?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDigests:
    """What hashing a file gives: the whole, and its parts of ``split`` bytes."""

    whole: Digest
    split: int = 0
    parts: tuple[Digest, ...] = ()


class DigestCache:
    """Digests by what a file was when it was hashed; for threads and processes.

    It is never the reason for a failure: a damaged database is made anew, and
    one that is locked or cannot be written is left out with one warning.
    """

    def __init__(
        self, path: Path, *, clock: Callable[[], int], warn: Callable[[str], None]
    ) -> None:
        self.clock = clock
        self._path = path
        self._warn = warn
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._usable = True

    def get(self, file: Fingerprint, split: int = 0) -> FileDigests | None:
        """Return what is known of a file in exactly this state."""
        name, state = _key(file)

        def find(database: sqlite3.Connection) -> object:
            row = database.execute(_FIND, (name, state, split)).fetchone()
            return row[0] if row else None

        found = self._attempt(find)
        return _read(found, file.size, split) if isinstance(found, str) else None

    def put(
        self,
        file: Fingerprint,
        digests: FileDigests,
        *,
        started: int,
        settled: int = SETTLED_NS,
    ) -> None:
        """Remember digests; ``started`` is ``clock()`` before the first read.

        A file that had changed within ``settled`` nanoseconds before is not
        remembered: the next write might have had the same times (as git's racy
        index).
        """
        if started - max(file.mtime_ns, file.ctime_ns) < settled:
            return
        name, state = _key(file)
        rows = [(name, state, 0, str(digests.whole))]
        if digests.split:
            text = " ".join(map(str, (digests.whole, *digests.parts)))
            rows.append((name, state, digests.split, text))

        def keep(database: sqlite3.Connection) -> object:
            database.execute("BEGIN IMMEDIATE")
            database.execute(_FORGET, (name, state))
            database.executemany(_KEEP, rows)
            database.execute("COMMIT")
            return None

        self._attempt(keep)

    def close(self) -> None:
        """Let go of the database; a later call opens it again."""
        with self._lock:
            self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _attempt(self, act: Callable[[sqlite3.Connection], object]) -> object:
        """Act on the database: once more after a repair, never with an error."""
        import sqlite3  # here, because most commands need not spend the 5 ms

        with self._lock:
            for is_last in (False, True):
                if not self._usable:
                    return None
                try:
                    return act(self._opened())
                except (sqlite3.Error, OSError) as error:
                    self._drop()
                    damaged = isinstance(error, sqlite3.Error) and _is_damage(error)
                    if is_last or not damaged or not self._removed():
                        self._usable = False
                        self._warn(f"digest cache {self._path} is left out: {error}")
        return None

    def _opened(self) -> sqlite3.Connection:
        import sqlite3

        if self._database is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._database = sqlite3.connect(
                self._path,
                timeout=_WAIT,
                isolation_level=None,
                check_same_thread=False,
            )
            # Readers do not wait for a writer, and a commit does not wait for
            # the disk: what a power cut takes away is only hashed again.
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute(_CREATE)
        return self._database

    def _drop(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _removed(self) -> bool:
        self._warn(f"digest cache {self._path} was damaged, and is made anew")
        try:
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self._path}{suffix}").unlink(missing_ok=True)
        except OSError:
            return False
        return True


def _key(file: Fingerprint) -> tuple[str, str]:
    # Text, because some file systems number inodes beyond 63 bits.
    name = f"{file.device}:{file.inode}"
    return name, f"{file.size}:{file.mtime_ns}:{file.ctime_ns}"


def _read(text: str, size: int, split: int) -> FileDigests | None:
    try:
        whole, *parts = [Digest.parse(word) for word in text.split()]
    except (InvalidInput, ValueError):
        return None
    if len(parts) != (-(-size // split) if split else 0):
        return None
    return FileDigests(whole=whole, split=split, parts=tuple(parts))


def _is_damage(error: sqlite3.Error) -> bool:
    # The low byte is the primary code; errors of the module itself have none.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (_CORRUPT, _NOT_A_DATABASE)
