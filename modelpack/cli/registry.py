"""``modelpack registry serve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelpack.cli.console import say

app = typer.Typer(
    no_args_is_help=True,
    help="A small registry of our own, for demos and offline rooms.",
)


@app.callback()
def registry() -> None:
    """Hold the one command as a group, so that more can join it."""


@app.command()
def serve(
    *,
    directory: Annotated[
        Path | None,
        typer.Option(
            "--dir",
            help="Where artifacts are kept; without it, a temporary folder.",
            metavar="DIR",
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(help="0 takes a free one.", min=0, max=65535)
    ] = 5000,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
) -> None:
    """Serve an OCI registry until interrupted."""
    import signal

    # What runs a service ends it with SIGTERM: that is no failure, and the
    # temporary folder has to go as well.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _serve(directory, host, port)
    except KeyboardInterrupt:
        say("ended")


def _serve(directory: Path | None, host: str, port: int) -> None:
    from tempfile import TemporaryDirectory

    from modelpack.serve.registry import RegistryServer

    with TemporaryDirectory(prefix="modelpack-registry-") as temporary:
        place = directory or Path(temporary)
        with RegistryServer(place, host=host, port=port) as server:
            print(server.address, flush=True)
            say(f"serving {place}; Ctrl-C ends it")
            server.serve_forever()
