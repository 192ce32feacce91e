"""What a job stands on: a model, a registry, a private Sigstore, a folder."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelpack.serve.registry import RegistryServer
from tests.sigstore.server import FakeSigstore


@dataclass(frozen=True)
class Site:
    """``folder`` is the checkout; ``environment`` what every program gets."""

    folder: Path
    registry: str
    sigstore: FakeSigstore
    environment: dict[str, str]

    @property
    def reference(self) -> str:
        return f"{self.registry}/team/model:v1"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "checkout"
    model = folder / "model"
    model.mkdir(parents=True)
    (model / "config.json").write_text('{"model_type": "bert"}')
    (model / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Small\n")
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "LC_ALL": "C.UTF-8",
    }
    with RegistryServer(tmp_path / "registry") as server, FakeSigstore() as sigstore:
        sigstore.write(folder)
        yield Site(folder, server.address, sigstore, environment)
