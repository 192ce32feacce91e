"""What was signed about one artifact: believed, or set aside with the reason.

Whoever decides about an artifact decides on ``VerifiedStatement`` values, and
only ``verified`` makes one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import InitVar, dataclass
from datetime import datetime
from typing import Final, Protocol

from modelpack.attestation.bundle import Bundle
from modelpack.attestation.model_signature import ModelFiles, signed_files
from modelpack.attestation.predicates import MODEL_SIGNATURE
from modelpack.attestation.statement import Statement
from modelpack.errors import (
    ContentError,
    InvalidInput,
    ModelpackError,
    NotFound,
    VerificationError,
)
from modelpack.oci.digest import Digest

_SEAL: Final = object()


@dataclass(frozen=True, slots=True)
class KeySigner:
    """Whoever holds a private key; ``fingerprint``: SHA-256 of the public one's DER."""

    fingerprint: str

    def __str__(self) -> str:
        return f"key sha256:{self.fingerprint}"

    def document(self) -> dict[str, str]:
        """Return the JSON form."""
        return {"key": f"sha256:{self.fingerprint}"}


@dataclass(frozen=True, slots=True)
class CertificateSigner:
    """Whoever an issuer says it was: a mail address, or a workflow's URI."""

    identity: str
    issuer: str

    def __str__(self) -> str:
        return f"{self.identity} (by {self.issuer})"

    def document(self) -> dict[str, str]:
        """Return the JSON form."""
        return {"identity": self.identity, "issuer": self.issuer}


Identity = KeySigner | CertificateSigner


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What a verifier found out about a signature that holds.

    ``signed_at`` is a time that a log or a time-stamping authority vouches for;
    None where nobody does. ``logged``: an entry in a log was verified, too.
    """

    signer: Identity
    signed_at: datetime | None = None
    logged: bool = False


class Verifier(Protocol):
    """Knows who may sign, and checks signatures."""

    def verify(self, bundle: Bundle) -> Proven:
        """Check the envelope's signature, and all that the bundle adds to it.

        Raises ``VerificationError`` or ``InvalidInput`` with the reason. Says
        nothing about what the payload means.
        """
        ...


class Signer(Protocol):
    """Signs statements."""

    @property
    def identity(self) -> Identity | None:
        """Who signs, where that is known before."""
        ...

    def sign(self, statement: Statement) -> Bundle:
        """Return a bundle over the statement's exact bytes."""
        ...


@dataclass(frozen=True, slots=True)
class VerifiedStatement:
    """Proof that ``proven.signer`` signed ``statement`` about ``subject``.

    ``name`` says where the bundle lies.
    """

    subject: Digest
    statement: Statement
    proven: Proven
    bundle: Bundle
    name: str
    # Not kept: dataclasses.replace would pass it on to whatever is said instead.
    seal: InitVar[object] = None

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("only verified() makes one; there is no other way in")


@dataclass(frozen=True, slots=True)
class About:
    """An artifact that statements are judged about; ``files`` where it is a model."""

    digest: Digest
    files: ModelFiles | None = None

    def check(self, statement: Statement) -> None:
        """Raise ``VerificationError`` unless the statement is about this artifact."""
        if statement.predicate_type != MODEL_SIGNATURE:
            statement.subject_of(self.digest)
        elif self.files is None:
            raise VerificationError("is about the files of a model, which this is not")
        else:
            self.files.check(statement)


def verified(
    bundle: Bundle, about: About, verifier: Verifier, name: str = ""
) -> VerifiedStatement:
    """Check one bundle from end to end, or raise with the reason.

    1. The signature holds, and its signer is one of those expected; with it, log
       entries, certificates and timestamps (``Verifier.verify``).
    2. The payload is an in-toto statement, by the type that is signed with it;
       of a known version, and well-formed. Only now is what it says looked at.
    3. It is about this artifact: its subject is the manifest's digest, or, for a
       model signature, its list of files is the manifest's.
    """
    proven = verifier.verify(bundle)
    statement = bundle.envelope.statement()
    about.check(statement)
    return VerifiedStatement(about.digest, statement, proven, bundle, name, _SEAL)


def verified_model_signature(bundle: Bundle, verifier: Verifier) -> VerifiedStatement:
    """Check a model signature by itself; what it lists has yet to be compared.

    Its subject follows from its list of files, so that it stands for the list.
    """
    proven = verifier.verify(bundle)
    statement = bundle.envelope.statement()
    if statement.predicate_type != MODEL_SIGNATURE:
        raise VerificationError(
            f"{statement.predicate_type[:160]!r} is not a model signature"
        )
    signed_files(statement)
    root = Digest("sha256", statement.subjects[0].digests["sha256"])
    return VerifiedStatement(root, statement, proven, bundle, "", _SEAL)


class Unjudgeable(VerificationError):
    """There is more evidence than can be read: no part of it is judged then."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that may be a signed statement.

    ``name`` says where it lies. ``read`` fetches and parses it: None where it turns
    out to be something else; ``ContentError`` or ``InvalidInput`` where it cannot
    be used.
    """

    name: str
    read: Callable[[], Bundle | None]


@dataclass(frozen=True, slots=True)
class SetAside:
    """A candidate that counts for nothing, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that could be believed about ``digest``, and what could not."""

    digest: Digest
    statements: tuple[VerifiedStatement, ...] = ()
    set_aside: tuple[SetAside, ...] = ()

    def of_type(self, *types: str) -> tuple[VerifiedStatement, ...]:
        """Return the statements of these predicate types."""
        return tuple(s for s in self.statements if s.statement.predicate_type in types)


def judge(
    candidates: Iterable[Candidate], about: About, verifier: Verifier
) -> Evidence:
    """Verify every candidate; a broken one beside a good one does no harm.

    A registry that cannot be read is not a broken candidate: that is raised.
    """
    statements: dict[Digest, VerifiedStatement] = {}
    set_aside = []
    for candidate in candidates:
        try:
            bundle = candidate.read()
            if bundle is None:
                continue
            found = verified(bundle, about, verifier, candidate.name)
        except Unjudgeable:
            raise
        except (InvalidInput, ContentError, VerificationError, NotFound) as error:
            set_aside.append(SetAside(candidate.name, reason(error)))
        else:
            # The same bundle, attached twice, is one statement.
            statements.setdefault(bundle.digest, found)
    return Evidence(
        digest=about.digest,
        statements=tuple(statements.values()),
        set_aside=tuple(set_aside),
    )


def reason(error: ModelpackError) -> str:
    """Return what an error says, on one line."""
    return " ".join(str(error).split())
