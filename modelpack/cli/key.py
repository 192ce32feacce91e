"""``modelpack key``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import say, show_json, tell
from modelpack.cli.trust import new_password, password

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
    file: Annotated[
        Path, typer.Argument(help="A public or private key.", metavar="FILE")
    ],
    *,
    output: options.Output = options.Format.TEXT,
    debug: options.Debug = False,
) -> None:
    """Say what a key is, and print the public one."""
    from modelpack.api import inspect_key

    del debug  # read in main
    found = inspect_key(file, password)
    if output is options.Format.JSON:
        show_json(found.document())
        return
    say(f"{found.kind}, {'private' if found.private else 'public'}")
    say(f"sha256:{found.fingerprint}")
    for line in found.pem.splitlines():
        tell(line)
