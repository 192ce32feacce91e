"""``modelpack sbom``."""

from __future__ import annotations

from typing import Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import progress, show_raw, write_new
from modelpack.documents.checking import SpecVersion


def sbom(  # noqa: PLR0913 - one parameter for each flag
    target: options.Target,
    *,
    spec_version: Annotated[
        SpecVersion, typer.Option(help="Of CycloneDX.")
    ] = SpecVersion.V1_6,
    into: options.Into = None,
    include: options.Include = None,
    exclude: options.Exclude = None,
    energy: options.Energy = None,
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
            energy=energy or (),
            settings=options.settings(
                plain_http=plain_http, ca_file=ca_file, jobs=jobs
            ),
            notify=notify,
        )
    if into is not None:
        write_new(into, document)
    else:
        show_raw(document)
