"""``modelpack pull``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import progress, say, show_json, tell, write_new
from modelpack.cli.guarding import policies_of
from modelpack.errors import InvalidInput

if TYPE_CHECKING:
    from modelpack.api.documents import FetchedDocument


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
    documents: Annotated[
        Path | None,
        typer.Option(
            help="Also write what is signed about it into a new folder.",
            metavar="DIR",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            help="With --oms and --documents: what is signed has to be by this public "
            "key.",
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
    if key is not None and oms is None and documents is None:
        raise InvalidInput("--key says whose --oms or --documents; there is neither")
    if documents is not None and documents.exists():
        raise InvalidInput("exists already", where=str(documents))
    settings = options.settings(plain_http=plain_http, ca_file=ca_file, jobs=jobs)
    policies = policies_of(policy, exception, policy_key, settings)
    signature = None
    believed = None
    if key is not None:
        from modelpack.api import believe_keys

        believed = believe_keys([key])
    if oms is not None:
        from modelpack.api import model_signature

        # First, so that a model without one is not fetched in vain.
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
        beside: tuple[FetchedDocument, ...] = ()
        if documents is not None:
            from modelpack.api import fetch_documents

            beside = fetch_documents(
                pulled.reference, documents, believed, settings=settings, notify=notify
            )
    for each in beside if not quiet else ():
        how = "signed by" if each.verified else "not verified, claims to be signed by"
        say(f"document  {each.file}  {how} {each.signer}")
    if signature is not None and oms is not None:
        write_new(oms, signature.bundle)
    if output is options.Format.JSON:
        found = {"documents": [each.document() for each in beside]}
        show_json({**pulled.document(), **(found if documents is not None else {})})
    else:
        tell(pulled.reference)
