"""``modelpack init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import progress, write_new, write_over


def init(
    folder: Annotated[
        Path, typer.Argument(help="The model's folder.", metavar="DIRECTORY")
    ] = Path(),
    *,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Write a modelpack.yaml: what its publisher declares of a model.

    It is filled with what the files say, from a Kitfile and a Modelfile too, and shows
    all that can be said. A JSON schema beside it lets editors complete it.
    """
    from modelpack.api import draft_declaration
    from modelpack.formats.declaration.declaration import FILE_NAME
    from modelpack.formats.declaration.schema import SCHEMA_NAME, declaration_schema

    del debug  # read in main
    with progress(quiet=quiet) as notify:
        document = draft_declaration(folder, notify=notify)
    write_new(folder / FILE_NAME, document)
    write_over(folder / SCHEMA_NAME, declaration_schema())
    print(folder / FILE_NAME)
