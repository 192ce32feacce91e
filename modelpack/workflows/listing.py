"""What a place holds, and what refers to an artifact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from modelpack.attestation.bundle import Bundle
from modelpack.attestation.evidence import Unjudgeable
from modelpack.errors import (
    ContentError,
    InvalidInput,
    NotFound,
    UnusableArtifact,
    VerificationError,
)
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Document
from modelpack.oci.reference import parse_tag
from modelpack.oci.store import Source, Store
from modelpack.workflows.gather import Budget, referring

_MAX_REFERRERS: Final = 1000
_MAX_DEPTH: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a bundle says, and who it says has signed it. Not verified."""

    predicate_type: str
    signer: str


@dataclass(frozen=True, slots=True)
class Branch:
    """An artifact and what refers to it; ``claim`` where it is a signed statement."""

    descriptor: Descriptor
    referrers: tuple[Branch, ...]
    claim: Claim | None = None


@dataclass(slots=True)
class Tree:
    """Grows the tree of what refers to an artifact.

    A digest cannot contain itself, but a registry can list what it likes: each
    artifact is followed once, and their number and depth are bounded.
    """

    source: Source
    signer_of: Callable[[Bundle], str]
    _seen: set[Digest] = field(default_factory=set)
    _budget: Budget = field(default_factory=Budget)

    def grow(self, selector: str | Digest) -> Branch:
        """Return an artifact with its referrers, and theirs."""
        root = self.source.get_manifest(selector).descriptor
        self._seen = {root.digest}
        self._budget = Budget(digest=root.digest)  # one for all that is read
        return Branch(root, self._referrers(root.digest, 0))

    def _referrers(self, subject: Digest, depth: int) -> tuple[Branch, ...]:
        found = sorted(
            self.source.referrers(subject), key=lambda d: (d.artifact_type, d.digest)
        )
        for referrer in found:
            self._note(referrer.digest, subject, depth)
        claims = self._claims(subject, found)
        return tuple(
            Branch(
                referrer,
                self._referrers(referrer.digest, depth + 1),
                claims.get(str(referrer.digest)),
            )
            for referrer in found
        )

    def _note(self, referrer: Digest, subject: Digest, depth: int) -> None:
        if referrer in self._seen:
            raise UnusableArtifact(
                f"{referrer} is listed twice among the referrers", where=str(subject)
            )
        self._seen.add(referrer)
        if len(self._seen) > _MAX_REFERRERS or depth >= _MAX_DEPTH:
            raise UnusableArtifact(
                f"more than {_MAX_REFERRERS} referrers, or {_MAX_DEPTH} levels of them",
                where=str(subject),
            )

    def _claims(
        self, subject: Digest, listed: Sequence[Descriptor]
    ) -> dict[str, Claim]:
        found = {}
        for candidate in referring(self.source, listed, subject, self._budget):
            try:
                bundle = candidate.read()
                if bundle is None:
                    continue
                statement = bundle.envelope.statement()
            except Unjudgeable:
                raise
            except (InvalidInput, ContentError, VerificationError, NotFound):
                continue
            found[candidate.name] = Claim(
                predicate_type=statement.predicate_type, signer=self.signer_of(bundle)
            )
        return found


def tag(store: Store, selector: str | Digest, *tags: str) -> Document:
    """Let each of ``tags`` point to an artifact; return it."""
    document = store.get_manifest(selector)
    for name in map(parse_tag, tags):
        store.put_manifest(document, name)
    return document
