"""``modelpack check``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import show_json, tell
from modelpack.errors import UnusableArtifact
from modelpack.model.consumers import Consumer

if TYPE_CHECKING:
    from modelpack.api.consuming import Answer


def check(
    reference: Annotated[str, typer.Argument(help="A model.", metavar="REFERENCE")],
    *,
    consumers: Annotated[
        list[Consumer] | None,
        typer.Option(
            "--for", help="Who is to mount it; repeatable. Else all are told about."
        ),
    ] = None,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    output: options.Output = options.Format.TEXT,
    debug: options.Debug = False,
) -> None:
    """Say what a cluster's runtimes would see of a model, mounted as a volume.

    With --for, exit code 2 if one of those would not see its files.
    """
    from modelpack.api import check as look

    del debug  # read in main
    found = look(
        reference,
        consumers or (),
        settings=options.settings(plain_http=plain_http, ca_file=ca_file),
    )
    blind = [each for each in found.answers if not each.reference]
    if output is options.Format.JSON:
        if not (consumers and blind):
            show_json(found.document())
    else:
        width = max(len(each.consumer) for each in found.answers)
        for each in found.answers:
            tell(f"{each.consumer:<{width}}  {_line(each)}")
    if consumers and blind:
        names = ", ".join(each.consumer for each in blind)
        raise UnusableArtifact(
            f"{names} would not see the files: {blind[0].artifact.what}",
            where=found.reference,
            hint="push --modelcar makes an image that containerd and KServe can mount",
        )


def _line(answer: Answer) -> str:
    if answer.artifact.sees:
        return f"{answer.reference}: {answer.artifact.what}"
    reason = f"the artifact itself: {answer.artifact.what}"
    if answer.reference and answer.car is not None:
        return f"{answer.reference}: {answer.car.what} ({reason})"
    return f"nothing to mount ({reason})"
