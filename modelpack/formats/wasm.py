"""What a WASM binary asks of its host, read without compiling it.

Core modules by the "Binary Format" of the core specification; of components, by
Binary.md of the component model, the imports and what they nest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.names import checked_text
from modelpack.formats.window import Window

__all__ = ["Wasm", "parse_wasm"]

MAX_SECTION: Final = 16 << 20
MAX_ITEMS: Final = 100_000
MAX_NAME: Final = 4096
MAX_DEPTH: Final = 8

_MODULE: Final = b"\0asm\1\0\0\0"
_COMPONENT: Final = b"\0asm\x0d\0\1\0"
_IMPORTS, _MEMORY, _EXPORTS, _START = 2, 5, 7, 8
# The order of sections; 13 (tags) and 12 (data count) came later than their place.
_ORDER: Final = {
    n: i for i, n in enumerate((1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11))
}
_COMPONENT_SECTIONS: Final = frozenset(range(13))
_CORE_MODULE, _INNER, _COMPONENT_IMPORTS = 1, 4, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Wasm:
    """``imports`` are (module, name); a component's have an interface and no name."""

    component: bool
    imports: tuple[tuple[str, str], ...] = ()
    exports: tuple[str, ...] = ()
    memory_pages: int = 0
    starts: bool = False
    custom: tuple[str, ...] = ()


def parse_wasm(window: Window) -> Wasm:
    """Read the sections that name things; the others are passed over by size."""
    return _parse(window, 0, window.size, 0)


def _parse(window: Window, start: int, end: int, depth: int) -> Wasm:
    head = window.read(start, min(8, end - start))
    if depth > MAX_DEPTH:
        raise InvalidInput("nested too deeply", where=window.name)
    if head == _MODULE:
        return _module(window, start + 8, end)
    if head == _COMPONENT:
        return _component(window, start + 8, end, depth)
    raise InvalidInput("does not start as WASM", where=window.name)


def _module(window: Window, start: int, end: int) -> Wasm:
    imports: tuple[tuple[str, str], ...] = ()
    exports: tuple[str, ...] = ()
    custom: list[str] = []
    pages, starts, last = 0, False, -1
    for number, at, size in _sections(window, start, end):
        if number == 0:
            custom.append(_Cursor.of(window, at, size).name())
            continue
        if _ORDER.get(number, -1) <= last:
            raise InvalidInput(f"section {number} out of order", where=window.name)
        last = _ORDER[number]
        if number == _IMPORTS:
            cursor = _Cursor.of(window, at, size)
            imports = cursor.imports()
            cursor.end()
        elif number == _MEMORY:
            cursor = _Cursor.of(window, at, size)
            pages = cursor.memory()
            cursor.end()
        elif number == _EXPORTS:
            cursor = _Cursor.of(window, at, size)
            exports = cursor.exports()
            cursor.end()
        starts = starts or number == _START
    return Wasm(
        component=False,
        imports=imports,
        exports=exports,
        memory_pages=pages,
        starts=starts,
        custom=tuple(custom),
    )


def _component(window: Window, start: int, end: int, depth: int) -> Wasm:
    imports: list[tuple[str, str]] = []
    custom: list[str] = []
    pages = 0
    for number, at, size in _sections(window, start, end):
        if number not in _COMPONENT_SECTIONS:
            raise InvalidInput(f"unknown section {number}", where=window.name)
        if number == 0:
            custom.append(_Cursor.of(window, at, size).name())
        elif number in {_CORE_MODULE, _INNER}:
            # What is nested gets its imports from the component, not from the host.
            inner = _parse(window, at, at + size, depth + 1)
            pages = max(pages, inner.memory_pages)
        elif number == _COMPONENT_IMPORTS:
            cursor = _Cursor.of(window, at, size)
            imports += [(name, "") for name in cursor.interfaces()]
            cursor.end()
    return Wasm(
        component=True,
        imports=tuple(imports),
        memory_pages=pages,
        custom=tuple(custom),
    )


def _sections(window: Window, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield number, offset and size of each section; together they fill the file."""
    at = start
    for _ in range(MAX_ITEMS):
        if at == end:
            return
        head = window.read(at, min(6, end - at))
        cursor = _Cursor(head, window.name, at=1)
        size = cursor.number()
        body = at + cursor.at
        if body + size > end:
            raise InvalidInput("a section that is cut off", where=window.name)
        yield head[0], body, size
        at = body + size
    raise InvalidInput("too many sections", where=window.name)


class _Cursor:
    """Reads one section forward; a step past its end is ``InvalidInput``."""

    def __init__(self, raw: bytes, where: str, *, at: int = 0) -> None:
        self._raw = raw
        self._where = where
        self.at = at

    @classmethod
    def of(cls, window: Window, offset: int, size: int) -> _Cursor:
        if size > MAX_SECTION:
            # A custom section can be debug data of any size; its name comes first.
            size = MAX_NAME + 5
        return cls(window.read(offset, size), window.name)

    def end(self) -> None:
        """Refuse what follows the last item: another reader might take it for one."""
        if self.at != len(self._raw):
            raise InvalidInput("a section that goes on", where=self._where)

    def byte(self) -> int:
        if self.at >= len(self._raw):
            raise InvalidInput("a section that ends early", where=self._where)
        self.at += 1
        return self._raw[self.at - 1]

    def number(self) -> int:
        """Read an unsigned LEB128 of at most 32 bits."""
        value = 0
        for shift in range(0, 35, 7):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004 - the bit that says another byte follows
                if value >> 32:
                    break
                return value
        raise InvalidInput("a number of over 32 bits", where=self._where)

    def count(self) -> int:
        found = self.number()
        if found > MAX_ITEMS:
            raise InvalidInput(f"{found} items in a section", where=self._where)
        return found

    def name(self) -> str:
        size = self.number()
        raw = self._raw[self.at : self.at + size]
        if len(raw) != size:
            raise InvalidInput("a name that is cut off", where=self._where)
        self.at += size
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            raise InvalidInput("a name that is not UTF-8", where=self._where) from error
        return checked_text(text, self._where, limit=MAX_NAME) if text else ""

    def imports(self) -> tuple[tuple[str, str], ...]:
        found = []
        for _ in range(self.count()):
            found.append((self.name(), self.name()))
            self._external()
        return tuple(found)

    def exports(self) -> tuple[str, ...]:
        found = []
        for _ in range(self.count()):
            found.append(self.name())
            self.byte()
            self.number()
        return tuple(found)

    def memory(self) -> int:
        """Return the pages that the memories ask for at first."""
        return sum(self._limits() for _ in range(self.count()))

    def interfaces(self) -> Iterator[str]:
        """Yield the names a component imports (component model, "importdecl")."""
        for _ in range(self.count()):
            if self.byte() > 1:
                raise InvalidInput("an import of an unknown form", where=self._where)
            yield self.name()
            self._external_type()

    def _external(self) -> None:
        """Pass over what kind of thing a core module imports."""
        kind = self.byte()
        if kind == 0:
            self.number()
        elif kind == 1:
            self._value_type()
            self._limits()
        elif kind == 2:  # noqa: PLR2004 - memory
            self._limits()
        elif kind == 3:  # noqa: PLR2004 - global
            self._value_type()
            self.byte()
        elif kind == 4:  # noqa: PLR2004 - tag
            self.byte()
            self.number()
        else:
            raise InvalidInput(f"an import of kind {kind}", where=self._where)

    def _external_type(self) -> None:
        """Pass over what kind of thing a component imports ("externdesc")."""
        kind = self.byte()
        if kind == 0:
            if self.byte() != 0x11:  # noqa: PLR2004 - core module
                raise InvalidInput("an import of an unknown sort", where=self._where)
            self.number()
        elif kind in {1, 4, 5}:
            self.number()
        elif kind == 3:  # noqa: PLR2004 - type: equal to one, or a resource
            if self.byte() == 0:
                self.number()
        else:
            raise InvalidInput(f"an import of sort {kind}", where=self._where)

    def _value_type(self) -> None:
        # 0x63 and 0x64 are references to a heap type, which follows.
        if self.byte() in {0x63, 0x64}:
            self.number()

    def _limits(self) -> int:
        flags = self.byte()
        least = self.number()
        if flags & 1:
            self.number()
        return least
