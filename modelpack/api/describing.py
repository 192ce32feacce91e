"""``sbom`` and ``describe``: what a model is, and what it is made of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelpack.api.command import Command
from modelpack.api.settings import Settings
from modelpack.api.targets import Target, opened
from modelpack.attestation.predicates import BOM, FACTS, SCAN
from modelpack.disk.file import FileContent, LocalFile
from modelpack.disk.source.parcels import LocalParcel
from modelpack.oci.digest import Digest
from modelpack.scanning.rules import Allowance
from modelpack.scanning.verdict import Outcome, ScanReport
from modelpack.transfer.progress import Listener, nobody
from modelpack.version import __version__
from modelpack.workflows.describe import read, scanned
from modelpack.workflows.scan import scan as judge

if TYPE_CHECKING:
    from modelpack.documents.described import Described


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """All that is said of a model: a document for each predicate type.

    ``digest`` is that of the artifact; None for a folder. ``passes`` says whether
    every file passes the scan.
    """

    target: str
    digest: Digest | None
    passes: bool
    predicates: Mapping[str, Mapping[str, object]]

    def files(self) -> Mapping[str, bytes]:
        """Return the documents under the names that ``describe`` gives them."""
        return {
            _NAMES[kind]: json.dumps(predicate, indent=2, ensure_ascii=False).encode()
            + b"\n"
            for kind, predicate in self.predicates.items()
        }


_NAMES = {BOM: "bom.json", FACTS: "facts.json", SCAN: "scan.json"}


def sbom(
    target: str | Path,
    *,
    spec_version: str = "1.6",
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    energy: Sequence[str | Path] = (),
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> bytes:
    """Return a CycloneDX ML-BOM of a folder or file that exists, or of an artifact.

    The same files give the same bytes; a time is in it only where
    ``SOURCE_DATE_EPOCH`` says one.
    """
    from modelpack.documents.cyclonedx import ml_bom

    command = Command(settings, notify)
    with opened(target, command, include=include, exclude=exclude) as found:
        model = look(found, command, energy=energy)
    return ml_bom(model, spec_version=spec_version, tool_version=__version__)


def describe(
    target: str | Path,
    *,
    allow: Iterable[Allowance] = (),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    energy: Sequence[str | Path] = (),
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> Description:
    """Read and scan a folder, a file or an artifact, and write all documents about it.

    Whether it passes the scan stands in the documents, and in ``passes``.
    """
    command = Command(settings, notify)
    with opened(target, command, include=include, exclude=exclude) as found:
        return described(found, command, allow=allow, energy=energy)


def described(
    found: Target,
    command: Command,
    *,
    allow: Iterable[Allowance],
    energy: Sequence[str | Path] = (),
) -> Description:
    """Make the documents about files that are here."""
    scan = scan_of(found.files, command, allow=allow)
    return documents(found, command, scan, energy=energy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """A scan of files that are here, and when it was."""

    report: ScanReport
    allowed: frozenset[Allowance]
    started: str
    finished: str

    @property
    def passes(self) -> bool:
        return self.report.outcome is Outcome.PASS


def scan_of(
    files: Iterable[LocalFile], command: Command, *, allow: Iterable[Allowance]
) -> Scanned:
    """Judge files that are here."""
    allowed = frozenset(map(Allowance, allow))
    started = command.settings.now()
    report = judge(map(FileContent, files), command.crew, allow=allowed)
    return Scanned(
        report=report,
        allowed=allowed,
        started=started,
        finished=command.settings.now(),
    )


def documents(
    found: Target,
    command: Command,
    scan: Scanned,
    *,
    energy: Sequence[str | Path] = (),
) -> Description:
    """Write down what was read and scanned."""
    from modelpack.documents.cyclonedx import ml_bom
    from modelpack.documents.facts import facts_predicate
    from modelpack.scanning.report import scan_document, vuln_predicate

    model = look(found, command, energy=energy)
    judgement = scanned(
        scan.report, allow=scan.allowed, version=__version__, finished=scan.finished
    )
    bom = ml_bom(model, spec_version="1.6", tool_version=__version__)
    return Description(
        target=found.reference,
        digest=found.digest,
        passes=scan.passes,
        predicates={
            BOM: json.loads(bom),
            FACTS: facts_predicate(model, judgement),
            SCAN: vuln_predicate(
                scan_document(scan.report, allow=scan.allowed, version=__version__),
                version=__version__,
                started=scan.started,
                finished=scan.finished,
            ),
        },
    )


def look(
    found: Target, command: Command, *, energy: Sequence[str | Path] = ()
) -> Described:
    """Read and hash files that are here, and warn of what cannot be read."""
    from modelpack.api.energy import read_energy
    from modelpack.documents.described import Described

    costs, origin = read_energy(energy)
    with command.open_cache() as cache:
        parcels = [LocalParcel(file, cache) for file in found.files]
        model = read(parcels, command.crew)
    for fault in model.facts.faults:
        command.warn(f"says nothing here, for it cannot be read: {fault}")
    return Described(
        name=found.name,
        facts=model.facts,
        files=model.files,
        digest=found.digest,
        repository=found.repository,
        energy=costs,
        energy_origin=origin,
        created=command.settings.created,
    )
