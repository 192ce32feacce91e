"""``modelpack sign``."""

from __future__ import annotations

from typing import Annotated

import typer

from modelpack.cli import options, trust
from modelpack.cli.console import progress, show_json, tell


def sign(  # noqa: PLR0913 - one parameter for each flag
    references: Annotated[
        list[str],
        typer.Argument(
            help="HOST/NAME:TAG, HOST/NAME@DIGEST or oci:…; repeatable.",
            metavar="REFERENCE...",
        ),
    ],
    *,
    key: trust.Key = None,
    identity_token: trust.IdentityToken = None,
    trust_config: trust.TrustConfig = None,
    signing_config: trust.SigningConfig = None,
    trusted_root: trust.TrustedRoot = None,
    rekor_url: trust.RekorUrl = None,
    yes: trust.Yes = False,
    annotations: Annotated[
        list[str] | None,
        typer.Option(
            "--annotations",
            "-a",
            help="What else is signed; repeatable.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    legacy: trust.Legacy = False,
    oms: Annotated[
        bool,
        typer.Option(
            "--oms/--no-oms", help="Sign a model's files for model_signing, too."
        ),
    ] = True,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    output: options.Output = options.Format.TEXT,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Sign artifacts: with a key, or keyless with an identity."""
    from modelpack.api import sign as make

    del debug  # read in main
    signer = trust.signer(
        key=key,
        identity_token=identity_token,
        trust_config=trust_config,
        signing_config=signing_config,
        trusted_root=trusted_root,
        rekor_url=rekor_url,
        yes=yes,
        older=legacy,
        model_signature=oms,
    )
    settings = options.settings(plain_http=plain_http, ca_file=ca_file)
    said = options.parse_pairs(annotations, "--annotations")
    for reference in references:
        with progress(quiet=quiet) as notify:
            signed = make(
                reference, signer, annotations=said, settings=settings, notify=notify
            )
        if output is options.Format.JSON:
            show_json(signed.document())
        else:
            tell(signed.reference)
