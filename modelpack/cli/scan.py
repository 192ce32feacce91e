"""``modelpack scan``."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import json_text, progress, show_json, tell, write_new
from modelpack.errors import PolicyDenied
from modelpack.formats.names import shown

if TYPE_CHECKING:
    from modelpack.api.scanning import ScanResult
    from modelpack.scanning.verdict import Evidence


class ScanFormat(StrEnum):
    """How a scan is printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    VULN = "vuln"


def scan(  # noqa: PLR0913 - one parameter for each flag
    target: options.Target,
    *,
    allow: options.Allow = None,
    others: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            help="Ask another scanner, too: picklescan, fickling, "
            "modelaudit-picklescan, modelaudit, clamav, trivy, grype; repeatable.",
            metavar="NAME[=PROGRAM]",
        ),
    ] = None,
    bom: Annotated[
        Path | None,
        typer.Option(
            help="CycloneDX document of the training environment, for trivy and grype.",
            metavar="FILE",
        ),
    ] = None,
    shape: Annotated[
        ScanFormat,
        typer.Option(
            "--format", help="vuln is the predicate for `attest --type vuln`."
        ),
    ] = ScanFormat.TEXT,
    into: options.Into = None,
    include: options.Include = None,
    exclude: options.Exclude = None,
    jobs: options.Jobs = None,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Judge whether loading a model's files could run code.

    A file passes if its content is of a format that cannot run code, and is sound
    to its last byte. Exit code 4 if one does not pass.
    """
    from modelpack.api import scan as judge
    from modelpack.scanning.verdict import Outcome

    del debug  # read in main
    with progress(quiet=quiet) as notify:
        found = judge(
            target,
            allow=allow or (),
            with_others=others or (),
            bom=bom,
            include=include or (),
            exclude=exclude or (),
            settings=options.settings(
                plain_http=plain_http, ca_file=ca_file, jobs=jobs
            ),
            notify=notify,
        )
    lines = _lines(found) if shape is ScanFormat.TEXT else None
    if into is not None:
        text = json_text(_document(found, shape)) if lines is None else "\n".join(lines)
        write_new(into, f"{text}\n".encode())
    elif lines is None:
        show_json(_document(found, shape))
    else:
        for line in lines:
            tell(line)
    if found.report.outcome is not Outcome.PASS:
        files = found.report.files
        bad = sum(file.outcome is not Outcome.PASS for file in files)
        what = f"{bad} of {len(files)} files do not pass the scan"
        objecting = [e for e in found.report.evidence if e.outcome is not Outcome.PASS]
        names = ", ".join(each.scanner for each in objecting)
        raise PolicyDenied(
            f"{what}; not content: {names}" if names else what, where=found.target
        )


def _document(found: ScanResult, shape: ScanFormat) -> Mapping[str, object]:
    match shape:
        case ScanFormat.SARIF:
            return found.sarif()
        case ScanFormat.VULN:
            return found.predicate()
        case _:
            return found.document()


def _lines(found: ScanResult) -> list[str]:
    files = found.report.files
    width = max(len(file.kind) for file in files)
    lines = []
    for file in files:
        allowed = f"  (allowed: {file.allowed})" if file.allowed else ""
        lines.append(f"{file.outcome:<5}  {file.kind:<{width}}  {file.path}{allowed}")
        for finding in file.findings:
            line = f" (line {finding.line})" if finding.line else ""
            lines.append(f"       {finding.rule}: {finding.message}{line}")
    for evidence in found.report.evidence:
        lines += _told(evidence, {file.path for file in files})
    return lines


def _told(evidence: Evidence, paths: AbstractSet[str]) -> list[str]:
    """Say who was asked; what is about a file stands there."""
    count = len(evidence.files) + len(evidence.packages)
    asked = f"with   {evidence.scanner} {evidence.version}"
    lines = [f"{asked}: {count} findings, {evidence.examined} examined"]
    for remark in (*evidence.packages, *evidence.files, *evidence.failures):
        if remark.about not in paths:
            about = f"{shown(remark.about)}: " if remark.about else ""
            lines.append(f"       {about}{shown(remark.message)}")
    return lines
