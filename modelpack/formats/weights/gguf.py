"""The header of a GGUF file, strictly: versions 2 and 3, little endian.

As in llama.cpp, the only reader that matters, tensors follow each other with no
gap but the padding to the alignment; and nothing follows the last.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from types import MappingProxyType
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.names import checked_text, shown
from modelpack.formats.tensor import Tensor, parameters
from modelpack.formats.weights.ggml import GGML_TYPES
from modelpack.formats.weights.gguf_values import (
    ArraySummary,
    Cursor,
    Value,
    read_value,
)
from modelpack.formats.window import Window

__all__ = ["ArraySummary", "GgufHeader", "Value", "parse_gguf"]

MAGIC: Final = b"GGUF"
VERSIONS: Final = (2, 3)
MAX_KEYS: Final = 65_536
MAX_TENSORS: Final = 200_000
MAX_NAME: Final = 1024
MAX_RANK: Final = 4  # GGML_MAX_DIMS
MAX_DIMENSION: Final = 2**63 - 1
DEFAULT_ALIGNMENT: Final = 32
MAX_ALIGNMENT: Final = 65_536

_HEAD = Struct("<4sIQQ")
_NUMBER = Struct("<I")
_TYPE_AND_OFFSET = Struct("<IQ")


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufHeader:
    """What the header says, tensors in the order of their bytes.

    ``header_size`` counts all before the padding in front of the first tensor.
    A shape is outermost dimension first, as elsewhere; the file lists it reversed.
    """

    version: int
    metadata: Mapping[str, Value]
    tensors: tuple[Tensor, ...]
    alignment: int
    header_size: int

    @property
    def general(self) -> Mapping[str, Value]:
        """The ``general.*`` metadata, without that prefix."""
        prefix = "general."
        return {
            key.removeprefix(prefix): value
            for key, value in self.metadata.items()
            if key.startswith(prefix)
        }

    @property
    def parameters(self) -> Mapping[str, int]:
        """The elements of each ggml type, the largest count first."""
        return parameters(self.tensors)

    @property
    def parameter_count(self) -> int:
        return sum(self.parameters.values())


def parse_gguf(window: Window) -> GgufHeader:
    """Read the header, and check that its tensors are the rest of the file."""
    cursor = Cursor(window)
    version, tensor_count, key_count = _head(window, cursor)
    metadata = _metadata(cursor, key_count, f"{window.name}: metadata")
    alignment = _alignment(metadata, f"{window.name}: metadata.general.alignment")
    where = f"{window.name}: tensors"
    found = [_tensor(cursor, f"{where}[{index}]") for index in range(tensor_count)]
    _check_names(found, where)
    header_size = cursor.offset
    tensors = _placed(found, start=_aligned(header_size, alignment))
    _check_spans(tensors, window, where, header_size, alignment)
    return GgufHeader(
        version=version,
        metadata=MappingProxyType(metadata),
        tensors=tensors,
        alignment=alignment,
        header_size=header_size,
    )


def _head(window: Window, cursor: Cursor) -> tuple[int, int, int]:
    where = f"{window.name}: header"
    if window.size < _HEAD.size:
        raise InvalidInput(f"{window.size} bytes are too few", where=where)
    magic, version, tensors, keys = _HEAD.unpack(window.read(0, _HEAD.size))
    cursor.skip(_HEAD.size, where)
    if magic != MAGIC:
        raise InvalidInput("does not start with 'GGUF'", where=where)
    if version and not version & 0xFFFF:
        raise InvalidInput("big endian GGUF is not supported", where=where)
    if version not in VERSIONS:
        raise InvalidInput(f"version {version} is not supported", where=where)
    if tensors > MAX_TENSORS:
        raise InvalidInput(f"{tensors} tensors, over {MAX_TENSORS}", where=where)
    if keys > MAX_KEYS:
        raise InvalidInput(f"{keys} metadata keys, over {MAX_KEYS}", where=where)
    return version, tensors, keys


def _metadata(cursor: Cursor, count: int, where: str) -> dict[str, Value]:
    metadata: dict[str, Value] = {}
    for index in range(count):
        place = f"{where}[{index}]"
        key = checked_text(cursor.string(place, limit=MAX_NAME), place, limit=MAX_NAME)
        place = f"{where}.{shown(key)}"
        if key in metadata:
            raise InvalidInput("duplicate key", where=place)
        metadata[key] = read_value(cursor, place)
    return metadata


def _alignment(metadata: Mapping[str, Value], where: str) -> int:
    value = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    if type(value) is not int or not 0 < value <= MAX_ALIGNMENT or value & (value - 1):
        raise InvalidInput(
            f"not a power of two up to {MAX_ALIGNMENT}: {shown(str(value))}",
            where=where,
        )
    return value


def _tensor(cursor: Cursor, where: str) -> Tensor:
    """Read one tensor's description; its offset is still that in the data."""
    name = checked_text(cursor.string(where, limit=MAX_NAME), where, limit=MAX_NAME)
    where = f"{where} {shown(name)}"
    rank = cursor.number(_NUMBER, where)
    if rank > MAX_RANK:
        raise InvalidInput(f"{rank} dimensions, over {MAX_RANK}", where=where)
    dimensions = tuple(map(int, cursor.unpack(Struct(f"<{rank}Q"), where)))
    number, offset = map(int, cursor.unpack(_TYPE_AND_OFFSET, where))
    kind = GGML_TYPES.get(number)
    if kind is None:
        raise InvalidInput(f"unknown: {number}", where=f"{where}.type")
    row = dimensions[0] if dimensions else 1
    if max(dimensions, default=0) > MAX_DIMENSION or row % kind.block_elements:
        raise InvalidInput(
            f"{list(dimensions)} does not fit {kind.name}, "
            f"in blocks of {kind.block_elements}",
            where=f"{where}.dimensions",
        )
    blocks = math.prod(dimensions) // kind.block_elements
    return Tensor(
        name=name,
        dtype=kind.name,
        shape=dimensions[::-1],
        offset=offset,
        length=blocks * kind.block_bytes,
    )


def _check_names(tensors: Sequence[Tensor], where: str) -> None:
    seen: set[str] = set()
    for index, tensor in enumerate(tensors):
        if tensor.name in seen:
            raise InvalidInput(
                "duplicate name", where=f"{where}[{index}] {shown(tensor.name)}"
            )
        seen.add(tensor.name)


def _placed(tensors: Sequence[Tensor], *, start: int) -> tuple[Tensor, ...]:
    """Give each tensor its offset in the file, and sort by that."""
    placed = [
        Tensor(
            name=tensor.name,
            dtype=tensor.dtype,
            shape=tensor.shape,
            offset=start + tensor.offset,
            length=tensor.length,
        )
        for tensor in tensors
    ]
    placed.sort(key=lambda tensor: (tensor.offset, tensor.length, tensor.name))
    return tuple(placed)


def _check_spans(
    tensors: Sequence[Tensor],
    window: Window,
    where: str,
    header_size: int,
    alignment: int,
) -> None:
    end = header_size
    for tensor in tensors:
        place = f"{where}.{shown(tensor.name)}.offset"
        expected = _aligned(end, alignment)
        if tensor.offset != expected:
            raise InvalidInput(
                f"is at byte {tensor.offset}, expected at {expected}", where=place
            )
        end = tensor.offset + tensor.length
        if end > window.size:
            raise InvalidInput(
                f"ends at byte {end}, the file at {window.size}", where=place
            )
    if window.size > _aligned(end, alignment):
        raise InvalidInput(
            f"{window.size - end} bytes after the last tensor", where=where
        )


def _aligned(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment
