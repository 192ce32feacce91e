"""Documents about a model that lie beside it: brought along, and laid there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from modelpack.api.command import Command
from modelpack.api.describing import NAMES, predicates_about
from modelpack.api.material import Scan
from modelpack.api.settings import Settings
from modelpack.api.signing import name_of
from modelpack.api.stores import open_store
from modelpack.api.targets import Target
from modelpack.attestation.evidence import Verifier
from modelpack.attestation.predicates import (
    CARD,
    MODEL_SIGNATURE,
    PROVENANCE,
    SIGNATURE,
)
from modelpack.disk.file import LocalFile
from modelpack.errors import InvalidInput, LocalError
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Document
from modelpack.oci.reference import Reference, Repository
from modelpack.signing.claims import claimed_signer
from modelpack.transfer.progress import Listener, nobody
from modelpack.workflows.beside import Beside, statements_beside
from modelpack.workflows.sign import Attached, Signing

_FILES: Final = NAMES | {
    PROVENANCE: "provenance.json",
    SIGNATURE: "signature.json",
    MODEL_SIGNATURE: "model-signature.json",
}
_OTHER: Final = "statement.json"
_LIST: Final = "documents.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedDocument:
    """A statement that was written to ``file``, and its bundle beside that.

    ``signer`` has signed it where it is ``verified``; otherwise it says so itself.
    """

    file: str
    bundle: str
    predicate_type: str
    signer: str
    verified: bool

    def document(self) -> Mapping[str, object]:
        """Return the JSON form (docs/json.md)."""
        return {
            "file": self.file,
            "bundle": self.bundle,
            "predicateType": self.predicate_type,
            "signer": self.signer,
            "verified": self.verified,
        }


def fetch_documents(
    reference: str,
    into: str | Path,
    believe: Verifier | None = None,
    *,
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> tuple[FetchedDocument, ...]:
    """Write what is signed about an artifact into a new folder.

    For each statement there is its predicate, and its bundle for others to verify;
    ``documents.json`` lists them. With ``believe`` only what it verifies is written.
    """
    command = Command(settings, notify)
    parsed = Reference.parse(reference)
    folder = Path(into)
    if folder.exists():
        raise InvalidInput("exists already", where=str(folder))
    with open_store(parsed.place, command.settings, command.patience) as store:
        digest = store.get_manifest(parsed.selector).descriptor.digest
        found = statements_beside(store, digest, claimed_signer, believe)
    wanted = [each for each in found if each.verified or believe is None]
    if len(wanted) < len(found):
        command.warn(
            f"{len(found) - len(wanted)} statements are not verified, and left out"
        )
    try:
        folder.mkdir(parents=True)
        written = tuple(_written(folder, wanted))
        listed = [each.document() for each in written]
        _write(folder / _LIST, json.dumps(listed, indent=2).encode())
    except OSError as error:
        raise LocalError(error.strerror or str(error), where=str(folder)) from error
    return written


def _written(folder: Path, found: Sequence[Beside]) -> Iterator[FetchedDocument]:
    names: dict[str, int] = {}
    for each in found:
        base = _FILES.get(each.kind, _OTHER).removesuffix(".json")
        names[base] = names.get(base, 0) + 1
        stem = base if names[base] == 1 else f"{base}-{names[base]}"
        predicate = each.statement.predicate
        _write(folder / f"{stem}.json", json.dumps(predicate, indent=2).encode())
        _write(folder / f"{stem}.sigstore.json", each.bundle.raw)
        content = predicate.get("content")
        if each.kind == CARD and isinstance(content, str):
            _write(folder / f"{stem}.md", content.encode())
        yield FetchedDocument(
            file=f"{stem}.json",
            bundle=f"{stem}.sigstore.json",
            predicate_type=each.kind,
            signer=each.signer,
            verified=each.verified,
        )


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)


def attach_documents(
    artifact: Document,
    target: Target,
    scan: Scan,
    signing: Signing,
    command: Command,
    *,
    more: Mapping[str, Mapping[str, object]] | None = None,
) -> list[Attached]:
    """Sign all documents about an artifact that has no tag yet, and lay them beside it.

    ``more`` are further predicates, by their types.
    """
    described = predicates_about(target, command, scan)
    return [
        signing.attestation(artifact, kind, predicate)
        for kind, predicate in {**described, **(more or {})}.items()
    ]


def published_target(
    reference: Reference, digest: Digest, files: Iterable[LocalFile]
) -> Target:
    """Return files that are here as the artifact that they have become."""
    place = reference.place
    return Target(
        reference=str(reference.at(digest)),
        name=name_of(reference),
        files=tuple(files),
        digest=digest,
        repository=place if isinstance(place, Repository) else None,
    )
