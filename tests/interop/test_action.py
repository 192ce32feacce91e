"""The whole action, with its own installation from the package index."""

import os
from pathlib import Path

import pytest

import modelpack
from modelpack.api import generate_key
from modelpack.serve.registry import RegistryServer
from tests.ci.github import run_action
from tests.ci.test_github import JOB

pytestmark = pytest.mark.interop


def test_the_action_installs_itself_and_releases(tmp_path: Path) -> None:
    folder = tmp_path / "checkout"
    (folder / "model").mkdir(parents=True)
    (folder / "model/config.json").write_text("{}")
    key, _ = generate_key(tmp_path / "k", "x")
    environment = {
        k: v for k, v in os.environ.items() if k.startswith(("PIP_", "XDG_", "PATH"))
    }
    with RegistryServer(tmp_path / "registry") as server:
        reference = f"{server.address}/team/model:v1"
        ended = run_action(
            {
                "source": "model",
                "reference": reference,
                "key": key.read_text(),
                "password": "x",
            },
            folder=folder,
            temporary=tmp_path / "runner",
            environment={**environment, **JOB, "HOME": str(tmp_path / "home")},
        )
        assert ended.code == 0, ended.log
        assert ended.path.startswith(str(tmp_path / "runner" / "modelpack" / "bin"))
        found = modelpack.inspect(reference).reference
    assert ended.outputs["reference"] == found
