"""Answer a registry's challenge, with the credentials docker has.

oras-py knows docker's config file, its credential helpers, and the token
protocol; it is imported only after a 401, since that takes 0.2 s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from pathlib import Path
from threading import Lock
from typing import Final
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

from modelpack.errors import AuthenticationError, InvalidInput, RegistryError
from modelpack.oci.reference import Repository
from modelpack.registry.login import read

# RFC 9110, 11.6.1: schemes and their parameters, all in one list with commas.
_SCHEME: Final = re.compile(r"(?:^|,)\s*(\w+)(?:\s+(?=\w+\s*=)|\s*(?=,|$))")
_FIELD: Final = re.compile(r'(\w+)="([^"]*)"')
_QUOTED: Final = re.compile(r'"[^"]*"')
_TOKEN_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Login:
    """What may be shown to a registry. Without a username: what ``configs`` say.

    ``configs`` are docker config files, the last word first; ``ca`` is a PEM file.
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
        asked = challenges(challenge)
        scheme = next((s for s in ("bearer", "basic") if s in asked), "")
        if not scheme:
            named = ", ".join(asked)[:80] or "no known"
            raise self._refusal(f"asks for {named!r} authentication")
        fields = asked[scheme]
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
        # Not by its load_configs, which looks for docker's config in one place
        # only, and asks for a host name that it has not.
        backend._auth_config = _merged(self._login.configs)  # noqa: SLF001
        try:
            any(map(backend._load_auth, _names(self._repository.host)))  # noqa: SLF001
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
        if not bypasses(realm.netloc, self._login.proxies):
            backend.session.proxies.update(self._login.proxies)
        # Else a token service that says nothing would be waited for without end.
        backend.session.request = partial(
            backend.session.request, timeout=_TOKEN_SECONDS
        )
        backend._tls_verify = str(self._login.ca) if self._login.ca else True  # noqa: SLF001
        if basic is not None:
            backend._basic_auth = basic  # noqa: SLF001
        ask = (
            backend.request_anonymous_token if basic is None else backend.request_token
        )
        try:
            token = ask(authHeader(dict(fields)))
        except (requests.RequestException, ValueError, AttributeError) as error:
            raise RegistryError(f"{realm.netloc}: no token: {error}") from error
        finally:
            backend.session.close()
        if not token:
            raise self._refusal(f"{realm.netloc} gave no token")
        return str(token)

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


def bypasses(host: str, proxies: Mapping[str, str]) -> bool:
    """Whether ``host[:port]`` is reached without a proxy: NO_PROXY, or loopback."""
    return Repository(host, "x").is_loopback or bool(
        proxy_bypass_environment(host, dict(proxies))
    )


def is_loopback(host: str) -> bool:
    """Whether a host without its port, as a URL names it, is this machine."""
    return Repository(f"[{host}]" if ":" in host else host, "x").is_loopback


def _names(host: str) -> tuple[str, ...]:
    """Return the names under which tools keep the login for a host."""
    if re.fullmatch(r"(?:index\.|registry-1\.)?docker\.io", host):
        return host, "https://index.docker.io/v1/"
    return host, f"https://{host}"


def _merged(configs: Sequence[Path]) -> dict[str, object]:
    """Read docker config files, as oras-py holds them."""
    auths: dict[object, object] = {}
    helpers: dict[object, object] = {}
    store: object = None
    for config in reversed(configs):
        document = read(config)
        for known, key in ((auths, "auths"), (helpers, "credHelpers")):
            more = document.get(key) or {}
            if not isinstance(more, dict):
                raise InvalidInput("expected an object", where=f"{config}: {key}")
            known.update(more)
        store = document.get("credsStore") or store
    return {"auths": auths, "credHelpers": helpers, "credsStore": store}
