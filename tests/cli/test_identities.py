"""Who signs keyless: a CI system's job, or a person with a browser."""

import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelpack.errors import AuthenticationError
from modelpack.serve.registry import RegistryServer
from modelpack.signing.identity_token import ambient_token
from tests.cli.test_commands import Done, run
from tests.registry.scripted import Asked, Say, Scripted
from tests.sigstore.server import FakeSigstore

WORKFLOW = "https://github.com/acme/models/.github/workflows/train.yml@refs/heads/main"
ANNA = "anna@example.com"


@dataclass(frozen=True)
class Desk:
    """A model in a registry, and a private Sigstore."""

    folder: Path
    model: str
    sigstore: FakeSigstore

    def sign(self, **environment: str) -> Done:
        config, _, _ = self.sigstore.write(self.folder)
        return run(
            self.folder, "sign", "--trust-config", config, self.model, **environment
        )

    def signed_by(self, identity: str) -> bool:
        _, root, _ = self.sigstore.write(self.folder)
        who = ("--certificate-identity", identity)
        issuer = ("--certificate-oidc-issuer", self.sigstore.url)
        verified = run(
            self.folder, "verify", "--trusted-root", root, *who, *issuer, self.model
        )
        return verified.returncode == 0


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "model").mkdir()
    (tmp_path / "model/weights.bin").write_bytes(bytes(1000))
    with RegistryServer(tmp_path / "registry") as server, FakeSigstore() as sigstore:
        desk = Desk(tmp_path, f"{server.address}/team/model:1", sigstore)
        assert run(tmp_path, "push", "-q", "model", desk.model).returncode == 0
        yield desk


def actions(
    desk: Desk, say: Callable[[Asked], Say | None] = lambda _: None
) -> Scripted:
    """What a job on GitHub Actions asks for its token (GitHub, "OpenID Connect")."""

    def answer(asked: Asked) -> Say:
        said = say(asked)
        if said is not None:
            return said
        assert asked.path == "/token?api-version=2.0&audience=sigstore"
        if asked.headers["authorization"] != "bearer of-the-job":
            return Say(401, body=b"{}")
        value = {"count": 1, "value": desk.sigstore.token(WORKFLOW)}
        return Say(body=json.dumps(value).encode())

    return Scripted(answer)


def of_actions(server: Scripted) -> dict[str, str]:
    return {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{server.url}/token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-the-job",
    }


def test_a_job_on_github_signs_as_its_workflow(desk: Desk) -> None:
    with actions(desk) as server:
        signed = desk.sign(**of_actions(server))
    assert signed.returncode == 0, signed.stderr
    assert desk.signed_by(WORKFLOW)
    assert not desk.signed_by(ANNA)


GITHUB: dict[str, tuple[Say, str]] = {
    "refused": (Say(403, body=b"no"), "code=403"),
    "no JSON": (Say(body=b"<html>"), "malformed"),
    "no token in it": (Say(body=b'{"count": 0}'), "malformed"),
    "another kind of value": (Say(body=b'{"value": 7}'), "malformed"),
    "no token": (Say(body=b'{"value": "abc"}'), "no identity token"),
}


@pytest.mark.parametrize(("say", "said"), GITHUB.values(), ids=GITHUB.keys())
def test_a_job_without_a_token_signs_nothing(
    monkeypatch: pytest.MonkeyPatch, say: Say, said: str
) -> None:
    with Scripted(lambda _: say) as server:
        for name, value in of_actions(server).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(AuthenticationError, match=said) as caught:
            ambient_token()
    assert "of-the-job" not in str(caught.value)


def test_a_token_for_somebody_else_is_not_used(desk: Desk) -> None:
    token = desk.sigstore.token(WORKFLOW, aud="another-service")
    body = json.dumps({"value": token}).encode()
    with actions(desk, lambda _: Say(body=body)) as server:
        refused = desk.sign(**of_actions(server))
    assert refused.returncode == 6, refused.stderr
    assert token not in refused.stderr


def test_a_job_that_may_not_ask_is_told_what_it_needs(desk: Desk) -> None:
    refused = desk.sign(GITHUB_ACTIONS="true")
    assert refused.returncode == 6
    assert "permissions: id-token: write" in refused.stderr
    refused = desk.sign(GITLAB_CI="true")
    assert refused.returncode == 6
    assert "SIGSTORE_ID_TOKEN: aud: sigstore" in refused.stderr
    assert "permissions" not in refused.stderr


def test_a_server_that_is_gone_is_named(desk: Desk) -> None:
    with actions(desk) as server:
        environment = of_actions(server)
    refused = desk.sign(**environment)
    assert refused.returncode == 6
    assert "GitHub" in refused.stderr


def test_a_job_on_gitlab_signs_with_its_variable(desk: Desk) -> None:
    token = desk.sigstore.token("https://gitlab.com/acme/models//.gitlab-ci.yml@main")
    signed = desk.sign(GITLAB_CI="true", SIGSTORE_ID_TOKEN=token)
    assert signed.returncode == 0, signed.stderr
    assert desk.signed_by("https://gitlab.com/acme/models//.gitlab-ci.yml@main")


AGENTS = {
    "buildkite-agent": ("BUILDKITE", ["oidc", "request-token", "--audience sigstore"]),
    "circleci": ("CIRCLECI", ["run oidc get", '"aud": "sigstore"', "--root-issuer"]),
}


@pytest.mark.parametrize("agent", AGENTS)
def test_a_job_signs_with_what_its_agent_says(desk: Desk, agent: str) -> None:
    variable, words = AGENTS[agent]
    programs = desk.folder / "programs"
    programs.mkdir()
    (desk.folder / "job-token").write_text(desk.sigstore.token(WORKFLOW))
    script = programs / agent
    script.write_text(
        f'#!/bin/sh\necho "$@" > "{desk.folder}/asked"\ncat "{desk.folder}/job-token"\n'
    )
    script.chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    signed = desk.sign(PATH=path, **{variable: "true"})
    assert signed.returncode == 0, signed.stderr
    asked = (desk.folder / "asked").read_text()
    assert all(word in asked for word in words), asked
    assert desk.signed_by(WORKFLOW)
    script.write_text("#!/bin/sh\necho no token here >&2\nexit 3\n")
    assert desk.sign(PATH=path, **{variable: "true"}).returncode == 6


def browse(desk: Desk) -> Done:
    """Sign at a terminal; the browser is a program that follows where it is sent."""
    program = desk.folder / "browser.py"
    program.write_text(
        "import sys, urllib.request\nurllib.request.urlopen(sys.argv[1]).read()\n"
    )
    config, _, _ = desk.sigstore.write(desk.folder)
    terminal, its_end = pty.openpty()
    try:
        return subprocess.run(
            [
                *(sys.executable, "-m", "modelpack", "sign"),
                *("--trust-config", config, desk.model),
            ],
            stdin=its_end,
            capture_output=True,
            text=True,
            check=False,
            cwd=desk.folder,
            env={
                "HOME": str(desk.folder),
                "PATH": os.environ["PATH"],
                "BROWSER": f"{shutil.which('env')} {sys.executable} {program} %s",
            },
            timeout=120,
        )
    finally:
        os.close(terminal)
        os.close(its_end)


def test_a_person_logs_in_with_a_browser(desk: Desk) -> None:
    signed = browse(desk)
    assert signed.returncode == 0, signed.stderr
    assert desk.signed_by(ANNA)


@pytest.mark.parametrize(
    ("fault", "said"), [("refuses", "access_denied"), ("forgets", "state mismatch")]
)
def test_a_login_that_fails_signs_nothing(desk: Desk, fault: str, said: str) -> None:
    setattr(desk.sigstore.login, fault, True)
    refused = browse(desk)
    assert refused.returncode == 6, refused.stderr
    assert said in refused.stderr
    assert not desk.signed_by(ANNA)
