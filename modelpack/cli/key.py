"""``modelpack key``."""

from __future__ import annotations

from typing import Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import say, show_json, tell
from modelpack.cli.trust import new_password, secret_of

app = typer.Typer(help="Make keys, and look at them.", no_args_is_help=True)


@app.command()
def generate(
    prefix: Annotated[
        str,
        typer.Option(
            "--output-key-prefix",
            help="Write PREFIX.key and PREFIX.pub.",
            metavar="PREFIX",
        ),
    ] = "modelpack",
    *,
    debug: options.Debug = False,
) -> None:
    """Make a key pair that cosign reads as well."""
    from modelpack.api import generate_key

    del debug  # read in main
    private, public = generate_key(prefix, new_password())
    say(f"private key: {private}")
    tell(public)


@app.command()
def inspect(
    key: Annotated[
        str,
        typer.Argument(
            help="A public or private key: a file, env://…, pkcs11:…, awskms://…, ….",
            metavar="KEY",
        ),
    ],
    *,
    output: options.Output = options.Format.TEXT,
    debug: options.Debug = False,
) -> None:
    """Say what a key is, and print the public one."""
    from modelpack.api import inspect_key

    del debug  # read in main
    found = inspect_key(key, secret_of(key))
    if output is options.Format.JSON:
        show_json(found.document())
        return
    say(f"{found.kind}, {'private' if found.private else 'public'}")
    say(f"sha256:{found.fingerprint}")
    for line in found.pem.splitlines():
        tell(line)
