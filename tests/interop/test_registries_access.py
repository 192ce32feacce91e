"""Registries that ask who is there, and whose word they are taken for."""

import base64
import datetime as dt
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import urllib3

from modelpack.api import pull, push
from modelpack.api.settings import Settings
from modelpack.transfer.progress import Event, Moved
from tests.interop.desk import Desk
from tests.interop.models import content, noise, small_model
from tests.interop.registries import Running
from tests.interop.tokens import SERVICE, TokenServer

pytestmark = pytest.mark.interop

MIB = 1 << 20

_HELPER = """
import json, pathlib, sys

kept = pathlib.Path(__file__).with_name("kept.json")
known = json.loads(kept.read_text())
asked = sys.stdin.read().strip()
match sys.argv[1]:
    case "store":
        entry = json.loads(asked)
        known[entry["ServerURL"]] = entry
    case "erase":
        known.pop(asked, None)
    case "get" if asked in known:
        print(json.dumps(known[asked]))
    case "get":
        sys.exit("credentials not found in native keychain")
kept.write_text(json.dumps(known))
"""


@dataclass(slots=True, kw_only=True)
class Expiring:
    """Listens to a command, and ends its token in the middle of it."""

    registry: Running
    tokens: TokenServer
    model: Path
    left: int | None = None
    died: bool = False

    @property
    def reference(self) -> str:
        return f"{self.registry.host}/team/model:v1"

    @property
    def size(self) -> int:
        return sum(map(len, content(self.model).values()))

    @property
    def settings(self) -> Settings:
        return Settings(
            jobs=1,
            chunk_size=8 * MIB,
            username=self.registry.username or "",
            password=self.registry.password or "",
        )

    def die_after(self, count: int) -> None:
        """Issue tokens of three seconds, until so many bytes have moved."""
        self.tokens.lifetime = dt.timedelta(seconds=3)
        self.left = count

    def __call__(self, event: Event) -> None:
        if self.left is None or not isinstance(event, Moved):
            return
        self.left -= event.count
        if self.left <= 0:
            self.left = None
            self._outlive()
            self.tokens.lifetime = dt.timedelta(minutes=5)

    def _outlive(self) -> None:
        """Return when the registry refuses a token younger than the command's."""
        account = f"{self.registry.username}:{self.registry.password}"
        basic = urllib3.make_headers(basic_auth=account)
        with urllib3.PoolManager(retries=False, timeout=10.0) as http:
            fields = {"service": SERVICE}
            told = http.request("GET", self.tokens.realm, fields=fields, headers=basic)
            bearer = {"Authorization": f"Bearer {told.json()['token']}"}
            deadline = time.monotonic() + 20
            while not self.died and time.monotonic() < deadline:
                answer = http.request("GET", f"{self.registry.url}/v2/", headers=bearer)
                self.died = answer.status == 401


@pytest.fixture
def expiring(token_registry: tuple[Running, TokenServer], tmp_path: Path) -> Expiring:
    """Bring a model that takes several chunks to push and several ranges to pull."""
    registry, tokens = token_registry
    model = tmp_path / "big"
    model.mkdir()
    (model / "weights.bin").write_bytes(noise("big", 40 * MIB))
    return Expiring(registry=registry, tokens=tokens, model=model)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return small_model(tmp_path / "model")


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "back"


class TestTls:
    def test_its_authority_is_named(
        self, tls_registry: Running, desk: Desk, model: Path, into: Path
    ) -> None:
        reference = f"{tls_registry.host}/team/model:v1"
        trust = ("--ca-file", str(tls_registry.ca))
        (pushed,) = desk.modelpack("push", model, reference, *trust).lines
        desk.modelpack("pull", reference, "-o", into, *trust)
        assert content(into) == content(model)
        desk.modelpack("tag", pushed, "v2", *trust)
        listed = desk.modelpack("ls", reference.removesuffix(":v1"), *trust)
        assert listed.lines == ["v1", "v2"]

    def test_its_authority_is_in_the_environment(
        self, tls_registry: Running, desk: Desk, model: Path
    ) -> None:
        told = desk.told(SSL_CERT_FILE=str(tls_registry.ca))
        told.modelpack("push", model, f"{tls_registry.host}/team/model:v1")

    @pytest.mark.parametrize("verb", ["push", "pull", "inspect", "ls"])
    def test_an_authority_that_nobody_named_is_not_trusted(
        self, verb: str, tls_registry: Running, desk: Desk, model: Path
    ) -> None:
        repository = f"{tls_registry.host}/team/model"
        arguments: dict[str, tuple[str | Path, ...]] = {
            "push": (model, f"{repository}:v1"),
            "pull": (f"{repository}:v1",),
            "inspect": (f"{repository}:v1",),
            "ls": (repository,),
        }
        ran = desk.try_modelpack(verb, *arguments[verb])
        assert ran.code == 5
        assert "certificate is not trusted" in ran.err
        assert "hint: --ca-file FILE names the authority that signed it" in ran.err
        assert not (desk.home / "model").exists()

    def test_a_flag_makes_no_plain_http_of_it(
        self, tls_registry: Running, desk: Desk
    ) -> None:
        repository = f"{tls_registry.host}/team/model"
        assert desk.try_modelpack("ls", repository, "--plain-http").code == 5


class TestPassword:
    def test_without_a_login_the_hint_is_to_log_in(
        self, htpasswd_registry: Running, desk: Desk, model: Path
    ) -> None:
        host = htpasswd_registry.host
        ran = desk.try_modelpack("push", model, f"{host}/team/model:v1")
        assert ran.code == 6
        assert f"hint: modelpack login {host}" in ran.err

    def test_a_login_lasts_until_the_logout(
        self, htpasswd_registry: Running, desk: Desk, model: Path, into: Path
    ) -> None:
        host = htpasswd_registry.host
        reference = f"{host}/team/model:v1"
        _log_in(desk, htpasswd_registry)
        assert desk.docker_config.stat().st_mode & 0o777 == 0o600
        desk.modelpack("push", model, reference)
        desk.modelpack("pull", reference, "-o", into)
        assert content(into) == content(model)
        desk.modelpack("logout", host)
        assert not json.loads(desk.docker_config.read_bytes())["auths"]
        assert desk.try_modelpack("inspect", reference).code == 6

    def test_a_login_is_everybodys(
        self, htpasswd_registry: Running, desk: Desk, model: Path
    ) -> None:
        reference = f"{htpasswd_registry.host}/team/model:v1"
        _log_in(desk, htpasswd_registry)
        desk.modelpack("push", model, reference)
        desk.peer("crane", "manifest", "--insecure", reference)
        desk.peer("oras", "manifest", "fetch", "--plain-http", reference)

    def test_a_login_of_another_tool_is_taken(
        self, htpasswd_registry: Running, desk: Desk, model: Path
    ) -> None:
        host = htpasswd_registry.host
        account = ("-u", htpasswd_registry.username or "", "--plain-http")
        password = ("-p", htpasswd_registry.password or "")
        desk.peer("oras", "login", host, *account, *password)
        desk.modelpack("push", model, f"{host}/team/model:v1")

    def test_a_wrong_password_is_not_kept(
        self, htpasswd_registry: Running, desk: Desk
    ) -> None:
        username = htpasswd_registry.username or ""
        login = ("login", htpasswd_registry.host, "-u", username, "--password-stdin")
        ran = desk.try_modelpack(*login, typed="wrong\n")
        assert ran.code == 6
        assert "refused" in ran.err
        assert not desk.docker_config.exists()

    def test_a_wrong_password_in_dockers_config_is_refused(
        self, htpasswd_registry: Running, desk: Desk, model: Path
    ) -> None:
        host = htpasswd_registry.host
        wrong = base64.b64encode(b"reader:wrong").decode()
        _configure(desk, {"auths": {host: {"auth": wrong}}})
        ran = desk.try_modelpack("push", model, f"{host}/team/model:v1")
        assert ran.code == 6
        assert "refused" in ran.err

    def test_a_credential_helper_is_asked(
        self, htpasswd_registry: Running, desk: Desk, model: Path, into: Path
    ) -> None:
        host = htpasswd_registry.host
        reference = f"{host}/team/model:v1"
        kept = _install_helper(desk)
        _configure(desk, {"credHelpers": {host: "test"}})
        _log_in(desk, htpasswd_registry)
        assert json.loads(kept.read_bytes())[host]["Secret"] == (
            htpasswd_registry.password
        )
        assert "auths" not in json.loads(desk.docker_config.read_bytes())
        desk.modelpack("push", model, reference)
        desk.modelpack("pull", reference, "-o", into)
        assert content(into) == content(model)
        desk.modelpack("logout", host)
        assert json.loads(kept.read_bytes()) == {}
        assert desk.try_modelpack("inspect", reference).code == 6


class TestTokens:
    def test_a_token_is_asked_for_what_is_done(
        self,
        token_registry: tuple[Running, TokenServer],
        desk: Desk,
        model: Path,
        into: Path,
    ) -> None:
        registry, tokens = token_registry
        reference = f"{registry.host}/team/model:v1"
        assert desk.try_modelpack("push", model, reference).code == 6
        _log_in(desk, registry)
        desk.modelpack("push", model, reference)
        tokens.issued.clear()
        desk.modelpack("pull", reference, "-o", into)
        assert content(into) == content(model)
        assert set(tokens.issued) == {"repository:team/model:pull"}

    @pytest.mark.parametrize("kept", ["in the file", "by a helper"])
    def test_an_identity_token_is_as_good_as_a_password(
        self,
        kept: str,
        token_registry: tuple[Running, TokenServer],
        desk: Desk,
        model: Path,
        into: Path,
    ) -> None:
        registry, tokens = token_registry
        tokens.identity = "kept by docker login"
        reference = f"{registry.host}/team/model:v1"
        if kept == "by a helper":
            login = {"Username": "<token>", "Secret": tokens.identity}
            _install_helper(desk).write_text(json.dumps({registry.host: login}))
            _configure(desk, {"credHelpers": {registry.host: "test"}})
        else:
            entry = {"auth": "", "identitytoken": tokens.identity}
            _configure(desk, {"auths": {registry.host: entry}})
        desk.modelpack("push", model, reference)
        desk.modelpack("pull", reference, "-o", into)
        assert content(into) == content(model)
        tokens.identity = "another"
        assert desk.try_modelpack("inspect", reference).code == 6

    def test_blobs_are_mounted_with_leave_for_both_repositories(
        self, token_registry: tuple[Running, TokenServer], desk: Desk, model: Path
    ) -> None:
        registry, _ = token_registry
        _log_in(desk, registry)
        desk.modelpack("push", model, f"{registry.host}/team/model:v1")
        mount = ("--mount-from", "team/model")
        ran = desk.modelpack("push", model, f"{registry.host}/other/model:v1", *mount)
        assert "mounted" in ran.err

    def test_a_push_outlives_its_token(self, expiring: Expiring) -> None:
        expiring.die_after(2 * MIB)
        pushed = push(
            expiring.model,
            expiring.reference,
            settings=expiring.settings,
            notify=expiring,
        )
        assert expiring.died
        assert expiring.tokens.issued.count("repository:team/model:pull,push") > 1
        assert pushed.size == expiring.size

    def test_a_pull_outlives_its_token(self, expiring: Expiring, into: Path) -> None:
        push(expiring.model, expiring.reference, settings=expiring.settings)
        expiring.tokens.issued.clear()
        expiring.die_after(2 * MIB)
        pull(expiring.reference, into, settings=expiring.settings, notify=expiring)
        assert expiring.died
        assert expiring.tokens.issued.count("repository:team/model:pull") > 1
        assert content(into) == content(expiring.model)


def _log_in(desk: Desk, registry: Running) -> None:
    login = ("login", registry.host, "-u", registry.username or "", "--password-stdin")
    desk.modelpack(*login, typed=f"{registry.password}\n")


def _configure(desk: Desk, document: dict[str, dict[str, object]]) -> None:
    desk.docker_config.parent.mkdir()
    desk.docker_config.write_text(json.dumps(document))


def _install_helper(desk: Desk) -> Path:
    """Put `docker-credential-test` into the search path; return where it keeps."""
    helper = desk.programs / "docker-credential-test"
    helper.parent.mkdir()
    helper.write_text(f"#!{sys.executable}\n{_HELPER}")
    helper.chmod(0o755)
    kept = desk.programs / "kept.json"
    kept.write_text("{}")
    return kept
