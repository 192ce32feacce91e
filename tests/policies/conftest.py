"""One shelf for all cases of the library, in the embedded registry."""

from collections.abc import Iterator

import pytest

from modelpack.serve.registry import RegistryServer
from tests.interop.desk import Desk
from tests.kyverno.house import House
from tests.kyverno.judges import Kyverno
from tests.kyverno.shelf import Shelf
from tests.policies.evidence import FORMS


@pytest.fixture(scope="session")
def library_shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with RegistryServer() as server:
        yield Shelf(server.address, tmp_path_factory.mktemp("library"), FORMS)


@pytest.fixture
def kyverno(library_shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Kyverno:
    return Kyverno(
        desk=Desk(tmp_path_factory.mktemp("home")),
        folder=tmp_path_factory.mktemp("papers"),
        names=library_shelf.names,
    )


@pytest.fixture
def house(library_shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(folder=tmp_path_factory.mktemp("papers"), names=library_shelf.names)


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("home"))
