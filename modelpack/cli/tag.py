"""``modelpack tag``."""

from __future__ import annotations

from typing import Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import tell


def tag(
    reference: Annotated[
        str, typer.Argument(help="What to tag, by tag or digest.", metavar="REFERENCE")
    ],
    tags: Annotated[list[str], typer.Argument(help="The new tags.", metavar="TAG…")],
    *,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    debug: options.Debug = False,
) -> None:
    """Give an artifact more tags; no layer moves."""
    from modelpack.api import tag as add_tags

    del debug  # read in main
    settings = options.settings(plain_http=plain_http, ca_file=ca_file)
    tell(add_tags(reference, *tags, settings=settings))
