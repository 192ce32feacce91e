"""Uploads into an image layout: one private file for each, appended in order."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from modelpack.disk.layout.extent import Extent
from modelpack.disk.local import local, open_regular, opened
from modelpack.errors import ContentError, LocalError, NotFound, RegistryError
from modelpack.oci.digest import Digest
from modelpack.oci.store import Blocks

_SESSION: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_FORGOTTEN_AFTER: Final = 7 * 24 * 3600  # seconds
_TRIES: Final = 100


class UploadFolder:
    """The folder of the uploads under way: 0700, and gone when it is empty."""

    def __init__(self, path: Path, keep: Callable[[Path, Digest], None]) -> None:
        self.path = path
        self.keep = keep
        """Takes a finished file over, under its digest."""

    def begin(self) -> LayoutUpload:
        """Start an upload."""
        session = str(uuid.uuid4())
        path = self.path / session
        with local(path):
            with opened(self._created(path)) as file:
                now = os.fstat(file).st_mtime
            self._forget_before(now - _FORGOTTEN_AFTER)
        return LayoutUpload(self, session)

    def _created(self, path: Path) -> int:
        # Another upload may take the folder away just as this one begins.
        for _ in range(_TRIES):
            with contextlib.suppress(FileExistsError):
                self.path.mkdir(mode=0o700)
            with contextlib.suppress(FileNotFoundError):
                flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC
                return os.open(path, flags, 0o666)
        raise LocalError("the folder of uploads does not stay", where=str(self.path))

    def _forget_before(self, mtime: float) -> None:
        # Measured against a file made just now: the disk's own clock.
        for upload in self.path.iterdir():
            with contextlib.suppress(OSError):
                if upload.lstat().st_mtime < mtime:
                    upload.unlink()

    def find(self, session: str) -> LayoutUpload:
        """Find an upload again."""
        upload = LayoutUpload(self, session)
        upload.sync()
        return upload

    @contextlib.contextmanager
    def opened(self, session: str) -> Iterator[int]:
        """Open the file of an upload; nobody else may write to it meanwhile."""
        known = _SESSION.fullmatch(session) is not None
        file = open_regular(self.path, session, flags=os.O_RDWR) if known else None
        if file is None:
            raise NotFound(
                f"upload {session[:80]!r} is not known",
                status=404,
                code="BLOB_UPLOAD_UNKNOWN",
            )
        with opened(file):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LocalError(
                    "another program is writing this upload",
                    where=str(self.path / session),
                ) from error
            yield file

    def remove(self, session: str) -> None:
        """Forget an upload."""
        if _SESSION.fullmatch(session):
            with contextlib.suppress(OSError):
                (self.path / session).unlink()
            self.tidy()

    def tidy(self) -> None:
        """Leave no folder where there is nothing under way."""
        with contextlib.suppress(OSError):
            self.path.rmdir()


class LayoutUpload:
    """Implements ``Upload``.

    What this object wrote is hashed as it goes by; what an earlier one wrote is
    hashed from the disk.
    """

    smallest_chunk = 0

    def __init__(self, folder: UploadFolder, session: str) -> None:
        self._folder = folder
        self._hasher = hashlib.sha256()
        self._hashed = 0
        self.session = session
        self.offset = 0

    def append(self, blocks: Blocks, size: int) -> None:
        self.extend(blocks(self.offset, self.offset + size))

    def extend(self, views: Iterable[memoryview]) -> None:
        """Append views as they come; what came before an error is kept."""
        with self._folder.opened(self.session) as file:
            if os.fstat(file).st_size != self.offset:
                # As a registry would answer: ask how far it is, then go on.
                raise RegistryError("the upload is elsewhere by now", status=416)
            for view in views:
                self._write(file, view)

    def _write(self, file: int, view: memoryview) -> None:
        done = 0
        while done < len(view):
            with local(self._folder.path / self.session):
                count = os.pwrite(file, view[done:], self.offset)
            if self._hashed == self.offset:
                self._hasher.update(view[done : done + count])
                self._hashed += count
            self.offset += count
            done += count

    def sync(self) -> int:
        with self._folder.opened(self.session) as file:
            self.offset = os.fstat(file).st_size
        return self.offset

    def commit(self, digest: Digest) -> None:
        with self._folder.opened(self.session) as file:
            size = os.fstat(file).st_size
            path = self._folder.path / self.session
            if digest.algorithm == "sha256" and self._hashed == size:
                right = self._hasher.hexdigest() == digest.hex
            else:
                right = Extent(file, 0, size, str(path)).has_digest(digest)
            if right:
                self._folder.keep(path, digest)
        if not right:
            self.cancel()
            raise ContentError(f"{digest}: the bytes sent have another digest")
        self._folder.tidy()

    def cancel(self) -> None:
        self._folder.remove(self.session)
