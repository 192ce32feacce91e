"""``modelpack policy test``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import progress, tell
from modelpack.errors import PolicyDenied


def run_tests(
    folder: Annotated[
        Path,
        typer.Argument(help="Where kyverno-test.yaml files are.", metavar="DIR"),
    ] = Path(),
    *,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Run declared cases, as `kyverno test` does: what is admitted, and what not."""
    from modelpack.api.policy_tests import run_policy_tests

    del debug  # read in main
    settings = options.settings(plain_http=plain_http, ca_file=ca_file)
    with progress(quiet=quiet) as notify:
        tested = run_policy_tests(folder, settings=settings, notify=notify)
    wrong = [each for each in tested if not each.holds]
    for each in tested:
        said = f"{each.expected} expected: {each.result}"
        tell(f"{'holds' if each.holds else 'WRONG'}  {each.about}  {said}")
        if not each.holds:
            tell(f"       {each.policy}: {each.reason or 'it is admitted'}")
    if wrong:
        raise PolicyDenied(f"{len(wrong)} of {len(tested)} cases came out otherwise")
