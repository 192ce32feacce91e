"""Ask a scanner that is a Python package; run by the Python that has it, not imported.

`python -I ask_scanner.py NAME LIST`: LIST is a file with a JSON array of paths. What
it prints is one JSON object: the scanner's version, and for each path its findings
and whether it failed. It knows nothing of modelpack, and runs on older Pythons.
"""

from __future__ import annotations

import contextlib
import json
import sys
from importlib.metadata import version
from pathlib import Path

# ruff: noqa: T201 - what it prints is its answer


def picklescan(path: str) -> tuple[list[str], str]:
    """Ask for what its own verdict counts: dangerous imports."""
    from picklescan.scanner import SafetyLevel, scan_file_path

    found = scan_file_path(path)
    dangerous = [
        f"dangerous import {each.module}.{each.name}"
        for each in found.globals
        if each.safety is SafetyLevel.Dangerous
    ]
    if found.issues_count and not dangerous:
        dangerous = [f"{found.issues_count} issues"]
    return dangerous, "could not read it to its end" if found.scan_err else ""


def fickling(path: str) -> tuple[list[str], str]:
    """Ask for all that it calls suspicious or worse."""
    import zipfile

    from fickling import scan_file, scan_zip_archive
    from fickling.analysis import Severity

    zipped = zipfile.is_zipfile(path)
    found = scan_zip_archive(path, graceful=True) if zipped else None
    results = list(found.values()) if found else [scan_file(path, graceful=True)]
    findings: list[str] = []
    errors: list[str] = []
    for each in results:
        errors += each.errors
        for analysis in each.results:
            findings += [
                f"{result.severity.name.lower()}: {result}"
                for result in analysis.results
                if result.severity >= Severity.SUSPICIOUS
            ]
    return findings, errors[0] if errors else ""


def modelaudit_picklescan(path: str) -> tuple[list[str], str]:
    """Ask for its warnings, too: its verdict is not clean with one."""
    from modelaudit_picklescan import scan_file

    report = scan_file(path)
    findings = [
        f"{each.severity.value}: {each.message}"
        for each in report.findings
        if each.severity.value in ("warning", "critical")
    ]
    if report.verdict.value == "malicious" and not findings:
        findings = ["malicious"]
    failed = report.status.value == "error"
    return findings, report.errors[0].message if failed and report.errors else (
        "failed" if failed else ""
    )


ASKED = {
    "picklescan": picklescan,
    "fickling": fickling,
    "modelaudit-picklescan": modelaudit_picklescan,
}


def main(name: str, listed: str) -> None:
    """Look at each path, and print what was found."""
    answers = []
    with contextlib.redirect_stdout(sys.stderr):
        known = version(name)
        for path in json.loads(Path(listed).read_text(encoding="utf-8")):
            try:
                findings, error = ASKED[name](path)
            except Exception as problem:  # noqa: BLE001 - any scanner's own fault
                findings, error = [], f"{type(problem).__name__}: {problem}"
            answers.append({"findings": findings, "error": error})
    print(json.dumps({"version": known, "files": answers}))


if __name__ == "__main__":
    main(*sys.argv[1:])
