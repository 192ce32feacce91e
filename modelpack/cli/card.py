"""``modelpack card``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import progress, show_raw, write_new
from modelpack.documents.card.form import CardType


def card(  # noqa: PLR0913 - one parameter for each flag
    target: options.Target,
    *,
    kind: Annotated[
        CardType, typer.Option("--type", help="Markdown, one HTML page, or JSON.")
    ] = CardType.MARKDOWN,
    evaluation: Annotated[
        list[Path] | None,
        typer.Option(
            help="Results beside the model, of lm-evaluation-harness or evaluate; "
            "repeatable.",
            metavar="FILE",
        ),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            help="Verify who signed the artifact with this public key; repeatable.",
            metavar="KEY",
        ),
    ] = None,
    into: options.Into = None,
    allow: options.Allow = None,
    include: options.Include = None,
    exclude: options.Exclude = None,
    energy: options.Energy = None,
    jobs: options.Jobs = None,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Write a model card: what people wrote stays, what the files say is added.

    It names what is missing, too.
    """
    from modelpack.api import believe_keys
    from modelpack.api import card as make

    del debug  # read in main
    with progress(quiet=quiet) as notify:
        document = make(
            target,
            kind,
            evaluations=evaluation or (),
            energy=energy or (),
            believe=believe_keys(key) if key else None,
            allow=allow or (),
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
