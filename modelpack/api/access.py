"""``login`` and ``logout``: credentials that every OCI tool finds."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from modelpack.api.command import Command
from modelpack.api.settings import Settings, docker_config
from modelpack.api.stores import open_http
from modelpack.errors import InvalidInput
from modelpack.oci.reference import Reference, Repository
from modelpack.registry import login as logins
from modelpack.transfer.progress import nobody


def login(
    host: str, username: str, password: str, *, settings: Settings | None = None
) -> str:
    """Check a login with the registry and keep it; return where it went."""
    command = Command(settings, nobody)
    mine = replace(command.settings, username=username, password=password)
    with closing(open_http(_repository(host), mine)) as http:
        command.patience.run(http.ping)
    return logins.store(docker_config(), host, username, password)


def logout(host: str) -> bool:
    """Forget the login for a registry; False if there was none."""
    return logins.erase(docker_config(), _repository(host).host)


def _repository(host: str) -> Repository:
    place = Reference.parse(f"{host}/any").place
    if not isinstance(place, Repository) or "/" in host:
        raise InvalidInput(f"{host!r} is not a registry's host", hint="HOST[:PORT]")
    return place
