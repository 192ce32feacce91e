"""``modelpack verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from modelpack.cli import options, trust
from modelpack.cli.console import fail, progress, say, show_json, tell
from modelpack.cli.exit_codes import exit_code
from modelpack.errors import InvalidInput, ModelpackError

if TYPE_CHECKING:
    from modelpack.api import VerifyResult
    from modelpack.attestation.evidence import VerifiedStatement, Verifier

_WHO: Final = "Who is believed"


def verify(  # noqa: PLR0913 - one parameter for each flag
    references: Annotated[
        list[str] | None,
        typer.Argument(
            help="HOST/NAME:TAG, HOST/NAME@DIGEST or oci:….", metavar="[REFERENCE...]"
        ),
    ] = None,
    *,
    from_file: Annotated[
        Path | None,
        typer.Option(help="More references, one a line.", metavar="FILE"),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key",
            help="Public key: a file, env://VARIABLE, pkcs11:…, awskms://…, …; "
            "repeatable.",
            metavar="KEY",
            rich_help_panel=_WHO,
        ),
    ] = None,
    certificate_identity: Annotated[
        str | None,
        typer.Option(
            help="The mail address or workflow that signed keyless.",
            metavar="IDENTITY",
            rich_help_panel=_WHO,
        ),
    ] = None,
    certificate_identity_regexp: Annotated[
        str | None,
        typer.Option(
            help="The same, as a regular expression for all of it.",
            metavar="REGEXP",
            rich_help_panel=_WHO,
        ),
    ] = None,
    certificate_oidc_issuer: Annotated[
        str | None,
        typer.Option(
            help="Who vouched for the identity.",
            metavar="URL",
            rich_help_panel=_WHO,
        ),
    ] = None,
    certificate_oidc_issuer_regexp: Annotated[
        str | None,
        typer.Option(
            help="The same, as a regular expression for all of it.",
            metavar="REGEXP",
            rich_help_panel=_WHO,
        ),
    ] = None,
    trusted_root: Annotated[
        Path | None,
        typer.Option(
            help="Sigstore trusted root; without it, the public one.",
            metavar="FILE",
            rich_help_panel=_WHO,
        ),
    ] = None,
    trust_config: Annotated[
        Path | None,
        typer.Option(
            help="Sigstore client trust config, which has a trusted root in it.",
            metavar="FILE",
            rich_help_panel=_WHO,
        ),
    ] = None,
    require_tlog: Annotated[
        bool,
        typer.Option(
            "--require-tlog",
            help="With --key: a transparency log has to hold the signature.",
            rich_help_panel=_WHO,
        ),
    ] = False,
    predicate_type: Annotated[
        list[str] | None,
        typer.Option(
            "--predicate-type",
            "--type",
            help="Ask for statements of this type, not for a signature; repeatable.",
            metavar="TYPE",
        ),
    ] = None,
    require: Annotated[
        int, typer.Option(min=1, help="How many different signers each needs.")
    ] = 1,
    annotations: Annotated[
        list[str] | None,
        typer.Option(
            "--annotations",
            "-a",
            help="What has to be signed with it; repeatable.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option(
            help="Also compare a directory with what was signed.", metavar="DIR"
        ),
    ] = None,
    oms: Annotated[
        Path | None,
        typer.Option(
            help="Check a local directory against this OpenSSF model signature.",
            metavar="FILE",
        ),
    ] = None,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    output: options.Output = options.Format.TEXT,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Check who signed what; exit 3 if what is asked for does not hold."""
    from modelpack.api import verify_all as check

    del debug  # read in main
    named = _named(references, from_file)
    verifier = trust.verifier(
        keys=key or [],
        identity=certificate_identity,
        identity_regexp=certificate_identity_regexp,
        issuer=certificate_oidc_issuer,
        issuer_regexp=certificate_oidc_issuer_regexp,
        trusted_root=trusted_root,
        trust_config=trust_config,
        require_tlog=require_tlog,
    )
    settings = options.settings(plain_http=plain_http, ca_file=ca_file)
    if oms is not None:
        told = output is not options.Format.TEXT
        if predicate_type or annotations or directory or require > 1 or told:
            raise InvalidInput(
                "--oms checks a directory by one signature, and nothing else",
                hint="leave out --type, --annotations, --directory, --require "
                "and --format",
            )
        _verify_directories(named, oms, verifier)
        return
    with progress(quiet=quiet) as notify:
        outcomes = check(
            named,
            verifier,
            types=predicate_type or (),
            require=require,
            annotations=options.parse_pairs(annotations, "--annotations"),
            directory=directory,
            settings=settings,
            notify=notify,
        )
        failed: list[ModelpackError] = []
        for reference, outcome in zip(named, outcomes, strict=True):
            if isinstance(outcome, ModelpackError):
                failed.append(outcome)
                which = f"{reference}: " if len(named) > 1 else ""
                fail(f"{which}{outcome}", hint=outcome.hint)
            elif output is options.Format.JSON:
                show_json(outcome.document())
            else:
                _show(outcome, quiet=quiet)
    if failed:
        raise typer.Exit(exit_code(failed[0]))


def _verify_directories(named: list[str], oms: Path, verifier: Verifier) -> None:
    from modelpack.api import verify_directory

    for directory in named:
        found = verify_directory(directory, oms, verifier)
        tell(directory)
        say(f"  {_said(found)}")


def _said(found: VerifiedStatement) -> str:
    """Say what was signed, by whom, when."""
    when = found.proven.signed_at
    parts = [
        found.statement.predicate_type,
        f"by {found.proven.signer}",
        *([f"at {when:%Y-%m-%d %H:%M:%S} UTC"] if when else []),
        *(["in a transparency log"] if found.proven.logged else []),
    ]
    return " ".join(parts)


def _show(found: VerifyResult, *, quiet: bool) -> None:
    tell(found.reference)
    if quiet:
        return
    for each in found.verified.counted:
        say(f"  {_said(each)}")
    for aside in found.verified.evidence.set_aside:
        say(f"  set aside: {aside.name}: {aside.reason}")


def _named(references: list[str] | None, from_file: Path | None) -> list[str]:
    named = list(references or ())
    if from_file is not None:
        try:
            lines = from_file.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise InvalidInput(
                f"cannot be read: {error}", where=str(from_file)
            ) from error
        named += [line.strip() for line in lines if line.strip()]
    if not named:
        raise InvalidInput("name what is to be verified")
    return named
