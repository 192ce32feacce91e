"""Whether bytes can be an ONNX model: protobuf has no magic, so its shape tells."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from modelpack.formats.window import Window

__all__ = ["looks_like_onnx"]

MAX_FIELDS: Final = 64

_VARINT: Final = 0
_BYTES: Final = 2
_GRAPH: Final = 7
# Fields of onnx.ModelProto and their wire types.
_FIELDS: Final[Mapping[int, int]] = MappingProxyType(
    {
        1: _VARINT,  # ir_version
        2: _BYTES,  # producer_name
        3: _BYTES,  # producer_version
        4: _BYTES,  # domain
        5: _VARINT,  # model_version
        6: _BYTES,  # doc_string
        _GRAPH: _BYTES,
        8: _BYTES,  # opset_import
        14: _BYTES,  # metadata_props
        20: _BYTES,  # training_info
        25: _BYTES,  # functions
        26: _BYTES,  # configuration
    }
)
_LONGEST_FIELD_HEAD: Final = 20


def looks_like_onnx(window: Window) -> bool:
    """Walk the top level: known fields only, one of them the graph, to the end."""
    at = 0
    graph = False
    for _ in range(MAX_FIELDS):
        if at >= window.size:
            return graph and at == window.size
        head = window.read(at, min(_LONGEST_FIELD_HEAD, window.size - at))
        tag, value_at = _varint(head, 0)
        value, end = _varint(head, value_at)
        field, wire = divmod(tag, 8)
        if end > len(head) or _FIELDS.get(field) != wire:
            return False
        graph = graph or field == _GRAPH
        at += end + (value if wire == _BYTES else 0)
    return graph and at <= window.size


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """Return a number and where it ends: behind ``raw`` if it is cut off."""
    value = 0
    for shift, byte in enumerate(raw[at : at + 10]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:  # noqa: PLR2004 - the bit that says another byte follows
            return value, at + shift + 1
    return value, len(raw) + 1
