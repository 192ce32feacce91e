"""A checked expression, as the library writes it down (cel-spec, checked.proto).

The bytes come from the library, not from strangers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from modelpack.formats.protobuf import varint
from modelpack.policy.cel import types
from modelpack.policy.cel.types import CelType

__all__ = ["CheckedExpression"]

# google.protobuf.Any
_INSIDE = 2
# CheckedExpr
_REFERENCES, _TYPES, _EXPRESSION = 2, 3, 4
# The entries of its two maps
_KEY, _VALUE = 1, 2
# Reference
_NAME, _OVERLOAD = 1, 3
# Expr
_ID: Final = 2

_PRIMITIVES: Final = {
    1: types.BOOL,
    2: types.INT,
    3: types.UINT,
    4: types.DOUBLE,
    5: types.STRING,
    6: types.BYTES,
}
_WELL_KNOWN: Final = {1: types.DYN, 2: types.TIMESTAMP, 3: types.DURATION}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedExpression:
    """What type checking found out."""

    result: CelType
    variables: frozenset[str]
    overloads: frozenset[str]

    @classmethod
    def parse(cls, raw: bytes) -> CheckedExpression:
        """Read what ``Expression.serialize`` gives."""
        kinds: dict[int, bytes] = {}
        variables: set[str] = set()
        overloads: set[str] = set()
        root = b""
        inside = next(_bytes(v) for number, v in _fields(raw) if number == _INSIDE)
        for number, value in _fields(inside):
            if number == _EXPRESSION:
                root = _bytes(value)
            elif number == _TYPES:
                key, body = _entry(_bytes(value))
                kinds[key] = body
            elif number == _REFERENCES:
                _, body = _entry(_bytes(value))
                called = _texts(body, _OVERLOAD)
                overloads.update(called)
                if not called:
                    variables.update(_texts(body, _NAME))
        identity = _numbers(root, _ID)
        body = kinds.get(identity[0] if identity else 0, b"")
        return cls(
            result=_type(body),
            variables=frozenset(variables),
            overloads=frozenset(overloads),
        )


def _type(raw: bytes) -> CelType:  # noqa: PLR0911 - one line for each kind
    """Read a ``Type``; what has none is ``dyn``."""
    for number, value in _fields(raw):
        match number, value:
            case 2, _:
                return types.NULL
            case ((3 | 4), int(kind)):
                return _PRIMITIVES[kind]
            case 5, int(kind):
                return _WELL_KNOWN[kind]
            case ((6 | 7), bytes(inner)):
                return CelType(
                    "list" if number == 6 else "map",  # noqa: PLR2004
                    tuple(_type(_bytes(part)) for _, part in _fields(inner)),
                )
            case ((9 | 10), bytes(name)):
                return CelType(name.decode())
            case 11, bytes(inner):
                return CelType("type", (_type(inner),))
            case 14, bytes(inner):
                parts = tuple(_fields(inner))
                return CelType(
                    _bytes(parts[0][1]).decode(),
                    tuple(_type(_bytes(part)) for _, part in parts[1:]),
                )
            case _:
                return types.DYN
    return types.DYN


def _entry(raw: bytes) -> tuple[int, bytes]:
    numbers = _numbers(raw, _KEY)
    bodies = [_bytes(value) for number, value in _fields(raw) if number == _VALUE]
    return (numbers[0] if numbers else 0), (bodies[0] if bodies else b"")


def _texts(raw: bytes, wanted: int) -> list[str]:
    return [_bytes(v).decode() for number, v in _fields(raw) if number == wanted]


def _numbers(raw: bytes, wanted: int) -> list[int]:
    return [v for number, v in _fields(raw) if number == wanted and isinstance(v, int)]


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise TypeError("a number, where the schema has bytes")
    return value


def _fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field (protobuf, "Encoding")."""
    at = 0
    while at < len(raw):
        tag, at = varint(raw, at, "expression")
        number, wire = divmod(tag, 8)
        if wire == 0:
            value, at = varint(raw, at, "expression")
            yield number, value
            continue
        if wire == 1:
            size = 8
        else:
            size, at = varint(raw, at, "expression")
        yield number, raw[at : at + size]
        at += size
