"""What the tests of several commands stand on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelpack.serve.registry import RegistryServer


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    with RegistryServer(tmp_path / "registry") as server:
        yield server.address
