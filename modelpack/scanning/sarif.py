"""A scan as SARIF 2.1.0, which code-scanning pages show.

The properties that GitHub reads (``security-severity``) are set beside those of the
standard.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from modelpack.formats.names import shown
from modelpack.scanning.rules import RULES, Rule
from modelpack.scanning.verdict import (
    Evidence,
    FileVerdict,
    Finding,
    Remark,
    ScanReport,
)

__all__ = ["sarif"]

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_ORDER: Final = list(Rule)


def sarif(report: ScanReport, *, version: str) -> Mapping[str, object]:
    """Return one run, with every rule and every finding."""
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "modelpack",
                        "semanticVersion": version,
                        "rules": [_rule(rule) for rule in _ORDER],
                    },
                    "extensions": [
                        {"name": each.scanner, "version": each.version}
                        for each in report.evidence
                    ],
                },
                "columnKind": "unicodeCodePoints",
                "results": [
                    _result(file, finding)
                    for file in report.files
                    for finding in file.findings
                ]
                + [
                    _of_package(each, remark)
                    for each in report.evidence
                    for remark in each.packages
                ],
            }
        ],
    }


def _rule(rule: Rule) -> Mapping[str, object]:
    text = RULES[rule]
    return {
        "id": rule,
        "shortDescription": {"text": text.title},
        "help": {"text": text.remedy},
        "defaultConfiguration": {"level": "error"},
        "properties": {
            "security-severity": str(text.severity),
            "tags": ["security", "machine-learning"],
        },
    }


def _result(file: FileVerdict, finding: Finding) -> Mapping[str, object]:
    # Code-scanning pages show nothing without a line; a binary file has only one.
    region = {"startLine": max(finding.line, 1)}
    return {
        "ruleId": finding.rule,
        "ruleIndex": _ORDER.index(finding.rule),
        "level": "error",
        "message": {"text": finding.message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(file.path)},
                    "region": region,
                }
            }
        ],
        "partialFingerprints": {
            "modelpack/v1": f"{finding.rule}:{file.path}:{finding.message}"
        },
    }


def _of_package(evidence: Evidence, remark: Remark) -> Mapping[str, object]:
    """Return a result about a package: it lies in no file, and has a name."""
    return {
        "ruleId": Rule.OTHER_SCANNER,
        "ruleIndex": _ORDER.index(Rule.OTHER_SCANNER),
        "level": "error",
        "message": {
            "text": f"{evidence.scanner} {evidence.version}: "
            f"{shown(remark.about)}: {shown(remark.message)}"
        },
        "locations": [
            {"logicalLocations": [{"name": remark.about, "kind": "package"}]}
        ],
        "partialFingerprints": {
            "modelpack/v1": f"{evidence.scanner}:{remark.about}:{remark.message}"
        },
    }
