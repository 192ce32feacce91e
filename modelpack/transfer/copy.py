"""Copy blobs from one store to another: each is read and written once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from modelpack.errors import ContentError, UnusableArtifact
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Index, Manifest, parse_any
from modelpack.oci.store import Blocks, Source
from modelpack.transfer.crew import Crew
from modelpack.transfer.send import Outgoing, Sender

_BLOCK: Final = 1 << 20
_MOST_MANIFESTS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Copy:
    """Copies from ``source`` to where ``sender`` sends."""

    source: Source
    sender: Sender
    crew: Crew

    def artifact(self, descriptor: Descriptor, tag: str = "") -> None:
        """Copy a manifest or index and all that it points to.

        Children land before their manifest, so that an interrupted copy leaves
        blobs that nothing refers to, and never a manifest with holes. Each is copied
        once, however often it is named.
        """
        self._artifact(descriptor, tag, set())

    def _artifact(self, descriptor: Descriptor, tag: str, seen: set[Digest]) -> None:
        if descriptor.digest in seen:
            return
        seen.add(descriptor.digest)
        if len(seen) > _MOST_MANIFESTS:
            raise UnusableArtifact(
                f"points to more than {_MOST_MANIFESTS} manifests",
                where=str(descriptor.digest),
            )
        document = self.source.get_manifest(descriptor.digest)
        parsed = parse_any(document)
        if isinstance(parsed, Index):
            for child in parsed.manifests:
                self._artifact(child, "", seen)
        else:
            self._blobs(parsed)
        self.sender.store.put_manifest(document, tag)

    def _blobs(self, manifest: Manifest) -> None:
        unique = {blob.digest: blob for blob in manifest.children()}
        self.crew.run(partial(self._blob, blob) for blob in unique.values())

    def _blob(self, blob: Descriptor) -> None:
        self.sender.send(
            Outgoing(
                name=_name(blob),
                key=str(blob.digest),
                size=blob.size,
                blocks=stored_blocks(self.source, blob),
                digest=blob.digest,
            )
        )


def _name(blob: Descriptor) -> str:
    """Return what people know a blob by: the file that it is, or else its digest."""
    return (
        blob.annotations.get("org.cncf.model.filepath")
        or blob.annotations.get("org.opencontainers.image.title")
        or str(blob.digest)
    )


def stored_blocks(source: Source, blob: Descriptor) -> Blocks:
    """Offer a blob in a store as the source of an upload.

    The bytes are hashed where they are received: an upload commits under the
    digest of what it sent, and the receiving store checks it.
    """

    def blocks(start: int, end: int) -> Iterator[memoryview]:
        buffer = memoryview(bytearray(_BLOCK))
        with source.open(blob, start, end) as body:
            at = body.start
            while at < end:
                count = body.read_into(buffer[: min(_BLOCK, end - at)])
                if not count:
                    raise ContentError(f"{blob.digest}: ends at {at} of {blob.size}")
                # A store that cannot begin in the middle gives the rest as well.
                skipped = min(max(start - at, 0), count)
                at += count
                if skipped < count:
                    yield buffer[skipped:count]

    return blocks
