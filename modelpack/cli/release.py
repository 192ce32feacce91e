"""``modelpack release``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelpack.cli import ci, options, trust
from modelpack.cli.console import progress, show_json, tell
from modelpack.cli.guarding import policies_of
from modelpack.errors import ModelpackError


def release(  # noqa: PLR0913 - one parameter for each flag
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
    policy: options.Policies = None,
    exception: options.Exceptions = None,
    policy_key: options.PolicyKeys = None,
    carried_as: options.CarriedAs = options.Carrier.VOLUME,
    namespace: options.Namespace = "default",
    known_as: options.KnownAs = "",
    allow: options.Allow = None,
    include: options.Include = None,
    exclude: options.Exclude = None,
    annotation: options.Annotation = None,
    split: options.Split = "",
    modelcar: options.Modelcar = False,
    code: options.Code = Path(),
    base_model: options.BaseModel = None,
    dataset: options.Dataset = None,
    training_image: options.TrainingImage = None,
    parameter: options.Parameter = None,
    key: trust.Key = None,
    identity_token: trust.IdentityToken = None,
    trust_config: trust.TrustConfig = None,
    signing_config: trust.SigningConfig = None,
    trusted_root: trust.TrustedRoot = None,
    rekor_url: trust.RekorUrl = None,
    yes: trust.Yes = False,
    dotenv: Annotated[
        Path | None,
        typer.Option(
            help="Append MODELPACK_REFERENCE and others: GitLab's dotenv report.",
            metavar="FILE",
        ),
    ] = None,
    jobs: options.Jobs = None,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    output: options.Output = options.Format.TEXT,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Scan, push, describe, attest, sign and check a model; only then move its tag.

    Whatever fails leaves the tag where it was; a file of outputs that cannot be written
    fails at the start. Under GitHub Actions it writes outputs and a summary.
    """
    from modelpack.api import read_provenance
    from modelpack.api import release as publish

    del debug  # read in main
    settings = options.settings(plain_http=plain_http, ca_file=ca_file, jobs=jobs)
    ci.require_reports(settings.environment, dotenv)
    try:
        policies = policies_of(policy, exception, policy_key, settings)
        signer = trust.signer(
            key=key,
            identity_token=identity_token,
            trust_config=trust_config,
            signing_config=signing_config,
            trusted_root=trusted_root,
            rekor_url=rekor_url,
            yes=yes,
            older=False,
        )
        with progress(quiet=quiet) as notify:
            released = publish(
                source,
                reference,
                signer,
                provenance=read_provenance(
                    code,
                    parameters=options.parse_pairs(parameter, "--parameter"),
                    dependencies={
                        "base-model": base_model or [],
                        "dataset": dataset or [],
                        "training-image": training_image or [],
                    },
                    settings=settings,
                ),
                policy=policies,
                carriage=options.carriage(carried_as, namespace, known_as),
                allow=allow or (),
                include=include or (),
                exclude=exclude or (),
                annotations=options.parse_pairs(annotation, "--annotation"),
                split=options.parse_size(split, "--split") if split else 0,
                modelcar=modelcar,
                settings=settings,
                notify=notify,
            )
    except ModelpackError as error:
        ci.report_refusal(reference, error, settings.environment)
        raise
    ci.report_release(released, settings.environment, dotenv)
    if output is options.Format.JSON:
        show_json(released.document())
    else:
        tell(released.reference)
