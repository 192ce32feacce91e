"""``modelpack scan``."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import json_text, progress, show_json, tell, write_new
from modelpack.errors import PolicyDenied

if TYPE_CHECKING:
    from modelpack.api.scanning import ScanResult


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
        raise PolicyDenied(
            f"{bad} of {len(files)} files do not pass the scan", where=found.target
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
    return lines
