"""What reading an image layout means, wherever its bytes lie."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Iterator, Sequence
from typing import Final

from modelpack.disk.layout.entries import Entries
from modelpack.disk.layout.extent import Extent, ExtentBody
from modelpack.errors import ContentError, InvalidInput, NotFound
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import (
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    INDEX,
    MANIFEST,
    MAX_BYTES,
    Document,
    Index,
    Manifest,
    parse_any,
)
from modelpack.oci.reference import parse_tag

_INDEXES: Final = (INDEX, DOCKER_INDEX)
_MANIFESTS: Final = (MANIFEST, DOCKER_MANIFEST, *_INDEXES)
_MAX_DEPTH: Final = 4
_MAX_NESTED: Final = 10_000


class LayoutReader(abc.ABC):
    """Implements ``Source`` over an index and blobs that are found by digest."""

    def __init__(self, where: str) -> None:
        self._where = where
        # What never changes under one digest: its subject, and how it is listed.
        self._attached: dict[Digest, tuple[Digest | None, Descriptor]] = {}

    @abc.abstractmethod
    def find(self, digest: Digest) -> Extent | None:
        """Open the blob, if it is there."""

    @abc.abstractmethod
    def entries(self) -> Entries:
        """Read the layout's index."""

    def get_manifest(self, selector: str | Digest) -> Document:
        document = self._load(self.resolve(selector))
        if document is None:
            raise self._unknown(selector)
        return document

    def resolve(self, selector: str | Digest) -> Descriptor:
        """Return what a tag or a digest stands for; else ``NotFound``."""
        entries = self.entries()
        if isinstance(selector, Digest):
            entry = entries.digest(selector)
            found = entry.descriptor if entry else self._nested(entries, selector)
        else:
            found = self._tagged(entries, selector)
        if found is None:
            raise self._unknown(selector)
        return found

    def _unknown(self, selector: str | Digest) -> NotFound:
        return NotFound(
            f"no manifest {selector}",
            status=404,
            code="MANIFEST_UNKNOWN",
            where=self._where,
        )

    def _tagged(self, entries: Entries, tag: str) -> Descriptor | None:
        entry = entries.tag(tag)
        if entry is None and tag == "latest" and len(entries.entries) == 1:
            # crane and skopeo write a sole image without a name; who names no
            # tag of such a layout (and so asks for "latest") means that one.
            sole = entries.entries[0]
            return sole.descriptor if not sole.tag else None
        return entry.descriptor if entry else None

    def _nested(self, entries: Entries, digest: Digest) -> Descriptor | None:
        """Seek a manifest that only an index within the layout lists."""
        level = [entry.descriptor for entry in entries]
        seen: set[Digest] = set()
        for _ in range(_MAX_DEPTH):
            children = {
                child.digest: child
                for descriptor in level
                if descriptor.media_type in _INDEXES
                for child in self._children(descriptor)
            }
            if digest in children:
                return children[digest]
            level = [child for child in children.values() if child.digest not in seen]
            seen.update(children)
            if len(seen) > _MAX_NESTED:
                raise InvalidInput(
                    f"more than {_MAX_NESTED} nested manifests", where=self._where
                )
        return None

    def _children(self, index: Descriptor) -> Sequence[Descriptor]:
        document = self._load(index)
        return () if document is None else Index.parse(document.raw).manifests

    def _load(self, manifest: Descriptor) -> Document | None:
        """Read a manifest and check it; None where the layout does not hold it."""
        extent = self.find(manifest.digest)
        if extent is None:
            return None
        with extent:
            if extent.size > MAX_BYTES:
                raise InvalidInput(
                    f"manifest of {extent.size} bytes; the limit is {MAX_BYTES}",
                    where=extent.where,
                )
            raw = extent.content()
        hasher = manifest.digest.hasher()
        hasher.update(raw)
        if len(raw) != manifest.size or hasher.hexdigest() != manifest.digest.hex:
            raise ContentError(
                "the bytes are not those that the index promises", where=extent.where
            )
        return Document(raw, manifest.media_type)

    def open(
        self, blob: Descriptor, start: int = 0, end: int | None = None
    ) -> ExtentBody:
        extent = self.find(blob.digest)
        if extent is None:
            raise NotFound(
                f"no blob {blob.digest}",
                status=404,
                code="BLOB_UNKNOWN",
                where=self._where,
            )
        if extent.size != blob.size:
            extent.close()
            raise ContentError(
                f"{extent.size} bytes, {blob.size} were promised", where=extent.where
            )
        return ExtentBody(extent, start, end)

    def has(self, blob: Descriptor) -> bool:
        """Whether the blob is there, with the size that was promised."""
        return self.size_of(blob.digest) == blob.size

    def size_of(self, digest: Digest) -> int | None:
        """Return the size of a blob, if it is there."""
        extent = self.find(digest)
        if extent is None:
            return None
        with extent:
            return extent.size

    def reachable(self) -> set[Digest]:
        """Return every digest that the layout's manifests refer to, and their own."""
        found: set[Digest] = set()
        waiting = [entry.descriptor for entry in self.entries()]
        while waiting:
            descriptor = waiting.pop()
            if descriptor.digest in found:
                continue
            found.add(descriptor.digest)
            if descriptor.media_type in _MANIFESTS:
                document = self._load(descriptor)
                with contextlib.suppress(InvalidInput):
                    waiting.extend(parse_any(document).children() if document else ())
        return found

    def tags(self) -> Sequence[str]:
        return sorted({entry.tag for entry in self.entries() if _is_tag(entry.tag)})

    def referrers(
        self, subject: Digest, artifact_type: str = ""
    ) -> Sequence[Descriptor]:
        entries = self.entries()
        candidates = {
            descriptor.digest: descriptor
            for descriptor in self._candidates(entries, subject)
            if descriptor.media_type in _MANIFESTS
        }
        self._attached = {d: a for d, a in self._attached.items() if d in candidates}
        found = []
        for candidate in candidates.values():
            attached = self._attachment(candidate)
            if attached is None or attached[0] != subject:
                continue
            if artifact_type in ("", attached[1].artifact_type):
                found.append(attached[1])
        return found

    def _candidates(self, entries: Entries, subject: Digest) -> Iterator[Descriptor]:
        yield from (entry.descriptor for entry in entries)
        # distribution-spec, "Enabling the Referrers API": what clients listed
        # under the fallback tag before is listed, too, if its subject is right.
        listed = entries.tag(f"{subject.algorithm}-{subject.hex[:64]}")
        if listed is not None and listed.descriptor.media_type in _INDEXES:
            yield from self._children(listed.descriptor)

    def _attachment(
        self, manifest: Descriptor
    ) -> tuple[Digest | None, Descriptor] | None:
        known = self._attached.get(manifest.digest)
        if known is None:
            document = self._load(manifest)
            if document is None:
                return None
            try:
                known = _attachment(document, manifest)
            except InvalidInput:
                return None  # what nobody can parse is attached to nothing
            self._attached[manifest.digest] = known
        return known


def _attachment(
    document: Document, manifest: Descriptor
) -> tuple[Digest | None, Descriptor]:
    """Return the subject, and the descriptor by which a referrer is listed."""
    parsed = parse_any(document)
    # distribution-spec, "Listing Referrers": the config's type stands in for a
    # missing artifactType; an index has none.
    kind = parsed.artifact_type or (
        parsed.config.media_type if isinstance(parsed, Manifest) else ""
    )
    return parsed.subject.digest if parsed.subject else None, Descriptor(
        media_type=parsed.media_type,
        digest=manifest.digest,
        size=len(document.raw),
        artifact_type=kind,
        annotations=parsed.annotations,
    )


def _is_tag(name: str) -> bool:
    try:
        parse_tag(name)
    except InvalidInput:
        return False
    return True
