"""``modelpack sbom``: write a bill of materials, or hold one against a profile."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from modelpack.cli import options
from modelpack.cli.console import progress, show_json, show_raw, tell, write_new
from modelpack.documents.checking import SpecVersion
from modelpack.documents.profiles.profile import ProfileName
from modelpack.errors import InvalidInput, PolicyDenied

if TYPE_CHECKING:
    from typer._click.core import Context

_WRITE = "write"


class _Group(TyperGroup):
    """`sbom SOURCE` is short for `sbom write SOURCE`."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = [_WRITE, *args]
        return super().parse_args(ctx, args)


class BomType(StrEnum):
    """What a bill of materials can be."""

    CYCLONEDX = "cyclonedx"
    SPDX = "spdx"


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    help="Write a bill of materials (`sbom SOURCE`), or check one.",
)


@app.command(_WRITE)
def write(  # noqa: PLR0913 - one parameter for each flag
    target: options.Target,
    *,
    kind: Annotated[BomType, typer.Option("--type", help="Of which standard.")] = (
        BomType.CYCLONEDX
    ),
    spec_version: Annotated[
        SpecVersion | None, typer.Option(help="Of CycloneDX; 1.6 without it.")
    ] = None,
    into: options.Into = None,
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
    """Write a bill of materials: CycloneDX or SPDX 3, with what the files say.

    Each fact names where it comes from: measured, derived from a file, or declared.
    """
    from modelpack.api import Beside, sbom, spdx

    del debug  # read in main
    if kind is BomType.SPDX and spec_version is not None:
        raise InvalidInput("is CycloneDX's; SPDX is 3.0.1", where="--spec-version")
    with progress(quiet=quiet) as notify:
        beside = Beside(energy=energy or (), environment=environment, author=author)
        shared = options.settings(plain_http=plain_http, ca_file=ca_file, jobs=jobs)
        if kind is BomType.SPDX:
            document = spdx(
                target,
                include=include or (),
                exclude=exclude or (),
                beside=beside,
                settings=shared,
                notify=notify,
            )
        else:
            document = sbom(
                target,
                spec_version=spec_version or SpecVersion.V1_6,
                include=include or (),
                exclude=exclude or (),
                beside=beside,
                settings=shared,
                notify=notify,
            )
    if into is not None:
        write_new(into, document)
    else:
        show_raw(document)


@app.command("check")
def check(
    file: Annotated[
        Path,
        typer.Argument(help="A CycloneDX or SPDX 3 document.", metavar="FILE"),
    ],
    *,
    profile: Annotated[
        ProfileName, typer.Option(help="Whose list of elements.", show_default=False)
    ],
    require: Annotated[
        list[str] | None,
        typer.Option(help="Require this element, and no others; repeatable."),
    ] = None,
    output: options.Output = options.Format.TEXT,
    debug: options.Debug = False,
) -> None:
    """Say of each element that a profile asks for whether the document has it.

    Exit code 4 where one that the profile requires is missing.
    """
    from modelpack.api import check_sbom

    del debug  # read in main
    found = check_sbom(file, profile, require=require or ())
    if output is options.Format.JSON:
        show_json(found.document())
    else:
        for line in found.lines():
            tell(line)
    if found.missing:
        raise PolicyDenied(
            f"{len(found.missing)} of {len(found.findings)} elements of {profile} "
            "are required and missing",
            where=str(file),
        )
