"""Decide whether an artifact carries the signatures that are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from modelpack.attestation.bundle import Bundle
from modelpack.attestation.evidence import (
    About,
    Evidence,
    Identity,
    Unjudgeable,
    VerifiedStatement,
    Verifier,
    judge,
)
from modelpack.attestation.model_signature import ModelFiles
from modelpack.attestation.predicates import MODEL_SIGNATURE, SIGNATURE
from modelpack.errors import (
    ContentError,
    InvalidInput,
    NotFound,
    VerificationError,
)
from modelpack.model.read import read_model
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Document, Manifest, parse_any
from modelpack.oci.store import Source
from modelpack.workflows.gather import candidates

_REASONS_SHOWN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What has to be there: for each type, statements of ``signers`` signers.

    ``annotations`` have to be among those that were signed with the subject.
    """

    types: tuple[str, ...] = (SIGNATURE,)
    signers: int = 1
    annotations: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Nothing asked for would be found in anything.
        if not self.types or self.signers < 1:
            raise InvalidInput("at least one type, by at least one signer")

    def fits(self, found: VerifiedStatement) -> bool:
        """Whether a statement has the annotations."""
        if not self.annotations:
            return True
        if found.statement.predicate_type == MODEL_SIGNATURE:
            return False  # it names files, and has no room for any
        signed = found.statement.subject_of(found.subject).annotations
        return all(signed.get(key) == text for key, text in self.annotations.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Proof that an artifact carries what was asked for.

    ``counted`` are the statements that were; ``evidence`` has the others, too.
    """

    descriptor: Descriptor
    counted: tuple[VerifiedStatement, ...]
    evidence: Evidence

    @property
    def signers(self) -> frozenset[Identity]:
        return frozenset(found.proven.signer for found in self.counted)


def verify(
    source: Source, selector: str | Digest, verifier: Verifier, wanted: Wanted
) -> Verified:
    """Resolve once, read what is attached, and decide.

    1. The reference is resolved to a digest; all that follows names the digest.
    2. Every candidate is fetched and verified (``attestation.evidence.verified``).
    3. A type counts as there when enough different signers have signed it. An
       attestation is no signature: the types are compared exactly.
    """
    document = source.get_manifest(selector)
    descriptor = document.descriptor
    evidence = judge(candidates(source, descriptor.digest), about(document), verifier)
    counted: list[VerifiedStatement] = []
    for kind in wanted.types:
        found = tuple(filter(wanted.fits, evidence.of_type(kind)))
        signers = {each.proven.signer for each in found}
        if len(signers) < wanted.signers:
            raise NotVerified(kind, wanted, len(signers), evidence)
        counted += found
    return Verified(descriptor=descriptor, counted=tuple(counted), evidence=evidence)


def about(document: Document) -> About:
    """Return what statements about an artifact can be about."""
    digest = document.descriptor.digest
    manifest = parse_any(document)
    if not isinstance(manifest, Manifest):
        return About(digest)
    try:
        files = read_model(manifest)
    except InvalidInput:
        return About(digest)  # an image, say: it can be signed as well
    if any(file.digest.algorithm != "sha256" for file in files):
        return About(digest)
    return About(digest, ModelFiles.of({f.path: f.digest.hex for f in files}))


def model_signatures(
    source: Source, selector: str | Digest, verifier: Verifier | None = None
) -> Sequence[Bundle]:
    """Return the model signatures that list the artifact's very files.

    With a ``verifier`` only those that it accepts; without, nobody's signature is
    checked here.
    """
    document = source.get_manifest(selector)
    subject = about(document)
    found = []
    for candidate in candidates(source, document.descriptor.digest):
        try:
            bundle = candidate.read()
            if bundle is None:
                continue
            statement = bundle.envelope.statement()
            if statement.predicate_type == MODEL_SIGNATURE:
                subject.check(statement)
                if verifier is not None:
                    verifier.verify(bundle)
                found.append(bundle)
        except Unjudgeable:
            raise
        except (InvalidInput, ContentError, VerificationError, NotFound):
            continue
    return found


class NotVerified(VerificationError):
    """What was asked for is not there, or does not hold; ``evidence`` says why."""

    def __init__(
        self, kind: str, wanted: Wanted, signers: int, evidence: Evidence
    ) -> None:
        what = "signature" if kind == SIGNATURE else f"statement {kind}"
        if signers:
            said = f"{what}: only {signers} of {wanted.signers} signers"
        elif wanted.annotations and evidence.of_type(kind):
            said = f"no {what} with the annotations that are asked for"
        else:
            said = f"no {what} that holds"
        super().__init__(
            said,
            where=str(evidence.digest),
            hint=_hint(evidence, kind),
        )
        self.evidence = evidence


def _hint(evidence: Evidence, kind: str) -> str:
    reasons = [f"{each.name}: {each.reason}" for each in evidence.set_aside]
    others = sorted(
        {each.statement.predicate_type for each in evidence.statements} - {kind}
    )
    reasons += [f"{other} is signed, but is not what was asked for" for other in others]
    if not reasons:
        return "nothing is attached to it; modelpack sign signs it"
    return "; ".join(_some(reasons))


def _some(reasons: Sequence[str]) -> list[str]:
    shown = list(reasons[:_REASONS_SHOWN])
    if len(reasons) > len(shown):
        shown.append(f"and {len(reasons) - len(shown)} more")
    return shown
