"""A checked expression, as the library writes it down (cel-spec, checked.proto)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from modelpack.policy.cel import types
from modelpack.policy.cel.types import CelType
from modelpack.policy.cel.wire import (
    fields,
    message,
    messages,
    numbers,
    replaced,
    texts,
)

__all__ = [
    "CALL",
    "CONSTANT",
    "IDENT",
    "LIST",
    "STRUCT",
    "CheckedExpression",
    "Node",
    "children",
    "expression_of",
    "identity",
    "node_of",
    "with_children",
]

T = TypeVar("T")

# Expr: its id, and which field holds each kind of it
_ID: Final = 2
CONSTANT, IDENT, _SELECT, CALL, LIST, STRUCT, _COMPREHENSION = 3, 4, 5, 6, 7, 8, 9
# The fields of each kind that hold expressions again
_CHILDREN: Final[Mapping[int, frozenset[int]]] = {
    _SELECT: frozenset({1}),
    CALL: frozenset({1, 3}),
    LIST: frozenset({1}),
    _COMPREHENSION: frozenset({2, 4, 5, 6, 7}),
}
_ENTRIES: Final = 2
_OF_ENTRY: Final = frozenset({3, 4})

# Any, CheckedExpr, SourceInfo, and the entries of their maps
_INSIDE: Final = 2
_REFERENCES, _TYPES, _EXPRESSION, _SOURCE = 2, 3, 4, 5
_POSITIONS: Final = 4
_KEY, _VALUE = 1, 2
# Reference
_NAME, _OVERLOAD = 1, 3

_PRIMITIVES: Final = {
    1: types.BOOL,
    2: types.INT,
    3: types.UINT,
    4: types.DOUBLE,
    5: types.STRING,
    6: types.BYTES,
}
_WELL_KNOWN: Final = {1: types.DYN, 2: types.TIMESTAMP, 3: types.DURATION}


@dataclass(frozen=True, slots=True)
class Node:
    """One expression: its id, the field of its kind, and the message of that."""

    id: int
    kind: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedExpression:
    """What type checking found out, by the ids of expressions."""

    raw: bytes
    root: bytes
    types: Mapping[int, CelType]
    names: Mapping[int, str]
    overloads: Mapping[int, tuple[str, ...]]
    source: bytes

    @classmethod
    def parse(cls, raw: bytes) -> CheckedExpression:
        """Read what ``Expression.serialize`` gives."""
        inside = messages(raw, _INSIDE)[0]
        references = dict(map(_entry, messages(inside, _REFERENCES)))
        return cls(
            raw=raw,
            root=messages(inside, _EXPRESSION)[0],
            types={k: _type(v) for k, v in map(_entry, messages(inside, _TYPES))},
            names={
                key: _first(texts(body, _NAME), "") for key, body in references.items()
            },
            overloads={
                key: tuple(texts(body, _OVERLOAD)) for key, body in references.items()
            },
            source=b"".join(messages(inside, _SOURCE)),
        )

    @property
    def result(self) -> CelType:
        """The type of the whole."""
        return self.type_of(self.root)

    @property
    def variables(self) -> frozenset[str]:
        """The names that are looked up, those of comprehensions among them."""
        return frozenset(
            name for key, name in self.names.items() if not self.overloads[key]
        )

    @property
    def functions(self) -> frozenset[str]:
        """The functions that are called."""
        return frozenset(
            name for key, name in self.names.items() if self.overloads[key]
        )

    def type_of(self, expression: bytes) -> CelType:
        """Return the type of an expression in it."""
        return self.types.get(identity(expression), types.DYN)

    def position_of(self, expression: bytes) -> int:
        """Return where in the source an expression stands."""
        positions = dict(map(_numbered, messages(self.source, _POSITIONS)))
        return positions.get(identity(expression), 0)

    def rewritten(self, root: bytes, calls: Mapping[int, str]) -> bytes:
        """Return all of it with another expression, as ``deserialize`` takes it.

        ``calls`` are its new calls: of functions with one overload of the same name.
        """
        inside = replaced(messages(self.raw, _INSIDE)[0], _EXPRESSION, root)
        for key, name in calls.items():
            said = name.encode()
            reference = message([(_NAME, said), (_OVERLOAD, said)])
            # Of two entries with one key the last counts.
            inside += message(
                [(_REFERENCES, message([(_KEY, key), (_VALUE, reference)]))]
            )
        return replaced(self.raw, _INSIDE, inside)


def node_of(expression: bytes) -> Node:
    """Take an expression apart."""
    for number, value in fields(expression):
        if number != _ID and isinstance(value, bytes):
            return Node(identity(expression), number, value)
    return Node(identity(expression), 0, b"")


def expression_of(node: Node) -> bytes:
    """Put an expression together."""
    return message([(_ID, node.id), (node.kind, node.body)])


def children(node: Node) -> list[bytes]:
    """Return the expressions inside."""
    if node.kind == STRUCT:
        return [
            child
            for entry in messages(node.body, _ENTRIES)
            for child in _inner(entry, _OF_ENTRY)
        ]
    return _inner(node.body, _CHILDREN.get(node.kind, frozenset()))


def with_children(node: Node, change: Callable[[bytes], bytes]) -> Node:
    """Return an expression with each of those inside changed."""
    if node.kind == STRUCT:
        parts = [
            (n, _changed(v, _OF_ENTRY, change))
            if n == _ENTRIES and isinstance(v, bytes)
            else (n, v)
            for n, v in fields(node.body)
        ]
        return Node(node.id, node.kind, message(parts))
    inner = _CHILDREN.get(node.kind)
    if inner is None:
        return node
    return Node(node.id, node.kind, _changed(node.body, inner, change))


def identity(expression: bytes) -> int:
    """Return the id of an expression."""
    found = numbers(expression, _ID)
    return found[0] if found else 0


def _inner(body: bytes, wanted: frozenset[int]) -> list[bytes]:
    return [v for n, v in fields(body) if n in wanted and isinstance(v, bytes)]


def _changed(
    body: bytes, wanted: frozenset[int], change: Callable[[bytes], bytes]
) -> bytes:
    return message(
        (n, change(v)) if n in wanted and isinstance(v, bytes) else (n, v)
        for n, v in fields(body)
    )


def _entry(raw: bytes) -> tuple[int, bytes]:
    return _first(numbers(raw, _KEY), 0), _first(messages(raw, _VALUE), b"")


def _numbered(raw: bytes) -> tuple[int, int]:
    return _first(numbers(raw, _KEY), 0), _first(numbers(raw, _VALUE), 0)


def _type(raw: bytes) -> CelType:
    """Read a ``Type``; what has none is ``dyn``."""
    for number, value in fields(raw):
        if isinstance(value, int):
            return _scalar(number, value)
        return _composite(number, value)
    return types.DYN


def _scalar(number: int, kind: int) -> CelType:
    if number == 2:  # noqa: PLR2004 - the fields of Type
        return types.NULL
    table = _WELL_KNOWN if number == 5 else _PRIMITIVES  # noqa: PLR2004
    return table.get(kind, types.DYN)


def _composite(number: int, raw: bytes) -> CelType:
    match number:
        case 6 | 7:
            inner = tuple(_type(v) for _, v in fields(raw) if isinstance(v, bytes))
            return CelType("list" if number == 6 else "map", inner)  # noqa: PLR2004
        case 9 | 10:
            return CelType(raw.decode())
        case 11:
            return CelType("type", (_type(raw),))
        case 14:
            return CelType(
                _first(texts(raw, 1), ""),
                tuple(_type(part) for part in messages(raw, 2)),
            )
        case _:
            return types.DYN


def _first(found: list[T], default: T) -> T:
    return found[0] if found else default
