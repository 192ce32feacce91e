"""The commands, in the groups that ``modelpack --help`` shows."""

from __future__ import annotations

from typing import Annotated

import typer

from modelpack.cli import (
    admission,
    attest,
    card,
    check,
    copy,
    describe,
    diff,
    init,
    inspect,
    key,
    login,
    ls,
    policy,
    pull,
    push,
    registry,
    release,
    rm,
    sbom,
    scan,
    sign,
    tag,
    tree,
    verify,
)
from modelpack.version import __version__

app = typer.Typer(
    name="modelpack",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Models as OCI artifacts: push, pull and inspect, in any registry.",
)


def _version(asked: bool) -> None:  # noqa: FBT001 - a typer callback
    if asked:
        typer.echo(f"modelpack {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Models as OCI artifacts: push, pull and inspect, in any registry."""
    del version


MOVE, TRUST, LOOK, KEEP = "Move", "Trust", "Look", "Registries"
SERVE = "Serve"
app.command(rich_help_panel=MOVE)(push.push)
app.command(rich_help_panel=MOVE)(pull.pull)
app.command(rich_help_panel=MOVE)(copy.copy)
app.command(rich_help_panel=TRUST)(release.release)
app.command(rich_help_panel=TRUST)(sign.sign)
app.command(rich_help_panel=TRUST)(attest.attest)
app.command(rich_help_panel=TRUST)(verify.verify)
app.add_typer(key.app, name="key", rich_help_panel=TRUST)
app.add_typer(policy.app, name="policy", rich_help_panel=TRUST)
app.command(rich_help_panel=LOOK)(init.init)
app.command(rich_help_panel=LOOK)(inspect.inspect)
app.command(rich_help_panel=LOOK)(scan.scan)
app.command(rich_help_panel=LOOK)(sbom.sbom)
app.command(rich_help_panel=LOOK)(card.card)
app.command(rich_help_panel=LOOK)(describe.describe)
app.command(rich_help_panel=LOOK)(check.check)
app.command(rich_help_panel=LOOK)(ls.ls)
app.command(rich_help_panel=LOOK)(tree.tree)
app.command(rich_help_panel=LOOK)(diff.diff)
app.command(rich_help_panel=KEEP)(tag.tag)
app.command(rich_help_panel=KEEP)(rm.rm)
app.command(rich_help_panel=KEEP)(login.login)
app.command(rich_help_panel=KEEP)(login.logout)
app.add_typer(registry.app, name="registry", rich_help_panel=SERVE)
app.add_typer(admission.app, name="admission", rich_help_panel=SERVE)
