"""Publish a model's files once more as an image, which every runtime can mount."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import partial

from modelpack.errors import InvalidInput
from modelpack.model.car import CarLayer, build_car, car_layers
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Manifest
from modelpack.oci.store import blocks_of
from modelpack.transfer.crew import Crew
from modelpack.transfer.progress import Planned
from modelpack.transfer.send import Outgoing, Sender
from modelpack.workflows.push import Packing, Parcel


def require_fitting(parcels: Sequence[Parcel], packing: Packing) -> None:
    """Refuse what the registry would not take, before anything is sent."""
    for layer in car_layers(parcels):
        if packing.largest_layer and layer.size > packing.largest_layer:
            raise InvalidInput(
                f"an image layer of {layer.size} bytes; {packing.registry} takes "
                f"{packing.largest_layer}",
                where=layer.name,
                hint="an image's files cannot be split: leave out --modelcar",
            )


def send_car(
    parcels: Sequence[Parcel],
    model: Digest,
    sender: Sender,
    crew: Crew,
) -> Manifest:
    """Send the image of a model's files; return its manifest, stored without a tag.

    Its layers are other blobs than the model's, so each file is read and sent once
    more; nothing is written to the disk for it.
    """
    layers = car_layers(parcels)
    of = {parcel.path: parcel for parcel in parcels}
    digests: dict[int, Digest] = {}

    def send(index: int) -> None:
        tar = Tar(layers[index], [of[file.path] for file in layers[index].files])
        digests[index] = sender.send(tar.outgoing())

    total = sum(layer.size for layer in layers)
    sender.notify(Planned(verb="push", files=len(layers), size=total))
    crew.run(partial(send, index) for index in range(len(layers)))
    ordered = [digests[index] for index in range(len(layers))]
    manifest, config = build_car(layers, ordered, model)
    sender.store.put_blob(manifest.config, blocks_of(config))
    sender.store.put_manifest(manifest.document)
    return manifest


class Tar:
    """The bytes of a layer, put together as they are asked for, from anywhere."""

    def __init__(self, layer: CarLayer, parcels: Sequence[Parcel]) -> None:
        self._layer = layer
        self._parcels = parcels

    def outgoing(self) -> Outgoing:
        states = "\n".join(parcel.key for parcel in self._parcels)
        return Outgoing(
            name=self._layer.name,
            key=f"car:{Digest.of(states.encode())}",
            size=self._layer.size,
            blocks=self.blocks,
        )

    def blocks(self, start: int, end: int) -> Iterator[memoryview]:
        """Yield the bytes in between; the file under each is open only meanwhile."""
        starts = self._layer.starts
        for index in range(bisect_right(starts, start) - 1, len(self._parcels)):
            at = starts[index]
            if at >= end:
                return
            yield from self._frame(index, max(0, start - at), end - at)

    def _frame(self, index: int, start: int, end: int) -> Iterator[memoryview]:
        head, size, tail = self._layer.frames[index]
        yield from _cut(head, start, end)
        first, last = max(0, start - len(head)), min(size, end - len(head))
        if first < last:
            with self._parcels[index].open() as opened:
                yield from opened.blocks(first, last)
                opened.check_unchanged()
        before = len(head) + size
        yield from _cut(tail, start - before, end - before)


def _cut(content: bytes, start: int, end: int) -> Iterator[memoryview]:
    piece = memoryview(content)[max(0, start) : max(0, end)]
    if piece:
        yield piece
