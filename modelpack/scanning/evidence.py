"""What other scanners say: they can make a file fail, and never make one pass.

Each has its holes, so that silence says nothing: what they do not object to is judged
as if they had not been asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from modelpack.formats.kind import Kind
from modelpack.formats.names import shown
from modelpack.scanning.rules import Rule
from modelpack.scanning.verdict import Evidence, Finding, Remark, ScanReport

__all__ = ["OtherScanner", "Subject", "weigh"]

MAX_NAMED: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A file for others to look at: ``path`` in the model, ``place`` on this disk."""

    path: str
    place: Path
    kind: Kind


class OtherScanner(Protocol):
    """Another scanner, which is there: its version is known."""

    def look(self, subjects: Sequence[Subject]) -> Evidence:
        """Say what it objects to. Failing is an error, and never an empty answer."""
        ...


def weigh(report: ScanReport, evidence: Iterable[Evidence]) -> ScanReport:
    """Add what others object to; each file that one of them refuses fails."""
    gathered = tuple(evidence)
    more = _by_path(gathered, {file.path for file in report.files})
    return ScanReport(
        files=tuple(
            replace(file, findings=(*file.findings, *more[file.path][:MAX_NAMED]))
            for file in report.files
        ),
        evidence=gathered,
    )


def _by_path(
    evidence: Iterable[Evidence], known: set[str]
) -> Mapping[str, list[Finding]]:
    found: dict[str, list[Finding]] = defaultdict(list)
    for each in evidence:
        for rule, remarks in (
            (Rule.OTHER_SCANNER, each.files),
            (Rule.NOT_JUDGED, each.failures),
        ):
            for remark in remarks:
                if remark.about in known:
                    found[remark.about].append(_finding(rule, each, remark))
    return found


def _finding(rule: Rule, evidence: Evidence, remark: Remark) -> Finding:
    return Finding(
        rule=rule,
        message=f"{evidence.scanner} {evidence.version}: {shown(remark.message)}",
        line=remark.line,
    )
