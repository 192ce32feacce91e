"""Answer a registry's challenge, with the credentials docker has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import zip_longest
from threading import Lock
from typing import Final
from urllib.parse import urlsplit

from modelpack.errors import AuthenticationError
from modelpack.oci.reference import Repository
from modelpack.registry.connections import proxy_for
from modelpack.registry.credentials import Credentials, Login, find
from modelpack.registry.tokens import TokenService

# RFC 9110, 11.6.1: schemes and their parameters, all in one list with commas.
_SCHEME: Final = re.compile(r"(?:^|,)\s*(\w+)(?:\s+(?=\w+\s*=)|\s*(?=,|$))")
_FIELD: Final = re.compile(r'(\w+)="([^"]*)"')
_QUOTED: Final = re.compile(r'"[^"]*"')


class Authenticator:
    """Holds the answers to one registry's challenges; safe between threads."""

    def __init__(self, repository: Repository, login: Login) -> None:
        self._repository = repository
        self._login = login
        self._answers: dict[bool, str] = {}
        self._lock = Lock()

    def header(self, *, writing: bool) -> str | None:
        """Return the Authorization to send, if a challenge was answered before."""
        return self._answers.get(writing) or self._answers.get(True)

    def answer(self, challenge: str, *, writing: bool, refused: str | None) -> None:
        """Find an answer to ``challenge``; ``refused`` is what was sent before.

        Raises ``AuthenticationError`` when there is nothing else to try.
        """
        with self._lock:
            current = self.header(writing=writing)
            if current is not None and current != refused:
                return  # another thread has been here meanwhile
            self._answers.pop(writing, None)
            if refused is not None and writing is False:
                self._answers.pop(True, None)
            found = self._find(challenge)
            if found == refused:
                raise self._refusal("the credentials were refused")
            self._answers[writing] = found

    def _find(self, challenge: str) -> str:
        asked = challenges(challenge)
        scheme = next((s for s in ("bearer", "basic") if s in asked), "")
        if not scheme:
            named = ", ".join(asked)[:80] or "no known"
            raise self._refusal(f"asks for {named!r} authentication")
        credentials = find(self._login, self._repository.host)
        if scheme == "basic":
            if not credentials.basic:
                raise self._refusal("asks for a user name and password")
            return f"Basic {credentials.basic}"
        return f"Bearer {credentials.bearer or self._token(asked[scheme], credentials)}"

    def _token(self, fields: Mapping[str, str], credentials: Credentials) -> str:
        realm = urlsplit(fields.get("realm", ""))
        self._check_realm(realm.scheme, realm.hostname or "")
        service = TokenService(
            realm=realm.geturl(),
            service=fields.get("service", ""),
            scope=fields.get("scope", ""),
            ca=self._login.ca,
            proxy=proxy_for(realm.scheme, realm.netloc, self._login.proxies),
        )
        token = service.token(credentials)
        if not token:
            raise self._refusal(f"{realm.netloc} gave no token")
        return token

    def _check_realm(self, scheme: str, host: str) -> None:
        # A password must not cross the network in the clear because a registry
        # said so.
        local = is_loopback(host)
        if scheme != "https" and not (scheme == "http" and local):
            raise self._refusal(f"sends credentials to {scheme}://{host}")

    def _refusal(self, what: str) -> AuthenticationError:
        host = self._repository.host
        return AuthenticationError(
            what, where=str(self._repository), hint=f"modelpack login {host}"
        )


def challenges(header: str) -> Mapping[str, Mapping[str, str]]:
    """Return the parameters of each scheme that a WWW-Authenticate header names."""
    # A quoted value may hold what looks like the beginning of another scheme.
    unquoted = _QUOTED.sub(lambda match: '"' * len(match[0]), header)
    starts = list(_SCHEME.finditer(unquoted))
    found: dict[str, Mapping[str, str]] = {}
    for match, following in zip_longest(starts, starts[1:]):
        end = following.start() if following else len(header)
        fields = {k.lower(): v for k, v in _FIELD.findall(header[match.end() : end])}
        found.setdefault(match[1].lower(), fields)
    return found


def is_loopback(host: str) -> bool:
    """Whether a host without its port, as a URL names it, is this machine."""
    return Repository(f"[{host}]" if ":" in host else host, "x").is_loopback
