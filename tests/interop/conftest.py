"""Registries as fixtures, one for each test; `registries.py` says what each is."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pytest

from tests.interop import registries
from tests.interop.desk import Desk
from tests.interop.registries import Running
from tests.interop.tokens import TokenServer


class _Starter(Protocol):
    def __call__(self, folder: Path) -> AbstractContextManager[Running]: ...


_PLAIN: dict[str, _Starter] = {
    "distribution": registries.distribution,
    "docker-registry": registries.docker_registry,
    "olareg": registries.olareg,
}


@pytest.fixture
def registry_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep what a registry writes apart from the test's own `tmp_path`."""
    return tmp_path_factory.mktemp("registry")


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Keep a user's home apart from the test's own `tmp_path`."""
    return Desk(tmp_path_factory.mktemp("home"))


@pytest.fixture(params=list(_PLAIN))
def plain_registry(
    request: pytest.FixtureRequest, registry_folder: Path
) -> Iterator[Running]:
    """Each registry that asks for nothing, in turn."""
    with _PLAIN[request.param](registry_folder) as running:
        yield running


@pytest.fixture(params=["distribution", "olareg"])
def modern_registry(
    request: pytest.FixtureRequest, registry_folder: Path
) -> Iterator[Running]:
    """One registry without a referrers API and one with it, in turn."""
    with _PLAIN[request.param](registry_folder) as running:
        yield running


@pytest.fixture
def distribution(registry_folder: Path) -> Iterator[Running]:
    with registries.distribution(registry_folder) as running:
        yield running


@pytest.fixture
def olareg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    # Apart from the other registry, where a test has both.
    with registries.olareg(tmp_path_factory.mktemp("olareg")) as running:
        yield running


@pytest.fixture
def docker_registry(registry_folder: Path) -> Iterator[Running]:
    with registries.docker_registry(registry_folder) as running:
        yield running


@pytest.fixture
def tls_registry(registry_folder: Path) -> Iterator[Running]:
    with registries.distribution_tls(registry_folder) as running:
        yield running


@pytest.fixture
def htpasswd_registry(registry_folder: Path) -> Iterator[Running]:
    with registries.distribution_htpasswd(registry_folder) as running:
        yield running


@pytest.fixture
def token_registry(registry_folder: Path) -> Iterator[tuple[Running, TokenServer]]:
    with registries.distribution_tokens(registry_folder) as both:
        yield both
