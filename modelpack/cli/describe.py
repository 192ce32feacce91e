"""``modelpack describe``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import progress, tell, write_new
from modelpack.errors import InvalidInput, LocalError, PolicyDenied


def describe(  # noqa: PLR0913 - one parameter for each flag
    target: options.Target,
    *,
    into: Annotated[
        Path,
        typer.Option("-o", "--output", help="The folder to make.", metavar="DIR"),
    ],
    allow: options.Allow = None,
    include: options.Include = None,
    exclude: options.Exclude = None,
    energy: options.Energy = None,
    environment: options.Environment = None,
    author: options.Author = "",
    jobs: options.Jobs = None,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Write all documents about a model into a folder: facts, scan, BOM.

    Exit code 4 if a file does not pass the scan: the documents say so, too.
    """
    from modelpack.api import Beside
    from modelpack.api import describe as make

    del debug  # read in main
    if into.exists():
        raise InvalidInput("exists already", where=str(into))
    with progress(quiet=quiet) as notify:
        found = make(
            target,
            allow=allow or (),
            include=include or (),
            exclude=exclude or (),
            beside=Beside(energy=energy or (), environment=environment, author=author),
            settings=options.settings(
                plain_http=plain_http, ca_file=ca_file, jobs=jobs
            ),
            notify=notify,
        )
    try:
        into.mkdir(parents=True)
    except OSError as error:
        raise LocalError(error.strerror or str(error), where=str(into)) from error
    for name, content in sorted(found.files().items()):
        write_new(into / name, content)
        tell(into / name)
    if not found.passes:
        raise PolicyDenied("not every file passes the scan", where=found.target)
