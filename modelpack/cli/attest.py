"""``modelpack attest``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelpack.cli import options, trust
from modelpack.cli.console import progress, show_json, tell
from modelpack.errors import InvalidInput


def attest(  # noqa: PLR0913 - one parameter for each flag
    reference: Annotated[
        str,
        typer.Argument(
            help="HOST/NAME:TAG, HOST/NAME@DIGEST or oci:….", metavar="REFERENCE"
        ),
    ],
    *,
    predicate: Annotated[
        Path | None,
        typer.Option(help="JSON file: what is said.", metavar="FILE"),
    ] = None,
    provenance: Annotated[
        bool,
        typer.Option(
            "--provenance",
            help="Say how it was made: SLSA, from git or the CI system, and flags.",
        ),
    ] = False,
    source: options.Code = Path(),
    base_model: options.BaseModel = None,
    dataset: options.Dataset = None,
    training_image: options.TrainingImage = None,
    parameter: options.Parameter = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--type",
            help="Predicate type: a URI, or cosign's word for one (cyclonedx, …).",
            metavar="TYPE",
        ),
    ] = None,
    append: Annotated[
        bool,
        typer.Option(
            "--append", help="Keep what this signer said before of this type."
        ),
    ] = False,
    key: trust.Key = None,
    identity_token: trust.IdentityToken = None,
    trust_config: trust.TrustConfig = None,
    signing_config: trust.SigningConfig = None,
    trusted_root: trust.TrustedRoot = None,
    rekor_url: trust.RekorUrl = None,
    yes: trust.Yes = False,
    legacy: trust.Legacy = False,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    output: options.Output = options.Format.TEXT,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Sign a statement about an artifact: an SBOM, a scan, a test result, ….

    It takes the place of what the same signer said before of this type.
    """
    from modelpack.api import attest as make
    from modelpack.api import read_predicate, read_provenance

    del debug  # read in main
    if provenance == (predicate is not None):
        raise InvalidInput("--predicate FILE or --provenance: one of them")
    settings = options.settings(plain_http=plain_http, ca_file=ca_file)
    if predicate is not None:
        document = read_predicate(predicate)
    else:
        document = read_provenance(
            source,
            parameters=options.parse_pairs(parameter, "--parameter"),
            dependencies={
                "base-model": base_model or [],
                "dataset": dataset or [],
                "training-image": training_image or [],
            },
            settings=settings,
        )
        if kind is not None:
            raise InvalidInput("--provenance has its own type; leave out --type")
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
        attested = make(
            reference,
            signer,
            kind or ("slsaprovenance1" if provenance else "custom"),
            document,
            append=append,
            settings=settings,
            notify=notify,
        )
    if output is options.Format.JSON:
        show_json(attested.document())
    else:
        tell(attested.reference)
