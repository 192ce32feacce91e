"""What may be shown to a registry: what the caller says, else what docker knows."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.registry.helper import Helper
from modelpack.registry.login import read

_MARK: Final = "<token>"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """One of these, or nothing: then the registry takes us for anybody.

    ``basic`` is ``user:password`` in base64. ``identity`` is what a login left in the
    place of a password, for the token service alone. ``bearer`` is a registry's token.
    """

    basic: str = field(default="", repr=False)
    identity: str = field(default="", repr=False)
    bearer: str = field(default="", repr=False)


def find(login: Login, host: str) -> Credentials:
    """Return what there is for a registry; raise for what cannot be read."""
    if login.username:
        return _basic(login.username, login.password)
    known = _merged(login.configs)
    names = _names(host)
    # As docker: where a helper keeps logins, what stands in the file is older.
    for look in (_in_helper, _in_file):
        for name in names:
            found = look(known, name)
            if found is not None:
                return found
    return Credentials()


def _in_helper(known: Mapping[str, object], name: str) -> Credentials | None:
    helper = Helper.of(known, name)
    found = helper.get(name) if helper is not None else None
    if found is None:
        return None
    username, secret = found
    # "Username: <token>" marks an identity token (docker-credential-helpers).
    return Credentials(identity=secret) if username == _MARK else _basic(*found)


def _in_file(known: Mapping[str, object], name: str) -> Credentials | None:
    auths = known["auths"]
    entry = auths.get(name) if isinstance(auths, dict) else None
    if not isinstance(entry, dict):
        return None
    told = {key: text for key, text in entry.items() if isinstance(text, str) and text}
    if "identitytoken" in told:
        return Credentials(identity=told["identitytoken"])
    if "registrytoken" in told:
        return Credentials(bearer=told["registrytoken"])
    if "auth" in told:
        return Credentials(basic=told["auth"])
    if "username" in told and "password" in told:
        return _basic(told["username"], told["password"])
    return None


def _basic(username: str, password: str) -> Credentials:
    return Credentials(basic=b64encode(f"{username}:{password}".encode()).decode())


def _merged(configs: Sequence[Path]) -> Mapping[str, object]:
    """Read docker config files as one: the first that names something has the word."""
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


def _names(host: str) -> tuple[str, ...]:
    """Return the names under which tools keep the login for a host."""
    if re.fullmatch(r"(?:index\.|registry-1\.)?docker\.io", host):
        return host, "https://index.docker.io/v1/"
    return host, f"https://{host}"
