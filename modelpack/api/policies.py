"""Policies: read from where they are, and asked about models and objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from modelpack.api.carriage import Carriage
from modelpack.api.command import Command
from modelpack.api.files import content_of
from modelpack.api.settings import Settings
from modelpack.api.stores import open_store
from modelpack.attestation.evidence import Verifier
from modelpack.errors import InvalidInput
from modelpack.model.read import read_model
from modelpack.oci.digest import Digest
from modelpack.oci.reference import Place, Reference, Repository
from modelpack.oci.store import Source, read_whole
from modelpack.policy.evaluation.house import Policies, Verdict
from modelpack.policy.image_reference import ImageReference
from modelpack.policy.kyverno.documents import (
    MAX_BYTES,
    Documents,
    objects_of,
    read_documents,
)
from modelpack.policy.request import Payload, Request, request_of
from modelpack.signing.attestors import verifier_of
from modelpack.signing.trust import public_instance
from modelpack.transfer.progress import Listener, nobody
from modelpack.workflows.admit import Carried, Guard
from modelpack.workflows.evidence import StoreEvidence
from modelpack.workflows.pull import resolve
from modelpack.workflows.verify import Wanted, verify

__all__ = [
    "Judgement",
    "apply_policies",
    "guard",
    "judge",
    "load_policies",
    "open_evidence",
    "policy_files",
    "read_payload",
    "read_policies",
    "read_resources",
]

_SUFFIXES: Final = (".yaml", ".yml", ".json")
_MOST_FILES: Final = 1_000


def load_policies(
    sources: Sequence[str | Path],
    *,
    exceptions: Sequence[str | Path] = (),
    anchor: Verifier | None = None,
    settings: Settings | None = None,
) -> Policies:
    """Read and compile every policy in files, folders and artifacts.

    Raises ``InvalidInput`` for a document that is not supported, and for an artifact
    that is neither pinned by digest nor to be verified with ``anchor``. A policy whose
    expressions do not compile refuses whatever it is about: see ``Policies.faults``.
    ``exceptions`` are the only ones that count.
    """
    documents = read_policies(
        sources, exceptions=exceptions, anchor=anchor, settings=settings
    )
    return compiled(documents)


def compiled(documents: Documents) -> Policies:
    """Compile documents, which judge by this machine's clock."""
    return Policies(documents, now=lambda: datetime.now(UTC))


def read_policies(
    sources: Sequence[str | Path],
    *,
    exceptions: Sequence[str | Path] = (),
    anchor: Verifier | None = None,
    settings: Settings | None = None,
) -> Documents:
    """Read every policy, as ``load_policies`` does, and the exceptions named."""
    documents = Documents()
    for source in sources:
        # A folder that is named like a pinned reference must not stand for it.
        if is_there(Path(source)) and "@sha" not in str(source):
            documents += _read(Path(source))
        else:
            documents += fetched(str(source), anchor, Command(settings, nobody))
    if documents.exceptions:
        raise InvalidInput(
            f"the exception {documents.exceptions[0].shown} lies among the policies",
            hint="an exception counts only if it is named by --exception",
        )
    for exception in exceptions:
        found = _read(Path(exception))
        if found.policies or not found.exceptions:
            raise InvalidInput("holds no exception alone", where=str(exception))
        documents += found
    return documents


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder; no name is too long to ask."""
    try:
        return path.exists()
    except OSError:
        return False


def policy_files(path: Path) -> Sequence[Path]:
    """Return the files of policies that a path stands for: itself, or in a folder."""
    if not path.is_dir():
        return [path]
    files = sorted(
        file
        for file in path.rglob("*")
        if file.suffix in _SUFFIXES
        and file.is_file()
        # What Kubernetes mounts has each file twice: as itself, and under `..data`.
        and not any(part.startswith("..") for part in file.relative_to(path).parts)
    )
    if not files:
        raise InvalidInput("holds no policy", where=str(path))
    if len(files) > _MOST_FILES:
        raise InvalidInput(f"holds more than {_MOST_FILES} files", where=str(path))
    return files


def _read(path: Path) -> Documents:
    documents = Documents()
    for file in policy_files(path):
        documents += read_documents(content_of(file), str(file))
    return documents


def fetched(reference: str, anchor: Verifier | None, command: Command) -> Documents:
    """Read the policies of an artifact: pinned, or signed by who is believed."""
    try:
        parsed = Reference.parse(reference)
    except InvalidInput as error:
        raise InvalidInput(
            "is no file, no folder and no reference", where=reference
        ) from error
    if parsed.digest is None and anchor is None:
        raise InvalidInput(
            "a policy from a registry is pinned by digest, or signed by somebody known",
            where=reference,
            hint="write HOST/NAME@sha256:…, or add --policy-key",
        )
    with open_store(parsed.place, command.settings, command.patience) as store:
        digest = store.get_manifest(parsed.selector).descriptor.digest
        if anchor is not None:
            verify(store, digest, anchor, Wanted())
        manifest = resolve(store, digest)
        documents = Documents()
        for file in read_model(manifest):
            if Path(file.path).suffix in _SUFFIXES:
                if len(file.pieces) != 1:
                    raise InvalidInput("is in parts", where=f"{reference}: {file.path}")
                raw = read_whole(store, file.pieces[0].descriptor, limit=MAX_BYTES)
                documents += read_documents(raw, f"{parsed.at(digest)}: {file.path}")
    if not documents.policies:
        raise InvalidInput("holds no policy", where=reference)
    return documents


@contextmanager
def open_evidence(
    command: Command, known: Mapping[str, Source] | None = None
) -> Iterator[StoreEvidence]:
    """Look at images in the registries that they name, or in ``known`` stores."""
    with ExitStack() as stack:
        stores: dict[Place, Source] = {}

        def find(reference: ImageReference) -> Source:
            if known and reference.name in known:
                return known[reference.name]
            place = Repository(reference.registry, reference.repository)
            if place not in stores:
                stores[place] = stack.enter_context(
                    open_store(place, command.settings, command.patience)
                )
            return stores[place]

        yield StoreEvidence(
            find, lambda attestor: verifier_of(attestor, public_instance)
        )


@contextmanager
def guard(
    reference: Reference,
    source: Source,
    policies: Policies,
    command: Command,
    carriage: Carriage,
) -> Iterator[Guard]:
    """Return what admits an artifact by these policies."""
    faults = policies.faults
    if faults:
        raise InvalidInput(faults[0], hint="modelpack policy lint says more")
    if policies.mixed:
        raise InvalidInput(
            "some policies judge objects, and some payloads (evaluation.mode: JSON)",
            hint="what one question cannot ask all of them would let one of them pass",
        )
    name = carriage.known_as or _name_of(reference)
    with open_evidence(command, {name: source}) as evidence:
        yield Guard(
            policies=policies,
            evidence=evidence,
            carried=Carried(
                name=name, carrier=carriage.carrier, namespace=carriage.namespace
            ),
            warn=command.warn,
        )


def _name_of(reference: Reference) -> str:
    if isinstance(reference.place, Repository):
        return str(reference.place)
    raise InvalidInput(
        "policies know an artifact by its name in a registry",
        where=str(reference),
        hint="--known-as HOST/NAME says under which it is to be judged",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What policies said about the artifact that ``reference`` pins."""

    reference: str
    digest: Digest
    verdict: Verdict

    def document(self) -> Mapping[str, object]:
        """Return the JSON form (docs/json.md)."""
        return {
            "reference": self.reference,
            "digest": str(self.digest),
            **self.verdict.document(),
        }


def judge(
    reference: str,
    policies: Policies,
    carriage: Carriage | None = None,
    *,
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> Judgement:
    """Ask policies about an artifact as ``pull`` would, and fetch nothing of it."""
    command = Command(settings, notify)
    parsed = Reference.parse(reference)
    with open_store(parsed.place, command.settings, command.patience) as store:
        digest = store.get_manifest(parsed.selector).descriptor.digest
        with guard(
            parsed, store, policies, command, carriage or Carriage()
        ) as guarding:
            verdict = guarding.verdict(digest)
    return Judgement(reference=str(parsed.at(digest)), digest=digest, verdict=verdict)


def apply_policies(
    policies: Policies,
    asked: Sequence[Request | Payload],
    *,
    allow_uncovered: bool = False,
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> Sequence[Verdict]:
    """Judge objects of Kubernetes or JSON payloads; a verdict for each, in order."""
    command = Command(settings, notify)
    with open_evidence(command) as evidence:
        return [
            policies.judge(each, evidence, allow_uncovered=allow_uncovered)
            for each in asked
        ]


def read_resources(path: str | Path, namespace: str = "") -> Sequence[Request]:
    """Read objects of Kubernetes from a file of YAML or JSON; a List is its items."""
    found: list[Request] = []
    for value, where in objects_of(content_of(path), str(path)):
        items = [value]
        if isinstance(value, dict) and value.get("kind") == "List":
            listed = value.get("items")
            items = listed if isinstance(listed, list) else []
        found += [request_of(item, where=where, namespace=namespace) for item in items]
    if not found:
        raise InvalidInput("holds no object", where=str(path))
    return found


def read_payload(path: str | Path) -> Payload:
    """Read a payload of YAML or JSON, for policies whose mode is JSON."""
    found = objects_of(content_of(path), str(path))
    if len(found) != 1:
        raise InvalidInput(f"holds {len(found)} documents, not one", where=str(path))
    return Payload(found[0][0])
