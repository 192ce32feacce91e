"""A store in memory: the reference implementation, and the tests' store."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from modelpack.errors import ContentError, InvalidInput, NotFound
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Document, Manifest, parse_any
from modelpack.oci.store import Blocks


class MemoryBody:
    """An open read of bytes in memory."""

    def __init__(self, content: bytes, start: int, end: int) -> None:
        self._view = memoryview(content)[start:end]
        self.start = start

    def read_into(self, buffer: memoryview, /) -> int:
        count = min(len(buffer), len(self._view))
        buffer[:count] = self._view[:count]
        self._view = self._view[count:]
        return count

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._view.release()


@dataclass(slots=True)
class MemoryUpload:
    """An upload into a ``MemoryStore``."""

    _store: MemoryStore
    session: str
    smallest_chunk: int = 0
    _content: bytearray = field(default_factory=bytearray)

    @property
    def offset(self) -> int:
        return len(self._content)

    def append(self, blocks: Blocks, size: int) -> None:
        start = self.offset
        for block in blocks(start, start + size):
            self._content += block

    def sync(self) -> int:
        if self.session not in self._store.uploads:
            raise NotFound(f"upload {self.session} is not known")
        return self.offset

    def commit(self, digest: Digest) -> None:
        self._store.keep(digest, bytes(self._content))
        self.cancel()

    def cancel(self) -> None:
        self._store.uploads.pop(self.session, None)


@dataclass(slots=True)
class MemoryStore:
    """Implements ``Store``; safe to push to from several threads."""

    _blobs: dict[Digest, bytes] = field(default_factory=dict)
    _manifests: dict[Digest, Document] = field(default_factory=dict)
    _tags: dict[str, Digest] = field(default_factory=dict)
    uploads: dict[str, MemoryUpload] = field(default_factory=dict)

    def get_manifest(self, selector: str | Digest) -> Document:
        digest = self._tags.get(selector) if isinstance(selector, str) else selector
        if digest is None or digest not in self._manifests:
            raise NotFound(f"no manifest {selector}", status=404)
        return self._manifests[digest]

    def open(
        self, blob: Descriptor, start: int = 0, end: int | None = None
    ) -> MemoryBody:
        if blob.digest not in self._blobs:
            raise NotFound(f"no blob {blob.digest}", status=404)
        content = self._blobs[blob.digest]
        return MemoryBody(content, start, len(content) if end is None else end)

    def referrers(
        self, subject: Digest, artifact_type: str = ""
    ) -> Sequence[Descriptor]:
        found = []
        for digest, document in self._manifests.items():
            parsed = parse_any(document)
            if parsed.subject is None or parsed.subject.digest != subject:
                continue
            kind = parsed.artifact_type or (
                parsed.config.media_type if isinstance(parsed, Manifest) else ""
            )
            if artifact_type in ("", kind):
                found.append(
                    Descriptor(
                        media_type=document.media_type,
                        digest=digest,
                        size=len(document.raw),
                        artifact_type=kind,
                        annotations=parsed.annotations,
                    )
                )
        return found

    def tags(self) -> Sequence[str]:
        return sorted(self._tags)

    def has(self, blob: Descriptor) -> bool:
        return len(self._blobs.get(blob.digest, b"")) == blob.size and (
            blob.digest in self._blobs
        )

    def begin(self, session: str = "") -> MemoryUpload:
        if session:
            if session not in self.uploads:
                raise NotFound(f"upload {session} is not known")
            return self.uploads[session]
        upload = MemoryUpload(self, secrets.token_hex(8))
        self.uploads[upload.session] = upload
        return upload

    def put_blob(self, blob: Descriptor, blocks: Blocks) -> None:
        self.keep(blob.digest, b"".join(bytes(b) for b in blocks(0, blob.size)))

    def mount(self, blob: Descriptor, origin: str) -> bool:
        del origin  # one store is one repository
        return self.has(blob)

    def put_manifest(self, document: Document, tag: str = "") -> None:
        parsed = parse_any(document)
        for child in parsed.children():
            known = self._blobs if isinstance(parsed, Manifest) else self._manifests
            if child.digest not in known:
                raise InvalidInput(f"{child.digest} is missing; push it first")
        digest = document.descriptor.digest
        self._manifests[digest] = document
        if tag:
            self._tags[tag] = digest

    def delete(self, selector: str | Digest) -> None:
        if isinstance(selector, str):
            if self._tags.pop(selector, None) is None:
                raise NotFound(f"no tag {selector}", status=404)
            return
        if self._manifests.pop(selector, None) is None:
            raise NotFound(f"no manifest {selector}", status=404)
        self._tags = {t: d for t, d in self._tags.items() if d != selector}

    def keep(self, digest: Digest, content: bytes) -> None:
        """Store bytes that have been checked against ``digest``."""
        hasher = digest.hasher()
        hasher.update(content)
        if hasher.hexdigest() != digest.hex:
            raise ContentError(f"{digest}: the bytes sent have another digest")
        self._blobs[digest] = content
