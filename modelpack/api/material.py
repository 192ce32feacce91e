"""Everything that documents about a model are made from, gathered once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from modelpack.api.beside import NOTHING, Beside, read_environment
from modelpack.api.command import Command
from modelpack.api.energy import read_energy
from modelpack.api.files import content_of
from modelpack.api.stores import open_store
from modelpack.api.targets import Target
from modelpack.attestation.evidence import Verifier
from modelpack.disk.file import FileContent, LocalFile
from modelpack.disk.source.parcels import LocalParcel
from modelpack.documents.card.declared import declared_results
from modelpack.documents.card.front_matter import split
from modelpack.documents.card.material import Material, Signed
from modelpack.documents.described import Described, Scanned
from modelpack.errors import InvalidInput
from modelpack.formats.prose.results import Result, of_index, parse_results
from modelpack.oci.reference import Reference
from modelpack.scanning.report import scan_document, vuln_predicate
from modelpack.scanning.rules import Allowance
from modelpack.scanning.verdict import Outcome, ScanReport
from modelpack.signing.claims import claimed_signer
from modelpack.version import __version__
from modelpack.workflows.beside import statements_beside
from modelpack.workflows.describe import Read, read, scanned
from modelpack.workflows.scan import scan as judge_files


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A scan of files that are here, and when it was."""

    report: ScanReport
    allowed: frozenset[Allowance]
    started: str
    finished: str

    @property
    def passes(self) -> bool:
        return self.report.outcome is Outcome.PASS

    def told(self) -> Scanned:
        """Return what documents say of it."""
        return scanned(
            self.report,
            allow=self.allowed,
            version=__version__,
            finished=self.finished,
        )

    def predicate(self) -> Mapping[str, object]:
        """Return what is signed of it."""
        return vuln_predicate(
            scan_document(self.report, allow=self.allowed, version=__version__),
            version=__version__,
            started=self.started,
            finished=self.finished,
        )


def scan_of(
    files: Iterable[LocalFile], command: Command, *, allow: Iterable[Allowance]
) -> Scan:
    """Judge files that are here."""
    allowed = frozenset(map(Allowance, allow))
    started = command.settings.now()
    report = judge_files(map(FileContent, files), command.crew, allow=allowed)
    return Scan(
        report=report,
        allowed=allowed,
        started=started,
        finished=command.settings.now(),
    )


def look(
    found: Target, command: Command, *, beside: Beside = NOTHING
) -> tuple[Described, Read]:
    """Read and hash files that are here, and warn of what cannot be read."""
    costs, origin = read_energy(beside.energy)
    with command.open_cache() as cache:
        parcels = [LocalParcel(file, cache) for file in found.files]
        model = read(parcels, command.crew)
    for fault in (*model.facts.faults, *model.faults):
        command.warn(f"says nothing here, for it cannot be read: {fault}")
    described = Described(
        name=found.name,
        facts=model.facts,
        files=model.files,
        digest=found.digest,
        repository=found.repository,
        energy=costs,
        energy_origin=origin,
        environment=read_environment(beside.environment),
        author=beside.author,
        created=command.settings.created,
    )
    return described, model


def gathered(
    found: Target,
    command: Command,
    scan: Scan,
    *,
    evaluations: Sequence[str | Path] = (),
    beside: Beside = NOTHING,
    signed: Sequence[Signed] = (),
) -> Material:
    """Read files that are here, and what lies beside them."""
    more = [result for path in evaluations for result in _results(path)]
    model, texts = look(found, command, beside=beside)
    return Material(
        model=model,
        tool=f"modelpack {__version__}",
        readme=texts.readme,
        results=(*texts.results, *more, *declared_results(model.declaration)),
        declared=_declared(texts.readme),
        # The card's own bytes do not depend on when it was written.
        scanned=replace(scan.told(), finished=command.settings.created),
        signed=tuple(signed),
    )


def _results(path: str | Path) -> Sequence[Result]:
    found = parse_results(content_of(path), Path(path).name)
    if not found:
        raise InvalidInput(
            "has no results of an evaluation",
            where=str(path),
            hint="known are lm-evaluation-harness, evaluate.save and eval_results.json",
        )
    return found


def _declared(readme: bytes | None) -> tuple[Result, ...]:
    text = (readme or b"").decode(errors="replace")
    fields = split(text, "README.md").fields
    return of_index(fields.get("model-index"), "README.md")


def signed_beside(
    found: Target, command: Command, believe: Verifier | None = None
) -> Iterator[Signed]:
    """Yield the statements beside an artifact: verified, or as they claim."""
    if found.digest is None:
        return
    place = Reference.parse(found.reference).place
    with open_store(place, command.settings, command.patience) as store:
        beside = statements_beside(store, found.digest, claimed_signer, believe)
    for each in beside:
        yield Signed(kind=each.kind, signer=each.signer, verified=each.verified)
