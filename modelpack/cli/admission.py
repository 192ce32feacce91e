"""``modelpack admission serve``."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import say
from modelpack.errors import InvalidInput

app = typer.Typer(
    no_args_is_help=True,
    help="The server that a cluster asks before a model gets in.",
)


@app.callback()
def admission() -> None:
    """Hold the one command as a group, so that more can join it."""


@app.command()
def serve(  # noqa: PLR0913 - one parameter for each flag
    *,
    certificate: Annotated[
        Path,
        typer.Option("--tls-cert", help="The server's certificates, PEM."),
    ],
    key: Annotated[Path, typer.Option("--tls-key", help="Their private key, PEM.")],
    policy: Annotated[
        list[Path],
        typer.Option(help="File or folder of Kyverno policies; repeatable."),
    ],
    exception: Annotated[
        list[Path] | None,
        typer.Option(help="File of PolicyExceptions to make; repeatable."),
    ] = None,
    trusted_root: Annotated[
        Path | None,
        typer.Option(help="Sigstore trusted root, for attestors that name none."),
    ] = None,
    registry: Annotated[
        list[str] | None,
        typer.Option(help="A registry that may be asked, besides those in policies."),
    ] = None,
    plain_http_registry: Annotated[
        list[str] | None,
        typer.Option(help="A registry that may be asked without TLS; repeatable."),
    ] = None,
    pull_secret: Annotated[
        list[Path] | None,
        typer.Option(help="File, or mounted secret, with docker's logins; repeatable."),
    ] = None,
    ca_file: options.CaFile = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="0 takes a free one.", min=0, max=65535)
    ] = 8443,
    timeout: Annotated[
        float,
        typer.Option(help="How many seconds a caller waits that does not say it."),
    ] = 10.0,
    reload_every: Annotated[
        float, typer.Option(help="Seconds between looks at the files.", min=0.1)
    ] = 10.0,
    drain: Annotated[
        float, typer.Option(help="Seconds to go on after SIGTERM, not ready.")
    ] = 5.0,
) -> None:
    """Judge what a cluster is asked to run: webhook, Kyverno call-out, Gatekeeper.

    Every verdict is one line of JSON on standard output.
    """
    import signal

    from modelpack.api.admission import Registries, ServingPolicies, Sources
    from modelpack.serve.admission.policies import policy_server
    from modelpack.serve.admission.server import Listening

    sources = Sources(
        policies=tuple(policy),
        exceptions=tuple(exception or ()),
        trusted_root=trusted_root,
    )
    secrets = tuple(map(_docker_config, pull_secret or ()))
    settings = options.settings(ca_file=ca_file)
    registries = Registries(
        hosts=frozenset(registry or ()),
        plain_http=frozenset(plain_http_registry or ()),
        settings=replace(
            settings,
            docker_configs=(*secrets, *settings.docker_configs),
            cache=None,
            state=None,
            # A caller waits for seconds only.
            tries=2,
        ),
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    lock = threading.Lock()

    def audit(line: str) -> None:
        # Whoever cannot be told of a verdict gets none: what this raises refuses.
        with lock:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()

    server = policy_server(
        lambda: ServingPolicies(sources, registries),
        (*sources.paths, *registries.settings.docker_configs),
        Listening(
            certificate=certificate,
            key=key,
            host=host,
            port=port,
            seconds=timeout,
            every=reload_every,
        ),
        audit=audit,
        told=say,
    )
    try:
        say(f"serving on {host}:{server.port}")
        server.serve_forever()
    except KeyboardInterrupt:
        server.drain(drain)
        say("ended")
    finally:
        server.close()


def _docker_config(path: Path) -> Path:
    """Return the file in a mounted pull secret, or a docker configuration itself."""
    for name in (".dockerconfigjson", "config.json"):
        if (path / name).is_file():
            return path / name
    if not path.is_file():
        raise InvalidInput("holds no docker logins", where=f"--pull-secret {path}")
    return path
