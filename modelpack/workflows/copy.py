"""Copy an artifact to another place, with its signatures and all that refers to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from modelpack.errors import NotFound, UnusableArtifact
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Index, parse_any
from modelpack.oci.store import Source
from modelpack.transfer.copy import Copy
from modelpack.transfer.progress import Planned
from modelpack.workflows.attach import legacy_tag

__all__ = ["Copied", "copy"]

MAX_REFERRERS: Final = 1000
MAX_DEPTH: Final = 8

# cosign 2 keeps what refers to an artifact under tags, made from its digest.
_OLDER: Final = ("sig", "att", "sbom")


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What was copied: the artifact, what refers to it, and tags of cosign 2's."""

    descriptor: Descriptor
    referrers: tuple[Descriptor, ...]
    tags: tuple[str, ...]


def copy(
    selector: str | Digest, copying: Copy, *, tag: str = "", referrers: bool = True
) -> Copied:
    """Copy an artifact, and let ``tag``, if there is one, point to it.

    The tag moves last: whoever sees it sees what is signed beside it. Raises
    ``UnusableArtifact`` for a list of referrers that names something else, or more
    of them than can be.
    """
    source, store = copying.source, copying.sender.store
    document = source.get_manifest(selector)
    parsed = parse_any(document)
    blobs = () if isinstance(parsed, Index) else parsed.children()
    unique = {blob.digest: blob.size for blob in blobs}
    copying.sender.notify(
        Planned(verb="copy", files=len(unique), size=sum(unique.values()))
    )
    descriptor = document.descriptor
    copying.artifact(descriptor)
    found: tuple[Descriptor, ...] = ()
    tags: tuple[str, ...] = ()
    if referrers:
        found = tuple(_referrers(source, descriptor.digest))
        for referrer in found:
            copying.artifact(referrer)
        tags = tuple(_older(copying, descriptor.digest))
    if tag:
        store.put_manifest(document, tag)
    return Copied(descriptor=descriptor, referrers=found, tags=tags)


def _referrers(source: Source, root: Digest) -> Iterator[Descriptor]:
    """Yield what refers to an artifact, and to that again; each once."""
    seen = {root}
    waiting = [(root, 0)]
    while waiting:
        subject, depth = waiting.pop()
        for listed in source.referrers(subject):
            if listed.digest in seen:
                continue
            seen.add(listed.digest)
            if len(seen) > MAX_REFERRERS or depth >= MAX_DEPTH:
                raise UnusableArtifact(
                    f"more than {MAX_REFERRERS} referrers, or {MAX_DEPTH} levels",
                    where=str(root),
                )
            # What it refers to is in its own bytes, whatever the list says.
            document = source.get_manifest(listed.digest)
            about = parse_any(document).subject
            if about is None or about.digest != subject:
                raise UnusableArtifact(
                    f"{listed.digest} is listed as a referrer, and is none",
                    where=str(subject),
                )
            yield document.descriptor
            waiting.append((listed.digest, depth + 1))


def _older(copying: Copy, digest: Digest) -> Iterator[str]:
    for suffix in _OLDER:
        tag = legacy_tag(digest, suffix)
        try:
            document = copying.source.get_manifest(tag)
        except NotFound:
            continue
        copying.artifact(document.descriptor, tag)
        yield tag
