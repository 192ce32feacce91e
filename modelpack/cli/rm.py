"""``modelpack rm``."""

from __future__ import annotations

from typing import Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import tell


def rm(
    references: Annotated[
        list[str], typer.Argument(help="Tags or digests.", metavar="REFERENCE…")
    ],
    *,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    debug: options.Debug = False,
) -> None:
    """Remove a tag, or an artifact by its digest."""
    from modelpack.api import remove

    del debug  # read in main
    settings = options.settings(plain_http=plain_http, ca_file=ca_file)
    for reference in references:
        remove(reference, settings=settings)
        tell(reference)
