"""Read what the files of a model say, and which bytes they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from modelpack.documents.described import DescribedFile, Scanned, ScannedFile
from modelpack.model.facts import FileFacts, ModelFacts, combine, examine
from modelpack.oci.digest import Digest
from modelpack.scanning.rules import Allowance
from modelpack.scanning.verdict import ScanReport
from modelpack.transfer.crew import Crew
from modelpack.transfer.upload import digest_of
from modelpack.workflows.push import Parcel


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What was read: all facts together, and each file with its digest."""

    facts: ModelFacts
    files: tuple[DescribedFile, ...]


def read(parcels: Sequence[Parcel], crew: Crew) -> Read:
    """Examine and hash every file; what is remembered is not hashed again."""
    check = crew.stop.check
    found: dict[str, tuple[FileFacts, Digest]] = {}

    def look(parcel: Parcel) -> None:
        started = parcel.started()
        with parcel.open() as opened:
            facts = examine(opened.window())
            known = parcel.known(0)
            digest = known[0] if known else digest_of(opened.blocks, parcel.size, check)
            # The facts and the digest are of the same bytes, remembered or not.
            opened.check_unchanged()
        if known is None:
            parcel.remember(digest, 0, (), started)
        found[parcel.path] = (facts, digest)

    crew.run(partial(look, parcel) for parcel in parcels)
    return Read(
        facts=combine([facts for facts, _ in found.values()]),
        files=tuple(
            DescribedFile(path=path, size=facts.size, kind=facts.kind, digest=digest)
            for path, (facts, digest) in sorted(found.items())
        ),
    )


def scanned(
    report: ScanReport, *, allow: Iterable[Allowance], version: str, finished: str
) -> Scanned:
    """Return what documents say of a scan; ``finished`` may be empty."""
    return Scanned(
        outcome=str(report.outcome),
        scanner=f"modelpack {version}",
        files=tuple(
            ScannedFile(
                path=file.path,
                outcome=str(file.outcome),
                findings=tuple((str(f.rule), f.message) for f in file.findings),
                allowed=file.allowed,
            )
            for file in report.files
        ),
        allowed=tuple(sorted(map(str, allow))),
        finished=finished,
    )
