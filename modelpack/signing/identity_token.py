"""Identity tokens: what an issuer says about whoever signs keyless.

From the CI system that runs the job, or from a person's login in a browser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpack.errors import AuthenticationError
from modelpack.signing.foreign import said

if TYPE_CHECKING:
    from sigstore.oidc import IdentityToken

__all__ = ["ambient_token", "browser_token", "parsed_token"]

_SETTINGS: Final = {
    "GitHub": "the job needs permissions: id-token: write",
    "GitLab": "the job needs id_tokens: SIGSTORE_ID_TOKEN: aud: sigstore",
    "Buildkite": "the job has to run where buildkite-agent is",
    "CircleCI": "the job has to run where the circleci command is",
}
"""What each system wants, by the word with which its errors begin."""


def ambient_token() -> str | None:
    """Return the token that a CI system has for its job; None elsewhere.

    GitHub Actions, GitLab CI, Buildkite, CircleCI and Google Cloud, as sigstore-python
    finds them.
    """
    from sigstore.oidc import IdentityError, detect_credential

    try:
        return detect_credential()
    # Not only its own errors: it also parses what a server or a program says.
    except Exception as error:
        reason = said(error)
        hints = [hint for name, hint in _SETTINGS.items() if reason.startswith(name)]
        kind = "" if isinstance(error, IdentityError) else f"{type(error).__name__}: "
        raise AuthenticationError(
            f"the CI system gives no identity token: {kind}{reason}",
            hint=hints[0] if hints else "",
        ) from error


def browser_token(issuer: str) -> str:
    """Let a person log in with a browser; return the token."""
    from sigstore.oidc import Issuer

    try:
        return str(Issuer(issuer).identity_token())
    # An answer without what it should have is a KeyError there.
    except Exception as error:
        raise AuthenticationError(
            f"the login in the browser failed: {type(error).__name__}: {said(error)}",
            where=issuer,
        ) from error


def parsed_token(token: str) -> IdentityToken:
    """Take a token apart; its signature is the issuer's and Fulcio's to judge."""
    from sigstore.oidc import IdentityError, IdentityToken

    try:
        return IdentityToken(token)
    except IdentityError as error:
        # sigstore-python has one sentence for every fault; the cause names it.
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        raise AuthenticationError(
            f"the identity token cannot be used: {error}{cause}",
            hint="--identity-token takes a fresh OIDC token, or a file with one",
        ) from error
