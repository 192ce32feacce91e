"""``modelpack policy``: what policies say, before anybody depends on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from modelpack.cli import options
from modelpack.cli.console import progress, say, show_json, tell
from modelpack.cli.guarding import policies_of
from modelpack.cli.policy_lint import lint
from modelpack.cli.policy_new import new
from modelpack.cli.policy_test import run_tests
from modelpack.cli.text import plain
from modelpack.errors import InvalidInput, PolicyDenied

if TYPE_CHECKING:
    from modelpack.policy.evaluation.house import Verdict
    from modelpack.policy.request import Payload, Request

app = typer.Typer(
    no_args_is_help=True, help="Ask Kyverno policies about models and objects."
)

app.command()(new)
app.command("test")(run_tests)
app.command()(lint)

REFUSED: Final = 4


@app.command()
def check(  # noqa: PLR0913 - one parameter for each flag
    reference: Annotated[
        str, typer.Argument(help="HOST/NAME:TAG, HOST/NAME@DIGEST or oci:….")
    ],
    *,
    policy: options.Policies = None,
    exception: options.Exceptions = None,
    policy_key: options.PolicyKeys = None,
    carried_as: options.CarriedAs = options.Carrier.VOLUME,
    namespace: options.Namespace = "default",
    known_as: options.KnownAs = "",
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    output: options.Output = options.Format.TEXT,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Say what a pull of a model would be told: fetch nothing of it."""
    from modelpack.api.policies import judge

    del debug  # read in main
    settings = options.settings(plain_http=plain_http, ca_file=ca_file)
    policies = policies_of(policy, exception, policy_key, settings)
    if policies is None:
        raise InvalidInput("which policies? --policy FILE says it")
    with progress(quiet=quiet) as notify:
        checked = judge(
            reference,
            policies,
            options.carriage(carried_as, namespace, known_as),
            settings=settings,
            notify=notify,
        )
    if output is options.Format.JSON:
        show_json(checked.document())
    else:
        tell(checked.reference)
        _show(checked.verdict)
    _end(checked.verdict)


@app.command()
def apply(  # noqa: PLR0913 - one parameter for each flag
    policies: Annotated[
        list[Path], typer.Argument(help="Files and folders of policies.")
    ],
    *,
    resource: Annotated[
        list[Path] | None,
        typer.Option(help="Objects of Kubernetes, YAML or JSON; repeatable."),
    ] = None,
    payload: Annotated[
        Path | None, typer.Option(help="A payload for policies of JSON mode.")
    ] = None,
    exception: options.Exceptions = None,
    namespace: options.Namespace = "default",
    allow_uncovered: Annotated[
        bool,
        typer.Option(
            "--allow-uncovered", help="Admit also what no policy has verified."
        ),
    ] = False,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    output: options.Output = options.Format.TEXT,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Judge any object as the cluster would: `kyverno apply`, and the house's rule."""
    from modelpack.api.policies import (
        apply_policies,
        load_policies,
        read_payload,
        read_resources,
    )

    del debug  # read in main
    if (payload is None) == (not resource):
        raise InvalidInput("give --resource or --payload, one of them")
    loaded = load_policies(policies, exceptions=exception or ())
    asked: list[Request | Payload] = []
    if payload is not None:
        asked.append(read_payload(payload))
    for path in resource or ():
        asked += read_resources(path, namespace)
    with progress(quiet=quiet) as notify:
        verdicts = apply_policies(
            loaded,
            asked,
            allow_uncovered=allow_uncovered,
            settings=options.settings(plain_http=plain_http, ca_file=ca_file),
            notify=notify,
        )
    if output is options.Format.JSON:
        show_json(_together(verdicts))
    else:
        for each, verdict in zip(asked, verdicts, strict=True):
            tell(f"{each.shown}: {'admitted' if verdict.admitted else 'refused'}")
            _show(verdict)
    _end(*verdicts)


def _together(verdicts: Sequence[Verdict]) -> dict[str, object]:
    """Return one document for all objects: admitted if each of them is."""
    documents = [verdict.document() for verdict in verdicts]
    lists = ("results", "refusals", "warnings")
    return {
        "admitted": all(verdict.admitted for verdict in verdicts),
        **{key: [e for d in documents for e in _list(d[key])] for key in lists},
    }


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _show(verdict: Verdict) -> None:
    for result in verdict.results:
        rule = f" {result.rule}" if result.rule else ""
        tell(f"  {result.result:<5}  {result.policy}{rule}: {result.message}")
    for warning in verdict.warnings:
        say(f"warning: {warning}")


def _end(*verdicts: Verdict) -> None:
    refusals = [reason for verdict in verdicts for reason in verdict.refusals]
    if refusals:
        for reason in refusals[:-1]:
            say(f"refused: {plain(reason)}")
        raise PolicyDenied(refusals[-1])
