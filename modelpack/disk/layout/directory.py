"""OCI image layouts: a directory as a store (image-spec, "Image Layout")."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from modelpack.disk.layout.entries import Entries
from modelpack.disk.layout.extent import Extent
from modelpack.disk.layout.folder import LayoutFolder
from modelpack.disk.layout.reading import LayoutReader
from modelpack.disk.layout.uploads import LayoutUpload, UploadFolder
from modelpack.errors import InvalidInput, NotFound
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Document, parse_any
from modelpack.oci.reference import parse_tag
from modelpack.oci.store import Blocks

_UPLOADS: Final = ".uploads"

# image-spec, "Non-Distributable Layers": these need not be in a store.
_ELSEWHERE: Final = (
    "application/vnd.oci.image.layer.nondistributable.",
    "application/vnd.docker.image.rootfs.foreign.",
)


class MissingChild(InvalidInput):
    """A manifest came before what it points to."""


class LayoutStore(LayoutReader):
    """Implements ``Store`` over a directory, which the first write creates.

    Safe between threads and between processes. ``durable`` brings each file to
    the disk before it gets its name; ``among_others`` lets the layout begin in
    a directory that holds other things; ``beneath`` is asked for blobs that
    the directory lacks.
    """

    def __init__(
        self,
        root: Path,
        *,
        durable: bool = True,
        among_others: bool = False,
        beneath: Callable[[Digest], Extent | None] | None = None,
    ) -> None:
        super().__init__(str(root))
        self._folder = LayoutFolder(root, durable=durable, among_others=among_others)
        self._beneath = beneath
        self._uploads = UploadFolder(root / _UPLOADS, self._folder.keep)

    @property
    def exists(self) -> bool:
        """Whether there is a layout already."""
        return self._folder.exists

    def find(self, digest: Digest) -> Extent | None:
        found = self._folder.find(digest)
        return self._beneath(digest) if found is None and self._beneath else found

    def entries(self) -> Entries:
        return self._folder.entries()

    def begin(self, session: str = "") -> LayoutUpload:
        if session:
            return self._uploads.find(session)
        self._folder.create()
        return self._uploads.begin()

    def put_blob(self, blob: Descriptor, blocks: Blocks) -> None:
        self._keep(blob.digest, blocks(0, blob.size))

    def mount(self, blob: Descriptor, origin: str) -> bool:
        del origin  # one layout is one repository
        return self.has(blob)

    def put_manifest(self, document: Document, tag: str = "") -> None:
        digest = document.descriptor.digest
        self.keep_manifest(document, digest, (tag,) if tag else ())

    def keep_manifest(
        self, document: Document, digest: Digest, tags: Sequence[str]
    ) -> None:
        """Store a manifest under a digest of any algorithm, and point tags to it."""
        for tag in tags:
            parse_tag(tag)
        parsed = parse_any(document)
        self._check_children(parsed.children())
        self._keep(digest, [memoryview(document.raw)])
        listed = Descriptor(
            media_type=parsed.media_type,
            digest=digest,
            size=len(document.raw),
            artifact_type=parsed.artifact_type,
        )
        self._folder.change(lambda entries: entries.with_manifest(listed, tags))

    def _check_children(self, children: Iterator[Descriptor]) -> None:
        for child in children:
            if child.media_type.startswith(_ELSEWHERE):
                continue
            size = self.size_of(child.digest)
            if size is None:
                raise MissingChild(f"{child.digest} is missing; push it first")
            if size != child.size:
                raise MissingChild(f"{child.digest} has {size} bytes, not {child.size}")

    def _keep(self, digest: Digest, views: Iterable[memoryview]) -> None:
        with self.uploading() as upload:
            upload.extend(views)
            upload.commit(digest)

    @contextlib.contextmanager
    def uploading(self) -> Iterator[LayoutUpload]:
        """Start an upload that is forgotten if the block fails."""
        upload = self.begin()
        try:
            yield upload
        except BaseException:
            upload.cancel()
            raise

    def delete(self, selector: str | Digest) -> None:
        def removed(entries: Entries) -> Entries:
            if isinstance(selector, str):
                gone, left = entries.tag(selector), entries.without_tag(selector)
            else:
                gone, left = entries.digest(selector), entries.without(selector)
            if gone is None:
                raise self._unknown(selector)
            return left

        if not self.exists:
            raise self._unknown(selector)
        self._folder.change(removed)
        if isinstance(selector, Digest):
            self._folder.remove(selector)

    def delete_blob(self, digest: Digest) -> None:
        """Remove a blob that is no manifest; else ``NotFound``."""
        if self.entries().digest(digest) is not None:
            raise InvalidInput(f"{digest} is a manifest: delete it as one")
        if not self._folder.remove(digest):
            raise NotFound(f"no blob {digest}", status=404, code="BLOB_UNKNOWN")

    def discard(self, digest: Digest) -> None:
        """Remove a blob, whatever needs it."""
        self._folder.remove(digest)

    def change(self, change: Callable[[Entries], Entries]) -> None:
        """Replace the index by what ``change`` makes of it."""
        self._folder.create()
        self._folder.change(change)

    def take_over(self, digest: Digest, origin: LayoutStore) -> bool:
        """Take a blob over from another layout: shared, or else copied."""
        extent = origin.find(digest)
        if extent is None:
            return False
        with extent:
            self._folder.create()
            if not self._folder.link(digest, origin._folder):
                self._keep(digest, extent.blocks())
        return True
