"""One shelf for all cases, in the embedded registry."""

from collections.abc import Iterator

import pytest

from modelpack.serve.registry import RegistryServer
from tests.interop.desk import Desk
from tests.kyverno.house import House
from tests.kyverno.judges import Kyverno
from tests.kyverno.shelf import Shelf
from tests.kyverno.stock import FORMS


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with RegistryServer() as server:
        yield Shelf(server.address, tmp_path_factory.mktemp("shelf"), FORMS)


@pytest.fixture
def kyverno(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Kyverno:
    return Kyverno(
        desk=Desk(tmp_path_factory.mktemp("home")),
        folder=tmp_path_factory.mktemp("papers"),
        names=shelf.names,
    )


@pytest.fixture
def house(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(folder=tmp_path_factory.mktemp("papers"), names=shelf.names)
