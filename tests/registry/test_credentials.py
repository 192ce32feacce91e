from __future__ import annotations

import json
import os
from base64 import b64encode
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from modelpack.errors import (
    AuthenticationError,
    InvalidInput,
    LocalError,
    ModelpackError,
    RegistryError,
)
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.manifest import EMPTY_JSON, MANIFEST, Manifest
from modelpack.registry.credentials import Credentials, Login, find
from tests.registry.scripted import Asked, Say, Script, Scripted, Serve

HOST = "registry.example.com:5000"
MADE = Manifest.build(
    artifact_type="x/y", config=Descriptor.of(b"{}", EMPTY_JSON), layers=()
)
FOUND = Say(200, {"Content-Type": MANIFEST}, MADE.raw)
OF_FILE = {"auth": b64encode(b"file:secret").decode()}
_HELPER = """#!/bin/sh
read host
case "$host" in
{cases}
*) echo "credentials not found in native keychain"; exit 1;;
esac
"""


def config(folder: Path, document: object) -> Login:
    path = folder / "config.json"
    path.write_text(json.dumps(document))
    return Login(configs=(path,))


def helper(
    folder: Path, monkeypatch: pytest.MonkeyPatch, **keeps: tuple[str, str]
) -> None:
    """Install ``docker-credential-kept``: host, without dots and port, to login."""
    cases = [
        f"{host}*) echo '{json.dumps({'Username': name, 'Secret': secret})}';;"
        for host, (name, secret) in keeps.items()
    ]
    program = folder / "bin" / "docker-credential-kept"
    program.parent.mkdir()
    program.write_text(_HELPER.format(cases="\n".join(cases)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        (OF_FILE, Credentials(basic=OF_FILE["auth"])),
        (
            {"username": "file", "password": "secret"},
            Credentials(basic=OF_FILE["auth"]),
        ),
        ({"identitytoken": "t"}, Credentials(identity="t")),
        # docker login writes both: the name alone, and the token.
        ({"auth": "bWU6", "identitytoken": "t"}, Credentials(identity="t")),
        ({"registrytoken": "t"}, Credentials(bearer="t")),
        ({"email": "me@example.com"}, Credentials()),
        ({"auth": 7, "identitytoken": None}, Credentials()),
        ([], Credentials()),
    ],
)
def test_what_dockers_config_knows(
    tmp_path: Path, entry: object, found: Credentials
) -> None:
    for name in (HOST, f"https://{HOST}"):
        assert find(config(tmp_path, {"auths": {name: entry}}), HOST) == found
    assert find(config(tmp_path, {"auths": {"other": entry}}), HOST) == Credentials()


def test_docker_hub_has_a_name_of_its_own(tmp_path: Path) -> None:
    login = config(tmp_path, {"auths": {"https://index.docker.io/v1/": OF_FILE}})
    for host in ("docker.io", "index.docker.io", "registry-1.docker.io"):
        assert find(login, host).basic == OF_FILE["auth"]


def test_who_names_a_user_needs_no_config(tmp_path: Path) -> None:
    login = Login(username="file", password="secret", configs=(tmp_path / "none",))
    assert find(login, HOST).basic == OF_FILE["auth"]


def test_the_first_of_two_configs_has_the_word(tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    first = config(tmp_path, {"auths": {HOST: OF_FILE}})
    second = config(
        tmp_path / "second",
        {"auths": {HOST: {"auth": "other"}, "b": {"identitytoken": "t"}}},
    )
    login = Login(configs=first.configs + second.configs)
    assert find(login, HOST).basic == OF_FILE["auth"]
    assert find(login, "b").identity == "t"


@pytest.mark.parametrize(
    "named", [{"credsStore": "kept"}, {"credHelpers": {HOST: "kept"}}]
)
@pytest.mark.parametrize(
    ("kept", "found"),
    [
        (("file", "secret"), Credentials(basic=OF_FILE["auth"])),
        (("<token>", "t"), Credentials(identity="t")),
    ],
)
def test_a_helper_is_asked_before_the_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    named: dict[str, object],
    kept: tuple[str, str],
    found: Credentials,
) -> None:
    helper(tmp_path, monkeypatch, registry=kept)
    older = {"auths": {HOST: {"auth": "older"}}}
    assert find(config(tmp_path, older | named), HOST) == found


def test_what_a_helper_has_not_is_looked_for_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(tmp_path, monkeypatch)
    both = {"credsStore": "kept", "auths": {HOST: OF_FILE}}
    assert find(config(tmp_path, both), HOST).basic == OF_FILE["auth"]
    assert find(config(tmp_path, {"credsStore": "kept"}), HOST) == Credentials()


def test_a_helper_that_is_not_there_is_named(tmp_path: Path) -> None:
    login = config(tmp_path, {"credsStore": "not-installed"})
    with pytest.raises(LocalError, match="docker-credential-not-installed") as caught:
        find(login, HOST)
    assert "install it" in caught.value.hint


@pytest.mark.parametrize("said", ["no JSON", "[]", "{}", '{"Username": "me"}'])
def test_a_helper_that_makes_no_sense_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    program = tmp_path / "docker-credential-odd"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(InvalidInput, match="docker-credential-odd"):
        find(config(tmp_path, {"credsStore": "odd"}), HOST)


def with_identity(
    serve: Serve, tmp_path: Path, answer: Script, name: str = "identitytoken"
) -> tuple[Scripted, Scripted, Login]:
    """Start a registry that takes the token ``t0``, and the service that gives it."""
    service = serve(answer)
    asks = f'Bearer realm="{service.url}/token",service="s",scope="a:b:pull"'

    def script(asked: Asked) -> Say:
        if asked.headers.get("authorization") == "Bearer t0":
            return FOUND
        return Say(401, {"WWW-Authenticate": asks})

    registry = serve(script)
    login = config(tmp_path, {"auths": {registry.host: {name: "t0"}}})
    return registry, service, login


def test_an_identity_token_is_exchanged_for_a_token(
    serve: Serve, tmp_path: Path
) -> None:
    given = Say(body=b'{"access_token": "t0", "expires_in": 60}')
    registry, service, login = with_identity(serve, tmp_path, lambda _: given)
    assert registry.store(login=login).get_manifest("v1") == MADE.document
    (asked,) = service.asked
    assert (asked.method, asked.path) == ("POST", "/token")
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["refresh_token"],
        "client_id": ["modelpack"],
        "service": ["s"],
        "scope": ["a:b:pull"],
        "refresh_token": ["t0"],
    }


def test_a_registrys_own_token_is_shown_to_it_and_to_nobody_else(
    serve: Serve, tmp_path: Path
) -> None:
    registry, service, login = with_identity(
        serve, tmp_path, lambda _: Say(500), "registrytoken"
    )
    assert registry.store(login=login).get_manifest("v1") == MADE.document
    assert not service.asked


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (Say(401), AuthenticationError),
        (Say(404), AuthenticationError),
        (Say(body=b"{}"), AuthenticationError),
        (Say(body=b"no JSON"), RegistryError),
        (Say(body=b'{"access_token": 7}'), RegistryError),
        (Say(body=bytes(2 << 20)), RegistryError),
        (Say(endless=True), RegistryError),
    ],
)
def test_a_service_that_gives_no_token_for_an_identity(
    serve: Serve, tmp_path: Path, said: Say, kind: type[ModelpackError]
) -> None:
    registry, _, login = with_identity(serve, tmp_path, lambda _: said)
    with pytest.raises(kind, match="no token") as caught:
        registry.store(login=login).get_manifest("v1")
    assert "t0" not in f"{caught.value}{caught.value.hint}"


@pytest.mark.parametrize("status", [302, 307, 308])
def test_an_identity_token_follows_no_redirect(
    serve: Serve, tmp_path: Path, status: int
) -> None:
    elsewhere = serve(lambda _: Say(body=b'{"access_token": "t0"}'))
    moved = Say(status, {"Location": f"{elsewhere.url}/token"})
    registry, _, login = with_identity(serve, tmp_path, lambda _: moved)
    with pytest.raises(AuthenticationError, match="no token"):
        registry.store(login=login).get_manifest("v1")
    assert not elsewhere.asked


def test_an_identity_token_is_no_password(serve: Serve, tmp_path: Path) -> None:
    registry = serve(lambda _: Say(401, {"WWW-Authenticate": 'Basic realm="x"'}))
    login = config(tmp_path, {"auths": {registry.host: {"identitytoken": "t0"}}})
    with pytest.raises(AuthenticationError, match="user name and password"):
        registry.store(login=login).get_manifest("v1")
    assert all("authorization" not in asked.headers for asked in registry.asked)
