"""Send one blob: in chunks, in order, hashed in the same pass, resumable."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from modelpack.errors import ContentError, NotFound, RegistryError
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.patience import Patience
from modelpack.oci.store import Blocks, Store, Upload

CHUNK: Final = 64 << 20
_SMALL_CHUNK: Final = 4 << 20  # what GHCR takes, and whatever answers 413 or 416
_FORGETTING: Final = 3  # so often may a store forget one upload half-way
_OCTETS: Final = "application/octet-stream"
# Answers to the first PATCH which mean that PATCH itself is not wanted.
_NO_PATCH: Final = frozenset({400, 404, 405, 411, 413, 415, 416, 501})

_OUT_OF_STEP: Final = frozenset({404, 416})


class PatchRefused(Exception):
    """The store takes a blob only whole: hash it first, then ``put_blob``."""


class Sessions(Protocol):
    """Remembers where uploads stand, across processes."""

    def recall(self, key: str) -> str: ...
    def remember(self, key: str, session: str) -> None: ...
    def forget(self, key: str) -> None: ...

    def finish(self, key: str) -> None:
        """Note that all bytes are sent: from now on the store may have the blob."""
        ...

    def finished(self, key: str) -> bool: ...

    def clear(self) -> None:
        """Forget all: the push is complete."""
        ...


class NoSessions:
    """Remembers nothing."""

    def recall(self, key: str) -> str:
        del key
        return ""

    def remember(self, key: str, session: str) -> None:
        """Let it go."""

    def forget(self, key: str) -> None:
        """There is nothing to forget."""

    def finish(self, key: str) -> None:
        """Let it go."""

    def finished(self, key: str) -> bool:
        del key
        return False

    def clear(self) -> None:
        """There is nothing to forget."""


class PrefixHash:
    """The hash of a blob's beginning, which grows as its bytes pass by.

    Bytes that pass again (sent a second time) are not hashed again; bytes that
    were skipped (a resumed upload) are read from the source.
    """

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._sha256 = hashlib.sha256()
        self.position = 0

    def passing(self, start: int, end: int) -> Iterator[memoryview]:
        """Yield the blocks from ``start`` to ``end``, and hash what is new."""
        self.reach(start)
        at = start
        for block in self._blocks(start, end):
            yield block  # sent while the bytes are in the cache; hashed after
            fresh = at + len(block) - self.position
            if fresh > 0:
                self._sha256.update(block[len(block) - fresh :])
                self.position += fresh
            at += len(block)

    def reach(self, position: int) -> None:
        """Hash what is missing before ``position``, from the source."""
        if self.position < position:
            for block in self._blocks(self.position, position):
                self._sha256.update(block)
                self.position += len(block)

    def digest(self) -> Digest:
        return Digest.made(self._sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """How blobs are sent. ``chunk`` is in bytes; ``check`` ends the command."""

    patience: Patience
    check: Callable[[], None]
    sessions: Sessions
    chunk: int = CHUNK


@dataclass(slots=True)
class ChunkedUpload:
    """One blob on its way into a store, by as many PATCHes as it takes."""

    store: Store
    blocks: Blocks
    size: int
    key: str
    sending: Sending
    moved: Callable[[int], None]
    resumed: Callable[[int], None]
    restarted: Callable[[int], None]
    _forgotten: int = field(default=0, init=False)
    _resumed: bool = field(default=False, init=False)

    def send(self) -> Digest:
        """Send the whole blob and return its digest.

        Raises ``PatchRefused`` where the store takes no chunks; everything that
        passes by waiting is waited for, and no confirmed byte is sent twice.
        """
        prefix = PrefixHash(self.blocks)
        upload = self._begin()
        while True:
            upload = self._fill(upload, prefix)
            prefix.reach(self.size)
            digest = prefix.digest()
            self.sending.sessions.finish(self.key)
            try:
                self._commit(upload, digest)
            except NotFound as error:
                upload = self._from_zero(error)
            else:
                self.sending.sessions.forget(self.key)
                return digest

    def _fill(self, upload: Upload, prefix: PrefixHash) -> Upload:
        """Send what is missing; return the upload that then holds all of it."""
        self.sending.sessions.remember(self.key, upload.session)
        chunk = max(self.sending.chunk, upload.smallest_chunk)
        failures = 0
        while upload.offset < self.size:
            before = upload.offset
            try:
                self._append(upload, prefix, min(chunk, self.size - before))
                failures = 0
            except RegistryError as error:
                if before == 0 and self._refuses_chunks(upload, error):
                    if chunk <= _SMALL_CHUNK or error.status not in (413, 416):
                        self._leave(upload)
                        raise PatchRefused from error
                    chunk = _SMALL_CHUNK
                elif not isinstance(error, NotFound) or failures >= _FORGETTING:
                    self.sending.patience.pause(failures, error)
                upload = self._again(upload)
                failures = 0 if upload.offset > before else failures + 1
            self.sending.sessions.remember(self.key, upload.session)
        return upload

    def _refuses_chunks(self, upload: Upload, error: RegistryError) -> bool:
        """Whether a failure of the first PATCH means that no PATCH is wanted.

        Not where an earlier run began the upload: it may be forgotten by now, or
        the last bytes of that run have arrived after we asked how far it came.
        """
        if error.status not in _NO_PATCH:
            return False
        if not self._resumed or error.status not in _OUT_OF_STEP:
            return True
        self._resumed = False
        try:
            return not upload.sync()
        except NotFound:
            return False

    def _append(self, upload: Upload, prefix: PrefixHash, size: int) -> None:
        def counted(start: int, end: int) -> Iterator[memoryview]:
            for block in prefix.passing(start, end):
                yield block
                self.sending.check()
                self.moved(len(block))

        start = upload.offset
        upload.append(counted, size)
        if upload.offset != start + size:
            self.restarted(upload.offset)
        if upload.offset <= start:
            # Else a store that never confirms anything would be sent to for ever.
            raise RegistryError("confirms no byte of what was sent", status=416)

    def _leave(self, upload: Upload) -> None:
        self.sending.sessions.forget(self.key)
        upload.cancel()

    def _begin(self) -> Upload:
        session = self.sending.sessions.recall(self.key)
        if session:
            try:
                upload = self.store.begin(session)
            except NotFound:
                self.sending.sessions.forget(self.key)
            else:
                if upload.offset <= self.size:
                    self._resumed = True
                    if upload.offset:
                        self.resumed(upload.offset)
                    return upload
                upload.cancel()
        return self.store.begin()

    def _again(self, upload: Upload) -> Upload:
        """Go on from what the store says it has; from zero if it has forgotten."""
        try:
            upload.sync()
        except NotFound as error:
            upload = self._from_zero(error)
        if upload.offset > self.size:
            upload.cancel()
            upload = self.store.begin()
        self.restarted(upload.offset)
        return upload

    def _from_zero(self, error: NotFound) -> Upload:
        """Begin anew what the store forgot; chunks in between may well be taken."""
        self._forgotten += 1
        if self._forgotten > _FORGETTING:
            raise error
        return self.store.begin()

    def _commit(self, upload: Upload, digest: Digest) -> None:
        blob = Descriptor(media_type=_OCTETS, digest=digest, size=self.size)
        try:
            upload.commit(digest)
        except NotFound:
            # The answer to an earlier try may have been lost on its way here.
            if not self.store.has(blob):
                raise
        except ContentError:
            # What the store holds is not what was hashed here: never resume it.
            self._leave(upload)
            raise


def digest_of(blocks: Blocks, size: int, check: Callable[[], None]) -> Digest:
    """Hash a source from end to end."""
    sha256 = hashlib.sha256()
    for block in blocks(0, size):
        check()
        sha256.update(block)
    return Digest.made(sha256)
