"""Answer a registry's challenge, with the credentials docker has.

oras-py knows docker's config file, its credential helpers, and the token
protocol; it is imported only after a 401, since that takes 0.2 s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final
from urllib.parse import urlsplit

from modelpack.errors import AuthenticationError, RegistryError
from modelpack.oci.reference import Repository

_CHALLENGE: Final = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Login:
    """What may be shown to a registry. Without a username: docker's config.

    ``configs`` are further docker config files; ``ca`` is a PEM file.
    """

    username: str = ""
    password: str = field(default="", repr=False)
    configs: tuple[Path, ...] = ()
    ca: Path | None = None
    proxies: Mapping[str, str] = field(default_factory=dict)


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
        scheme = challenge.partition(" ")[0].lower()
        if scheme not in ("basic", "bearer"):
            raise self._refusal(f"asks for {scheme or 'no known'!r} authentication")
        fields = dict(_CHALLENGE.findall(challenge))
        basic = self._basic()
        if scheme == "basic":
            if basic is None:
                raise self._refusal("asks for a user name and password")
            return f"Basic {basic}"
        return f"Bearer {self._token(fields, basic)}"

    def _basic(self) -> str | None:
        from oras.auth.token import TokenAuth
        from oras.auth.utils import get_basic_auth

        if self._login.username:
            return str(get_basic_auth(self._login.username, self._login.password))
        backend = TokenAuth()
        try:
            # oras' container wants a whole reference; only its host counts here.
            backend.load_configs(
                f"{self._repository}:latest", [str(c) for c in self._login.configs]
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._refusal(f"docker's config cannot be read: {error}") from error
        found = getattr(backend, "_basic_auth", None)
        return str(found) if found else None

    def _token(self, fields: Mapping[str, str], basic: str | None) -> str:
        import requests
        from oras.auth.token import TokenAuth
        from oras.auth.utils import authHeader

        realm = urlsplit(fields.get("realm", ""))
        self._check_realm(realm.scheme, realm.hostname or "")
        backend = TokenAuth()
        backend.session = requests.Session()
        backend.session.trust_env = False
        backend.session.proxies.update(self._login.proxies)
        backend._tls_verify = str(self._login.ca) if self._login.ca else True  # noqa: SLF001
        if basic is not None:
            backend._basic_auth = basic  # noqa: SLF001
        ask = (
            backend.request_anonymous_token if basic is None else backend.request_token
        )
        try:
            token = ask(authHeader(dict(fields)))
        except (requests.RequestException, ValueError) as error:
            raise RegistryError(f"{realm.netloc}: no token: {error}") from error
        if not token:
            raise self._refusal(f"{realm.netloc} gave no token")
        return str(token)

    def _check_realm(self, scheme: str, host: str) -> None:
        # A password must not cross the network in the clear because a registry
        # said so.
        local = Repository(f"[{host}]" if ":" in host else host, "x").is_loopback
        if scheme != "https" and not (scheme == "http" and local):
            raise self._refusal(f"sends credentials to {scheme}://{host}")

    def _refusal(self, what: str) -> AuthenticationError:
        host = self._repository.host
        return AuthenticationError(
            what, where=str(self._repository), hint=f"modelpack login {host}"
        )
