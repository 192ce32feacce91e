"""``modelpack rm``."""

from __future__ import annotations

from typing import Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import fail, tell
from modelpack.cli.exit_codes import exit_code
from modelpack.errors import ModelpackError


def rm(
    references: Annotated[
        list[str], typer.Argument(help="Tags or digests.", metavar="REFERENCE…")
    ],
    *,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    debug: options.Debug = False,
) -> None:
    """Remove tags, and artifacts by their digest; go on where one fails."""
    from modelpack.api import remove

    del debug  # read in main
    settings = options.settings(plain_http=plain_http, ca_file=ca_file)
    failed: list[ModelpackError] = []
    for reference in references:
        try:
            remove(reference, settings=settings)
        except ModelpackError as error:
            failed.append(error)
            fail(str(error), hint=error.hint)
        else:
            tell(reference)
    if failed:
        raise typer.Exit(exit_code(failed[0]))
