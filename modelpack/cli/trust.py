"""Options of ``sign``, ``attest`` and ``verify``; their names are cosign's."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from modelpack.api.files import content_of
from modelpack.errors import InvalidInput, ModelpackError

if TYPE_CHECKING:
    from modelpack.api.keyless import Token
    from modelpack.api.signing import SignWith
    from modelpack.attestation.evidence import Verifier
    from modelpack.signing.private_key import Password

_SIGNER: Final = "Who signs"
_PASSWORDS: Final = ("MODELPACK_PASSWORD", "COSIGN_PASSWORD")

Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        help="Private key: a file, env://VARIABLE, pkcs11:…, awskms://…, azurekms://…, "
        "gcpkms://… or hashivault://…. Without it: keyless.",
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
Yes = Annotated[
    bool,
    typer.Option(
        "--yes",
        "-y",
        help="Publish the identity in the public logs without asking.",
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


def secret_of(key: str) -> Password:
    """Return what asks for a key's password, or for the PIN of its token."""
    from modelpack.api.key_names import on_token

    return _pin if on_token(key) else password


def _pin() -> str:
    return _asked("PIN of the token", "COSIGN_PKCS11_PIN")


def new_password() -> str:
    """Return the password for a new key; asked for twice."""
    for name in _PASSWORDS:
        if name in os.environ:
            return os.environ[name]
    first = _asked("password of the new key")
    if first != _asked("once more"):
        raise InvalidInput("the two passwords differ")
    return first


def _asked(what: str, variable: str = " or ".join(_PASSWORDS)) -> str:
    if not sys.stdin.isatty():
        raise InvalidInput(
            f"the {what} is needed, and there is no terminal to ask for it",
            hint=f"set {variable}",
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
    yes: bool,
    older: bool,
    model_signature: bool = True,
) -> SignWith:
    """Return who signs, from the flags."""
    if key is None:
        if older:
            raise InvalidInput(
                "--legacy: cosign's older form has no room for what keyless needs"
            )
        if rekor_url is not None:
            raise InvalidInput(
                "--rekor-url is for keys; a signing config names the log of keyless"
            )
        from modelpack.api.keyless import Sigstore, sign_keyless

        sigstore = Sigstore(
            config=trust_config,
            trusted_root=trusted_root,
            signing_config=signing_config,
        )
        if not yes and sigstore == Sigstore():
            _ask_whether_to_publish()
        return sign_keyless(
            _token(identity_token), sigstore, model_signature=model_signature
        )
    if identity_token is not None:
        raise InvalidInput("--key and --identity-token: one of them signs")
    from modelpack.api.keys import is_exposed, open_log, sign_with_key
    from modelpack.cli.console import say

    if is_exposed(key):
        say(f"warning: {key}: others can read this private key; chmod 600 helps")
    log = None
    if rekor_url is not None or signing_config is not None or trust_config is not None:
        log = open_log(
            url=rekor_url,
            signing_config=signing_config,
            trust_config=trust_config,
            trusted_root=trusted_root,
        )
    return sign_with_key(
        key, secret_of(key), log=log, older=older, model_signature=model_signature
    )


def _ask_whether_to_publish() -> None:
    what = "the identity and this signature will stand in public logs, for good"
    if not sys.stdin.isatty():
        raise InvalidInput(what, hint="--yes agrees to that")
    if not typer.confirm(f"{what}. Go on?", err=True):
        raise InvalidInput("nothing was signed")


def _token(given: str | None) -> Token:
    """Return where a token comes from: as given, the CI system, or a browser."""
    from modelpack.signing.identity_token import ambient_token, browser_token

    given = given or os.environ.get("SIGSTORE_ID_TOKEN") or None
    token = _compact(given) if given is not None else ambient_token()
    if token is not None:
        return lambda _: token
    if not sys.stdin.isatty():
        raise InvalidInput(
            "nothing says who signs",
            hint="--key FILE, --identity-token TOKEN, or a CI system that has one",
        )
    return browser_token


def _compact(given: str) -> str:
    """Return a token: cosign takes it as such, or as the name of a file with one."""
    if given.count(".") == 2 and "/" not in given:  # noqa: PLR2004 - a JWT
        return given
    try:
        return content_of(given).decode("ascii", "replace").strip()
    except ModelpackError as error:
        # It may be a token of another form: no error shows it.
        raise InvalidInput(
            f"--identity-token: neither a JWT nor a file that can be read "
            f"({type(error).__name__})"
        ) from None


def verifier(  # noqa: PLR0913 - one keyword for each flag
    *,
    keys: list[str],
    identity: str | None,
    identity_regexp: str | None,
    issuer: str | None,
    issuer_regexp: str | None,
    trusted_root: Path | None,
    trust_config: Path | None,
    require_tlog: bool,
) -> Verifier:
    """Return who is believed, from the flags."""
    # An empty one is given all the same: a variable that is not set, say.
    given = (identity, identity_regexp, issuer, issuer_regexp)
    keyless = any(name is not None for name in given)
    if bool(keys) == keyless:
        raise InvalidInput(
            "who is to be believed?",
            hint="--key FILE, or --certificate-identity with --certificate-oidc-issuer",
        )
    if keyless:
        from modelpack.api.keyless import Sigstore, believe_identity

        name, name_is_regexp = _one(identity, identity_regexp, "--certificate-identity")
        by, by_is_regexp = _one(issuer, issuer_regexp, "--certificate-oidc-issuer")
        return believe_identity(
            name,
            by,
            Sigstore(config=trust_config, trusted_root=trusted_root),
            identity_is_regexp=name_is_regexp,
            issuer_is_regexp=by_is_regexp,
        )
    from modelpack.api.verifying import believe_keys, load_logs

    logs = None
    if trusted_root is not None or trust_config is not None:
        logs = load_logs(trusted_root=trusted_root, trust_config=trust_config)
    return believe_keys(keys, logs=logs, require_log=require_tlog)


def _one(exact: str | None, regexp: str | None, flag: str) -> tuple[str, bool]:
    if (exact is None) == (regexp is None):
        raise InvalidInput(f"{flag} or {flag}-regexp: one of them")
    return (exact, False) if exact is not None else (str(regexp), True)
