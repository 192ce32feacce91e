"""Lists and maps written down are of one type (HomogeneousAggregateLiterals of cel-go).

The library has no such rule, and Kyverno does: what the cluster would not load must not
load here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from modelpack.policy.cel.tree import (
    CALL,
    LIST,
    STRUCT,
    CheckedExpression,
    Node,
    children,
    node_of,
)
from modelpack.policy.cel.types import CelType
from modelpack.policy.cel.wire import messages, numbers, texts

__all__ = ["Mixture", "first_mixture"]

# CreateList and CreateStruct
_ELEMENTS, _OPTIONAL_INDICES = 1, 2
_ENTRIES, _MESSAGE_NAME = 2, 1
_MAP_KEY, _MAP_VALUE, _OPTIONAL_ENTRY = 3, 4, 5
_FUNCTION = 2

# What this function is given may be of any type.
_EXEMPT = "format"


@dataclass(frozen=True, slots=True)
class Mixture:
    """An element whose type is not that of the elements before it."""

    position: int
    expected: CelType
    found: CelType


def first_mixture(checked: CheckedExpression) -> Mixture | None:
    """Return the first list or map of elements of several types."""
    return next(_mixtures(checked, checked.root), None)


def _mixtures(checked: CheckedExpression, expression: bytes) -> Iterator[Mixture]:
    node = node_of(expression)
    if node.kind == CALL and _EXEMPT in texts(node.body, _FUNCTION):
        return
    for elements in _aggregates(node):
        yield from _mixed(checked, elements)
    for child in children(node):
        yield from _mixtures(checked, child)


def _aggregates(node: Node) -> Iterator[Sequence[tuple[bytes, bool]]]:
    """Yield elements that must be of one type, each with whether it is optional."""
    if node.kind == LIST:
        optional = _optional_indices(node.body)
        elements = messages(node.body, _ELEMENTS)
        yield [(element, i in optional) for i, element in enumerate(elements)]
    elif node.kind == STRUCT and not texts(node.body, _MESSAGE_NAME):
        entries = messages(node.body, _ENTRIES)
        yield [(messages(entry, _MAP_KEY)[0], False) for entry in entries]
        yield [
            (messages(entry, _MAP_VALUE)[0], bool(numbers(entry, _OPTIONAL_ENTRY)))
            for entry in entries
        ]


def _optional_indices(body: bytes) -> frozenset[int]:
    # Packed, and none of them needs a second byte: 32 levels hold no more elements
    # than the source has characters, so read them as the numbers that they are.
    found = list(numbers(body, _OPTIONAL_INDICES))
    for packed in messages(body, _OPTIONAL_INDICES):
        found.extend(_unpacked(packed))
    return frozenset(found)


def _unpacked(packed: bytes) -> Iterator[int]:
    value = shift = 0
    for byte in packed:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:  # noqa: PLR2004 - the last byte of a number
            yield value
            value = shift = 0


def _mixed(
    checked: CheckedExpression, elements: Sequence[tuple[bytes, bool]]
) -> Iterator[Mixture]:
    expected: CelType | None = None
    for element, is_optional in elements:
        found = checked.type_of(element)
        if is_optional and found.parameters:
            found = found.parameters[0]
        if expected is not None and found != expected:
            yield Mixture(checked.position_of(element), expected, found)
            return
        expected = found
