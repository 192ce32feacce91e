"""Plain Python values go into CEL and come out of it: strictly, and with bounds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.library import cel

__all__ = [
    "MAX_DEPTH",
    "MAX_VALUES",
    "Opaque",
    "OptionalValue",
    "from_native",
    "to_native",
]

MAX_DEPTH: Final = 100
MAX_VALUES: Final = 1_000_000

_INT_MIN: Final = -(1 << 63)
_UINT_MAX: Final = (1 << 64) - 1
_TYPE, _TEXT = "@type", "@text"
_TYPE_NAMES: Final = {
    "NULL": "null_type",
    "TIMESTAMP": "google.protobuf.Timestamp",
    "DURATION": "google.protobuf.Duration",
}
_ZERO: Final = "a zero character"


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value of a library's own type, held as its canonical text.

    Two of them are equal in CEL when their texts are.
    """

    type: str
    text: str


@dataclass(frozen=True, slots=True)
class OptionalValue:
    """A value of the type `optional_type`: one value, or none."""

    values: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A value that is converted already; a function may give it again and again."""

    native: object


def prepare(value: object) -> Prepared:
    """Convert a value, or raise ``CelError``."""
    return Prepared(to_native(value))


def to_native(value: object) -> object:
    """Return a value as the library takes it, or raise ``CelError``."""
    if isinstance(value, Prepared):
        return value.native
    try:
        return _Writer().write(value, 0)
    except _Unusable as fault:
        path = "".join(reversed(fault.path)).removeprefix(".")
        raise CelError(f"{path}: {fault.reason}" if path else fault.reason) from fault


class _Unusable(Exception):
    """What cannot be a value of CEL; the path to it is put together on the way out."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.path: list[str] = []


class _Writer:
    """Copies a value, and counts what it holds."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def write(self, value: object, depth: int) -> object:
        if isinstance(value, str):
            return _text(value)
        if isinstance(value, Mapping):
            self._enter(len(value), depth)
            return {_key(k): self._item(v, k, depth) for k, v in value.items()}
        if isinstance(value, list | tuple):
            self._enter(len(value), depth)
            return [self._item(v, i, depth) for i, v in enumerate(value)]
        return _scalar(value)

    def _item(self, value: object, key: object, depth: int) -> object:
        try:
            return self.write(value, depth + 1)
        except _Unusable as fault:
            fault.path.append(f"[{key}]" if isinstance(key, int) else f".{key}")
            raise

    def _enter(self, size: int, depth: int) -> None:
        self._left -= size
        if self._left < 0:
            raise _Unusable(f"more than {MAX_VALUES} values")
        if depth >= MAX_DEPTH:
            raise _Unusable(f"nested more than {MAX_DEPTH} deep")


def _scalar(value: object) -> object:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float | dt.timedelta):
        return value
    if isinstance(value, bytes | bytearray):
        return _whole(bytes(value))
    if isinstance(value, Opaque):
        return {_TYPE: value.type, _TEXT: _text(value.text)}
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            raise _Unusable("a time without a time zone")
        return value
    raise _Unusable(f"no value of CEL: {type(value).__name__}")


def _text(value: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise _Unusable("half of a surrogate pair") from error
    # The library cuts at a zero: `good\0evil` would be equal to `good`.
    if "\0" in value:
        raise _Unusable(_ZERO)
    return value


def _whole(value: bytes) -> bytes:
    if b"\0" in value:
        raise _Unusable(_ZERO)
    return value


def _integer(value: int) -> int:
    if not _INT_MIN <= value <= _UINT_MAX:
        raise _Unusable("a number of over 64 bits")
    return value


def _key(key: object) -> object:
    if isinstance(key, str):
        return _text(key)
    if isinstance(key, int):
        return _integer(key)
    raise _Unusable(f"no key of CEL: {type(key).__name__}")


def from_native(value: object) -> object:
    """Return a value of the library as plain Python."""
    if isinstance(value, dict):
        if len(value) == len((_TYPE, _TEXT)) and _TYPE in value and _TEXT in value:
            return Opaque(str(value[_TYPE]), str(value[_TEXT]))
        return {key: from_native(item) for key, item in value.items()}
    if isinstance(value, list):
        return [from_native(item) for item in value]
    if isinstance(value, bytearray):
        return bytes(value)
    return _type_name(value) if isinstance(value, cel.Type) else value


def _type_name(kind: object) -> str:
    """Return the name that an expression has for a type."""
    name = str(kind.name()).partition("<")[0]  # type: ignore[attr-defined]
    return _TYPE_NAMES.get(name, name.lower())
