"""The commands, in the groups that ``modelpack --help`` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Annotated, Any, Final

import typer

from modelpack.version import __version__

__all__ = ["app_of"]

_MOVE, _TRUST, _LOOK = "Move", "Trust", "Look"
_KEEP, _SERVE = "Registries", "Serve"
# Each by its name, which is its function's as well: the panel of the help, the module.
_COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "push": (_MOVE, "push"),
    "pull": (_MOVE, "pull"),
    "copy": (_MOVE, "copy"),
    "release": (_TRUST, "release"),
    "sign": (_TRUST, "sign"),
    "attest": (_TRUST, "attest"),
    "verify": (_TRUST, "verify"),
    "init": (_LOOK, "init"),
    "inspect": (_LOOK, "inspect"),
    "scan": (_LOOK, "scan"),
    "card": (_LOOK, "card"),
    "describe": (_LOOK, "describe"),
    "check": (_LOOK, "check"),
    "lineage": (_LOOK, "lineage"),
    "ls": (_LOOK, "ls"),
    "tree": (_LOOK, "tree"),
    "diff": (_LOOK, "diff"),
    "tag": (_KEEP, "tag"),
    "rm": (_KEEP, "rm"),
    "login": (_KEEP, "login"),
    "logout": (_KEEP, "login"),
}
# And those that have commands of their own.
_GROUPS: Final[Mapping[str, tuple[str, str]]] = {
    "key": (_TRUST, "key"),
    "policy": (_TRUST, "policy"),
    "sbom": (_LOOK, "sbom"),
    "registry": (_SERVE, "registry"),
    "admission": (_SERVE, "admission"),
}


def app_of(arguments: Sequence[str]) -> typer.Typer:
    """Return the program, with the commands that ``arguments`` can mean.

    That is one where its name comes first: typer evaluates each flag of each command
    that it knows, a quarter of the time that a short command takes.
    """
    app = typer.Typer(
        name="modelpack",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Models as OCI artifacts: push, pull and inspect, in any registry.",
    )
    app.callback()(_options)
    named = arguments[0] if arguments else ""
    known = named in _COMMANDS or named in _GROUPS
    for name, (panel, module) in _COMMANDS.items():
        if not known or name == named:
            app.command(rich_help_panel=panel)(_member(module, name))
    for name, (panel, module) in _GROUPS.items():
        if not known or name == named:
            group = _member(module, "app")
            app.add_typer(group, name=name, rich_help_panel=panel)
    return app


def _member(module: str, name: str) -> Any:  # noqa: ANN401 - a function or an app
    return getattr(import_module(f"modelpack.cli.{module}"), name)


def _version(asked: bool) -> None:  # noqa: FBT001 - a typer callback
    if asked:
        typer.echo(f"modelpack {__version__}")
        raise typer.Exit


def _options(
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
