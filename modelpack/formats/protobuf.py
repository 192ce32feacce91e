"""Protocol buffers on the wire, walked field by field (protobuf, "Encoding").

No schema, and nothing kept: each message is a range of the file, and a field's
bytes are read only when asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.window import Window

__all__ = ["Budget", "Field", "Message", "Wire"]

MAX_FIELDS: Final = 2_000_000
MAX_DEPTH: Final = 64

_MESSAGE_COST: Final = 4  # in fields, by the time that it takes
_BLOCK: Final = 256 << 10
_LONGEST_VARINT: Final = 10
_LONGEST_TAG: Final = 5
_MAX_64: Final = (1 << 64) - 1


class Wire(IntEnum):
    """How a value lies in the file; the two kinds of groups are not taken."""

    VARINT = 0
    FIXED64 = 1
    BYTES = 2
    FIXED32 = 5


_WIRES: Final = frozenset(int(wire) for wire in Wire)
_FIXED: Final = {Wire.FIXED64: 8, Wire.FIXED32: 4}


class Budget:
    """How many fields one file may have, over all of its messages."""

    def __init__(self, fields: int = MAX_FIELDS) -> None:
        self._left = fields

    def spend(self, where: str, fields: int = 1) -> None:
        self._left -= fields
        if self._left < 0:
            raise InvalidInput("too many fields", where=where)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: ``value`` of a varint, or ``size`` bytes at ``offset``."""

    number: int
    wire: Wire
    value: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A range of a file that should be a message."""

    window: Window
    offset: int
    size: int
    budget: Budget
    where: str
    depth: int = 0

    @classmethod
    def of(cls, window: Window) -> Message:
        """Take the whole file for a message."""
        return cls(
            window=window,
            offset=0,
            size=window.size,
            budget=Budget(),
            where=window.name,
        )

    def fields(self, known: AbstractSet[int] | None = None) -> Iterator[Field]:
        """Walk to the end; whatever does not fit raises ``InvalidInput``.

        So does a field that is none of the ``known`` ones, where they are given.
        """
        reader = _Reader(self)
        end = self.offset + self.size
        while reader.at < end:
            self.budget.spend(self.where)
            found = reader.field(end)
            if known is not None and found.number not in known:
                raise InvalidInput(f"unknown field {found.number}", where=self.where)
            yield found

    def inner(self, field: Field, name: str) -> Message:
        """Take a field for a message of its own."""
        if field.wire is not Wire.BYTES:
            raise InvalidInput("expected a message", where=f"{self.where}.{name}")
        if self.depth >= MAX_DEPTH:
            raise InvalidInput("nested too deeply", where=self.where)
        self.budget.spend(self.where, _MESSAGE_COST)
        return Message(
            window=self.window,
            offset=field.offset,
            size=field.size,
            budget=self.budget,
            where=f"{self.where}.{name}" if self.depth < 8 else self.where,  # noqa: PLR2004
            depth=self.depth + 1,
        )

    def raw(self, field: Field, name: str, *, limit: int) -> bytes:
        """Return a field's bytes."""
        where = f"{self.where}.{name}"
        if field.wire is not Wire.BYTES:
            raise InvalidInput("expected bytes", where=where)
        if field.size > limit:
            raise InvalidInput(f"longer than {limit} bytes", where=where)
        return self.window.read(field.offset, field.size)

    def text(self, field: Field, name: str, *, limit: int = 4096) -> str:
        """Return a field's text."""
        try:
            return self.raw(field, name, limit=limit).decode()
        except UnicodeDecodeError as error:
            raise InvalidInput("not UTF-8", where=f"{self.where}.{name}") from error

    def number(self, field: Field, name: str) -> int:
        """Return a varint as the signed 64-bit number that it stands for."""
        if field.wire is not Wire.VARINT:
            raise InvalidInput("expected a number", where=f"{self.where}.{name}")
        return _signed(field.value)

    def numbers(self, field: Field, name: str, *, limit: int) -> tuple[int, ...]:
        """Return one varint, or a packed list of them."""
        if field.wire is Wire.VARINT:
            return (self.number(field, name),)
        raw = self.raw(field, name, limit=limit * _LONGEST_VARINT)
        found: list[int] = []
        at = 0
        while at < len(raw):
            value, at = varint(raw, at, f"{self.where}.{name}")
            found.append(_signed(value))
        return tuple(found)


class _Reader:
    """Reads forward through blocks, so that a small field costs no read of its own."""

    def __init__(self, message: Message) -> None:
        self._window = message.window
        self._where = message.where
        self.at = message.offset
        self._block = b""
        self._start = 0

    def field(self, end: int) -> Field:
        head = self._head(end)
        tag, length = varint(head, 0, self._where)
        # C++ drops what is beyond 32 bits, and sees another field.
        if tag >> 32 or length > _LONGEST_TAG:
            raise InvalidInput("a tag of over 32 bits", where=self._where)
        number, kind = divmod(tag, 8)
        if kind not in _WIRES or not number:
            raise InvalidInput(f"a field of type {kind}", where=self._where)
        wire, value = Wire(kind), 0
        if wire in _FIXED:
            size = _FIXED[wire]
        else:
            value, length = varint(head, length, self._where)
            size = value if wire is Wire.BYTES else 0
        offset = self.at + length
        if offset + size > end:
            raise InvalidInput(
                f"{size} bytes are promised, {max(end - offset, 0)} are there",
                where=self._where,
            )
        self.at = offset + size
        return Field(number=number, wire=wire, value=value, offset=offset, size=size)

    def _head(self, end: int) -> bytes:
        wanted = min(2 * _LONGEST_VARINT, end - self.at)
        begin = self.at - self._start
        if not 0 <= begin <= len(self._block) - wanted:
            self._start = self.at
            self._block = self._window.read(self.at, min(_BLOCK, end - self.at))
            begin = 0
        return self._block[begin : begin + wanted]


def _signed(value: int) -> int:
    """Take 64 bits for a number in two's complement."""
    return value - (1 << 64) if value >> 63 else value


def varint(raw: bytes, at: int, where: str) -> tuple[int, int]:
    """Return a number of at most 64 bits, and where it ends."""
    value = 0
    for shift, byte in enumerate(raw[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:  # noqa: PLR2004 - the bit that says another byte follows
            if value > _MAX_64:
                break
            return value, at + shift + 1
    raise InvalidInput("a number that does not end", where=where)
