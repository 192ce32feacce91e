"""Read what the files of a model say, and which bytes they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from modelpack.documents.described import DescribedFile, Scanned, ScannedFile
from modelpack.errors import InvalidInput
from modelpack.formats.kind import Kind
from modelpack.formats.prose.results import Result, looks_like_results, parse_results
from modelpack.model.facts import FileFacts, ModelFacts, combine, examine
from modelpack.oci.digest import Digest
from modelpack.scanning.rules import Allowance
from modelpack.scanning.verdict import ScanReport
from modelpack.transfer.crew import Crew
from modelpack.transfer.upload import digest_of
from modelpack.workflows.push import Parcel

_MAX_TEXT: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What was read: all facts together, and each file with its digest.

    ``readme`` is the card that lies there, ``results`` what evaluations left;
    ``faults`` name the results that could not be read.
    """

    facts: ModelFacts
    files: tuple[DescribedFile, ...]
    readme: bytes | None = None
    results: tuple[Result, ...] = ()
    faults: tuple[str, ...] = ()


def read(parcels: Sequence[Parcel], crew: Crew) -> Read:
    """Examine and hash every file; what is remembered is not hashed again."""
    check = crew.stop.check
    found: dict[str, tuple[FileFacts, Digest]] = {}
    texts: dict[str, bytes] = {}

    def look(parcel: Parcel) -> None:
        started = parcel.started()
        with parcel.open() as opened:
            facts = examine(opened.window())
            if _is_read(facts):
                texts[parcel.path] = opened.window().read(0, facts.size)
            known = parcel.known(0)
            digest = known[0] if known else digest_of(opened.blocks, parcel.size, check)
            # The facts and the digest are of the same bytes, remembered or not.
            opened.check_unchanged()
        if known is None:
            parcel.remember(digest, 0, (), started)
        found[parcel.path] = (facts, digest)

    crew.run(partial(look, parcel) for parcel in parcels)
    readme = next((path for path in sorted(texts) if _is_card(path)), None)
    results, faults = _results(texts)
    return Read(
        facts=combine([facts for facts, _ in found.values()]),
        files=tuple(
            DescribedFile(path=path, size=facts.size, kind=facts.kind, digest=digest)
            for path, (facts, digest) in sorted(found.items())
        ),
        readme=texts[readme] if readme is not None else None,
        results=results,
        faults=faults,
    )


def _is_read(facts: FileFacts) -> bool:
    """Whether a whole file is read here: a card, or results."""
    if _is_card(facts.path):
        if facts.size > _MAX_TEXT:
            raise InvalidInput(f"a card of {facts.size} bytes", where=facts.path)
        return True
    is_json = facts.kind is Kind.JSON and facts.size <= _MAX_TEXT
    return is_json and looks_like_results(facts.path)


def _is_card(path: str) -> bool:
    return path.lower() == "readme.md"


def _results(texts: Mapping[str, bytes]) -> tuple[tuple[Result, ...], tuple[str, ...]]:
    found: list[Result] = []
    faults: list[str] = []
    for path, raw in sorted(texts.items()):
        if not _is_card(path):
            try:
                found += parse_results(raw, path)
            except InvalidInput as error:
                faults.append(str(error))
    return tuple(found), tuple(faults)


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
