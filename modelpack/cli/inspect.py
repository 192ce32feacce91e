"""``modelpack inspect``."""

from __future__ import annotations

from typing import Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import show_json, tell
from modelpack.cli.text import human


def inspect(
    reference: Annotated[str, typer.Argument(help="A model.", metavar="REFERENCE")],
    *,
    headers: Annotated[
        bool,
        typer.Option(
            "--headers", help="Ask the weight files' headers, too (not verified)."
        ),
    ] = False,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    output: options.Output = options.Format.TEXT,
    debug: options.Debug = False,
) -> None:
    """Say what a model is, without fetching its weights."""
    from modelpack.api import inspect as look
    from modelpack.attestation.predicates import word_for

    del debug  # read in main
    found = look(
        reference,
        headers=headers,
        settings=options.settings(plain_http=plain_http, ca_file=ca_file),
    )
    if output is options.Format.JSON:
        show_json(found.document())
        return
    rows = [*found.rows(), ("size", human(found.size))]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        tell(f"{name:<{width}}  {value}")
    if found.statements is None:
        tell("documents: more than can be read")
    elif found.statements:
        tell(f"documents ({len(found.statements)}), not verified here")
        kinds = [word_for(each.kind) for each in found.statements]
        wide = max(map(len, kinds))
        for kind, each in zip(kinds, found.statements, strict=True):
            tell(f"  {kind:<{wide}}  {each.signer}")
    tell(f"files ({len(found.model.files)})")
    for file in found.model.files:
        parts = f"  in {len(file.pieces)} parts" if len(file.pieces) > 1 else ""
        tell(f"  {human(file.size):>10}  {file.path}{parts}")
