"""The list of referrers under a tag, for registries without a referrers API.

Source: distribution-spec, "Referrers Tag Schema". The tag is read, extended and
written with nothing to lock it, so that two writers can lose each other's
entry. Whoever writes looks again, and writes until its entry is listed beside all
that it has seen there: at once, and once more after a time in which a writer that
had read before could have ended. Nothing in the protocol does better.
"""

from __future__ import annotations

import random
import re
import time
from typing import Final, Protocol

from modelpack.errors import NotFound, RegistryError
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Document, Index, Manifest, parse_any
from modelpack.oci.patience import Patience

_ROUNDS: Final = 60
_QUIET_SECONDS: Final = 0.1
_CYCLES: Final = 3  # of reading and writing: what another writer may take
_TAG: Final = re.compile(r"sha256-[0-9a-f]{64}")


class Shelf(Protocol):
    """The two verbs of a store that this needs."""

    def get_manifest(self, selector: str | Digest) -> Document: ...
    def put_manifest(self, document: Document, tag: str = "") -> None: ...


def listed(shelf: Shelf, subject: Digest) -> tuple[Descriptor, ...]:
    """Return what the fallback tag lists; nothing where there is no list.

    ``cosign copy`` gives the artifact itself a tag of this name; as cosign and
    oras do, the list takes its place when there is something to be listed.
    """
    try:
        found = parse_any(shelf.get_manifest(tag_of(subject)))
    except NotFound:
        return ()
    return found.manifests if isinstance(found, Index) else ()


def enlist(shelf: Shelf, subject: Digest, document: Document) -> None:
    """List ``document`` as a referrer of ``subject``, and lose nobody else's."""
    entry = describe(document)
    seen: dict[Digest, Descriptor] = {}
    took, looked = 0.0, False
    for attempt in range(_ROUNDS):
        started = time.monotonic()
        current = {d.digest: d for d in listed(shelf, subject)}
        if entry.digest in current and seen.keys() <= current.keys():
            if looked or not attempt:
                return
            looked = True
            time.sleep(max(_QUIET_SECONDS, took * _CYCLES))
            continue
        looked = False
        seen |= current
        seen[entry.digest] = entry
        ordered = tuple(seen[digest] for digest in sorted(seen))
        shelf.put_manifest(Index.build(ordered).document, tag_of(subject))
        took = max(took, time.monotonic() - started)
        if attempt:  # somebody else is at it: do not meet again
            time.sleep(random.uniform(0, took * _CYCLES))  # noqa: S311
    raise _restless(subject)


def delist(shelf: Shelf, subject: Digest, gone: Digest, patience: Patience) -> None:
    """Take a deleted referrer off the list (distribution-spec, "Deleting Manifests").

    Where another writer puts it back, it is taken off again; one that began
    before and ends after this leaves an entry that leads nowhere.
    """
    for attempt in range(_ROUNDS):
        current = listed(shelf, subject)
        rest = tuple(entry for entry in current if entry.digest != gone)
        if len(rest) == len(current):
            return
        shelf.put_manifest(Index.build(rest).document, tag_of(subject))
        if attempt:
            _pause(patience)
    raise _restless(subject)


def tag_of(subject: Digest) -> str:
    """Return the fallback tag: at most 128 characters, as the grammar allows."""
    return f"{subject.algorithm}-{subject.hex}"[:128]


def is_tag(tag: str) -> bool:
    """Whether a tag is a list of referrers, by its name."""
    return _TAG.fullmatch(tag) is not None


def describe(document: Document) -> Descriptor:
    """Return a referrer's descriptor as a list of referrers shows it."""
    parsed = parse_any(document)
    kind = parsed.artifact_type
    if not kind and isinstance(parsed, Manifest):
        kind = parsed.config.media_type
    return Descriptor(
        media_type=document.media_type,
        digest=document.descriptor.digest,
        size=len(document.raw),
        artifact_type=kind,
        annotations=parsed.annotations,
    )


def _pause(patience: Patience) -> None:
    lost = RegistryError("another writer changed the referrers", status=503)
    patience.wait(patience.first, lost)


def _restless(subject: Digest) -> RegistryError:
    return RegistryError(
        f"the list of referrers of {subject} changes too often",
        where=tag_of(subject),
        hint="run the command again when other writers have ended",
    )
