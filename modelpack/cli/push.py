"""``modelpack push``."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from modelpack.cli import options, trust
from modelpack.cli.console import progress, show_json, tell
from modelpack.errors import InvalidInput


def push(  # noqa: PLR0913 - one parameter for each flag
    source: Annotated[
        str, typer.Argument(help="A directory or a file.", metavar="SOURCE")
    ],
    reference: Annotated[
        str,
        typer.Argument(
            help="HOST/NAME:TAG, oci:DIR:TAG or oci-archive:FILE:TAG.",
            metavar="REFERENCE",
        ),
    ],
    *,
    include: options.Include = None,
    exclude: options.Exclude = None,
    annotation: options.Annotation = None,
    split: options.Split = "",
    mount_from: Annotated[
        list[str] | None,
        typer.Option(
            help="A repository of the same registry to take known blobs from.",
            metavar="NAME",
        ),
    ] = None,
    rehash: Annotated[
        bool, typer.Option("--rehash", help="Trust no digest computed before.")
    ] = False,
    modelcar: options.Modelcar = False,
    sign: Annotated[
        bool,
        typer.Option("--sign", help="Sign it before the tag moves, as sign does."),
    ] = False,
    describe: Annotated[
        bool,
        typer.Option(
            "--describe",
            help="With --sign: scan it, and sign facts, scan, BOM and card as well.",
        ),
    ] = False,
    allow: options.Allow = None,
    key: trust.Key = None,
    identity_token: trust.IdentityToken = None,
    trust_config: trust.TrustConfig = None,
    signing_config: trust.SigningConfig = None,
    trusted_root: trust.TrustedRoot = None,
    rekor_url: trust.RekorUrl = None,
    yes: trust.Yes = False,
    legacy: trust.Legacy = False,
    jobs: options.Jobs = None,
    chunk_size: Annotated[
        str, typer.Option(help="Bytes in one PATCH request.", metavar="SIZE")
    ] = "64MiB",
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    output: options.Output = options.Format.TEXT,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Publish a model: its files become one OCI artifact."""
    from modelpack.api import push as publish

    del debug  # read in main
    settings = replace(
        options.settings(plain_http=plain_http, ca_file=ca_file, jobs=jobs),
        chunk_size=options.parse_size(chunk_size, "--chunk-size"),
    )
    if key is not None and not sign:
        raise InvalidInput("--key signs; say --sign as well")
    if describe and not sign:
        raise InvalidInput("--describe signs what it says; say --sign as well")
    signer = None
    if sign:
        signer = trust.signer(
            key=key,
            identity_token=identity_token,
            trust_config=trust_config,
            signing_config=signing_config,
            trusted_root=trusted_root,
            rekor_url=rekor_url,
            yes=yes,
            older=legacy,
        )
    with progress(quiet=quiet) as notify:
        pushed = publish(
            source,
            reference,
            include=include or (),
            exclude=exclude or (),
            annotations=options.parse_pairs(annotation, "--annotation"),
            split=options.parse_size(split, "--split") if split else 0,
            mount_from=mount_from or (),
            rehash=rehash,
            modelcar=modelcar,
            signer=signer,
            describe=describe,
            allow=allow or (),
            settings=settings,
            notify=notify,
        )
    if output is options.Format.JSON:
        show_json(pushed.document())
    else:
        tell(pushed.reference)
