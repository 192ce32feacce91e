"""Where content lives: the interfaces that every store implements.

A store holds blobs and manifests by digest, and tags. Bytes move in blocks
that the caller owns: a reader fills the caller's buffer, an upload takes views
of it, and nothing in between makes a copy. Every method may raise
``RegistryError``, ``AuthenticationError`` or ``LocalError``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self

from modelpack.errors import ContentError
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Document

Blocks = Callable[[int, int], Iterator[memoryview]]
"""``blocks(start, end)`` yields exactly the bytes in between, in order.

Each view is valid until the next one is asked for: it shows a reused buffer.
"""


class Body(Protocol):
    """An open read of one blob. Not verified: whoever reads must hash.

    ``start`` is where the bytes begin: what was asked for, or 0 where the
    store cannot begin in the middle.
    """

    @property
    def start(self) -> int: ...

    def read_into(self, buffer: memoryview, /) -> int:
        """Fill ``buffer`` as far as the body goes; 0 means that it has ended.

        Returns fewer bytes than fit only at the end of the body or where a
        connection gives no more for now; raises ``RegistryError`` when the
        body ends before the length that it promised.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...


class Source(Protocol):
    """A content-addressed store to read from."""

    def get_manifest(self, selector: str | Digest) -> Document:
        """Return the manifest or index under a tag or digest; else ``NotFound``.

        For a digest the bytes are checked against it; for a tag their digest
        is what the tag resolved to.
        """
        ...

    def open(self, blob: Descriptor, start: int = 0, end: int | None = None) -> Body:
        """Begin to read bytes ``start`` to ``end`` of a blob, or ``NotFound``."""
        ...

    def referrers(
        self, subject: Digest, artifact_type: str = ""
    ) -> Sequence[Descriptor]:
        """Return what is attached to ``subject``, in no set order."""
        ...

    def tags(self) -> Sequence[str]:
        """Return every tag, sorted."""
        ...


class Upload(Protocol):
    """A blob on its way in. Its bytes arrive in order.

    ``offset`` is how many bytes the store has confirmed; ``session`` finds this
    upload again, in this process or another; ``smallest_chunk`` is the least that
    one ``append`` may carry, but for the last.
    """

    @property
    def offset(self) -> int: ...

    @property
    def session(self) -> str: ...

    @property
    def smallest_chunk(self) -> int: ...

    def append(self, blocks: Blocks, size: int) -> None:
        """Send the next ``size`` bytes; ``offset`` moves when they are confirmed."""
        ...

    def sync(self) -> int:
        """Ask the store how far it got, and go on from there.

        Raises ``NotFound`` where the store has forgotten the upload.
        """
        ...

    def commit(self, digest: Digest) -> None:
        """Store what was sent under ``digest``; ``ContentError`` if it differs."""
        ...

    def cancel(self) -> None:
        """Let the store forget what was sent. Never raises."""
        ...


class Store(Source, Protocol):
    """A content-addressed store that can also be written to."""

    def has(self, blob: Descriptor) -> bool:
        """Whether the blob is there, with the size that was promised."""
        ...

    def begin(self, session: str = "") -> Upload:
        """Start an upload, or find an earlier one again (else ``NotFound``)."""
        ...

    def put_blob(self, blob: Descriptor, blocks: Blocks) -> None:
        """Store a blob whose digest is known, in one request."""
        ...

    def mount(self, blob: Descriptor, origin: str) -> bool:
        """Take the blob over from another repository; False if that cannot be."""
        ...

    def put_manifest(self, document: Document, tag: str = "") -> None:
        """Store a manifest whose children are there, and let ``tag`` point to it.

        A manifest with a subject is afterwards among the subject's referrers.
        """
        ...

    def delete(self, selector: str | Digest) -> None:
        """Remove a tag, or a manifest by its digest; else ``NotFound``."""
        ...


_BLOCK = 1 << 20


def read_whole(source: Source, blob: Descriptor, *, limit: int) -> bytes:
    """Read a small blob and check it; refuse one that claims more than ``limit``."""
    if blob.size > limit:
        raise ContentError(
            f"{blob.digest} claims {blob.size} bytes; the limit here is {limit}"
        )
    content = bytearray()
    buffer = memoryview(bytearray(min(blob.size + 1, _BLOCK)))
    with source.open(blob) as body:
        while len(content) <= blob.size and (count := body.read_into(buffer)):
            content += buffer[:count]
    if len(content) != blob.size:
        raise ContentError(
            f"{blob.digest}: {len(content)} bytes came, {blob.size} were promised"
        )
    hasher = blob.digest.hasher()
    hasher.update(bytes(content))
    if hasher.hexdigest() != blob.digest.hex:
        raise ContentError(f"{blob.digest}: the bytes have another digest")
    return bytes(content)


def blocks_of(content: bytes) -> Blocks:
    """Offer bytes already in memory for an upload."""

    def blocks(start: int, end: int) -> Iterator[memoryview]:
        view = memoryview(content)
        for at in range(start, end, _BLOCK):
            yield view[at : min(at + _BLOCK, end)]

    return blocks
