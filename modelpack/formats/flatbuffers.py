"""FlatBuffers on the wire, every table held against its schema.

As the reference verifier does ("FlatBuffer Internals"), and stricter: a field that the
schema does not know is refused, for a later version may let it name a file or code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from modelpack.errors import InvalidInput
from modelpack.formats.window import Window

__all__ = ["Flatbuffer", "Schema", "Span", "Table", "Value"]

MAX_VALUES: Final = 2_000_000
MAX_DEPTH: Final = 16
MAX_TEXT: Final = 4096
MAX_SIZE: Final = 2**31 - 1  # what an offset of 32 bits reaches, as writers hold it

_BLOCK: Final = 64 << 10
_KEPT: Final = 16
_VECTORS: Final = {"a": 1, "b": 2, "d": 4, "h": 8}
_NUMBER: Final = 4  # bytes of an offset, of a count
_SLOT: Final = 2

Schema: TypeAlias = Mapping[str, Sequence[str]]
"""What each table holds, field by field:

``1``, ``2``, ``4``, ``8`` a number of so many bytes; ``a``, ``b``, ``d``, ``h`` a
vector of such; ``s`` a text; ``+T`` a table, ``*T`` a vector of them; ``?U`` a table
of the union U, whose number stands in the field before: the schema has it as ``U:7``.
"""


@dataclass(frozen=True, slots=True)
class Span:
    """A vector of numbers where it lies: ``count`` of ``width`` bytes each."""

    offset: int
    count: int
    width: int

    @property
    def size(self) -> int:
        return self.count * self.width


Value: TypeAlias = "int | str | Span | Table | tuple[Table, ...] | None"


@dataclass(frozen=True, slots=True)
class Table:
    """The fields of a table in the schema's order; None where one is absent."""

    kind: str
    fields: tuple[Value, ...]

    def number(self, slot: int, default: int = 0) -> int:
        value = self.fields[slot]
        return value if isinstance(value, int) else default

    def text(self, slot: int) -> str:
        value = self.fields[slot]
        return value if isinstance(value, str) else ""

    def span(self, slot: int) -> Span:
        value = self.fields[slot]
        return value if isinstance(value, Span) else Span(0, 0, 1)

    def tables(self, slot: int) -> tuple[Table, ...]:
        value = self.fields[slot]
        return value if isinstance(value, tuple) else ()

    def table(self, slot: int) -> Table | None:
        value = self.fields[slot]
        return value if isinstance(value, Table) else None


class Flatbuffer:
    """A file, read by one schema."""

    def __init__(self, window: Window, schema: Schema) -> None:
        self._window = window
        self._schema = schema
        self._size = min(window.size, MAX_SIZE)
        self._left = MAX_VALUES
        self._blocks: dict[int, bytes] = {}

    def root(self, kind: str) -> Table:
        """Read the root table and all that is in it, or raise ``InvalidInput``."""
        return self._table(kind, self._offset(0), kind, 0)

    def numbers(self, span: Span, *, signed: bool = True) -> tuple[int, ...]:
        """Return a vector's numbers, little endian."""
        self._spend(span.count)
        raw = self._window.read(span.offset, span.size)
        return tuple(
            int.from_bytes(raw[at : at + span.width], "little", signed=signed)
            for at in range(0, len(raw), span.width)
        )

    def _table(self, kind: str, at: int, where: str, depth: int) -> Table:
        if depth > MAX_DEPTH:
            raise self._bad("nested too deeply", where)
        if kind not in self._schema:
            raise self._bad("of a kind that is not known", where)
        slots, inline = self._slots(at, where)
        known = self._schema[kind]
        if any(slots[len(known) :]):
            raise self._bad("a field that the schema does not know", where)
        fields: list[Value] = []
        for index, form in enumerate(known):
            slot = slots[index] if index < len(slots) else 0
            self._spend(1)
            if not slot:
                fields.append(None)
                continue
            size = int(form) if form.isdigit() else _NUMBER
            if slot < _NUMBER or slot + size > inline or (at + slot) % size:
                raise self._bad("a field out of its table", where)
            before = fields[-1] if fields else None
            fields.append(self._value(form, at + slot, before, where, depth))
        return Table(kind, tuple(fields))

    def _slots(self, at: int, where: str) -> tuple[list[int], int]:
        """Return where the fields of a table lie in it, and how long it is."""
        if at % _NUMBER:
            raise self._bad("out of place", where)
        begin = at - int.from_bytes(self._read(at, _NUMBER), "little", signed=True)
        if begin % _SLOT or not 0 <= begin <= self._size - _NUMBER:
            raise self._bad("its vtable is nowhere", where)
        head = self._read(begin, _NUMBER)
        size = int.from_bytes(head[:_SLOT], "little")
        inline = int.from_bytes(head[_SLOT:], "little")
        if size < _NUMBER or size % _SLOT or inline < _NUMBER:
            raise self._bad("a vtable that does not hold", where)
        self._read(at + inline - 1, 1)
        raw = self._read(begin + _NUMBER, size - _NUMBER)
        return [
            int.from_bytes(raw[n : n + _SLOT], "little")
            for n in range(0, len(raw), _SLOT)
        ], inline

    def _value(
        self, form: str, at: int, before: Value, where: str, depth: int
    ) -> Value:
        if form.isdigit():
            return int.from_bytes(self._read(at, int(form)), "little")
        target = at + self._offset(at)
        match form[0]:
            case "s":
                return self._text(target, where)
            case "+":
                return self._table(form[1:], target, f"{where}.{form[1:]}", depth + 1)
            case "?":
                kind = f"{form[1:]}:{before if isinstance(before, int) else 0}"
                return self._table(kind, target, f"{where}.{form[1:]}", depth + 1)
            case "*":
                return self._tables(form[1:], target, where, depth)
            case _:
                return self._span(target, _VECTORS[form], where)

    def _tables(self, kind: str, at: int, where: str, depth: int) -> tuple[Table, ...]:
        span = self._span(at, _NUMBER, where)
        self._spend(span.count)
        return tuple(
            self._table(kind, place + self._offset(place), f"{where}.{kind}", depth + 1)
            for place in range(span.offset, span.offset + span.size, _NUMBER)
        )

    def _span(self, at: int, width: int, where: str) -> Span:
        if at % _NUMBER or (at + _NUMBER) % width:
            raise self._bad("a vector out of place", where)
        count = int.from_bytes(self._read(at, _NUMBER), "little")
        if at + _NUMBER + count * width > self._size:
            raise self._bad("a vector longer than the file", where)
        return Span(at + _NUMBER, count, width)

    def _text(self, at: int, where: str) -> str:
        span = self._span(at, 1, where)
        if span.count > MAX_TEXT:
            raise self._bad(f"a text of over {MAX_TEXT} bytes", where)
        raw = self._read(span.offset, span.count + 1)
        if raw[-1]:
            raise self._bad("a text without its end", where)
        try:
            return raw[:-1].decode()
        except UnicodeDecodeError as error:
            raise self._bad("a text that is not UTF-8", where) from error

    def _offset(self, at: int) -> int:
        offset = int.from_bytes(self._read(at, _NUMBER), "little")
        if not offset:
            raise self._bad("an offset to itself", "")
        return offset

    def _read(self, at: int, count: int) -> bytes:
        if at < 0 or at + count > self._size:
            raise self._bad(f"wants bytes {at} to {at + count} of {self._size}", "")
        number, begin = divmod(at, _BLOCK)
        if begin + count > _BLOCK:
            return self._window.read(at, count)
        block = self._blocks.get(number)
        if block is None:
            while len(self._blocks) >= _KEPT:
                del self._blocks[next(iter(self._blocks))]
            start = number * _BLOCK
            block = self._window.read(start, min(_BLOCK, self._size - start))
            self._blocks[number] = block
        return block[begin : begin + count]

    def _spend(self, values: int) -> None:
        self._left -= values
        if self._left < 0:
            raise self._bad("too many values", "")

    def _bad(self, message: str, where: str) -> InvalidInput:
        name = self._window.name
        return InvalidInput(message, where=f"{name}: {where}" if where else name)
