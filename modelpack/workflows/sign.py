"""Sign statements about an artifact, and lay them beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from modelpack.attestation.envelope import Envelope
from modelpack.attestation.evidence import Signer, VerifiedStatement, Verifier, judge
from modelpack.attestation.legacy import SimpleSigning, payload
from modelpack.attestation.predicates import MODEL_SIGNATURE, SIGNATURE
from modelpack.attestation.statement import Statement
from modelpack.attestation.wire import encoded
from modelpack.errors import AuthenticationError, InvalidInput, RegistryError
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Document, compact
from modelpack.oci.store import Store
from modelpack.workflows.attach import attach, attach_attestation, attach_signature
from modelpack.workflows.gather import candidates
from modelpack.workflows.verify import about


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A statement that is now beside its artifact.

    ``referrer`` is None where this signer had said the very same before, so that
    nothing was added. ``replaced`` was taken away for it; ``kept`` should have
    been, and the registry did not let it go.
    """

    statement: Statement
    referrer: Descriptor | None
    replaced: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


class OlderSigner(Protocol):
    """Signs payloads in cosign's older form."""

    def sign_simple(self, payload: bytes, /) -> SimpleSigning: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """Signs, and attaches what was signed, with one signer.

    ``own`` recognises what this signer has signed before; without it, nothing
    is ever replaced, and all that is signed is added. ``created`` is a time in
    RFC 3339 for people to read. ``older`` also writes cosign 2's form, where
    ``repository`` names what is signed. ``logs`` says that the signer enters into
    a log; then what stands in none is not enough.
    """

    store: Store
    signer: Signer
    created: str
    own: Verifier | None = None
    older: OlderSigner | None = None
    repository: str = ""
    logs: bool = False

    def signature(
        self, artifact: Document, annotations: Mapping[str, str] | None = None
    ) -> Attached:
        """Say that the artifact is approved, as ``cosign sign`` does."""
        digest = artifact.descriptor.digest
        attached = self._add(
            artifact, Statement.signature(digest, annotations), replace=False
        )
        if self.older is not None:
            self._older_signature(artifact, annotations, self.older)
        return attached

    def model_signature(self, artifact: Document, name: str) -> Attached | None:
        """Sign its files for ``model_signing``; None where that cannot be.

        It is no model, or it has files that such a signature leaves out.
        """
        files = about(artifact).files
        if files is None or not files.by_path or files.unsigned:
            return None
        return self._add(artifact, files.statement(name), replace=False)

    def attestation(
        self,
        artifact: Document,
        predicate_type: str,
        predicate: Mapping[str, object],
        *,
        append: bool = False,
    ) -> Attached:
        """Say something about it, in place of what this signer said before.

        With ``append`` earlier statements of this type stay: then an older one
        may be what another tool finds.
        """
        digest = artifact.descriptor.digest
        statement = Statement.build(digest, predicate_type, predicate)
        return self._add(artifact, statement, replace=not append)

    def _add(
        self, artifact: Document, statement: Statement, *, replace: bool
    ) -> Attached:
        earlier = self._earlier(artifact, statement.predicate_type)
        referrer = None
        if not any(self._says(found, statement) for found in earlier):
            bundle = self.signer.sign(statement)
            subject, kind = artifact.descriptor, statement.predicate_type
            referrer = attach(self.store, subject, bundle, kind, self.created)
            if self.older is not None and isinstance(bundle.envelope, Envelope):
                self._older_attestation(artifact, bundle.envelope, kind)
        # Only now: at no time is there nothing of this type.
        replaced: list[str] = []
        kept: list[str] = []
        for old in earlier:
            if replace and old.statement.raw != statement.raw:
                (replaced if self._removed(old.name) else kept).append(old.name)
        return Attached(
            statement=statement,
            referrer=referrer,
            replaced=tuple(replaced),
            kept=tuple(kept),
        )

    def _says(self, found: VerifiedStatement, statement: Statement) -> bool:
        """Whether a statement is there already, and in a log where it is to be."""
        logged = found.proven.logged or not self.logs
        return logged and found.statement.raw == statement.raw

    def _earlier(self, artifact: Document, kind: str) -> tuple[VerifiedStatement, ...]:
        """Return what this signer has said before, of the same type."""
        if self.own is None:
            return ()
        found = candidates(self.store, artifact.descriptor.digest)
        return judge(found, about(artifact), self.own).of_type(kind)

    def _removed(self, name: str) -> bool:
        try:
            self.store.delete(Digest.parse(name))
        except (RegistryError, AuthenticationError, InvalidInput):
            return False  # the last: a layer under cosign's older tag, which has none
        return True

    def _older_signature(
        self,
        artifact: Document,
        annotations: Mapping[str, str] | None,
        older: OlderSigner,
    ) -> None:
        digest = artifact.descriptor.digest
        content = payload(digest, self.repository, annotations or {})
        earlier = self._earlier(artifact, SIGNATURE)
        if all(found.statement.raw != content for found in earlier):
            signed = older.sign_simple(content)
            attach_signature(self.store, digest, content, encoded(signed.signature))

    def _older_attestation(
        self, artifact: Document, envelope: Envelope, kind: str
    ) -> None:
        if kind not in (SIGNATURE, MODEL_SIGNATURE):
            digest = artifact.descriptor.digest
            attach_attestation(self.store, digest, compact(envelope.document()), kind)
