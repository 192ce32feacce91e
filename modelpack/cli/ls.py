"""``modelpack ls``."""

from __future__ import annotations

from typing import Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import say, show_json, tell


def ls(
    place: Annotated[
        str,
        typer.Argument(help="HOST/NAME, oci:DIR or oci-archive:FILE.", metavar="PLACE"),
    ],
    *,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    output: options.Output = options.Format.TEXT,
    debug: options.Debug = False,
) -> None:
    """List the tags of a repository."""
    from modelpack.api import tags

    del debug  # read in main
    found = tags(
        place, settings=options.settings(plain_http=plain_http, ca_file=ca_file)
    )
    if output is options.Format.JSON:
        show_json({"place": place, "tags": list(found)})
        return
    if not found:
        say(f"there are no tags in {place}")
    for name in found:
        tell(name)
