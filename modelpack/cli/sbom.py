"""``modelpack sbom``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import progress, show_raw, write_new


class SpecVersion(StrEnum):
    """A version of CycloneDX."""

    V1_5 = "1.5"
    V1_6 = "1.6"
    V1_7 = "1.7"


def sbom(  # noqa: PLR0913 - one parameter for each flag
    target: Annotated[
        str,
        typer.Argument(
            help="A directory or file; else HOST/NAME:TAG, oci:….",
            metavar="SOURCE|REFERENCE",
        ),
    ],
    *,
    spec_version: Annotated[
        SpecVersion, typer.Option(help="Of CycloneDX.")
    ] = SpecVersion.V1_6,
    into: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write it to a new file.", metavar="FILE"),
    ] = None,
    include: options.Include = None,
    exclude: options.Exclude = None,
    jobs: options.Jobs = None,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Write a bill of materials: CycloneDX, with what the files say of the model.

    Each fact names where it comes from: measured, derived from a file, or declared.
    """
    from modelpack.api import sbom as describe

    del debug  # read in main
    with progress(quiet=quiet) as notify:
        document = describe(
            target,
            spec_version=spec_version,
            include=include or (),
            exclude=exclude or (),
            settings=options.settings(
                plain_http=plain_http, ca_file=ca_file, jobs=jobs
            ),
            notify=notify,
        )
    if into is not None:
        write_new(into, document)
    else:
        show_raw(document)
