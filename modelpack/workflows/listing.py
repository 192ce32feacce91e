"""What a place holds, and what refers to an artifact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from modelpack.errors import UnusableArtifact
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Document
from modelpack.oci.reference import parse_tag
from modelpack.oci.store import Source, Store

_MAX_REFERRERS: Final = 1000
_MAX_DEPTH: Final = 8


@dataclass(frozen=True, slots=True)
class Branch:
    """An artifact and what refers to it."""

    descriptor: Descriptor
    referrers: tuple[Branch, ...]


def tree(source: Source, selector: str | Digest) -> Branch:
    """Return the referrers of an artifact, and theirs.

    A digest cannot contain itself, but a registry can list what it likes: each
    artifact is followed once, and their number and depth are bounded.
    """
    root = source.get_manifest(selector).descriptor
    return _branch(source, root, {root.digest}, 0)


def _branch(
    source: Source, descriptor: Descriptor, seen: set[Digest], depth: int
) -> Branch:
    branches = []
    found = source.referrers(descriptor.digest)
    for referrer in sorted(found, key=lambda d: (d.artifact_type, d.digest)):
        if referrer.digest in seen:
            raise UnusableArtifact(
                f"{referrer.digest} is listed twice among the referrers",
                where=str(descriptor.digest),
            )
        seen.add(referrer.digest)
        if len(seen) > _MAX_REFERRERS or depth >= _MAX_DEPTH:
            raise UnusableArtifact(
                f"more than {_MAX_REFERRERS} referrers, or {_MAX_DEPTH} levels of them",
                where=str(descriptor.digest),
            )
        branches.append(_branch(source, referrer, seen, depth + 1))
    return Branch(descriptor, tuple(branches))


def tag(store: Store, selector: str | Digest, *tags: str) -> Document:
    """Let each of ``tags`` point to an artifact; return it."""
    document = store.get_manifest(selector)
    for name in map(parse_tag, tags):
        store.put_manifest(document, name)
    return document
