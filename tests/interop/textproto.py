"""Protocol buffers in their text form, read without a schema."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

__all__ = ["Fields", "Scalar", "parse"]

Scalar: TypeAlias = bytes | str
"""A quoted text is bytes, anything else the word as it stands."""

_TOKEN: Final = re.compile(
    r"""[\s,;]+|\#[^\n]*
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<name>\[[A-Za-z0-9_.\/-]+\])
    |(?P<word>[-+]?[0-9][0-9.]*[eE][-+]?[0-9]+|[-+]?[A-Za-z0-9_.]+)
    |(?P<mark>[{}<>:\[\]])""",
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(
    rb"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))",
    re.DOTALL,
)
_LETTERS: Final = {
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"v": b"\v",
}


@dataclass(slots=True)
class Fields:
    """A message: each field's values, in order."""

    values: dict[str, list["Fields | Scalar"]] = field(default_factory=dict)

    def add(self, name: str, value: "Fields | Scalar") -> None:
        self.values.setdefault(name, []).append(value)

    def has(self, name: str) -> bool:
        return name in self.values

    def messages(self, name: str) -> list["Fields"]:
        return [v for v in self.values.get(name, []) if isinstance(v, Fields)]

    def message(self, name: str) -> "Fields":
        return next(iter(self.messages(name)), Fields())

    def text(self, name: str) -> str:
        found = self.values.get(name, [b""])[-1]
        assert not isinstance(found, Fields)
        return found.decode() if isinstance(found, bytes) else found

    def raw(self, name: str) -> bytes:
        found = self.values.get(name, [b""])[-1]
        assert isinstance(found, bytes)
        return found


def parse(text: str) -> Fields:
    """Read a message."""
    tokens = _Tokens(text)
    return tokens.fields("")


class _Tokens:
    def __init__(self, text: str) -> None:
        self._all = list(_tokens(text))
        self._at = 0

    def _next(self) -> tuple[str, str]:
        kind, value = self._all[self._at]
        self._at += 1
        return kind, value

    def _peek(self) -> str:
        return self._all[self._at][1] if self._at < len(self._all) else ""

    def fields(self, end: str) -> Fields:
        found = Fields()
        while self._peek() != end:
            _, name = self._next()
            if self._peek() == ":":
                self._next()
            for value in self._values():
                found.add(name, value)
        if end:
            self._next()
        return found

    def _values(self) -> Iterator[Fields | Scalar]:
        if self._peek() != "[":
            yield self._value()
            return
        self._next()
        while self._peek() != "]":
            yield self._value()
        self._next()

    def _value(self) -> Fields | Scalar:
        kind, value = self._next()
        if value in ("{", "<"):
            return self.fields("}" if value == "{" else ">")
        if kind != "text":
            return value
        parts = [value]
        while self._at < len(self._all) and self._all[self._at][0] == "text":
            parts.append(self._next()[1])
        return b"".join(_unescaped(part[1:-1].encode()) for part in parts)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        assert found is not None, text[at : at + 40]
        at = found.end()
        if found.lastgroup:
            yield found.lastgroup, found[0]


def _unescaped(raw: bytes) -> bytes:
    def replace(found: re.Match[bytes]) -> bytes:
        octal, hexadecimal, short, long, letter = found.groups()
        if octal:
            return bytes([int(octal, 8)])
        if hexadecimal:
            return bytes([int(hexadecimal, 16)])
        if short or long:
            return chr(int(short or long, 16)).encode()
        return _LETTERS.get(letter, letter)

    return _ESCAPE.sub(replace, raw)
