"""``modelpack pull``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import progress, show_json, tell, write_new
from modelpack.cli.guarding import policies_of
from modelpack.errors import InvalidInput


def pull(  # noqa: PLR0913 - one parameter for each flag
    reference: Annotated[
        str,
        typer.Argument(
            help="HOST/NAME:TAG, HOST/NAME@DIGEST, oci:… or oci-archive:….",
            metavar="REFERENCE",
        ),
    ],
    *,
    into: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="The directory to make; without it, ./NAME.",
            metavar="DIR",
        ),
    ] = None,
    include: options.Include = None,
    exclude: options.Exclude = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace what differs; other files are not touched."
        ),
    ] = False,
    oms: Annotated[
        Path | None,
        typer.Option(
            help="Also write the model signature that model_signing verifies.",
            metavar="FILE",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            help="With --oms: the model signature has to be this public key's.",
            metavar="KEY",
        ),
    ] = None,
    policy: options.Policies = None,
    exception: options.Exceptions = None,
    policy_key: options.PolicyKeys = None,
    carried_as: options.CarriedAs = options.Carrier.VOLUME,
    namespace: options.Namespace = "default",
    known_as: options.KnownAs = "",
    jobs: options.Jobs = None,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    output: options.Output = options.Format.TEXT,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Fetch a model: nothing shows before all of it is here and verified."""
    from modelpack.api import pull as fetch

    del debug  # read in main
    if key is not None and oms is None:
        raise InvalidInput("--key says whose --oms signature; there is no --oms")
    settings = options.settings(plain_http=plain_http, ca_file=ca_file, jobs=jobs)
    policies = policies_of(policy, exception, policy_key, settings)
    signature = None
    if oms is not None:
        from modelpack.api import believe_keys, model_signature

        # First, so that a model without one is not fetched in vain.
        believed = believe_keys([key]) if key is not None else None
        signature = model_signature(reference, believed, settings=settings)
        reference = signature.reference
    with progress(quiet=quiet) as notify:
        pulled = fetch(
            reference,
            into,
            policy=policies,
            carriage=options.carriage(carried_as, namespace, known_as),
            include=include or (),
            exclude=exclude or (),
            overwrite=overwrite,
            settings=settings,
            notify=notify,
        )
    if signature is not None and oms is not None:
        write_new(oms, signature.bundle)
    if output is options.Format.JSON:
        show_json(pulled.document())
    else:
        tell(pulled.reference)
