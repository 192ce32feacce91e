"""Real registries, each on a free loopback port with its storage in a given folder.

What is started is ended, and nothing else; no registry is yielded before it answers.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import urllib3

from tests.interop.authority import Authority
from tests.interop.peers import program
from tests.interop.ports import free_port
from tests.interop.tokens import ISSUER, SERVICE, TokenServer, token_server

USERNAME = "reader"
PASSWORD = "correct horse"
# The same password, hashed with bcrypt at its lowest cost.
_HTPASSWD = f"{USERNAME}:$2b$04$sXIhgzHsimGq8.9X4.ABhOCJP4wpgA.IuAmcJARYHqcfxuGMFpPBi\n"

_PATIENCE = 20.0  # seconds, on a machine that is busy with other tests
_POLL = 0.02
_PORTS_TRIED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A registry that answers, and what a client has to know of it."""

    host: str
    """host:port"""
    storage: Path
    has_referrers: bool
    """Whether it has the referrers API; where not, the fallback tag is the rule."""
    deletes_tags: bool = True
    keeps_cut_chunks: bool = True
    """Whether an upload goes on after its connection broke inside a chunk."""
    ca: Path | None = None
    username: str | None = None
    password: str | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.ca else 'http'}://{self.host}"


@contextmanager
def distribution(folder: Path) -> Iterator[Running]:
    """Start distribution 3 on plain HTTP."""
    with _serving(
        folder,
        lambda port: _configured("registry", folder, port),
        lambda host: Running(host=host, storage=_storage(folder), has_referrers=False),
    ) as running:
        yield running


@contextmanager
def distribution_tls(folder: Path) -> Iterator[Running]:
    """Start distribution 3 behind TLS, with an authority made for it."""
    authority = Authority.make(folder)
    tls = {
        "certificate": str(authority.server_certificate),
        "key": str(authority.server_key),
    }
    with _serving(
        folder,
        lambda port: _configured("registry", folder, port, tls=tls),
        lambda host: Running(
            host=host,
            storage=_storage(folder),
            has_referrers=False,
            ca=authority.certificate,
        ),
    ) as running:
        yield running


@contextmanager
def distribution_htpasswd(folder: Path) -> Iterator[Running]:
    """Start distribution 3 with basic authentication, for one user."""
    passwords = folder / "htpasswd"
    passwords.write_text(_HTPASSWD)
    auth = {"htpasswd": {"realm": "modelpack test", "path": str(passwords)}}
    with _serving(
        folder,
        lambda port: _configured("registry", folder, port, auth=auth),
        lambda host: _with_password(host, folder),
    ) as running:
        yield running


@contextmanager
def distribution_tokens(folder: Path) -> Iterator[tuple[Running, TokenServer]]:
    """Start distribution 3 with token authentication, and its token server."""
    with token_server(folder, username=USERNAME, password=PASSWORD) as tokens:
        token = {
            "realm": tokens.realm,
            "service": SERVICE,
            "issuer": ISSUER,
            "rootcertbundle": str(tokens.certificate),
        }
        with _serving(
            folder,
            lambda port: _configured("registry", folder, port, auth={"token": token}),
            lambda host: _with_password(host, folder),
        ) as running:
            yield running, tokens


@contextmanager
def docker_registry(folder: Path) -> Iterator[Running]:
    """Start Debian's docker-registry, which is distribution 2.8, on plain HTTP."""
    with _serving(
        folder,
        lambda port: _configured("docker-registry", folder, port),
        lambda host: Running(
            host=host,
            storage=_storage(folder),
            has_referrers=False,
            deletes_tags=False,
            keeps_cut_chunks=False,
        ),
    ) as running:
        yield running


@contextmanager
def olareg(folder: Path) -> Iterator[Running]:
    """Start olareg, which has the referrers API, on plain HTTP."""
    storage = _storage(folder)
    serve = [str(program("olareg")), "serve", "--addr", "127.0.0.1"]
    allow = ["--api-delete", "--api-blob-delete", "--dir", str(storage)]
    with _serving(
        folder,
        lambda port: [*serve, *allow, "--port", str(port)],
        lambda host: Running(host=host, storage=storage, has_referrers=True),
    ) as running:
        yield running


def _with_password(host: str, folder: Path) -> Running:
    return Running(
        host=host,
        storage=_storage(folder),
        has_referrers=False,
        username=USERNAME,
        password=PASSWORD,
    )


def _storage(folder: Path) -> Path:
    storage = folder / "storage"
    storage.mkdir(exist_ok=True)
    return storage


def _configured(
    name: str,
    folder: Path,
    port: int,
    *,
    tls: dict[str, str] | None = None,
    auth: dict[str, dict[str, str]] | None = None,
) -> list[str]:
    """Write a configuration for any version of distribution; answer its command."""
    configuration = {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(_storage(folder))},
            "delete": {"enabled": True},
        },
        "http": {"addr": f"127.0.0.1:{port}"} | ({"tls": tls} if tls else {}),
    } | ({"auth": auth} if auth else {})
    path = folder / "registry.yml"
    path.write_text(json.dumps(configuration))  # JSON is YAML
    return [str(program(name)), "serve", str(path)]


@contextmanager
def _serving(
    folder: Path,
    command: Callable[[int], list[str]],
    describe: Callable[[str], Running],
) -> Iterator[Running]:
    log = folder / "registry.log"
    for _ in range(_PORTS_TRIED):  # another process may take the port in between
        port = free_port()
        running = describe(f"127.0.0.1:{port}")
        with _process(command(port), log) as process:
            if _answers(running, process):
                yield running
                return
    message = f"{command(0)[0]} did not start:\n{log.read_text()[-2000:]}"
    raise RuntimeError(message)


@contextmanager
def _process(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    # distribution 3 would look for a collector of traces.
    environment = os.environ | {"OTEL_TRACES_EXPORTER": "none"}
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
    with process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def _answers(running: Running, process: subprocess.Popen[bytes]) -> bool:
    """Wait for an answer of any kind; False where the process ends or stays silent."""
    trusted = str(running.ca) if running.ca else None
    deadline = time.monotonic() + _PATIENCE
    with urllib3.PoolManager(ca_certs=trusted, retries=False, timeout=2.0) as http:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                http.request("GET", f"{running.url}/v2/")
            except urllib3.exceptions.HTTPError:
                time.sleep(_POLL)
            else:
                return process.poll() is None
    return False
