"""The embedded registry over a real socket, and a client that hides nothing."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import urllib3

from modelpack.serve.registry import RegistryServer
from tests.serve.client import Client, Raw


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RegistryServer]:
    with RegistryServer(tmp_path / "registry") as running:
        yield running


@pytest.fixture
def client(server: RegistryServer) -> Iterator[Client]:
    with urllib3.PoolManager(retries=False, timeout=30) as pool:
        yield Client(pool, f"{server.url}/v2")


@pytest.fixture
def raw(server: RegistryServer) -> Iterator[Callable[[], Raw]]:
    """Connect without an HTTP library between."""
    host, _, port = server.address.rpartition(":")
    with contextlib.ExitStack() as stack:

        def connect() -> Raw:
            connection = socket.create_connection((host, int(port)), timeout=30)
            return Raw(stack.enter_context(connection))

        yield connect
