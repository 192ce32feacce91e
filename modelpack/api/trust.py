"""``sign``, ``attest``, ``verify``: statements about an artifact, made and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from modelpack.api.command import Command
from modelpack.api.settings import Settings
from modelpack.api.stores import open_store
from modelpack.attest.evidence import Signer, VerifiedStatement, Verifier
from modelpack.attest.predicates import SIGNATURE, predicate_type
from modelpack.errors import (
    InvalidInput,
    LocalError,
    UnusableArtifact,
    VerificationError,
)
from modelpack.oci.digest import Digest
from modelpack.oci.fields import Fields
from modelpack.oci.manifest import Document, parse_any
from modelpack.oci.reference import Reference, Repository
from modelpack.oci.store import Store
from modelpack.transfer.progress import Listener, nobody
from modelpack.workflows.sign import Attached, OlderSigner, Signing
from modelpack.workflows.verify import Verified, Wanted
from modelpack.workflows.verify import verify as decide


@dataclass(frozen=True, slots=True, kw_only=True)
class SignResult:
    """What was attached to the artifact that ``reference`` pins."""

    reference: str
    digest: Digest
    attached: tuple[Attached, ...]

    def document(self) -> Mapping[str, object]:
        """Return the JSON form (docs/json.md)."""
        return {
            "reference": self.reference,
            "digest": str(self.digest),
            "statements": [
                {
                    "predicateType": each.statement.predicate_type,
                    "referrer": str(each.referrer.digest) if each.referrer else None,
                    "replaced": list(each.replaced),
                    "kept": list(each.kept),
                }
                for each in self.attached
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyResult:
    """What was verified about the artifact that ``reference`` pins."""

    reference: str
    verified: Verified

    def document(self) -> Mapping[str, object]:
        """Return the JSON form (docs/json.md)."""
        evidence = self.verified.evidence
        counted = self.verified.counted
        return {
            "reference": self.reference,
            "digest": str(evidence.digest),
            "verified": [_found(each) for each in counted],
            "others": [_found(e) for e in evidence.statements if e not in counted],
            "setAside": [
                {"name": each.name, "reason": each.reason}
                for each in evidence.set_aside
            ],
        }


def _found(found: VerifiedStatement) -> Mapping[str, object]:
    proven, statement = found.proven, found.statement
    return {
        "name": found.name,
        "predicateType": statement.predicate_type,
        "signer": proven.signer.document(),
        "signedAt": proven.signed_at.isoformat() if proven.signed_at else None,
        "logged": proven.logged,
        "annotations": dict(statement.subjects[0].annotations),
        "predicate": dict(statement.predicate),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class SignWith:
    """How to sign. ``own`` recognises the signer's earlier statements.

    ``model_signature`` also signs the files of a model for ``model_signing``;
    ``older``, if given, also writes the form of cosign 2.
    """

    signer: Signer
    own: Verifier | None = None
    older: OlderSigner | None = None
    model_signature: bool = True


def sign(
    reference: str,
    signer: SignWith,
    *,
    annotations: Mapping[str, str] | None = None,
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> SignResult:
    """Sign an artifact, as ``cosign sign`` does.

    The reference is resolved once: what is signed is the digest that is returned.
    A second signature with the same key adds nothing.
    """
    command = Command(settings, notify)
    parsed = Reference.parse(reference)
    with open_store(parsed.place, command.settings, command.patience) as store:
        artifact = store.get_manifest(parsed.selector)
        attached = seal(store, parsed, artifact, signer, command, annotations)
    return _result(parsed, artifact, attached, command)


def seal(
    store: Store,
    reference: Reference,
    artifact: Document,
    signer: SignWith,
    command: Command,
    annotations: Mapping[str, str] | None = None,
) -> list[Attached]:
    """Sign an artifact that is in a store already."""
    signing = _signing(store, reference, signer, command)
    attached = [signing.signature(artifact, annotations)]
    if signer.model_signature:
        model = signing.model_signature(artifact, _name(reference))
        attached += [model] if model is not None else []
    return attached


def attest(
    reference: str,
    signer: SignWith,
    kind: str,
    predicate: Mapping[str, object],
    *,
    append: bool = False,
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> SignResult:
    """Sign a statement of predicate type ``kind`` about an artifact.

    It replaces what this signer said before of this type, unless ``append``.
    """
    command = Command(settings, notify)
    parsed = Reference.parse(reference)
    uri = predicate_type(kind)
    if uri == SIGNATURE:
        raise InvalidInput(f"{kind!r} is what a signature is; use sign")
    with open_store(parsed.place, command.settings, command.patience) as store:
        artifact = store.get_manifest(parsed.selector)
        signing = _signing(store, parsed, signer, command)
        attached = signing.attestation(artifact, uri, predicate, append=append)
    return _result(parsed, artifact, [attached], command)


def read_predicate(path: Path) -> Mapping[str, object]:
    """Read what a statement is to say: a JSON object, strictly parsed."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise InvalidInput("there is no such file", where=str(path)) from error
    except OSError as error:
        raise LocalError(error.strerror or str(error), where=str(path)) from error
    return Fields.of_json(content, where=str(path)).members


def verify(
    reference: str,
    verifier: Verifier,
    *,
    types: Sequence[str] = (),
    require: int = 1,
    directory: str | Path | None = None,
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> VerifyResult:
    """Check that an artifact carries what is asked for, or raise with the reason.

    Without ``types`` that is a signature; with, a statement of each type.
    ``require`` is how many different signers each needs. With ``directory`` the
    files there have to be the artifact's as well. ``NotVerified`` says what was
    set aside, and why.
    """
    command = Command(settings, notify)
    parsed = Reference.parse(reference)
    wanted = Wanted(
        types=tuple(map(predicate_type, types)) or (SIGNATURE,), signers=require
    )
    with open_store(parsed.place, command.settings, command.patience) as store:
        verified = decide(store, parsed.selector, verifier, wanted)
        if directory is not None:
            document = store.get_manifest(verified.descriptor.digest)
            _check_directory(Path(directory), document, command)
    return VerifyResult(
        reference=str(parsed.at(verified.descriptor.digest)), verified=verified
    )


def _check_directory(path: Path, artifact: Document, command: Command) -> None:
    from modelpack.disk.source.tree import list_model
    from modelpack.disk.target.delivery import hash_file
    from modelpack.model.read import read_model
    from modelpack.oci.manifest import Manifest

    manifest = parse_any(artifact)
    if not isinstance(manifest, Manifest):
        raise UnusableArtifact("is an index, not a model")
    wanted = {file.path: file.digest for file in read_model(manifest)}
    found = {file.path: file for file in list_model(path)}
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            raise VerificationError("is missing", where=str(path / name))
        if name not in wanted:
            raise VerificationError("is not part of the model", where=str(path / name))
        if hash_file(found[name], command.stop.check) != wanted[name]:
            raise VerificationError("is not what was signed", where=str(path / name))


def _signing(
    store: Store, reference: Reference, signer: SignWith, command: Command
) -> Signing:
    return Signing(
        store=store,
        signer=signer.signer,
        created=_now(command.settings.epoch),
        own=signer.own,
        older=signer.older,
        repository=str(reference.place),
    )


def _result(
    reference: Reference,
    artifact: Document,
    attached: Sequence[Attached],
    command: Command,
) -> SignResult:
    digest = artifact.descriptor.digest
    for each in attached:
        for name in each.kept:
            command.warn(f"{name}, which this replaces, could not be removed")
    return SignResult(
        reference=str(reference.at(digest)), digest=digest, attached=tuple(attached)
    )


def _name(reference: Reference) -> str:
    place = reference.place
    if isinstance(place, Repository):
        return place.name.rpartition("/")[2]
    return place.path.stem


def _now(epoch: int | None) -> str:
    now = datetime.now(UTC) if epoch is None else datetime.fromtimestamp(epoch, UTC)
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")
