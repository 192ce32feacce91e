"""``modelpack login`` and ``modelpack logout``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import say
from modelpack.errors import InvalidInput

Host = Annotated[
    str, typer.Argument(help="HOST[:PORT] of the registry.", metavar="HOST")
]


def login(
    host: Host,
    *,
    username: Annotated[
        str, typer.Option("--username", "-u", help="The account.")
    ] = "",
    password_stdin: Annotated[
        bool,
        typer.Option("--password-stdin", help="Read the password from standard input."),
    ] = False,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    debug: options.Debug = False,
) -> None:
    """Check a login with a registry and keep it where docker keeps it."""
    from modelpack.api import login as check_and_keep

    del debug  # read in main
    if not username:
        if password_stdin or not sys.stdin.isatty():
            raise InvalidInput("needs a user name", where="--username")
        username = typer.prompt("Username", err=True)
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, err=True)
    else:
        raise InvalidInput(
            "there is no terminal to ask for the password", hint="--password-stdin"
        )
    settings = options.settings(plain_http=plain_http, ca_file=ca_file)
    place = check_and_keep(host, username, password, settings=settings)
    say(f"logged in to {host}; kept in {place}")


def logout(host: Host, *, debug: options.Debug = False) -> None:
    """Forget a login."""
    from modelpack.api import logout as forget

    del debug  # read in main
    say(f"logged out of {host}" if forget(host) else f"was not logged in to {host}")
