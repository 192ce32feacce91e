"""A real Kubernetes API server: etcd and kube-apiserver as ordinary processes.

There is no kubelet, scheduler or controller: objects are stored and admission runs, and
nothing starts.
"""

import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.interop.authority import Authority
from tests.interop.peers import lacking, program
from tests.interop.ports import free_port

_PATIENCE = 180.0  # seconds, on a machine that is busy with other tests
_POLL = 0.2

Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What kubectl said."""

    done: bool
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """An API server, and kubectl as its administrator."""

    folder: Path
    kubectl: str

    def run(self, *arguments: str, text: str | None = None) -> Applied:
        """Run kubectl; ``text`` is its standard input."""
        done = subprocess.run(
            [self.kubectl, *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            cwd=self.folder,
            env={
                "HOME": str(self.folder),
                "PATH": os.defpath,
                "KUBECONFIG": str(self.folder / "kubeconfig"),
            },
        )
        return Applied(done=done.returncode == 0, said=done.stdout + done.stderr)

    def apply(self, *objects: Json, dry_run: bool = False) -> Applied:
        """Apply objects in order; a dry run goes through admission as well."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        flags = ["--dry-run=server"] if dry_run else []
        return self.run("apply", "-f", "-", *flags, text=json.dumps(listed))

    def wait(self, ready: Callable[[], bool], what: str) -> None:
        """Ask again and again until it is ready."""
        deadline = time.monotonic() + _PATIENCE
        while not ready():
            if time.monotonic() > deadline:
                raise TimeoutError(what)
            time.sleep(_POLL)


@contextmanager
def api_server(folder: Path) -> Iterator[Cluster]:
    """Run etcd and kube-apiserver; all that they write is in an empty ``folder``."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        lacking("kubectl is not installed")
    programs = program("etcd"), program("kube-apiserver")
    store, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    port = free_port()
    authority = Authority.make(folder)
    token = secrets.token_hex()
    (folder / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n')
    (folder / "kubeconfig").write_text(json.dumps(_kubeconfig(port, authority, token)))
    cluster = Cluster(folder=folder, kubectl=kubectl)
    with (
        running(programs[0], folder, *_etcd(folder, store, peer)),
        running(programs[1], folder, *_server(folder, authority, store, port)) as main,
    ):

        def answers(*query: str) -> bool:
            if main.poll() is not None:
                log = (folder / "kube-apiserver.log").read_text(errors="replace")
                raise RuntimeError(f"kube-apiserver ended:\n{log[-2000:]}")
            return cluster.run("get", *query).done

        # It says that it is ready before the namespace `default` is written.
        cluster.wait(lambda: answers("--raw=/readyz"), "kube-apiserver")
        cluster.wait(lambda: answers("namespace", "default"), "the first namespace")
        yield cluster


def _etcd(folder: Path, store: str, peer: str) -> list[str]:
    return [
        f"--data-dir={folder / 'etcd'}",
        "--unsafe-no-fsync",
        f"--listen-client-urls={store}",
        f"--advertise-client-urls={store}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
    ]


def _server(folder: Path, authority: Authority, store: str, port: int) -> list[str]:
    return [
        f"--etcd-servers={store}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        f"--tls-cert-file={authority.server_certificate}",
        f"--tls-private-key-file={authority.server_key}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-signing-key-file={authority.server_key}",
        # A certificate: this flag reads no private key of PKCS#8.
        f"--service-account-key-file={authority.server_certificate}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--endpoint-reconciler-type=none",
        # There is no controller that makes the accounts which this one wants.
        "--disable-admission-plugins=ServiceAccount",
        "--feature-gates=ImageVolume=true",
    ]


def _kubeconfig(port: int, authority: Authority, token: str) -> Json:
    server = f"https://127.0.0.1:{port}"
    trust = {"server": server, "certificate-authority": str(authority.certificate)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "users": [{"name": "admin", "user": {"token": token}}],
        "clusters": [{"name": "test", "cluster": trust}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
    }


@contextmanager
def running(
    binary: Path,
    folder: Path,
    *arguments: str,
    variables: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program, which logs into its folder and sees no settings but these."""
    with (folder / f"{binary.name}.log").open("wb") as log:
        process = subprocess.Popen(
            [binary, *arguments],
            cwd=folder,
            env={"HOME": str(folder), "PATH": os.defpath, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    with process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:  # nothing here is worth saving
                process.kill()
