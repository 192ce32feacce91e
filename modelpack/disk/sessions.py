"""Remember where the uploads of one push stand, so that a killed one goes on.

One small JSON file for each registry, repository and source, in the user's state
folder, readable by this user alone: an upload's address is as good as a key to it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from pathlib import Path

from modelpack.errors import InvalidInput
from modelpack.oci.fields import Fields

_MAX_BYTES = 16 << 20
_MAX_SESSION = 8192
_FINISHED = ":finished"


class SavedSessions:
    """Implements ``Sessions`` in ``folder``. A loss costs a resume, never a push."""

    def __init__(self, folder: Path, *, place: str, source: str) -> None:
        name = hashlib.sha256(f"{place}\0{source}".encode()).hexdigest()
        self._path = folder / f"{name[:32]}.json"
        self._lock = threading.Lock()
        self._known = self._read()

    def _read(self) -> dict[str, str]:
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return {}
        with os.fdopen(fd, "rb") as file:
            if os.fstat(fd).st_uid != os.getuid():
                return {}
            try:
                fields = Fields.of_json(file.read(_MAX_BYTES))
                return {key: fields.text(key) for key in fields}
            except (InvalidInput, OSError):
                return {}

    def recall(self, key: str) -> str:
        with self._lock:
            return self._known.get(key, "")

    def remember(self, key: str, session: str) -> None:
        if len(session) > _MAX_SESSION:
            self.forget(key)  # the address before leads to another upload
            return
        with self._lock:
            self._known[key] = session
            self._write()

    def forget(self, key: str) -> None:
        with self._lock:
            if self._known.pop(key, None) is not None:
                self._write()

    def finish(self, key: str) -> None:
        self.remember(f"{key}{_FINISHED}", "all bytes are sent")

    def finished(self, key: str) -> bool:
        with self._lock:
            return f"{key}{_FINISHED}" in self._known

    def clear(self) -> None:
        with self._lock:
            if self._known:
                self._known.clear()
                self._write()

    def _write(self) -> None:
        with contextlib.suppress(OSError):
            if not self._known:
                self._path.unlink(missing_ok=True)
                return
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = self._path.with_suffix(f".{os.getpid()}")
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            with os.fdopen(os.open(new, flags, 0o600), "w", encoding="ascii") as file:
                json.dump(self._known, file)
            new.replace(self._path)
