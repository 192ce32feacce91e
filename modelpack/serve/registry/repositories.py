"""The repositories of the registry: one image layout for each, under one folder."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from modelpack.disk.layout.directory import LayoutStore
from modelpack.disk.layout.uploads import LayoutUpload
from modelpack.oci.digest import Digest
from modelpack.serve.registry.answer import Refused

_MARK: Final = "oci-layout"
# Names of a layout's own files. A repository's name cannot end in "_", so the
# folder of one that is called like them can.
_TAKEN: Final = frozenset({_MARK, "index.json", "blobs"})
_MAX_SESSIONS: Final = 1024
_PATIENCE: Final = 5.0  # seconds


@dataclass(slots=True)
class Session:
    """An upload, its hash so far, and who is writing to it."""

    upload: LayoutUpload
    lock: threading.Lock = field(default_factory=threading.Lock)


class Repositories:
    """All repositories of a folder. Names must have been checked by the grammar."""

    def __init__(self, root: Path, *, durable: bool) -> None:
        self._root = root
        self._durable = durable
        self._lock = threading.Lock()
        self._stores: dict[str, LayoutStore] = {}
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def existing(self, name: str) -> LayoutStore:
        """Return a repository that has been pushed to."""
        store = self.at(name)
        if not store.exists:
            raise Refused(404, "NAME_UNKNOWN", f"no repository {name}")
        return store

    def at(self, name: str) -> LayoutStore:
        """Return a repository, which the first write makes."""
        store = self._stores.get(name)
        if store is None:
            path = self._root.joinpath(*map(_folder_of, name.split("/")))
            store = LayoutStore(path, durable=self._durable, among_others=True)
            if store.exists:
                store = self._stores.setdefault(name, store)
        return store

    def names(self) -> list[str]:
        """Return the names of all repositories, sorted."""
        found = []
        for folder, inner, files in os.walk(self._root):
            parts = Path(folder).relative_to(self._root).parts
            if _MARK in files and parts:
                found.append("/".join(map(_name_of, parts)))
            inner[:] = [n for n in inner if n not in _TAKEN and not n.startswith(".")]
        return sorted(found)

    def holder(self, digest: Digest) -> LayoutStore | None:
        """Return any repository that holds a blob."""
        stores = (self.at(name) for name in self.names())
        return next((s for s in stores if s.size_of(digest) is not None), None)

    def start(self, name: str) -> LayoutUpload:
        """Start an upload; its hash is kept from one request to the next."""
        upload = self.at(name).begin()
        self._remember(name, Session(upload))
        return upload

    @contextlib.contextmanager
    def session(self, name: str, session: str) -> Iterator[LayoutUpload]:
        """Find an upload again, and keep others from it."""
        with self._lock:
            found = self._sessions.get(f"{name}@{session}")
        if found is None:
            found = self._remember(name, Session(self.existing(name).begin(session)))
        # A client that lost its connection is back before we see that it went.
        if not found.lock.acquire(timeout=_PATIENCE):
            raise Refused(
                429, "TOOMANYREQUESTS", "this upload is being written", Retry_After=1
            )
        try:
            found.upload.sync()
            yield found.upload
        finally:
            found.lock.release()

    def _remember(self, name: str, session: Session) -> Session:
        with self._lock:
            kept = self._sessions.setdefault(
                f"{name}@{session.upload.session}", session
            )
            while len(self._sessions) > _MAX_SESSIONS:
                # Its bytes stay on the disk, and are hashed from there.
                self._sessions.popitem(last=False)
            return kept

    def forget(self, name: str, session: str) -> None:
        """Drop what is remembered of an upload that has ended."""
        with self._lock:
            self._sessions.pop(f"{name}@{session}", None)


def _folder_of(part: str) -> str:
    return f"{part}_" if part in _TAKEN else part


def _name_of(folder: str) -> str:
    return folder.removesuffix("_")
