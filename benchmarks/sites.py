"""Where a case takes place: a real registry, seen through one of the links."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.cases import Link
from tests.interop import registries


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A registry that answers, as the programs see it."""

    host: str
    """host:port through the link"""
    direct: str
    """host:port for what has to be there before a run, and is not measured"""
    storage: Path
    plain_http: bool = True
    trust: dict[str, str] = field(default_factory=dict)
    """Environment that makes a program trust the registry."""

    def environment(self, home: Path) -> dict[str, str]:
        return isolated(home) | self.trust


def isolated(home: Path) -> dict[str, str]:
    """Environment with nothing of the user's: a run's caches end with its home."""
    homes = {
        "HOME": home,
        "TMPDIR": home / "tmp",
        "XDG_CACHE_HOME": home / "cache",
        "XDG_CONFIG_HOME": home / "config",
        "XDG_DATA_HOME": home / "share",
        "XDG_STATE_HOME": home / "state",
    }
    for folder in homes.values():
        folder.mkdir(parents=True, exist_ok=True)
    search = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}
    return search | {name: str(path) for name, path in homes.items()}


@contextmanager
def open_site(folder: Path, link: Link) -> Iterator[Site]:
    """Start distribution 3 with empty storage in `folder`, behind the link."""
    folder.mkdir(parents=True)
    if link is Link.TLS:
        with registries.distribution_tls(folder) as running:
            ca = str(running.ca)
            yield Site(
                host=running.host,
                direct=running.host,
                storage=running.storage,
                plain_http=False,
                trust={"SSL_CERT_FILE": ca, "REQUESTS_CA_BUNDLE": ca},
            )
        return
    with registries.distribution(folder) as running:
        if link is Link.PLAIN:
            yield Site(host=running.host, direct=running.host, storage=running.storage)
            return
        with _slow_link(running.host) as host:
            yield Site(host=host, direct=running.host, storage=running.storage)


@contextmanager
def _slow_link(server: str) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.slow_link", server]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            said = process.stdout.readline() if process.stdout else ""
            yield f"127.0.0.1:{int(said)}"
        finally:
            process.terminate()
