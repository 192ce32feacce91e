"""What policies ask about images, answered from stores."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from modelpack.attestation.bundle import Bundle
from modelpack.attestation.envelope import Envelope
from modelpack.attestation.evidence import (
    About,
    Candidate,
    Unjudgeable,
    VerifiedStatement,
    Verifier,
    reason,
    verified,
)
from modelpack.errors import (
    ContentError,
    InvalidInput,
    NotFound,
    UnusableArtifact,
    VerificationError,
)
from modelpack.oci.digest import Digest
from modelpack.oci.fields import Fields
from modelpack.oci.manifest import Index, parse_any
from modelpack.oci.store import Source, read_whole
from modelpack.oci.strict_json import strict_json
from modelpack.policy.evaluation.evidence import Image, Signed
from modelpack.policy.image_reference import ImageReference
from modelpack.policy.kyverno.attestor import Attestor
from modelpack.workflows.gather import Budget, older, referring

__all__ = ["StoreEvidence"]

_MOST_CONFIG: Final = 4 << 20


@dataclass(slots=True)
class _Candidates:
    """What may be signed statements about one digest, each read once."""

    bundles: list[tuple[str, Bundle]] = field(default_factory=list)
    olders: list[tuple[str, Bundle]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


class StoreEvidence:
    """Implements ``Evidence`` over the stores that ``find`` gives.

    What was gathered about a digest is kept as long as this is: for one decision.
    """

    def __init__(
        self,
        find: Callable[[ImageReference], Source],
        verifier_of: Callable[[Attestor], Verifier],
    ) -> None:
        self._find = find
        self._verifier_of = verifier_of
        self._verifiers: dict[Attestor, Verifier] = {}
        self._candidates: dict[tuple[str, Digest], _Candidates] = {}
        self._signed: dict[tuple[str, Digest, Attestor], Signed] = {}
        self._lock = threading.Lock()

    def image(self, reference: ImageReference) -> Image:
        """Fetch an artifact's manifest and config, both checked by their digests."""
        source = self._find(reference)
        document = source.get_manifest(reference.digest or reference.tag)
        manifest = parse_any(document)
        if isinstance(manifest, Index):
            raise UnusableArtifact(
                "is an index, of which policies see no config", where=reference.text
            )
        config = read_whole(source, manifest.config, limit=_MOST_CONFIG)
        return Image(
            digest=document.descriptor.digest,
            manifest=Fields.of_json(document.raw, where=reference.text).members,
            config=Fields.of_json(config, where=f"{reference.text}: config").members,
        )

    def signed(self, reference: ImageReference, attestor: Attestor) -> Signed:
        """Gather what an attestor has signed about a digest, and check it."""
        digest = reference.digest
        if digest is None:
            raise InvalidInput("names no digest", where=reference.text)
        key = reference.name, digest, attestor
        with self._lock:
            if key not in self._signed:
                if key[:2] not in self._candidates:
                    source = self._find(reference)
                    self._candidates[key[:2]] = _gathered(source, digest)
                if attestor not in self._verifiers:
                    self._verifiers[attestor] = self._verifier_of(attestor)
                self._signed[key] = _judged(
                    self._candidates[key[:2]], digest, self._verifiers[attestor]
                )
            return self._signed[key]


def _gathered(source: Source, digest: Digest) -> _Candidates:
    """Read all that may be signed about a digest, in the registry's own order."""
    found = _Candidates()
    budget = Budget(digest=digest)
    listed = source.referrers(digest)
    place = {str(descriptor.digest): index for index, descriptor in enumerate(listed)}
    bundles = sorted(
        referring(source, listed, digest, budget), key=lambda c: place[c.name]
    )
    _read(bundles, found.bundles, found.broken)
    _read(older(source, digest, budget), found.olders, found.broken)
    return found


def _read(
    candidates: Iterable[Candidate],
    into: list[tuple[str, Bundle]],
    broken: list[str],
) -> None:
    for candidate in candidates:
        try:
            bundle = candidate.read()
        except Unjudgeable:
            raise
        except (InvalidInput, ContentError, VerificationError, NotFound) as error:
            broken.append(f"{candidate.name}: {reason(error)}")
        else:
            if bundle is not None:
                into.append((candidate.name, bundle))


def _judged(candidates: _Candidates, digest: Digest, verifier: Verifier) -> Signed:
    """Check every bundle; a broken one beside a good one does no harm."""
    about = About(digest)
    statements: list[VerifiedStatement] = []
    set_aside = list(candidates.broken)
    unreadable = False
    for name, bundle in candidates.bundles:
        try:
            statements.append(verified(bundle, about, verifier, name))
        except (InvalidInput, VerificationError) as error:
            set_aside.append(f"{name}: {reason(error)}")
            unreadable = unreadable or _says_no_object(bundle, verifier)
    return Signed(
        statements=tuple(statements),
        older=not candidates.bundles
        and any(_holds(bundle, about, verifier) for _, bundle in candidates.olders),
        unreadable=unreadable,
        set_aside=tuple(set_aside),
    )


def _holds(bundle: Bundle, about: About, verifier: Verifier) -> bool:
    """Whether a signature in cosign's older form holds; an attestation is none."""
    if isinstance(bundle.envelope, Envelope):
        return False
    try:
        verified(bundle, about, verifier)
    except (InvalidInput, VerificationError):
        return False
    return True


def _says_no_object(bundle: Bundle, verifier: Verifier) -> bool:
    """Whether an accepted signature is over a predicate that is a text or a list."""
    envelope = bundle.envelope
    if not isinstance(envelope, Envelope):
        return False
    try:
        document = strict_json(envelope.payload, where="statement")
        verifier.verify(bundle)
    except (InvalidInput, VerificationError):
        return False
    predicate = document.get("predicate", {}) if isinstance(document, dict) else None
    return predicate is not None and not isinstance(predicate, dict)
