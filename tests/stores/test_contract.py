"""Every store, put under the one contract. A new store is one more line here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from modelpack.disk.layout.archive import ArchiveStore
from modelpack.disk.layout.directory import LayoutStore
from modelpack.errors import RegistryError
from modelpack.oci.memory import MemoryStore
from modelpack.oci.patience import Patience
from modelpack.oci.reference import Repository
from modelpack.oci.store import Source, Store
from modelpack.registry.connections import Connecting
from modelpack.registry.credentials import Login
from modelpack.registry.http import Http
from modelpack.registry.store import RegistryStore
from modelpack.serve.registry import RegistryServer
from tests.stores.contract import Kept, Reopen, SourceContract, StoreContract


def _memory(_folder: Path, _stack: ExitStack) -> Reopen:
    store = MemoryStore()
    return lambda: store


def _layout(folder: Path, _stack: ExitStack) -> Reopen:
    return lambda: LayoutStore(folder / "layout")


def _archive(folder: Path, stack: ExitStack) -> Reopen:
    # Until it is closed, an archive is one program's own.
    store = stack.enter_context(ArchiveStore(folder / "archive.tar"))
    return lambda: store


def _registry(folder: Path, stack: ExitStack) -> Reopen:
    server = stack.enter_context(RegistryServer(folder / "registry"))
    repository = Repository(server.address, "team/model")
    return lambda: RegistryStore(
        repository,
        Http(repository, Connecting(plain_http=True), Login()),
        Patience(wait=_give_up),
    )


def _give_up(_seconds: float, error: RegistryError) -> None:
    raise error


_STORES: dict[str, Callable[[Path, ExitStack], Reopen]] = {
    "memory": _memory,
    "layout": _layout,
    "archive": _archive,
    "registry": _registry,
}


@pytest.fixture(params=_STORES)
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reopen]:
    """Open the store under test again, as another process would."""
    with ExitStack() as stack:
        yield _STORES[request.param](tmp_path, stack)


@pytest.fixture
def store(reopen: Reopen) -> Store:
    return reopen()


class TestStore(StoreContract):
    """A store that is open."""


class TestSource(SourceContract):
    """A store that is opened anew after it was written."""

    @pytest.fixture
    def kept(self, reopen: Reopen) -> Kept:
        def keep(write: Callable[[Store], object]) -> Source:
            write(reopen())
            return reopen()

        return keep


class TestClosedArchive(SourceContract):
    """A tar file, read in place."""

    @pytest.fixture
    def kept(self, tmp_path: Path) -> Iterator[Kept]:
        with ExitStack() as stack:

            def keep(write: Callable[[Store], object]) -> Source:
                path = tmp_path / "closed.tar"
                with ArchiveStore(path) as archive:
                    write(archive)
                assert [child.name for child in tmp_path.iterdir()] == ["closed.tar"]
                return stack.enter_context(ArchiveStore(path))

            yield keep
