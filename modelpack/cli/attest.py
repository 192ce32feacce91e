"""``modelpack attest``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelpack.cli import options, trust
from modelpack.cli.console import progress, show_json, tell


def attest(  # noqa: PLR0913 - one parameter for each flag
    reference: Annotated[
        str,
        typer.Argument(help="HOST/NAME[:TAG][@DIGEST] or oci:….", metavar="REFERENCE"),
    ],
    *,
    predicate: Annotated[
        Path,
        typer.Option(help="JSON file: what is said.", metavar="FILE"),
    ],
    kind: Annotated[
        str,
        typer.Option(
            "--type",
            help="Predicate type: a URI, or cosign's word for one (cyclonedx, …).",
            metavar="TYPE",
        ),
    ] = "custom",
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
    from modelpack.api import read_predicate

    del debug  # read in main
    document = read_predicate(predicate)
    signer = trust.signer(
        key=key,
        identity_token=identity_token,
        trust_config=trust_config,
        signing_config=signing_config,
        trusted_root=trusted_root,
        rekor_url=rekor_url,
        older=legacy,
    )
    with progress(quiet=quiet) as notify:
        attested = make(
            reference,
            signer,
            kind,
            document,
            append=append,
            settings=options.settings(plain_http=plain_http, ca_file=ca_file),
            notify=notify,
        )
    if output is options.Format.JSON:
        show_json(attested.document())
    else:
        tell(attested.reference)
