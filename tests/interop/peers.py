"""The other programs that the interop tests and the benchmarks run, at fixed versions.

`python -m tests.interop.peers [NAME...]` builds the missing ones into a cache folder
outside the tree. A build happens under a temporary name and is renamed when whole, so
that a killed one leaves nothing that looks finished.
"""

import fcntl
import json
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, Protocol

import pytest


class Unavailable(Exception):
    """This machine lacks what the peer is built with, or the build failed."""


class Peer(Protocol):
    """A program at a fixed version, and how it is had."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def executable(self) -> str:
        """Path of the program inside the peer's folder."""
        ...

    def build(self, folder: Path) -> None:
        """Put the program and all that it needs into the empty `folder`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GoProgram:
    """Built from source in a throw-away module.

    Not with `go install`, which refuses the modules whose go.mod holds `replace`: what
    stands there is declared here again.
    """

    name: str
    version: str
    package: str
    replace: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    """Variables of the program that are set as it is linked."""
    experiment: str = ""
    """What the program needs of the compiler that is not on by itself."""

    @property
    def executable(self) -> str:
        return self.name

    def build(self, folder: Path) -> None:
        go = _tool("go")
        environment = os.environ | {"CGO_ENABLED": "0", "GOWORK": "off"}
        if self.experiment:
            environment["GOEXPERIMENT"] = self.experiment
        module = folder / "module"
        module.mkdir()
        output = str(folder / self.executable)
        flags = " ".join(["-s -w", *(f"-X {a}={b}" for a, b in self.texts.items())])
        for arguments in (
            ["mod", "init", "peer.invalid/build"],
            *(["mod", "edit", f"-replace={a}={b}"] for a, b in self.replace.items()),
            ["get", "-tool", f"{self.package}@{self.version}"],
            ["build", "-trimpath", f"-ldflags={flags}", "-o", output, self.package],
        ):
            _run([go, *arguments], directory=module, environment=environment)
        shutil.rmtree(module)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoFiles:
    """Files of a Go module, which nobody builds: the data of other people's tests."""

    name: str
    version: str
    module: str
    folder: str

    @property
    def executable(self) -> str:
        """The folder itself, for the tests to read."""
        return "files"

    def build(self, folder: Path) -> None:
        found = _run(
            [_tool("go"), "mod", "download", "-json", f"{self.module}@{self.version}"],
            environment=os.environ | {"GOWORK": "off"},
        )
        source = Path(json.loads(found)["Dir"]) / self.folder
        shutil.copytree(source, folder / self.executable)
        # What the Go command keeps nobody may write to, nor remove.
        for path in (folder / self.executable).rglob("*"):
            path.chmod(path.stat().st_mode | stat.S_IWUSR)
        (folder / self.executable).chmod(0o755)


@dataclass(frozen=True, slots=True, kw_only=True)
class DebianProgram:
    """Unpacked from the distribution's package without installing it.

    No service is started and no file outside the cache folder changes; libraries that
    the machine lacks are unpacked beside the program.
    """

    name: str
    version: str = "of Debian"
    program: str = ""
    """Its path in the package, where that is not `usr/bin/NAME`."""
    libraries: str = ""
    """A folder of libraries below that of the machine's kind, which a package needs."""

    @property
    def executable(self) -> str:
        return "run"

    def build(self, folder: Path) -> None:
        _tool("dpkg")
        apt = _tool("apt-get")
        try:
            packages = self._packages(apt)
        except Unavailable:  # a new machine has no package lists yet
            _run([apt, "update"])
            packages = self._packages(apt)
        downloads = folder / "downloads"
        downloads.mkdir()
        # As root, apt would download as its own user, who may not write here.
        unsandboxed = ["-o", "APT::Sandbox::User=root"]
        _run([apt, *unsandboxed, "download", *packages], directory=downloads)
        root = folder / "root"
        for package in sorted(downloads.glob("*.deb")):
            _run(["dpkg", "-x", str(package), str(root)])
        shutil.rmtree(downloads)
        launcher = folder / self.executable
        launcher.write_text(
            "#!/bin/sh\n"
            'root="$(dirname "$(readlink -f "$0")")/root"\n'
            'libraries="$root/lib/$(uname -m)-linux-gnu:'
            "$root/usr/lib/$(uname -m)-linux-gnu"
            f'{self._more}"\n'
            'export LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"\n'
            f'exec "$root/{self.program or f"usr/bin/{self.name}"}" "$@"\n'
        )
        launcher.chmod(0o755)

    @property
    def _more(self) -> str:
        folder = f":$root/usr/lib/$(uname -m)-linux-gnu/{self.libraries}"
        return folder if self.libraries else ""

    def _packages(self, apt: str) -> list[str]:
        """Name the package and those of its dependencies that are not installed."""
        plan = _run([apt, "install", "-s", "--no-install-recommends", self.name])
        missing = {
            line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")
        }
        return sorted(missing | {self.name})


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonProgram:
    """Installed into a virtual environment of its own.

    What it depends on is not what this project depends on, nor at the same versions.
    """

    name: str
    version: str
    requirements: tuple[str, ...]

    @property
    def executable(self) -> str:
        return "run"

    def build(self, folder: Path) -> None:
        environment = folder / "environment"
        _run([sys.executable, "-m", "venv", str(environment)])
        pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        _run([*pip, "--disable-pip-version-check", *self.requirements])
        launcher = folder / self.executable
        # Not the script that pip wrote: it names the folder of before the renaming.
        launcher.write_text(
            "#!/bin/sh\n"
            'here="$(dirname "$(readlink -f "$0")")"\n'
            f'exec "$here/environment/bin/python" -m {self.name} "$@"\n'
        )
        launcher.chmod(0o755)


# Kubernetes' own go.mod replaces these by folders beside it.
_STAGING = (
    *("api", "apiextensions-apiserver", "apimachinery", "apiserver", "cli-runtime"),
    *("client-go", "cloud-provider", "cluster-bootstrap", "code-generator"),
    *("component-base", "component-helpers", "controller-manager", "cri-api"),
    *("cri-client", "csi-translation-lib", "dynamic-resource-allocation"),
    *("endpointslice", "externaljwt", "kms", "kube-aggregator"),
    *("kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl", "kubelet"),
    *("metrics", "mount-utils", "pod-security-admission", "sample-apiserver"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePackages:
    """Packages of npm, with a node of their own that is new enough for them."""

    name: str
    version: str
    packages: tuple[str, ...]

    @property
    def executable(self) -> str:
        return "run"

    def build(self, folder: Path) -> None:
        quiet = ["--silent", "--no-fund", "--no-audit", "--prefix", str(folder)]
        _run([_tool("npm"), "install", *quiet, *self.packages])
        launcher = folder / self.executable
        launcher.write_text(
            "#!/bin/sh\n"
            'modules="$(dirname "$(readlink -f "$0")")/node_modules"\n'
            'export NODE_PATH="$modules"\n'
            'exec "$modules/node/bin/node" "$@"\n'
        )
        launcher.chmod(0o755)


_POD_SECURITY = {
    "k8s.io/pod-security-admission": "github.com/kyverno/"
    "pod-security-admission@v0.0.0-20251031094455-46f20778634f"
}

PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        GoProgram(
            name="registry",
            version="v3.1.2",
            package="github.com/distribution/distribution/v3/cmd/registry",
        ),
        GoProgram(
            name="olareg",
            version="v0.1.2",
            package="github.com/olareg/olareg/cmd/olareg",
        ),
        GoProgram(name="oras", version="v1.3.6", package="oras.land/oras/cmd/oras"),
        GoProgram(
            name="crane",
            version="v0.22.1",
            package="github.com/google/go-containerregistry/cmd/crane",
        ),
        GoProgram(
            name="modctl", version="v0.2.2", package="github.com/modelpack/modctl"
        ),
        GoProgram(name="kit", version="v1.15.0", package="github.com/kitops-ml/kitops"),
        GoProgram(
            name="cosign",
            version="v3.1.3",
            package="github.com/sigstore/cosign/v3/cmd/cosign",
        ),
        GoProgram(
            name="fulcio", version="v1.8.8", package="github.com/sigstore/fulcio"
        ),
        GoProgram(
            name="rekor",
            version="v2.3.0",
            package="github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix",
        ),
        GoProgram(
            name="timestamp-server",
            version="v2.1.3",
            package="github.com/sigstore/timestamp-authority/v2/cmd/timestamp-server",
        ),
        GoProgram(
            name="kyverno",
            version="v1.19.0",
            package="github.com/kyverno/kyverno/cmd/cli/kubectl-kyverno",
            replace=_POD_SECURITY,
        ),
        GoProgram(
            name="kyverno-controller",
            version="v1.19.0",
            package="github.com/kyverno/kyverno/cmd/kyverno",
            replace=_POD_SECURITY,
        ),
        GoFiles(
            name="kyverno-crds",
            version="v1.19.0",
            module="github.com/kyverno/kyverno",
            folder="config/crds",
        ),
        GoFiles(
            name="cel-spec",
            version="v0.25.2",
            module="cel.dev/expr",
            folder="tests/simple/testdata",
        ),
        GoProgram(name="etcd", version="v3.6.15", package="go.etcd.io/etcd/server/v3"),
        GoProgram(
            name="kube-apiserver",
            version="v1.34.4",
            package="k8s.io/kubernetes/cmd/kube-apiserver",
            replace={f"k8s.io/{m}": f"k8s.io/{m}@v0.34.4" for m in _STAGING},
            texts={
                "k8s.io/component-base/version.gitVersion": "v1.34.4",
                "k8s.io/component-base/version.gitMajor": "1",
                "k8s.io/component-base/version.gitMinor": "34",
            },
        ),
        GoProgram(name="helm", version="v3.21.4", package="helm.sh/helm/v3/cmd/helm"),
        PythonProgram(
            name="kubernetes_validate",
            version="1.37.0",
            requirements=("kubernetes-validate==1.37.0",),
        ),
        GoProgram(
            name="trivy",
            version="v0.74.0",
            package="github.com/aquasecurity/trivy/cmd/trivy",
            experiment="jsonv2",
        ),
        GoProgram(
            name="grype",
            version="v0.121.2",
            package="github.com/anchore/grype/cmd/grype",
        ),
        PythonProgram(
            name="model_signing",
            version="1.1.1",
            requirements=("model-signing==1.1.1", "pyOpenSSL==26.4.0"),
        ),
        PythonProgram(
            name="picklescan",
            version="1.0.5",
            requirements=(
                "picklescan==1.0.5",
                "fickling==0.1.12",
                "typing-extensions==4.16.0",  # which fickling 0.1.12 does not name
                "modelaudit-picklescan==0.1.12",
            ),
        ),
        PythonProgram(
            name="ai_edge_litert",
            version="2.3.0",
            requirements=("ai-edge-litert==2.3.0", "flatbuffers==25.12.19"),
        ),
        DebianProgram(name="clamav", program="usr/bin/clamscan"),
        PythonProgram(
            name="huggingface_hub",
            version="2.4.0",
            requirements=("huggingface_hub==2.4.0", "jinja2==3.1.6"),
        ),
        NodePackages(
            name="sigstore-verify",
            version="4.1.3",
            packages=(
                "node@22.23.3",
                "@sigstore/bundle@5.0.1",
                "@sigstore/protobuf-specs@0.5.2",
                "@sigstore/verify@4.1.3",
            ),
        ),
        DebianProgram(name="skopeo"),
        DebianProgram(name="docker-registry"),
        DebianProgram(name="softhsm2", program="usr/bin/softhsm2-util"),
        DebianProgram(
            name="chromium",
            program="usr/lib/chromium/chromium",
            libraries="pulseaudio",
        ),
    )
}


def program(name: str) -> Path:
    """Path of the peer for a test, which is skipped where it is missing."""
    peer = PEERS[name]
    path = location(peer)
    if not path.exists():
        lacking(f"{peer.name} {peer.version} is not built: run make interop")
    return path


def lacking(message: str) -> NoReturn:
    """Skip the test, by name, for want of something that this machine should have.

    Under CI that is a failure: a skip there would pass for a proof.
    """
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def location(peer: Peer) -> Path:
    """Where the peer's program is, or would be."""
    return _folder(peer) / peer.executable


def install(peer: Peer) -> str:
    """Build the peer unless it is there; say what was done."""
    if location(peer).exists():
        return "there"
    folder = _folder(peer)
    folder.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with _locked(folder.with_name(f"{folder.name}.lock")):
        if location(peer).exists():  # another run built it while this one waited
            return "there"
        unfinished = folder.with_name(f"{folder.name}.part")
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir()
        peer.build(unfinished)
        unfinished.rename(folder)
    return f"built in {time.monotonic() - started:.0f} s"


def cache_folder() -> Path:
    """Answer the folder for what the tests and benchmarks need outside the tree."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "modelpack"


def _folder(peer: Peer) -> Path:
    version = peer.version.replace(" ", "-")
    return cache_folder() / "peers" / f"{peer.name}-{version}"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Unavailable(f"needs {name}")
    return found


def _run(
    command: list[str],
    *,
    directory: Path | None = None,
    environment: dict[str, str] | None = None,
) -> str:
    done = subprocess.run(
        command,
        cwd=directory,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(command)}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - set(PEERS))
    if unknown:
        sys.stderr.write(
            f"no such peer: {', '.join(unknown)}; there are {', '.join(PEERS)}\n"
        )
        return 2
    failed = False
    for peer in [PEERS[name] for name in names or PEERS]:
        try:
            outcome = install(peer)
        except Unavailable as error:
            failed = True
            outcome = f"not to be had: {error}"
        sys.stdout.write(f"{peer.name} {peer.version}: {outcome}\n")
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
