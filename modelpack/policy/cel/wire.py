"""Protocol buffers as the CEL library writes them: messages taken apart and put back.

The bytes come from the library itself, so nothing is bounded here; files of strangers
go through ``modelpack.formats.protobuf``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from modelpack.formats.protobuf import varint

__all__ = ["Value", "fields", "message", "messages", "numbers", "replaced", "texts"]

Value: TypeAlias = "int | bytes"

_VARINT, _FIXED64, _BYTES = 0, 1, 2
_DOUBLE_SIZE = 8
_CONTINUES = 0x80  # the bit that says another byte of a number follows


def fields(raw: bytes) -> Iterator[tuple[int, Value]]:
    """Yield number and value of each field; a double is its eight bytes."""
    for number, _, value in _parts(raw):
        yield number, value


def messages(raw: bytes, wanted: int) -> list[bytes]:
    """Return each field of one number that is a message or a text."""
    return [v for number, v in fields(raw) if number == wanted and isinstance(v, bytes)]


def texts(raw: bytes, wanted: int) -> list[str]:
    """Return each field of one number as text."""
    return [text.decode() for text in messages(raw, wanted)]


def numbers(raw: bytes, wanted: int) -> list[int]:
    """Return each field of one number that is a number."""
    return [v for number, v in fields(raw) if number == wanted and isinstance(v, int)]


def message(parts: Iterable[tuple[int, Value]]) -> bytes:
    """Put a message of numbers, texts and messages together."""
    return b"".join(_field(number, value) for number, value in parts)


def replaced(raw: bytes, number: int, value: bytes) -> bytes:
    """Return a message with another value for one field."""
    return b"".join(
        _field(number, value) if found == number else whole
        for found, whole, _ in _parts(raw)
    )


def _parts(raw: bytes) -> Iterator[tuple[int, bytes, Value]]:
    at, end = 0, len(raw)
    while at < end:
        start = at
        tag, at = _varint(raw, at)
        wire = tag & 7
        if wire == _VARINT:
            value, at = _varint(raw, at)
            yield tag >> 3, raw[start:at], value
            continue
        size = _DOUBLE_SIZE
        if wire == _BYTES:
            size, at = _varint(raw, at)
        begin, at = at, at + size
        yield tag >> 3, raw[start:at], raw[begin:at]


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    # Nearly all numbers of an expression have one byte.
    if raw[at] < _CONTINUES:
        return raw[at], at + 1
    return varint(raw, at, "expression")


def _field(number: int, value: Value) -> bytes:
    if isinstance(value, int):
        return _number(number * 8 + _VARINT) + _number(value)
    return _number(number * 8 + _BYTES) + _number(len(value)) + value


def _number(value: int) -> bytes:
    out = bytearray()
    while value >= _CONTINUES:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
