"""Repositories of real registries, put under the contract of every store."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from modelpack.errors import RegistryError
from modelpack.oci.store import Source, Store
from tests.interop.registries import Running
from tests.interop.stores import store_at
from tests.stores.contract import Kept, Reopen, SourceContract, StoreContract

pytestmark = pytest.mark.interop


@pytest.fixture
def reopen(plain_registry: Running) -> Reopen:
    """Open the repository again, as another process would."""
    return lambda: store_at(plain_registry)


@pytest.fixture
def store(reopen: Reopen) -> Store:
    return reopen()


class TestStore(StoreContract):
    """A repository that is written to."""

    @pytest.fixture(autouse=True)
    def _knows_where_tags_stay(
        self, request: pytest.FixtureRequest, plain_registry: Running
    ) -> None:
        if not plain_registry.deletes_tags and request.function.__name__ in {
            "test_a_deleted_tag_leaves_the_manifest",
            "test_nothing_can_be_deleted_twice",
            "test_a_new_store_is_empty",
        }:
            stays = pytest.mark.xfail(reason="keeps its tags", raises=RegistryError)
            request.applymarker(stays)


class TestSource(SourceContract):
    """A repository that is opened anew after it was written."""

    @pytest.fixture
    def kept(self, reopen: Reopen) -> Kept:
        def keep(write: Callable[[Store], object]) -> Source:
            write(reopen())
            return reopen()

        return keep
