"""A scan's result for other programs: JSON, and what an attestation says of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from modelpack.formats.names import shown
from modelpack.scanning.rules import Allowance
from modelpack.scanning.verdict import Evidence, FileVerdict, ScanReport

__all__ = ["scan_document", "vuln_predicate"]

_SCANNER = "pkg:pypi/modelpack"


def scan_document(
    report: ScanReport, *, allow: Iterable[Allowance], version: str
) -> Mapping[str, object]:
    """Return the result itself (docs/scan.md)."""
    document: dict[str, object] = {
        "outcome": report.outcome,
        "scanner": {"name": "modelpack", "version": version},
        "allow": sorted(allow),
        "files": [_file(file) for file in report.files],
    }
    if report.evidence:
        known = {file.path for file in report.files}
        document["evidence"] = [_evidence(each, known) for each in report.evidence]
    return document


def vuln_predicate(
    result: Mapping[str, object], *, version: str, started: str, finished: str
) -> Mapping[str, object]:
    """Wrap a result as cosign's ``vuln/v1``, which cosign and Kyverno know.

    ``started`` and ``finished`` are RFC 3339 times. Fields that the specification
    (cosign, COSIGN_VULN_ATTESTATION_SPEC.md) wants and a scan of files does not
    have, such as a database, are empty.
    """
    return {
        "invocation": {
            "parameters": result["allow"],
            "uri": "",
            "event_id": "",
            "builder.id": "",
        },
        "scanner": {
            "uri": f"{_SCANNER}@{version}",
            "version": version,
            "db": {"uri": "", "version": ""},
            "result": result,
        },
        "metadata": {"scanStartedOn": started, "scanFinishedOn": finished},
    }


def _evidence(evidence: Evidence, known: AbstractSet[str]) -> Mapping[str, object]:
    """Return who was asked, and what is about no file: files say theirs themselves."""
    others = (*evidence.files, *evidence.failures)
    return {
        "name": evidence.scanner,
        "version": evidence.version,
        "parameters": list(evidence.parameters),
        "outcome": evidence.outcome,
        "examined": evidence.examined,
        "findings": len(evidence.files) + len(evidence.packages),
        "packages": [
            {"package": remark.about, "message": shown(remark.message)}
            for remark in evidence.packages
        ],
        "others": [
            shown(remark.message) for remark in others if remark.about not in known
        ],
    }


def _file(file: FileVerdict) -> Mapping[str, object]:
    document: dict[str, object] = {
        "path": file.path,
        "size": file.size,
        "format": file.kind,
        "outcome": file.outcome,
        "findings": [
            {"rule": finding.rule, "message": finding.message}
            | ({"line": finding.line} if finding.line else {})
            for finding in file.findings
        ],
    }
    if file.allowed:
        document["allowed"] = file.allowed
    return document
