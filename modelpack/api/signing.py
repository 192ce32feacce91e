"""``sign`` and ``attest``: statements about an artifact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelpack.api.command import Command
from modelpack.api.files import content_of
from modelpack.api.settings import Settings
from modelpack.api.stores import open_store
from modelpack.attestation.evidence import Signer, Verifier
from modelpack.attestation.forms import check_predicate
from modelpack.attestation.predicates import SIGNATURE, predicate_type
from modelpack.errors import InvalidInput
from modelpack.oci.digest import Digest
from modelpack.oci.fields import Fields
from modelpack.oci.manifest import Document
from modelpack.oci.reference import Reference, Repository
from modelpack.oci.store import Store
from modelpack.transfer.progress import Listener, nobody
from modelpack.workflows.sign import Attached, OlderSigner, Signing


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
class SignWith:
    """How to sign. ``own`` recognises the signer's earlier statements.

    ``model_signature`` also signs the files of a model for ``model_signing``;
    ``older``, if given, also writes the form of cosign 2. ``logs`` says that the
    signer enters what it signs into a log.
    """

    signer: Signer
    own: Verifier | None = None
    older: OlderSigner | None = None
    model_signature: bool = True
    logs: bool = False


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
    signing = signing_at(store, reference, signer, command)
    attached = [signing.signature(artifact, annotations)]
    if signer.model_signature:
        model = signing.model_signature(artifact, name_of(reference))
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
    check_predicate(uri, predicate)
    with open_store(parsed.place, command.settings, command.patience) as store:
        artifact = store.get_manifest(parsed.selector)
        signing = signing_at(store, parsed, signer, command)
        attached = signing.attestation(artifact, uri, predicate, append=append)
    return _result(parsed, artifact, [attached], command)


def read_provenance(
    folder: str | Path = ".",
    *,
    parameters: Mapping[str, str] | None = None,
    dependencies: Mapping[str, Sequence[str]] | None = None,
    settings: Settings | None = None,
) -> Mapping[str, object]:
    """Return SLSA provenance: what the CI system or git says, and what you say.

    ``dependencies`` maps what something was for (``base-model``, ``dataset``, …) to
    ``URI@sha256:…``.
    """
    from modelpack.api.building import builder
    from modelpack.attestation.provenance import Dependency, Training, provenance

    chosen = settings or Settings.from_environment()
    named = (dependencies or {}).items()
    training = Training(
        parameters=parameters or {},
        dependencies=tuple(
            Dependency.parse(kind, text) for kind, texts in named for text in texts
        ),
    )
    made_by = builder(chosen.environment, Path(folder))
    return provenance(made_by, training, finished=chosen.now())


def read_predicate(path: Path) -> Mapping[str, object]:
    """Read what a statement is to say: a JSON object, strictly parsed."""
    return Fields.of_json(content_of(path), where=str(path)).members


def signing_at(
    store: Store, reference: Reference, signer: SignWith, command: Command
) -> Signing:
    """Return what signs, and lays beside the artifacts of one store."""
    return Signing(
        store=store,
        signer=signer.signer,
        created=command.settings.now(),
        own=signer.own,
        older=signer.older,
        logs=signer.logs,
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


def name_of(reference: Reference) -> str:
    """Return what to call a model by where it is."""
    place = reference.place
    if isinstance(place, Repository):
        return place.name.rpartition("/")[2]
    return place.path.stem
