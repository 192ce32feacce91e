"""Plain Python values go into CEL and come out of it: strictly, and with bounds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from modelpack.policy.cel.errors import CelError

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


def to_native(value: object) -> object:
    """Return a value as the library takes it, or raise ``CelError``."""
    return _Writer().write(value, "", 0)


class _Writer:
    """Copies a value, and counts what it holds."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def write(self, value: object, path: str, depth: int) -> object:
        self._left -= 1
        if self._left < 0:
            raise CelError(f"more than {MAX_VALUES} values")
        if depth > MAX_DEPTH:
            raise CelError(f"nested more than {MAX_DEPTH} deep")
        if isinstance(value, Mapping):
            return {
                _key(k, path): self.write(v, f"{path}.{k}", depth + 1)
                for k, v in value.items()
            }
        if isinstance(value, list | tuple):
            return [
                self.write(v, f"{path}[{i}]", depth + 1) for i, v in enumerate(value)
            ]
        return _scalar(value, path)


def _scalar(value: object, path: str) -> object:
    if isinstance(value, str):
        return _text(value, path)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return _integer(value, path)
    if isinstance(value, bytes | bytearray):
        return _whole(bytes(value), path)
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        raise CelError(_said(path, "a time without a time zone"))
    if isinstance(value, float | dt.datetime | dt.timedelta):
        return value
    if isinstance(value, Opaque):
        return {_TYPE: value.type, _TEXT: value.text}
    raise CelError(_said(path, f"no value of CEL: {type(value).__name__}"))


def _text(value: str, path: str) -> str:
    try:
        _whole(value.encode(), path)
    except UnicodeEncodeError as error:
        raise CelError(_said(path, "half of a surrogate pair")) from error
    return value


def _whole(value: bytes, path: str) -> bytes:
    # The library cuts at a zero: `good\0evil` would be equal to `good`.
    if b"\0" in value:
        raise CelError(_said(path, "a zero character"))
    return value


def _integer(value: int, path: str) -> int:
    if not _INT_MIN <= value <= _UINT_MAX:
        raise CelError(_said(path, "a number of over 64 bits"))
    return value


def _key(key: object, path: str) -> object:
    if isinstance(key, str):
        return _text(key, path)
    if isinstance(key, int):
        return _integer(key, path)
    raise CelError(_said(path, f"no key of CEL: {type(key).__name__}"))


def _said(path: str, fault: str) -> str:
    return f"{path.removeprefix('.')}: {fault}" if path else fault


def from_native(value: object) -> object:
    """Return a value of the library as plain Python."""
    if isinstance(value, dict):
        if len(value) == len((_TYPE, _TEXT)) and _TYPE in value and _TEXT in value:
            return Opaque(str(value[_TYPE]), str(value[_TEXT]))
        return {key: from_native(item) for key, item in value.items()}
    if isinstance(value, list):
        return [from_native(item) for item in value]
    return bytes(value) if isinstance(value, bytearray) else value
