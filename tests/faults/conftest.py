"""The scene that each test begins with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.proxy import FaultProxy
from tests.faults.scene import Scene, scene_in


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with scene_in(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene_in(tmp_path_factory.mktemp("shelf")) as made:
        made.publish()
        yield made


@pytest.fixture
def published(shelf: Scene, tmp_path: Path) -> Iterator[Scene]:
    """A scene whose registry has the model; only what is pulled is its own."""
    with FaultProxy(shelf.registry.address) as proxy:
        yield replace(shelf, folder=tmp_path, proxy=proxy, events=[])
