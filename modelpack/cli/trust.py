"""Options of ``sign``, ``attest`` and ``verify``; their names are cosign's."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from modelpack.errors import InvalidInput

if TYPE_CHECKING:
    from modelpack.api.signing import SignWith
    from modelpack.attest.evidence import Verifier

_SIGNER: Final = "Who signs"
_PASSWORDS: Final = ("MODELPACK_PASSWORD", "COSIGN_PASSWORD")

Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        help="Private key: a file, or env://VARIABLE. Without it: keyless.",
        metavar="KEY",
        rich_help_panel=_SIGNER,
    ),
]
IdentityToken = Annotated[
    str | None,
    typer.Option(
        help="OIDC token, or a file with one. Else the CI system's, or the browser's.",
        metavar="TOKEN",
        rich_help_panel=_SIGNER,
    ),
]
TrustConfig = Annotated[
    Path | None,
    typer.Option(
        help="Sigstore client trust config: a trusted root and a signing config.",
        metavar="FILE",
        rich_help_panel=_SIGNER,
    ),
]
SigningConfig = Annotated[
    Path | None,
    typer.Option(
        help="Sigstore signing config: which services sign.",
        metavar="FILE",
        rich_help_panel=_SIGNER,
    ),
]
TrustedRoot = Annotated[
    Path | None,
    typer.Option(
        help="Sigstore trusted root: which authorities and logs are believed.",
        metavar="FILE",
        rich_help_panel=_SIGNER,
    ),
]
RekorUrl = Annotated[
    str | None,
    typer.Option(
        help="Enter a key's signature in this Rekor v2 log, too.",
        metavar="URL",
        rich_help_panel=_SIGNER,
    ),
]
Legacy = Annotated[
    bool,
    typer.Option(
        "--legacy", help="Write cosign 2's .sig and .att tags as well (keys only)."
    ),
]


def password() -> str:
    """Return the password of a private key: from the environment, or asked for."""
    for name in _PASSWORDS:
        if name in os.environ:
            return os.environ[name]
    return _asked("password of the private key")


def new_password() -> str:
    """Return the password for a new key; asked for twice."""
    for name in _PASSWORDS:
        if name in os.environ:
            return os.environ[name]
    first = _asked("password of the new key")
    if first != _asked("once more"):
        raise InvalidInput("the two passwords differ")
    return first


def _asked(what: str) -> str:
    if not sys.stdin.isatty():
        raise InvalidInput(
            "a password is needed, and there is no terminal to ask for it",
            hint=f"set {_PASSWORDS[0]} or {_PASSWORDS[1]}",
        )
    from getpass import getpass

    return getpass(f"{what}: ")


def signer(  # noqa: PLR0913 - one keyword for each flag
    *,
    key: str | None,
    identity_token: str | None,
    trust_config: Path | None,
    signing_config: Path | None,
    trusted_root: Path | None,
    rekor_url: str | None,
    older: bool,
    model_signature: bool = True,
) -> SignWith:
    """Return who signs, from the flags."""
    if key is not None:
        if identity_token is not None:
            raise InvalidInput("--key and --identity-token: one of them signs")
        from modelpack.api.keys import sign_with_key

        del trust_config, signing_config, trusted_root
        if rekor_url is not None:
            raise InvalidInput("--rekor-url is not there yet")
        return sign_with_key(
            key, password, older=older, model_signature=model_signature
        )
    raise InvalidInput("keyless signing is not there yet", hint="--key FILE")


def verifier(
    *,
    keys: list[str],
    identity: str | None,
    identity_regexp: str | None,
    issuer: str | None,
    issuer_regexp: str | None,
    trusted_root: Path | None,
    require_tlog: bool,
) -> Verifier:
    """Return who is believed, from the flags."""
    keyless = any((identity, identity_regexp, issuer, issuer_regexp))
    if bool(keys) == keyless:
        raise InvalidInput(
            "who is to be believed?",
            hint="--key FILE, or --certificate-identity with --certificate-oidc-issuer",
        )
    if keyless:
        raise InvalidInput("keyless verification is not there yet", hint="--key FILE")
    from modelpack.api.verifying import believe_keys, load_logs

    logs = load_logs(trusted_root) if trusted_root else None
    return believe_keys(keys, logs=logs, require_log=require_tlog)
