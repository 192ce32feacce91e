from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path

import pytest

from modelpack.errors import InvalidInput, LocalError
from modelpack.registry.login import erase, store

HOST = "registry.example.com:5000"
_HELPER = """#!/bin/sh
echo "$1" >> "{folder}/calls"; cat >> "{folder}/calls"; exit {code}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "docker" / "config.json"


def written(config: Path) -> dict[str, dict[str, dict[str, str]]]:
    found = json.loads(config.read_text())
    assert isinstance(found, dict)
    return found


def test_a_login_goes_where_docker_looks_for_it(config: Path) -> None:
    umask = os.umask(0)
    try:
        assert store(config, HOST, "me", "pass:wörd") == str(config)
    finally:
        os.umask(umask)
    auth = written(config)["auths"][HOST]["auth"]
    assert base64.b64decode(auth).decode() == "me:pass:wörd"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.parent.stat().st_mode) == 0o700
    assert list(config.parent.iterdir()) == [config]


def test_all_else_in_the_config_stays(config: Path) -> None:
    config.parent.mkdir()
    before = {"auths": {"other": {"auth": "eA=="}}, "psFormat": "x", "new": [1, None]}
    config.write_text(json.dumps(before))
    config.chmod(0o644)
    store(config, HOST, "me", "secret")
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert erase(config, HOST)
    assert not erase(config, HOST)
    assert written(config) == before


def test_nothing_is_written_where_there_was_no_login(config: Path) -> None:
    assert not erase(config, HOST)
    assert not config.exists()


def test_a_config_that_is_a_link_stays_one(config: Path, tmp_path: Path) -> None:
    config.parent.mkdir()
    real = tmp_path / "real.json"
    real.write_text("{}")
    config.symlink_to(real)
    store(config, HOST, "me", "secret")
    assert config.is_symlink()
    assert HOST in written(real)["auths"]


@pytest.mark.parametrize(
    "text", ["no JSON", "[]", '{"auths": 7}', '{"auths": {}, "auths": {}}']
)
def test_a_config_that_is_damaged_is_named_and_kept(config: Path, text: str) -> None:
    config.parent.mkdir()
    config.write_text(text)
    with pytest.raises(InvalidInput, match=str(config)):
        store(config, HOST, "me", "secret")
    assert config.read_text() == text


def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int = 0) -> Path:
    program = tmp_path / "bin" / "docker-credential-test-store"
    program.parent.mkdir()
    program.write_text(_HELPER.format(folder=tmp_path, code=code))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return tmp_path / "calls"


@pytest.mark.parametrize(
    "named", [{"credsStore": "test-store"}, {"credHelpers": {HOST: "test-store"}}]
)
def test_a_helper_gets_the_login_and_the_config_does_not(
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    named: dict[str, object],
) -> None:
    calls = helper(tmp_path, monkeypatch)
    config.parent.mkdir()
    config.write_text(json.dumps(named))
    assert store(config, HOST, "me", "secret") == "docker-credential-test-store"
    assert erase(config, HOST)
    verb, *rest = calls.read_text().split("\n", 1)
    secret, end = json.JSONDecoder().raw_decode(rest[0])
    assert verb == "store"
    assert secret == {"ServerURL": HOST, "Username": "me", "Secret": "secret"}
    assert rest[0][end:] == f"erase\n{HOST}"
    assert json.loads(config.read_text()) == named


def test_a_helper_that_fails_is_named_and_the_password_is_not(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(tmp_path, monkeypatch, code=1)
    config.parent.mkdir()
    config.write_text('{"credsStore": "test-store"}')
    with pytest.raises(LocalError, match="docker-credential-test-store") as caught:
        store(config, HOST, "me", "secret")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["../../bin/sh", "a b", "x;y", "é/"])
def test_a_helper_is_a_plain_name(config: Path, name: str) -> None:
    config.parent.mkdir()
    config.write_text(json.dumps({"credsStore": name}))
    with pytest.raises(InvalidInput, match="credential helper"):
        store(config, HOST, "me", "secret")
