"""``modelpack policy new``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import show_raw, write_new
from modelpack.errors import InvalidInput


def new(  # noqa: PLR0913 - one parameter for each flag
    *,
    require: Annotated[
        list[str],
        typer.Option(
            help="What to demand: signed, formats, licence=ID, sbom, scan[=DAYS],"
            " provenance=BUILDER, base=PURL, wasm=INTERFACE, carbon[=KG]."
            " Separated by commas, or repeated.",
            metavar="DEMAND,…",
        ),
    ],
    place: Annotated[
        list[str],
        typer.Option(
            help="Where models are named: volumes, csi, containers, kserve, llm.",
            metavar="PLACE,…",
        ),
    ],
    registry: Annotated[
        list[str],
        typer.Option(
            help="Where models come from: a registry, or a folder in one; repeatable.",
            metavar="HOST[/FOLDER]",
        ),
    ],
    key: Annotated[
        Path | None, typer.Option(help="The team's public key.", metavar="FILE")
    ] = None,
    identity: Annotated[
        str | None,
        typer.Option(
            "--certificate-identity",
            help="Or its identity: a workflow's or a person's.",
            metavar="NAME",
        ),
    ] = None,
    issuer: Annotated[
        str | None,
        typer.Option(
            "--certificate-oidc-issuer",
            help="Who vouches for the identity.",
            metavar="URL",
        ),
    ] = None,
    trusted_root: Annotated[
        Path | None,
        typer.Option(help="Of a private Sigstore; written into it.", metavar="FILE"),
    ] = None,
    name: Annotated[
        str, typer.Option(help="What the policies' names begin with.", metavar="NAME")
    ] = "models",
    into: options.Into = None,
    debug: options.Debug = False,
) -> None:
    """Write policies for a cluster and for `pull`: one for each kind of object.

    Models that come from another registry, or are named by a tag, are refused.
    """
    from modelpack.api.composing import new_policy, trust_identity, trust_key

    del debug  # read in main
    if (key is None) == (identity is None):
        raise InvalidInput("--key FILE or --certificate-identity NAME: one of them")
    if key is not None:
        trust = trust_key(key)
    elif identity is not None and issuer is not None:
        trust = trust_identity(identity, issuer, trusted_root=trusted_root)
    else:
        raise InvalidInput("--certificate-identity needs --certificate-oidc-issuer")
    written = new_policy(
        trust,
        require=list(_split(require)),
        places=list(_split(place)),
        registries=registry,
        name=name,
    ).encode()
    if into is not None:
        write_new(into, written)
    else:
        show_raw(written)


def _split(lists: Sequence[str]) -> Iterator[str]:
    for each in lists:
        yield from (word.strip() for word in each.split(",") if word.strip())
