"""``modelpack tree``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import show_json, tell
from modelpack.cli.text import human

if TYPE_CHECKING:
    from modelpack.workflows.listing import Branch


def tree(
    reference: Annotated[str, typer.Argument(help="An artifact.", metavar="REFERENCE")],
    *,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    output: options.Output = options.Format.TEXT,
    debug: options.Debug = False,
) -> None:
    """Show what refers to an artifact: signatures, attestations, documents."""
    from modelpack.api import tree as grow

    del debug  # read in main
    root = grow(
        reference, settings=options.settings(plain_http=plain_http, ca_file=ca_file)
    )
    if output is options.Format.JSON:
        show_json(_document(root))
        return
    tell(root.descriptor.digest)
    for line in _lines(root, ""):
        tell(line)


def _lines(branch: Branch, indent: str) -> Iterator[str]:
    for referrer in branch.referrers:
        last = referrer is branch.referrers[-1]
        kind = referrer.descriptor.artifact_type or referrer.descriptor.media_type
        what = f"{kind}  {human(referrer.descriptor.size)}"
        if referrer.claim is not None:
            claim = referrer.claim
            what = f"{claim.predicate_type}  by {claim.signer} (not verified)"
        yield f"{indent}{'└' if last else '├'}── {what}"
        deeper = indent + ("    " if last else "│   ")
        yield f"{deeper}{referrer.descriptor.digest}"
        yield from _lines(referrer, deeper)


def _document(branch: Branch) -> dict[str, object]:
    return {
        "digest": str(branch.descriptor.digest),
        "size": branch.descriptor.size,
        "mediaType": branch.descriptor.media_type,
        "artifactType": branch.descriptor.artifact_type,
        "unverifiedClaim": {
            "predicateType": branch.claim.predicate_type,
            "signer": branch.claim.signer,
        }
        if branch.claim is not None
        else None,
        "referrers": [_document(referrer) for referrer in branch.referrers],
    }
