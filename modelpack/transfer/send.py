"""Bring one blob into a store by the shortest way that is safe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from modelpack.errors import ContentError
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.store import Blocks, Store
from modelpack.transfer.progress import Began, Done, Listener, Moved, Restarted
from modelpack.transfer.upload import (
    ChunkedUpload,
    PatchRefused,
    Sending,
    digest_of,
)

SMALL: Final = 1 << 20  # up to here one request beats hashing while sending
_OCTETS: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A blob to be sent: its bytes, and its digest where that is known already.

    ``key`` names this state of the source among the sessions of earlier runs.
    """

    name: str
    key: str
    size: int
    blocks: Blocks
    digest: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Sends blobs to one store.

    ``chunked``: the store takes PATCH. ``may_exist(size)``: something tells that
    a blob of this size is there already, so that hashing first may spare the
    sending. ``mount_from``: repositories of the same registry to look in.
    """

    store: Store
    sending: Sending
    notify: Listener
    width_moved: Callable[[int], None]
    chunked: bool = True
    may_exist: Callable[[int], bool] = lambda _: False
    mount_from: tuple[str, ...] = ()

    def send(self, blob: Outgoing) -> Digest:
        """Return the blob's digest once the store has it."""
        self.notify(Began(name=blob.name, size=blob.size))
        digest = blob.digest
        hash_first = (
            blob.size <= SMALL
            or not self.chunked
            or self.may_exist(blob.size)
            or self.sending.sessions.finished(blob.key)
        )
        if digest is None and hash_first:
            digest = digest_of(blob.blocks, blob.size, self.sending.check)
        if digest is not None:
            here = self._already(blob, digest)
            if here is not None:
                return self._done(blob, digest, here)
        if digest is None or (self.chunked and blob.size > SMALL):
            try:
                return self._done(blob, self._agreed(blob, digest), "moved")
            except PatchRefused:
                digest = digest or digest_of(blob.blocks, blob.size, self.sending.check)
        self._whole(blob, digest)
        return self._done(blob, digest, "moved")

    def _already(
        self, blob: Outgoing, digest: Digest
    ) -> Literal["exists", "mounted"] | None:
        described = _described(blob, digest)
        if self.store.has(described):
            return "exists"
        for origin in self.mount_from:
            if self.store.mount(described, origin):
                return "mounted"
        return None

    def _agreed(self, blob: Outgoing, expected: Digest | None) -> Digest:
        found = self._in_chunks(blob)
        if expected not in (None, found):
            raise ContentError(
                f"its bytes have the digest {found}; {expected} was expected",
                where=blob.name,
                hint="--rehash computes every digest anew",
            )
        return found

    def _in_chunks(self, blob: Outgoing) -> Digest:
        upload = ChunkedUpload(
            store=self.store,
            blocks=blob.blocks,
            size=blob.size,
            key=blob.key,
            sending=self.sending,
            moved=lambda count: self._moved(blob, count),
            resumed=lambda count: self.notify(
                Moved(name=blob.name, count=count, resumed=True)
            ),
            restarted=lambda offset: self.notify(
                Restarted(name=blob.name, offset=offset)
            ),
        )
        return upload.send()

    def _whole(self, blob: Outgoing, digest: Digest) -> None:
        def counted(start: int, end: int) -> Iterator[memoryview]:
            self.notify(Restarted(name=blob.name, offset=start))
            for block in blob.blocks(start, end):
                yield block
                self.sending.check()
                self._moved(blob, len(block))

        self.store.put_blob(_described(blob, digest), counted)

    def _moved(self, blob: Outgoing, count: int) -> None:
        self.width_moved(count)
        self.notify(Moved(name=blob.name, count=count))

    def _done(
        self,
        blob: Outgoing,
        digest: Digest,
        how: Literal["moved", "exists", "mounted"],
    ) -> Digest:
        self.notify(Done(name=blob.name, size=blob.size, digest=digest, how=how))
        return digest


def _described(blob: Outgoing, digest: Digest) -> Descriptor:
    return Descriptor(media_type=_OCTETS, digest=digest, size=blob.size)
