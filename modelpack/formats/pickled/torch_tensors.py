"""The tensors of what ``torch.save`` writes, where they are weights alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.names import shown
from modelpack.formats.pickled.saved import (
    SavedTensor,
    Storage,
    saved_keys,
    saved_tensors,
)
from modelpack.formats.pickled.torch_zip import parse_torch_zip
from modelpack.formats.pickled.walk import Pickle, parse_pickle
from modelpack.formats.pickled.weights_only import beyond_weights
from modelpack.formats.tensor import Tensor
from modelpack.formats.window import Window

__all__ = ["legacy_tensors", "zip_tensors"]

MAX_LEGACY: Final = 16 << 20  # of the pickles, before the numbers

_COUNT: Final = 8  # bytes before each legacy storage, its number of elements


def zip_tensors(window: Window) -> tuple[Tensor, ...]:
    """Return the tensors of an archive; raise ``InvalidInput`` if it has a program."""
    archive = parse_torch_zip(window)
    if archive.script:
        raise InvalidInput("holds a program", where=window.name)
    _refuse_more(archive.pickle, window.name)
    places = {
        key: (member.offset, member.size) for key, member in archive.storages.items()
    }
    saved = saved_tensors(archive.raw, window.name)
    return tuple(_placed(saved, places, window.name))


def legacy_tensors(window: Window) -> tuple[Tensor, ...]:
    """Return the tensors of a file from before torch 1.6.

    Five pickles: a magic number, a version, the system, what was saved, and the keys
    of the storages, which follow in that order (torch/serialization.py).
    """
    raw = window.read(0, min(window.size, MAX_LEGACY))
    at, parts = 0, list[bytes]()
    for _ in range(5):
        pickle = parse_pickle(raw[at:], window.name)
        _refuse_more(pickle, window.name)
        parts.append(raw[at : at + pickle.size])
        at += pickle.size
    saved = saved_tensors(parts[3], window.name)
    storages = {tensor.storage.key: tensor.storage for tensor in saved}
    places = _legacy_places(window, parts[4], at, storages)
    return tuple(_placed(saved, places, window.name))


def _legacy_places(
    window: Window, keys: bytes, at: int, storages: Mapping[str, Storage]
) -> Mapping[str, tuple[int, int]]:
    """Return where each storage lies, and how long it is."""
    places: dict[str, tuple[int, int]] = {}
    for key in saved_keys(keys, window.name):
        if key not in storages:
            break  # of an object that is no tensor: what follows cannot be told
        count = int.from_bytes(window.read(at, _COUNT), "little")
        size = count * storages[key].bits // 8
        places[key] = (at + _COUNT, size)
        at += _COUNT + size
        if at > window.size:
            raise InvalidInput("a storage longer than the file", where=window.name)
    return places


def _placed(
    saved: Iterable[SavedTensor], places: Mapping[str, tuple[int, int]], where: str
) -> Iterator[Tensor]:
    for tensor in saved:
        place = places.get(tensor.storage.key)
        if place is None:
            raise InvalidInput(
                f"names the storage {shown(tensor.storage.key)}, which is not there",
                where=where,
            )
        start, size = place
        before = tensor.offset * tensor.bits // 8
        if before > size:
            raise InvalidInput(
                "begins behind its storage", where=f"{where}: {shown(tensor.name)}"
            )
        # A tensor that repeats itself has more elements than its storage.
        length = min(math.prod(tensor.shape) * tensor.bits // 8, size - before)
        yield Tensor(
            name=tensor.name,
            dtype=tensor.dtype,
            shape=tensor.shape,
            offset=start + before,
            length=length,
        )


def _refuse_more(pickle: Pickle, where: str) -> None:
    more = next(beyond_weights(pickle), "")
    if more:
        raise InvalidInput(f"is more than weights: {more}", where=where)
