"""``modelpack policy lint``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import say, tell
from modelpack.errors import InvalidInput


def lint(
    policies: Annotated[
        list[Path],
        typer.Argument(help="Files and folders of policies.", metavar="POLICY…"),
    ],
    *,
    debug: options.Debug = False,
) -> None:
    """Look for what is wrong with policies that are applied together.

    Errors and warnings end with exit code 2; notes are told.
    """
    from modelpack.api.policy_lint import Severity, lint_policies

    del debug  # read in main
    findings = lint_policies(policies)
    for each in findings:
        place = f"{each.where}: " if each.where else ""
        tell(f"{each.severity:<7}  {each.trap}: {place}{each.message}")
    wrong = [each for each in findings if each.severity is not Severity.NOTE]
    if wrong:
        raise InvalidInput(f"{len(wrong)} findings", hint="docs/kyverno.md says why")
    say("nothing is wrong, as far as is known")
