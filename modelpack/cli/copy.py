"""``modelpack copy``."""

from __future__ import annotations

from typing import Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import progress, show_json, tell
from modelpack.cli.guarding import policies_of


def copy(  # noqa: PLR0913 - one parameter for each flag
    reference: Annotated[
        str, typer.Argument(help="What to copy.", metavar="REFERENCE")
    ],
    target: Annotated[
        str,
        typer.Argument(
            help="HOST/NAME[:TAG], oci:DIR[:TAG] or oci-archive:FILE[:TAG].",
            metavar="TARGET",
        ),
    ],
    *,
    referrers: Annotated[
        bool,
        typer.Option(help="Copy its signatures, attestations and documents, too."),
    ] = True,
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
    """Copy an artifact to another place, with its signatures; the digest stays."""
    from modelpack.api import copy as carry

    del debug  # read in main
    settings = options.settings(plain_http=plain_http, ca_file=ca_file, jobs=jobs)
    with progress(quiet=quiet) as notify:
        copied = carry(
            reference,
            target,
            referrers=referrers,
            policy=policies_of(policy, exception, policy_key, settings),
            carriage=options.carriage(carried_as, namespace, known_as),
            settings=settings,
            notify=notify,
        )
    if output is options.Format.JSON:
        show_json(copied.document())
    else:
        tell(copied.reference)
