"""The statements that lie beside an artifact: who says what, and whether it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from modelpack.attestation.bundle import Bundle
from modelpack.attestation.evidence import About, Unjudgeable, Verifier, verified
from modelpack.attestation.statement import Statement
from modelpack.errors import (
    ContentError,
    InvalidInput,
    NotFound,
    VerificationError,
)
from modelpack.oci.digest import Digest
from modelpack.oci.store import Source
from modelpack.workflows.gather import candidates
from modelpack.workflows.verify import about

__all__ = ["Beside", "statements_beside"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A statement about an artifact. ``name`` says where it lies.

    ``verified``: its signature holds, by somebody who is believed. Otherwise the
    ``signer`` is only what the bundle says of itself.
    """

    name: str
    statement: Statement
    signer: str
    verified: bool
    bundle: Bundle

    @property
    def kind(self) -> str:
        return self.statement.predicate_type


def statements_beside(
    source: Source,
    digest: Digest,
    signer_of: Callable[[Bundle], str],
    verifier: Verifier | None = None,
) -> tuple[Beside, ...]:
    """Return them by type and signer; what is about something else is left out."""
    subject = about(source.get_manifest(digest))
    found = _found(source, subject, signer_of, verifier)
    return tuple(sorted(found, key=lambda each: (each.kind, each.signer, each.name)))


def _found(
    source: Source,
    subject: About,
    signer_of: Callable[[Bundle], str],
    verifier: Verifier | None,
) -> Iterator[Beside]:
    for candidate in candidates(source, subject.digest):
        try:
            bundle = candidate.read()
            if bundle is None:
                continue
            statement = bundle.envelope.statement()
            subject.check(statement)
        except Unjudgeable:
            raise
        except (InvalidInput, ContentError, VerificationError, NotFound):
            continue
        signer = _proven(bundle, subject, verifier)
        yield Beside(
            name=candidate.name,
            statement=statement,
            signer=signer or signer_of(bundle),
            verified=bool(signer),
            bundle=bundle,
        )


def _proven(bundle: Bundle, subject: About, verifier: Verifier | None) -> str:
    if verifier is None:
        return ""
    try:
        return str(verified(bundle, subject, verifier).proven.signer)
    except (VerificationError, InvalidInput):
        return ""
