"""The bytes of an image layer are put together from anywhere, and always the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.formats.window import Window
from modelpack.model.car import car_layers
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import parse_any
from modelpack.oci.memory import MemoryStore
from modelpack.oci.store import blocks_of
from modelpack.transfer.send import Sender
from modelpack.workflows.car import Tar, require_fitting, send_car
from modelpack.workflows.push import Packing
from tests.transfer.making import MIB, crew, noise, sender, sending

MODEL = Digest.of(b"a model")


@dataclass(frozen=True)
class Given:
    """A file in memory, opened as one on the disk is."""

    path: str
    content: bytes
    executable: bool = False

    @property
    def size(self) -> int:
        return len(self.content)

    @property
    def key(self) -> str:
        return self.path

    def open(self) -> AbstractContextManager[Given]:
        return nullcontext(self)

    def blocks(self, start: int, end: int) -> Iterator[memoryview]:
        assert 0 <= start < end <= self.size
        return blocks_of(self.content)(start, end)

    def window(self) -> Window:
        raise NotImplementedError

    def check_unchanged(self) -> None: ...

    def known(self, split: int) -> tuple[Digest, tuple[Digest, ...]] | None:
        raise NotImplementedError

    def started(self) -> int:
        raise NotImplementedError

    def remember(
        self, whole: Digest, split: int, parts: Sequence[Digest], started: int
    ) -> None:
        raise NotImplementedError


@given(
    st.lists(st.integers(0, 3000), min_size=1, max_size=4),
    st.integers(1, 5000),
)
def test_any_piece_of_a_layer_is_what_the_whole_has_there(
    sizes: list[int], step: int
) -> None:
    files = [Given(f"f{n}", noise(size, n)) for n, size in enumerate(sizes)]
    store = MemoryStore()
    manifest = send_car(files, MODEL, _sender(store), crew(1))
    assert parse_any(store.get_manifest(manifest.descriptor.digest)) == manifest
    (layer,) = car_layers(files)
    tar = Tar(layer, sorted(files, key=lambda file: file.path))
    whole = b"".join(map(bytes, tar.blocks(0, layer.size)))
    assert len(whole) == layer.size
    assert manifest.layers[0].digest == Digest.of(whole)
    pieces = [
        b"".join(map(bytes, tar.blocks(at, min(at + step, layer.size))))
        for at in range(0, layer.size, step)
    ]
    assert b"".join(pieces) == whole


def test_a_registry_that_takes_no_such_layer_is_named() -> None:
    packing = Packing(largest_layer=4096, registry="GHCR")
    require_fitting([Given("a", bytes(1))], packing)
    with pytest.raises(InvalidInput, match="GHCR takes 4096"):
        require_fitting([Given("a", bytes(2049))], packing)


def _sender(store: MemoryStore) -> Sender:
    return sender(store, sending(chunk=MIB), [])
