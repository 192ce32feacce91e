"""GGUF's metadata values, read forward through large blocks.

A vocabulary is an array of some hundred thousand strings: it is skipped inside a
block, not read through the window one string at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct
from types import MappingProxyType
from typing import Final, TypeAlias

from modelpack.errors import InvalidInput
from modelpack.formats.window import Window

__all__ = ["ArraySummary", "Cursor", "Value", "read_value"]

BLOCK_SIZE: Final = 1 << 20
MAX_HEADER: Final = 128 << 20
MAX_STRING: Final = 32 << 20
MAX_ARRAYS: Final = 100_000
MAX_DEPTH: Final = 4
SHORT_ARRAY: Final = 64

_STRING: Final = 8
_ARRAY: Final = 9
_BOOL: Final = 7
_SCALARS: Final[Mapping[int, tuple[str, Struct]]] = MappingProxyType(
    {
        0: ("uint8", Struct("<B")),
        1: ("int8", Struct("<b")),
        2: ("uint16", Struct("<H")),
        3: ("int16", Struct("<h")),
        4: ("uint32", Struct("<I")),
        5: ("int32", Struct("<i")),
        6: ("float32", Struct("<f")),
        _BOOL: ("bool", Struct("<B")),
        10: ("uint64", Struct("<Q")),
        11: ("int64", Struct("<q")),
        12: ("float64", Struct("<d")),
    }
)
_TYPE = Struct("<I")
_LENGTH = Struct("<Q")
_ARRAY_HEAD = Struct("<IQ")


@dataclass(frozen=True, slots=True)
class ArraySummary:
    """An array that is not kept: ``count`` elements of ``type``."""

    type: str
    count: int


Value: TypeAlias = str | int | float | bool | tuple[str, ...] | ArraySummary


class Cursor:
    """Reads a header forward, and never beyond ``MAX_HEADER`` or the file."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._limit = min(window.size, MAX_HEADER)
        self._block = b""
        self._start = 0  # of the block in the file
        self._at = 0  # in the block, or behind it after a skip
        self._arrays = 0

    @property
    def offset(self) -> int:
        return self._start + self._at

    def unpack(self, form: Struct, where: str) -> tuple[int | float, ...]:
        self._fill(form.size, where)
        values = form.unpack_from(self._block, self._at)
        self._at += form.size
        return values

    def number(self, form: Struct, where: str) -> int:
        """Read one whole number."""
        (value,) = self.unpack(form, where)
        return int(value)

    def string(self, where: str, *, limit: int = MAX_STRING) -> str:
        """Read a string of at most ``limit`` bytes."""
        length = self.number(_LENGTH, where)
        if length > limit:
            raise InvalidInput(f"a string of {length} bytes", where=where)
        self._fill(length, where)
        raw = self._block[self._at : self._at + length]
        self._at += length
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise InvalidInput("not UTF-8", where=where) from error

    def skip(self, size: int, where: str) -> None:
        self._require(size, where)
        self._at += size

    def skip_strings(self, count: int, where: str) -> None:
        left = count
        while left:
            self._fill(_LENGTH.size, where)
            left -= self._skip_in_block(left)
        self._require(0, where)

    def count_array(self, where: str) -> None:
        """Bound the number of arrays, for arrays of arrays are read one by one."""
        self._arrays += 1
        if self._arrays > MAX_ARRAYS:
            raise InvalidInput(f"more than {MAX_ARRAYS} arrays", where=where)

    def _skip_in_block(self, count: int) -> int:
        """Skip up to ``count`` strings that begin in the block; say how many."""
        block, at, unpack = self._block, self._at, _LENGTH.unpack_from
        last = len(block) - _LENGTH.size
        skipped = 0
        while skipped < count and at <= last:
            at += _LENGTH.size + unpack(block, at)[0]
            skipped += 1
        self._at = at
        return skipped

    def _fill(self, size: int, where: str) -> None:
        """Have ``size`` bytes at the cursor in the block."""
        if self._at + size <= len(self._block):
            return
        self._require(size, where)
        start = self.offset
        count = min(max(size, BLOCK_SIZE), self._limit - start)
        self._block = self._window.read(start, count)
        self._start, self._at = start, 0

    def _require(self, size: int, where: str) -> None:
        if self.offset + size <= self._limit:
            return
        if self._limit < self._window.size:
            raise InvalidInput(f"beyond the first {self._limit} bytes", where=where)
        raise InvalidInput(f"the file ends at byte {self._limit}", where=where)


def read_value(cursor: Cursor, where: str) -> Value:
    """Read a type and the value that follows it."""
    number = cursor.number(_TYPE, where)
    if number == _STRING:
        return cursor.string(where)
    if number == _ARRAY:
        return _array(cursor, where, depth=1)
    scalar = _SCALARS.get(number)
    if scalar is None:
        raise InvalidInput(f"unknown value type {number}", where=where)
    (value,) = cursor.unpack(scalar[1], where)
    if number != _BOOL:
        return value
    if value not in {0, 1}:
        raise InvalidInput(f"{value} is no bool", where=where)
    return bool(value)


def _array(cursor: Cursor, where: str, *, depth: int) -> tuple[str, ...] | ArraySummary:
    if depth > MAX_DEPTH:
        raise InvalidInput(f"arrays nested more than {MAX_DEPTH} deep", where=where)
    cursor.count_array(where)
    number, count = map(int, cursor.unpack(_ARRAY_HEAD, where))
    if number == _STRING:
        return _strings(cursor, count, where)
    if number == _ARRAY:
        for index in range(count):
            _array(cursor, f"{where}[{index}]", depth=depth + 1)
        return ArraySummary("array", count)
    scalar = _SCALARS.get(number)
    if scalar is None:
        raise InvalidInput(f"unknown element type {number}", where=where)
    name, form = scalar
    cursor.skip(count * form.size, where)
    return ArraySummary(name, count)


def _strings(cursor: Cursor, count: int, where: str) -> tuple[str, ...] | ArraySummary:
    if count > SHORT_ARRAY:
        cursor.skip_strings(count, where)
        return ArraySummary("string", count)
    return tuple(cursor.string(f"{where}[{index}]") for index in range(count))
